// The form of an HTTP connection manager: its fields, and the exact sequence of HTTP filters of each gateway.
// Must not: be made of envoy/http/, which is what is checked here.

import { extension, is, listOf, message, once, type Shape, sequence, text, typed, under } from '../shape.ts';
import { ADS } from '../tls-shapes.ts';
import { CLEAN_REQUESTS, HOSTS, STRIP, UNDERSCORE_GUARD } from './header-shapes.ts';
import { limitSlot } from './limit-shapes.ts';
import { CALLERS_REPLIES, EGRESS_REPLIES, INGRESS_REPLIES } from './reply-shapes.ts';
import {
  KEEP_CLAIM,
  matched,
  REMEMBERED,
  REQUEST_HEADER,
  REQUEST_ID_SLOT,
  requestHeader,
  SKIP,
  skippedWhen,
} from './request-fact-shapes.ts';
import { EGRESS_REQUEST_LOG, INGRESS_REQUEST_LOG } from './request-log-shapes.ts';

const BUFFER = 'envoy.filters.http.buffer';

const RBAC = 'envoy.extensions.filters.http.rbac.v3.RBAC';

const SKIPPED = message({ action: SKIP });
const SKIPPED_WEBSOCKET = message({
  matcher_list: message({
    matchers: sequence(
      message({
        predicate: message({
          single_predicate: message({
            input: extension('upgrade', typed(REQUEST_HEADER, { header_name: is('upgrade') })),
            value_match: message({ exact: is('websocket'), ignore_case: is(true) }),
          }),
        }),
        on_match: SKIPPED,
      }),
    ),
  }),
});
const BODY_GUARD = matched(
  BUFFER,
  typed('envoy.extensions.filters.http.buffer.v3.Buffer', { max_request_bytes: is(1) }),
  message({
    matcher_tree: message({
      input: extension('method', typed(REQUEST_HEADER, { header_name: is(':method') })),
      exact_match_map: message({
        map: message({ POST: SKIPPED, PUT: SKIPPED, PATCH: SKIPPED, GET: message({ matcher: SKIPPED_WEBSOCKET }) }),
      }),
    }),
  }),
);
/** The expressions are in filter-rules.ts, by their digest. */
const HARMLESS = harmlessPaths();
const PATH_GUARD = matched(
  'envoy.filters.http.rbac.paths',
  typed(RBAC, {
    rules: message({
      action: is('DENY'),
      policies: message({
        'unusual-path': message({
          permissions: sequence(message({ not_rule: HARMLESS })),
          principals: sequence(message({ any: is(true) })),
        }),
      }),
    }),
    rules_stat_prefix: is('paths_'),
  }),
  skippedWhen(requestHeader(':path')),
);
const ACCESS = extension(
  'envoy.filters.http.rbac',
  typed(RBAC, { rules: message({}, { action: is('ALLOW'), policies: message({}) }), track_per_rule_stats: is(true) }),
);
const ROUTER = extension(
  'envoy.filters.http.router',
  typed('envoy.extensions.filters.http.router.v3.Router', { suppress_envoy_headers: is(true) }),
);

function harmlessPaths(): Shape {
  const path = message({ url_path: message({ path: message({ safe_regex: message({ regex: text }) }) }) });
  const beyond = message({ and_rules: message({ rules: listOf(path) }) });
  return message({ or_rules: message({ rules: sequence(path, beyond) }) });
}

/** All of them, in their order: a filter more could change what access control has admitted. */
function httpFilters(...filters: readonly Shape[]): Shape {
  return under('HTTP_FILTERS', sequence(...filters.map(once)));
}

const HTTP2 = {
  max_concurrent_streams: is(100),
  override_stream_error_on_invalid_http_message: is(true),
  max_outbound_frames: is(10000),
  max_outbound_control_frames: is(1000),
  max_consecutive_inbound_frames_with_empty_payload: is(1),
  max_inbound_priority_frames_per_stream: is(100),
  max_inbound_window_update_frames_per_data_frame_sent: is(10),
};

const HTTP1 = { accept_http_10: is(false), allow_absolute_url: is(false), enable_trailers: is(false) };

