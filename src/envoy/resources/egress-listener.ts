// The egress listeners: one for each port that an import names, for callers of our own mesh: HTTP, or one TCP import. With
// plaintext, whoever reaches the port may call; otherwise a caller proves with a certificate which workload it is.
// Must not: know where an HTTP name leads, or who may use it; the routes of the port do, so that changing them disturbs no connection.

import type {
  Callers,
  Gateway,
  HttpImport,
  IdentitySource,
  Mesh,
  MeshBundle,
  Peer,
  TcpImport,
} from '../../federation/model.ts';
import { type Draft, draft, extension, type Message } from '../draft.ts';
import { oneWorkloadOnly } from '../http/access-control/client-policy.ts';
import { denyByDefault } from '../http/access-control/rbac.ts';
import { connectionLog, tcpLog } from '../http/access-log.ts';
import { underscoreGuard } from '../http/headers/underscore-guard.ts';
import { httpConnectionManager } from '../http/http-connection-manager.ts';
import { limitSlot } from '../http/limit-filters.ts';
import { peerReport, REPORT_ALIVE } from '../http/peer-report.ts';
import * as limits from '../limits.ts';
import * as names from '../resource-names.ts';
import { listeningAddress } from './listen-address.ts';
import { versionedChain } from './tcp/chain-version.ts';
import { denyingChain } from './tcp/denying-chain.ts';
import { tellGate } from './tcp/tcp-chain.ts';
import { callersTls } from './tls/callers-tls.ts';

type Listener = Message<'envoy.config.listener.v3.Listener'>;
type FilterChain = Message<'envoy.config.listener.v3.FilterChain'>;
type CalledPeer = Pick<Peer, 'name' | 'key' | 'generation' | 'addresses'>;

export interface EgressPorts {
  readonly mesh: Mesh;
  readonly gateway: Gateway;
  readonly source: IdentitySource;
  readonly callers: Callers | undefined;
  readonly ports: ReadonlyMap<number, readonly HttpImport[]>;
}

/** Without the CAs of our own workloads no caller could prove anything, and there is no listener. */
export function egressListeners({ mesh, gateway, source, callers, ports }: EgressPorts): readonly Draft[] {
  const { bundle } = mesh;
  if (callers !== undefined && bundle === undefined) return [];
  return [...ports.keys()].map((port) => {
    const name = names.egressPort(port);
    const build = (): Listener =>
      callers === undefined || bundle === undefined
        ? { ...listener(gateway, port), filter_chains: [plaintextChain(mesh, port)] }
        : {
            ...listener(gateway, port),
            filter_chains: [callersChain(mesh, bundle, source, port)],
            access_log: connectionLog(mesh, 'egress'),
          };
    return draft('envoy.config.listener.v3.Listener', name, [mesh, gateway, source, callers === undefined], build);
  });
}

function plaintextChain(mesh: Mesh, port: number): FilterChain {
  const name = names.egressPort(port);
  const filters = [underscoreGuard(), limitSlot('import')];
  const manager = { mesh, role: 'egress', statPrefix: statPrefix(port), routes: name, filters } as const;
  return { name, filters: [httpConnectionManager(manager)] };
}

/** The secret of the CAs is named by all of them: with others this is another chain, and connections that rest on them end. */
function callersChain(mesh: Mesh, bundle: MeshBundle, source: IdentitySource, port: number): FilterChain {
  const name = names.egressPort(port);
  return versionedChain({
    name,
    // Without it a handshake that stalls stays open for ever.
    transport_socket_connect_timeout: '5s',
    transport_socket: callersTls(mesh.trustDomain, bundle, source),
    filters: [
      oneWorkloadOnly(mesh.trustDomain, statPrefix(port)),
      httpConnectionManager({
        mesh,
        role: 'egress',
        statPrefix: statPrefix(port),
        routes: names.egressRoutes(port, bundle),
        filters: [denyByDefault(), underscoreGuard(), limitSlot('import')],
        claimsCaller: true,
      }),
    ],
  });
}

/**
 * A TCP import has a listener of its own, because only the end of a filter chain ends its connections. When the trust in the
 * peer changes, so does the chain.
 */
