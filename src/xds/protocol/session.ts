// One stream: its subscriptions, and the order in which they are served.
// Must not: do I/O.

import type { Reference } from '../../snapshot/resource.ts';
import { PUSH_ORDER, shortName, TYPE } from '../../snapshot/resource-types.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import type { TypeSnapshot } from '../../snapshot/type-snapshot.ts';
import { type TypeStatus, XdsError } from '../stream-status.ts';
import { type Answer, open, receive } from '../subscription/handle-request.ts';
import { lostResources, RejectedResources } from '../subscription/rejected-resources.ts';
import { retainedBytes } from '../subscription/retained-bytes.ts';
import {
  forceNames,
  forceResend,
  invalidateReported,
  isAsked,
  type Pending,
  reread,
  retried,
} from '../subscription/subscription.ts';
import type { NodeClaims, XdsRequest } from '../wire/messages.ts';
import { type Outgoing, takesTtl, type Variant } from '../wire/messages.ts';
import { randomMark, sequentialNonces } from '../wire/nonces.ts';
import { heartbeats, nextHeartbeat } from './heartbeats.ts';
import { listenersDue } from './internal-listeners.ts';
import { LaterResends } from './later-resends.ts';
import { awaitsBurst, isHeld, mayRemove, neededAgain, waitsUntil } from './ordering.ts';
import { Recoveries, retryAt } from './resending.ts';
import { isIdle, next } from './step.ts';
import { type Entry, type Handled, newEntry, rebuildCost, scanCost, statusOf } from './type-state.ts';

export type { Outgoing };

export interface SessionLimits {
  /** Names that one stream may subscribe to, of one type. */
  readonly names: number;
}

/** The properties of a client that determine what it can be sent. */
export type ClientTraits = Pick<NodeClaims, 'clientFeatures' | 'isEnvoy'>;

const UNKNOWN_CLIENT: ClientTraits = { clientFeatures: [], isEnvoy: false };
const NOTHING: readonly never[] = [];

export class Session {
  private readonly variant: Variant;
  private readonly limits: SessionLimits;
  private readonly entries = new Map<string, Entry>();
  private readonly laterResends = new LaterResends();
  /** In push order. */
  private inOrder: readonly Entry[] = [];
  /** When the current step began, or the last one. */
  private now = Number.NEGATIVE_INFINITY;
  private snapshot: Snapshot | undefined;
  /** Set for a returning client, which reports what it has of some type. */
  private mark: string | undefined;
  private readonly rejected: RejectedResources;
  private readonly recoveries = new Recoveries();
  /** How many names were looked through since the last request began. */
  private scanned = 0;
  private readonly takesTtl: boolean;
  private readonly isEnvoy: boolean;
  private readonly nonce: () => string;

  /** `nonce` makes nonces, each unique on the stream (rule 14); all streams of a server share `rejected`. */
  constructor(
    variant: Variant,
    snapshot: Snapshot | undefined,
    limits: SessionLimits,
    node: ClientTraits = UNKNOWN_CLIENT,
    nonce: () => string = sequentialNonces(),
    rejected: RejectedResources = new RejectedResources(),
  ) {
    this.rejected = rejected;
    this.nonce = nonce;
    this.variant = variant;
    this.takesTtl = takesTtl(variant, node.clientFeatures);
    this.isEnvoy = node.isEnvoy;
    this.snapshot = snapshot;
    this.limits = limits;
  }

