// Applies a request to a subscription: it opens it, acknowledges or rejects a response, or changes the names. Rule numbers
// are those of CONTRIBUTING.md, "Protocol rules".
// Must not: do I/O, or change a state in place.

import { isFullState, TYPE } from '../../snapshot/resource-types.ts';
import type { TypeSnapshot } from '../../snapshot/type-snapshot.ts';
import type { Variant, XdsRequest } from '../wire/messages.ts';
import { NameSet } from './name-set.ts';
import {
  type Answered,
  blank,
  evolve,
  NO_ANSWERS,
  NONE_PENDING,
  type Pending,
  type Rejection,
  type Subscription,
} from './subscription.ts';
import { isTransient } from './transient-rejections.ts';

export type Answer = 'ack' | 'nack' | undefined;

export interface Received {
  readonly state: Subscription;
  readonly answer: Answer;
  /** The responses that the request answers. A NACK rejects the last of them, and accepts the earlier ones. */
  readonly responses: readonly Pending[];
}

const WILDCARD = '*';
const NOTHING_NAMED = { subscribe: [], unsubscribe: [] };

/** The first request of a type on a stream. Its nonce is of another stream, and means nothing (rule 14). */
export function open(
  variant: Variant,
  typeUrl: string,
  request: XdsRequest,
  current: TypeSnapshot | undefined,
  mark: string | undefined,
): Subscription {
  const state = typeUrl === TYPE.secret ? evolve(blank(variant, typeUrl), { mark }) : blank(variant, typeUrl);
  return variant === 'sotw' ? openSotw(state, request, current) : openDelta(state, request);
}

function openSotw(state: Subscription, request: XdsRequest, current: TypeSnapshot | undefined): Subscription {
  const explicit = request.names.includes(WILDCARD);
  // Rule 26: the wildcard exists for LDS and CDS only; for other types an empty list subscribes to nothing.
  const wildcard = explicit || (request.names.length === 0 && isFullState(state.typeUrl));
  const names = NameSet.of(withoutWildcard(request.names));
  const opened = evolve(state, { wildcard, names, everNamed: request.names.length > 0 });
  // Rule 23: the client has the current state, and asks for all of it.
  const has =
    wildcard && isFullState(state.typeUrl) && current !== undefined && request.versionInfo === current.version;
  if (has) return evolve(opened, { sentState: current, sentVersion: current.version, ackedVersion: current.version });
  return evolve(opened, {
    forceAll: wildcard,
    forcedNames: names,
    mustRespond: wildcard || isFullState(state.typeUrl),
  });
}

function openDelta(state: Subscription, request: XdsRequest): Subscription {
  // Rule 37: a first request that names nothing is the legacy wildcard.
  const legacy = request.subscribe.length === 0 && request.unsubscribe.length === 0;
  const opened = evolve(state, {
    reportedVersions: request.initialVersions.size > 0 ? request.initialVersions : undefined,
  });
  const subscribed = changeDelta(opened, legacy ? [WILDCARD] : request.subscribe, request.unsubscribe);
  // Rule 45: what it reports and does not subscribe to, it keeps no longer.
  const { wildcard, names } = subscribed;
  const hasForgotten = !wildcard && [...request.initialVersions.keys()].some((name) => !names.has(name));
  const known = hasForgotten ? withoutMemory(subscribed, NOTHING_NAMED) : subscribed;
  return evolve(known, { mustRespond: wildcard && opened.reportedVersions === undefined });
}

/** Any later request: an ACK or NACK, a change of the subscription, or both. */
export function receive(state: Subscription, request: XdsRequest): Received {
  const wasPending = state.pending.length > 0;
  const { state: answered, answer, responses } = acknowledge(state, request);
  if (state.variant === 'delta') {
    // Rule 36: a delta request changes the subscription whatever its nonce.
    const changed = changeDelta(answered, request.subscribe, request.unsubscribe);
    return { state: changed === answered ? answered : withoutMemory(changed, request), answer, responses };
  }
  const changed = request.repeatsNames ? answered : changeSotw(answered, request.names);
  // Rule 22: the same request after its ACK comes from a new watcher of Envoy.
  const again =
    !wasPending &&
    request.nonce === state.lastNonce &&
    request.errorDetail === undefined &&
    state.lastNonce !== '' &&
    changed === answered;
  return {
    state: again && !isFullState(state.typeUrl) ? evolve(changed, { forcedNames: changed.names }) : changed,
    answer,
    responses,
  };
}

