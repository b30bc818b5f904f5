// From one model to the next without a moment that neither of them admits. Gateways get the pieces of an update one after
// the other, and perhaps not all of them: so what may only be in force together is reached in two steps, by way of what
// both models admit (their meet), and names that ended live on as long as connections may use them, with their meet.
// Must not: admit anything that the next model does not.

import { bundleOf, type TrustBundle } from '../trust/bundle.ts';
import type { Federation, Grant, Import, Peer } from './model.ts';
import { share } from './structural-sharing.ts';

/** How long the meet is served: until no connection is left of those that began before it (drain time and some more). */
export const SETTLE_MS = 8000;
/** How long an ended name is kept: a gateway that was away meanwhile asks for what it had. */
const RETIRED_MS = 60 * 60 * 1000;

/** A name that a peer had. */
export interface Ended {
  readonly name: string;
  readonly key: string;
  /** What both meanings admit; absent: nothing. */
  readonly meet?: Meet;
}

export interface Retired extends Ended {
  readonly until: number;
}

export interface Meet {
  readonly domainKey: string;
  readonly gatewayIdentities: Peer['gatewayIdentities'];
  /** PEM; empty: no root. */
  readonly roots: string;
  readonly grants: readonly Grant[];
}

/** A peer between two models. */
export interface Transition {
  readonly until: number;
  /** The model that it leads to. */
  readonly target: string;
  readonly bundle: TrustBundle;
  readonly grants: readonly Grant[];
  readonly imports: readonly Import[];
  /** Makes the peer's filter chains others for the time being, so that the connections that they have end. */
  readonly mark?: string;
}

export type Transitions = ReadonlyMap<string, Transition>;

/** `served`: the last model as it was served, with its transitions. */
export function retire(
  before: readonly Retired[],
  served: Federation | undefined,
  next: Federation,
  now: number,
): readonly Retired[] {
  const label = ({ name, key }: { readonly name: string; readonly key: string }): string => `${name}@${key}`;
  const present = new Set(next.peers.map(label));
  const ended = (served?.peers ?? []).map((peer): Retired => {
    const grants = grantsOf(served, peer.name);
    return {
      name: peer.name,
      key: peer.key,
      until: now + RETIRED_MS,
      meet: { ...peer, roots: peer.bundle.pem, grants },
    };
  });
  const all = new Map([...before.filter(({ until }) => now < until), ...ended].map((one) => [label(one), one]));
  return [...all.values()].filter((one) => !present.has(label(one))).map((one) => share(one, narrowed(one, next)));
}

function narrowed({ name, key, until, meet }: Retired, next: Federation): Retired {
  const successor = next.peers.find((peer) => peer.name === name && peer.domainKey === meet?.domainKey);
  const identities = meet?.gatewayIdentities.filter((id) => successor?.gatewayIdentities.includes(id)) ?? [];
  if (meet === undefined || successor === undefined || identities.length === 0) return { name, key, until };
  const roots = successor.bundle.certificates.filter(({ pem }) => meet.roots.includes(pem.trim()));
  return {
    name,
    key,
    until,
    meet: {
      domainKey: meet.domainKey,
      gatewayIdentities: identities,
      roots: roots.map(({ pem }) => pem).join(''),
      grants: meetOfGrants(meet.grants, grantsOf(next, name)),
    },
  };
}

/** The peers that need two steps to get from what is `served` to the next model, or that are still between the two. */
export function transitionsTo(
  running: Transitions,
  served: Federation | undefined,
  next: Federation,
  now: number,
): Transitions {
  const found = new Map<string, Transition>();
  for (const peer of next.peers) {
    const before = served?.peers.find(({ name, domainKey }) => name === peer.name && domainKey === peer.domainKey);
    if (served === undefined || before === undefined) continue;
    const known = running.get(peer.name);
    const target = JSON.stringify([
      peer.key,
      peer.bundle.fingerprint,
      grantsOf(next, peer.name),
      importsOf(next, peer.name),
    ]);
    const isSame = known?.target === target;
    if (isSame) {
      if (now < known.until) found.set(peer.name, known);
      continue;
    }
    const transition = between(served, before, next, peer);
    if (transition !== undefined) found.set(peer.name, { until: now + SETTLE_MS, target, ...transition });
  }
  return found;
}

