// Access logs of the gateways: one JSON line for each request and each connection, refused ones included, on Envoy's stdout.
// What was allowed and answered has a short line; the rest says why (reason-expressions.ts), with the facts. So what is almost
// every request costs no expression.
// Must not: log a query string, a header's value that may be a secret, or a body; nor leave a request without a line.

import type { GatewayRole, Mesh } from '../../federation/model.ts';
import { extension, type Message } from '../draft.ts';
import { CLIENT_STATE, CONNECTION_STATE, IDENTITY_STATE, METADATA, WORKLOAD_HEADER } from '../resource-names.ts';
import { CLAIMED_WORKLOAD } from './access-control/workload-claim.ts';
import {
  BACKEND_REASON,
  CONNECTION_REASON,
  IS_ACCEPTED,
  IS_ANSWERED,
  IS_CARRIED,
  TCP_IMPORT_REASON,
  TUNNEL_REASON,
} from './connection-expressions.ts';
import { LOGGED_AUTHORITY, LOGGED_REQUEST_ID, remembered } from './headers/request-facts.ts';
import { IS_NOT_ALLOWED, LOGGED_PATH, NOT_FROM_UPSTREAM, requestReason, WENT_WELL } from './reason-expressions.ts';
import { countVerdict, MAY_NOT_BE_ALLOWED } from './verdict-counter.ts';

type AccessLog = Message<'envoy.config.accesslog.v3.AccessLog'>;
type Filter = Message<'envoy.config.accesslog.v3.AccessLogFilter'>;
type Fields = Readonly<Record<string, string>>;
type Layer = 'listener' | 'http' | 'tunnel' | 'tcp';

const ALLOWED = { verdict: 'allowed', reason: 'ALLOWED' };
const SIZE = { rx: '%BYTES_RECEIVED%', tx: '%BYTES_SENT%', dur_ms: '%DURATION%' };
const PEER_URI = '%DOWNSTREAM_PEER_URI_SAN%';
const CHAIN_PEER = `%METADATA(LISTENER_FILTER_CHAIN:${METADATA}:peer)%`;
/** The chain that decided, as its content's digest (resources/tcp/chain-version.ts). */
const CHAIN_VERSION = `%METADATA(LISTENER_FILTER_CHAIN:${METADATA}:version)%`;
const POLICY = '%DYNAMIC_METADATA(envoy.filters.http.rbac:enforced_effective_policy_id)%';
/** The virtual host that decided, as its content's digest. */
const VERSION = `%METADATA(VIRTUAL_HOST:${METADATA}:version)%`;
const CLIENT = '%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%';
/** Which Envoy writes the line: what it had acknowledged then is what decided (`postern explain`). Not for each allowed request. */
const NODE = { node: '%CEL(xds.node.id)%' };

const REQUEST = {
  conn_id: '%CONNECTION_ID%',
  peer_uri: PEER_URI,
  request_id: '%STREAM_ID%',
  method: '%REQ(:METHOD)%',
  path: '%PATH(NQ)%',
  code: '%RESPONSE_CODE%',
  grpc: '%GRPC_STATUS%',
  upstream: '%UPSTREAM_HOST%',
  ...SIZE,
};

/** Of an allowed request: what has passed all filters is in filter state, and the backend has been told the workload. */
const ALLOWED_BY_ROLE: Readonly<Record<GatewayRole, Fields>> = {
  ingress: {
    export: remembered('service'),
    rule: POLICY,
    version: remembered('version'),
    workload: `%REQ(${WORKLOAD_HEADER.toUpperCase()})%`,
    peer_request_id: LOGGED_REQUEST_ID,
  },
  egress: {
    peer: remembered('peer'),
    import: remembered('service'),
    rule: remembered('rule'),
    version: remembered('version'),
    caller_request_id: LOGGED_REQUEST_ID,
    authority: remembered('authority'),
    client: CLIENT,
  },
};

const BY_ROLE: Readonly<Record<GatewayRole, Fields>> = {
  ingress: {
    peer: CHAIN_PEER,
    export: `%METADATA(VIRTUAL_HOST:${METADATA}:service)%`,
    rule: POLICY,
    workload: CLAIMED_WORKLOAD,
    peer_request_id: LOGGED_REQUEST_ID,
  },
  egress: {
    peer: `%METADATA(VIRTUAL_HOST:${METADATA}:peer)%`,
    import: `%METADATA(VIRTUAL_HOST:${METADATA}:service)%`,
    rule: `%METADATA(VIRTUAL_HOST:${METADATA}:rule)%`,
    caller_request_id: LOGGED_REQUEST_ID,
  },
};

