// biome-ignore-all lint/suspicious/noAssignInExpressions: a mutation is one assignment
// For each boundary rule of TCP, mutations of good resources that break it.
// Must not: break another rule that is checked earlier.

import type { Copy, Data, Mutation } from './mutation.ts';
import { sans } from './mutation.ts';

type Of = readonly (readonly [rule: string, ...Mutation])[];

const tls = (c: Copy): Data => c.tcpChain.transport_socket.typed_config;
const upstream = (c: Copy): Data => c.queue.transport_socket.typed_config;
const kept = (c: Copy): Data => c.tcpChain.filters[0].typed_config.on_downstream_tls_handshake;
const admitted = (c: Copy): Data => c.gate.filter_chain_matcher.matcher_tree.exact_match_map.map;
const listener = (c: Copy): Data => c.named('Listener', 'ingress');
const chainOf = (c: Copy, name: string): Data =>
  listener(c).filter_chains.find((chain: Data) => chain.name.replaceAll(/@[0-9a-f]{16}/g, '') === name);
const grantCluster = (c: Copy, name: string): Data => c.named('Cluster', name);
const port = (c: Copy): Data => c.tcpPort.filter_chains[0];
/** Everything of one export under the name of another. */
const renamed = (c: Copy, from: string, to: string): void => {
  for (const [index, resource] of c.resources.entries())
    c.resources[index] = JSON.parse(JSON.stringify(resource).replaceAll(from, to));
};

