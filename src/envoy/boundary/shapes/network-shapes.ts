// The form of filter chains that carry TCP, and of the network filters in any chain.
// Must not: repeat what tcp-rules.ts and network-rules.ts say of their values.

import { REPORT_ALIVE, TCP_IMPORT_REPORT } from './report-shapes.ts';
import { extension, is, mapOf, matching, message, number, type Shape, sequence, text, typed, under } from './shape.ts';
import { TCP_DOWNSTREAM_TLS } from './tls-shapes.ts';

const VERSION = matching(/^[0-9a-f]{12}$/);

/** Which peer, and since when its connections count; the log reads it. */
export const TUNNEL_METADATA = message({
  filter_metadata: message({ postern: message({ peer: text }, { generation: text }) }),
});
/** The same of a chain of the ingress, with its version. */
export const CHAIN_METADATA = message({
  filter_metadata: message({ postern: message({ peer: text, version: VERSION }, { generation: text }) }),
});
/** Of a port for callers that prove who they are. */
export const CALLERS_METADATA = message({ filter_metadata: message({ postern: message({ version: VERSION }) }) });

function action(name: Shape, verdict: Shape): Shape {
  const config = typed('envoy.config.rbac.v3.Action', { name }, { action: verdict });
  return message({ action: extension('action', config) });
}

export const PEER_ONLY = extension(
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

/** How long a connection may be silent (`0s`: for ever) and how long it lasts, and the fields of its kind. */
export function tcpProxy(idle: string, age: string, fields: Readonly<Record<string, Shape>> = {}): Shape {
  return extension(
    'envoy.filters.network.tcp_proxy',
    typed('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', {
      stat_prefix: text,
      cluster: text,
      idle_timeout: is(idle),
      max_downstream_connection_duration: under('CONNECTION_AGE', is(age)),
      ...fields,
    }),
  );
}

function metadata(fields: Readonly<Record<string, Shape>>, more: Readonly<Record<string, Shape>> = {}): Shape {
  const postern = message({ peer: text, service: text, version: VERSION, ...fields }, { generation: text, ...more });
  return message({ filter_metadata: message({ postern }) });
}

function kept(key: string, value: string): Shape {
  return message({
    object_key: is(key),
    factory_key: is('envoy.hashable_string'),
    format_string: message({ text_format_source: message({ inline_string: is(value) }) }),
    shared_with_upstream: is('ONCE'),
  });
}

export const TELL_GATE = extension(
  'envoy.filters.network.set_filter_state',
  typed('envoy.extensions.filters.network.set_filter_state.v3.Config', {
    on_downstream_tls_handshake: sequence(
      kept('postern.identity', '%DOWNSTREAM_PEER_URI_SAN%'),
      kept('postern.connection', '%CONNECTION_ID%'),
      kept('postern.client', '%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%'),
    ),
  }),
);

/** To a gate, once the handshake is done. */
export const TO_GATE = under(
  'AFTER_HANDSHAKE',
  tcpProxy('0s', '3700s', { upstream_connect_mode: is('ON_DOWNSTREAM_TLS_HANDSHAKE'), max_early_data_bytes: is(0) }),
);

/** Of one TCP export, for one peer. */
export const TCP_CHAIN = message({
  name: text,
  metadata: metadata({}),
  filter_chain_match: under(
    'CHAIN_MATCH',
    message({
      server_names: sequence(text),
      transport_protocol: is('tls'),
      application_protocols: sequence(is('postern-tcp')),
    }),
  ),
  transport_socket_connect_timeout: under('HANDSHAKE_TIMEOUT', is('5s')),
  transport_socket: TCP_DOWNSTREAM_TLS,
  filters: sequence(under('GATE', TELL_GATE), under('NETWORK_RBAC', PEER_ONLY), TO_GATE),
});

export const CLOSED_CHAIN = message({
  name: is('deny-all'),
  metadata: metadata({ rule: text, reason: text }, { port: text }),
  filters: sequence(
    extension(
      'envoy.filters.network.direct_response',
      typed('envoy.extensions.filters.network.direct_response.v3.Config'),
    ),
  ),
});

const OPEN = { name: text, metadata: metadata({ rule: text }) };

export const TCP_IMPORT_CHAIN = message({
  ...OPEN,
  filters: sequence(
    tcpProxy('1900s', '3700s', {
      max_connect_attempts: number,
      access_log: TCP_IMPORT_REPORT,
      access_log_options: REPORT_ALIVE,
    }),
  ),
});

export function toChain(): Shape {
  return message({ action: extension('chain', typed('google.protobuf.StringValue', { value: text })) });
}

/** What the chain before a gate keeps of its connection. */
export const VERIFIED = extension(
  'envoy.matching.inputs.filter_state',
  typed('envoy.extensions.matching.common_inputs.network.v3.FilterStateInput', { key: is('postern.identity') }),
);

export const GATE = {
  filter_chain_matcher: message({
    matcher_tree: message({
      input: VERIFIED,
      exact_match_map: message({ map: mapOf(/^spiffe:/, toChain()) }),
    }),
    on_no_match: toChain(),
  }),
  filter_chains: sequence(message({ ...OPEN, filters: sequence(tcpProxy('1800s', '3600s')) }), CLOSED_CHAIN),
};