/** What is known beyond that, for those who look for the cause. */
const WHAT_WENT_WRONG = {
  ...NODE,
  version: VERSION,
  client: CLIENT,
  authority: LOGGED_AUTHORITY,
  code_details: '%RESPONSE_CODE_DETAILS%',
  flags: '%RESPONSE_FLAGS%',
  conn_term: '%CONNECTION_TERMINATION_DETAILS%',
  upstream_fail: '%UPSTREAM_TRANSPORT_FAILURE_REASON%',
  attempts: '%UPSTREAM_REQUEST_ATTEMPT_COUNT%',
};

/**
 * Two lines of which each request has one, except answered health checks of peers: each gateway sends one every two seconds; and
 * what is counted.
 * `peer`: whose requests all are, at the ingress.
 */
export function requestLog(mesh: Mesh, role: GatewayRole, peer: string | undefined): readonly AccessLog[] {
  const fields = { ...head(mesh, role, 'http'), ...REQUEST };
  const allowed = { ...fields, ...ALLOWED_BY_ROLE[role], ...(peer !== undefined && { peer }), ...ALLOWED };
  const other = { ...fields, ...BY_ROLE[role], ...requestReason(role) };
  return [
    { ...jsonLog(allowed), filter: allOf([...ANSWERED, ...(role === 'ingress' ? [BY_RULE] : [])]) },
    { ...jsonLog({ ...other, ...WHAT_WENT_WRONG, path: LOGGED_PATH }), filter: anyOf(NOT_ANSWERED) },
    countVerdict(role, other, allOf([MAY_NOT_BE_ALLOWED, anyOf(NOT_ANSWERED), expression(IS_NOT_ALLOWED)])),
  ];
}

/** The only answer below 200 that ends a request, and it does so when an upgrade was asked for: Envoy keeps the header then alone. */
const UPGRADED: Filter = allOf([
  status('GE', 101),
  { header_filter: { header: { name: 'upgrade', present_match: true } } },
]);
const NOT_UPGRADED: Filter = anyOf([
  status('LE', 100),
  { header_filter: { header: { name: 'upgrade', present_match: true, invert_match: true } } },
]);
/** The cheap questions come first. Together the two ask for everything. */
const ANSWERED: readonly Filter[] = [anyOf([status('GE', 200), UPGRADED]), status('LE', 399), expression(WENT_WELL)];
const NOT_ANSWERED: readonly Filter[] = [
  allOf([status('LE', 199), NOT_UPGRADED]),
  status('GE', 400),
  { response_flag_filter: {} },
  expression(NOT_FROM_UPSTREAM),
];

/** Admitted by a rule of the file. Only the gateway's own filter can write this, and the other policies are those of health checks. */
const BY_RULE: Filter = {
  metadata_filter: {
    matcher: {
      filter: 'envoy.filters.http.rbac',
      path: [{ key: 'enforced_effective_policy_id' }],
      value: { string_match: { prefix: 'exports.' } },
    },
    match_if_key_not_found: false,
  },
};

function status(op: 'GE' | 'LE', code: number): Filter {
  const key = `postern.log_${op.toLowerCase()}_${code}`;
  return { status_code_filter: { comparison: { op, value: { default_value: code, runtime_key: key } } } };
}

function expression(text: string): Filter {
  return {
    extension_filter: extension(
      'envoy.access_loggers.extension_filters.cel',
      'envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter',
      { expression: text },
    ),
  };
}

function allOf(filters: readonly Filter[]): Filter {
  return { and_filter: { filters } };
}

function anyOf(filters: readonly Filter[]): Filter {
  return { or_filter: { filters } };
}

const CERTIFICATE = {
  peer_subject: '%DOWNSTREAM_PEER_SUBJECT%',
  peer_serial: '%DOWNSTREAM_PEER_SERIAL%',
  peer_fp: '%DOWNSTREAM_PEER_FINGERPRINT_256%',
};

/** One line for each connection to a port with TLS. Of one whose handshake failed, the identity is only what the certificate claims. */
export function connectionLog(mesh: Mesh, role: GatewayRole): readonly AccessLog[] {
  const fields = {
    ...head(mesh, role, 'listener'),
    ...NODE,
    conn_id: '%CONNECTION_ID%',
    peer: CHAIN_PEER,
    client: CLIENT,
    sni: '%REQUESTED_SERVER_NAME%',
    version: CHAIN_VERSION,
    ...CERTIFICATE,
    ...SIZE,
    close: '%DOWNSTREAM_LOCAL_CLOSE_REASON%',
  };
  const tls = '%DOWNSTREAM_TRANSPORT_FAILURE_REASON%';
  const [term, flags] = ['%CONNECTION_TERMINATION_DETAILS%', '%RESPONSE_FLAGS%'];
  return either(
    role,
    IS_ACCEPTED,
    { ...fields, ...ALLOWED, peer_uri: PEER_URI },
    { ...fields, ...CONNECTION_REASON, claimed_uri: PEER_URI, tls_fail: tls, conn_term: term, flags },
  );
}

