// Internal listeners, which clusters refer to: a connection to such a cluster fails while its listener is missing. New ones
// are sent before the routes to their clusters, and before other changes of listeners; removed ones go after the routes.
// Must not: delay any other resource, or change a subscription.

import { memoizeByIdentity } from '../../memoize.ts';
import { diff } from '../../snapshot/diff.ts';
import type { Resource } from '../../snapshot/resource.ts';
import { TYPE } from '../../snapshot/resource-types.ts';
import { type Snapshot, updateType } from '../../snapshot/snapshot.ts';
import type { TypeSnapshot } from '../../snapshot/type-snapshot.ts';
import { covers } from '../responses/response-set.ts';
import type { Subscription } from '../subscription/subscription.ts';

const NONE: readonly never[] = [];
const NO_NAMES: ReadonlySet<string> = new Set();

/** The state of listeners to send next. While the client lacks the current routes, it holds the new internal listeners and no other change. */
export function listenersDue(
  listeners: Subscription,
  routes: Subscription | undefined,
  snapshot: Snapshot,
): TypeSnapshot | undefined {
  const current = snapshot.types.get(TYPE.listener);
  const { sentState } = listeners;
  if (sentState === undefined || current === undefined || sentState === current) return current;
  if (routes === undefined || routes.sentState === snapshot.types.get(TYPE.route)) return current;
  const added = missingListeners(listeners, snapshot);
  return added.length === 0 ? current : extended(sentState, current, added);
}

/** The new internal listeners that are not sent yet. */
export function missingListeners(listeners: Subscription, snapshot: Snapshot): readonly Resource[] {
  const current = snapshot.types.get(TYPE.listener);
  const { sentState } = listeners;
  if (sentState === undefined || current === undefined || sentState === current) return NONE;
  return newTargets(listeners, sentState, current, snapshot);
}

/** Whether new internal listeners are sent and not acknowledged yet. */
export function awaitsListeners(listeners: Subscription, snapshot: Snapshot): boolean {
  return listeners.pending.some(({ from, to, resources }) => {
    if (from !== undefined) return newTargets(listeners, from, to, snapshot).length > 0;
    return resources.some(({ name }) => targetsIn(snapshot).has(name));
  });
}

/** Whether the listeners due remove one that a cluster refers to which the client still has. */
export function removesListeners(listeners: Subscription, clusters: Subscription, due: TypeSnapshot): boolean {
  const { sentState } = listeners;
  if (sentState === undefined || sentState === due || clusters.pendingRemovals.size === 0) return false;
  const { removed } = diff(sentState, due);
  if (removed.length === 0) return false;
  const targets = targetsOf(clusters.pendingRemovals.values());
  return removed.some(({ name }) => targets.has(name));
}

function newTargets(
  state: Subscription,
  from: TypeSnapshot,
  to: TypeSnapshot,
  snapshot: Snapshot,
): readonly Resource[] {
  const added = diff(from, to).changed.filter(({ name }) => !from.resources.has(name) && covers(state, name));
  return added.length === 0 ? NONE : added.filter(({ name }) => targetsIn(snapshot).has(name));
}

const targetsOfType = memoizeByIdentity(({ resources }: TypeSnapshot) => targetsOf(resources.values()));

/** The listeners that clusters refer to. */
function targetsIn(snapshot: Snapshot): ReadonlySet<string> {
  const clusters = snapshot.types.get(TYPE.cluster);
  return clusters === undefined ? NO_NAMES : targetsOfType(clusters);
}

function targetsOf(clusters: Iterable<Resource | undefined>): ReadonlySet<string> {
  const targets = new Set<string>();
  for (const cluster of clusters)
    for (const { typeUrl, name } of cluster?.references ?? NONE) if (typeUrl === TYPE.listener) targets.add(name);
  return targets;
}

const extensions = new WeakMap<TypeSnapshot, WeakMap<TypeSnapshot, TypeSnapshot>>();

/** `sentState` with these listeners of `current`: the same object for every stream, so that it is encoded once. */
function extended(sentState: TypeSnapshot, current: TypeSnapshot, added: readonly Resource[]): TypeSnapshot {
  const { changed, removed } = diff(sentState, current);
  if (removed.length === 0 && changed.length === added.length) return current;
  const ofCurrent = extensions.get(current) ?? new WeakMap<TypeSnapshot, TypeSnapshot>();
  const next = updateType(sentState, { changed: added, removed: NONE });
  const extension = ofCurrent.get(sentState);
  if (extension?.version === next.version) return extension;
  ofCurrent.set(sentState, next);
  extensions.set(current, ofCurrent);
  return next;
}
