// What a stream is owed of one type: the difference between what it has and what there is, within its subscription.
// In: a subscription, the current state of the type. Out: replies, and what lingers. Must not: change the subscription.

import { diff } from '../snapshot/diff.ts';
import type { Resource } from '../snapshot/resource.ts';
import type { TypeSnapshot } from '../snapshot/snapshot.ts';
import { isFullState } from '../snapshot/types.ts';
import type { NameSet } from './name-set.ts';
import { all, split, subset, withLingering } from './shared-sets.ts';
import { isAsked, NO_NAMES, NOTHING_LINGERS, type Subscription } from './subscription.ts';

export interface Reply {
  /** Shared by every stream that is sent the same: the bytes are cached by this very array. */
  readonly resources: readonly Resource[];
  readonly removed: readonly string[];
  readonly version: string;
}

export interface Due {
  readonly replies: readonly Reply[];
  readonly lingering: Subscription['lingering'];
}

export function dueSotw(state: Subscription, current: TypeSnapshot, mayRemove: boolean): Due {
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

export function dueDelta(state: Subscription, current: TypeSnapshot, mayRemove: boolean): Due {
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
  // Rule 47: a removal that was rejected is sent again with the next change, like everything that was.
  if (changed.length + removed.length > 0) {
    for (const name of state.rejected)
      if (covers(state, name) && !current.resources.has(name)) gone.set(name, undefined);
  }
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
  if (state.base === undefined) return { changed: [], removed: [] };
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
  const owed: NameSet | ReadonlySet<string> = state.owedAll && !state.wildcard ? state.names : state.owed;
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

/** Whether a name is within the subscription. */
export function covers(state: Subscription, name: string): boolean {
  return state.wildcard || state.names.has(name);
}
