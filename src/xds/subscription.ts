// One stream's subscription to one type, as a pure state machine: (state, event) → (state, reply?).
// In: requests, the current state of the type, whether removals may go. Out: the next state, and what to send.
// Must not: do I/O, read a clock, or change a state in place. Rule numbers are those of CONTRIBUTING.md, "Protocol rules".

import { diff } from '../snapshot/diff.ts';
import type { Resource } from '../snapshot/resource.ts';
import type { TypeSnapshot } from '../snapshot/snapshot.ts';
import { isFullState } from '../snapshot/types.ts';
import type { XdsRequest } from './request.ts';

export type Variant = 'sotw' | 'delta';

/** A response that the client has not answered yet. */
interface Pending {
  readonly nonce: string;
  readonly version: string;
  /** Names that it carried, for the case that it is rejected. */
  readonly names: readonly string[];
  readonly adds: boolean;
}

export interface Nack {
  readonly version: string;
  readonly message: string;
}

export interface Subscription {
  readonly variant: Variant;
  readonly typeUrl: string;
  readonly wildcard: boolean;
  /** Whether a name was ever sent on this stream: from then on an empty list is not the legacy wildcard (rule 24). */
  readonly everNamed: boolean;
  readonly names: ReadonlySet<string>;
  /** The state of the type that the client has, within its subscription, once `pending` is acknowledged. */
  readonly base: TypeSnapshot | undefined;
  /** What is sent at the next turn whatever the client has. */
  readonly owed: ReadonlySet<string>;
  readonly owedAll: boolean;
  /** A response is due even when it is empty: the client waits for one (rule 44). */
  readonly owedAnswer: boolean;
  /** What the client said that it has from an earlier stream (delta), until the first response. */
  readonly initial: ReadonlyMap<string, string> | undefined;
  /** Resources that are gone, and that the client keeps until nothing points there any more. */
  readonly lingering: ReadonlyMap<string, Resource | undefined>;
  readonly pending: readonly Pending[];
  readonly rejected: ReadonlySet<string>;
  readonly lastNonce: string;
  readonly sentVersion: string | undefined;
  readonly ackedVersion: string | undefined;
  readonly nack: Nack | undefined;
}

export interface Reply {
  /** Shared by every stream that is sent the same: the bytes are cached by this very array. */
  readonly resources: readonly Resource[];
  readonly removed: readonly string[];
  readonly version: string;
}

export type Answer = 'ack' | 'nack' | undefined;

const WILDCARD = '*';
const NO_NAMES: ReadonlySet<string> = new Set();
const NOTHING_LINGERS: ReadonlyMap<string, Resource | undefined> = new Map();
const NO_RESOURCES: readonly Resource[] = [];

function blank(variant: Variant, typeUrl: string): Subscription {
  return {
    variant,
    typeUrl,
    wildcard: false,
    everNamed: false,
    names: NO_NAMES,
    base: undefined,
    owed: NO_NAMES,
    owedAll: false,
    owedAnswer: false,
    initial: undefined,
    lingering: NOTHING_LINGERS,
    pending: [],
    rejected: NO_NAMES,
    lastNonce: '',
    sentVersion: undefined,
    ackedVersion: undefined,
    nack: undefined,
  };
}

/** The first request of a type on a stream, whatever its nonce says: nonces of another stream mean nothing (rule 14). */
export function open(variant: Variant, request: XdsRequest, current: TypeSnapshot | undefined): Subscription {
  const state = blank(variant, request.typeUrl);
  return variant === 'sotw' ? openSotw(state, request, current) : openDelta(state, request);
}

