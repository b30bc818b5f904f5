// What a gateway holds of one peer, reduced to what updates compare: the roots that it trusts, the rules that it grants and
// the imports that it reaches. Digests instead of the objects, so that a state can be kept over a restart of the process.

import { memoizeByIdentity } from '../memoize.ts';
import { digestOf } from './meaning-digest.ts';
import type { Federation, Grant, Import, Peer } from './model.ts';

/** Each list is sorted. Public material only: fingerprints and digests. */
export interface ServedState {
  /** SHA-256 fingerprints of the roots in the peer's bundle. */
  readonly roots: readonly string[];
  /** One digest for each path that an allow rule grants, with the methods and the export. */
  readonly grants: readonly string[];
  /** One digest for each import that is served. */
  readonly imports: readonly string[];
}

/** For each allow rule, a digest for each of its paths. Other backends or another protocol give the same rule other digests. */
const ruleDigests = memoizeByIdentity(({ export: exported, allow }: Grant): readonly (readonly string[])[] =>
  allow.map(({ methods, paths }) => paths.map((path) => digestOf('grant', exported, methods, path))),
);
const importDigest = memoizeByIdentity((imported: Import): string => digestOf('import', imported));

/** What belongs to one peer in a model. */
export interface PeerPart {
  readonly peer: Peer;
  readonly grants: readonly Grant[];
  readonly imports: readonly Import[];
}

export function partsOf({ peers, grants, imports }: Federation): readonly PeerPart[] {
  const granted = byPeer(grants);
  const imported = byPeer(imports);
  return peers.map((peer) => ({
    peer,
    grants: granted.get(peer.name) ?? [],
    imports: imported.get(peer.name) ?? [],
  }));
}

function byPeer<T extends { readonly peer: string }>(items: readonly T[]): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(item.peer);
    if (group === undefined) groups.set(item.peer, [item]);
    else group.push(item);
  }
  return groups;
}

export function stateOf({ peer, grants, imports }: PeerPart): ServedState {
  return {
    roots: peer.bundle.certificates.map(({ fingerprint }) => fingerprint).sort(),
    grants: grants.flatMap((grant) => ruleDigests(grant).flat()).sort(),
    imports: imports
      .filter(({ denied }) => !denied)
      .map((imported) => importDigest(imported))
      .sort(),
  };
}

export function isSameState(a: ServedState, b: ServedState): boolean {
  return isSameList(a.roots, b.roots) && isSameList(a.grants, b.grants) && isSameList(a.imports, b.imports);
}

/**
 * Whether a gateway that gets the pieces of `next` one after the other could admit what neither state admits: the roots
 * change, and something of `held` goes.
 */
export function needsTwoSteps(held: ServedState, next: ServedState): boolean {
  if (isSameList(held.roots, next.roots)) return false;
  return (['roots', 'grants', 'imports'] as const).some((what) => holdsMore(held[what], next[what]));
}

/** What is left of a peer when only what all of `held` admit as well is kept. */
export function meetOf(part: PeerPart, held: readonly ServedState[]): PeerPart & { readonly roots: readonly string[] } {
  const [roots, rules, known] = (['roots', 'grants', 'imports'] as const).map((what) => inAll(held, what));
  const certificates = part.peer.bundle.certificates.filter(({ fingerprint }) => roots?.has(fingerprint));
  return {
    peer: part.peer,
    roots: certificates.map(({ fingerprint }) => fingerprint),
    grants: part.grants.flatMap((grant) => {
      const digests = ruleDigests(grant);
      const allow = grant.allow.flatMap((rule, index) => {
        const paths = rule.paths.filter((_, at) => rules?.has(digests[index]?.[at] ?? ''));
        if (paths.length === rule.paths.length) return [rule];
        return paths.length === 0 ? [] : [{ ...rule, paths }];
      });
      if (allow.length === 0) return [];
      return allow.every((rule, index) => rule === grant.allow[index]) && allow.length === grant.allow.length
        ? [grant]
        : [{ ...grant, allow }];
    }),
    imports: part.imports.filter((one) => known?.has(importDigest(one))),
  };
}

function inAll(held: readonly ServedState[], what: keyof ServedState): ReadonlySet<string> {
  const [first, ...rest] = held.map((state) => state[what]);
  const others = rest.map((list) => new Set(list));
  return new Set(first?.filter((one) => others.every((other) => other.has(one))));
}

/** Whether `list` has an element that `other` has not. */
export function holdsMore(list: readonly string[], other: readonly string[]): boolean {
  const known = new Set(other);
  return list.some((one) => !known.has(one));
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one, index) => one === b[index]);
}
