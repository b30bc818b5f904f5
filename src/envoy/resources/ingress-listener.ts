// The ingress listener: one filter chain for each peer, chosen by server name and ALPN; nobody else gets a TLS byte.
// In: the gateway, the peers. Out: the draft of one Listener. Must not: hold policy or trust (routes and secrets do, so
// that a change of them leaves every connection alone), nor have a default chain.

import type { Gateway, IdentitySource, Mesh, Peer } from '../../federation/model.ts';
import { part } from '../../memoize.ts';
import { type Draft, draft, extension, type Message } from '../draft.ts';
import { connectionLog } from '../http/access-log.ts';
import { bodyGuard } from '../http/bodies.ts';
import { httpConnectionManager } from '../http/http-connection-manager.ts';
import { internalHosts } from '../http/lua.ts';
import { pathGuard } from '../http/paths.ts';
import { denyByDefault, peerOnly } from '../http/rbac.ts';
import { HOP_BUFFER_BYTES } from '../limits.ts';
import * as names from '../resource-names.ts';
import { listeningAddress } from './listen-address.ts';
import { downstreamTls } from './tls.ts';

type FilterChain = Message<'envoy.config.listener.v3.FilterChain'>;
/** What a chain is made of: everything of a peer but its trust, which changes more often. */
type ChainPeer = Pick<Peer, 'name' | 'key' | 'mark' | 'gatewayIdentities' | 'leafKeys' | 'inboundServerName'>;
type Listener = Message<'envoy.config.listener.v3.Listener'>;

/** No peer, no listener: there is nobody to let in. */
export function ingressListener(
  mesh: Mesh,
  gateway: Gateway,
  source: IdentitySource,
  peers: readonly ChainPeer[],
): readonly Draft[] {
  if (peers.length === 0) return [];
  const { address, port } = gateway;
  if (port === undefined) throw new Error('an ingress gateway without a port');
  const build = (): Listener => ({
    name: names.INGRESS_LISTENER,
    stat_prefix: 'ingress',
    address: listeningAddress(address, port),
    // Two processes on one address would share its connections in silence.
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
    access_log: [connectionLog(mesh, 'ingress')],
    filter_chains: peers.map((peer) =>
      part(peer.gatewayIdentities, [mesh, source, ...chainInputs(peer)], () => peerChain(mesh, source, peer)),
    ),
  });
  const inputs = [mesh, gateway, source, ...peers.flatMap(chainInputs)];
  return [draft('envoy.config.listener.v3.Listener', names.INGRESS_LISTENER, inputs, build)];
}

function chainInputs(peer: ChainPeer): readonly unknown[] {
  return [peer.name, peer.key, peer.mark, peer.gatewayIdentities, peer.leafKeys, peer.inboundServerName];
}

function peerChain(mesh: Mesh, source: IdentitySource, peer: ChainPeer): FilterChain {
  return {
    name: names.peerChain(peer),
    metadata: { filter_metadata: { [names.METADATA]: { peer: peer.name, ...(peer.mark && { mark: peer.mark }) } } },
    filter_chain_match: {
      server_names: [peer.inboundServerName],
      transport_protocol: 'tls',
      application_protocols: [names.ALPN],
    },
    // Without it a handshake that never ends stays open for ever.
    transport_socket_connect_timeout: '5s',
    transport_socket: downstreamTls(peer, source),
    filters: [
      peerOnly(peer),
      httpConnectionManager({
        mesh,
        role: 'ingress',
        statPrefix: names.statName('ingress', peer.name),
        routes: names.ingressRoutes(peer),
        filters: [bodyGuard(), pathGuard(), denyByDefault(), internalHosts()],
      }),
    ],
  };
}