function openSotw(state: Subscription, request: XdsRequest, current: TypeSnapshot | undefined): Subscription {
  const explicit = request.names.includes(WILDCARD);
  // Rule 26: only LDS and CDS know the wildcard; for the others an empty list is no subscription.
  const wildcard = explicit || (request.names.length === 0 && isFullState(state.typeUrl));
  const names = withoutWildcard(request.names);
  const opened = { ...state, wildcard, names, everNamed: request.names.length > 0 };
  // Rule 23: the client has this very state, and asks for all of it.
  const has =
    wildcard && isFullState(state.typeUrl) && current !== undefined && request.versionInfo === current.version;
  if (has) return { ...opened, base: current, sentVersion: current.version, ackedVersion: current.version };
  return { ...opened, owedAll: wildcard, owed: names, owedAnswer: wildcard || isFullState(state.typeUrl) };
}

function openDelta(state: Subscription, request: XdsRequest): Subscription {
  // Rule 37: a first request that names nothing is the legacy wildcard.
  const legacy = request.subscribe.length === 0 && request.unsubscribe.length === 0;
  const opened = { ...state, initial: request.initialVersions.size > 0 ? request.initialVersions : undefined };
  const subscribed = changeDelta(opened, legacy ? [WILDCARD] : request.subscribe, request.unsubscribe);
  return { ...subscribed, owedAnswer: subscribed.wildcard && opened.initial === undefined };
}

/** Any later request: perhaps an ACK or NACK, perhaps another subscription, perhaps both. */
export function receive(
  state: Subscription,
  request: XdsRequest,
): { readonly state: Subscription; readonly answer: Answer } {
  const wasPending = state.pending.length > 0;
  const { state: answered, answer } = acknowledge(state, request);
  if (state.variant === 'delta') {
    // Rule 36: no nonce, stale or not, is a reason to lose a subscription.
    return { state: changeDelta(answered, request.subscribe, request.unsubscribe), answer };
  }
  const changed = changeSotw(answered, request.names);
  // Rule 22: the response was acknowledged before, and nothing else changed: Envoy asks again for a new watcher.
  const again =
    !wasPending &&
    request.nonce === state.lastNonce &&
    request.errorDetail === undefined &&
    state.lastNonce !== '' &&
    changed === answered;
  return { state: again && !isFullState(state.typeUrl) ? { ...changed, owed: changed.names } : changed, answer };
}

function acknowledge(
  state: Subscription,
  request: XdsRequest,
): { readonly state: Subscription; readonly answer: Answer } {
  const response = state.pending.find((pending) => pending.nonce === request.nonce);
  // Rule 20: a stale nonce is neither ACK nor NACK.
  if (response === undefined || request.nonce === '') return { state, answer: undefined };
  const pending = state.pending.filter((other) => other !== response);
  if (request.errorDetail === undefined) {
    const complete = pending.length === 0 && state.rejected.size === 0;
    return {
      state: { ...state, pending, ...(complete && { ackedVersion: response.version, nack: undefined }) },
      answer: 'ack',
    };
  }
  // Rules 18, 47: parked. What was rejected is sent again only together with a change.
  const nack = { version: response.version, message: request.errorDetail };
  return {
    state: { ...state, pending, nack, rejected: new Set([...state.rejected, ...response.names]) },
    answer: 'nack',
  };
}

function changeSotw(state: Subscription, requested: readonly string[]): Subscription {
  const everNamed = state.everNamed || requested.length > 0;
  // Rules 24, 25: the empty list is the wildcard only as long as no name was ever sent.
  const wildcard = requested.includes(WILDCARD) || (requested.length === 0 && !everNamed && state.wildcard);
  if (wildcard === state.wildcard && sameNames(state.names, requested)) return state;
  const names = withoutWildcard(requested);
  // Rule 27: what is newly named is sent, even if it was sent before unasked. Rules 28, 29: what is no longer named is forgotten.
  const added = [...names].filter((name) => !state.names.has(name));
  const owed = new Set([...[...state.owed].filter((name) => names.has(name)), ...added]);
  return { ...state, everNamed, wildcard, names, owed, owedAll: state.owedAll || (wildcard && !state.wildcard) };
}