type Between = Omit<Transition, 'until' | 'target'>;

function between(served: Federation, before: Peer, next: Federation, peer: Peer): Between | undefined {
  // Under another key the peer has other names, which no connection has, and the ended ones their meet (retire).
  if (before.key !== peer.key || before.bundle.fingerprint === peer.bundle.fingerprint) return undefined;
  const [had, has] = [grantsOf(served, peer.name), grantsOf(next, peer.name)];
  const [imported, imports] = [importsOf(served, peer.name), importsOf(next, peer.name)];
  const kept = peer.bundle.certificates.filter((one) => includes(before.bundle, one.fingerprint));
  const losesRoots = kept.length < before.bundle.certificates.length;
  const grants = meetOfGrants(had, has);
  const sameImports = imports.filter((one) => imported.some((other) => isEqual(one, other)));
  const importsChange = sameImports.length < imports.length || sameImports.length < imported.length;
  const losesGrants = grants.length < had.length || !isEqual(grants, had);
  if (!losesRoots && !losesGrants && !importsChange) return undefined;
  return {
    bundle: kept.length === peer.bundle.certificates.length ? peer.bundle : bundleOf(peer.trustDomain, kept),
    grants,
    imports: sameImports,
    ...(losesRoots && { mark: peer.bundle.fingerprint.slice(0, 16) }),
  };
}

/** The model as it is served while peers are between two. */
export function during(next: Federation, transitions: Transitions): Federation {
  if (transitions.size === 0) return next;
  const isBetween = ({ peer }: { readonly peer: string }): boolean => transitions.has(peer);
  return {
    ...next,
    peers: next.peers.map((peer) => {
      const transition = transitions.get(peer.name);
      if (transition === undefined) return peer;
      const { bundle, mark } = transition;
      return { ...peer, bundle, ...(mark !== undefined && { mark }) };
    }),
    grants: next.grants.flatMap((grant) => {
      if (!isBetween(grant)) return [grant];
      return transitions.get(grant.peer)?.grants.filter((one) => one.export.name === grant.export.name) ?? [];
    }),
    // Its names stay, so that callers are told 503 and not that the name is unknown.
    imports: next.imports.map((one) => {
      const isServed = !isBetween(one) || transitions.get(one.peer)?.imports.some((other) => isEqual(one, other));
      return isServed === true || one.denied ? one : { ...one, denied: true };
    }),
  };
}

/** When the first of them is over. */
export function nextSettled(transitions: Transitions): number | undefined {
  const times = [...transitions.values()].map(({ until }) => until);
  return times.length === 0 ? undefined : Math.min(...times);
}

/** What two lists of grants of one peer both allow; the next one's objects where nothing was lost. */
function meetOfGrants(before: readonly Grant[], next: readonly Grant[]): readonly Grant[] {
  return next.flatMap((grant) => {
    const old = before.find((one) => one.export.name === grant.export.name);
    // Other backends, protocol or bodies: another service under the name.
    if (old === undefined || !isEqual(old.export, grant.export)) return [];
    const allow = grant.allow.filter((rule) => old.allow.some((other) => isEqual(rule, other)));
    if (allow.length === 0) return [];
    return allow.length === grant.allow.length ? [grant] : [{ ...grant, allow }];
  });
}

function includes(bundle: TrustBundle, fingerprint: string): boolean {
  return bundle.certificates.some((one) => one.fingerprint === fingerprint);
}

function grantsOf(federation: Federation | undefined, peer: string): readonly Grant[] {
  return federation?.grants.filter((grant) => grant.peer === peer) ?? [];
}

function importsOf(federation: Federation, peer: string): readonly Import[] {
  return federation.imports.filter((imported) => imported.peer === peer);
}

function isEqual(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
