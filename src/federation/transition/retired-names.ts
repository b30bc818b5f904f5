// The names of peers that were removed, or mean something else now: kept for an hour with what both meanings admit.
// Must not: serve more under an old name than the new model admits.

import { type Federation, type HttpGrant, isHttpGrant, type Peer, type PeerLimits } from '../model.ts';
import { share } from '../structural-sharing.ts';
import type { HeldState, ServedPeer } from './history.ts';
import { intersectionOf, meetOf, narrowTo, partsOf, type ServedState, stateOf, withRoots } from './served-state.ts';

/** How long a retired name is kept: a gateway that was away meanwhile asks for what it had. */
export const RETIRED_MS = 60 * 60 * 1000;

/** A name that a peer had. */
export interface RetiredName {
  readonly name: string;
  readonly key: string;
  /** What both meanings admit; absent: nothing. */
  readonly meet?: Meet;
}

export interface Meet {
  readonly domainKey: string;
  readonly gatewayIdentities: Peer['gatewayIdentities'];
  /** PEM; empty: no root. */
  readonly roots: string;
  /** Of HTTP alone: the chains of TCP exports are cut with their name. */
  readonly grants: readonly HttpGrant[];
  readonly limits?: PeerLimits;
}

/** The entry of a name that has ended; undefined once its time is over. */
export function retiredEntry(entry: ServedPeer, now: number, settleMs: number): ServedPeer | undefined {
  const last = entry.ended?.last ?? lastOf(entry.states);
  const ended = { until: Math.min(entry.ended?.until ?? now + RETIRED_MS, now + RETIRED_MS), last };
  if (ended.until <= now) return undefined;
  const supersededUntil = Math.max(now + settleMs, ...entry.states.flatMap(({ until }) => until ?? []));
  const states = entry.states
    .map((state) => ({ ...state, until: state.until ?? supersededUntil }))
    .filter(({ until }) => now < until);
  return share(entry, { ...entry, ended, states });
}

function lastOf(states: readonly HeldState[]): ServedState {
  const { roots = [], grants = [], imports = [] } = states.at(-1) ?? {};
  return { roots, grants, imports };
}

export function retiredNames(retired: readonly ServedPeer[], served: Federation): readonly RetiredName[] {
  if (retired.length === 0) return [];
  const parts = partsOf(served);
  return retired.map(({ name, key, domainKey, gatewayIdentities, states, ended }): RetiredName => {
    const successor = parts.find(({ peer }) => peer.name === name && peer.domainKey === domainKey);
    const identities = gatewayIdentities.filter((id) => successor?.peer.gatewayIdentities.includes(id));
    if (successor === undefined || identities.length === 0) return { name, key };
    const { roots, ...uses } = meetOf(intersectionOf(stateOf(successor), ended?.last ?? lastOf(states)), states);
    const { grants } = narrowTo(successor, { roots, ...uses });
    const { pem } = withRoots(successor.peer, roots).bundle;
    const { limits } = successor.peer;
    return {
      name,
      key,
      meet: {
        domainKey,
        gatewayIdentities: identities,
        roots: roots.length === 0 ? '' : pem,
        grants: grants.filter(isHttpGrant),
        ...(limits && { limits }),
      },
    };
  });
}
