// Tunnels: the internal listeners through which all connections of an egress gateway to one peer pass.
// A change of a cluster or a secret ends no open connection to a peer; a change of a listener does. So each connection to a
// peer passes a listener of that peer inside the gateway. When the peer's key changes, so does the filter chain, and Envoy
// ends the connections of the old one within its drain time; when the peer is removed, so is the listener.
// Must not: carry the connections of more than one peer, which would all end with those of one.

import type { Mesh, Peer } from '../../federation/model.ts';
import { type Draft, draft, extension, type Message } from '../draft.ts';
import { tunnelLog } from '../http/access-log.ts';
import { atEnd, peerReport, REPORT_ALIVE } from '../http/peer-report.ts';
import { dialAttempts, HOP_BUFFER_BYTES, MAX_CONNECTION_AGE } from '../limits.ts';
import * as names from '../resource-names.ts';

type TunnelPeer = Pick<Peer, 'name' | 'key' | 'generation' | 'addresses'>;

export function tunnels(mesh: Mesh, peers: readonly TunnelPeer[]): readonly Draft[] {
  return peers.map((peer) => {
    const name = names.importCluster(peer);
    const inputs = [mesh, peer.name, peer.key, peer.generation, peer.addresses];
    return draft('envoy.config.listener.v3.Listener', name, inputs, () => tunnel(name, mesh, peer));
  });
}

function tunnel(name: string, mesh: Mesh, peer: TunnelPeer): Message<'envoy.config.listener.v3.Listener'> {
  const statPrefix = names.statName('tunnel', peer.name);
  const cluster = names.dialCluster(peer);
  return {
    name,
    stat_prefix: statPrefix,
    internal_listener: {},
    per_connection_buffer_limit_bytes: HOP_BUFFER_BYTES,
    filter_chains: [
      {
        name: cluster,
        metadata: {
          filter_metadata: {
            [names.METADATA]: { peer: peer.name, ...(peer.generation && { generation: peer.generation }) },
          },
        },
        filters: [
          extension('envoy.filters.network.tcp_proxy', 'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', {
            stat_prefix: statPrefix,
            cluster,
            // When a gateway of the peer does not answer or fails the handshake, the next address is tried before a request is lost.
            max_connect_attempts: dialAttempts(peer.addresses.length),
            // The cluster of the requests closes idle connections, and an honest peer ends a connection after an hour.
            idle_timeout: '0s',
            max_downstream_connection_duration: MAX_CONNECTION_AGE,
            access_log: [...tunnelLog(mesh).map(atEnd), peerReport()],
            access_log_options: REPORT_ALIVE,
          }),
        ],
      },
    ],
  };
}
