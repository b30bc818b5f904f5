// The order between the types of one stream, after rules 51 to 56: which types wait, which removals wait, and what is sent again.
// Must not: share code with src/xds, or change a ledger.

import type { Resource } from '../../../src/snapshot/resource.ts';
import { TYPE } from '../../../src/snapshot/resource-types.ts';
import type { Snapshot } from '../../../src/snapshot/snapshot.ts';
import type { TypeSnapshot } from '../../../src/snapshot/type-snapshot.ts';
import { type Kind, kindOf } from '../fixtures.ts';
import type { Ledger } from './model-ledger.ts';

export const HOLD_MS = 1000;
export const REMOVAL_WAIT_MS = 30_000;
export const BURST_MS = 20;

/** The kinds that may refer to a kind. */
export const REFERRERS: Readonly<Record<Kind, readonly Kind[]>> = {
  cluster: ['route', 'listener'],
  endpoint: ['cluster'],
  secret: ['cluster', 'listener'],
  route: ['listener'],
  listener: [],
};

export class Order {
  private readonly ledgers: ReadonlyMap<Kind, Ledger>;
  private readonly snapshot: Snapshot;
  readonly now: number;

  constructor(ledgers: ReadonlyMap<Kind, Ledger>, snapshot: Snapshot, now: number) {
    this.ledgers = ledgers;
    this.snapshot = snapshot;
    this.now = now;
  }

  current(kind: Kind): TypeSnapshot {
    const current = this.snapshot.types.get(TYPE[kind]);
    if (current === undefined) throw new Error(`no ${kind}s at all`);
    return current;
  }

  /** Rule 52: until when this type waits for clusters that the client has not acknowledged; undefined: it does not. */
  heldUntil({ kind, isAsked }: Ledger): number | undefined {
    const clusters = this.ledgers.get('cluster');
    if ((kind !== 'route' && kind !== 'listener') || isAsked || clusters === undefined) return undefined;
    const until = clusters.sentAt + HOLD_MS;
    const { sentState } = clusters;
    const isMissing = (name: string) => sentState !== undefined && clusters.covers(name) && !sentState.has(name);
    const waits = clusters.addsResources || [...this.current('cluster').resources.keys()].some(isMissing);
    return clusters.flight.length > 0 && waits && this.now < until ? until : undefined;
  }

  /** Until when a returning delta client may still report resources that refer to removed ones. */
  burstUntil(ledger: Ledger): number | undefined {
    const { kind, reportedVersions, openedAt } = ledger;
    const until = openedAt + BURST_MS;
    const referrers = REFERRERS[kind];
    if (
      this.now >= until ||
      referrers.length === 0 ||
      referrers.some((other) => this.ledgers.has(other)) ||
      ledger.sentState
    )
      return undefined;
    const { resources } = this.current(kind);
    return [...reportedVersions.keys()].some((name) => ledger.covers(name) && !resources.has(name)) ? until : undefined;
  }

  /**
   * Rule 51: until when listeners that a returning client reports, and that are gone, stay for the routes that it has: they must stay
   * while it lacks the current routes, and may while routes are on the way.
   */
  keptUntil(listeners: Ledger, which: 'must' | 'may'): number | undefined {
    const { kind, reportedVersions, pendingRemovals, openedAt } = listeners;
    const isReported =
      reportedVersions.size > 0 ||
      [...pendingRemovals].some(([name, resource]) => resource === undefined && listeners.covers(name));
    if (kind !== 'listener' || !isReported) return undefined;
    const routes = this.ledgers.get('route');
    const until = openedAt + (routes === undefined ? BURST_MS : HOLD_MS);
    if (this.now >= until) return undefined;
    if (routes === undefined) return until;
    const { isDue, changed } = routes.due(this.current('route'));
    // Routes that it was sent already and asks for again, say nothing new of what it has.
    const lacksRoutes = routes.sentState === undefined ? isDue : changed.size > 0;
    return lacksRoutes || (which === 'may' && (isDue || routes.flight.length > 0)) ? until : undefined;
  }

  /** Rule 51: the kinds that may still refer to the removed resources of this type; none: the removals are sent. */
  openReferrers({ kind, removalsPendingSince }: Ledger): readonly Kind[] {
    if (removalsPendingSince !== undefined && this.now - removalsPendingSince >= REMOVAL_WAIT_MS) return [];
    return REFERRERS[kind].filter((referrer) => {
      const ledger = this.ledgers.get(referrer);
      if (ledger === undefined) return false;
      const current = this.current(referrer);
      const due = ledger.due(current);
      return due.isDue || due.gone.size > 0 || ledger.flight.length > 0 || ledger.keepsRejection(due, current);
    });
  }

  /** Rules 54 to 56: the resources that a delta client waits for once it has these, and does not request. */
  needed(ledger: Ledger, resources: readonly Resource[]): readonly { readonly kind: Kind; readonly name: string }[] {
    const { sentState, reportedVersions, rejected } = ledger;
    if (ledger.variant === 'sotw' || (sentState === undefined && !ledger.isReturning)) return [];
    return resources.flatMap((resource) => {
      const before = sentState?.get(resource.name);
      const had = before?.version ?? reportedVersions.get(resource.name);
      if (had === resource.version && !rejected.has(resource.name)) return [];
      return resource.references
        .filter(({ typeUrl, name, source }) => {
          if (typeUrl === TYPE.endpoint) return true;
          // The source that an earlier stream named is unknown.
          if (before === undefined) return typeUrl === TYPE.secret && had !== undefined;
          const known = before?.references.find((other) => other.typeUrl === typeUrl && other.name === name);
          return typeUrl === TYPE.secret && known !== undefined && known.source !== source;
        })
        .map(({ typeUrl, name }) => ({ kind: kindOf(typeUrl), name }));
    });
  }
}
