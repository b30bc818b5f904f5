// What a failed dial means: which side refuses, the reason code, what that says in plain words, and what to change in whose file.
// Must not: dial, or print.

import type { PeerFailureReason, ReasonCode } from '../../envoy/reasons.ts';
import type { Peer } from '../../federation/model.ts';
import type { CertificateFacts } from './certificate-facts.ts';

export interface Verdict {
  /** Who refuses: our gateway, the peer's, or neither: the network, or a peer that is down. */
  readonly refusedBy: 'us' | 'peer' | 'nobody';
  readonly reason: Reason;
  readonly text: string;
  readonly remedy: string;
}

/** Those of the access logs' codes that a dial can find. */
export type Reason =
  | PeerFailureReason
  | Extract<ReasonCode, 'NO_ALPN' | 'PEER_RESET' | 'UNHEALTHY' | 'WE_REFUSED_PEER'>;

/** What a verdict speaks of. */
export interface Context {
  readonly peer: Peer;
  /** Our trust domain, by which the peer's file knows us. */
  readonly ourDomain: string;
  readonly serverName: string;
  readonly alpn: string;
  /** Absent: HTTP and gRPC. */
  readonly tcpImport?: string;
  readonly ours: CertificateFacts;
  /** The CA that a peer must trust to accept our certificate. */
  readonly ourAnchor?: CertificateFacts;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** A key of our file. */
export function ourKey({ peer }: Context, key: string): string {
  return `peers.${peer.name}.${key} of our file`;
}

/** A key of the peer's file, whose name for us we do not know. */
export function theirKey({ ourDomain }: Context, key: string): string {
  return `${key} in the peer's entry for us (trustDomain ${ourDomain}, under peers of its file)`;
}
