// What a stream is due of one type, name by name, after the rules of CONTRIBUTING.md, without regard to speed. It divides the
// protocol as the server does (forced names, pending removals, rejected names), so it finds mistakes of the server, but no
// misreading that both share. The independent check is `converged` in model.test.ts.
// Must not: share code with src/xds, or look at other types.

import type { Resource } from '../../../src/snapshot/resource.ts';
import type { TypeSnapshot } from '../../../src/snapshot/type-snapshot.ts';
import type { Outgoing, Variant } from '../../../src/xds/wire/messages.ts';
import type { Kind } from '../fixtures.ts';

/** A response in flight. */
export interface Flight {
  readonly reply: Outgoing;
  /** The names of the resources that the client has in no version; undefined: unknown. */
  readonly addedNames: readonly string[] | undefined;
  /** The names of the resources that replace another version. */
  readonly replacedNames: readonly string[];
}

/** The content of the response that is due. */
export interface Due {
  readonly send: ReadonlySet<string>;
  /** Requested names that do not exist: answered at once (delta). */
  readonly missing: ReadonlySet<string>;
  /** Resources that the client has, or may have, and that are removed once nothing refers to them; undefined: of another stream. */
  readonly gone: ReadonlyMap<string, Resource | undefined>;
  /** Whether a response is due even without the removals. */
  readonly isDue: boolean;
  /** The names in `send` that the client does not have, or has in another version. */
  readonly changed: ReadonlySet<string>;
}

export class Ledger {
  readonly kind: Kind;
  readonly variant: Variant;
  readonly openedAt: number;
  wildcard = false;
  everNamed = false;
  names: ReadonlySet<string> = new Set();
  /** The resources that the client has, within its subscription, once it accepts what is in flight; undefined: none was sent yet. */
  sentState: ReadonlyMap<string, Resource> | undefined;
  sentStateVersion: string | undefined;
  reportedVersions: ReadonlyMap<string, string> = new Map();
  isReturning = false;
  /** Sent whatever the client has. */
  forcedNames = new Set<string>();
  /** Subscribed names that the client also reported: sent only if its version differs (rule 38). */
  reportedAgain: ReadonlySet<string> = new Set();
  forceAll = false;
  mustRespond = false;
  pendingRemovals: ReadonlyMap<string, Resource | undefined> = new Map();
  removalsPendingSince: number | undefined;
  /** Names that the client rejected and has not accepted since, with the rejected version, or `removed`. */
  rejected: ReadonlyMap<string, string> = new Map();
  isRejected = false;
  flight: readonly Flight[] = [];
  lastNonce = '';
  sentAt = 0;

  constructor(kind: Kind, variant: Variant, openedAt: number) {
    this.kind = kind;
    this.variant = variant;
    this.openedAt = openedAt;
  }

  /** SotW LDS and CDS (rules 26, 31). */
  get isFull(): boolean {
    return this.variant === 'sotw' && (this.kind === 'cluster' || this.kind === 'listener');
  }

  /** Whether the client requested the response that is due (rule 58). */
  get isAsked(): boolean {
    return this.forcedNames.size > 0 || this.reportedAgain.size > 0 || this.forceAll || this.mustRespond;
  }

  covers(name: string): boolean {
    return this.wildcard || this.names.has(name);
  }

  openSotw(list: readonly string[], versionInfo: string, current: TypeSnapshot | undefined): void {
    this.changeSotw(list, true);
    // Rule 23.
    if (this.isFull && this.wildcard && versionInfo === current?.version) {
      [this.sentState, this.sentStateVersion] = [named(current), current.version];
      this.forcedNames.clear();
      this.forceAll = false;
    } else this.mustRespond = this.wildcard || this.isFull;
  }

  changeSotw(list: readonly string[], isFirst = false): 'same' | 'other' {
    this.everNamed ||= list.length > 0;
    const wildcard =
      list.includes('*') || (list.length === 0 && !this.everNamed && (this.wildcard || (isFirst && this.isFull)));
    const names = new Set(list.filter((name) => name !== '*'));
    const added = [...names].filter((name) => !this.names.has(name));
    const isSame = wildcard === this.wildcard && added.length === 0 && names.size === this.names.size;
    // Rules 27, 29.
    this.forcedNames = new Set([...[...this.forcedNames].filter((name) => wildcard || names.has(name)), ...added]);
    if (wildcard && !this.wildcard) this.forceAll = true;
    [this.wildcard, this.names] = [wildcard, names];
    return isSame ? 'same' : 'other';
  }

