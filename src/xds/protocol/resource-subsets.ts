// Sets of resources as arrays that are the same object for every stream that is sent the same: encoded responses are
// cached by these arrays (discovery-response.ts), so they are made once for each state of a type and go away with it.
// In: the current state of a type, names. Out: arrays. Must not: hold a state that nobody else holds.

import type { Resource } from '../../snapshot/resource.ts';
import type { TypeSnapshot } from '../../snapshot/type-snapshot.ts';
import type { Variant } from '../wire/messages.ts';
import { type NameSet, nameKey } from './name-set.ts';

const wholes = new WeakMap<TypeSnapshot, readonly Resource[]>();
const subsets = new WeakMap<TypeSnapshot, Subsets>();
const alones = new WeakMap<Resource, readonly Resource[]>();
const unions = new WeakMap<readonly Resource[], Map<string, readonly Resource[]>>();
const parts = {
  sotw: new WeakMap<readonly Resource[], readonly (readonly Resource[])[]>(),
  delta: new WeakMap<readonly Resource[], readonly (readonly Resource[])[]>(),
} as const;

export function all(current: TypeSnapshot): readonly Resource[] {
  const known = wholes.get(current) ?? [...current.resources.values()];
  wholes.set(current, known);
  return known;
}

/** A response of this resource and no other. */
export function alone(resource: Resource): readonly Resource[] {
  const known = alones.get(resource);
  if (known !== undefined) return known;
  const made = [resource];
  alones.set(resource, made);
  return made;
}

interface Subsets {
  /** Of one resource, by its name: what on-demand clients ask for. */
  readonly singles: Map<string, readonly Resource[]>;
  readonly others: Map<string, readonly Resource[]>;
  readonly kept: WeakSet<readonly Resource[]>;
  /** Those of `others` by what stands for their names (NameSet.shared), names that do not exist included. */
  readonly bySet: WeakMap<object, readonly Resource[]>;
  /** Bytes of what `others` hold, and of their encoded bodies, which are kept with them. */
  held: number;
}

/** More different subsets of one state than these are not worth keeping. */
const MAX_SUBSETS = 256;
const MAX_SINGLES = 4096;
/** Beyond the first subset, which may be as large as it is: clients choose what they are of. */
const MAX_HELD_BYTES = 64 * 1024 * 1024;

/** The same as `subset`, without a look at names that were looked at before. */
export function subsetOf(current: TypeSnapshot, wanted: NameSet): readonly Resource[] {
  const { shared } = wanted;
  if (shared === undefined) return subset(current, wanted.list());
  const before = subsets.get(current)?.bySet.get(shared);
  if (before !== undefined) return before;
  const found = subset(current, wanted.list());
  const known = subsets.get(current);
  // What is not kept for others must not be kept here: a client that names ever other sets would fill the memory.
  if (known?.kept.has(found)) known.bySet.set(shared, found);
  return found;
}

/** The resources of these names that there are, in the order of their names. */
export function subset(current: TypeSnapshot, wanted: readonly string[]): readonly Resource[] {
  const existing = wanted.length === 1 ? wanted : wanted.filter((name) => current.resources.has(name));
  const [only] = existing;
  if (only === undefined) return [];
  const known = subsets.get(current) ?? {
    singles: new Map(),
    others: new Map(),
    kept: new WeakSet(),
    bySet: new WeakMap(),
    held: 0,
  };
  subsets.set(current, known);
  if (existing.length === 1) return single(current, known.singles, only);
  const names = [...existing].sort();
  // Only of names that there are: a client can make up as many others as it likes.
  const key = nameKey(names);
  const before = known.others.get(key);
  if (before !== undefined) return before;
  const found = names.flatMap((name) => current.resources.get(name) ?? []);
  const bytes = key.length + found.reduce((sum, { any }) => sum + any.length, 0);
  if (known.others.size > 0 && (known.others.size >= MAX_SUBSETS || known.held + bytes > MAX_HELD_BYTES)) return found;
  known.others.set(key, found);
  known.kept.add(found);
  known.held += bytes;
  return found;
}

function single(current: TypeSnapshot, known: Map<string, readonly Resource[]>, name: string): readonly Resource[] {
  const before = known.get(name);
  if (before !== undefined) return before;
  const resource = current.resources.get(name);
  if (resource === undefined) return [];
  const made = [resource];
  if (known.size < MAX_SINGLES) known.set(name, made);
  return made;
}

export function withPendingRemovals(subscribed: readonly Resource[], kept: readonly Resource[]): readonly Resource[] {
  const key = nameKey(kept.flatMap(({ name, version }) => [name, version]));
  const known = unions.get(subscribed) ?? new Map<string, readonly Resource[]>();
  unions.set(subscribed, known);
  const merged = known.get(key) ?? [...subscribed, ...kept];
  known.set(key, merged);
  return merged;
}

/** Delta responses of about this size: clients of gRPC refuse messages above 4 MiB unless told otherwise (rules 49, 64). */
const DELTA_BYTES = 2 * 1024 * 1024;
/** SotW responses are cut only where they have to be: many clients expect all that they named in one. */
const SOTW_BYTES = 3.5 * 1024 * 1024;

/** The resources in parts of a size that clients take; an empty one is a part as well. The same parts for the same array. */
export function split(resources: readonly Resource[], variant: Variant): readonly (readonly Resource[])[] {
  const known = parts[variant].get(resources);
  if (known !== undefined) return known;
  const made = chunk(resources, variant === 'delta' ? DELTA_BYTES : SOTW_BYTES);
  parts[variant].set(resources, made);
  return made;
}

function chunk(resources: readonly Resource[], maxBytes: number): readonly (readonly Resource[])[] {
  const chunks: Resource[][] = [[]];
  let size = 0;
  for (const resource of resources) {
    if (size > 0 && size + resource.any.length > maxBytes) {
      chunks.push([]);
      size = 0;
    }
    chunks.at(-1)?.push(resource);
    size += resource.any.length;
  }
  return chunks.length === 1 ? [resources] : chunks;
}