function changeDelta(state: Subscription, subscribe: readonly string[], unsubscribe: readonly string[]): Subscription {
  if (subscribe.length === 0 && unsubscribe.length === 0) return state;
  const names = new Set(state.names);
  const owed = new Set(state.owed);
  let { wildcard, owedAll } = state;
  for (const name of subscribe) {
    if (name === WILDCARD) {
      owedAll ||= !wildcard;
      wildcard = true;
    } else {
      names.add(name);
      // Rule 40: sent again, even if it was subscribed to and is unchanged.
      owed.add(name);
    }
  }
  // Rule 45: subscriptions first, so that subscribing to and leaving one name in one message means leaving it.
  for (const name of unsubscribe) {
    if (name === WILDCARD) {
      wildcard = false;
      owedAll = false;
    } else if (names.delete(name) || wildcard) {
      // Rule 43: under the wildcard, the client has to hear whether it still gets the resource.
      if (wildcard) owed.add(name);
      else owed.delete(name);
    }
  }
  return { ...state, wildcard, names, owed, owedAll, everNamed: true };
}

/** Has these names sent again, those of them that are subscribed to. */
export function touch(state: Subscription, names: readonly string[]): Subscription {
  const more = names.filter((name) => state.names.has(name) && !state.owed.has(name));
  return more.length === 0 ? state : { ...state, owed: new Set([...state.owed, ...more]) };
}

/** Whether the client itself asked for what is due: such an answer waits for nothing. */
export function isAsked(state: Subscription): boolean {
  return state.owedAll || state.owedAnswer || state.owed.size > 0;
}

/** Whether the client has, and has accepted, this state. */
export function isSettled(state: Subscription, current: TypeSnapshot): boolean {
  return (
    state.pending.length === 0 && state.nack === undefined && !isAsked(state) && (state.base ?? current) === current
  );
}

export interface Turn {
  /** Whether nothing points any more to what is gone. */
  readonly mayRemove: boolean;
  /** Whether other types must first catch up: then only what the client asked for is sent. */
  readonly hold: boolean;
  readonly nonce: () => string;
}

/** What is to be sent now, if anything: at most one state un-acknowledged (rule 21). */
export function next(
  state: Subscription,
  current: TypeSnapshot,
  turn: Turn,
): { readonly state: Subscription; readonly replies: readonly (Reply & { readonly nonce: string })[] } {
  if (state.pending.length > 0 || (turn.hold && !isAsked(state))) return { state, replies: [] };
  const due =
    state.variant === 'sotw' ? dueSotw(state, current, turn.mayRemove) : dueDelta(state, current, turn.mayRemove);
  const caughtUp: Subscription = {
    ...state,
    base: current,
    owed: NO_NAMES,
    owedAll: false,
    owedAnswer: false,
    initial: undefined,
    lingering: due.lingering,
  };
  if (due.replies.length === 0) {
    // Nothing to say: the client has it all. What it rejected stays on the record.
    const has = state.nack === undefined && (state.wildcard || state.names.size > 0);
    return {
      state: has ? { ...caughtUp, sentVersion: current.version, ackedVersion: current.version } : caughtUp,
      replies: [],
    };
  }
  const replies = due.replies.map((reply) => ({ ...reply, nonce: turn.nonce() }));
  const pending = replies.map(({ nonce, version, resources, removed }) => ({
    nonce,
    version,
    names: [...resources.map((resource) => resource.name), ...removed],
    adds: resources.some((resource) => !state.base?.resources.has(resource.name)),
  }));
  const version = replies[0]?.version;
  return {
    state: { ...caughtUp, pending, rejected: NO_NAMES, lastNonce: replies.at(-1)?.nonce ?? '', sentVersion: version },
    replies,
  };
}

interface Due {
  readonly replies: readonly Reply[];
  readonly lingering: Subscription['lingering'];
}

