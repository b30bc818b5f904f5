// Every name that Envoy sees, made in one place: resources, metadata, statistics, our own headers.
// In: names of the model. Out: strings. Must not: build resources, or know the names of the wire contract
// (server names and authorities are part of the model: federation/names.ts).

import type { GatewayRole } from '../federation/model.ts';

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

export function peerChain(peer: string): string {
  return `peer/${peer}`;
}

export function ingressRoutes(peer: string): string {
  return `ingress/${peer}`;
}

export function exportCluster(exported: string): string {
  return `export/${exported}`;
}

/** A port of an egress gateway: its listener and its route configuration have the same name. */
export function egressPort(port: number): string {
  return `egress/${port}`;
}

export function importCluster(peer: string, imported: string): string {
  return `import/${peer}/${imported}`;
}

/** The secret with a gateway's certificate for one peer, or (identity.files) for all of them. */
export function certificateSecret(role: GatewayRole, peer?: string): string {
  return peer === undefined ? `cert/${role}` : `cert/${role}/${peer}`;
}

export function bundleSecret(peer: string): string {
  return `bundle/${peer}`;
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
