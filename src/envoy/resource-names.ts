// Every name that Envoy sees: resources, metadata, statistics, and Postern's own headers.
// Must not: build resources, or know the names of the wire contract (server names and authorities are part of the model:
// federation/wire-names.ts).

import type { BackendCa, Export, GatewayRole, MeshBundle, Peer, Workload } from '../federation/model.ts';

/** What names hold of a peer: its name, and a digest of what that name means (federation/meaning-digest.ts). */
export type KeyedPeer = Pick<Peer, 'name' | 'key'>;

/** The one listener of an ingress gateway. */
export const INGRESS_LISTENER = 'ingress';

/** The namespace of our metadata on chains, virtual hosts and routes; the access log reads it. */
export const METADATA = 'postern';

/** The cluster of the bootstrap that leads to the control plane. */
export const CONTROL_PLANE_CLUSTER = 'control-plane';

/** The header in which a backend learns the peer that called. A value from outside never passes a gateway. */
export const PEER_HEADER = 'x-postern-peer';

/** The header in which a backend learns the workload that the peer's gateway claims as its caller, if a claim counts. */
export const WORKLOAD_HEADER = 'x-postern-workload';

/** The virtual host of everything that no grant and no import names. */
export const DENY_ALL = 'deny-all';

/** The ALPN protocols between gateways: of HTTP and gRPC, and of TCP. */
export const HTTP_ALPN = 'h2';
export const TCP_ALPN = 'postern-tcp';

/** What a gate is told of a connection (resources/tcp/gate.ts): the URI SANs that TLS has verified, and the number in the log. */
export const IDENTITY_STATE = 'postern.identity';
export const CONNECTION_STATE = 'postern.connection';
/** The address of the other end of that connection. */
export const CLIENT_STATE = 'postern.client';

/** Of our own callers: HTTP/1.1 too. */
export const CALLERS_ALPN = [HTTP_ALPN, 'http/1.1'];

/**
 * Of our own callers of TCP, which may offer anything, or nothing: who offers this is told that it is spoken, because libpq
 * goes no further without that (`sslnegotiation=direct`). To all others the gateway names no protocol.
 */
export const TCP_CALLERS_ALPN = ['postgresql'];

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
 * The cluster of one grant, with its own connections to the backends of the export. A changed trust bundle keeps it (the
 * connections to backends do not depend on it). Another mesh, other backends or another protocol make another cluster.
 */
export function grantCluster(peer: Pick<Peer, 'name' | 'domainKey'>, exported: Pick<Export, 'name' | 'key'>): string {
  return `export/${peer.name}@${peer.domainKey}/${exported.name}@${exported.key}`;
}

/** The filter chain of one TCP export for one peer. */
export function tcpChain(peer: KeyedPeer, exported: Pick<Export, 'name' | 'key'>): string {
  return `tcp/${labelOf(peer)}/${exported.name}@${exported.key}`;
}

/** The internal listener between such a chain and the backends, and the cluster that leads to it. */
export function gate(peer: KeyedPeer, exported: Pick<Export, 'name' | 'key'>): string {
  return `gate/${labelOf(peer)}/${exported.name}@${exported.key}`;
}

/** The name of the route to an export, in logs and statistics. It has no digest. */
export function exportRoute(exported: string): string {
  return `export/${exported}`;
}

/** The listener of a port of an egress gateway. */
export function egressPort(port: number): string {
  return `egress/${port}`;
}

/**
 * Its routes. Where callers prove who they are, the CAs that prove it are part of the name: a caller whose CA is removed never
 * meets a list of clients that came with other CAs.
 */
export function egressRoutes(port: number, bundle: Pick<MeshBundle, 'key'> | undefined): string {
  return bundle === undefined ? egressPort(port) : `${egressPort(port)}@${bundle.key}`;
}

/**
 * The cluster for everything that is imported from a peer, and the internal listener (tunnel) that it leads to. When the
 * trust in the peer changes, both get a new name, so that a new route never uses connections of the old trust.
 */
