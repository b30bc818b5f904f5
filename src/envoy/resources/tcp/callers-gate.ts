// The gates of TCP imports whose callers prove who they are: the internal listeners between a port and the peer's gateways, as
// at ingress (gate.ts): nothing is dialled for a caller that is no client of the import.
// Must not: lead anywhere but to the peer's export of its own import, or admit a caller of whom TLS has verified nothing.

import type { Mesh, MeshBundle, Peer, TcpImport, Workload } from '../../../federation/model.ts';
import { type Draft, draft, extension, type Message } from '../../draft.ts';
import { ONE_SPIFFE_ID } from '../../http/access-control/client-policy.ts';
import { callerTcpLog } from '../../http/access-log.ts';
import { peerReport, REPORT_ALIVE } from '../../http/peer-report.ts';
import * as limits from '../../limits.ts';
import * as names from '../../resource-names.ts';
import { versionedChain } from './chain-version.ts';
import { denyingChain } from './denying-chain.ts';
import { gateCluster, toChain } from './gate.ts';

type GatePeer = Pick<Peer, 'name' | 'key' | 'generation' | 'addresses'>;
type Listener = Message<'envoy.config.listener.v3.Listener'>;
type FilterChain = Message<'envoy.config.listener.v3.FilterChain'>;
type Predicate = Message<'xds.type.matcher.v3.Matcher.MatcherList.Predicate'>;

/** For each import whose peer is not denied: the gate, and the cluster by which its port reaches it. */
export function callersGates(
  mesh: Mesh,
  bundle: MeshBundle,
  peers: readonly GatePeer[],
  imports: readonly TcpImport[],
): readonly Draft[] {
  const byName = new Map(peers.map((peer) => [peer.name, peer]));
  return imports.flatMap((imported) => {
    const peer = imported.denied ? undefined : byName.get(imported.peer);
    if (peer === undefined) return [];
    const name = names.callersGate(imported.port, bundle);
    const connections = imported.limits?.connections;
    const statName = names.statName('callers', String(imported.port));
    const inputs = [mesh, imported, peer.name, peer.key, peer.generation, peer.addresses];
    return [
      draft('envoy.config.cluster.v3.Cluster', name, [connections, imported.port], () =>
        gateCluster(name, statName, connections),
      ),
      draft('envoy.config.listener.v3.Listener', name, inputs, () => gate(name, statName, mesh, peer, imported)),
    ];
  });
}

/**
 * Each client has a chain, because only the end of a chain ends its connections: a client that is taken from the list takes
 * nobody else's connections along.
 */
function gate(name: string, statPrefix: string, mesh: Mesh, peer: GatePeer, imported: TcpImport): Listener {
  const clients = narrowFirst(imported.clients ?? []);
  return {
    name,
    stat_prefix: statPrefix,
    internal_listener: {},
    per_connection_buffer_limit_bytes: limits.HOP_BUFFER_BYTES,
    access_log: callerTcpLog(mesh),
    filter_chain_matcher: {
      matcher_list: {
        matchers: clients.map((client) => ({
          predicate: isClient(client),
          on_match: { action: toChain(names.clientChain(client)) },
        })),
      },
      on_no_match: { action: toChain(names.DENY_ALL) },
    },
    filter_chains: [
      ...clients.map((client) => clientChain(names.clientChain(client), statPrefix, peer, imported.name)),
      denyingChain({
        peer: peer.name,
        service: imported.name,
        rule: names.importRule(imported.name, true),
        reason: 'CLIENT',
        port: String(imported.port),
      }),
    ],
  };
}

/** A connection belongs to the narrowest of the clients that it is, each once: with another one it does not end. */
function narrowFirst(clients: readonly Workload[]): readonly Workload[] {
  const unique = [...new Map(clients.map((client) => [names.clientChain(client), client])).values()];
  const prefixes = unique.filter((client) => 'prefix' in client).sort((a, b) => b.prefix.length - a.prefix.length);
  return [...unique.filter((client) => 'exact' in client), ...prefixes];
}

function clientChain(name: string, statPrefix: string, peer: GatePeer, service: string): FilterChain {
  const { generation } = peer;
  const metadata = {
    peer: peer.name,
    service,
    rule: names.importRule(service, true),
    ...(generation && { generation }),
  };
  return versionedChain({
    name,
    metadata: { filter_metadata: { [names.METADATA]: metadata } },
    filters: [
      extension('envoy.filters.network.tcp_proxy', 'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', {
        stat_prefix: statPrefix,
        cluster: names.tcpImport(peer, service),
        max_connect_attempts: limits.connectAttempts(peer.addresses.length),
        idle_timeout: limits.TCP_CALLER.idle,
        max_downstream_connection_duration: limits.TCP_CALLER.age,
        access_log: [peerReport()],
        access_log_options: REPORT_ALIVE,
      }),
    ],
  });
}

/** The text holds all URI SANs, separated by commas: an exact ID is one alone, and below a prefix the whole text has to be one. */
function isClient(client: Workload): Predicate {
  if ('exact' in client) return verified({ exact: client.exact });
  return {
    and_matcher: {
      predicate: [
        verified({ prefix: client.prefix }),
        verified({ safe_regex: { google_re2: {}, regex: ONE_SPIFFE_ID } }),
      ],
    },
  };
}

function verified(match: Message<'xds.type.matcher.v3.StringMatcher'>): Predicate {
  const input = extension(
    'envoy.matching.inputs.filter_state',
    'envoy.extensions.matching.common_inputs.network.v3.FilterStateInput',
    { key: names.IDENTITY_STATE },
  );
  return { single_predicate: { input, value_match: match } };
}
