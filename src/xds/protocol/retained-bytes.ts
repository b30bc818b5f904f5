// What a subscription keeps of what its client sent: names, and its words for a rejection; it counts against the gateway.
// In: a state. Out: bytes, about. Must not: count again what was counted, since it is asked after each request; or count
// what the server holds anyway, like resources.

import { weightOf } from './name-set.ts';
import type { Subscription } from './subscription.ts';

const counted = new WeakMap<object, number>();

/** `counts` is made only when `held` was not counted yet: states are never changed in place. */
function once(held: object, count: () => number): number {
  const known = counted.get(held);
  if (known !== undefined) return known;
  const weight = count();
  counted.set(held, weight);
  return weight;
}

export function weightOfState({
  names,
  forcedNames,
  reportedVersions,
  pendingRemovals,
  rejected,
  pending,
  nack,
}: Subscription): number {
  let weight = forcedNames === names ? names.weight : names.weight + forcedNames.weight;
  if (reportedVersions !== undefined)
    weight += once(reportedVersions, () => weightOf(reportedVersions.keys()) + weightOf(reportedVersions.values()));
  if (pendingRemovals.size > 0) weight += once(pendingRemovals, () => weightOf(pendingRemovals.keys()));
  if (rejected.size > 0) weight += once(rejected, () => weightOf(rejected.keys()));
  // Removals go with the first response of a state.
  const removed = pending[0]?.removed;
  if (removed !== undefined && removed.length > 0) weight += once(removed, () => weightOf(removed));
  if (nack !== undefined) weight += 2 * nack.message.length;
  return weight;
}
