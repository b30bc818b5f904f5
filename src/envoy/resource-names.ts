// Every name that Envoy sees, made in one place: resources, metadata, statistics, our own headers.
// In: names of the model. Out: strings. Must not: build resources, or know the names of the wire contract
// (server names and authorities are part of the model: federation/wire-names.ts).

import type { Export, GatewayRole, Peer } from '../federation/model.ts';

/** A peer as names show it: what it is called, and a digest of what that means (federation/meaning-digest.ts). */
export type KeyedPeer = Pick<Peer, 'name' | 'key'>;

/** The one listener of an ingress gateway. */
export const INGRESS_LISTENER = 'ingress';

/** The namespace of our metadata on chains, virtual hosts and routes; the access log reads it. */
export const METADATA = 'postern';

/** The header in which a backend learns the peer that called; nobody else's value passes a gateway. */
export const PEER_HEADER = 'x-postern-peer';

/** The virtual host of everything that no grant and no import names. */
export const DENY_ALL = 'deny-all';

/** The ALPN protocol of HTTP and gRPC between gateways. */
export const ALPN = 'h2';

/** The path that an ingress gateway answers itself, for the health checks of peers. */
export const HEALTH_PATH = '/healthz';

function labelOf({ name, key }: KeyedPeer): string {
  return `${name}@${key}`;
}

export function peerChain(peer: KeyedPeer): string {
  return `peer/${labelOf(peer)}`;
}

export function ingressRoutes(peer: KeyedPeer): string {
  return `ingress/${labelOf(peer)}`;
}

/**
 * One grant's own way to the backends of an export. A trust bundle that changes leaves it alone (the pool to a backend
 * does not depend on it); another mesh, other backends or another protocol are another cluster.
 */
export function grantCluster(peer: Pick<Peer, 'name' | 'domainKey'>, exported: Pick<Export, 'name' | 'key'>): string {
  return `export/${peer.name}@${peer.domainKey}/${exported.name}@${exported.key}`;
}

/** What logs and statistics call the way to an export, whatever its cluster is named. */
export function exportRoute(exported: string): string {
  return `export/${exported}`;
}

/** A port of an egress gateway: its listener and its route configuration have the same name. */
export function egressPort(port: number): string {
  return `egress/${port}`;
}

/**
 * Where everything that is imported from a peer goes: a cluster, and the internal listener (tunnel) that it leads to. With
 * other trust in the peer both are others, so that a route that is new never finds the connections of the old trust.
 */
export function importCluster(peer: KeyedPeer): string {
  return `import/${labelOf(peer)}`;
}

/** The cluster with the peer's gateways, and the filter chain of the tunnel that leads there. */
export function dialCluster(peer: KeyedPeer): string {
  return `dial/${labelOf(peer)}`;
}

/** What logs call the way to an import. */
export function importRoute(peer: string, imported: string): string {
  return `import/${peer}/${imported}`;
}

/** The secret with a gateway's certificate for one peer, or (identity.files) for all of them. */
export function certificateSecret(role: GatewayRole, peer?: KeyedPeer): string {
  return peer === undefined ? `cert/${role}` : `cert/${role}/${labelOf(peer)}`;
}

export function bundleSecret(peer: KeyedPeer): string {
  return `bundle/${labelOf(peer)}`;
}

/**
 * The RBAC policy that admits one peer to one export. It stands in the access log and, as one token, in the statistics:
 * with its dots, Envoy would count it under a metric of its own name instead of a label.
 */
export function exportPolicy(peer: string, exported: string): string {
  return `export/${peer}/${statName(exported)}`;
}

export function healthPolicy(peer: string): string {
  return `gateway-health/${peer}`;
}

/** The host by which a peer asks for the health of the ingress gateways of a trust domain. */
export function healthAuthority(trustDomain: string): string {
  return `health.gateway.${trustDomain}`;
}

/**
 * A name as one token of a statistic: Envoy splits statistics at dots, so that a dotted name would end up partly in
 * the label and partly in the metric's own name. Names of the model have no underscore, so no two become one.
 */
export function statName(...parts: readonly string[]): string {
  return parts.join('_').replaceAll('.', '_');
}
