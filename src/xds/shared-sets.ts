// Sets of resources as arrays that are the same object for every stream that is sent the same: encoded responses are
// cached by these arrays (response.ts), so they are made once for each state of a type and go away with it.
// In: the current state of a type, names. Out: arrays. Must not: hold a state that nobody else holds.

import type { Resource } from '../snapshot/resource.ts';
import type { TypeSnapshot } from '../snapshot/snapshot.ts';
import { nameKey } from './name-set.ts';

const wholes = new WeakMap<TypeSnapshot, readonly Resource[]>();
const subsets = new WeakMap<TypeSnapshot, Map<string, readonly Resource[]>>();
const unions = new WeakMap<readonly Resource[], Map<string, readonly Resource[]>>();
const parts = new WeakMap<readonly Resource[], readonly (readonly Resource[])[]>();

export function all(current: TypeSnapshot): readonly Resource[] {
  const known = wholes.get(current) ?? [...current.resources.values()];
  wholes.set(current, known);
  return known;
}

/** More different subsets of one state than this are not worth keeping. */
const MAX_SUBSETS = 256;

export function subset(current: TypeSnapshot, wanted: readonly Resource[] | readonly string[]): readonly Resource[] {
  if (typeof wanted[0] !== 'string') return wanted as readonly Resource[];
  const names = [...(wanted as readonly string[])].sort();
  const key = nameKey(names);
  const known = subsets.get(current) ?? new Map<string, readonly Resource[]>();
  subsets.set(current, known);
  const before = known.get(key);
  if (before !== undefined) return before;
  const found = names.flatMap((name) => current.resources.get(name) ?? []);
  if (known.size < MAX_SUBSETS) known.set(key, found);
  return found;
}

export function withLingering(subscribed: readonly Resource[], kept: readonly Resource[]): readonly Resource[] {
  const key = nameKey(kept.flatMap(({ name, version }) => [name, version]));
  const known = unions.get(subscribed) ?? new Map<string, readonly Resource[]>();
  unions.set(subscribed, known);
  const merged = known.get(key) ?? [...subscribed, ...kept];
  known.set(key, merged);
  return merged;
}

/** Responses of about this size: clients of gRPC refuse messages above 4 MiB unless told otherwise (rules 49, 64). */
const SPLIT_BYTES = 2 * 1024 * 1024;

export function split(
  resources: readonly Resource[],
  removed: readonly string[],
  version: string,
): readonly {
  readonly resources: readonly Resource[];
  readonly removed: readonly string[];
  readonly version: string;
}[] {
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
