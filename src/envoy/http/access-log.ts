// Access logs of the gateways: one JSON line for each request and each connection, refused ones included, on Envoy's stdout.
// Must not: log a query string, a header's value that may be a secret, or a body.

import type { GatewayRole, Mesh } from '../../federation/model.ts';
import { extension, type Message } from '../draft.ts';
import { CONNECTION_STATE, IDENTITY_STATE, METADATA } from '../resource-names.ts';
import { CLAIMED_WORKLOAD } from './access-control/workload-claim.ts';
import { GIVEN_REQUEST_ID, LOGGED_AUTHORITY } from './headers/request-facts.ts';
import { LOGGED_REASON } from './headers/underscore-guard.ts';
import { LOGGED_LIMIT } from './limit-filters.ts';

type AccessLog = Message<'envoy.config.accesslog.v3.AccessLog'>;

/** The connection's other end. When `tls_fail` is present, `peer_uri` is only what the certificate claimed. */
const CONNECTION = {
  chain: '%FILTER_CHAIN_NAME%',
  peer: `%METADATA(LISTENER_FILTER_CHAIN:${METADATA}:peer)%`,
  conn_id: '%CONNECTION_ID%',
  peer_uri: '%DOWNSTREAM_PEER_URI_SAN%',
  peer_subject: '%DOWNSTREAM_PEER_SUBJECT%',
  peer_serial: '%DOWNSTREAM_PEER_SERIAL%',
  peer_fp: '%DOWNSTREAM_PEER_FINGERPRINT_256%',
  tls: '%DOWNSTREAM_TLS_VERSION%',
  sni: '%REQUESTED_SERVER_NAME%',
  tls_fail: '%DOWNSTREAM_TRANSPORT_FAILURE_REASON%',
  client: '%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%',
  local: '%DOWNSTREAM_LOCAL_ADDRESS%',
  close: '%DOWNSTREAM_LOCAL_CLOSE_REASON%',
  close_type: '%DOWNSTREAM_DETECTED_CLOSE_TYPE%',
  flags: '%RESPONSE_FLAGS%',
  flags_long: '%RESPONSE_FLAGS_LONG%',
  conn_term: '%CONNECTION_TERMINATION_DETAILS%',
  rx: '%BYTES_RECEIVED%',
  tx: '%BYTES_SENT%',
  dur_ms: '%DURATION%',
  net_policy: '%DYNAMIC_METADATA(envoy.filters.network.rbac)%',
};

const REQUEST = {
  exported: `%METADATA(VIRTUAL_HOST:${METADATA}:exported)%`,
  service: `%METADATA(ROUTE:${METADATA}:service)%`,
  route_peer: `%METADATA(ROUTE:${METADATA}:peer)%`,
  reason: LOGGED_REASON,
  limit: LOGGED_LIMIT,
  request_id: '%STREAM_ID%',
  method: '%REQ(:METHOD)%',
  authority: LOGGED_AUTHORITY,
  path: '%PATH(NQ)%',
  proto: '%PROTOCOL%',
  route: '%ROUTE_NAME%',
  cluster: '%UPSTREAM_CLUSTER%',
  upstream: '%UPSTREAM_HOST%',
  upstream_peer_uri: '%UPSTREAM_PEER_URI_SAN%',
  upstream_fail: '%UPSTREAM_TRANSPORT_FAILURE_REASON%',
  code: '%RESPONSE_CODE%',
  code_details: '%RESPONSE_CODE_DETAILS%',
  grpc: '%GRPC_STATUS%',
  attempts: '%UPSTREAM_REQUEST_ATTEMPT_COUNT%',
  policy: '%DYNAMIC_METADATA(envoy.filters.http.rbac:enforced_effective_policy_id)%',
  verdict: '%DYNAMIC_METADATA(envoy.filters.http.rbac:enforced_engine_result)%',
};

const INGRESS_REQUEST = {
  peer_request_id: GIVEN_REQUEST_ID,
  workload: CLAIMED_WORKLOAD,
  refused_for: '%DYNAMIC_METADATA(envoy.filters.http.rbac:shadow_effective_policy_id)%',
};

const TUNNEL = {
  peer: CONNECTION.peer,
  conn_id: CONNECTION.conn_id,
  upstream: REQUEST.upstream,
  upstream_peer_uri: REQUEST.upstream_peer_uri,
  upstream_fail: REQUEST.upstream_fail,
  attempts: REQUEST.attempts,
  flags: CONNECTION.flags,
  flags_long: CONNECTION.flags_long,
  rx: CONNECTION.rx,
  tx: CONNECTION.tx,
  dur_ms: CONNECTION.dur_ms,
};

