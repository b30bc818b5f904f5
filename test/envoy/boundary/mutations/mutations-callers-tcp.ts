// biome-ignore-all lint/suspicious/noAssignInExpressions: a mutation is one assignment
// Mutations of the resources by which proven callers reach TCP imports, and the boundary rule that each breaks.
// Must not: break another rule that is checked earlier.

import type { BoundaryRule } from '../../../../src/envoy/boundary/boundary-rules.ts';
import { type Copy, type Data, mesh, sans } from './mutation.ts';

const listener = (c: Copy): Data => c.named('Listener', 'egress/5432');
const chain = (c: Copy): Data => listener(c).filter_chains[0];
const tls = (c: Copy): Data => chain(c).transport_socket.typed_config;
const proxy = (c: Copy): Data => chain(c).filters[2].typed_config;
const kept = (c: Copy): Data => chain(c).filters[0].typed_config.on_downstream_tls_handshake;
const gate = (c: Copy): Data => c.named('Listener', 'callers/5432');
const matchers = (c: Copy): Data => gate(c).filter_chain_matcher.matcher_list.matchers;
/** The exact client comes first. */
const exact = (c: Copy): Data => matchers(c)[0].predicate.single_predicate;
const below = (c: Copy): Data => matchers(c)[1].predicate.and_matcher.predicate;
const open = (c: Copy): Data => gate(c).filter_chains[0];
const carrying = (c: Copy): Data => open(c).filters[0].typed_config;
const cluster = (c: Copy): Data => c.named('Cluster', 'callers/5432');
const toDeny = (c: Copy): Data => gate(c).filter_chain_matcher.on_no_match.action.typed_config;

