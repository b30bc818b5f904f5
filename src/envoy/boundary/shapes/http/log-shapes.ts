// What the access logs of the gateways may say: the lines of each layer, their keys, and for each the one operator that fills it.
// Must not: be made of envoy/http/access-log.ts, which is what is checked here.

import { createHash } from 'node:crypto';
import { ofTypes, PEER_REPORT } from '../report-shapes.ts';
import { is, matching, message, type Shape, sequence, typed, under } from '../shape.ts';
import { counter } from './verdict-shapes.ts';

type Keys = Readonly<Record<string, Shape>>;

/** Expressions are here by the digest of their text (envoy/http/reason-expressions.ts). A change is reviewed with test/envoy/http/every-reason.test.ts. */
function digest(expected: string): Shape {
  return (value) =>
    typeof value === 'string' && createHash('sha256').update(value).digest('hex').slice(0, 16) === expected
      ? undefined
      : 'ACCESS_LOG';
}

function keys(lines: string): Keys {
  const pairs = lines.trim().split(/\n\s*/);
  return Object.fromEntries(pairs.map((pair) => [pair.split(' ', 1)[0] ?? '', is(pair.slice(pair.indexOf(' ') + 1))]));
}

const ALLOWED: Keys = { verdict: is('allowed'), reason: is('ALLOWED') };
const SIZE = keys(`
  rx %BYTES_RECEIVED%
  tx %BYTES_SENT%
  dur_ms %DURATION%`);
const CONNECTION_ID = keys('conn_id %CONNECTION_ID%');
const NODE = keys('node %CEL(xds.node.id)%');
const CLIENT = keys('client %DOWNSTREAM_DIRECT_REMOTE_ADDRESS%');
const CHAIN_PEER = keys('peer %METADATA(LISTENER_FILTER_CHAIN:postern:peer)%');
const CLOSE = keys('close %DOWNSTREAM_LOCAL_CLOSE_REASON%');
const PEER_URI = keys('peer_uri %DOWNSTREAM_PEER_URI_SAN%');

const REQUEST = {
  ...CONNECTION_ID,
  ...PEER_URI,
  ...SIZE,
  ...keys(`
    request_id %STREAM_ID%
    version %METADATA(VIRTUAL_HOST:postern:version)%
    method %REQ(:METHOD)%
    path %PATH(NQ)%
    code %RESPONSE_CODE%
    grpc %GRPC_STATUS%
    upstream %UPSTREAM_HOST%`),
};
const AUTHORITY = keys(`
    authority %COALESCE({"operators":[{"command":"DYNAMIC_METADATA","param":"postern:authority"},{"command":"REQ","param":":AUTHORITY"}]})%`);
const INGRESS = {
  ...CHAIN_PEER,
  ...keys(`
    export %METADATA(VIRTUAL_HOST:postern:service)%
    rule %DYNAMIC_METADATA(envoy.filters.http.rbac:enforced_effective_policy_id)%
    workload %DYNAMIC_METADATA(postern:workload)%
    peer_request_id %DYNAMIC_METADATA(postern:given_request_id)%`),
};
const EGRESS = {
  ...CLIENT,
  ...AUTHORITY,
  ...keys(`
    peer %METADATA(VIRTUAL_HOST:postern:peer)%
    import %METADATA(VIRTUAL_HOST:postern:service)%
    rule %METADATA(VIRTUAL_HOST:postern:rule)%
    caller_request_id %DYNAMIC_METADATA(postern:given_request_id)%`),
};
const DIAL_FACTS = keys(`
  upstream_fail %UPSTREAM_TRANSPORT_FAILURE_REASON%
  attempts %UPSTREAM_REQUEST_ATTEMPT_COUNT%
  flags %RESPONSE_FLAGS%
  conn_term %CONNECTION_TERMINATION_DETAILS%`);
const WENT_WRONG = {
  ...NODE,
  ...CLIENT,
  ...DIAL_FACTS,
  ...AUTHORITY,
  ...keys(`
    path %CEL(has(response.code_details) && response.code_details.startsWith('path_normalization_failed') ? request.as_it_came : request.url_path)%
    code_details %RESPONSE_CODE_DETAILS%`),
};

function status(op: 'GE' | 'LE', code: number): Shape {
  const value = message({ default_value: is(code), runtime_key: is(`postern.log_${op.toLowerCase()}_${code}`) });
  return message({ status_code_filter: message({ comparison: message({ value }, { op: is(op, 'EQ') }) }) });
}

function expression(text: Shape): Shape {
  const config = typed('envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter', { expression: text });
  return message({
    extension_filter: message({ name: is('envoy.access_loggers.extension_filters.cel'), typed_config: config }),
  });
}

