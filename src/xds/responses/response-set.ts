// Computes the responses that are due to a subscription: the difference between the state that the client was sent and the
// current one, within its subscription, and the names that are sent in any case.
// Must not: change the subscription.

import { diff } from '../../snapshot/diff.ts';
import { isVersionOf, type Resource } from '../../snapshot/resource.ts';
import { isFullState } from '../../snapshot/resource-types.ts';
import type { TypeSnapshot } from '../../snapshot/type-snapshot.ts';
import type { RejectedResources } from '../subscription/rejected-resources.ts';
import { isAsked, NO_REMOVALS, NOTHING_REJECTED, type Subscription } from '../subscription/subscription.ts';
import type { Reply } from '../wire/messages.ts';
import { type SharedBatch, sharedBatch } from '../wire/shared-batch.ts';
import { allResources, NO_RESOURCES, subset, withPendingRemovals } from './resource-subsets.ts';
import { isOfState, repliesOf } from './response-batches.ts';
import { groupIntoResponses } from './response-grouping.ts';

export interface ComputedResponse {
  readonly replies: readonly Reply[];
  /** The names of resources that are due too, but have to wait until these replies are answered. */
  readonly deferred: readonly string[];
  readonly pendingRemovals: Subscription['pendingRemovals'];
}

interface Changes {
  readonly changed: SharedBatch;
  readonly removed: readonly Resource[];
}

const UNCHANGED: Changes = { changed: NO_RESOURCES, removed: [] };
const NONE: readonly never[] = [];
const NO_RESPONSE: ComputedResponse = { replies: NONE, deferred: NONE, pendingRemovals: NO_REMOVALS };

interface Conditions {
  /** Asked only when there are removals. */
  readonly mayRemove: () => boolean;
  /** The resources that clients rejected on other streams. */
  readonly rejected: RejectedResources;
}

export function computeResponse(
  state: Subscription,
  current: TypeSnapshot,
  { mayRemove, rejected }: Conditions,
): ComputedResponse {
  if (state.variant === 'delta') return computeDelta(state, current, mayRemove, rejected);
  return isFullState(state.typeUrl)
    ? computeFullState(state, current, mayRemove)
    : computePartial(state, current, rejected);
}

/** Rule 32: a partial response, in which absence means nothing. Rule 34: a missing resource is sent when it exists. */
function computePartial(state: Subscription, current: TypeSnapshot, rejected: RejectedResources): ComputedResponse {
  const resources = candidates(state, current, changes(state, current));
  if (resources.length === 0) return NO_RESPONSE;
  const { batches, deferred } = groupIntoResponses(state, resources, rejected);
  return { replies: repliesOf('sotw', batches, current), deferred, pendingRemovals: NO_REMOVALS };
}

function computeFullState(state: Subscription, current: TypeSnapshot, mayRemove: () => boolean): ComputedResponse {
  const { changed, removed } = changes(state, current);
  const removals = removalsAfter(state, current, removed);
  const removesNow = removals.size > 0 && mayRemove();
  const pendingRemovals = removesNow ? NO_REMOVALS : removals;
  if (!isAsked(state) && changed.length === 0 && !removesNow) return { replies: NONE, deferred: NONE, pendingRemovals };
  // Rule 31: the full subscribed state, of which pending removals are still part.
  const kept = [...pendingRemovals.values()].filter((resource) => resource !== undefined);
  const subscribed = state.wildcard ? allResources(current) : subset(current, state.names.list());
  const resources = kept.length === 0 ? subscribed : withPendingRemovals(subscribed, kept);
  // Rules 15, 23: a part of the state must not be taken for all of it when the client reconnects and asks for more.
  const part = subscribed.length === current.resources.size ? '' : `/${subscribed.length}`;
  const more = kept.length === 0 ? '' : `+${kept.map((resource) => resource.version.slice(0, 8)).join('.')}`;
  const version = `${current.version}${part}${more}`;
  return { replies: [{ resources, removed: NONE, version, isShared: true }], deferred: NONE, pendingRemovals };
}

