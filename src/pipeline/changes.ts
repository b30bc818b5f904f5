// Lists what an edit changed, by name, for the log. A model shares unchanged objects with the one before it, so the objects
// are compared by identity.

import type { Federation } from '../federation/model.ts';

export interface Change {
  readonly added?: readonly string[];
  readonly removed?: readonly string[];
  readonly changed?: readonly string[];
}

/** Kinds without a change are left out. */
export type Changes = Readonly<Partial<Record<'gateways' | 'peers' | 'exports' | 'imports' | 'grants', Change>>>;

/** Names in each list of a change; the last element counts the others. */
const MAX_NAMES = 20;

export function changesBetween(before: Federation | undefined, next: Federation): Changes {
  const kinds = (['gateways', 'peers', 'exports', 'imports', 'grants'] as const).flatMap((kind) => {
    const change = changeOf(byName(before, kind), byName(next, kind));
    return Object.keys(change).length === 0 ? [] : [[kind, change] as const];
  });
  return Object.fromEntries(kinds);
}

function byName(federation: Federation | undefined, kind: keyof Changes): ReadonlyMap<string, unknown> {
  if (federation === undefined) return new Map();
  const { ingress, egress, peers, deniedPeers, exports, imports, grants } = federation;
  switch (kind) {
    case 'gateways':
      return new Map([ingress, egress].flatMap((gateway) => (gateway === undefined ? [] : [[gateway.role, gateway]])));
    case 'peers':
      return new Map([...peers, ...deniedPeers].map((peer) => [peer.name, peer]));
    case 'exports':
      return new Map(exports.map((exported) => [exported.name, exported]));
    case 'imports':
      return new Map(imports.map((imported) => [`${imported.localNames[0]}:${imported.port}`, imported]));
    case 'grants':
      return new Map(grants.map((grant) => [`${grant.peer}/${grant.export.name}`, grant]));
  }
}

function changeOf(before: ReadonlyMap<string, unknown>, next: ReadonlyMap<string, unknown>): Change {
  const added = [...next.keys()].filter((name) => !before.has(name));
  const removed = [...before.keys()].filter((name) => !next.has(name));
  const changed = [...next].flatMap(([name, value]) => (before.has(name) && before.get(name) !== value ? [name] : []));
  return {
    ...(added.length > 0 && { added: bounded(added) }),
    ...(removed.length > 0 && { removed: bounded(removed) }),
    ...(changed.length > 0 && { changed: bounded(changed) }),
  };
}

function bounded(names: readonly string[]): readonly string[] {
  if (names.length <= MAX_NAMES) return names;
  return [...names.slice(0, MAX_NAMES), `and ${names.length - MAX_NAMES} more`];
}