const WENT_WELL = expression(is("response.code_details == 'via_upstream' && response.flags == 0"));
const NOT_FROM_UPSTREAM = expression(
  is(
    "!has(response.code_details) || (response.code_details != 'via_upstream' && !(response.code_details == 'direct_response' && xds.virtual_host_name.endsWith('/gateway-health')))",
  ),
);
/** Policies of the file; the others are those of health checks. */
const BY_RULE = message({
  metadata_filter: message(
    {
      matcher: message({
        filter: is('envoy.filters.http.rbac'),
        path: sequence(message({ key: is('enforced_effective_policy_id') })),
        value: message({ string_match: message({ prefix: is('exports.') }) }),
      }),
    },
    { match_if_key_not_found: is(false) },
  ),
});
const upgradeHeader = (fields: Readonly<Record<string, Shape>>): Shape =>
  message({ header_filter: message({ header: message({ name: is('upgrade'), present_match: is(true), ...fields }) }) });
const allOf = (...filters: readonly Shape[]): Shape =>
  message({ and_filter: message({ filters: sequence(...filters) }) });
const anyOf = (...filters: readonly Shape[]): Shape =>
  message({ or_filter: message({ filters: sequence(...filters) }) });
const UPGRADED = allOf(status('GE', 101), upgradeHeader({}));
const NOT_UPGRADED = anyOf(status('LE', 100), upgradeHeader({ invert_match: is(true) }));
const ANSWERED = [anyOf(status('GE', 200), UPGRADED), status('LE', 399), WENT_WELL];
const NOT_ANSWERED = anyOf(
  allOf(status('LE', 199), NOT_UPGRADED),
  status('GE', 400),
  message({ response_flag_filter: message({}) }),
  NOT_FROM_UPSTREAM,
);

/** What is counted is a line as well; without an expression it is asked whether it may be. */
const COUNTED = allOf(
  anyOf(
    status('GE', 400),
    status('LE', 199),
    message({ response_flag_filter: message({}) }),
    allOf(
      message({
        header_filter: message({
          header: message({ name: is('content-type'), string_match: message({ prefix: is('application/grpc') }) }),
        }),
      }),
      message({ grpc_status_filter: message({ exclude: is(true) }, { statuses: sequence(is('OK')) }) }),
    ),
    message({
      duration_filter: message({
        comparison: message({
          op: is('GE'),
          value: message({ default_value: is(1000), runtime_key: is('postern.log_long') }),
        }),
      }),
    }),
  ),
  NOT_ANSWERED,
  expression(digest('ffcc5094415255f1')),
);

function line(role: string, layer: string, fields: Keys, filter: Shape): Shape {
  const gateway = matching(new RegExp(`^[A-Za-z0-9._-]+/${role}$`));
  const format = message({ ts: is('%START_TIME%'), gateway, layer: is(layer), ...fields });
  const config = typed('envoy.extensions.access_loggers.stream.v3.StdoutAccessLog', {
    log_format: message({ json_format: format, omit_empty_values: is(true) }),
  });
  return message({ name: is('envoy.access_loggers.stdout'), typed_config: config, filter });
}

function log(...lines: readonly Shape[]): Shape {
  return under('ACCESS_LOG', sequence(...lines));
}

function requestLog(role: string, fields: Keys, answered: readonly Shape[], reason: string, verdict: string): Shape {
  const both = { ...REQUEST, ...fields };
  const why = { reason: digest(reason), verdict: digest(verdict) };
  return log(
    line(role, 'http', { ...both, ...ALLOWED }, allOf(...answered)),
    line(role, 'http', { ...both, ...WENT_WRONG, ...why }, NOT_ANSWERED),
    counter(role, { layer: is('http'), ...fields, ...why }, COUNTED),
  );
}

export const INGRESS_REQUEST_LOG = requestLog(
  'ingress',
  INGRESS,
  [...ANSWERED, BY_RULE],
  '30de502f9133e23b',
  '2cbe8d29bc88093d',
);
export const EGRESS_REQUEST_LOG = requestLog('egress', EGRESS, ANSWERED, '745a75a1bef0ccfe', '2cbe8d29bc88093d');

function connectionLog(role: string): Shape {
  const fields = {
    ...NODE,
    ...CONNECTION_ID,
    ...CHAIN_PEER,
    ...CLIENT,
    ...SIZE,
    ...CLOSE,
    ...keys(`
      sni %REQUESTED_SERVER_NAME%
      version %METADATA(LISTENER_FILTER_CHAIN:postern:version)%
      peer_subject %DOWNSTREAM_PEER_SUBJECT%
      peer_serial %DOWNSTREAM_PEER_SERIAL%
      peer_fp %DOWNSTREAM_PEER_FINGERPRINT_256%`),
  };
  const refused = keys(`
    claimed_uri %DOWNSTREAM_PEER_URI_SAN%
    tls_fail %DOWNSTREAM_TRANSPORT_FAILURE_REASON%
    conn_term %CONNECTION_TERMINATION_DETAILS%
    flags %RESPONSE_FLAGS%`);
  const why = { reason: digest('ec3098e715fcba76'), verdict: digest('add410e77ad370d3') };
  const isNotAccepted = expression(digest('d2a23d30816e01fd'));
  return log(
    line(role, 'listener', { ...fields, ...ALLOWED, ...PEER_URI }, expression(digest('311d0967906aa6da'))),
    line(role, 'listener', { ...fields, ...refused, ...why }, isNotAccepted),
    counter(role, { layer: is('listener'), ...CHAIN_PEER, ...why }, isNotAccepted),
  );
}