export const TCP_CALLER_MUTATIONS: readonly (readonly [rule: BoundaryRule, what: string, mutate: (c: Copy) => void])[] =
  [
    [
      'CALLERS',
      'plaintext instead of TLS',
      (c) => {
        // As the builder of the plaintext listener writes it.
        const plaintext = structuredClone(
          mesh
            .resources('egress')
            .find(
              ({ '@type': type, ...one }) => type.endsWith('.Listener') && 'name' in one && one.name === 'egress/5672',
            ),
        ) as Data;
        const { name } = c.named('Cluster', 'tcp/shop/ledger');
        Object.assign(listener(c), { filter_chains: plaintext.filter_chains, access_log: plaintext.access_log });
        chain(c).name = name;
        chain(c).filters[0].typed_config.cluster = name;
        c.remove('Listener', 'callers/5432');
        c.remove('Cluster', 'callers/5432');
      },
    ],
    ['CLIENT_CERTIFICATE', 'absent', (c) => void delete tls(c).require_client_certificate],
    ['TLS_1_3', 'TLS 1.2', (c) => void (tls(c).common_tls_context.tls_params.tls_minimum_protocol_version = 'TLSv1_2')],
    ['NO_RESUMPTION', 'stateful', (c) => void delete tls(c).disable_stateful_session_resumption],
    ['CALLERS_ALPN', 'h2 on a port of TCP', (c) => tls(c).common_tls_context.alpn_protocols.push('h2')],
    ['HANDSHAKE_TIMEOUT', 'absent', (c) => void delete chain(c).transport_socket_connect_timeout],
    ['OUR_WORKLOADS', 'every trust domain', (c) => void (sans(tls(c))[0].matcher = { prefix: 'spiffe://' })],
    ['OUR_WORKLOADS', 'no network filter', (c) => chain(c).filters.splice(1, 1)],
    [
      'CALLERS',
      'workloads of another mesh',
      (c) => {
        listener(c).filter_chains = [
          JSON.parse(JSON.stringify(chain(c)).replaceAll('spiffe://bank.example/', 'spiffe://other.example/')),
        ];
      },
    ],
    ['CHAIN_MATCH', 'a second chain', (c) => listener(c).filter_chains.push({ ...chain(c) })],
    ['ACCESS_LOG', 'no log of connections', (c) => void delete listener(c).access_log],
    ['ACCESS_LOG', 'a gate without one', (c) => void delete gate(c).access_log],

    ['AFTER_HANDSHAKE', 'the gate is dialled at once', (c) => void delete proxy(c).upstream_connect_mode],
    [
      'AFTER_HANDSHAKE',
      'the gate is dialled at the first byte',
      (c) => void (proxy(c).upstream_connect_mode = 'ON_DOWNSTREAM_DATA'),
    ],
    ['AFTER_HANDSHAKE', 'early data', (c) => void (proxy(c).max_early_data_bytes = 1)],
    ['CONNECTION_AGE', 'of a port', (c) => void delete proxy(c).max_downstream_connection_duration],
    ['CONNECTION_AGE', 'of a gate', (c) => void (carrying(c).max_downstream_connection_duration = '86400s')],

    [
      'CALLERS_GATE',
      'a port past its gate',
      (c) => void (proxy(c).cluster = c.named('Cluster', 'tcp/shop/ledger').name),
    ],
    [
      'CALLERS_GATE',
      'the gate of another port',
      (c) => void (proxy(c).cluster = c.named('Cluster', 'callers/5672').name),
    ],
    [
      'CALLERS_GATE',
      'a gate for other CAs',
      (c) => void (proxy(c).cluster = proxy(c).cluster.replace(/@.*/, '@0000000000000000')),
    ],
    ['CALLERS_GATE', 'a port that chooses', (c) => void (proxy(c).tunneling_config = { hostname: 'x:1' })],
    ['CALLERS_GATE', 'a port that tells nothing', (c) => void (chain(c).filters[0] = chain(c).filters[1])],
    ['CALLERS_GATE', 'a port that tells the number alone', (c) => kept(c).shift()],
    ['CALLERS_GATE', 'a port that tells the name alone', (c) => kept(c).pop()],
    ['CALLERS_GATE', 'a name that no pool is kept apart by', (c) => void (kept(c)[0].factory_key = 'envoy.string')],
    ['CALLERS_GATE', 'a number that no pool is kept apart by', (c) => void (kept(c)[1].factory_key = 'envoy.string')],
    [
      'CALLERS_GATE',
      'a DNS name instead of the ID',
      (c) => void (kept(c)[0].format_string.text_format_source.inline_string = '%DOWNSTREAM_PEER_DNS_SAN%'),
    ],
    ['CALLERS_GATE', 'what is kept stays at the port', (c) => void delete kept(c)[0].shared_with_upstream],
    [
      'CALLERS_GATE',
      'what is said before the handshake',
      (c) => {
        const config = chain(c).filters[0].typed_config;
        config.on_new_connection = config.on_downstream_tls_handshake;
      },
    ],
    ['CALLERS_GATE', 'a filter more', (c) => chain(c).filters.splice(2, 0, chain(c).filters[1])],
    [
      'CALLERS_GATE',
      'a gate at an address',
      (c) => {
        delete gate(c).internal_listener;
        gate(c).address = listener(c).address;
      },
    ],
    ['CALLERS_GATE', 'nobody refused', (c) => void (toDeny(c).value = open(c).name)],
    ['CALLERS_GATE', 'no chain for others', (c) => void delete gate(c).filter_chain_matcher.on_no_match],
    ['CALLERS_GATE', 'no chain that closes', (c) => gate(c).filter_chains.pop()],
    [
      'CALLERS_GATE',
      'a closing chain that leads on',
      (c) => void (gate(c).filter_chains.at(-1).filters = open(c).filters),
    ],
    ['CALLERS_GATE', 'a chain more', (c) => gate(c).filter_chains.unshift({ ...open(c), name: 'x' })],
    [
      'CALLERS_GATE',
      'a chain under the name of another client',
      (c) => void (open(c).name = 'spiffe://bank.example/x'),
    ],
    [
      'CALLERS_GATE',
      'a client with the chain of another',
      (c) => {
        matchers(c)[0].on_match = matchers(c)[1].on_match;
      },
    ],
    [
      'CALLERS_GATE',
      'a prefix without its slash',
      (c) => {
        below(c)[0].single_predicate.value_match.prefix = 'spiffe://bank.example/ns/batch';
      },
    ],
    [
      'CALLERS_GATE',
      'two IDs, joined by a comma',
      (c) => {
        below(c)[1].single_predicate.value_match.safe_regex.regex = '.*';
      },
    ],
    ['CALLERS_GATE', 'a prefix alone', (c) => void (matchers(c)[1].predicate = below(c)[0])],
    [
      'CALLERS_GATE',
      'one of two conditions',
      (c) => {
        matchers(c)[1].predicate = { or_matcher: matchers(c)[1].predicate.and_matcher };
      },
    ],
    ['CALLERS_GATE', 'case ignored', (c) => void (exact(c).value_match.ignore_case = true)],
    ['CALLERS_GATE', 'another state', (c) => void (exact(c).input.typed_config.key = 'postern.connection')],
    ['CALLERS_GATE', 'an expression', (c) => void (exact(c).value_match = { safe_regex: { regex: '.*' } })],
    [
      'CALLERS_GATE',
      'nobody admitted',
      (c) => {
        matchers(c).splice(0);
        gate(c).filter_chains.splice(0, 2);
      },
    ],
    [
      'CALLERS_GATE',
      'chains to two clusters',
      (c) => {
        carrying(c).cluster = c.named('Cluster', 'tcp/shop/queue').name;
      },
    ],
    [
      'CALLERS_GATE',
      'no import',
      (c) => {
        for (const one of gate(c).filter_chains.slice(0, -1)) one.filters[0].typed_config.cluster = 'dial/x';
      },
    ],
    ['CALLERS_GATE', 'a filter before the proxy', (c) => open(c).filters.unshift(open(c).filters[0])],
    [
      'CALLERS_GATE',
      'a cluster that leads outside',
      (c) => {
        const { endpoint } = cluster(c).load_assignment.endpoints[0].lb_endpoints[0];
        endpoint.address = { socket_address: { address: '127.0.0.1', port_value: 1 } };
      },
    ],
    [
      'CALLERS_GATE',
      'a cluster to another gate',
      (c) => {
        const { endpoint } = cluster(c).load_assignment.endpoints[0].lb_endpoints[0];
        endpoint.address.envoy_internal_address.server_listener_name = c.named('Listener', 'callers/5672').name;
      },
    ],
    ['GATE_PRESENT', 'no gate', (c) => c.remove('Listener', 'callers/5432')],
    [
      'GATE_PRESENT',
      'a gate that no port leads to',
      (c) => {
        c.remove('Listener', 'egress/5432');
        c.remove('Cluster', 'callers/5432');
      },
    ],
    ['CLUSTER_PRESENT', 'no way to the gate', (c) => c.remove('Cluster', 'callers/5432')],
    [
      'CLIENTS',
      'a client more',
      (c) => {
        const more = JSON.stringify([matchers(c)[0], open(c)]).replaceAll('ns/web/sa/front', 'ns/web/sa/other');
        const [matcher, made] = JSON.parse(more);
        matchers(c).unshift(matcher);
        gate(c).filter_chains.unshift(made);
      },
    ],
    [
      'CLIENTS',
      'a client less',
      (c) => {
        matchers(c).shift();
        gate(c).filter_chains.shift();
      },
    ],
    [
      'CLIENTS',
      'the clients of another port',
      (c) => {
        const other = c.named('Listener', 'callers/5672');
        gate(c).filter_chain_matcher = other.filter_chain_matcher;
        gate(c).filter_chains = [...structuredClone(other.filter_chains.slice(0, -1)), gate(c).filter_chains.at(-1)];
        carrying(c).cluster = c.named('Cluster', 'tcp/shop/ledger').name;
      },
    ],
    [
      'TCP_GRANT',
      'the import of another port',
      (c) => {
        const { name } = c.named('Cluster', 'tcp/shop/queue');
        for (const one of gate(c).filter_chains.slice(0, -1)) one.filters[0].typed_config.cluster = name;
        c.remove('Cluster', 'tcp/shop/ledger');
      },
    ],
    [
      'LIMITS',
      'more connections than the import has',
      (c) => {
        cluster(c).circuit_breakers.thresholds[0].max_connections = 31;
      },
    ],
    ['KNOWN_FIELDS', 'another field of a port', (c) => void (listener(c).transparent = true)],
  ];