export function importCluster(peer: KeyedPeer): string {
  return `import/${labelOf(peer)}`;
}

/** The cluster with the peer's gateways, and the filter chain of the tunnel that leads there. */
export function dialCluster(peer: KeyedPeer): string {
  return `dial/${labelOf(peer)}`;
}

/** The cluster of one TCP import, and the filter chain that leads there. */
export function tcpImport(peer: KeyedPeer, imported: string): string {
  return `tcp/${labelOf(peer)}/${imported}`;
}

/**
 * The internal listener between the port of a TCP import and the peer's gateways, where callers prove who they are, and the
 * cluster that leads to it. With other CAs of our own workloads it is another.
 */
export function callersGate(port: number, { key }: Pick<MeshBundle, 'key'>): string {
  return `callers/${port}@${key}`;
}

/** The filter chain of one client of a TCP import: a SPIFFE ID has no asterisk. */
export function clientChain(client: Workload): string {
  return 'exact' in client ? client.exact : `${client.prefix}*`;
}

/** The name of the route to an import, in logs. */
export function importRoute(peer: string, imported: string): string {
  return `import/${peer}/${imported}`;
}

/** The secret with a gateway's certificate for one peer, or (identity.files) for all of them. */
export function certificateSecret(role: GatewayRole, peer?: KeyedPeer): string {
  return peer === undefined ? `cert/${role}` : `cert/${role}/${labelOf(peer)}`;
}

/** The secret with the certificate that our own callers are shown: one for them alone, or (identity.files) that for all. */
export function callersCertificateSecret(isIssued: boolean): string {
  return isIssued ? 'cert/callers' : certificateSecret('egress');
}

/** The secret with the certificate that backends of our own mesh are shown: one for them alone, or (identity.files) that for all. */
export function backendsCertificateSecret(isIssued: boolean): string {
  return isIssued ? 'cert/backends' : certificateSecret('ingress');
}

/** The secret with the CAs of the backends of an export. */
export function backendCaSecret({ key }: Pick<BackendCa, 'key'>): string {
  return `backend-ca/${key}`;
}

/** The secret with the CAs of our own workloads. */
export function meshBundleSecret({ key }: Pick<MeshBundle, 'key'>): string {
  return `mesh-bundle/${key}`;
}

export function bundleSecret(peer: KeyedPeer): string {
  return `bundle/${labelOf(peer)}`;
}

/**
 * The RBAC policy of one rule of a grant, and what admits a connection of TCP. Names of policies are those that the configuration
 * has for the same place (`exports.rates.consumers.shop.allow[0]`): the access log has them as `rule`, and statistics as a label.
 */
export function exportRule(peer: string, exported: string, at?: number): string {
  return `exports.${exported}.consumers.${peer}${at === undefined ? '' : `.allow[${at}]`}`;
}

/** What admits callers to an import: its own entry, or its list of clients. */
export function importRule(imported: string, isForClients: boolean): string {
  return `imports.${imported}${isForClients ? '.clients' : ''}`;
}

/** What admits a connection of a peer's gateway. */
export function peerRule(peer: string): string {
  return `peers.${peer}.gatewayIdentities`;
}

/** The RBAC policy by which a filter chain refuses a caller. */
export const NOT_A_WORKLOAD = 'not-exactly-one-workload';

export function healthPolicy(peer: string): string {
  return `gateway-health/${peer}`;
}

/** The host by which a peer asks for the health of the ingress gateways of a trust domain. */
export function healthAuthority(trustDomain: string): string {
  return `health.gateway.${trustDomain}`;
}

/**
 * A name as one token of a statistic. Envoy splits statistics at dots, so a dotted name would end up partly in a label and
 * partly in the metric's name. Names of the model have no underscore, so two names never become the same token.
 */
export function statName(...parts: readonly string[]): string {
  return parts.join('_').replaceAll('.', '_');
}
