// Clusters: the backends of each grant (ingress), the gateways of each peer that something is imported from (egress).
// Must not: send anything to a peer outside TLS, nor give an ingress gateway a cluster that no grant needs.

import { isIP, isIPv6 } from 'node:net';
import type { Grant, HostPort, HttpImport, IdentitySource, Peer, TcpImport } from '../../federation/model.ts';
import { tcpServerName } from '../../federation/wire-names.ts';
import { type Any, any, type Draft, draft, type Message } from '../draft.ts';
import * as limits from '../limits.ts';
import * as names from '../resource-names.ts';
import { backendTls } from './tls/backend-tls.ts';
import { upstreamTls } from './tls/tls.ts';

/** What a cluster uses of a peer. Its trust bundle is not part of it: a new bundle must not change the cluster. */
type DialledPeer = Omit<Peer, 'bundle' | 'inboundServerName'>;
type Cluster = Message<'envoy.config.cluster.v3.Cluster'>;
type LbEndpoint = Message<'envoy.config.endpoint.v3.LbEndpoint'>;

/**
 * One cluster for each grant: connections and limits belong to one peer, so that no peer can use up another's, and no answer
 * on a connection to a backend can reach another peer.
 */
export function grantClusters(
  source: IdentitySource,
  peers: readonly Peer[],
  grants: readonly Grant[],
): readonly Draft[] {
  const byName = new Map(peers.map((peer) => [peer.name, peer]));
  return grants.flatMap((grant) => {
    const peer = byName.get(grant.peer);
    if (peer === undefined) return [];
    const name = names.grantCluster(peer, grant.export);
    const inputs = [grant.export, source, grant.limits?.connections, grant.limits?.requests];
    return draft('envoy.config.cluster.v3.Cluster', name, inputs, () => grantCluster(name, source, peer.name, grant));
  });
}

/**
 * Two clusters for each peer, whatever is imported from it: one for requests, which leads to the peer's tunnel (egress-listener.ts),
 * and one for the tunnel's connections, with the peer's gateways and whether they answer.
 */
export function importClusters(
  source: IdentitySource,
  peers: readonly Peer[],
  imports: readonly HttpImport[],
): readonly Draft[] {
  const atOnce = new Map<string, number>();
  for (const { peer, limits: { requests = 0 } = {} } of imports)
    atOnce.set(peer, Math.max(requests, atOnce.get(peer) ?? 0));
  return peers.flatMap((peer) => {
    const [requests, connections] = [names.importCluster(peer), names.dialCluster(peer)];
    const { trustDomain, gatewayIdentities, addresses, leafKeys, outboundServerName } = peer;
    const inputs = [source, trustDomain, gatewayIdentities, addresses, leafKeys, outboundServerName];
    const most = atOnce.get(peer.name) ?? 0;
    return [
      draft('envoy.config.cluster.v3.Cluster', requests, [addresses, most], () => importCluster(requests, peer, most)),
      draft('envoy.config.cluster.v3.Cluster', connections, inputs, () => dialCluster(connections, source, peer)),
    ];
  });
}

/** One cluster for each TCP import, with a server name of its own. */
export function tcpImportClusters(
  source: IdentitySource,
  peers: readonly Peer[],
  imports: readonly TcpImport[],
): readonly Draft[] {
  const byName = new Map(peers.map((peer) => [peer.name, peer]));
  const all = byExport(imports);
  return all.flatMap(({ peer: owner, name: imported, denied, limits: { connections } = {} }) => {
    const peer = byName.get(owner);
    if (peer === undefined || denied) return [];
    const name = names.tcpImport(peer, imported);
    const { trustDomain, gatewayIdentities, addresses, leafKeys, outboundServerName } = peer;
    const inputs = [source, trustDomain, gatewayIdentities, addresses, leafKeys, outboundServerName, connections];
    return draft('envoy.config.cluster.v3.Cluster', name, inputs, () => ({
      ...tcpImportCluster(name, source, peer, imported),
      circuit_breakers: limits.breakers({ connections }),
    }));
  });
}

