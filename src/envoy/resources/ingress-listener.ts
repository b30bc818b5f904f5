// The ingress listener: one filter chain for each peer, and for each of its TCP exports, chosen by server name and ALPN. All
// other clients get no TLS byte.
// Must not: hold policy or trust (routes and secrets do, so that changing them disturbs no connection), nor have a default
// chain.

import type { Gateway, IdentitySource, Mesh, Peer, TcpExport, TcpGrant } from '../../federation/model.ts';
import { memoizeByIdentity } from '../../memoize.ts';
import { type Draft, draft, extension, type Message } from '../draft.ts';
import { bodyGuard } from '../http/access-control/body-guard.ts';
import { pathGuard } from '../http/access-control/path-guard.ts';
import { denyByDefault, peerOnly } from '../http/access-control/rbac.ts';
import { keepClaim } from '../http/access-control/workload-claim.ts';
import { connectionLog } from '../http/access-log.ts';
import { internalHosts } from '../http/headers/internal-hosts.ts';
import { underscoreGuard } from '../http/headers/underscore-guard.ts';
import { httpConnectionManager } from '../http/http-connection-manager.ts';
import { limitSlot } from '../http/limit-filters.ts';
import { HOP_BUFFER_BYTES } from '../limits.ts';
import * as names from '../resource-names.ts';
import { listeningAddress } from './listen-address.ts';
import { versionedChain } from './tcp/chain-version.ts';
import { tcpChain } from './tcp/tcp-chain.ts';
import { downstreamTls } from './tls/tls.ts';

type FilterChain = Message<'envoy.config.listener.v3.FilterChain'>;
/** What a chain uses of a peer. Its trust bundle is not part of it: a new bundle must not change the chain. */
type ChainPeer = Pick<
  Peer,
  'name' | 'key' | 'generation' | 'gatewayIdentities' | 'leafKeys' | 'inboundServerName' | 'limits'
>;
type NetworkFilter = Message<'envoy.config.listener.v3.Filter'>;
type Listener = Message<'envoy.config.listener.v3.Listener'>;

/** Without a peer there is no listener, because nobody could be admitted. */
export function ingressListener(
  mesh: Mesh,
  gateway: Gateway,
  source: IdentitySource,
  peers: readonly ChainPeer[],
  tcpGrants: ReadonlyMap<string, readonly TcpGrant[]>,
): readonly Draft[] {
  if (peers.length === 0) return [];
  const { address, port } = gateway;
  if (port === undefined) throw new Error('an ingress gateway without a port');
  const exportsOf = (peer: ChainPeer): readonly TcpExport[] =>
    (tcpGrants.get(peer.name) ?? []).map((grant) => grant.export);
  const build = (): Listener => ({
    name: names.INGRESS_LISTENER,
    stat_prefix: 'ingress',
    address: listeningAddress(address, port),
    // Otherwise two processes on one address would share its connections without an error.
    enable_reuse_port: false,
    per_connection_buffer_limit_bytes: HOP_BUFFER_BYTES,
    listener_filters: [
      extension(
        'envoy.filters.listener.tls_inspector',
        'envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector',
        {},
      ),
    ],
    listener_filters_timeout: '5s',
    continue_on_listener_filters_timeout: false,
    access_log: connectionLog(mesh, 'ingress'),
    filter_chains: peers.flatMap((peer) => {
      const { name, key, generation, gatewayIdentities, leafKeys, inboundServerName, limits } = peer;
      return [
        peerChain(
          gatewayIdentities,
          mesh,
          source,
          name,
          key,
          generation,
          leafKeys,
          inboundServerName,
          limits?.connections,
        ),
        ...exportsOf(peer).map((exported) =>
          tcpChain(exported, source, name, key, generation, gatewayIdentities, leafKeys, inboundServerName),
        ),
      ];
    }),
  });
  const inputs = [mesh, gateway, source, ...peers.flatMap((peer) => [...chainInputs(peer), ...exportsOf(peer)])];
  return [draft('envoy.config.listener.v3.Listener', names.INGRESS_LISTENER, inputs, build)];
}

function chainInputs(peer: ChainPeer): readonly unknown[] {
  const { name, key, generation, gatewayIdentities, leafKeys, inboundServerName, limits } = peer;
  return [name, key, generation, gatewayIdentities, leafKeys, inboundServerName, limits?.connections];
}

/** Memoized by the list of identities, the part of a peer that changes least. */
const peerChain = memoizeByIdentity(
  (
    gatewayIdentities: ChainPeer['gatewayIdentities'],
    mesh: Mesh,
    source: IdentitySource,
    name: ChainPeer['name'],
    key: ChainPeer['key'],
    generation: ChainPeer['generation'],
    leafKeys: ChainPeer['leafKeys'],
    inboundServerName: ChainPeer['inboundServerName'],
    connections: number | undefined,
  ): FilterChain => {
    const peer = { name, key, gatewayIdentities, leafKeys };
    return versionedChain({
      name: names.peerChain(peer),
      metadata: { filter_metadata: { [names.METADATA]: { peer: name, ...(generation && { generation }) } } },
      filter_chain_match: {
        server_names: [inboundServerName],
        transport_protocol: 'tls',
        application_protocols: [names.HTTP_ALPN],
      },
      // Without it a handshake that stalls stays open for ever.
      transport_socket_connect_timeout: '5s',
      transport_socket: downstreamTls(peer, source, names.HTTP_ALPN),
      filters: [
        peerOnly(peer),
        ...(connections === undefined ? [] : [connectionLimit(connections, name)]),
        httpConnectionManager({
          mesh,
          role: 'ingress',
          statPrefix: names.statName('ingress', name),
          routes: names.ingressRoutes(peer),
          peer: name,
          filters: [
            keepClaim(gatewayIdentities),
            limitSlot('peer'),
            pathGuard(),
            bodyGuard(),
            denyByDefault(),
            underscoreGuard(),
            limitSlot('consumer'),
            internalHosts(),
          ],
        }),
      ],
    });
  },
);

/**
 * Envoy counts a connection from its first byte on, before the handshake. What bounds strangers is the time that a handshake
 * may take, and a server name that they do not know.
 */
function connectionLimit(connections: number, peer: string): NetworkFilter {
  return extension(
    'envoy.filters.network.connection_limit',
    'envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit',
    { stat_prefix: names.statName('limit', 'peer', peer), max_connections: connections },
  );
}
