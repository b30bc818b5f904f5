// Who called, as a line has it, and what that is worth: verified by TLS, or only said.
// Must not: call a name verified that the gateway did not verify.

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

export function callerOf({ layer, fields }: LogLine): Caller {
  const { peer_uri: verified, claimed_uri: claimed, upstream_peer_uri: upstream, workload, client } = fields;
  const proven = layer === 'tunnel' ? upstream : verified;
  const identity = proven ?? claimed;
  return {
    ...(identity !== undefined && { identity }),
    isProven: proven !== undefined ? 'verified' : claimed !== undefined ? 'claimed' : 'none',
    ...(workload !== undefined && { workload }),
    ...(client !== undefined && { client }),
  };
}
