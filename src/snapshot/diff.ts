// The difference between two states of one type, computed once for all streams that go from one to the other.
// Must not: know subscriptions.

import type { Resource } from './resource.ts';
import type { TypeSnapshot } from './type-snapshot.ts';

export interface Diff {
  readonly changed: readonly Resource[];
  /** In their last version. */
  readonly removed: readonly Resource[];
}

const NOTHING: Diff = { changed: [], removed: [] };
const differences = new WeakMap<TypeSnapshot, WeakMap<TypeSnapshot, Diff>>();

/** Without `from`, every resource is new. */
export function diff(from: TypeSnapshot | undefined, to: TypeSnapshot): Diff {
  if (from === to) return NOTHING;
  if (from === undefined) return { changed: [...to.resources.values()], removed: [] };
  const cached = differences.get(to)?.get(from);
  if (cached !== undefined) return cached;
  const computed = compute(from, to);
  remember(from, to, computed);
  return computed;
}

/** Records the difference from which `to` was made. */
export function remember(from: TypeSnapshot, to: TypeSnapshot, between: Diff): void {
  const byOrigin = differences.get(to) ?? new WeakMap<TypeSnapshot, Diff>();
  byOrigin.set(from, between);
  differences.set(to, byOrigin);
}

function compute(from: TypeSnapshot, to: TypeSnapshot): Diff {
  const changed: Resource[] = [];
  for (const resource of to.resources.values()) {
    const previous = from.resources.get(resource.name);
    if (previous !== resource && previous?.version !== resource.version) changed.push(resource);
  }
  const removed: Resource[] = [];
  for (const resource of from.resources.values()) {
    if (!to.resources.has(resource.name)) removed.push(resource);
  }
  return { changed, removed };
}