const UPSTREAM = { upstream: '%UPSTREAM_HOST%', upstream_peer_uri: '%UPSTREAM_PEER_URI_SAN%' };
const DIAL_FACTS = {
  upstream_fail: '%UPSTREAM_TRANSPORT_FAILURE_REASON%',
  attempts: '%UPSTREAM_REQUEST_ATTEMPT_COUNT%',
  flags: '%RESPONSE_FLAGS%',
  conn_term: '%CONNECTION_TERMINATION_DETAILS%',
};

/** One line for each connection of an egress gateway to a peer: the peer's identity, or why the connection failed. */
export function tunnelLog(mesh: Mesh): readonly AccessLog[] {
  const fields = {
    ...head(mesh, 'egress', 'tunnel'),
    ...NODE,
    conn_id: '%CONNECTION_ID%',
    peer: CHAIN_PEER,
    ...UPSTREAM,
    ...SIZE,
  };
  return either('egress', IS_ANSWERED, { ...fields, ...ALLOWED }, { ...fields, ...TUNNEL_REASON, ...DIAL_FACTS });
}

/** What a gate is told of the connection whose TLS was verified. */
const TOLD = {
  // A text, where other lines have a number: what a filter state keeps is one.
  conn_id: `%FILTER_STATE(${CONNECTION_STATE}:PLAIN)%`,
  client: `%FILTER_STATE(${CLIENT_STATE}:PLAIN)%`,
  peer_uri: `%FILTER_STATE(${IDENTITY_STATE}:PLAIN)%`,
};

/** One line for each TCP connection: of a peer at its gate, with what the ingress chain has told it; of a caller. */
export function tcpLog(mesh: Mesh, role: GatewayRole): readonly AccessLog[] {
  return tcpLines(mesh, role, role === 'ingress' ? TOLD : { conn_id: '%CONNECTION_ID%', client: CLIENT });
}

/** The same of a caller that proves who it is, at its gate: `peer_uri` is the caller. */
export function callerTcpLog(mesh: Mesh): readonly AccessLog[] {
  return tcpLines(mesh, 'egress', TOLD);
}

/** Of a chain: who decided is known when the connection begins. */
function tcpLines(mesh: Mesh, role: GatewayRole, other: Fields): readonly AccessLog[] {
  const of = (key: string): string => `%METADATA(LISTENER_FILTER_CHAIN:${METADATA}:${key})%`;
  const fields = {
    ...head(mesh, role, 'tcp'),
    ...NODE,
    ...other,
    peer: CHAIN_PEER,
    [role === 'ingress' ? 'export' : 'import']: of('service'),
    rule: of('rule'),
    version: CHAIN_VERSION,
    ...SIZE,
  };
  const carried = { ...fields, ...UPSTREAM, close: '%DOWNSTREAM_LOCAL_CLOSE_REASON%' };
  const isDenied = "xds.filter_chain_name == 'deny-all'";
  const [wentWell, reason] =
    role === 'ingress' ? ([IS_CARRIED, BACKEND_REASON] as const) : ([IS_ANSWERED, TCP_IMPORT_REASON] as const);
  return [
    { ...jsonLog({ ...fields, verdict: 'refused', reason: of('reason') }), filter: expression(isDenied) },
    { ...jsonLog({ ...carried, ...ALLOWED }), filter: expression(`!(${isDenied}) && ${wentWell}`) },
    {
      ...jsonLog({ ...carried, ...reason, ...DIAL_FACTS }),
      filter: expression(`!(${isDenied}) && !(${wentWell})`),
    },
    countVerdict(role, { ...fields, reason: of('reason') }, expression(isDenied)),
    countVerdict(role, { ...fields, ...reason }, expression(`!(${isDenied}) && !(${wentWell})`)),
  ];
}

/** The first line when the condition holds; the second when not, which is counted. */
function either(role: GatewayRole, condition: string, holds: Fields, not: Fields): readonly AccessLog[] {
  return [
    { ...jsonLog(holds), filter: expression(condition) },
    { ...jsonLog(not), filter: expression(`!(${condition})`) },
    countVerdict(role, not, expression(`!(${condition})`)),
  ];
}

function head(mesh: Mesh, role: GatewayRole, layer: Layer): Fields {
  return { ts: '%START_TIME%', gateway: `${mesh.name}/${role}`, layer };
}

function jsonLog(fields: Fields): AccessLog {
  return extension('envoy.access_loggers.stdout', 'envoy.extensions.access_loggers.stream.v3.StdoutAccessLog', {
    log_format: { json_format: fields, omit_empty_values: true },
  });
}
