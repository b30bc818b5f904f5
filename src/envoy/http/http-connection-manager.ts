// The HTTP connection manager of both gateways: how a request is read, cleaned, limited and logged.
// Must not: set `internal_address_config` (present, even empty, it makes private addresses trusted again), nor append
// the caller's address to any header.

import type { GatewayRole, Mesh } from '../../federation/model.ts';
import { ADS } from '../config-source.ts';
import { extension, type Message } from '../draft.ts';
import * as limits from '../limits.ts';
import { requestLog } from './access-log.ts';
import {
  CLEAN_REQUEST,
  STRIP_REQUEST_TRAILERS,
  STRIP_RESPONSE,
  STRIP_RESPONSE_TRAILERS,
} from './headers/header-mutations.ts';
import { rememberRequest, requestIdSlot } from './headers/request-facts.ts';
import { localReplies } from './local-reply.ts';

type NetworkFilter = Message<'envoy.config.listener.v3.Filter'>;
type Manager = Message<'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'>;
type HttpFilter = Message<'envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter'>;

export interface HttpChain {
  readonly mesh: Mesh;
  readonly role: GatewayRole;
  readonly statPrefix: string;
  readonly routes: string;
  /** Whose requests all are (ingress). */
  readonly peer?: string;
  /** Filters after those that keep something for the log and strip headers. */
  readonly filters: readonly HttpFilter[];
  /** Callers have proven who they are. */
  readonly claimsCaller?: true;
}

export function httpConnectionManager(chain: HttpChain): NetworkFilter {
  return extension(
    'envoy.filters.network.http_connection_manager',
    'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    { ...COMMON, ...(chain.role === 'ingress' ? FROM_PEER : FROM_LOCAL), ...own(chain) },
  );
}

function own({ mesh, role, statPrefix, routes, peer, filters, claimsCaller }: HttpChain): Manager {
  return {
    stat_prefix: statPrefix,
    rds: { route_config_name: routes, config_source: ADS },
    access_log: requestLog(mesh, role, peer),
    http_filters: [rememberRequest(), requestIdSlot(), STRIP, ...filters, ROUTER],
    early_header_mutation_extensions: [cleanRequest(role)],
    local_reply_config: localReplies(role, claimsCaller === true),
  };
}

const COMMON_HTTP: Manager['common_http_protocol_options'] = {
  // Certificates are verified when a connection begins: this is how long one that expired or was revoked admits new requests.
  max_connection_duration: '3600s',
  // The codec would reset the stream of a request with such a header; underscore-guard.ts answers it.
  headers_with_underscores_action: 'ALLOW',
};

/** For callers with HTTP/1.1: no 1.0, no absolute URLs (a gateway is not a forward proxy), no trailers. */
const HTTP1: Manager['http_protocol_options'] = {
  accept_http_10: false,
  allow_absolute_url: false,
  enable_trailers: false,
};

/**
 * RFC 2817, which Apache HttpClient offers with every request. A server may ignore an offer to upgrade, and Envoy then
 * removes it; any other upgrade (WebSocket) is refused, and one to h2c is always ignored.
 */
const UPGRADE_TO_TLS = { prefix: 'TLS/', ignore_case: true };

/** HTTP/2 only: the request smuggling of HTTP/1 does not exist there. */
const FROM_PEER: Manager = {
  codec_type: 'HTTP2',
  // The backend gets one element about the peer's certificate, and nothing that the peer says itself.
  forward_client_cert_details: 'SANITIZE_SET',
  set_current_client_cert_details: { uri: true },
  strip_trailing_host_dot: false,
  max_request_headers_kb: limits.REQUEST_HEADERS_KB.ingress,
  // At the age of a connection Envoy waits for the requests that are open, so each of them has an age too.
  common_http_protocol_options: { ...COMMON_HTTP, ...limits.PEERS, max_stream_duration: limits.MAX_CONNECTION_AGE },
  http2_protocol_options: limits.FROM_PEERS,
  // `:scheme` is that of the backend's transport, whatever the peer wrote: servers such as Kestrel refuse a request
  // whose scheme contradicts its transport. `x-forwarded-proto` tells the backend that the peer came over TLS.
  scheme_header_transformation: { match_upstream: true },
};

/** HTTP/1.1 or HTTP/2, as the caller chooses. */
const FROM_LOCAL: Manager = {
  codec_type: 'AUTO',
  // Where callers prove who they are, the routes write what the peer is told (workload-claim.ts).
  forward_client_cert_details: 'SANITIZE',
  strip_trailing_host_dot: true,
  // The hop to the peer's gateway is TLS, whatever the local caller used.
  scheme_header_transformation: { scheme_to_overwrite: 'https' },
  max_request_headers_kb: limits.REQUEST_HEADERS_KB.egress,
  // Tunnels end the requests that go to peers, whatever the ingress of the peer does.
  common_http_protocol_options: { ...COMMON_HTTP, ...limits.CALLERS, max_stream_duration: '0s' },
  http2_protocol_options: limits.FROM_CALLERS,
  http_protocol_options: { ...HTTP1, ignore_http_11_upgrade: [UPGRADE_TO_TLS] },
};

const COMMON: Manager = {
  server_header_transformation: 'OVERWRITE',
  server_name: 'gateway',
  use_remote_address: true,
  xff_num_trusted_hops: 0,
  skip_xff_append: true,
  normalize_path: true,
  merge_slashes: true,
  path_with_escaped_slashes_action: 'REJECT_REQUEST',
  strip_any_host_port: true,
  // Fresh for each request at each gateway: the caller's own id was removed before.
  generate_request_id: true,
  preserve_external_request_id: false,
  always_set_request_id_in_response: false,
  stream_idle_timeout: '300s',
  request_headers_timeout: '10s',
  request_timeout: '0s',
  drain_timeout: '5s',
  delayed_close_timeout: '1s',
  // For HTTP/1, where nothing marks the end of a malformed request. For HTTP/2 see limits.ts.
  stream_error_on_invalid_http_message: false,
  http_protocol_options: HTTP1,
};

function cleanRequest(role: GatewayRole): NonNullable<Manager['early_header_mutation_extensions']>[number] {
  return extension(
    'envoy.http.early_header_mutation.header_mutation',
    'envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation',
    { mutations: CLEAN_REQUEST[role] },
  );
}

const STRIP: HttpFilter = extension(
  'envoy.filters.http.header_mutation',
  'envoy.extensions.filters.http.header_mutation.v3.HeaderMutation',
  {
    mutations: {
      request_trailers_mutations: STRIP_REQUEST_TRAILERS,
      response_mutations: STRIP_RESPONSE,
      response_trailers_mutations: STRIP_RESPONSE_TRAILERS,
    },
  },
);

const ROUTER: HttpFilter = extension('envoy.filters.http.router', 'envoy.extensions.filters.http.router.v3.Router', {
  suppress_envoy_headers: true,
});
