// What a stream is forcedNames of one type: the difference between what it has and what there is, within its subscription.
// In: a subscription, the current state of the type. Out: replies, and what lingers. Must not: change the subscription.

import { diff } from '../../snapshot/diff.ts';
import { isVersionOf, type Resource } from '../../snapshot/resource.ts';
import type { TypeSnapshot } from '../../snapshot/type-snapshot.ts';
import { isFullState } from '../../snapshot/types.ts';
import type { Reply } from '../wire/messages.ts';
import type { RejectedResources } from './rejected-resources.ts';
import { all, subset, subsetOf, withPendingRemovals } from './resource-subsets.ts';
import { isOfState, repliesOf } from './response-batches.ts';
import { responses } from './response-grouping.ts';
import { isAsked, NO_REMOVALS, NOTHING_REJECTED, type Subscription } from './subscription.ts';

export interface ComputedResponse {
  readonly replies: readonly Reply[];
  /** The names of resources that are due as well, but have to wait until these replies are answered. */
  readonly later: readonly string[];
  readonly pendingRemovals: Subscription['pendingRemovals'];
}

interface Changes {
  readonly changed: readonly Resource[];
  readonly removed: readonly Resource[];
}

const UNCHANGED: Changes = { changed: [], removed: [] };
const NONE: readonly never[] = [];
const NO_RESPONSE: ComputedResponse = { replies: NONE, later: NONE, pendingRemovals: NO_REMOVALS };

/** What decides beside the subscription; `mayRemove` is asked only when something is to go. */
interface Deciding {
  readonly mayRemove: () => boolean;
  readonly rejected: RejectedResources;
}

export function computeResponse(
  state: Subscription,
  current: TypeSnapshot,
  { mayRemove, rejected }: Deciding,
): ComputedResponse {
  if (state.variant === 'delta') return computeDelta(state, current, mayRemove, rejected);
  return isFullState(state.typeUrl)
    ? computeFullState(state, current, mayRemove)
    : computePartial(state, current, rejected);
}

/** Rule 32: partial; absence means nothing. Rule 34: what is missing is sent when it exists. */
function computePartial(state: Subscription, current: TypeSnapshot, rejected: RejectedResources): ComputedResponse {
  const resources = candidates(state, current, changes(state, current));
  if (resources.length === 0) return NO_RESPONSE;
  const { parts, later } = responses(state, resources, rejected);
  return { replies: repliesOf('sotw', parts, current), later, pendingRemovals: NO_REMOVALS };
}

function computeFullState(state: Subscription, current: TypeSnapshot, mayRemove: () => boolean): ComputedResponse {
  const { changed, removed } = changes(state, current);
  const gone = removalsAfter(state, current, removed);
  const goes = gone.size > 0 && mayRemove();
  const pendingRemovals = goes ? NO_REMOVALS : gone;
  if (!isAsked(state) && changed.length === 0 && !goes) return { replies: NONE, later: NONE, pendingRemovals };
  // Rule 31: the full subscribed state; what lingers is still part of it.
  const kept = [...pendingRemovals.values()].filter((resource) => resource !== undefined);
  const subscribed = state.wildcard ? all(current) : subsetOf(current, state.names);
  const resources = kept.length === 0 ? subscribed : withPendingRemovals(subscribed, kept);
  // Rules 15, 23: a part of the state must not be taken for all of it when the client comes back and asks for more.
  const part = subscribed.length === current.resources.size ? '' : `/${subscribed.length}`;
  const more = kept.length === 0 ? '' : `+${kept.map((resource) => resource.version.slice(0, 8)).join('.')}`;
  const version = `${current.version}${part}${more}`;
  return { replies: [{ resources, removed: NONE, version, isShared: true }], later: NONE, pendingRemovals };
}

