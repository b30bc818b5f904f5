// The caller, and the gateway that we dialled, as a line has them, and what that is worth: verified by TLS, or only said.
// Must not: call a name verified that the gateway did not verify.

import { isAfterHandshake } from './line-limits.ts';
import type { LogLine } from './log-line.ts';

export interface Caller {
  readonly identity?: string;
  /**
   * `verified`: TLS has proved it. `claimed`: a certificate that was refused, or of a handshake that did not end, says so, which proves nothing. `none`: nobody was
   * asked for a certificate, or none was shown.
   */
  readonly isProven: 'verified' | 'claimed' | 'none';
  /** What the peer's gateway says of its own caller; it is as good as that gateway. */
  readonly workload?: string;
  /** IP:PORT of the connection, which proves nothing. */
  readonly client?: string;
}

/** The gateway that our egress dialled, in the line of a connection to a peer: there we are the caller. */
export interface Dialled {
  /** IP:PORT */
  readonly address?: string;
  /** Verified by TLS; absent: it was not shown, or not accepted. */
  readonly identity?: string;
}

export function dialledOf({ layer, fields }: LogLine): Dialled | undefined {
  if (layer !== 'tunnel') return undefined;
  const { upstream: address, upstream_peer_uri: identity } = fields;
  return { ...(address !== undefined && { address }), ...(identity !== undefined && { identity }) };
}

export function callerOf({ fields, reason }: LogLine): Caller {
  const { peer_uri: proven, claimed_uri: claimed, workload, client } = fields;
  const identity = proven ?? claimed;
  // The limit of a TCP connection comes after its handshake, which has verified the certificate.
  const isVerified = claimed !== undefined && reason === 'CONNECTION_LIMIT' && isAfterHandshake(fields['flags'] ?? '');
  return {
    ...(identity !== undefined && { identity }),
    isProven: proven !== undefined || isVerified ? 'verified' : claimed !== undefined ? 'claimed' : 'none',
    ...(workload !== undefined && { workload }),
    ...(client !== undefined && { client }),
  };
}