function acknowledge(state: Subscription, request: XdsRequest): Received {
  const index = request.nonce === '' ? -1 : state.pending.findIndex(({ nonce }) => nonce === request.nonce);
  const response = state.pending[index];
  // Rule 20: a stale nonce is neither ACK nor NACK.
  if (response === undefined) return { state, answer: undefined, responses: NONE_PENDING };
  const pending = unanswered(state, index);
  const { version } = response;
  const message = request.errorDetail;
  const responses = state.variant === 'sotw' && index > 0 ? state.pending.slice(0, index + 1) : [response];
  if (message === undefined && state.nack === undefined && state.rejected.size === 0) {
    // The common case, and there may be hundreds of responses in flight.
    const change = pending.length > 0 ? { pending } : { pending, ackedVersion: version };
    return { state: evolve(state, change), answer: 'ack', responses };
  }
  const answers = [
    ...state.answers,
    ...responses.map((answered) => ({ response: answered, message: answered === response ? message : undefined })),
  ];
  // Rules 18, 47: a rejected resource is parked, and sent again only with a change.
  const nack = message === undefined ? state.nack : { version, message };
  const answer = message === undefined ? 'ack' : 'nack';
  if (pending.length > 0 && state.rejected.size > FEW_REJECTED)
    return { state: evolve(state, { pending, nack, answers }), answer, responses };
  const rejected = rejectedAfter(state, answers);
  const isComplete = answer === 'ack' && pending.length === 0 && rejected.size === 0;
  const next = { pending, rejected, answers: NO_ANSWERS };
  if (!isComplete) return { state: evolve(state, { ...next, nack }), answer, responses };
  return { state: evolve(state, { ...next, ackedVersion: version, nack: undefined }), answer, responses };
}

/** With more rejections than these, the map is rebuilt once, when all responses are answered. */
const FEW_REJECTED = 64;

/** A SotW client answers its newest response, which answers the earlier ones of the same state too (rules 9, 20). */
function unanswered({ variant, pending }: Subscription, index: number): readonly Pending[] {
  if (pending.length === 1) return NONE_PENDING;
  return variant === 'sotw' || index === 0 ? pending.slice(index + 1) : pending.filter((_, at) => at !== index);
}

/** Rule 47: the rejections after these answers, taken in order. */
function rejectedAfter(
  { variant, typeUrl, rejected }: Subscription,
  answers: readonly Answered[],
): ReadonlyMap<string, Rejection> {
  if (rejected.size === 0 && answers.every(({ message }) => message === undefined)) return rejected;
  const left = new Map(rejected);
  const isWhole = variant === 'sotw' && isFullState(typeUrl);
  for (const { response, message } of answers) {
    if (message !== undefined) reject(left, response, message);
    else if (isWhole) left.clear();
    else accept(left, typeUrl, response);
  }
  return left;
}

function reject(rejected: Map<string, Rejection>, { resources, removed }: Pending, message: string): void {
  for (const resource of resources) {
    const { name, version } = resource;
    rejected.set(name, { version, isTransient: isTransient(resource, message), isReread: false });
  }
  for (const name of removed) rejected.set(name, { version: undefined, isTransient: false, isReread: false });
}

function accept(rejected: Map<string, Rejection>, typeUrl: string, { resources, removed }: Pending): void {
  for (const { name, version } of resources) {
    // Envoy compares a secret with the last one that it was sent, even a rejected one, and acknowledges the same bytes unread.
    if (typeUrl === TYPE.secret && rejected.get(name)?.version === version) continue;
    rejected.delete(name);
  }
  for (const name of removed) rejected.delete(name);
}