/** Two ports may lead to one export: they share its connections, and the least of their limits. */
function byExport(imports: readonly TcpImport[]): readonly TcpImport[] {
  const wanted = new Map<string, TcpImport>();
  for (const imported of imports) {
    const key = `${imported.peer}/${imported.name}`;
    const known = wanted.get(key);
    if (known === undefined || mostOf(imported) < mostOf(known)) wanted.set(key, imported);
  }
  return [...wanted.values()];
}

function mostOf({ limits: { connections = Number.POSITIVE_INFINITY } = {} }: TcpImport): number {
  return connections;
}

function tcpImportCluster(name: string, source: IdentitySource, peer: DialledPeer, imported: string): Cluster {
  const server = tcpServerName(imported, peer.outboundServerName);
  return {
    name,
    alt_stat_name: names.statName('tcp', peer.name, imported),
    ...endpoints(name, peer.addresses, hostHeader),
    connect_timeout: '2s',
    per_connection_buffer_limit_bytes: limits.HOP_BUFFER_BYTES,
    transport_socket: upstreamTls(peer, source, names.TCP_ALPN, server),
    upstream_connection_options: { tcp_keepalive: limits.FIND_DEAD_HOSTS },
    // No health check: it is HTTP, which this server name does not carry.
    ...(peer.addresses.length > 1 && {
      common_lb_config: { healthy_panic_threshold: { value: 0 } },
      outlier_detection: EJECT_UNREACHABLE,
    }),
  };
}

function grantCluster(name: string, source: IdentitySource, peer: string, grant: Grant): Cluster {
  const exported = grant.export;
  const { protocol, backends, tls } = exported;
  return {
    name,
    alt_stat_name: names.statName('export', peer, exported.name),
    ...endpoints(name, backends, hostHeader),
    connect_timeout: '2s',
    per_connection_buffer_limit_bytes: limits.HOP_BUFFER_BYTES,
    ...(protocol !== 'tcp' && {
      typed_extension_protocol_options: protocol === 'http' ? HTTP1_BACKEND : HTTP2_BACKEND,
    }),
    ...(tls && { transport_socket: backendTls(tls, exported, source) }),
    upstream_connection_options: { tcp_keepalive: limits.FIND_DEAD_HOSTS },
    circuit_breakers: limits.breakers(grant.limits),
  };
}

/** As many endpoints as the peer has addresses, all in the tunnel: each is a connection of its own, which the tunnel spreads. */
function importCluster(name: string, peer: DialledPeer, requests: number): Cluster {
  const lbEndpoints = peer.addresses.map(
    (_, index): LbEndpoint => ({
      endpoint: { address: { envoy_internal_address: { server_listener_name: name, endpoint_id: String(index) } } },
    }),
  );
  return {
    name,
    alt_stat_name: names.statName('import', peer.name),
    type: 'STATIC',
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: lbEndpoints }] },
    connect_timeout: '2s',
    per_connection_buffer_limit_bytes: limits.HOP_BUFFER_BYTES,
    typed_extension_protocol_options: PEER_GATEWAY,
    circuit_breakers: limits.breakers({ requests }),
  };
}

function dialCluster(name: string, source: IdentitySource, peer: DialledPeer): Cluster {
  return {
    name,
    alt_stat_name: names.statName('dial', peer.name),
    ...endpoints(name, peer.addresses, hostHeader),
    connect_timeout: '2s',
    per_connection_buffer_limit_bytes: limits.HOP_BUFFER_BYTES,
    transport_socket: upstreamTls(peer, source, names.HTTP_ALPN, peer.outboundServerName),
    upstream_connection_options: { tcp_keepalive: limits.FIND_DEAD_HOSTS },
    circuit_breakers: limits.breakers(),
    // With one address there is no alternative: ejecting it only turns one 503 into another.
    ...(peer.addresses.length > 1 && chooseHealthy(peer)),
  };
}

