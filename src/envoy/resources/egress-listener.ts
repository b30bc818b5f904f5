// The egress listeners: one for each port that an import names. Plain HTTP for callers of our own mesh, or one TCP import.
// Must not: know where an HTTP name leads; the routes of the port do.

import type { Gateway, HttpImport, Mesh, Peer, TcpImport } from '../../federation/model.ts';
import { type Draft, draft, extension, type Message } from '../draft.ts';
import { tcpLog } from '../http/access-log.ts';
import { httpConnectionManager } from '../http/http-connection-manager.ts';
import { limitSlot } from '../http/limit-filters.ts';
import * as limits from '../limits.ts';
import * as names from '../resource-names.ts';
import { denyingChain } from './denying-chain.ts';
import { listeningAddress } from './listen-address.ts';

type Listener = Message<'envoy.config.listener.v3.Listener'>;
type FilterChain = Message<'envoy.config.listener.v3.FilterChain'>;
type CalledPeer = Pick<Peer, 'name' | 'key' | 'generation' | 'addresses'>;

export function egressListeners(
  mesh: Mesh,
  gateway: Gateway,
  ports: ReadonlyMap<number, readonly HttpImport[]>,
): readonly Draft[] {
  return [...ports.keys()].map((port) => {
    const name = names.egressPort(port);
    const inputs = [mesh, gateway];
    return draft('envoy.config.listener.v3.Listener', name, inputs, () => ({
      ...listener(gateway, port),
      filter_chains: [
        {
          name,
          filters: [
            httpConnectionManager({
              mesh,
              role: 'egress',
              statPrefix: statPrefix(port),
              routes: name,
              filters: [limitSlot('import')],
            }),
          ],
        },
      ],
    }));
  });
}

/**
 * A TCP import has a listener of its own, because only the end of a filter chain ends its connections. When the trust in the
 * peer changes, so does the chain.
 */
export function tcpEgressListeners(
  mesh: Mesh,
  gateway: Gateway,
  peers: readonly CalledPeer[],
  imports: readonly TcpImport[],
): readonly Draft[] {
  const byName = new Map(peers.map((peer) => [peer.name, peer]));
  return imports.map((imported) => {
    const peer = imported.denied ? undefined : byName.get(imported.peer);
    const inputs = [mesh, gateway, imported, peer?.key, peer?.generation, peer?.addresses];
    return draft('envoy.config.listener.v3.Listener', names.egressPort(imported.port), inputs, () => ({
      ...listener(gateway, imported.port),
      access_log: [tcpLog(mesh, 'egress')],
      filter_chains: [
        peer === undefined
          ? // The port stays, as the names of HTTP imports do: callers get a closed connection, and the log says why.
            denyingChain({ peer: imported.peer, service: imported.name, reason: 'peer-denied' })
          : tcpChain(imported, peer),
      ],
    }));
  });
}

function tcpChain({ name: service, port }: TcpImport, peer: CalledPeer): FilterChain {
  const cluster = names.tcpImport(peer, service);
  const { name, generation } = peer;
  const metadata = { peer: name, service, verdict: 'allowed', ...(generation && { generation }) };
  return {
    name: cluster,
    metadata: { filter_metadata: { [names.METADATA]: metadata } },
    filters: [
      extension('envoy.filters.network.tcp_proxy', 'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', {
        stat_prefix: statPrefix(port),
        cluster,
        max_connect_attempts: limits.connectAttempts(peer.addresses.length),
        idle_timeout: limits.TCP_CALLER.idle,
        max_downstream_connection_duration: limits.TCP_CALLER.age,
      }),
    ],
  };
}

function listener(gateway: Gateway, port: number): Listener {
  return {
    name: names.egressPort(port),
    stat_prefix: statPrefix(port),
    address: listeningAddress(gateway.address, port),
    enable_reuse_port: false,
    per_connection_buffer_limit_bytes: limits.BUFFER_BYTES,
  };
}

function statPrefix(port: number): string {
  return `egress_${port}`;
}
