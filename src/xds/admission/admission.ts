// Decides which gateway a client is: the one that its certificate proves, if the claims of its node agree.
// Must not: choose anything by a claim (SPIRE audit SPI-01-004, Istio's checkConnectionIdentity: only the certificate counts).

import type { SpiffeId } from '../../trust/spiffe.ts';
import { readSvid } from '../../trust/svid.ts';
import type { NodeClaims } from '../wire/messages.ts';
import { type CertificateClaims, certificateClaims, type RefusalReason } from './refusal.ts';

/** The gateways that may connect, by their SPIFFE IDs; each ID is one gateway's. A changed registry is a new object. */
export type GatewayRegistry = ReadonlyMap<SpiffeId, string>;

export type Client = { readonly ok: true; readonly gateway: string; readonly notAfter: number } | Refused;

interface Refused {
  readonly ok: false;
  readonly reason: RefusalReason;
  /** The same in words. */
  readonly detail: string;
}

/** Decides over one stream: `identify` is called at every request, so that a gateway that loses its place loses its stream. */
export interface Admission {
  /** Reads what the client's certificate says about itself, for the log. */
  readonly claims?: () => CertificateClaims;
  identify(claims: NodeClaims | undefined): Client;
}

interface Decided {
  readonly gateways: GatewayRegistry;
  readonly claims: NodeClaims | undefined;
  readonly client: Client;
}

/** By the client's certificate alone: read once, from the DER of a leaf whose chain TLS has verified. */
export function certificateAdmission(
  leaf: Buffer | undefined,
  registry: () => GatewayRegistry,
  clock: () => number,
): Admission {
  if (leaf === undefined) return { identify: () => refused('no_certificate', 'no client certificate') };
  const claims = (): CertificateClaims => certificateClaims(leaf, { verified: true });
  const svid = readSvid(leaf, clock());
  if (!svid.ok) return { claims, identify: () => refused('certificate_invalid', svid.reason) };
  // Called at every request, so the decision is kept until the registry or the claims change.
  let decided: Decided | undefined;
  return {
    claims,
    identify: (node) => {
      if (svid.notAfter <= clock()) return refused('certificate_expired', 'the client certificate has expired');
      const gateways = registry();
      if (decided?.gateways !== gateways || decided.claims !== node)
        decided = { gateways, claims: node, client: clientOf(svid.id, svid.notAfter, gateways, node) };
      return decided.client;
    },
  };
}

function refused(reason: RefusalReason, detail: string): Refused {
  return { ok: false, reason, detail };
}

function clientOf(id: SpiffeId, notAfter: number, gateways: GatewayRegistry, claims: NodeClaims | undefined): Client {
  const gateway = gateways.get(id);
  if (gateway === undefined) return refused('unknown_identity', `${id} is no gateway of this mesh`);
  const conflict = claims === undefined ? undefined : contradiction(claims, gateway, gateways.values());
  return conflict === undefined ? { ok: true, gateway, notAfter } : refused('node_mismatch', conflict);
}

/** Without TLS, for benchmarks on loopback: a client is the gateway that its node claims to be, or the first. */
export function claimAdmission(registry: () => GatewayRegistry): Admission {
  return {
    identify: (claims) => {
      const gateways = [...registry().values()];
      const gateway = gateways.find((name) => name === claims?.cluster) ?? gateways[0];
      if (gateway === undefined) return refused('unknown_identity', 'there is no gateway');
      return { ok: true, gateway, notAfter: Number.POSITIVE_INFINITY };
    },
  };
}

/** Printable ASCII: a name in another script could look like another gateway's. */
const NODE_ID = /^[\x21-\x7e]{1,256}$/;

/** Why the claims contradict the proven gateway, if they do. `gateways` are the names of all of them. */
export function contradiction(claims: NodeClaims, gateway: string, gateways: Iterable<string>): string | undefined {
  if (!NODE_ID.test(claims.id)) return 'node.id is not 1 to 256 characters of printable ASCII';
  if (claims.cluster !== '' && claims.cluster !== gateway) {
    return `node.cluster claims ${shown(claims.cluster)}, the certificate is that of ${gateway}`;
  }
  const tokens = new Set(claims.id.toLowerCase().split(/[^a-z0-9]+/));
  const other = [...gateways].find((name) => name !== gateway && tokens.has(name));
  if (other === undefined || tokens.has(gateway)) return undefined;
  return `node.id claims ${shown(claims.id)}, the certificate is that of ${gateway}`;
}

function shown(claim: string): string {
  return claim.slice(0, 64).replace(/[^\x21-\x7e]/g, '?');
}
