// What the access logs of the gateways may say: the keys, and for each the one operator that fills it.
// Must not: be made of envoy/http/access-log.ts, which is what is checked here.

import { ofTypes, PEER_REPORT } from '../report-shapes.ts';
import { is, matching, message, type Shape, sequence, typed, under } from '../shape.ts';

const JSON_KEYS = {
  connection: `
    chain %FILTER_CHAIN_NAME%
    peer %METADATA(LISTENER_FILTER_CHAIN:postern:peer)%
    conn_id %CONNECTION_ID%
    peer_uri %DOWNSTREAM_PEER_URI_SAN%
    peer_subject %DOWNSTREAM_PEER_SUBJECT%
    peer_serial %DOWNSTREAM_PEER_SERIAL%
    peer_fp %DOWNSTREAM_PEER_FINGERPRINT_256%
    tls %DOWNSTREAM_TLS_VERSION%
    sni %REQUESTED_SERVER_NAME%
    tls_fail %DOWNSTREAM_TRANSPORT_FAILURE_REASON%
    client %DOWNSTREAM_DIRECT_REMOTE_ADDRESS%
    local %DOWNSTREAM_LOCAL_ADDRESS%
    close %DOWNSTREAM_LOCAL_CLOSE_REASON%
    close_type %DOWNSTREAM_DETECTED_CLOSE_TYPE%
    flags %RESPONSE_FLAGS%
    flags_long %RESPONSE_FLAGS_LONG%
    conn_term %CONNECTION_TERMINATION_DETAILS%
    rx %BYTES_RECEIVED%
    tx %BYTES_SENT%
    dur_ms %DURATION%
    net_policy %DYNAMIC_METADATA(envoy.filters.network.rbac)%`,
  request: `
    exported %METADATA(VIRTUAL_HOST:postern:exported)%
    service %METADATA(ROUTE:postern:service)%
    route_peer %METADATA(ROUTE:postern:peer)%
    reason %COALESCE({"operators":[{"command":"DYNAMIC_METADATA","param":"postern:reason"},{"command":"METADATA","param":"ROUTE:postern:reason"}]})%
    limit %DYNAMIC_METADATA(postern.limit:reached)%
    request_id %STREAM_ID%
    method %REQ(:METHOD)%
    authority %COALESCE({"operators":[{"command":"FILTER_STATE","param":"postern.authority:PLAIN"},{"command":"REQ","param":":AUTHORITY"}]})%
    path %PATH(NQ)%
    proto %PROTOCOL%
    route %ROUTE_NAME%
    cluster %UPSTREAM_CLUSTER%
    upstream %UPSTREAM_HOST%
    upstream_peer_uri %UPSTREAM_PEER_URI_SAN%
    upstream_fail %UPSTREAM_TRANSPORT_FAILURE_REASON%
    code %RESPONSE_CODE%
    code_details %RESPONSE_CODE_DETAILS%
    grpc %GRPC_STATUS%
    attempts %UPSTREAM_REQUEST_ATTEMPT_COUNT%
    policy %DYNAMIC_METADATA(envoy.filters.http.rbac:enforced_effective_policy_id)%
    verdict %DYNAMIC_METADATA(envoy.filters.http.rbac:enforced_engine_result)%`,
  ingressRequest: `
    peer_request_id %FILTER_STATE(postern.given_request_id:PLAIN)%
    workload %DYNAMIC_METADATA(postern:workload)%
    refused_for %DYNAMIC_METADATA(envoy.filters.http.rbac:shadow_effective_policy_id)%`,
  egressRequest: 'caller_request_id %FILTER_STATE(postern.given_request_id:PLAIN)%',
};

const CONNECTION = keys(JSON_KEYS.connection);
const REQUEST = { ...CONNECTION, ...keys(JSON_KEYS.request) };
const TUNNEL = some('peer conn_id upstream upstream_peer_uri upstream_fail attempts flags flags_long rx tx dur_ms');

/** Every policy is logged but `gateway-health/…`. */
const NO_HEALTH_CHECK = message({
  metadata_filter: message({
    matcher: message({
      filter: is('envoy.filters.http.rbac'),
      path: sequence(message({ key: is('enforced_effective_policy_id') })),
      value: message({ string_match: message({ safe_regex: message({ regex: is('[^g].*') }) }) }),
    }),
    match_if_key_not_found: is(true),
  }),
});

export const INGRESS_CONNECTION_LOG = oneLog('ingress', 'listener', CONNECTION);
/** Of an egress port whose callers prove who they are. */
export const EGRESS_CONNECTION_LOG = oneLog('egress', 'listener', CONNECTION);
export const INGRESS_REQUEST_LOG = oneLog(
  'ingress',
  'http',
  { ...REQUEST, ...keys(JSON_KEYS.ingressRequest) },
  { filter: NO_HEALTH_CHECK },
);
export const EGRESS_REQUEST_LOG = oneLog('egress', 'http', { ...REQUEST, ...keys(JSON_KEYS.egressRequest) });
const TCP = {
  ...keys(`
    service %METADATA(LISTENER_FILTER_CHAIN:postern:service)%
    verdict %METADATA(LISTENER_FILTER_CHAIN:postern:verdict)%
    reason %METADATA(LISTENER_FILTER_CHAIN:postern:reason)%`),
  ...some('peer upstream upstream_fail attempts close close_type flags flags_long conn_term rx tx dur_ms'),
};
/** A gate is told the identity that its chain has verified. */
const TOLD = keys(`
    conn_id %FILTER_STATE(postern.connection:PLAIN)%
    peer_uri %FILTER_STATE(postern.identity:PLAIN)%`);

export const GATE_LOG = oneLog('ingress', 'tcp', { ...TCP, ...TOLD });
export const TCP_PORT_LOG = oneLog('egress', 'tcp', { ...TCP, ...some('conn_id client upstream_peer_uri') });
/** Of the gate of callers that prove who they are. */
export const CALLERS_GATE_LOG = oneLog('egress', 'tcp', { ...TCP, ...TOLD, ...some('upstream_peer_uri') });
/** The line, and the report. */
export const TUNNEL_LOG = under(
  'ACCESS_LOG',
  sequence(stdoutLog('egress', 'tunnel', TUNNEL, { filter: ofTypes('TcpConnectionEnd') }), PEER_REPORT),
);

function oneLog(...log: Parameters<typeof stdoutLog>): Shape {
  return under('ACCESS_LOG', sequence(stdoutLog(...log)));
}

function stdoutLog(
  role: string,
  layer: string,
  fields: Readonly<Record<string, Shape>>,
  filter: Readonly<Record<string, Shape>> = {},
): Shape {
  const gateway = matching(new RegExp(`^[A-Za-z0-9._-]+/${role}$`));
  const line = message({ ts: is('%START_TIME%'), gateway, layer: is(layer), ...fields });
  const config = typed('envoy.extensions.access_loggers.stream.v3.StdoutAccessLog', {
    log_format: message({ json_format: line, omit_empty_values: is(true) }),
  });
  return message({ name: is('envoy.access_loggers.stdout'), typed_config: config, ...filter });
}

function keys(lines: string): Readonly<Record<string, Shape>> {
  const pairs = lines.trim().split(/\n\s*/);
  return Object.fromEntries(pairs.map((pair) => [pair.split(' ', 1)[0] ?? '', is(pair.slice(pair.indexOf(' ') + 1))]));
}

/** Of the keys of a request. */
function some(names: string): Readonly<Record<string, Shape>> {
  return Object.fromEntries(names.split(' ').map((key) => [key, REQUEST[key] as Shape]));
}