function dueSotw(state: Subscription, current: TypeSnapshot, mayRemove: boolean): Due {
  const { changed, removed } = changes(state, current);
  if (!isFullState(state.typeUrl)) {
    // Rule 32: partial; absence means nothing. Rule 34: what is missing is sent when it exists.
    const named = state.owedAll ? all(current) : subset(current, union(changed, removed, state, current));
    return {
      replies: named.length === 0 ? [] : [{ resources: named, removed: [], version: current.version }],
      lingering: NOTHING_LINGERS,
    };
  }
  const lingering = mayRemove ? NOTHING_LINGERS : linger(state, current, removed);
  const goes = mayRemove && (removed.length > 0 || state.lingering.size > 0);
  const isDue = isAsked(state) || changed.length > 0 || goes;
  if (!isDue) return { replies: [], lingering };
  // Rule 31: the full subscribed state; what lingers is still part of it.
  const kept = [...lingering.values()].filter((resource) => resource !== undefined);
  const subscribed = state.wildcard ? all(current) : subset(current, [...state.names]);
  const resources = kept.length === 0 ? subscribed : withLingering(subscribed, kept);
  const version =
    kept.length === 0
      ? current.version
      : `${current.version}+${kept.map((resource) => resource.version.slice(0, 8)).join('.')}`;
  return { replies: [{ resources, removed: [], version }], lingering };
}

function dueDelta(state: Subscription, current: TypeSnapshot, mayRemove: boolean): Due {
  const { changed, removed } = changes(state, current);
  const candidates =
    state.owedAll && state.wildcard ? all(current) : subset(current, union(changed, removed, state, current));
  const { initial } = state;
  // Rule 38: equal versions are what the client has.
  const resources =
    initial === undefined
      ? candidates
      : candidates.filter((resource) => initial.get(resource.name) !== resource.version);
  // Rule 41: a name that does not exist is answered as removed, and stays subscribed to.
  const missing = [...state.owed].filter((name) => !current.resources.has(name));
  const stale =
    initial === undefined
      ? []
      : [...initial.keys()].filter(
          (name) => covers(state, name) && !current.resources.has(name) && !state.owed.has(name),
        );
  const gone = new Map<string, Resource | undefined>([
    ...linger(state, current, removed),
    ...stale.map((name) => [name, undefined] as const),
  ]);
  for (const name of missing) gone.delete(name);
  const names = mayRemove ? [...missing, ...gone.keys()] : missing;
  const lingering = mayRemove ? NOTHING_LINGERS : gone;
  const isDue = resources.length > 0 || names.length > 0 || state.owedAnswer;
  return { replies: isDue ? split(resources, names, current.version) : [], lingering };
}

/** The changes since what the client has, within its subscription. */
function changes(
  state: Subscription,
  current: TypeSnapshot,
): { readonly changed: readonly Resource[]; readonly removed: readonly Resource[] } {
  // A stream that was never sent anything has everything owed by name; a difference to nothing would be all there is.
  if (state.base === undefined) return { changed: NO_RESOURCES, removed: NO_RESOURCES };
  const { changed, removed } = diff(state.base, current);
  if (state.wildcard) return { changed, removed };
  const mine = (resource: Resource): boolean => state.names.has(resource.name);
  const ours = changed.every(mine)
    ? changed
    : subset(
        current,
        changed.filter(mine).map((resource) => resource.name),
      );
  return { changed: ours, removed: removed.filter(mine) };
}

/** Names of changed resources, of what is owed, and, if anything changed, of what was rejected with the last response. */
function union(
  changed: readonly Resource[],
  removed: readonly Resource[],
  state: Subscription,
  current: TypeSnapshot,
): readonly Resource[] | readonly string[] {
  const rejected = changed.length + removed.length > 0 ? state.rejected : NO_NAMES;
  const owed = state.owedAll && !state.wildcard ? state.names : state.owed;
  if (owed.size === 0 && rejected.size === 0) return changed;
  const names = new Set(changed.map((resource) => resource.name));
  for (const name of [...owed, ...rejected]) if (current.resources.has(name)) names.add(name);
  return [...names];
}

