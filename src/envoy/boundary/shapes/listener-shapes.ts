// The form of each kind of listener: ingress, egress port, tunnel.
// Must not: repeat what listener-rules.ts says of their values.

import { EGRESS_MANAGER, INGRESS_MANAGER } from './filter-shapes.ts';
import { INGRESS_CONNECTION_LOG, TUNNEL_LOG } from './log-shapes.ts';
import {
  duration,
  either,
  extension,
  is,
  listOf,
  mapOf,
  matching,
  message,
  number,
  once,
  type Shape,
  sequence,
  text,
  typed,
  under,
} from './shape.ts';
import { DOWNSTREAM_TLS } from './tls-shapes.ts';

const LISTENER = 'envoy.config.listener.v3.Listener';
const MANAGER = 'envoy.filters.network.http_connection_manager';

/** `::` is every address, of IPv4 too; no other address is more than it says. Which one it is, the model says. */
const ADDRESS = message({
  socket_address: either(
    message({ address: matching(/^[0:]*:[0:]*$/), port_value: number, ipv4_compat: is(true) }),
    message({ address: text, port_value: number }),
  ),
});

/** Which peer, and since when its connections count; the log reads it. */
const CHAIN_METADATA = message({
  filter_metadata: message({ postern: message({ peer: text }, { generation: text }) }),
});

function action(name: Shape, verdict: Shape): Shape {
  const config = typed('envoy.config.rbac.v3.Action', { name }, { action: verdict });
  return message({ action: extension('action', config) });
}

const PEER_ONLY = extension(
  'envoy.filters.network.rbac',
  typed('envoy.extensions.filters.network.rbac.v3.RBAC', {
    stat_prefix: text,
    matcher: message({
      matcher_tree: message({
        input: extension(
          'envoy.matching.inputs.uri_san',
          typed('envoy.extensions.matching.common_inputs.ssl.v3.UriSanInput'),
        ),
        exact_match_map: message({ map: mapOf(/^spiffe:/, action(text, is('ALLOW'))) }),
      }),
      on_no_match: action(text, is('DENY')),
    }),
  }),
);

const PEER_CHAIN = message({
  name: text,
  metadata: CHAIN_METADATA,
  filter_chain_match: under(
    'CHAIN_MATCH',
    message({
      server_names: sequence(text),
      transport_protocol: is('tls'),
      application_protocols: sequence(is('h2')),
    }),
  ),
  transport_socket_connect_timeout: duration,
  transport_socket: DOWNSTREAM_TLS,
  filters: sequence(under('NETWORK_RBAC', PEER_ONLY), extension(MANAGER, INGRESS_MANAGER)),
});

const COMMON = { name: text, stat_prefix: text, per_connection_buffer_limit_bytes: number };

export const INGRESS_LISTENER = typed(LISTENER, {
  ...COMMON,
  address: ADDRESS,
  enable_reuse_port: is(false),
  listener_filters: sequence(
    extension(
      'envoy.filters.listener.tls_inspector',
      typed('envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector'),
    ),
  ),
  listener_filters_timeout: duration,
  continue_on_listener_filters_timeout: is(false),
  access_log: INGRESS_CONNECTION_LOG,
  filter_chains: listOf(once(PEER_CHAIN)),
});

export const EGRESS_LISTENER = typed(LISTENER, {
  ...COMMON,
  address: ADDRESS,
  enable_reuse_port: is(false),
  filter_chains: sequence(message({ name: text, filters: sequence(extension(MANAGER, EGRESS_MANAGER)) })),
});

export const TUNNEL_LISTENER = under(
  'TUNNEL',
  typed(LISTENER, {
    ...COMMON,
    internal_listener: message({}),
    filter_chains: sequence(
      message({
        name: text,
        metadata: CHAIN_METADATA,
        filters: sequence(
          extension(
            'envoy.filters.network.tcp_proxy',
            typed('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', {
              stat_prefix: text,
              cluster: text,
              max_connect_attempts: number,
              idle_timeout: duration,
              max_downstream_connection_duration: duration,
              access_log: TUNNEL_LOG,
            }),
          ),
        ),
      }),
    ),
  }),
);