/** Of a chain: the decision is known when the connection begins. */
const TCP = {
  peer: CONNECTION.peer,
  service: `%METADATA(LISTENER_FILTER_CHAIN:${METADATA}:service)%`,
  verdict: `%METADATA(LISTENER_FILTER_CHAIN:${METADATA}:verdict)%`,
  reason: `%METADATA(LISTENER_FILTER_CHAIN:${METADATA}:reason)%`,
  upstream: REQUEST.upstream,
  upstream_fail: REQUEST.upstream_fail,
  attempts: REQUEST.attempts,
  close: CONNECTION.close,
  close_type: CONNECTION.close_type,
  flags: CONNECTION.flags,
  flags_long: CONNECTION.flags_long,
  conn_term: CONNECTION.conn_term,
  rx: CONNECTION.rx,
  tx: CONNECTION.tx,
  dur_ms: CONNECTION.dur_ms,
};

/** What a gate is told of the connection whose TLS was verified. */
const TOLD = {
  conn_id: `%FILTER_STATE(${CONNECTION_STATE}:PLAIN)%`,
  peer_uri: `%FILTER_STATE(${IDENTITY_STATE}:PLAIN)%`,
};

/** One line for each TCP connection: of a peer at its gate, with what the ingress chain has told it; of a caller. */
export function tcpLog(mesh: Mesh, role: GatewayRole): AccessLog {
  const other =
    role === 'ingress'
      ? TOLD
      : { conn_id: CONNECTION.conn_id, client: CONNECTION.client, upstream_peer_uri: REQUEST.upstream_peer_uri };
  return jsonLog({ ...head(mesh, role, 'tcp'), ...other, ...TCP });
}

/** The same of a caller that proves who it is, at its gate: `peer_uri` is the caller. */
export function callerTcpLog(mesh: Mesh): AccessLog {
  return jsonLog({ ...head(mesh, 'egress', 'tcp'), ...TOLD, upstream_peer_uri: REQUEST.upstream_peer_uri, ...TCP });
}

/** One line for each connection, also when its handshake failed or no filter chain matched. */
export function connectionLog(mesh: Mesh, role: GatewayRole): AccessLog {
  return jsonLog({ ...head(mesh, role, 'listener'), ...CONNECTION });
}

/** One line for each request, except answered health checks of peers: each gateway sends one every two seconds. */
export function requestLog(mesh: Mesh, role: GatewayRole): AccessLog {
  const fields = { ...head(mesh, role, 'http'), ...CONNECTION, ...REQUEST };
  if (role === 'egress') return jsonLog({ ...fields, caller_request_id: GIVEN_REQUEST_ID });
  return { ...jsonLog({ ...fields, ...INGRESS_REQUEST }), filter: NO_HEALTH_CHECK };
}

/**
 * Decided by the policy that allowed the request, which only the gateway's own filter can write: every policy is logged but
 * `gateway-health/…`, the only kind that begins with a g. (Envoy ignores `invert` here, and RE2 has no other "not".)
 */
const NO_HEALTH_CHECK: NonNullable<AccessLog['filter']> = {
  metadata_filter: {
    matcher: {
      filter: 'envoy.filters.http.rbac',
      path: [{ key: 'enforced_effective_policy_id' }],
      value: { string_match: { safe_regex: { regex: '[^g].*' } } },
    },
    match_if_key_not_found: true,
  },
};

/** One line for each connection of an egress gateway to a peer: the peer's identity, or why the connection failed. */
export function tunnelLog(mesh: Mesh): AccessLog {
  return jsonLog({ ...head(mesh, 'egress', 'tunnel'), ...TUNNEL });
}

function head(mesh: Mesh, role: GatewayRole, layer: 'listener' | 'http' | 'tunnel' | 'tcp'): Record<string, string> {
  return { ts: '%START_TIME%', gateway: `${mesh.name}/${role}`, layer };
}

function jsonLog(fields: Record<string, string>): AccessLog {
  return extension('envoy.access_loggers.stdout', 'envoy.extensions.access_loggers.stream.v3.StdoutAccessLog', {
    log_format: { json_format: fields, omit_empty_values: true },
  });
}
