// What the access logs of connections may say: the lines of each layer, their keys, and for each the one operator that fills it;
// and of what the lines of all layers are made.
// Must not: be made of envoy/http/access-log.ts, which is what is checked here.

import { createHash } from 'node:crypto';
import { ofTypes, PEER_REPORT } from '../report-shapes.ts';
import { is, matching, message, type Shape, sequence, typed, under } from '../shape.ts';
import { counter } from './verdict-shapes.ts';

export type Keys = Readonly<Record<string, Shape>>;

/** Expressions are here by the digest of their text (envoy/http/reason-expressions.ts). A change is reviewed with test/envoy/http/every-reason.test.ts. */
export function digest(expected: string): Shape {
  return (value) =>
    typeof value === 'string' && createHash('sha256').update(value).digest('hex').slice(0, 16) === expected
      ? undefined
      : 'ACCESS_LOG';
}

export function keys(lines: string): Keys {
  const pairs = lines.trim().split(/\n\s*/);
  return Object.fromEntries(pairs.map((pair) => [pair.split(' ', 1)[0] ?? '', is(pair.slice(pair.indexOf(' ') + 1))]));
}

export const ALLOWED: Keys = { verdict: is('allowed'), reason: is('ALLOWED') };
export const SIZE = keys(`
  rx %BYTES_RECEIVED%
  tx %BYTES_SENT%
  dur_ms %DURATION%`);
export const CONNECTION_ID = keys('conn_id %CONNECTION_ID%');
export const NODE = keys('node %CEL(xds.node.id)%');
export const CLIENT = keys('client %DOWNSTREAM_DIRECT_REMOTE_ADDRESS%');
export const CHAIN_PEER = keys('peer %METADATA(LISTENER_FILTER_CHAIN:postern:peer)%');
const CLOSE = keys('close %DOWNSTREAM_LOCAL_CLOSE_REASON%');
export const PEER_URI = keys('peer_uri %DOWNSTREAM_PEER_URI_SAN%');

export const DIAL_FACTS = keys(`
  upstream_fail %UPSTREAM_TRANSPORT_FAILURE_REASON%
  attempts %UPSTREAM_REQUEST_ATTEMPT_COUNT%
  flags %RESPONSE_FLAGS%
  conn_term %CONNECTION_TERMINATION_DETAILS%`);
export function expression(text: Shape): Shape {
  const config = typed('envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter', { expression: text });
  return message({
    extension_filter: message({ name: is('envoy.access_loggers.extension_filters.cel'), typed_config: config }),
  });
}

export function line(role: string, layer: string, fields: Keys, filter: Shape): Shape {
  const gateway = matching(new RegExp(`^[A-Za-z0-9._-]+/${role}$`));
  const format = message({ ts: is('%START_TIME%'), gateway, layer: is(layer), ...fields });
  const config = typed('envoy.extensions.access_loggers.stream.v3.StdoutAccessLog', {
    log_format: message({ json_format: format, omit_empty_values: is(true) }),
  });
  return message({ name: is('envoy.access_loggers.stdout'), typed_config: config, filter });
}

export function log(...lines: readonly Shape[]): Shape {
  return under('ACCESS_LOG', sequence(...lines));
}

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
  const why = { reason: digest('ec3098e715fcba76'), verdict: digest('2e4d9814fc2ec48a') };
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
