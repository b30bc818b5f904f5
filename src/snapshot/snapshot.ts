// The immutable state that one gateway is to have.
// In: resources. Out: a Snapshot whose versions are hashes of its content. Must not: exist with a reference that leads nowhere.

import { createHash } from 'node:crypto';
import { PosternError } from '../errors.ts';
import type { Resource } from './resource.ts';
import { PUSH_ORDER, shortName } from './types.ts';

/** All resources of one type, by name, in the order of their names. */
export interface TypeSnapshot {
  readonly typeUrl: string;
  readonly version: string;
  readonly resources: ReadonlyMap<string, Resource>;
}

export interface Snapshot {
  readonly version: string;
  readonly types: ReadonlyMap<string, TypeSnapshot>;
}

/**
 * Makes a snapshot; a type whose resources are the same objects as before is the same object as before.
 * Errors: SNAPSHOT_INCONSISTENT for two resources of one name, or a reference that does not resolve.
 */
export function createSnapshot(resources: readonly Resource[], previous?: Snapshot): Snapshot {
  const groups = new Map<string, Resource[]>(PUSH_ORDER.map((typeUrl) => [typeUrl, []]));
  for (const resource of resources) {
    const group = groups.get(resource.typeUrl);
    if (group === undefined)
      throw new PosternError('SNAPSHOT_INCONSISTENT', `${resource.name} is of a type that is not served`);
    group.push(resource);
  }
  const types = new Map(
    [...groups].map(([typeUrl, group]) => [typeUrl, typeSnapshot(typeUrl, group, previous?.types.get(typeUrl))]),
  );
  if (previous !== undefined && [...types].every(([typeUrl, type]) => type === previous.types.get(typeUrl)))
    return previous;
  checkReferences(types);
  return { version: hash([...types.values()].map((type) => type.version)), types };
}

/** A snapshot with nothing in it: what a gateway is left with that the configuration no longer has. */
export function emptySnapshot(): Snapshot {
  return createSnapshot([]);
}

function typeSnapshot(typeUrl: string, group: readonly Resource[], previous: TypeSnapshot | undefined): TypeSnapshot {
  // As many as before, and none of them twice: else one that is there twice could hide that another is gone.
  const same = previous?.resources.size === group.length && new Set(group).size === group.length;
  if (same && group.every((resource) => previous.resources.get(resource.name) === resource)) return previous;
  const sorted = [...group].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const resources = new Map(sorted.map((resource) => [resource.name, resource]));
  if (resources.size !== group.length) {
    const twice = sorted.find((resource, index) => sorted[index + 1]?.name === resource.name);
    throw new PosternError('SNAPSHOT_INCONSISTENT', `${shortName(typeUrl)} has two resources ${twice?.name ?? ''}`);
  }
  const version = hash(sorted.map((resource) => `${resource.name}\n${resource.version}`));
  return previous?.version === version ? previous : { typeUrl, version, resources };
}

function checkReferences(types: ReadonlyMap<string, TypeSnapshot>): void {
  for (const type of types.values()) {
    for (const resource of type.resources.values()) {
      for (const { typeUrl, name } of resource.references) {
        if (types.get(typeUrl)?.resources.has(name)) continue;
        const what = `${shortName(type.typeUrl)} ${resource.name} refers to ${shortName(typeUrl)} ${name}, which is not there`;
        throw new PosternError('SNAPSHOT_INCONSISTENT', what);
      }
    }
  }
}

function hash(parts: readonly string[]): string {
  const sum = createHash('sha256');
  for (const part of parts) sum.update(part).update('\n');
  return sum.digest('hex').slice(0, 32);
}
