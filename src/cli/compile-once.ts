// Compiles a configuration as `run` would, for the commands that print or check the resources.
// Must not: sign with the issuing CA's key, or depend on anything but its input: the output is deterministic.

import type { GatewayRole } from '../federation/model.ts';
import type { Resolved } from '../federation/resolve.ts';
import { Compiler } from '../pipeline/compile.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import type { GatewayIdentity } from '../trust/issuing/identities.ts';
import { PrivateKeyPem } from '../trust/keys/private-key.ts';

/** What `run` would serve, with placeholders for the certificates and keys that it issues. */
export function compileOnce({ federation, issuer }: Resolved): ReadonlyMap<GatewayRole, Snapshot> {
  const above = (issuer?.intermediates ?? []).map(({ pem }) => pem).join('');
  return new Compiler().compile({
    federation,
    identity: (role, peer) => placeholder(role, peer, federation[role]?.identity ?? '', above),
    retired: [],
    // Only removed peers need it.
    throwawayRootPem: '',
  }).snapshots;
}

function placeholder(role: GatewayRole, peer: string, id: string, above: string): GatewayIdentity {
  return {
    certificateChain: `[certificate of ${id} for ${peer}]\n${above}`,
    // No two secrets may hold one key.
    privateKey: new PrivateKeyPem(`[key of the ${role} gateway for ${peer}]`),
    notBefore: 0,
    notAfter: 0,
    fingerprint: '',
  };
}
