// The form of clusters (of a grant, of an import, of a peer's gateways) and of secrets.
// Must not: repeat what secret-rules.ts says of their values.

import {
  chosen,
  duration,
  either,
  extension,
  is,
  listOf,
  message,
  number,
  oneField,
  type Shape,
  sequence,
  text,
  typed,
  under,
} from './shape.ts';
import { BACKEND_TLS, TCP_BACKEND_TLS, TCP_UPSTREAM_TLS, UPSTREAM_TLS } from './tls-shapes.ts';

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

const WINDOWS = {
  max_concurrent_streams: number,
  initial_stream_window_size: number,
  initial_connection_window_size: number,
  override_stream_error_on_invalid_http_message: is(true),
};
const HTTP_COMMON = { idle_timeout: duration, max_headers_count: number, max_response_headers_kb: number };

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
    typed_extension_protocol_options: options(
      message(HTTP_COMMON),
      oneField({ http_protocol_options: message({}), http2_protocol_options: message(WINDOWS) }),
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
    message({ ...HTTP_COMMON, max_requests_per_connection: number }),
    message({
      http2_protocol_options: message({
        ...WINDOWS,
        allow_connect: is(true),
        connection_keepalive: message({ interval: duration, timeout: duration }),
      }),
    }),
  ),
});

const EJECTING = {
  common_lb_config: message({ healthy_panic_threshold: message({}, { value: is(0) }) }),
  outlier_detection: message({
    consecutive_5xx: number,
    enforcing_consecutive_5xx: number,
    enforcing_consecutive_gateway_failure: number,
    enforcing_success_rate: number,
    interval: duration,
    base_ejection_time: duration,
    max_ejection_percent: number,
    split_external_local_origin_errors: is(true),
    consecutive_local_origin_failure: number,
    enforcing_consecutive_local_origin_failure: number,
    enforcing_local_origin_success_rate: number,
  }),
};

/** Absent where the peer has one address. */
const CHOOSING = {
  ...EJECTING,
  ignore_health_on_host_removal: is(true),
  health_checks: sequence(
    message({
      timeout: duration,
      interval: duration,
      interval_jitter: duration,
      unhealthy_threshold: number,
      healthy_threshold: number,
      no_traffic_interval: duration,
      unhealthy_interval: duration,
      always_log_health_check_failures: is(true),
      http_health_check: message({
        host: text,
        path: is('/healthz'),
        codec_client_type: is('HTTP2'),
        expected_statuses: sequence(message({ start: number, end: number })),
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
