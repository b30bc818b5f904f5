// The resources that a connection can get to: the listeners that a machine can dial, and all that these lead to, by name.
// What a control plane only keeps, under names that are no longer in use, is not among them.
// Must not: leave out a resource that a listener, or what it leads to, names.

import type { ResourceJson } from '../../envoy/proto/types.gen.ts';

export function resourcesInUse(resources: readonly ResourceJson[]): readonly ResourceJson[] {
  const byName = new Map<string, ResourceJson[]>();
  for (const resource of resources) byName.set(nameOf(resource), [...(byName.get(nameOf(resource)) ?? []), resource]);
  const used = new Set<ResourceJson>(resources.filter(isDialled));
  // The set grows while it is walked. Any text that is the name of a resource counts as a use of it.
  for (const resource of used)
    for (const text of textsIn(resource)) for (const named of byName.get(text) ?? []) used.add(named);
  return resources.filter((resource) => used.has(resource));
}

function isDialled(resource: ResourceJson): boolean {
  return (
    resource['@type'] === 'type.googleapis.com/envoy.config.listener.v3.Listener' &&
    resource.internal_listener === undefined
  );
}

function nameOf(resource: ResourceJson): string {
  return 'name' in resource ? (resource.name ?? '') : '';
}

function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(textsIn);
}
