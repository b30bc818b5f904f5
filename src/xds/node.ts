// Who is calling: the gateway that the client certificate proves, and whether the node's claims agree with it.
// In: what the certificate proved when the stream began, the node's claims, the registered gateways. Out: the gateway, or why not.
// Must not: choose anything by a claim (SPIRE audit SPI-01-004, Istio's checkConnectionIdentity: only the certificate counts).

import type { SpiffeId } from '../trust/spiffe.ts';
import type { SvidResult } from '../trust/svid.ts';
import type { NodeClaims } from './request.ts';

/** The gateways that may ask, by their SPIFFE IDs; each ID is one gateway's. */
export type GatewayRegistry = ReadonlyMap<SpiffeId, string>;

export type Caller =
  | { readonly ok: true; readonly gateway: string; readonly id: string; readonly notAfter: number }
  | { readonly ok: false; readonly reason: string };

/** Identifies the caller of a stream by its certificate alone; asked at every request, so it reads no certificate. */
export function identifyCaller(svid: SvidResult, registry: GatewayRegistry, now: number): Caller {
  if (!svid.ok) return svid;
  if (svid.notAfter <= now) return { ok: false, reason: 'the client certificate has expired' };
  const gateway = registry.get(svid.id);
  if (gateway === undefined) return { ok: false, reason: `${svid.id} is no gateway of this mesh` };
  return { ok: true, gateway, id: svid.id, notAfter: svid.notAfter };
}

/** Without TLS, for benches on loopback: a caller is the gateway that it claims to be, or the first. */
export function claimedCaller(claims: NodeClaims | undefined, registry: GatewayRegistry): Caller {
  const gateways = [...registry.values()];
  const gateway = gateways.find((name) => name === claims?.cluster) ?? gateways[0];
  if (gateway === undefined) return { ok: false, reason: 'there is no gateway' };
  return { ok: true, gateway, id: '', notAfter: Number.POSITIVE_INFINITY };
}

/** Printable ASCII: a name in another script could look like another gateway's. */
const NODE_ID = /^[\x21-\x7e]{1,256}$/;

/** Why the claims contradict the proven gateway, if they do. `gateways` are the names of all of them. */
export function contradiction(claims: NodeClaims, gateway: string, gateways: Iterable<string>): string | undefined {
  if (!NODE_ID.test(claims.id)) return 'node.id is not 1 to 256 characters of printable ASCII';
  if (claims.cluster !== '' && claims.cluster !== gateway)
    return `node.cluster claims ${shown(claims.cluster)}, the certificate is that of ${gateway}`;
  const tokens = new Set(claims.id.toLowerCase().split(/[^a-z0-9]+/));
  const other = [...gateways].find((name) => name !== gateway && tokens.has(name));
  if (other !== undefined && !tokens.has(gateway))
    return `node.id claims ${shown(claims.id)}, the certificate is that of ${gateway}`;
  return undefined;
}

function shown(claim: string): string {
  return claim.slice(0, 64).replace(/[^\x21-\x7e]/g, '?');
}
