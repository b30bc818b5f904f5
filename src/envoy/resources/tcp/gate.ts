// Gates: the internal listeners that TCP connections of peers pass between the handshake and the backends, one for each grant.
// A chain's RBAC judges a connection at its first byte, which with a server-first protocol comes after the backend has
// answered. So what TLS has verified is compared here, before the backend is dialled: a certificate with a second URI SAN
// matches nothing.
// Must not: lead anywhere but to the backends of its own grant, or admit a connection that says nothing of its peer.

import type { Mesh, Peer, TcpExport, TcpGrant } from '../../../federation/model.ts';
import { type Draft, draft, extension, type Message } from '../../draft.ts';
import { tcpLog } from '../../http/access-log.ts';
import * as limits from '../../limits.ts';
import * as names from '../../resource-names.ts';
import { versionedChain } from './chain-version.ts';
import { denyingChain } from './denying-chain.ts';

type GatePeer = Pick<Peer, 'name' | 'key' | 'domainKey' | 'gatewayIdentities'>;
type Listener = Message<'envoy.config.listener.v3.Listener'>;
type Cluster = Message<'envoy.config.cluster.v3.Cluster'>;

/** For each grant: the gate, and the cluster by which the chain of the grant reaches it. */
export function gates(mesh: Mesh, peers: readonly GatePeer[], grants: readonly TcpGrant[]): readonly Draft[] {
  const byName = new Map(peers.map((peer) => [peer.name, peer]));
  return grants.flatMap(({ peer: owner, export: exported, limits: { connections } = {} }) => {
    const peer = byName.get(owner);
    if (peer === undefined) return [];
    const name = names.gate(peer, exported);
    const inputs = [mesh, exported, peer.name, peer.domainKey, peer.gatewayIdentities];
    return [
      draft('envoy.config.cluster.v3.Cluster', name, [connections], () =>
        gateCluster(name, names.statName('gate', peer.name, exported.name), connections),
      ),
      draft('envoy.config.listener.v3.Listener', name, inputs, () => gate(name, mesh, peer, exported)),
    ];
  });
}

function gate(name: string, mesh: Mesh, peer: GatePeer, exported: TcpExport): Listener {
  const service = { peer: peer.name, service: exported.name, rule: names.exportRule(peer.name, exported.name) };
  const statPrefix = names.statName('gate', peer.name, exported.name);
  return {
    name,
    stat_prefix: statPrefix,
    internal_listener: {},
    per_connection_buffer_limit_bytes: limits.HOP_BUFFER_BYTES,
    access_log: tcpLog(mesh, 'ingress'),
    filter_chain_matcher: {
      matcher_tree: {
        input: extension(
          'envoy.matching.inputs.filter_state',
          'envoy.extensions.matching.common_inputs.network.v3.FilterStateInput',
          { key: names.IDENTITY_STATE },
        ),
        exact_match_map: {
          map: Object.fromEntries(peer.gatewayIdentities.map((id) => [id, { action: toChain(name) }])),
        },
      },
      on_no_match: { action: toChain(names.DENY_ALL) },
    },
    filter_chains: [
      versionedChain({
        name,
        metadata: { filter_metadata: { [names.METADATA]: service } },
        filters: [
          extension('envoy.filters.network.tcp_proxy', 'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', {
            stat_prefix: statPrefix,
            cluster: names.grantCluster(peer, exported),
            idle_timeout: limits.TCP.idle,
            max_downstream_connection_duration: limits.TCP.age,
          }),
        ],
      }),
      denyingChain({ ...service, rule: names.peerRule(peer.name), reason: 'WRONG_IDENTITY' }),
    ],
  };
}

export function toChain(name: string): Message<'xds.core.v3.TypedExtensionConfig'> {
  return { name: 'chain', typed_config: { '@type': 'type.googleapis.com/google.protobuf.StringValue', value: name } };
}

/** Of the gate of the same name. */
export function gateCluster(name: string, statName: string, connections: number | undefined): Cluster {
  return {
    name,
    alt_stat_name: statName,
    type: 'STATIC',
    load_assignment: {
      cluster_name: name,
      endpoints: [
        { lb_endpoints: [{ endpoint: { address: { envoy_internal_address: { server_listener_name: name } } } }] },
      ],
    },
    connect_timeout: '2s',
    per_connection_buffer_limit_bytes: limits.HOP_BUFFER_BYTES,
    // Hands over what the chain keeps of the connection.
    transport_socket: extension(
      'envoy.transport_sockets.internal_upstream',
      'envoy.extensions.transport_sockets.internal_upstream.v3.InternalUpstreamTransport',
      {
        transport_socket: extension(
          'envoy.transport_sockets.raw_buffer',
          'envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer',
          {},
        ),
      },
    ),
    circuit_breakers: limits.breakers({ connections }),
  };
}