function changeSotw(state: Subscription, requested: readonly string[]): Subscription {
  const everNamed = state.everNamed || requested.length > 0;
  // Rules 24, 25: the empty list is the wildcard only while no name was ever sent.
  const wildcard = requested.includes(WILDCARD) || (requested.length === 0 && !everNamed && state.wildcard);
  if (wildcard === state.wildcard && sameNames(state.names, requested))
    return everNamed === state.everNamed ? state : evolve(state, { everNamed });
  const names = NameSet.of(withoutWildcard(requested));
  // Rule 27: a newly named resource is sent, even if it was sent before unasked. Rules 28, 29: a dropped name is forgotten.
  const added = [...names].filter((name) => !state.names.has(name));
  const kept = [...state.forcedNames].filter((name) => wildcard || names.has(name));
  const forcedNames = kept.length === 0 && added.length === names.size ? names : NameSet.of([...kept, ...added]);
  return evolve(state, {
    everNamed,
    wildcard,
    names,
    forcedNames,
    forceAll: state.forceAll || (wildcard && !state.wildcard),
  });
}

function changeDelta(state: Subscription, subscribe: readonly string[], unsubscribe: readonly string[]): Subscription {
  if (subscribe.length === 0 && unsubscribe.length === 0) return state;
  let { wildcard, forceAll } = state;
  const added = withoutWildcard(subscribe);
  if (added.length < subscribe.length) {
    forceAll ||= !wildcard;
    wildcard = true;
  }
  // Rule 45: subscribe first, so that a request which does both to one name leaves it unsubscribed.
  const dropped = withoutWildcard(unsubscribe);
  if (dropped.length < unsubscribe.length) {
    wildcard = false;
    forceAll = false;
  }
  const names = state.names.change(added, dropped);
  return evolve(state, {
    wildcard,
    names,
    forcedNames: within(
      forcedAfter(state, wildcard, names, added, dropped),
      state.wildcard && !wildcard ? names : undefined,
    ),
    forceAll,
    everNamed: true,
  });
}

function forcedAfter(
  { forcedNames, names: namesBefore }: Subscription,
  wildcard: boolean,
  names: NameSet,
  added: readonly string[],
  dropped: readonly string[],
): NameSet {
  // Rule 43: under the wildcard, the client must hear whether it still gets the resource that it unsubscribed from.
  if (wildcard) return forcedNames.change(dropped.length === 0 ? added : [...added, ...dropped], []);
  // The first names of a subscription: all of them are forced, and both sets are one.
  if (forcedNames === namesBefore) return names;
  // Rule 40: sent again, even if it is subscribed to and unchanged.
  return forcedNames.change(added, dropped);
}

/** Rule 29: names that were forced by the wildcard go with it. */
function within(forcedNames: NameSet, names: NameSet | undefined): NameSet {
  if (names === undefined || forcedNames.size === 0) return forcedNames;
  return forcedNames.change(
    [],
    [...forcedNames].filter((name) => !names.has(name)),
  );
}

/** Rules 40, 57: a name (un)subscribed before the first response is dropped from the reported versions: it must be sent. */
function withoutMemory(
  state: Subscription,
  { subscribe, unsubscribe }: Pick<XdsRequest, 'subscribe' | 'unsubscribe'>,
): Subscription {
  if (state.reportedVersions === undefined) return state;
  const named = new Set([...subscribe, ...unsubscribe]);
  const kept = [...state.reportedVersions].filter(
    ([name]) => !named.has(name) && (state.wildcard || state.names.has(name)),
  );
  return evolve(state, { reportedVersions: new Map(kept) });
}

function withoutWildcard(names: readonly string[]): readonly string[] {
  return names.includes(WILDCARD) ? names.filter((name) => name !== WILDCARD) : names;
}

function sameNames(names: NameSet, requested: readonly string[]): boolean {
  const wanted = withoutWildcard(requested);
  if (!wanted.every((name) => names.has(name))) return false;
  // A request may repeat a name.
  return wanted.length === names.size || new Set(wanted).size === names.size;
}
