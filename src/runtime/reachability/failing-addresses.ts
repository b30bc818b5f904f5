// Why each address of a peer failed lately, as one Envoy reports it, and which of these reasons stands for the peer.
// Must not: grow with what a gateway reports.

import type { PeerFailure } from './peer-failure.ts';

export interface FailedAddress {
  /** `IP:PORT`; empty: none could be dialled. */
  readonly address: string;
  readonly failure: PeerFailure & { readonly words: string };
  readonly at: number;
}

/** Every failed connection is one of the last; a peer has a few addresses, and each is tried within seconds. */
const LATELY_MS = 60_000;
const MAX_ADDRESSES = 16;

/** By address, so that the order does not change with what came last. */
export function withFailure(known: readonly FailedAddress[], failed: FailedAddress): readonly FailedAddress[] {
  return [...known.filter(({ address, at }) => address !== failed.address && failed.at - at < LATELY_MS), failed]
    .sort((a, b) => b.at - a.at)
    .slice(0, MAX_ADDRESSES)
    .sort((a, b) => (a.address < b.address ? -1 : 1));
}

/** That nothing answers says less than a refusal, which somebody has to correct. */
export function mostTelling(failed: readonly FailedAddress[]): FailedAddress | undefined {
  return failed.find(({ failure }) => failure.reason !== 'PEER_DOWN') ?? failed[0];
}
