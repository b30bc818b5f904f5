// What the access log of requests may say: its two lines, what is counted, their keys, and for each the one operator that fills it.
// Must not: be made of envoy/http/access-log.ts, which is what is checked here.

import { is, matching, message, type Shape, sequence } from '../shape.ts';
import {
  ALLOWED,
  CHAIN_PEER,
  CLIENT,
  CONNECTION_ID,
  DIAL_FACTS,
  digest,
  expression,
  type Keys,
  keys,
  line,
  log,
  NODE,
  PEER_URI,
  SIZE,
} from './log-shapes.ts';
import { counter } from './verdict-shapes.ts';

const REQUEST = {
  ...CONNECTION_ID,
  ...PEER_URI,
  ...SIZE,
  ...keys(`
    request_id %STREAM_ID%
    method %REQ(:METHOD)%
    path %PATH(NQ)%
    code %RESPONSE_CODE%
    grpc %GRPC_STATUS%
    upstream %UPSTREAM_HOST%`),
};
const AUTHORITY = keys(`
    authority %COALESCE({"operators":[{"command":"FILTER_STATE","param":"postern.authority:PLAIN"},{"command":"REQ","param":":AUTHORITY"}]})%`);
const RULE = keys('rule %DYNAMIC_METADATA(envoy.filters.http.rbac:enforced_effective_policy_id)%');
const PEER_REQUEST_ID = keys('peer_request_id %FILTER_STATE(postern.given_request_id:PLAIN)%');
const CALLER_REQUEST_ID = keys('caller_request_id %FILTER_STATE(postern.given_request_id:PLAIN)%');
/** Of allowed requests. The peer is in log-rules.ts. */
const INGRESS_ALLOWED = {
  ...RULE,
  ...PEER_REQUEST_ID,
  peer: matching(/^[^%]+$/),
  ...keys(`
    export %FILTER_STATE(postern.service:PLAIN)%
    version %FILTER_STATE(postern.version:PLAIN)%
    workload %REQ(X-POSTERN-WORKLOAD)%`),
};
const EGRESS_ALLOWED = {
  ...CLIENT,
  ...CALLER_REQUEST_ID,
  ...keys(`
    authority %FILTER_STATE(postern.authority:PLAIN)%
    peer %FILTER_STATE(postern.peer:PLAIN)%
    import %FILTER_STATE(postern.service:PLAIN)%
    rule %FILTER_STATE(postern.rule:PLAIN)%
    version %FILTER_STATE(postern.version:PLAIN)%`),
};
const INGRESS = {
  ...CHAIN_PEER,
  ...RULE,
  ...PEER_REQUEST_ID,
  ...keys(`
    export %METADATA(VIRTUAL_HOST:postern:service)%
    workload %DYNAMIC_METADATA(postern:workload)%`),
};
const EGRESS = {
  ...CALLER_REQUEST_ID,
  ...keys(`
    peer %METADATA(VIRTUAL_HOST:postern:peer)%
    import %METADATA(VIRTUAL_HOST:postern:service)%
    rule %METADATA(VIRTUAL_HOST:postern:rule)%`),
};
const WENT_WRONG = {
  ...NODE,
  ...CLIENT,
  ...DIAL_FACTS,
  ...AUTHORITY,
  ...keys(`
    version %METADATA(VIRTUAL_HOST:postern:version)%
    path %CEL(has(response.code_details) && response.code_details.startsWith('path_normalization_failed') ? request.as_it_came : request.url_path)%
    code_details %RESPONSE_CODE_DETAILS%`),
};

function status(op: 'GE' | 'LE', code: number): Shape {
  const value = message({ default_value: is(code), runtime_key: is(`postern.log_${op.toLowerCase()}_${code}`) });
  return message({ status_code_filter: message({ comparison: message({ value }, { op: is(op, 'EQ') }) }) });
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

function requestLog(
  role: string,
  allowed: Keys,
  fields: Keys,
  answered: readonly Shape[],
  reason: string,
  verdict: string,
): Shape {
  const why = { reason: digest(reason), verdict: digest(verdict) };
  return log(
    line(role, 'http', { ...REQUEST, ...allowed, ...ALLOWED }, allOf(...answered)),
    line(role, 'http', { ...REQUEST, ...fields, ...WENT_WRONG, ...why }, NOT_ANSWERED),
    counter(role, { layer: is('http'), ...fields, ...why }, COUNTED),
  );
}

export const INGRESS_REQUEST_LOG = requestLog(
  'ingress',
  INGRESS_ALLOWED,
  INGRESS,
  [...ANSWERED, BY_RULE],
  '385f3c07ec6ccf0e',
  '2cbe8d29bc88093d',
);
export const EGRESS_REQUEST_LOG = requestLog(
  'egress',
  EGRESS_ALLOWED,
  EGRESS,
  ANSWERED,
  '745a75a1bef0ccfe',
  '2cbe8d29bc88093d',
);
