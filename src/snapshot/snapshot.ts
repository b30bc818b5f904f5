// The immutable state that one gateway is served; its versions are hashes of its content.
// Must not: exist with a reference that does not resolve, or cost more to make than its changes.

import { createHash } from 'node:crypto';
import { PosternError } from '../errors.ts';
import { type Diff, remember } from './diff.ts';
import type { Resource } from './resource.ts';
import { ResourceSet } from './resource-set.ts';
import { PUSH_ORDER, REFERRERS, shortName } from './resource-types.ts';
import type { TypeSnapshot } from './type-snapshot.ts';

export interface Snapshot {
  readonly version: string;
  readonly types: ReadonlyMap<string, TypeSnapshot>;
}

const NOTHING = new Map(
  PUSH_ORDER.map((typeUrl) => [
    typeUrl,
    { typeUrl, version: versionOf(0n), resources: ResourceSet.empty, sum: 0n } as TypeSnapshot,
  ]),
);
const EMPTY: Snapshot = { version: snapshotVersion(NOTHING), types: NOTHING };

/** The snapshot without resources: for a gateway that the configuration no longer has. */
export function emptySnapshot(): Snapshot {
  return EMPTY;
}

/**
 * Makes a snapshot; a type whose resources are the same objects as before is the same object as before.
 * Errors: SNAPSHOT_INCONSISTENT for two resources of one name, or a reference that does not resolve.
 */
export function createSnapshot(resources: readonly Resource[], previous: Snapshot = EMPTY): Snapshot {
  const names = new Map(PUSH_ORDER.map((typeUrl) => [typeUrl, new Set<string>()]));
  const changed: Resource[] = [];
  for (const resource of resources) {
    const { typeUrl, name } = resource;
    const namesOfType = names.get(typeUrl);
    if (namesOfType === undefined)
      throw new PosternError('SNAPSHOT_INCONSISTENT', `${name} is of a type that is not served`);
    if (namesOfType.has(name))
      throw new PosternError('SNAPSHOT_INCONSISTENT', `${shortName(typeUrl)} has two resources ${name}`);
    namesOfType.add(name);
    if (previous.types.get(typeUrl)?.resources.get(name) !== resource) changed.push(resource);
  }
  const removed = [...previous.types.values()].flatMap((type) =>
    names.get(type.typeUrl)?.size === type.resources.size && changed.length === 0
      ? []
      : [...type.resources.values()].filter(({ name }) => !names.get(type.typeUrl)?.has(name)),
  );
  return updateSnapshot(previous, { changed, removed });
}

/**
 * The next snapshot: `changed` resources replace those of their names, `removed` ones are left out.
 * Errors: SNAPSHOT_INCONSISTENT for a reference that does not resolve.
 */
export function updateSnapshot(previous: Snapshot, { changed, removed }: Diff): Snapshot {
  const types = new Map(
    [...previous.types.values()].map((type) => {
      const isOfType = (resource: Resource): boolean => resource.typeUrl === type.typeUrl;
      return [type.typeUrl, updateType(type, { changed: changed.filter(isOfType), removed: removed.filter(isOfType) })];
    }),
  );
  if ([...types.values()].every((type) => type === previous.types.get(type.typeUrl))) return previous;
  for (const resource of changed) checkReferences(resource, types);
  // An unchanged resource may refer to a removed one.
  const referrers = new Set(removed.flatMap(({ typeUrl }) => REFERRERS.get(typeUrl) ?? []));
  for (const typeUrl of referrers)
    for (const resource of types.get(typeUrl)?.resources.values() ?? []) checkReferences(resource, types);
  return { version: snapshotVersion(types), types };
}

/** The next state of one type; the same object when nothing differs. */
export function updateType(type: TypeSnapshot, { changed, removed }: Diff): TypeSnapshot {
  const other = changed.filter((resource) => type.resources.get(resource.name)?.version !== resource.version);
  if (other.length === 0 && removed.length === 0) return type;
  let { sum } = type;
  for (const { name } of removed) sum -= type.resources.get(name)?.digest ?? 0n;
  for (const resource of other) sum += resource.digest - (type.resources.get(resource.name)?.digest ?? 0n);
  sum = BigInt.asUintN(256, sum);
  const resources = type.resources.with(
    other,
    removed.map(({ name }) => name),
  );
  const next = { typeUrl: type.typeUrl, version: versionOf(sum), resources, sum };
  remember(type, next, { changed: other, removed });
  return next;
}

function checkReferences(source: Resource, types: ReadonlyMap<string, TypeSnapshot>): void {
  for (const { typeUrl, name } of source.references) {
    if (types.get(typeUrl)?.resources.has(name)) continue;
    const what = `${shortName(source.typeUrl)} ${source.name} refers to ${shortName(typeUrl)} ${name}, which is not there`;
    throw new PosternError('SNAPSHOT_INCONSISTENT', what);
  }
}

function versionOf(sum: bigint): string {
  return hash(sum.toString(16));
}

function snapshotVersion(types: ReadonlyMap<string, TypeSnapshot>): string {
  return hash([...types.values()].map((type) => type.version).join('\n'));
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
