// The resources that a response may hold, as batches that are the same object for every stream that is sent the same. They
// are made once for each state of a type, and go away with it.
// Must not: keep a state alive, or keep subsets without limit, because clients choose them.

import { memoizeByIdentity } from '../../memoize.ts';
import type { Resource } from '../../snapshot/resource.ts';
import type { TypeSnapshot } from '../../snapshot/type-snapshot.ts';
import { nameKey } from '../subscription/name-set.ts';
import type { Variant } from '../wire/messages.ts';
import { type SharedBatch, sharedBatch } from '../wire/shared-batch.ts';

export const NO_RESOURCES = sharedBatch([]);

export const allResources = memoizeByIdentity(({ resources }: TypeSnapshot) => sharedBatch([...resources.values()]));

/** A response with this resource only. */
export const singleResource = memoizeByIdentity((resource: Resource) => sharedBatch([resource]));

interface Subsets {
  /** By their names, in order. */
  readonly byNames: Map<string, SharedBatch>;
  /** Bytes of these subsets, and of their encoded bodies, which are kept with them. */
  bytes: number;
}

const subsetsOf = memoizeByIdentity((_: TypeSnapshot): Subsets => ({ byNames: new Map(), bytes: 0 }));

/** More different subsets of one state than these are not worth keeping. */
const MAX_SUBSETS = 256;
/** Beyond the first subset, which may have any size: clients choose what the subsets hold. */
const MAX_SUBSET_BYTES = 64 * 1024 * 1024;

/** The resources of these names that exist, in the order of their names. */
export function subset(current: TypeSnapshot, wanted: readonly string[]): SharedBatch {
  const { resources } = current;
  const existing = wanted.length === 1 ? wanted : wanted.filter((name) => resources.has(name));
  const [only] = existing;
  if (only === undefined) return NO_RESOURCES;
  if (existing.length === 1) {
    const resource = resources.get(only);
    return resource === undefined ? NO_RESOURCES : singleResource(resource);
  }
  const names = [...existing].sort();
  const subsets = subsetsOf(current);
  // By the names that exist: a client can make up any number of others.
  const key = nameKey(names);
  const kept = subsets.byNames.get(key);
  if (kept !== undefined) return kept;
  const batch = sharedBatch(names.flatMap((name) => resources.get(name) ?? []));
  const bytes = key.length + batch.reduce((sum, { any }) => sum + any.length, 0);
  const isFull = subsets.byNames.size >= MAX_SUBSETS || subsets.bytes + bytes > MAX_SUBSET_BYTES;
  if (subsets.byNames.size > 0 && isFull) return batch;
  subsets.byNames.set(key, batch);
  subsets.bytes += bytes;
  return batch;
}

const unionsOf = memoizeByIdentity((_: SharedBatch) => new Map<string, SharedBatch>());

/** `subscribed`, and the resources that the client keeps until nothing refers to them. */
export function withPendingRemovals(subscribed: SharedBatch, kept: readonly Resource[]): SharedBatch {
  const key = nameKey(kept.flatMap(({ name, version }) => [name, version]));
  const unions = unionsOf(subscribed);
  const union = unions.get(key) ?? sharedBatch([...subscribed, ...kept]);
  unions.set(key, union);
  return union;
}

/** Delta responses of about this size: clients of gRPC refuse messages above 4 MiB unless told otherwise (rules 49, 64). */
const DELTA_BYTES = 2 * 1024 * 1024;
/** SotW responses are split only where they must be: many clients expect all subscribed names in one response. */
const SOTW_BYTES = 3.5 * 1024 * 1024;

/** The batch in parts of a size that clients accept; an empty batch is one part. */
export function split(batch: SharedBatch, variant: Variant): readonly SharedBatch[] {
  return variant === 'delta' ? splitDelta(batch) : splitSotw(batch);
}

const splitDelta = memoizeByIdentity((batch: SharedBatch) => chunks(batch, DELTA_BYTES));
const splitSotw = memoizeByIdentity((batch: SharedBatch) => chunks(batch, SOTW_BYTES));

function chunks(batch: SharedBatch, maxBytes: number): readonly SharedBatch[] {
  const parts: Resource[][] = [[]];
  let size = 0;
  for (const resource of batch) {
    if (size > 0 && size + resource.any.length > maxBytes) {
      parts.push([]);
      size = 0;
    }
    parts.at(-1)?.push(resource);
    size += resource.any.length;
  }
  return parts.length === 1 ? [batch] : parts.map(sharedBatch);
}