  /** `needed` are names that a cluster of this stream waits for, and that the client does not request again. */
  openDelta(
    subscribe: readonly string[],
    unsubscribe: readonly string[],
    reportedVersions: ReadonlyMap<string, string>,
    needed: ReadonlySet<string>,
  ): void {
    // Rule 37.
    const list = subscribe.length === 0 && unsubscribe.length === 0 ? ['*'] : subscribe;
    this.changeDelta(list, unsubscribe);
    this.isReturning = reportedVersions.size > 0;
    // What it reports and does not subscribe to, it keeps no longer.
    this.reportedVersions = new Map(
      [...reportedVersions]
        .filter(([name]) => this.covers(name))
        .map(([name, version]) => [name, needed.has(name) ? 'none' : version]),
    );
    const isKnown = (name: string) => reportedVersions.has(name) && !needed.has(name);
    this.reportedAgain = new Set([...this.forcedNames].filter(isKnown));
    this.forcedNames = new Set([...this.forcedNames].filter((name) => !isKnown(name)));
    this.mustRespond = this.wildcard && reportedVersions.size === 0;
  }

  changeDelta(subscribe: readonly string[], unsubscribe: readonly string[]): void {
    if (subscribe.length + unsubscribe.length === 0) return;
    const before = this.wildcard;
    const names = new Set(this.names);
    for (const name of subscribe) if (name !== '*') names.add(name);
    for (const name of unsubscribe) names.delete(name);
    if (subscribe.includes('*')) this.wildcard = true;
    if (unsubscribe.includes('*')) this.wildcard = false;
    this.names = names;
    if (this.wildcard && !before) this.forceAll = true;
    if (!this.wildcard) this.forceAll = false;
    // Rules 40, 43, 45.
    for (const name of subscribe) if (name !== '*') this.forcedNames.add(name);
    for (const name of unsubscribe) if (name !== '*' && this.wildcard) this.forcedNames.add(name);
    this.forcedNames = new Set([...this.forcedNames].filter((name) => this.covers(name)));
    this.reportedAgain = new Set([...this.reportedAgain].filter((name) => this.covers(name)));
    // A name that it unsubscribes from, or subscribes to again, no longer counts as reported.
    const isNamed = (name: string) => subscribe.includes(name) || unsubscribe.includes(name);
    this.reportedVersions = new Map([...this.reportedVersions].filter(([name]) => this.covers(name) && !isNamed(name)));
  }

  /** Whether a response in flight adds a resource to which the client subscribes. */
  get addsResources(): boolean {
    return this.flight.some(({ reply, addedNames }) =>
      addedNames === undefined ? reply.resources.length > 0 : addedNames.some((name) => this.covers(name)),
    );
  }

  /**
   * ACK or NACK of a response in flight; any other nonce is neither (rule 20). Returns the names whose version was replaced.
   */
  answered(nonce: string, isNack: boolean): readonly string[] {
    const at = this.flight.findIndex(({ reply }) => reply.nonce === nonce);
    if (at < 0) return [];
    // A SotW client answers in order, so a later answer also answers the earlier responses.
    const answered = this.flight.filter((_, index) => index === at || (this.variant === 'sotw' && index < at));
    this.flight = this.flight.filter((flight) => !answered.includes(flight));
    const rejected = new Map(this.rejected);
    for (const { reply } of answered) {
      const isRejected = isNack && reply.nonce === nonce;
      for (const { name, version } of reply.resources) {
        if (isRejected) rejected.set(name, version);
        // Rule 47: the same secret acknowledged after it was rejected proves nothing.
        else if (this.kind !== 'secret' || rejected.get(name) !== version) rejected.delete(name);
      }
      for (const name of reply.removed) {
        if (isRejected) rejected.set(name, 'removed');
        else rejected.delete(name);
      }
    }
    if (!isNack && this.isFull) rejected.clear();
    this.rejected = rejected;
    if (isNack) this.isRejected = true;
    else if (this.flight.length === 0 && rejected.size === 0) this.isRejected = false;
    return answered.flatMap(({ replacedNames }) => replacedNames);
  }

  private get inFlight(): ReadonlySet<string> {
    return new Set(this.flight.flatMap(({ reply }) => [...reply.resources.map(nameOf), ...reply.removed]));
  }

  /** Whether the client rejected it, and it is not in flight again. */
  isParked(name: string): boolean {
    return this.rejected.has(name) && !this.inFlight.has(name);
  }

  /** Sends all rejected names, or some of them, once more, if they are not in flight already. */
  retried(only?: (name: string) => boolean): void {
    const isMeant = only ?? (() => true);
    if (!this.isRejected) return;
    if (only !== undefined && ![...this.rejected.keys()].some(only)) return;
    // Who no longer subscribes to anything has rejected nothing.
    if (!this.wildcard && this.names.size === 0) return;
    if (this.isFull || this.rejected.size === 0) this.mustRespond ||= this.flight.length === 0;
    else
      for (const name of this.rejected.keys())
        if (this.covers(name) && this.isParked(name) && isMeant(name)) this.forcedNames.add(name);
  }