export const INGRESS_CONNECTION_LOG = connectionLog('ingress');
/** Of an egress port whose callers prove who they are. */
export const EGRESS_CONNECTION_LOG = connectionLog('egress');

const UPSTREAM = keys(`
  upstream %UPSTREAM_HOST%
  upstream_peer_uri %UPSTREAM_PEER_URI_SAN%`);
const CARRIED =
  "(response.flags == 0 || response.flags == 4194304) && (!has(upstream.transport_failure_reason) || upstream.transport_failure_reason == '')";
const ANSWERED_TUNNEL = `${CARRIED} && !(response.flags == 0 && response.total_size == 0)`;
const TUNNEL = { ...NODE, ...CONNECTION_ID, ...CHAIN_PEER, ...UPSTREAM, ...SIZE };
const TUNNEL_REASON = { reason: digest('c62053b9536d1737'), verdict: digest('17cb0ba5c3bdc5f5') };

/** The lines, the counter, and the report. */
export const TUNNEL_LOG = log(
  line('egress', 'tunnel', { ...TUNNEL, ...ALLOWED }, atEnd(ANSWERED_TUNNEL)),
  line('egress', 'tunnel', { ...TUNNEL, ...TUNNEL_REASON, ...DIAL_FACTS }, atEnd(`!(${ANSWERED_TUNNEL})`)),
  counter('egress', { layer: is('tunnel'), ...CHAIN_PEER, ...TUNNEL_REASON }, atEnd(`!(${ANSWERED_TUNNEL})`)),
  PEER_REPORT,
);

function atEnd(condition: string): Shape {
  return message({
    and_filter: message({ filters: sequence(ofTypes('TcpConnectionEnd'), expression(is(condition))) }),
  });
}

/** A gate is told the identity that its chain has verified. */
const TOLD = keys(`
  conn_id %FILTER_STATE(postern.connection:PLAIN)%
  client %FILTER_STATE(postern.client:PLAIN)%
  peer_uri %FILTER_STATE(postern.identity:PLAIN)%`);
const DENIED = "xds.filter_chain_name == 'deny-all'";

function tcpLog(role: string, other: Keys, reason: Keys, isWell: string): Shape {
  const fields = {
    ...NODE,
    ...other,
    ...CHAIN_PEER,
    ...SIZE,
    ...keys(`
      ${role === 'ingress' ? 'export' : 'import'} %METADATA(LISTENER_FILTER_CHAIN:postern:service)%
      rule %METADATA(LISTENER_FILTER_CHAIN:postern:rule)%
      version %METADATA(LISTENER_FILTER_CHAIN:postern:version)%`),
  };
  const carried = { ...fields, ...UPSTREAM, ...CLOSE };
  const why = keys('reason %METADATA(LISTENER_FILTER_CHAIN:postern:reason)%');
  return log(
    line(role, 'tcp', { ...fields, verdict: is('refused'), ...why }, expression(is(DENIED))),
    line(role, 'tcp', { ...carried, ...ALLOWED }, expression(is(`!(${DENIED}) && ${isWell}`))),
    line(role, 'tcp', { ...carried, ...reason, ...DIAL_FACTS }, expression(is(`!(${DENIED}) && !(${isWell})`))),
    counter(role, { layer: is('tcp'), ...fields, ...why }, expression(is(DENIED))),
    counter(role, { layer: is('tcp'), ...fields, ...reason }, expression(is(`!(${DENIED}) && !(${isWell})`))),
  );
}

export const GATE_LOG = tcpLog(
  'ingress',
  TOLD,
  { reason: digest('4758806bb8133326'), verdict: digest('7a556247fa4ca600') },
  CARRIED,
);
const TCP_IMPORT = { reason: digest('f9877260741fd66f'), verdict: digest('17cb0ba5c3bdc5f5') };
export const TCP_PORT_LOG = tcpLog('egress', { ...CONNECTION_ID, ...CLIENT }, TCP_IMPORT, ANSWERED_TUNNEL);
/** Of the gate of callers that prove who they are. */
export const CALLERS_GATE_LOG = tcpLog('egress', TOLD, TCP_IMPORT, ANSWERED_TUNNEL);
