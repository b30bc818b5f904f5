// One stream's subscription to one type: a pure state machine. handle-request.ts has what requests do to it, response-set.ts
// what is sent. Rule numbers are those of CONTRIBUTING.md, "Protocol rules".
// Must not: do I/O, read a clock, or change a state in place.

import type { Resource } from '../../snapshot/resource.ts';
import { isFullState, TYPE } from '../../snapshot/resource-types.ts';
import type { TypeSnapshot } from '../../snapshot/type-snapshot.ts';
import type { Variant } from '../wire/messages.ts';
import { NameSet } from './name-set.ts';

/** A response that the client has not answered yet. */
export interface Pending {
  readonly nonce: string;
  readonly version: string;
  /** In case the client rejects it. */
  readonly resources: readonly Resource[];
  readonly removed: readonly string[];
  /** The state that the client had before, if it is known, and the state that it has once it accepts. */
  readonly from: TypeSnapshot | undefined;
  readonly to: TypeSnapshot;
  /** Whether one of its resources replaces a resource of other bytes. */
  readonly replacesContent: boolean;
}

/** A response and the client's answer; without a message, the client accepted. */
export interface Answered {
  readonly response: Pending;
  readonly message: string | undefined;
}

export interface Nack {
  readonly version: string;
  readonly message: string;
}

/** A rejected resource, or a rejected removal. */
export interface Rejection {
  /** The rejected version; undefined for a removal. */
  readonly version: string | undefined;
  /** Whether the cause may pass with time alone (transient-rejections.ts). */
  readonly isTransient: boolean;
  /** Whether the client must read the resource again although it is unchanged (resending.ts). */
  readonly isReread: boolean;
}

export interface Subscription {
  readonly variant: Variant;
  readonly typeUrl: string;
  readonly wildcard: boolean;
  /** Whether the client ever sent a name on this stream; from then on an empty list is not the legacy wildcard (rule 24). */
  readonly everNamed: boolean;
  readonly names: NameSet;
  /** The state of the type that the client has, within its subscription, once `pending` is acknowledged. */
  readonly sentState: TypeSnapshot | undefined;
  /** Sent at the next step, whatever the client has. */
  readonly forcedNames: NameSet;
  readonly forceAll: boolean;
  /** A response is due even if it is empty, because the client waits for one (rule 44). */
  readonly mustRespond: boolean;
  /** What the client reports that it has from an earlier stream (delta), until the first response. */
  readonly reportedVersions: ReadonlyMap<string, string> | undefined;
  /** For a client that had secrets on an earlier stream: the mark in the spelling of those sent on this stream (secret-facts.ts). */
  readonly mark: string | undefined;
  /** Resources that no longer exist, and that the client keeps until nothing refers to them. */
  readonly pendingRemovals: ReadonlyMap<string, Resource | undefined>;
  readonly pending: readonly Pending[];
  /** What the client rejected and has not accepted since, by name. Each goes in a response of its own (rule 47). */
  readonly rejected: ReadonlyMap<string, Rejection>;
  /** Answers that `rejected` does not include yet: it may be long, and is rebuilt once for all of them. */
  readonly answers: readonly Answered[];
  readonly lastNonce: string;
  readonly sentVersion: string | undefined;
  readonly ackedVersion: string | undefined;
  readonly nack: Nack | undefined;
}

export const NO_NAMES: ReadonlySet<string> = new Set();
export const NOTHING_REJECTED: ReadonlyMap<string, Rejection> = new Map();
export const NONE_PENDING: readonly Pending[] = [];
export const NO_ANSWERS: readonly Answered[] = [];
export const NO_REMOVALS: ReadonlyMap<string, Resource | undefined> = new Map();

export function blank(variant: Variant, typeUrl: string): Subscription {
  return {
    variant,
    typeUrl,
    wildcard: false,
    everNamed: false,
    names: NameSet.empty,
    sentState: undefined,
    forcedNames: NameSet.empty,
    forceAll: false,
    mustRespond: false,
    reportedVersions: undefined,
    mark: undefined,
    pendingRemovals: NO_REMOVALS,
    pending: NONE_PENDING,
    rejected: NOTHING_REJECTED,
    answers: NO_ANSWERS,
    lastNonce: '',
    sentVersion: undefined,
    ackedVersion: undefined,
    nack: undefined,
  };
}

/**
 * A copy of a state with some fields changed. Every field is written out, because object spread costs ten times as much once
 * it has met objects of several origins (measured: a third of the time of a request).
 */
export function evolve(state: Subscription, change: Partial<Subscription>): Subscription {
  const copy: Subscription = {
    variant: state.variant,
    typeUrl: state.typeUrl,
    wildcard: state.wildcard,
    everNamed: state.everNamed,
    names: state.names,
    sentState: state.sentState,
    forcedNames: state.forcedNames,
    forceAll: state.forceAll,
    mustRespond: state.mustRespond,
    reportedVersions: state.reportedVersions,
    mark: state.mark,
    pendingRemovals: state.pendingRemovals,
    pending: state.pending,
    rejected: state.rejected,
    answers: state.answers,
    lastNonce: state.lastNonce,
    sentVersion: state.sentVersion,
    ackedVersion: state.ackedVersion,
    nack: state.nack,
  };
  return Object.assign(copy, change);
}

/** A response that was sent, in one or several messages. */
export interface Sent {
  readonly pending: readonly Pending[];
  readonly version: string;
  readonly lastNonce: string;
  /** The names of resources that are due too, and are sent once `pending` is answered. */
  readonly deferred: readonly string[];
}