function computeDelta(
  state: Subscription,
  current: TypeSnapshot,
  mayRemove: () => boolean,
  rejected: RejectedResources,
): ComputedResponse {
  const since = changes(state, current);
  const wanted = candidates(state, current, since);
  const { reportedVersions } = state;
  const resources = reportedVersions === undefined ? wanted : withoutReported(wanted, reportedVersions);
  // Rule 41: a name that does not exist is answered as removed, and stays subscribed to.
  const allExist =
    wanted.length === state.forcedNames.size && since === UNCHANGED && !state.forceAll && state.rejected.size === 0;
  const missing = allExist ? NONE : state.forcedNames.list().filter((name) => !current.resources.has(name));
  const removals = deltaRemovals(state, current, since, missing);
  const removesNow = removals.size > 0 && mayRemove();
  const removed = removesNow ? [...missing, ...removals.keys()] : missing;
  const pendingRemovals = removesNow ? NO_REMOVALS : removals;
  if (resources.length === 0 && removed.length === 0 && !state.mustRespond)
    return { replies: NONE, deferred: NONE, pendingRemovals };
  const { batches, deferred } = groupIntoResponses(state, resources, rejected);
  if (removed.length === 0) return { replies: repliesOf('delta', batches, current), deferred, pendingRemovals };
  // Names that only this client made up, or had from an earlier stream, are in no response that others share.
  const namesExisted = !removesNow || [...removals.values()].every((resource) => resource !== undefined);
  const isShared = missing.length === 0 && namesExisted;
  // Removals share no response with a rejected resource.
  const isFirstRejected = batches[0]?.some((one) => state.rejected.has(one.name) || rejected.has(one)) === true;
  const replies = (isFirstRejected ? [NO_RESOURCES, ...batches] : batches).map((batch, index) => ({
    resources: batch,
    removed: index === 0 ? removed : NONE,
    version: current.version,
    isShared: (index > 0 || isShared) && isOfState(batch, current),
  }));
  return { replies, deferred, pendingRemovals };
}

/** Rule 38: the client has a resource that it reported in an equal version. */
function withoutReported(wanted: SharedBatch, reportedVersions: ReadonlyMap<string, string>): SharedBatch {
  const others = wanted.filter((resource) => !isVersionOf(resource, reportedVersions.get(resource.name)));
  return others.length === wanted.length ? wanted : sharedBatch(others);
}

/** The resources that the client has, or may have, and that are to be removed, except the `missing`, which are answered at once. */
function deltaRemovals(
  state: Subscription,
  current: TypeSnapshot,
  { changed, removed }: Changes,
  missing: readonly string[],
): Subscription['pendingRemovals'] {
  const { reportedVersions } = state;
  const pendingRemovals = removalsAfter(state, current, removed);
  // Rule 47: with the next change a rejected removal is sent again, like a rejected resource.
  const again = state.rejected.size > 0 && changed.length + removed.length > 0 ? state.rejected : NOTHING_REJECTED;
  if (reportedVersions === undefined && again.size === 0 && missing.length === 0) return pendingRemovals;
  const removals = new Map(pendingRemovals);
  for (const name of reportedVersions?.keys() ?? [])
    if (covers(state, name) && !current.resources.has(name)) removals.set(name, undefined);
  for (const name of again.keys())
    if (covers(state, name) && !current.resources.has(name)) removals.set(name, undefined);
  for (const name of missing) removals.delete(name);
  return removals;
}

/** The changes since the state that the client was sent, within its subscription. */
function changes(state: Subscription, current: TypeSnapshot): Changes {
  // A stream that was sent nothing yet has all its names forced; its difference to nothing would be every resource.
  if (state.sentState === undefined || state.sentState === current) return UNCHANGED;
  const since = diff(state.sentState, current);
  const { changed, removed } = since;
  // The list of the difference, which is the same for all streams.
  if (state.wildcard) return { changed: sharedBatch(changed), removed };
  const isSubscribed = (resource: Resource): boolean => state.names.has(resource.name);
  return {
    changed: changed.every(isSubscribed)
      ? sharedBatch(changed)
      : subset(current, changed.filter(isSubscribed).map(nameOf)),
    removed: removed.every(isSubscribed) ? removed : removed.filter(isSubscribed),
  };
}

/** The candidates to send: the changed names, the forced names, and, if anything changed, the rejected names (rule 47). */
function candidates(state: Subscription, current: TypeSnapshot, { changed, removed }: Changes): SharedBatch {
  if (state.forceAll && state.wildcard) return allResources(current);
  const again = changed.length + removed.length > 0 ? state.rejected : NOTHING_REJECTED;
  const rejected = again.size === 0 ? NONE : [...again.keys()].filter((name) => covers(state, name));
  const forcedNames = state.forceAll ? state.names : state.forcedNames;
  if (forcedNames.size === 0 && rejected.length === 0) return changed;
  if (changed.length === 0 && rejected.length === 0) return subset(current, forcedNames.list());
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