export const TCP_MUTATIONS: Of = [
  ['AFTER_HANDSHAKE', 'the gate is dialled at once', 'ingress', (c) => void delete c.tcpProxy.upstream_connect_mode],
  [
    'AFTER_HANDSHAKE',
    'the gate is dialled at the first byte',
    'ingress',
    (c) => void (c.tcpProxy.upstream_connect_mode = 'ON_DOWNSTREAM_DATA'),
  ],
  ['AFTER_HANDSHAKE', 'early data', 'ingress', (c) => void (c.tcpProxy.max_early_data_bytes = 1024)],
  ['AFTER_HANDSHAKE', 'early data without a limit', 'ingress', (c) => void delete c.tcpProxy.max_early_data_bytes],

  ['GATE', 'a chain past its gate', 'ingress', (c) => void (c.tcpProxy.cluster = c.gateProxy.cluster)],
  [
    'GATE',
    'a chain to the gate of another export',
    'ingress',
    (c) => void (c.tcpProxy.cluster = c.named('Cluster', 'gate/shop/sessions').name),
  ],
  [
    'GATE',
    'a chain to the gate of another peer',
    'ingress',
    (c) => void (c.tcpProxy.cluster = c.named('Cluster', 'gate/partner/ledger').name),
  ],
  [
    'GATE',
    'two clusters',
    'ingress',
    (c) => void (c.tcpProxy.weighted_clusters = { clusters: [{ name: 'x', weight: 1 }] }),
  ],
  ['GATE', 'a tunnel in HTTP', 'ingress', (c) => void (c.gateProxy.tunneling_config = { hostname: 'x:1' })],
  ['GATE', 'a name that no pool is kept apart by', 'ingress', (c) => void (kept(c)[0].factory_key = 'envoy.string')],
  ['GATE', 'a number that no pool is kept apart by', 'ingress', (c) => void (kept(c)[1].factory_key = 'envoy.string')],
  ['GATE', 'a chain that tells no number', 'ingress', (c) => kept(c).pop()],
  ['GATE', 'a chain that tells nothing', 'ingress', (c) => void c.tcpChain.filters.shift()],
  [
    'GATE',
    'a chain that tells after the proxy',
    'ingress',
    (c) => void c.tcpChain.filters.push(c.tcpChain.filters.shift()),
  ],
  [
    'GATE',
    'a fixed identity',
    'ingress',
    (c) => void (kept(c)[0].format_string.text_format_source.inline_string = 'spiffe://shop.example/gateway/egress'),
  ],
  [
    'GATE',
    'what is not verified',
    'ingress',
    (c) => void (kept(c)[0].format_string.text_format_source.inline_string = '%REQUESTED_SERVER_NAME%'),
  ],
  ['GATE', 'kept for later hops', 'ingress', (c) => void (kept(c)[0].shared_with_upstream = 'TRANSITIVE')],
  ['GATE', 'the identity a second time', 'ingress', (c) => kept(c).push(kept(c)[0])],
  [
    'GATE',
    'the identity before the handshake',
    'ingress',
    (c) => void (c.tcpChain.filters[0].typed_config.on_new_connection = kept(c)),
  ],
  [
    'GATE',
    'one identity more',
    'ingress',
    (c) => void (admitted(c)['spiffe://shop.example/other'] = Object.values(admitted(c))[0]),
  ],
  ['GATE', 'one identity fewer', 'ingress', (c) => void delete admitted(c)['spiffe://shop.example/gateway/ingress']],
  [
    'GATE',
    'two identities at once',
    'ingress',
    (c) =>
      void (admitted(c)['spiffe://shop.example/gateway/egress,spiffe://shop.example/other'] = Object.values(
        admitted(c),
      )[0]),
  ],
  ['GATE', 'no identity', 'ingress', (c) => void (c.gate.filter_chain_matcher.matcher_tree.exact_match_map.map = {})],
  [
    'GATE',
    'open to all others',
    'ingress',
    (c) => void (c.gate.filter_chain_matcher.on_no_match = Object.values(admitted(c))[0]),
  ],
  [
    'GATE',
    'prefixes instead of identities',
    'ingress',
    (c) => {
      const tree = c.gate.filter_chain_matcher.matcher_tree;
      tree.prefix_match_map = tree.exact_match_map;
      delete tree.exact_match_map;
    },
  ],
  [
    'GATE',
    'another state',
    'ingress',
    (c) => void (c.gate.filter_chain_matcher.matcher_tree.input.typed_config.key = 'x'),
  ],
  ['GATE', 'no matcher', 'ingress', (c) => void delete c.gate.filter_chain_matcher],
  ['GATE', 'a gate with an address', 'ingress', (c) => void (c.gate.address = listener(c).address)],
  [
    'GATE',
    'a gate with a listener filter',
    'ingress',
    (c) => void (c.gate.listener_filters = listener(c).listener_filters),
  ],
  ['GATE', 'a third chain', 'ingress', (c) => c.gate.filter_chains.push(c.gate.filter_chains[0])],
  [
    'GATE',
    'the closed chain dials',
    'ingress',
    (c) => void (c.gate.filter_chains[1].filters = c.gate.filter_chains[0].filters),
  ],
  [
    'GATE',
    'the closed chain answers',
    'ingress',
    (c) => void (c.gate.filter_chains[1].filters[0].typed_config.response = { inline_string: 'no' }),
  ],
  [
    'GATE',
    'a gate whose chain accepts fewer',
    'ingress',
    (c) => {
      const [, rbac] = c.tcpChain.filters;
      sans(tls(c)).splice(1);
      delete rbac.typed_config.matcher.matcher_tree.exact_match_map.map['spiffe://shop.example/gateway/ingress'];
    },
  ],
  [
    'GATE',
    'the cluster leads to another gate',
    'ingress',
    (c) =>
      void (c.named(
        'Cluster',
        'gate/shop/ledger',
      ).load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.envoy_internal_address.server_listener_name =
        c.named('Listener', 'gate/partner/ledger').name),
  ],
  [
    'GATE',
    'the cluster hands nothing over',
    'ingress',
    (c) => void delete c.named('Cluster', 'gate/shop/ledger').transport_socket,
  ],

  ['GATE_PRESENT', 'no gate', 'ingress', (c) => c.remove('Listener', 'gate/shop/ledger')],
  [
    'GATE_PRESENT',
    'a gate without a chain',
    'ingress',
    (c) => {
      const { filter_chains: chains } = listener(c);
      chains.splice(chains.indexOf(c.tcpChain), 1);
      c.remove('Cluster', 'gate/shop/ledger');
    },
  ],
  ['CLUSTER_PRESENT', 'no cluster to the gate', 'ingress', (c) => c.remove('Cluster', 'gate/shop/ledger')],
  ['CLUSTER_PRESENT', 'no backend behind the gate', 'ingress', (c) => c.remove('Cluster', 'export/shop/ledger')],
  ['CLUSTER_PRESENT', 'no cluster of the import', 'egress', (c) => c.remove('Cluster', 'tcp/shop/queue')],
  ['NO_STRAY_CLUSTER', 'an import without a port', 'egress', (c) => c.remove('Listener', 'egress/5672')],

  [
    'OWN_EXPORT',
    'a gate to another export of the same peer',
    'ingress',
    (c) => void (c.gateProxy.cluster = grantCluster(c, 'export/shop/sessions').name),
  ],
  [
    'OWN_MESH',
    'a gate to the backends of another peer',
    'ingress',
    (c) => void (c.gateProxy.cluster = grantCluster(c, 'export/partner/ledger').name),
  ],
  [
    'MEANING',
    'another backend under the same name',
    'ingress',
    (c) =>
      void (grantCluster(
        c,
        'export/shop/ledger',
      ).load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.socket_address.port_value = 83),
  ],

  ['TCP_ONLY', 'h2 too', 'ingress', (c) => tls(c).common_tls_context.alpn_protocols.push('h2')],
  ['TCP_ONLY', 'nothing', 'egress', (c) => void (upstream(c).common_tls_context.alpn_protocols = [])],
  ['TCP_ONLY', 'h2', 'egress', (c) => void (upstream(c).common_tls_context.alpn_protocols = ['h2'])],
  [
    'CHAIN_MATCH',
    'a chain of TCP for any ALPN',
    'ingress',
    (c) => void delete c.tcpChain.filter_chain_match.application_protocols,
  ],
  [
    'CHAIN_MATCH',
    'a chain of TCP for h2',
    'ingress',
    (c) => void (c.tcpChain.filter_chain_match.application_protocols = ['h2']),
  ],
  [
    'CHAIN_MATCH',
    'a chain of TCP in plaintext',
    'ingress',
    (c) => void (c.tcpChain.filter_chain_match.transport_protocol = 'raw_buffer'),
  ],
  [
    'CHAIN_MATCH',
    'two server names of TCP',
    'ingress',
    (c) => c.tcpChain.filter_chain_match.server_names.push('x.peers.bank.example'),
  ],
  ['TLS', 'TCP in plaintext', 'ingress', (c) => void delete c.tcpChain.transport_socket],
  ['TLS', 'an import in plaintext', 'egress', (c) => void delete c.queue.transport_socket],
  ['CLIENT_CERTIFICATE', 'none for TCP', 'ingress', (c) => void (tls(c).require_client_certificate = false)],
  ['HANDSHAKE_TIMEOUT', 'none for TCP', 'ingress', (c) => void delete c.tcpChain.transport_socket_connect_timeout],
  ['NETWORK_RBAC', 'a chain of TCP without it', 'ingress', (c) => void c.tcpChain.filters.splice(1, 1)],
  ['CONNECTION_AGE', 'a chain of TCP', 'ingress', (c) => void delete c.tcpProxy.max_downstream_connection_duration],
  ['CONNECTION_AGE', 'a gate', 'ingress', (c) => void (c.gateProxy.max_downstream_connection_duration = '86400s')],
  [
    'CONNECTION_AGE',
    'a port',
    'egress',
    (c) => void delete port(c).filters[0].typed_config.max_downstream_connection_duration,
  ],
  ['ACCESS_LOG', 'a gate without one', 'ingress', (c) => void delete c.gate.access_log],
  [
    'ACCESS_LOG',
    'a port that logs less',
    'egress',
    (c) => void delete c.tcpPort.access_log[1].typed_config.log_format.json_format.upstream,
  ],

  [
    'TCP_GRANT',
    'a chain of an export that the peer is not granted',
    'ingress',
    (c) => renamed(c, 'sessions', 'secret'),
  ],
  [
    'TCP_GRANT',
    'the server name of another export',
    'ingress',
    (c) => void (c.tcpChain.filter_chain_match.server_names = ['sessions.tcp.shop.example.peers.bank.example']),
  ],
  [
    'TCP_GRANT',
    'the server name of another peer’s chain',
    'ingress',
    (c) =>
      void (c.tcpChain.filter_chain_match.server_names = chainOf(
        c,
        'tcp/partner/ledger',
      ).filter_chain_match.server_names),
  ],
  [
    'TCP_GRANT',
    'the label of another peer',
    'ingress',
    (c) => void (c.tcpChain.filter_chain_match.server_names = ['ledger.tcp.other.example.peers.bank.example']),
  ],
  [
    'TCP_GRANT',
    'another service of the peer',
    'egress',
    (c) => void (upstream(c).sni = 'stock.tcp.bank.example.peers.shop.example'),
  ],
  ['TCP_GRANT', 'another label', 'egress', (c) => void (upstream(c).sni = 'queue.tcp.x.peers.shop.example')],
  [
    'TCP_GRANT',
    'a port to another import',
    'egress',
    (c) => {
      const { name } = c.named('Cluster', 'tcp/partner/queue');
      port(c).name = name;
      port(c).filters[0].typed_config.cluster = name;
      c.remove('Cluster', 'tcp/shop/queue');
    },
  ],
  ['TCP_GRANT', 'a chain of another name', 'egress', (c) => void (port(c).name = 'x')],
  [
    'TCP_GRANT',
    'two chains',
    'egress',
    (c) => c.tcpPort.filter_chains.push(c.named('Listener', 'egress/5673').filter_chains[0]),
  ],
  ['TCP_GRANT', 'a filter before the proxy', 'egress', (c) => port(c).filters.unshift(port(c).filters[0])],
  [
    'TCP_GRANT',
    'a cluster that names no import',
    'egress',
    (c) => void ((port(c).name = c.cluster.name) && (port(c).filters[0].typed_config.cluster = c.cluster.name)),
  ],
  [
    'TCP_GRANT',
    'a port that no import has',
    'egress',
    (c) => {
      c.tcpPort.address.socket_address.port_value = 9999;
      c.tcpPort.name = 'egress/9999';
    },
  ],
  ['TCP_GRANT', 'a closed port that dials', 'egress', (c) => void (port(c).name = 'deny-all')],
];
