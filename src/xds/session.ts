// One stream: its subscriptions, and the order in which they are served.
// In: requests, snapshots, the time. Out: replies in the order in which they go on the wire. Must not: do I/O.

import { diff } from '../snapshot/diff.ts';
import type { Reference } from '../snapshot/references.ts';
import type { Resource } from '../snapshot/resource.ts';
import type { Snapshot, TypeSnapshot } from '../snapshot/snapshot.ts';
import { PUSH_ORDER, REFERRERS, shortName, TYPE } from '../snapshot/types.ts';
import { covers } from './due.ts';
import { heartbeat, heartbeatEvery, takesTtl } from './heartbeat.ts';
import type { XdsRequest } from './request.ts';
import { type TypeStatus, XdsError } from './status.ts';
import {
  type Answer,
  isAsked,
  isSettled,
  open,
  receive,
  retried,
  type Subscription,
  touch,
  type Variant,
} from './subscription.ts';
import { next, type Outgoing } from './turn.ts';

export type { Outgoing };

export interface SessionLimits {
  /** Names that one stream may subscribe to, of one type. */
  readonly names: number;
}

/** How long routes wait for new clusters to be acknowledged: a revocation in the same change must not wait for a slow one. */
const HOLD_MS = 1000;
/** How long a removal waits for those that point there. A client that never answers does not keep it for ever. */
const LINGER_MS = 30_000;
/**
 * How long a client that still has what is gone is given to subscribe to what may point there: one that reconnects sends
 * all its subscriptions in one burst, CDS first.
 */
const BURST_MS = 20;

interface Entry {
  state: Subscription;
  readonly openedAt: number;
  /** When the last heartbeat was sent. */
  heardAt: number;
  /** When the response in flight was sent, and since when something lingers. */
  sentAt: number;
  lingersSince: number | undefined;
  nackedAt: number;
}

export class Session {
  private readonly variant: Variant;
  private readonly limits: SessionLimits;
  private readonly entries = new Map<string, Entry>();
  private snapshot: Snapshot | undefined;
  private readonly takesTtl: boolean;
  private nonces = 0;

  /** `features` are those that the client's node names. */
  constructor(
    variant: Variant,
    snapshot: Snapshot | undefined,
    limits: SessionLimits,
    features: readonly string[] = [],
  ) {
    this.variant = variant;
    this.takesTtl = takesTtl(variant, features);
    this.snapshot = snapshot;
    this.limits = limits;
  }

  /** Takes in one request. Errors: XdsError for what the protocol or the limits forbid. */
  request(
    typeUrl: string,
    request: XdsRequest,
    now: number,
  ): { readonly answer: Answer; readonly replies: readonly Outgoing[] } {
    if (typeUrl === '') throw new XdsError('INVALID_ARGUMENT', 'a request without a type');
    // Rule 3: a type that is not served leaves the others alone; it is never answered.
    if (!PUSH_ORDER.includes(typeUrl)) return { answer: undefined, replies: [] };
    const entry = this.entries.get(typeUrl);
    let answer: Answer;
    if (entry === undefined) {
      const state = open(this.variant, typeUrl, request, this.snapshot?.types.get(typeUrl));
      this.entries.set(typeUrl, {
        state,
        openedAt: now,
        heardAt: now,
        sentAt: now,
        lingersSince: undefined,
        nackedAt: 0,
      });
    } else {
      const received = receive(entry.state, request);
      entry.state = received.state;
      answer = received.answer;
      if (answer === 'nack') entry.nackedAt = now;
    }
    const names = this.entries.get(typeUrl)?.state.names.size ?? 0;
    if (names > this.limits.names) {
      throw new XdsError(
        'RESOURCE_EXHAUSTED',
        `${names} names of ${shortName(typeUrl)}, more than ${this.limits.names}`,
      );
    }
    return { answer, replies: this.pump(now) };
  }

  update(snapshot: Snapshot, now: number): readonly Outgoing[] {
    this.snapshot = snapshot;
    return this.pump(now);
  }

  /** Sends what was rejected once more: the cause may be gone, and an operator asks for it (rule 18 parks it till then). */
  retry(now: number): readonly Outgoing[] {
    for (const entry of this.entries.values()) entry.state = retried(entry.state);
    return this.pump(now);
  }

