// What a gateway holds of one peer, reduced to what updates compare: the roots that it trusts, the rules that it grants and
// the imports that it reaches. Digests instead of the objects, so that a state can be kept over a restart of the process.

import { areIdentical, memoizeByIdentity } from '../../memoize.ts';
import { bundleOf } from '../../trust/bundle.ts';
import { digestOf } from '../meaning-digest.ts';
import {
  type Export,
  type Federation,
  type Grant,
  type HttpGrant,
  type Import,
  isTcpGrant,
  type Peer,
  type TcpGrant,
} from '../model.ts';

/** Each list is sorted. Public material only: fingerprints and digests. */
export interface ServedState {
  /** SHA-256 fingerprints of the roots in the peer's bundle. */
  readonly roots: readonly string[];
  /** One digest for each path that an allow rule grants, with the methods, the workloads and the export; one for each TCP grant. */
  readonly grants: readonly string[];
  /** One digest for each import that is served; with clients, one for each of them. */
  readonly imports: readonly string[];
}

/**
 * Of an export or import, what decides who may do what and where it leads. Time-outs and limits decide how long and how much:
 * a change of them keeps nothing back. Upgrades are access: they let a request become a stream of another protocol.
 */
function accessOf<T extends Export | Import>(one: T): object {
  return Object.fromEntries(Object.entries(one).filter(([key]) => key !== 'timeouts' && key !== 'limits'));
}

/** For each allow rule, a digest for each of its paths. Other backends or another protocol give the same rule other digests. */
const ruleDigests = memoizeByIdentity(({ export: exported, allow }: HttpGrant): readonly (readonly string[])[] =>
  allow.map(({ methods, paths, workloads }) =>
    paths.map((path) =>
      digestOf('grant', accessOf(exported), methods, path, ...(workloads === undefined ? [] : [workloads])),
    ),
  ),
);
/** A TCP grant has no rules: it is served as a whole, or not. */
const tcpGrantDigest = memoizeByIdentity((grant: TcpGrant): string => digestOf('tcp grant', accessOf(grant.export)));
/** For each client of an import, a digest; one alone for an import that names none. */
const importDigests = memoizeByIdentity((one: Import): readonly string[] => {
  const { clients, ...imported } = accessOf(one) as Omit<Import, 'limits'>;
  return clients === undefined
    ? [digestOf('import', imported)]
    : clients.map((client) => digestOf('import', imported, client));
});

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

/** In the order in which they come. */
export function byPeer<T extends { readonly peer: string }>(items: readonly T[]): ReadonlyMap<string, readonly T[]> {
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
    grants: grants.flatMap(grantDigests).sort(),
    imports: imports
      .filter(({ denied }) => !denied)
      .flatMap((imported) => importDigests(imported))
      .sort(),
  };
}

function grantDigests(grant: Grant): readonly string[] {
  return isTcpGrant(grant) ? [tcpGrantDigest(grant)] : ruleDigests(grant).flat();
}

export function isSameState(a: ServedState, b: ServedState): boolean {
  return areIdentical(a.roots, b.roots) && areIdentical(a.grants, b.grants) && areIdentical(a.imports, b.imports);
}

/**
 * What of `next` can be served while a gateway may hold any of `held` (the newest last), or pieces of several. A connection
 * that was authenticated by a root of one state may meet the grants and imports of any other. So what stays back is
 * - a grant or import, unless each root that goes was served together with it, and it was served without a gap since then;
 * - a root, unless each grant or import that goes was served together with it, and it was served without a gap since then.
 * What stays back goes as well, so this is repeated. What the newest of `held` serves and `next` has never stays back:
 * what goes was either served together with it by the newest, or kept it back before.
 */
export function meetOf(next: ServedState, held: readonly ServedState[]): ServedState {
  const { roots, grants, imports } = next;
  const sinceRoots = earliestEnd(held, 'roots', roots);
  const sinceUses = Math.min(earliestEnd(held, 'grants', grants), earliestEnd(held, 'imports', imports));
  const meet = {
    roots: inAll(roots, held.slice(sinceUses), 'roots'),
    grants: inAll(grants, held.slice(sinceRoots), 'grants'),
    imports: inAll(imports, held.slice(sinceRoots), 'imports'),
  };
  return isSameState(meet, next) ? next : meetOf(meet, held);
}

/** Of all that goes (`kept` lacks it), the earliest index at which something was served for the last time. */
function earliestEnd(held: readonly ServedState[], what: keyof ServedState, kept: readonly string[]): number {
  const known = new Set(kept);
  let earliest = held.length;
  for (let index = held.length - 1; index >= 0; index--)
    for (const one of held[index]?.[what] ?? [])
      if (!known.has(one)) {
        known.add(one);
        earliest = index;
      }
  return earliest;
}

function inAll(list: readonly string[], held: readonly ServedState[], what: keyof ServedState): readonly string[] {
  const sets = held.map((state) => new Set(state[what]));
  return list.filter((one) => sets.every((set) => set.has(one)));
}

/** Whether `state` has something that `other` lacks. */
export function exceeds(state: ServedState, other: ServedState): boolean {
  return (['roots', 'grants', 'imports'] as const).some((what) => holdsMore(state[what], other[what]));
}

/** What both states have. */
export function intersectionOf(a: ServedState, b: ServedState): ServedState {
  return {
    roots: inAll(a.roots, [b], 'roots'),
    grants: inAll(a.grants, [b], 'grants'),
    imports: inAll(a.imports, [b], 'imports'),
  };
}

/** Of the grants and imports of a peer, those that `state` has; of an allow rule its paths, of an import its clients. */
export function narrowTo({ peer, grants, imports }: PeerPart, state: ServedState): PeerPart {
  const [rules, known] = [new Set(state.grants), new Set(state.imports)];
  return {
    peer,
    grants: grants.flatMap((grant): readonly Grant[] => {
      if (isTcpGrant(grant)) return rules.has(tcpGrantDigest(grant)) ? [grant] : [];
      const digests = ruleDigests(grant);
      const allow = grant.allow.flatMap((rule, index) => {
        const paths = rule.paths.filter((_, at) => rules.has(digests[index]?.[at] ?? ''));
        if (paths.length === rule.paths.length) return [rule];
        return paths.length === 0 ? [] : [{ ...rule, paths }];
      });
      if (allow.length === 0) return [];
      return allow.every((rule, index) => rule === grant.allow[index]) && allow.length === grant.allow.length
        ? [grant]
        : [{ ...grant, allow }];
    }),
    imports: imports.flatMap((one): readonly Import[] => {
      const digests = importDigests(one);
      if (digests.every((digest) => known.has(digest))) return [one];
      const clients = one.clients?.filter((_, index) => known.has(digests[index] ?? '')) ?? [];
      return clients.length === 0 ? [] : [{ ...one, clients }];
    }),
  };
}

/** Whether `list` has an element that `other` has not. */
export function holdsMore(list: readonly string[], other: readonly string[]): boolean {
  const known = new Set(other);
  return list.some((one) => !known.has(one));
}

/** The peer, trusted by these roots alone. */
export function withRoots(peer: Peer, roots: readonly string[]): Peer {
  const { certificates } = peer.bundle;
  const kept = certificates.filter(({ fingerprint }) => roots.includes(fingerprint));
  return kept.length === certificates.length ? peer : { ...peer, bundle: bundleOf(peer.trustDomain, kept) };
}