  due(current: TypeSnapshot): Due {
    const there = [...current.resources.keys()].filter((name) => this.covers(name));
    const isThere = (name: string) => current.resources.has(name);
    const { sentState } = this;
    const differs = (name: string) => sentState?.get(name)?.version !== current.resources.get(name)?.version;
    const changed = sentState === undefined ? [] : there.filter(differs);
    const lost = [...(sentState?.values() ?? [])].filter(({ name }) => this.covers(name) && !isThere(name));
    // Rules 18, 47.
    const again = changed.length + lost.length > 0 ? [...this.rejected.keys()].filter((name) => this.covers(name)) : [];
    const replacesContent = (name: string) => this.reportedVersions.get(name) !== current.resources.get(name)?.version;
    const all = this.forceAll ? there.filter((name) => sentState !== undefined || replacesContent(name)) : [];
    const reportedAgain = [...this.reportedAgain].filter(replacesContent);
    const send = new Set([...changed, ...again, ...this.forcedNames, ...all, ...reportedAgain].filter(isThere));
    const missing = new Set(
      [...this.forcedNames, ...this.reportedAgain].filter((name) => this.variant === 'delta' && !isThere(name)),
    );
    const gone = new Map([...this.pendingRemovals].filter(([name]) => this.covers(name) && !isThere(name)));
    for (const resource of lost) gone.set(resource.name, resource);
    // Rule 38.
    for (const name of this.reportedVersions.keys()) if (this.covers(name) && !isThere(name)) gone.set(name, undefined);
    if (this.variant === 'delta') for (const name of again) if (!isThere(name)) gone.set(name, undefined);
    for (const name of missing) gone.delete(name);
    if (this.variant === 'sotw' && !this.isFull) gone.clear();
    const isDue = this.isFull
      ? this.isAsked || changed.length > 0
      : send.size + missing.size > 0 || (this.variant === 'delta' && this.mustRespond);
    return {
      send: this.isFull ? new Set(there) : send,
      missing,
      gone,
      isDue,
      changed: new Set([...changed, ...(this.isFull ? [] : again.filter(isThere))]),
    };
  }

  /** Records one response, in one or more parts; `removesGone`: whether it includes the removals. */
  sent(replies: readonly Outgoing[], { gone }: Due, removesGone: boolean, current: TypeSnapshot, now: number): void {
    const { sentState } = this;
    const isUnknown = sentState === undefined || this.rejected.size > 0;
    const addedNames = isUnknown ? undefined : [...current.resources.keys()].filter((name) => !sentState.has(name));
    this.flight = replies.map((reply) => ({
      reply,
      addedNames,
      replacedNames: reply.resources.flatMap(({ name, version }) => {
        const had = sentState?.get(name)?.version;
        return had !== undefined && had !== version ? [name] : [];
      }),
    }));
    this.lastNonce = replies.at(-1)?.nonce ?? '';
    this.sentAt = now;
    const isPendingRemoval = (name: string) => !removesGone && gone.has(name);
    const stays = (name: string) =>
      this.isFull ||
      (!isPendingRemoval(name) && this.covers(name) && (this.variant === 'delta' || current.resources.has(name)));
    this.rejected = new Map([...this.rejected].filter(([name]) => stays(name)));
    this.advance(gone, removesGone, current, now);
  }

  /** Whether a rejection still applies, although no response is due. */
  keepsRejection({ gone }: Due, current: TypeSnapshot): boolean {
    if (!this.isRejected || !(this.wildcard || this.names.size > 0)) return false;
    if (this.isFull || this.rejected.size === 0) return true;
    const isSame = this.sentStateVersion === current.version;
    // A SotW stream does not mention a removed resource; on a delta stream its removal is due.
    const isWanted = (name: string): boolean =>
      isSame || current.resources.has(name) || (this.variant === 'delta' && !gone.has(name));
    return [...this.rejected.keys()].some((name) => this.covers(name) && isWanted(name));
  }

  /** Records that no response was due. */
  nothingSent(due: Due, current: TypeSnapshot, now: number): void {
    if (!this.keepsRejection(due, current)) [this.isRejected, this.rejected] = [false, new Map()];
    this.advance(due.gone, false, current, now);
  }

  private advance(gone: Due['gone'], removesGone: boolean, current: TypeSnapshot, now: number): void {
    this.sentState = named(current);
    this.sentStateVersion = current.version;
    this.reportedVersions = new Map();
    this.forcedNames = new Set();
    this.reportedAgain = new Set();
    this.forceAll = false;
    this.mustRespond = false;
    this.pendingRemovals = removesGone ? new Map() : gone;
    this.removalsPendingSince = this.pendingRemovals.size === 0 ? undefined : (this.removalsPendingSince ?? now);
  }
}

function named({ resources }: TypeSnapshot): ReadonlyMap<string, Resource> {
  return new Map([...resources.values()].map((resource) => [resource.name, resource]));
}

function nameOf({ name }: Resource): string {
  return name;
}