  /** What has become due by the passing of time alone. */
  tick(now: number): readonly Outgoing[] {
    return [...this.pump(now), ...this.heartbeats(now)];
  }

  /** When `tick` should be called next (milliseconds), if waiting ends something. */
  wakeAt(): number | undefined {
    let at = Number.POSITIVE_INFINITY;
    for (const [typeUrl, entry] of this.entries) {
      if (typeUrl === TYPE.cluster && addsClusters(entry.state)) at = Math.min(at, entry.sentAt + HOLD_MS);
      if (entry.lingersSince !== undefined) at = Math.min(at, entry.lingersSince + LINGER_MS);
      else if (this.awaitsBurst(typeUrl, entry, entry.openedAt)) at = Math.min(at, entry.openedAt + BURST_MS);
      at = Math.min(at, this.heartbeatAt(entry));
    }
    return at === Number.POSITIVE_INFINITY ? undefined : at;
  }

  /** About how many bytes the names take that the client subscribed to. */
  nameWeight(): number {
    let weight = 0;
    for (const { state } of this.entries.values()) weight += state.names.weight;
    return weight;
  }

  private heartbeatAt({ state, heardAt }: Entry): number {
    const { base } = state;
    if (!this.takesTtl || base === undefined || heartbeat(state, base).length === 0) return Number.POSITIVE_INFINITY;
    return heardAt + heartbeatEvery(base);
  }

  private heartbeats(now: number): readonly Outgoing[] {
    return [...this.entries].flatMap(([typeUrl, entry]) => {
      const { base, sentVersion: version = '' } = entry.state;
      if (base === undefined || now < this.heartbeatAt(entry)) return [];
      entry.heardAt = now;
      const resources = heartbeat(entry.state, base);
      return [{ typeUrl, resources, removed: [], version, nonce: this.nonce(), form: 'heartbeat' }];
    });
  }

  status(): readonly TypeStatus[] {
    return PUSH_ORDER.flatMap((typeUrl) => {
      const entry = this.entries.get(typeUrl);
      return entry === undefined ? [] : [this.typeStatus(typeUrl, entry)];
    });
  }

  private typeStatus(typeUrl: string, { state, nackedAt }: Entry): TypeStatus {
    const current = this.snapshot?.types.get(typeUrl);
    const rejected = state.nack !== undefined;
    const settled = current !== undefined && isSettled(state, current);
    const sent = state.sentVersion !== undefined;
    return {
      type: shortName(typeUrl),
      state: rejected ? 'NACKED' : !sent ? 'NOT SENT' : settled ? 'SYNCED' : 'STALE',
      ...(state.sentVersion !== undefined && { sentVersion: state.sentVersion }),
      ...(state.ackedVersion !== undefined && { ackedVersion: state.ackedVersion }),
      ...(state.nack !== undefined && { nack: { ...state.nack, at: nackedAt } }),
    };
  }

  private pump(now: number): readonly Outgoing[] {
    const { snapshot } = this;
    // Rule 31: nothing is said before there is a state: an empty one would delete everything.
    if (snapshot === undefined) return [];
    const out: Outgoing[] = [];
    for (const typeUrl of PUSH_ORDER) {
      const entry = this.entries.get(typeUrl);
      const current = snapshot.types.get(typeUrl);
      if (entry !== undefined && current !== undefined) this.turn(typeUrl, entry, current, now, out);
    }
    // What waited for others may go now, in the order of removals: what points first; and what was touched meanwhile.
    for (const typeUrl of [...PUSH_ORDER].reverse()) {
      const entry = this.entries.get(typeUrl);
      const current = snapshot.types.get(typeUrl);
      if (entry === undefined || current === undefined) continue;
      if (entry.state.lingering.size > 0 || isAsked(entry.state)) this.turn(typeUrl, entry, current, now, out);
    }
    return out;
  }