function linger(
  state: Subscription,
  current: TypeSnapshot,
  removed: readonly Resource[],
): ReadonlyMap<string, Resource | undefined> {
  if (removed.length === 0 && state.lingering.size === 0) return NOTHING_LINGERS;
  const kept = new Map([...state.lingering].filter(([name]) => !current.resources.has(name) && covers(state, name)));
  for (const resource of removed) kept.set(resource.name, resource);
  return kept;
}

function covers(state: Subscription, name: string): boolean {
  return state.wildcard || state.names.has(name);
}

// Arrays that are the same object for every stream that is sent the same: encoded responses are cached by them.

const wholes = new WeakMap<TypeSnapshot, readonly Resource[]>();
const subsets = new WeakMap<TypeSnapshot, Map<string, readonly Resource[]>>();
const unions = new WeakMap<readonly Resource[], Map<string, readonly Resource[]>>();
const parts = new WeakMap<readonly Resource[], readonly (readonly Resource[])[]>();

function all(current: TypeSnapshot): readonly Resource[] {
  const known = wholes.get(current) ?? [...current.resources.values()];
  wholes.set(current, known);
  return known;
}

/** More different subsets of one state than this are not worth keeping. */
const MAX_SUBSETS = 256;

function subset(current: TypeSnapshot, wanted: readonly Resource[] | readonly string[]): readonly Resource[] {
  if (typeof wanted[0] !== 'string') return wanted as readonly Resource[];
  const names = [...(wanted as readonly string[])].sort();
  const key = names.join('\n');
  const known = subsets.get(current) ?? new Map<string, readonly Resource[]>();
  subsets.set(current, known);
  const before = known.get(key);
  if (before !== undefined) return before;
  const found = names.flatMap((name) => current.resources.get(name) ?? []);
  if (known.size < MAX_SUBSETS) known.set(key, found);
  return found;
}

function withLingering(subscribed: readonly Resource[], kept: readonly Resource[]): readonly Resource[] {
  const key = kept.map((resource) => `${resource.name}\n${resource.version}`).join('\n');
  const known = unions.get(subscribed) ?? new Map<string, readonly Resource[]>();
  unions.set(subscribed, known);
  const merged = known.get(key) ?? [...subscribed, ...kept];
  known.set(key, merged);
  return merged;
}

/** Responses of about this size: clients of gRPC refuse messages above 4 MiB unless told otherwise (rules 49, 64). */
const SPLIT_BYTES = 2 * 1024 * 1024;

function split(resources: readonly Resource[], removed: readonly string[], version: string): readonly Reply[] {
  const chunks = parts.get(resources) ?? chunk(resources);
  parts.set(resources, chunks);
  return chunks.map((part, index) => ({ resources: part, removed: index === 0 ? removed : [], version }));
}

function chunk(resources: readonly Resource[]): readonly (readonly Resource[])[] {
  const chunks: Resource[][] = [[]];
  let size = 0;
  for (const resource of resources) {
    if (size > 0 && size + resource.any.length > SPLIT_BYTES) {
      chunks.push([]);
      size = 0;
    }
    chunks.at(-1)?.push(resource);
    size += resource.any.length;
  }
  return chunks.length === 1 ? [resources] : chunks;
}

function withoutWildcard(names: readonly string[]): ReadonlySet<string> {
  return names.length === 0 ? NO_NAMES : new Set(names.filter((name) => name !== WILDCARD));
}

function sameNames(names: ReadonlySet<string>, requested: readonly string[]): boolean {
  let count = 0;
  for (const name of requested) {
    if (name === WILDCARD) continue;
    if (!names.has(name)) return false;
    count += 1;
  }
  // A request may repeat a name; then the sets are compared the long way.
  return count === names.size || withoutWildcard(requested).size === names.size;
}