/**
 * The state once everything due is sent: the client has `sentState`, or will have it when it accepts `sent`. Every field is
 * written out as in `evolve`, because this is made for each response.
 */
export function advance(
  state: Subscription,
  sentState: TypeSnapshot,
  pendingRemovals: Subscription['pendingRemovals'],
  sent: Sent | undefined,
): Subscription {
  return {
    variant: state.variant,
    typeUrl: state.typeUrl,
    wildcard: state.wildcard,
    everNamed: state.everNamed,
    names: state.names,
    sentState,
    forcedNames: sent === undefined || sent.deferred.length === 0 ? NameSet.empty : NameSet.of(sent.deferred),
    forceAll: false,
    mustRespond: false,
    reportedVersions: undefined,
    mark: state.mark,
    pendingRemovals,
    pending: sent === undefined ? state.pending : sent.pending,
    rejected: sent === undefined ? state.rejected : stillRejected(state, sentState, pendingRemovals),
    answers: NO_ANSWERS,
    lastNonce: sent === undefined ? state.lastNonce : sent.lastNonce,
    sentVersion: sent === undefined ? state.sentVersion : sent.version,
    ackedVersion: state.ackedVersion,
    nack: state.nack,
  };
}

/**
 * The rejections that still apply once everything due is sent. A resource that is sent again stays rejected until it is
 * accepted. Pending removals are sent separately, and a SotW response of a partial type has no way to remove a resource.
 */
function stillRejected(
  { variant, typeUrl, rejected, wildcard, names }: Subscription,
  { resources }: TypeSnapshot,
  pendingRemovals: Subscription['pendingRemovals'],
): Subscription['rejected'] {
  if (rejected.size === 0 || (variant === 'sotw' && isFullState(typeUrl))) return rejected;
  const applies = (name: string): boolean =>
    (wildcard || names.has(name)) && !pendingRemovals.has(name) && (variant === 'delta' || resources.has(name));
  const kept = [...rejected].filter(([name]) => applies(name));
  return kept.length === rejected.size ? rejected : new Map(kept);
}

/** The names in a response. */
export function namesOf({ resources, removed }: Pending): readonly string[] {
  return [...resources.map((resource) => resource.name), ...removed];
}

export function subscribesToAny({ wildcard, names }: Subscription): boolean {
  return wildcard || names.size > 0;
}

/**
 * Forces what was rejected to be sent again, if it is still subscribed to and not in flight; `only` selects among the
 * rejections.
 */
export function retried(
  state: Subscription,
  only: (rejection: Rejection, name: string) => boolean = () => true,
): Subscription {
  // A client that no longer subscribes to anything has nothing to be sent.
  if (state.nack === undefined || !subscribesToAny(state)) return state;
  const isWhole = state.rejected.size === 0 || (isFullState(state.typeUrl) && state.variant === 'sotw');
  if (isWhole) {
    const isWanted =
      state.rejected.size === 0 || [...state.rejected].some(([name, rejection]) => only(rejection, name));
    return state.pending.length > 0 || !isWanted ? state : evolve(state, { mustRespond: true });
  }
  const sent = new Set(state.pending.flatMap(namesOf));
  const again = [...state.rejected].flatMap(([name, rejection]) =>
    (state.wildcard || state.names.has(name)) && !sent.has(name) && only(rejection, name) ? [name] : [],
  );
  return again.length === 0 ? state : evolve(state, { forcedNames: state.forcedNames.change(again, []) });
}

/** Forces rejected resources to be sent again in other bytes, unless other bytes are in flight already. */
export function reread(state: Subscription, names: ReadonlySet<string>): Subscription {
  const rejected = new Map(state.rejected);
  for (const [name, rejection] of state.rejected)
    if (names.has(name)) rejected.set(name, { ...rejection, isReread: true });
  const again = retried(evolve(state, { rejected }), (_, name) => names.has(name));
  if (state.typeUrl !== TYPE.secret) return again;
  const unread = state.pending.flatMap(({ resources }) =>
    resources.flatMap(({ name, version }) =>
      names.has(name) && rejected.get(name)?.version === version ? [name] : [],
    ),
  );
  return unread.length === 0 ? again : evolve(again, { forcedNames: again.forcedNames.change(unread, []) });
}

/** Forces these names to be sent, if they are subscribed to. */
export function forceNames(state: Subscription, names: Iterable<string>): Subscription {
  const more = [...names].filter((name) => (state.wildcard || state.names.has(name)) && !state.forcedNames.has(name));
  return more.length === 0 ? state : evolve(state, { forcedNames: state.forcedNames.change(more, []) });
}

/** The same, even if the client reported the current version from an earlier stream. */
export function forceResend(state: Subscription, names: ReadonlySet<string>): Subscription {
  return invalidateReported(forceNames(state, names), names);
}

/** Replaces the version that the client reported for these names with one that never matches. */
export function invalidateReported(state: Subscription, names: ReadonlySet<string>): Subscription {
  if (state.reportedVersions === undefined || names.size === 0) return state;
  const reportedVersions = new Map(
    [...state.reportedVersions].map(([name, version]) => [name, names.has(name) ? '' : version]),
  );
  return evolve(state, { reportedVersions });
}

/** Whether the client asked for what is due: such a response waits for nothing. */
export function isAsked(state: Subscription): boolean {
  return state.forceAll || state.mustRespond || state.forcedNames.size > 0;
}

/** Whether the client has this state and has accepted it. */
export function isSettled(state: Subscription, current: TypeSnapshot): boolean {
  return (
    state.pending.length === 0 &&
    state.nack === undefined &&
    !isAsked(state) &&
    (state.sentState ?? current) === current
  );
}