/** The cluster carries connections, not requests: only failed connections count. */
const EJECT_UNREACHABLE: Message<'envoy.config.cluster.v3.OutlierDetection'> = {
  consecutive_5xx: 0,
  enforcing_consecutive_5xx: 0,
  enforcing_consecutive_gateway_failure: 0,
  enforcing_success_rate: 0,
  interval: '5s',
  base_ejection_time: '10s',
  max_ejection_percent: 50,
  split_external_local_origin_errors: true,
  consecutive_local_origin_failure: 3,
  enforcing_consecutive_local_origin_failure: 100,
  enforcing_local_origin_success_rate: 0,
};

/** Connections go to gateways of the peer that answer. The check is HTTP over mutual TLS; a TCP check would prove nothing. */
function chooseHealthy(peer: DialledPeer): Cluster {
  return {
    ignore_health_on_host_removal: true,
    // Less than one in a hundred, that is none: then all are dialled, and the connection says why each fails, as no health check does.
    common_lb_config: { healthy_panic_threshold: { value: 1 } },
    outlier_detection: EJECT_UNREACHABLE,
    health_checks: [
      {
        timeout: '1s',
        interval: '2s',
        interval_jitter: '0.2s',
        unhealthy_threshold: 2,
        healthy_threshold: 1,
        // The default would check an idle cluster only once a minute.
        no_traffic_interval: '2s',
        unhealthy_interval: '1s',
        always_log_health_check_failures: true,
        http_health_check: {
          host: names.healthAuthority(peer.trustDomain),
          path: names.HEALTH_PATH,
          codec_client_type: 'HTTP2',
          expected_statuses: [{ start: 200, end: 201 }],
          // Envoy's own: it would tell peers what our gateways are.
          request_headers_to_remove: ['user-agent'],
        },
      },
    ],
  };
}

/** The gateway resolves a host name and uses all of its addresses; IP addresses need no resolution. */
function endpoints(name: string, targets: readonly HostPort[], hostname: (target: HostPort) => string): Cluster {
  const literal = targets.every(({ host }) => isIP(host) !== 0);
  const lbEndpoints = targets.map((target): LbEndpoint => {
    const address = { socket_address: { address: target.host, port_value: target.port } };
    return { endpoint: { address, hostname: hostname(target) } };
  });
  return {
    ...(literal
      ? { type: 'STATIC' as const }
      : { type: 'STRICT_DNS' as const, dns_lookup_family: 'V4_PREFERRED' as const }),
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: lbEndpoints }] },
  };
}

function hostHeader({ host }: HostPort): string {
  return isIPv6(host) ? `[${host}]` : host;
}

type Options = Message<'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'>;

function httpOptions(
  common: NonNullable<Options['common_http_protocol_options']>,
  explicit: NonNullable<Options['explicit_http_config']>,
): { readonly [name: string]: Any } {
  const type = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
  return { [type]: any(type, { explicit_http_config: explicit, common_http_protocol_options: common }) };
}

/**
 * A malformed answer (a line feed in grpc-message, which some servers do not escape) ends its own stream. By default it
 * would end the connection, with the streams of all other callers.
 */
const MALFORMED = { override_stream_error_on_invalid_http_message: true };

const HTTP1_BACKEND = httpOptions(limits.TOWARDS_HTTP1_BACKEND, { http_protocol_options: limits.TO_BACKENDS_HTTP1 });
const HTTP2_BACKEND = httpOptions(limits.TOWARDS_HTTP2_BACKEND, {
  http2_protocol_options: { ...limits.TO_BACKENDS, ...MALFORMED },
});
const PEER_GATEWAY = httpOptions(limits.TOWARDS_PEER, { http2_protocol_options: { ...limits.TO_PEERS, ...MALFORMED } });