const COMMON = {
  stat_prefix: text,
  rds: message({ route_config_name: text, config_source: ADS }),
  server_name: is('gateway'),
  use_remote_address: is(true),
  xff_num_trusted_hops: is(0),
  skip_xff_append: is(true),
  normalize_path: is(true),
  merge_slashes: is(true),
  path_with_escaped_slashes_action: is('REJECT_REQUEST'),
  strip_any_host_port: is(true),
  generate_request_id: is(true),
  preserve_external_request_id: is(false),
  always_set_request_id_in_response: is(false),
  stream_idle_timeout: is('300s'),
  request_headers_timeout: is('10s'),
  request_timeout: is('0s'),
  drain_timeout: is('5s'),
  delayed_close_timeout: is('1s'),
  stream_error_on_invalid_http_message: is(false),
};

function connectionOptions(headers: number, idle: string, request: string): Shape {
  return message(
    {
      max_connection_duration: under('CONNECTION_AGE', is('3600s')),
      max_stream_duration: under('CONNECTION_AGE', is(request)),
      max_headers_count: is(headers),
      idle_timeout: is(idle),
    },
    { headers_with_underscores_action: is('ALLOW') },
  );
}
/** Zero values of enumerations, which an encoded message does not have. */
const ZERO = { server_header_transformation: is('OVERWRITE') };
const MANAGER = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';

const FIRST = [REMEMBERED, REQUEST_ID_SLOT, STRIP];
const GUARDS = [
  limitSlot('peer'),
  PATH_GUARD,
  BODY_GUARD,
  ACCESS,
  UNDERSCORE_GUARD,
  limitSlot('consumer'),
  HOSTS,
  ROUTER,
];

export const INGRESS_MANAGER = typed(
  MANAGER,
  {
    ...COMMON,
    codec_type: is('HTTP2'),
    http2_protocol_options: message({
      ...HTTP2,
      initial_stream_window_size: is(8388608),
      initial_connection_window_size: is(838860800),
      allow_connect: is(true),
    }),
    common_http_protocol_options: connectionOptions(128, '300s', '3700s'),
    max_request_headers_kb: is(48),
    forward_client_cert_details: is('SANITIZE_SET'),
    set_current_client_cert_details: message({ uri: is(true) }),
    strip_trailing_host_dot: is(false),
    scheme_header_transformation: message({ match_upstream: is(true) }),
    http_protocol_options: message(HTTP1),
    access_log: INGRESS_REQUEST_LOG,
    early_header_mutation_extensions: CLEAN_REQUESTS,
    http_filters: httpFilters(...FIRST, KEEP_CLAIM, ...GUARDS),
    local_reply_config: INGRESS_REPLIES,
  },
  ZERO,
);

const FROM_CALLERS = {
  ...COMMON,
  http2_protocol_options: message({
    ...HTTP2,
    initial_stream_window_size: is(262144),
    initial_connection_window_size: is(26214400),
    allow_connect: is(false),
  }),
  common_http_protocol_options: connectionOptions(100, '600s', '0s'),
  max_request_headers_kb: is(32),
  strip_trailing_host_dot: is(true),
  scheme_header_transformation: message({ scheme_to_overwrite: is('https') }),
  http_protocol_options: message({
    ...HTTP1,
    ignore_http_11_upgrade: sequence(message({ prefix: is('TLS/'), ignore_case: is(true) })),
  }),
  access_log: EGRESS_REQUEST_LOG,
  early_header_mutation_extensions: CLEAN_REQUESTS,
  local_reply_config: EGRESS_REPLIES,
};

export const EGRESS_MANAGER = typed(
  MANAGER,
  {
    ...FROM_CALLERS,
    http_filters: httpFilters(...FIRST, UNDERSCORE_GUARD, limitSlot('import'), ROUTER),
  },
  { ...ZERO, codec_type: is('AUTO'), forward_client_cert_details: is('SANITIZE') },
);

/** Of callers that prove who they are. */
export const CALLERS_MANAGER = typed(
  MANAGER,
  {
    ...FROM_CALLERS,
    local_reply_config: CALLERS_REPLIES,
    http_filters: httpFilters(...FIRST, ACCESS, UNDERSCORE_GUARD, limitSlot('import'), ROUTER),
  },
  { ...ZERO, codec_type: is('AUTO'), forward_client_cert_details: is('SANITIZE') },
);
