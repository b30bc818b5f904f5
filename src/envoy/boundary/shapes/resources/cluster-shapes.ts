// The form of clusters (of a grant, of an import, of a peer's gateways) and of secrets.
// Must not: repeat what secret-rules.ts says of their values.

import {
  amount,
  chosen,
  either,
  extension,
  is,
  lasts,
  listOf,
  message,
  number,
  oneField,
  type Shape,
  sequence,
  text,
  typed,
  under,
} from '../shape.ts';
import { BACKEND_TLS, TCP_BACKEND_TLS, TCP_UPSTREAM_TLS, UPSTREAM_TLS } from '../tls-shapes.ts';

const CLUSTER = 'envoy.config.cluster.v3.Cluster';
const OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

function endpoints(endpoint: Shape): Shape {
  const groups = sequence(message({ lb_endpoints: listOf(message({ endpoint })) }));
  return message({ cluster_name: text, endpoints: groups });
}

const HOST = message({
  address: message({ socket_address: message({ address: text, port_value: number }) }),
  hostname: text,
});
const INSIDE = message({
  address: message({ envoy_internal_address: message({ server_listener_name: text, endpoint_id: text }) }),
});

const BREAKERS = message({
  thresholds: sequence(
    message(
      {
        max_connections: number,
        max_pending_requests: number,
        max_requests: number,
        max_retries: is(1024),
        track_remaining: is(true),
      },
      { priority: is('DEFAULT') },
    ),
  ),
});

const COMMON = {
  name: text,
  alt_stat_name: text,
  connect_timeout: is('2s'),
  per_connection_buffer_limit_bytes: is(262144),
  circuit_breakers: BREAKERS,
};

const HTTP2 = { max_concurrent_streams: is(100), override_stream_error_on_invalid_http_message: is(true) };
const TO_BACKEND = message({
  ...HTTP2,
  initial_stream_window_size: is(262144),
  initial_connection_window_size: is(26214400),
});
const TO_PEER = message({
  ...HTTP2,
  initial_stream_window_size: is(8388608),
  initial_connection_window_size: is(838860800),
  allow_connect: is(true),
  connection_keepalive: message({ interval: is('10s'), timeout: is('10s') }),
});

/** What a backend may answer; the time that a connection to it may be idle depends on the version of HTTP. */
function ofBackend(idleSeconds: number): Shape {
  return message({ idle_timeout: lasts(idleSeconds), max_headers_count: is(100), max_response_headers_kb: is(60) });
}

function options(common: Shape, explicit: Shape): Shape {
  return message({
    [OPTIONS]: typed(OPTIONS, { explicit_http_config: explicit, common_http_protocol_options: common }),
  });
}

const KEEPALIVE = message({
  tcp_keepalive: message({ keepalive_time: is(30), keepalive_interval: is(5), keepalive_probes: is(3) }),
});

/** Of real hosts; a name is resolved by the gateway. */
const RESOLVED = {
  type: is('STATIC', 'STRICT_DNS'),
  load_assignment: endpoints(HOST),
  upstream_connection_options: KEEPALIVE,
};
const FAMILY = { dns_lookup_family: is('V4_PREFERRED') };

const HTTP_GRANT_CLUSTER = typed(
  CLUSTER,
  {
    ...COMMON,
    ...RESOLVED,
    typed_extension_protocol_options: either(
      options(ofBackend(1.5), message({ http_protocol_options: message({}) })),
      options(ofBackend(300), message({ http2_protocol_options: TO_BACKEND })),
    ),
  },
  { ...FAMILY, transport_socket: BACKEND_TLS },
);

const TCP_GRANT_CLUSTER = typed(CLUSTER, { ...COMMON, ...RESOLVED }, { ...FAMILY, transport_socket: TCP_BACKEND_TLS });

export const GRANT_CLUSTER = chosen((cluster) =>
  cluster['typed_extension_protocol_options'] === undefined ? TCP_GRANT_CLUSTER : HTTP_GRANT_CLUSTER,
);

