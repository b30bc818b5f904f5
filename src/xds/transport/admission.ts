// Who is calling: the gateway that the client certificate proves, and whether the node's claims agree with it.
// In: the certificate's DER, the node's claims, the registered gateways, the time. Out: the gateway, or why not.
// Must not: choose anything by a claim (SPIRE audit SPI-01-004, Istio's checkConnectionIdentity: only the certificate counts).

import type { SpiffeId } from '../../trust/spiffe.ts';
import { readSvid } from '../../trust/svid.ts';
import type { NodeClaims } from '../wire/messages.ts';

/** The gateways that may ask, by their SPIFFE IDs; each ID is one gateway's. Another registry is another object. */
export type GatewayRegistry = ReadonlyMap<SpiffeId, string>;

export type Caller =
  | { readonly ok: true; readonly gateway: string; readonly notAfter: number }
  | { readonly ok: false; readonly reason: string };

/** Decides over one stream: `identify` is asked at every request, so that who loses its place loses its stream. */
export interface Admission {
  identify(claims: NodeClaims | undefined): Caller;
}

interface Decided {
  readonly gateways: GatewayRegistry;
  readonly claims: NodeClaims | undefined;
  readonly caller: Caller;
}

/** By the client's certificate alone: read once, from the DER; TLS has verified its chain. */
export function certificateAdmission(
  leaf: Buffer | undefined,
  registry: () => GatewayRegistry,
  clock: () => number,
): Admission {
  const svid = leaf === undefined ? ({ ok: false, reason: 'no client certificate' } as const) : readSvid(leaf, clock());
  if (!svid.ok) return { identify: () => svid };
  // Asked at every request: what depends on the registry and the claims alone is decided once for each of them.
  let decided: Decided | undefined;
  return {
    identify: (claims) => {
      if (svid.notAfter <= clock()) return { ok: false, reason: 'the client certificate has expired' };
      const gateways = registry();
      if (decided?.gateways !== gateways || decided.claims !== claims)
        decided = { gateways, claims, caller: callerOf(svid.id, svid.notAfter, gateways, claims) };
      return decided.caller;
    },
  };
}

function callerOf(id: SpiffeId, notAfter: number, gateways: GatewayRegistry, claims: NodeClaims | undefined): Caller {
  const gateway = gateways.get(id);
  if (gateway === undefined) return { ok: false, reason: `${id} is no gateway of this mesh` };
  const conflict = claims === undefined ? undefined : contradiction(claims, gateway, gateways.values());
  return conflict === undefined ? { ok: true, gateway, notAfter } : { ok: false, reason: conflict };
}

/** Without TLS, for benches on loopback: a caller is the gateway that it claims to be, or the first. */
export function claimAdmission(registry: () => GatewayRegistry): Admission {
  return {
    identify: (claims) => {
      const gateways = [...registry().values()];
      const gateway = gateways.find((name) => name === claims?.cluster) ?? gateways[0];
      if (gateway === undefined) return { ok: false, reason: 'there is no gateway' };
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
