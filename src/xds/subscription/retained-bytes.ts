// How many bytes a subscription retains of what its client sent: names, and the message of a rejection. They count against
// the gateway. Must not: count the same object twice, since it is asked after each request, or count resources.

import { memoizeByIdentity } from '../../memoize.ts';
import { bytesOfNames } from './name-set.ts';
import type { Subscription } from './subscription.ts';

// Sets and lists of a state are never changed, so each is counted once.
const bytesOfKeys = memoizeByIdentity((map: ReadonlyMap<string, unknown>) => bytesOfNames(map.keys()));
const bytesOfEntries = memoizeByIdentity(
  (map: ReadonlyMap<string, string>) => bytesOfNames(map.keys()) + bytesOfNames(map.values()),
);
const bytesOfList = memoizeByIdentity((names: readonly string[]) => bytesOfNames(names));

export function retainedBytes(state: Subscription): number {
  const { names, forcedNames, reportedVersions, pendingRemovals, rejected, pending, nack } = state;
  let bytes = forcedNames === names ? names.bytes : names.bytes + forcedNames.bytes;
  if (reportedVersions !== undefined) bytes += bytesOfEntries(reportedVersions);
  if (pendingRemovals.size > 0) bytes += bytesOfKeys(pendingRemovals);
  if (rejected.size > 0) bytes += bytesOfKeys(rejected);
  // Removals go with the first response of a state.
  const removed = pending[0]?.removed;
  if (removed !== undefined && removed.length > 0) bytes += bytesOfList(removed);
  if (nack !== undefined) bytes += 2 * nack.message.length;
  return bytes;
}