function computeDelta(
  state: Subscription,
  current: TypeSnapshot,
  mayRemove: () => boolean,
  rejected: RejectedResources,
): ComputedResponse {
  const since = changes(state, current);
  const found = candidates(state, current, since);
  const { reportedVersions } = state;
  const resources = reportedVersions === undefined ? found : unlessHad(found, reportedVersions);
  // Rule 41: a name that does not exist is answered as removed, and stays subscribed to.
  const isComplete =
    found.length === state.forcedNames.size && since === UNCHANGED && !state.forceAll && state.rejected.size === 0;
  const missing = isComplete ? NONE : state.forcedNames.list().filter((name) => !current.resources.has(name));
  const gone = goneDelta(state, current, since, missing);
  const goes = gone.size > 0 && mayRemove();
  const removed = goes ? [...missing, ...gone.keys()] : missing;
  const pendingRemovals = goes ? NO_REMOVALS : gone;
  if (resources.length === 0 && removed.length === 0 && !state.mustRespond)
    return { replies: NONE, later: NONE, pendingRemovals };
  const { version } = current;
  const isShared = missing.length === 0 && (!goes || [...gone.values()].every((resource) => resource !== undefined));
  const { parts, later } = responses(state, resources, rejected);
  if (removed.length === 0) return { replies: repliesOf('delta', parts, current), later, pendingRemovals };
  // Removals do not ride with what was rejected.
  const [first] = parts;
  const isApart = first?.some(({ name }) => state.rejected.has(name)) === true;
  const replies = (isApart ? [NONE, ...parts] : parts).map((part, index) => ({
    resources: part,
    removed: index === 0 ? removed : NONE,
    version,
    isShared: index === 0 ? isShared && isOfState(part, current) : isOfState(part, current),
  }));
  return { replies, later, pendingRemovals };
}

/** Rule 38: equal versions are what the client has. */
function unlessHad(found: readonly Resource[], reportedVersions: ReadonlyMap<string, string>): readonly Resource[] {
  const news = found.filter((resource) => !isVersionOf(resource, reportedVersions.get(resource.name)));
  return news.length === found.length ? found : news;
}

/** What the client has, or may have, and is to lose; without what is answered as missing at once. */
function goneDelta(
  state: Subscription,
  current: TypeSnapshot,
  { changed, removed }: Changes,
  missing: readonly string[],
): Subscription['pendingRemovals'] {
  const { reportedVersions } = state;
  const pendingRemovals = removalsAfter(state, current, removed);
  // Rule 47: a removal that was rejected is sent again with the next change, like everything that was.
  const again = state.rejected.size > 0 && changed.length + removed.length > 0 ? state.rejected : NOTHING_REJECTED;
  if (reportedVersions === undefined && again.size === 0 && missing.length === 0) return pendingRemovals;
  const gone = new Map(pendingRemovals);
  for (const name of reportedVersions?.keys() ?? [])
    if (covers(state, name) && !current.resources.has(name)) gone.set(name, undefined);
  for (const name of again.keys()) if (covers(state, name) && !current.resources.has(name)) gone.set(name, undefined);
  for (const name of missing) gone.delete(name);
  return gone;
}

/** The changes since what the client has, within its subscription. */
function changes(state: Subscription, current: TypeSnapshot): Changes {
  // A stream that was never sent anything has everything owed by name; a difference to nothing would be all there is.
  if (state.sentState === undefined || state.sentState === current) return UNCHANGED;
  const since = diff(state.sentState, current);
  if (state.wildcard) return since;
  const mine = (resource: Resource): boolean => state.names.has(resource.name);
  const { changed, removed } = since;
  return {
    changed: changed.every(mine) ? changed : subset(current, changed.filter(mine).map(nameOf)),
    removed: removed.every(mine) ? removed : removed.filter(mine),
  };
}

/** What may have to be sent: what changed, what is forcedNames, and, if anything changed, what was rejected (rule 47). */
function candidates(state: Subscription, current: TypeSnapshot, { changed, removed }: Changes): readonly Resource[] {
  if (state.forceAll && state.wildcard) return all(current);
  const again = changed.length + removed.length > 0 ? state.rejected : NOTHING_REJECTED;
  const rejected = again.size === 0 ? NONE : [...again.keys()].filter((name) => covers(state, name));
  const forcedNames = state.forceAll ? state.names : state.forcedNames;
  if (forcedNames.size === 0 && rejected.length === 0) return changed;
  if (changed.length === 0 && rejected.length === 0) return subsetOf(current, forcedNames);
  return subset(current, [...new Set([...changed.map(nameOf), ...forcedNames, ...rejected])]);
}

function removalsAfter(
  state: Subscription,
  current: TypeSnapshot,
  removed: readonly Resource[],
): ReadonlyMap<string, Resource | undefined> {
  if (removed.length === 0 && state.pendingRemovals.size === 0) return NO_REMOVALS;
  const kept = new Map(
    [...state.pendingRemovals].filter(([name]) => !current.resources.has(name) && covers(state, name)),
  );
  for (const resource of removed) kept.set(resource.name, resource);
  return kept;
}

/** Whether a name is within the subscription. */
export function covers(state: Subscription, name: string): boolean {
  return state.wildcard || state.names.has(name);
}

function nameOf({ name }: Resource): string {
  return name;
}
