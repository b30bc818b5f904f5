// One stream's subscription to one type: the state of a pure state machine, (state, event) → (state, reply?).
// In: a state, what is different in the next. Out: states. What requests make of it: handle-request.ts; what is sent: response-set.ts.
// Must not: do I/O, read a clock, or change a state in place. Rule numbers are those of CONTRIBUTING.md, "Protocol rules".

import type { Resource } from '../../snapshot/resource.ts';
import type { TypeSnapshot } from '../../snapshot/type-snapshot.ts';
import { isFullState, TYPE } from '../../snapshot/types.ts';
import type { Variant } from '../wire/messages.ts';
import { NameSet } from './name-set.ts';

/** A response that the client has not answered yet. */
export interface Pending {
  readonly nonce: string;
  readonly version: string;
  /** What it carried, for the case that it is rejected. */
  readonly resources: readonly Resource[];
  readonly removed: readonly string[];
  /** What the client had before, if that is known, and has when it accepts. */
  readonly from: TypeSnapshot | undefined;
  readonly to: TypeSnapshot;
  /** Whether one of its resources replaces other bytes. */
  readonly replacesContent: boolean;
}

/** A response and what its client said of it; no message: it accepted. */
export interface Answered {
  readonly told: Pending;
  readonly message: string | undefined;
}

export interface Nack {
  readonly version: string;
  readonly message: string;
}

/** What of a resource was rejected. */
export interface Rejection {
  /** The version that was rejected; undefined: its removal. */
  readonly version: string | undefined;
  /** Whether time alone may cure the cause (transient-rejections.ts). */
  readonly isTransient: boolean;
  /** Whether the client has to read it again although it did not change (resending.ts). */
  readonly isReread: boolean;
}

export interface Subscription {
  readonly variant: Variant;
  readonly typeUrl: string;
  readonly wildcard: boolean;
  /** Whether a name was ever sent on this stream: from then on an empty list is not the legacy wildcard (rule 24). */
  readonly everNamed: boolean;
  readonly names: NameSet;
  /** The state of the type that the client has, within its subscription, once `pending` is acknowledged. */
  readonly sentState: TypeSnapshot | undefined;
  /** What is sent at the next turn whatever the client has. */
  readonly forcedNames: NameSet;
  readonly forceAll: boolean;
  /** A response is due even when it is empty: the client waits for one (rule 44). */
  readonly mustRespond: boolean;
  /** What the client said that it has from an earlier stream (delta), until the first response. */
  readonly reportedVersions: ReadonlyMap<string, string> | undefined;
  /** Of a client that had secrets on an earlier stream: the mark of those that it is sent on this one (secret-facts.ts). */
  readonly mark: string | undefined;
  /** Resources that are gone, and that the client keeps until nothing points there any more. */
  readonly pendingRemovals: ReadonlyMap<string, Resource | undefined>;
  readonly pending: readonly Pending[];
  /** What the client rejected and has not accepted since, by name. Each is sent in a response of its own (rule 47). */
  readonly rejected: ReadonlyMap<string, Rejection>;
  /** Answers that `rejected` does not show yet: it is made anew once for all of them, because it may be long. */
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
 * A state with some of its fields other. Written out, because object spread costs ten times as much once it has met objects
 * of several origins (measured: a third of the time of a request).
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

/** A response on its way, in one or several messages. */
export interface Sent {
  readonly pending: readonly Pending[];
  readonly version: string;
  readonly lastNonce: string;
  /** The names of resources that are due too, and are sent once `pending` is answered. */
  readonly deferred: readonly string[];
}

/**
 * The state once everything is done that was due: the client has `base`, or will when it accepts `sent`. Written out like
 * `evolve`: it is made for each response.
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
 * The rejections that still apply once everything due is sent. What is sent again stays rejected until it is accepted; what
 * lingers is removed by itself, and a SotW client is never told that a resource of the other types is gone.
 */
function stillRejected(
  { variant, typeUrl, rejected, wildcard, names }: Subscription,
  { resources }: TypeSnapshot,
  pendingRemovals: Subscription['pendingRemovals'],
): Subscription['rejected'] {
  if (rejected.size === 0 || (variant === 'sotw' && isFullState(typeUrl))) return rejected;
  const stands = (name: string): boolean =>
    (wildcard || names.has(name)) && !pendingRemovals.has(name) && (variant === 'delta' || resources.has(name));
  const kept = [...rejected].filter(([name]) => stands(name));
  return kept.length === rejected.size ? rejected : new Map(kept);
}

/** The names that a response speaks of. */
export function namesOf({ resources, removed }: Pending): readonly string[] {
  return [...resources.map((resource) => resource.name), ...removed];
}

/**
 * Has what was rejected sent again, as far as it is still subscribed to and not on its way already; `only` those rejections
 * that it is true of.
 */
export function retried(
  state: Subscription,
  only: (rejection: Rejection, name: string) => boolean = () => true,
): Subscription {
  if (state.nack === undefined) return state;
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

/** Has these of what was rejected read again: sent again in other bytes, unless they are on their way in others already. */
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

/** Has these names sent again, those of them that are subscribed to. */
export function forceNames(state: Subscription, names: Iterable<string>): Subscription {
  const more = [...names].filter((name) => (state.wildcard || state.names.has(name)) && !state.forcedNames.has(name));
  return more.length === 0 ? state : evolve(state, { forcedNames: state.forcedNames.change(more, []) });
}

/** The same, also of a client that has them from an earlier stream. */
export function forceResend(state: Subscription, names: ReadonlySet<string>): Subscription {
  return invalidateReported(forceNames(state, names), names);
}

/** Has these names sent although the client has them from an earlier stream: in a version that there never was. */
export function invalidateReported(state: Subscription, names: ReadonlySet<string>): Subscription {
  if (state.reportedVersions === undefined || names.size === 0) return state;
  const reportedVersions = new Map(
    [...state.reportedVersions].map(([name, version]) => [name, names.has(name) ? '' : version]),
  );
  return evolve(state, { reportedVersions });
}

/** Whether the client itself asked for what is due: such an answer waits for nothing. */
export function isAsked(state: Subscription): boolean {
  return state.forceAll || state.mustRespond || state.forcedNames.size > 0;
}

/** Whether the client has, and has accepted, this state. */
export function isSettled(state: Subscription, current: TypeSnapshot): boolean {
  return (
    state.pending.length === 0 &&
    state.nack === undefined &&
    !isAsked(state) &&
    (state.sentState ?? current) === current
  );
}
