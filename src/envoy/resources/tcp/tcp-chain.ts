// The filter chain of one TCP export for one peer. It dials nothing but the gate of the export (gate.ts), and that only after
// the TLS handshake, with what TLS has verified of the peer.
// Must not: read a byte before the handshake, nor know the backends.

import type { IdentitySource, Peer, TcpExport } from '../../../federation/model.ts';
import { tcpServerName } from '../../../federation/wire-names.ts';
import { memoizeByIdentity } from '../../../memoize.ts';
import { extension, type Message } from '../../draft.ts';
import { peerOnly } from '../../http/access-control/rbac.ts';
import { MAX_CONNECTION_AGE } from '../../limits.ts';
import * as names from '../../resource-names.ts';
import { downstreamTls } from '../tls/tls.ts';
import { versionedChain } from './chain-version.ts';

type FilterChain = Message<'envoy.config.listener.v3.FilterChain'>;
type NetworkFilter = Message<'envoy.config.listener.v3.Filter'>;

/** Memoized by the export. */
export const tcpChain = memoizeByIdentity(
  (
    exported: TcpExport,
    source: IdentitySource,
    name: Peer['name'],
    key: Peer['key'],
    generation: Peer['generation'],
    gatewayIdentities: Peer['gatewayIdentities'],
    leafKeys: Peer['leafKeys'],
    inboundServerName: Peer['inboundServerName'],
  ): FilterChain => {
    const peer = { name, key, gatewayIdentities, leafKeys };
    const metadata = { peer: name, service: exported.name, ...(generation && { generation }) };
    return versionedChain({
      name: names.tcpChain(peer, exported),
      metadata: { filter_metadata: { [names.METADATA]: metadata } },
      filter_chain_match: {
        server_names: [tcpServerName(exported.name, inboundServerName)],
        transport_protocol: 'tls',
        application_protocols: [names.TCP_ALPN],
      },
      transport_socket_connect_timeout: '5s',
      transport_socket: downstreamTls(peer, source, names.TCP_ALPN),
      filters: [
        // First: Envoy calls its filters in this order when the handshake is done, and the proxy dials at once.
        tellGate(),
        peerOnly(peer),
        extension('envoy.filters.network.tcp_proxy', 'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', {
          stat_prefix: names.statName('tcp', name, exported.name),
          cluster: names.gate(peer, exported),
          // By default a client that proves nothing would open a connection.
          upstream_connect_mode: 'ON_DOWNSTREAM_TLS_HANDSHAKE',
          max_early_data_bytes: 0,
          // The gate ends silent connections, and logs why.
          idle_timeout: '0s',
          max_downstream_connection_duration: MAX_CONNECTION_AGE,
        }),
      ],
    });
  },
);

/**
 * Keeps for the gate what TLS has verified: all URI SANs, separated by commas. The values are hashable: a pool of connections
 * belongs to the values that it was made for, and by default Envoy would hand the gate those of an earlier connection. The
 * number of the connection is in no other pool.
 */
export function tellGate(): NetworkFilter {
  const kept = (
    key: string,
    text: string,
  ): Message<'envoy.extensions.filters.common.set_filter_state.v3.FilterStateValue'> => ({
    object_key: key,
    factory_key: 'envoy.hashable_string',
    format_string: { text_format_source: { inline_string: text } },
    shared_with_upstream: 'ONCE',
  });
  return extension(
    'envoy.filters.network.set_filter_state',
    'envoy.extensions.filters.network.set_filter_state.v3.Config',
    {
      on_downstream_tls_handshake: [
        kept(names.IDENTITY_STATE, '%DOWNSTREAM_PEER_URI_SAN%'),
        kept(names.CONNECTION_STATE, '%CONNECTION_ID%'),
        kept(names.CLIENT_STATE, '%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%'),
      ],
    },
  );
}