/** It hands over what a chain keeps of its connection. */
export const GATE_CLUSTER = under(
  'GATE',
  typed(CLUSTER, {
    ...COMMON,
    type: is('STATIC'),
    load_assignment: endpoints(
      message({ address: message({ envoy_internal_address: message({ server_listener_name: text }) }) }),
    ),
    transport_socket: extension(
      'envoy.transport_sockets.internal_upstream',
      typed('envoy.extensions.transport_sockets.internal_upstream.v3.InternalUpstreamTransport', {
        transport_socket: extension(
          'envoy.transport_sockets.raw_buffer',
          typed('envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer'),
        ),
      }),
    ),
  }),
);

export const IMPORT_CLUSTER = typed(CLUSTER, {
  ...COMMON,
  type: is('STATIC'),
  load_assignment: endpoints(INSIDE),
  typed_extension_protocol_options: options(
    message({
      idle_timeout: is('60s'),
      max_headers_count: is(128),
      max_response_headers_kb: is(76),
      max_requests_per_connection: is(1000),
    }),
    message({ http2_protocol_options: TO_PEER }),
  ),
});

const EJECTING = {
  common_lb_config: message({ healthy_panic_threshold: message({}, { value: is(0) }) }),
  outlier_detection: message({
    consecutive_5xx: is(0),
    enforcing_consecutive_5xx: is(0),
    enforcing_consecutive_gateway_failure: is(0),
    enforcing_success_rate: is(0),
    interval: is('5s'),
    base_ejection_time: is('10s'),
    max_ejection_percent: is(50),
    split_external_local_origin_errors: is(true),
    consecutive_local_origin_failure: is(3),
    enforcing_consecutive_local_origin_failure: is(100),
    enforcing_local_origin_success_rate: is(0),
  }),
};

/** Absent where the peer has one address. */
const CHOOSING = {
  ...EJECTING,
  common_lb_config: message({ healthy_panic_threshold: message({}, { value: is(1) }) }),
  ignore_health_on_host_removal: is(true),
  health_checks: sequence(
    message({
      timeout: is('1s'),
      interval: is('2s'),
      interval_jitter: lasts(0.2),
      unhealthy_threshold: is(2),
      healthy_threshold: is(1),
      no_traffic_interval: is('2s'),
      unhealthy_interval: is('1s'),
      always_log_health_check_failures: is(true),
      http_health_check: message({
        host: text,
        path: is('/healthz'),
        codec_client_type: is('HTTP2'),
        expected_statuses: sequence(message({ start: amount(200), end: amount(201) })),
        request_headers_to_remove: sequence(is('user-agent')),
      }),
    }),
  ),
};

const DIAL = { ...COMMON, ...RESOLVED, transport_socket: UPSTREAM_TLS };

export const DIAL_CLUSTER = either(typed(CLUSTER, { ...DIAL, ...CHOOSING }, FAMILY), typed(CLUSTER, DIAL, FAMILY));

const TCP_DIAL = { ...COMMON, ...RESOLVED, transport_socket: TCP_UPSTREAM_TLS };

export const TCP_IMPORT_CLUSTER = either(
  typed(CLUSTER, { ...TCP_DIAL, ...EJECTING }, FAMILY),
  typed(CLUSTER, TCP_DIAL, FAMILY),
);

const SECRET = 'envoy.extensions.transport_sockets.tls.v3.Secret';

/** The file of a gateway's own disk, or the text in place. */
const SOURCE = oneField({ inline_string: text, filename: text });

export const CERTIFICATE = typed(SECRET, {
  name: text,
  tls_certificate: message(
    { certificate_chain: SOURCE, private_key: SOURCE },
    { watched_directory: message({ path: text }) },
  ),
});

export const BUNDLE = typed(SECRET, {
  name: text,
  validation_context: message({ trusted_ca: message({ inline_string: text }) }),
});