  /**
   * Handles one request. Errors: XdsError for what the protocol or the limits forbid. `scanned` is how many names were looked
   * through: a short request may cause much work, and a long one little, if it answers a response and repeats its list.
   */
  request(typeUrl: string, request: XdsRequest, now: number): Handled {
    if (typeUrl === '') throw new XdsError('INVALID_ARGUMENT', 'a request without a type');
    // Rule 3: a type that is not served is never answered, and does not disturb the others.
    if (!PUSH_ORDER.includes(typeUrl)) return { answer: undefined, replies: [], scanned: 0 };
    const entry = this.entries.get(typeUrl);
    this.scanned = 0;
    let answer: Answer;
    if (entry === undefined) this.subscribe(typeUrl, request, now);
    else {
      const received = receive(entry.state, request);
      if (received.state !== entry.state) this.scanned += rebuildCost(entry.state, received.state);
      entry.state = received.state;
      answer = received.answer;
      if (answer !== undefined) this.onAnswer(entry, received.responses, answer, now);
    }
    if (answer === undefined || !request.repeatsNames) this.scanned += namesIn(request);
    const names = this.entries.get(typeUrl)?.state.names.size ?? 0;
    if (names > this.limits.names) {
      throw new XdsError(
        'RESOURCE_EXHAUSTED',
        `${names} names of ${shortName(typeUrl)}, more than ${this.limits.names}`,
      );
    }
    const sentAt = entry?.sentAt;
    const replies = this.pump(now);
    return { answer, replies, scanned: this.scanned, sentAt };
  }

  private subscribe(typeUrl: string, request: XdsRequest, now: number): void {
    if (request.initialVersions.size > 0 || request.versionInfo !== '') this.mark ??= randomMark();
    const state = invalidateReported(
      open(this.variant, typeUrl, request, this.snapshot?.types.get(typeUrl), this.mark),
      this.laterResends.of(typeUrl),
    );
    const entry: Entry = newEntry(state, now, {
      mayRemove: () => this.snapshot !== undefined && mayRemove(this.entries, entry, this.snapshot, this.now),
      isHeld: () => this.snapshot !== undefined && isHeld(this.entries, typeUrl, this.snapshot, this.now),
      rejected: this.rejected,
      nonce: this.nonce,
      form: this.takesTtl ? 'ttl' : 'resource',
    });
    this.entries.set(typeUrl, entry);
    this.inOrder = PUSH_ORDER.flatMap((type) => this.entries.get(type) ?? []);
  }

  private onAnswer(entry: Entry, responses: readonly Pending[], answer: 'ack' | 'nack', now: number): void {
    if (answer === 'nack') entry.nackedAt = now;
    else entry.ackedAt = now;
    this.rejected.answered(this.variant, entry.typeUrl, responses, answer);
    if (answer === 'nack' && this.isEnvoy) {
      const lost = lostResources(entry.typeUrl, responses.at(-1));
      if (lost.length > 0) entry.state = forceNames(entry.state, lost);
    }
    const next = retryAt(entry, answer, now);
    entry.retryAt = next.retryAt;
    entry.attempts = next.attempts;
    if (this.snapshot === undefined) return;
    const { typeUrl: type, state } = entry;
    const again = this.recoveries.answered({ typeUrl: type, state, responses, answer }, this.inOrder, this.snapshot);
    for (const { typeUrl, names } of again) {
      const target = this.entries.get(typeUrl);
      if (target !== undefined) target.state = reread(target.state, names);
    }
  }

  update(snapshot: Snapshot, now: number): readonly Outgoing[] {
    this.snapshot = snapshot;
    return this.pump(now);
  }

  /** Sends rejected resources once more. Rule 18 parks them; an operator who removed the cause asks for them. */
  retry(now: number): readonly Outgoing[] {
    for (const entry of this.entries.values()) entry.state = retried(entry.state);
    return this.pump(now);
  }

  /** Sends the responses that are due because time has passed. */
  tick(now: number): readonly Outgoing[] {
    for (const entry of this.inOrder) {
      if (entry.retryAt === undefined || now < entry.retryAt) continue;
      entry.retryAt = undefined;
      entry.state = retried(entry.state, ({ isTransient }) => isTransient);
    }
    return [...this.pump(now), ...(this.takesTtl ? heartbeats(this.entries.values(), now, this.nonce) : NOTHING)];
  }

  /** When to call `tick` next (milliseconds), if some wait ends then. */
  wakeAt(): number | undefined {
    let at = Number.POSITIVE_INFINITY;
    for (const entry of this.inOrder) {
      const until = waitsUntil(this.entries, entry, this.snapshot);
      // A wait that was over at the last step now depends on the client's answer; waking up for it again would never end.
      const again = entry.retryAt ?? Number.POSITIVE_INFINITY;
      at = Math.min(
        at,
        until > this.now ? until : Number.POSITIVE_INFINITY,
        this.takesTtl ? nextHeartbeat(entry) : Number.POSITIVE_INFINITY,
        again,
      );
    }
    return at === Number.POSITIVE_INFINITY ? undefined : at;
  }

