// Compiles a configuration as `run` would, for the commands that print or check the resources.
// Must not: sign with the issuing CA's key, or depend on anything but its input: but for `placeholderPem`, the output is deterministic.

import type { GatewayRole } from '../federation/model.ts';
import type { Resolved } from '../federation/resolve/resolve.ts';
import { Compiler } from '../pipeline/compile.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import type { CaFile } from '../trust/bundle.ts';
import type { GatewayIdentity } from '../trust/issuing/identities.ts';
import { PrivateKeyPem } from '../trust/keys/private-key.ts';

export interface CompiledOnce {
  readonly snapshots: ReadonlyMap<GatewayRole, Snapshot>;
  /** The CA that the resources have in the place of a bundle that does not exist here, if there is one; nobody has its key. */
  readonly placeholderPem?: string;
}

/**
 * What `run` would serve, with placeholders for the certificates and keys that it issues, and for bundles without certificates
 * (`--without-keys`). All else is checked as `run` does.
 */
export async function compileOnce({ federation: resolved, issuer }: Resolved, now: number): Promise<CompiledOnce> {
  const above = (issuer?.intermediates ?? []).map(({ pem }) => pem).join('');
  const bundles = [...[resolved.mesh, ...resolved.peers].flatMap(({ bundle }) => bundle ?? []), ...resolved.backendCas];
  const placeholderPem = bundles.some(isAbsent) ? await placeholderCa(now) : undefined;
  const withPlaceholder = <T extends CaFile>(bundle: T): T =>
    placeholderPem !== undefined && isAbsent(bundle) ? { ...bundle, pem: placeholderPem } : bundle;
  const { mesh, peers } = resolved;
  const federation = {
    ...resolved,
    mesh: mesh.bundle === undefined ? mesh : { ...mesh, bundle: withPlaceholder(mesh.bundle) },
    backendCas: resolved.backendCas.map(withPlaceholder),
    peers: peers.map((peer) => ({ ...peer, bundle: withPlaceholder(peer.bundle) })),
  };
  const { snapshots } = new Compiler().compile({
    federation,
    identity: (role, peer = 'our own callers') => placeholder(role, peer, federation[role]?.identity ?? '', above),
    retired: [],
    // Only removed peers need it.
    throwawayRootPem: '',
  });
  return { snapshots, ...(placeholderPem !== undefined && { placeholderPem }) };
}

function isAbsent({ certificates }: CaFile): boolean {
  return certificates.length === 0;
}

/** Loads what signs certificates only when it is needed, which is rarely. */
async function placeholderCa(now: number): Promise<string> {
  const { createThrowawayRoot } = await import('../trust/issuing/issue.ts');
  return createThrowawayRoot(now);
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