export function tcpEgressListeners(
  { mesh, gateway, source, callers }: Omit<EgressPorts, 'ports'>,
  peers: readonly CalledPeer[],
  imports: readonly TcpImport[],
): readonly Draft[] {
  const { bundle } = mesh;
  if (callers !== undefined)
    return bundle === undefined ? [] : provenTcpListeners({ mesh, gateway, source }, bundle, peers, imports);
  const byName = new Map(peers.map((peer) => [peer.name, peer]));
  return imports.map((imported) => {
    const peer = imported.denied ? undefined : byName.get(imported.peer);
    const inputs = [mesh, gateway, imported, peer?.key, peer?.generation, peer?.addresses];
    return draft('envoy.config.listener.v3.Listener', names.egressPort(imported.port), inputs, () => ({
      ...listener(gateway, imported.port),
      access_log: tcpLog(mesh, 'egress'),
      filter_chains: [peer === undefined ? closedChain(imported) : tcpChain(imported, peer)],
    }));
  });
}

/** The port stays, as the names of HTTP imports do: callers get a closed connection, and the log says why. */
function closedChain({ peer, name }: TcpImport): FilterChain {
  return denyingChain({ peer, service: name, rule: `peers.${peer}.trustBundle`, reason: 'PEER_DENIED' });
}

/** A port knows nothing of its import, nor of the clients: the gate that it leads to does (callers-gate.ts). */
function provenTcpListeners(
  { mesh, gateway, source }: Omit<EgressPorts, 'ports' | 'callers'>,
  bundle: MeshBundle,
  peers: readonly CalledPeer[],
  imports: readonly TcpImport[],
): readonly Draft[] {
  const called = new Set(peers.map(({ name }) => name));
  return imports.map((imported) => {
    const { port, denied } = imported;
    const isClosed = denied === true || !called.has(imported.peer);
    const inputs = [mesh, gateway, source, port, isClosed && imported];
    return draft('envoy.config.listener.v3.Listener', names.egressPort(port), inputs, () => ({
      ...listener(gateway, port),
      ...(isClosed
        ? { access_log: tcpLog(mesh, 'egress'), filter_chains: [closedChain(imported)] }
        : {
            access_log: connectionLog(mesh, 'egress'),
            filter_chains: [provenTcpChain(mesh, bundle, source, port)],
          }),
    }));
  });
}

function provenTcpChain(mesh: Mesh, bundle: MeshBundle, source: IdentitySource, port: number): FilterChain {
  return versionedChain({
    name: names.egressPort(port),
    transport_socket_connect_timeout: '5s',
    transport_socket: callersTls(mesh.trustDomain, bundle, source, names.TCP_CALLERS_ALPN),
    filters: [
      // First, as in a peer's chain (tcp-chain.ts).
      tellGate(),
      oneWorkloadOnly(mesh.trustDomain, statPrefix(port)),
      extension('envoy.filters.network.tcp_proxy', 'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', {
        stat_prefix: statPrefix(port),
        cluster: names.callersGate(port, bundle),
        upstream_connect_mode: 'ON_DOWNSTREAM_TLS_HANDSHAKE',
        max_early_data_bytes: 0,
        // The gate ends silent connections, and logs why.
        idle_timeout: '0s',
        max_downstream_connection_duration: limits.MAX_CONNECTION_AGE,
      }),
    ],
  });
}

function tcpChain({ name: service, port }: TcpImport, peer: CalledPeer): FilterChain {
  const cluster = names.tcpImport(peer, service);
  const { name, generation } = peer;
  const metadata = { peer: name, service, rule: names.importRule(service, false), ...(generation && { generation }) };
  return versionedChain({
    name: cluster,
    metadata: { filter_metadata: { [names.METADATA]: metadata } },
    filters: [
      extension('envoy.filters.network.tcp_proxy', 'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', {
        stat_prefix: statPrefix(port),
        cluster,
        max_connect_attempts: limits.connectAttempts(peer.addresses.length),
        idle_timeout: limits.TCP_CALLER.idle,
        max_downstream_connection_duration: limits.TCP_CALLER.age,
        access_log: [peerReport()],
        access_log_options: REPORT_ALIVE,
      }),
    ],
  });
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