  /** About how many bytes are retained of what the client sent. */
  get retainedBytes(): number {
    let bytes = 0;
    for (const { state } of this.inOrder) bytes += retainedBytes(state);
    return bytes;
  }

  status(): readonly TypeStatus[] {
    return PUSH_ORDER.flatMap((typeUrl) => {
      const entry = this.entries.get(typeUrl);
      return entry === undefined ? [] : [statusOf(entry, this.snapshot?.types.get(typeUrl))];
    });
  }

  private pump(now: number): readonly Outgoing[] {
    const { snapshot, inOrder } = this;
    // Rule 31: nothing is sent before there is a snapshot; an empty state would delete everything.
    if (snapshot === undefined) return NOTHING;
    this.now = now;
    let out: Outgoing[] | undefined;
    let isMoreDue = false;
    for (const entry of inOrder) out = this.turn(entry, snapshot, out);
    for (const { state } of inOrder) isMoreDue ||= state.pendingRemovals.size > 0 || isAsked(state);
    if (!isMoreDue) return out ?? NOTHING;
    // Types that waited may be sent now, in the order of removals (referrers first), and so may resources forced meanwhile.
    for (let index = inOrder.length - 1; index >= 0; index -= 1) {
      const entry = inOrder[index];
      if (entry === undefined) continue;
      if (entry.state.pendingRemovals.size > 0 || isAsked(entry.state)) out = this.turn(entry, snapshot, out);
    }
    return out ?? NOTHING;
  }

  /** Steps one subscription; returns `out` with its replies, and makes it when there are any. */
  private turn(entry: Entry, snapshot: Snapshot, out: Outgoing[] | undefined): Outgoing[] | undefined {
    const current = this.target(entry, snapshot);
    if (current === undefined || isIdle(entry.state, current) || this.isStillIdle(entry, current)) return out;
    if (awaitsBurst(this.entries, entry, snapshot, this.now)) return out;
    const before = entry.state;
    this.scanned += scanCost(before);
    const { state, replies } = next(entry.state, current, entry.turn);
    entry.state = state;
    entry.removalsPendingSince =
      state.pendingRemovals.size === 0 ? undefined : (entry.removalsPendingSince ?? this.now);
    if (replies.length === 0) {
      // A subscription that waits for other types was not evaluated, and is not idle.
      entry.idleState = state === before ? undefined : state;
      entry.idleSnapshot = current;
      return out;
    }
    entry.sentAt = this.now;
    this.recoveries.sent(entry);
    if (this.variant === 'delta') {
      for (const { resources } of replies) this.resendReferenced(neededAgain(before, resources));
    }
    const all = out ?? [];
    all.push(...replies);
    return all;
  }

  /** The state of its type to send next. */
  private target({ typeUrl, state }: Entry, snapshot: Snapshot): TypeSnapshot | undefined {
    if (typeUrl !== TYPE.listener) return snapshot.types.get(typeUrl);
    return listenersDue(state, this.entries.get(TYPE.route)?.state, snapshot);
  }

  /** Whether nothing was due, and nothing changed since; then only pending removals may become due. */
  private isStillIdle({ state, idleState, idleSnapshot, turn }: Entry, current: TypeSnapshot): boolean {
    return idleState === state && idleSnapshot === current && (state.pendingRemovals.size === 0 || !turn.mayRemove());
  }

  private resendReferenced(references: readonly Reference[]): void {
    const byType = new Map<string, Set<string>>();
    for (const { typeUrl, name } of references) byType.set(typeUrl, (byType.get(typeUrl) ?? new Set()).add(name));
    for (const [typeUrl, names] of byType) {
      const target = this.entries.get(typeUrl);
      if (target !== undefined) target.state = forceResend(target.state, names);
      else this.laterResends.add(typeUrl, names, this.snapshot?.types.get(typeUrl));
    }
  }
}

function namesIn({ names, subscribe, unsubscribe, initialVersions }: XdsRequest): number {
  return names.length + subscribe.length + unsubscribe.length + initialVersions.size;
}