  private turn(typeUrl: string, entry: Entry, current: TypeSnapshot, now: number, out: Outgoing[]): void {
    if (this.awaitsBurst(typeUrl, entry, now)) return;
    const before = entry.state.base;
    const { state, replies } = next(entry.state, current, {
      mayRemove: () => this.mayRemove(typeUrl, entry, now),
      hold: this.isHeld(typeUrl, now),
      nonce: () => this.nonce(),
      form: this.takesTtl ? 'ttl' : 'resource',
    });
    entry.state = state;
    entry.lingersSince = state.lingering.size === 0 ? undefined : (entry.lingersSince ?? now);
    if (replies.length === 0) return;
    entry.sentAt = now;
    out.push(...replies);
    if (this.variant === 'delta') this.touchNeeds(before, current);
  }

  /** Rule 14: unique on the stream. */
  private nonce(): string {
    this.nonces += 1;
    return String(this.nonces);
  }

  /** Rule 51: what is gone is removed when everything that pointed there has been acknowledged without it. */
  private mayRemove(typeUrl: string, entry: Entry, now: number): boolean {
    if (entry.lingersSince !== undefined && now - entry.lingersSince >= LINGER_MS) return true;
    return this.referrers(typeUrl).every((other) => {
      const current = other && this.snapshot?.types.get(other.state.typeUrl);
      return other === undefined || current === undefined || isSettled(other.state, current);
    });
  }

  /** The subscriptions to the types that can point to this one; undefined for a type that was not subscribed to. */
  private referrers(typeUrl: string): readonly (Entry | undefined)[] {
    return (REFERRERS.get(typeUrl) ?? []).map((referrer) => this.entries.get(referrer));
  }

  /** Whether the client has, from an earlier stream, what is gone, and may just be about to say what it has that points there. */
  private awaitsBurst(typeUrl: string, { state, openedAt }: Entry, now: number): boolean {
    const { initial } = state;
    if (initial === undefined || now - openedAt >= BURST_MS) return false;
    const referrers = this.referrers(typeUrl);
    if (referrers.length === 0 || referrers.some((other) => other !== undefined)) return false;
    const current = this.snapshot?.types.get(typeUrl);
    return (
      current !== undefined && [...initial.keys()].some((name) => covers(state, name) && !current.resources.has(name))
    );
  }

  /** Rule 52: routes are not warmed, so those that lead to new clusters wait until these are acknowledged. */
  private isHeld(typeUrl: string, now: number): boolean {
    if (typeUrl !== TYPE.route && typeUrl !== TYPE.listener) return false;
    const clusters = this.entries.get(TYPE.cluster);
    if (clusters === undefined || clusters.state.pending.length === 0 || now - clusters.sentAt >= HOLD_MS) return false;
    if (addsClusters(clusters.state)) return true;
    // A change that is not even sent yet, because an earlier one is in flight.
    const current = this.snapshot?.types.get(TYPE.cluster);
    const { base } = clusters.state;
    return base !== undefined && current !== undefined && adds(base, current);
  }

  /**
   * Rules 54, 55: a delta client says nothing when a cluster or listener that it was sent needs endpoints or secrets that
   * it already has; it waits for them to be sent again.
   */
  private touchNeeds(before: TypeSnapshot | undefined, current: TypeSnapshot): void {
    if (before === undefined || before === current) return;
    for (const resource of diff(before, current).changed) {
      for (const reference of resource.references) {
        if (!needsPush(reference, before.resources.get(resource.name))) continue;
        const target = this.entries.get(reference.typeUrl);
        if (target !== undefined) target.state = touch(target.state, [reference.name]);
      }
    }
  }
}

/** Whether clusters are in flight that the client has not got yet. */
function addsClusters({ pending }: Subscription): boolean {
  return pending.some(({ from, to, resources }) => (from === undefined ? resources.length > 0 : adds(from, to)));
}

function adds(from: TypeSnapshot, to: TypeSnapshot): boolean {
  return diff(from, to).changed.some((resource) => !from.resources.has(resource.name));
}

function needsPush({ typeUrl, name, source }: Reference, before: Resource | undefined): boolean {
  if (typeUrl === TYPE.endpoint) return true;
  if (typeUrl !== TYPE.secret || before === undefined) return false;
  const known = before.references.find((reference) => reference.typeUrl === typeUrl && reference.name === name);
  return known !== undefined && known.source !== source;
}
