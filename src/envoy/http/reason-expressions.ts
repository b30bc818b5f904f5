// How a gateway finds the reason of a line: expressions (CEL) over what Envoy knows at the end of a request. They are
// evaluated only for lines of what was not simply allowed and answered.
// Must not: let a case pass as something that it may not be: what no condition knows is UNKNOWN_REASON.

import type { GatewayRole } from '../../federation/model.ts';
import type { ReasonCode } from '../reasons.ts';
import { DENY_ALL, METADATA } from '../resource-names.ts';
import { BAD_PLACES } from './access-control/path-guard.ts';
import { anyOf, type Case, type Expressions, flag, formatted, has } from './reason-cases.ts';

const DETAILS = 'response.code_details';
function startsWith(...texts: readonly string[]): string {
  return anyOf(texts.map((text) => `${DETAILS}.startsWith('${text}')`));
}

function dynamic(namespace: string, key: string, value: string): string {
  const all = `metadata.filter_metadata`;
  return `('${namespace}' in ${all} && '${key}' in ${all}['${namespace}'] && ${all}['${namespace}']['${key}'] == '${value}')`;
}

/** What a virtual host says of its rules for this purpose: RE2 expressions of paths, of all rules and by method (resources/route.ts). */
const HOST = `xds.virtual_host_metadata.filter_metadata['${METADATA}']`;
const NO_PATH = `!request.url_path.matches(${HOST}['paths'])`;
const NO_METHOD = `!(request.method in ${HOST}['methods'] && request.url_path.matches(${HOST}['methods'][request.method]))`;
const BODY = `(!('bodies' in ${HOST}) && !(request.method in ['POST', 'PUT', 'PATCH']) && 'content-length' in request.headers && request.headers['content-length'] != '0')`;
const RBAC = 'envoy.filters.http.rbac';

const LIMITS: readonly (readonly [string, ReasonCode, GatewayRole])[] = [
  ['peer/requestsPerSecond', 'PEER_RATE_LIMIT', 'ingress'],
  ['peer/requests', 'PEER_REQUESTS_LIMIT', 'ingress'],
  ['consumer/requestsPerSecond', 'CONSUMER_RATE_LIMIT', 'ingress'],
  ['consumer/requests', 'CONSUMER_REQUESTS_LIMIT', 'ingress'],
  ['import/requestsPerSecond', 'IMPORT_RATE_LIMIT', 'egress'],
  ['import/requests', 'IMPORT_REQUESTS_LIMIT', 'egress'],
];

/** Null once all limits are passed. */
const REACHED = "metadata.filter_metadata['postern.limit']['reached']";

const RBAC_DENIED = startsWith('rbac_access_denied');
/** A backend or peer has answered, and no flag of Envoy was there then or came later. */
export const WENT_WELL = `${DETAILS} == 'via_upstream' && response.flags == 0`;
/** Its answer is none: a status below 200 ends a request only when an upgrade was asked for. */
const NO_STATUS = `${WENT_WELL} && (!has(response.code) || response.code < 101 || (response.code < 200 && !('upgrade' in request.headers)))`;
/** The backend has declined a WebSocket, and its answer is passed on. */
const DECLINED = `${DETAILS} == 'websocket_handshake_unsuccessful' && response.flags == 0`;
/** What the gateway answered itself, or did not answer: a refused gRPC call also has status 200. Of answered health checks there are too many. */
export const NOT_FROM_UPSTREAM = `!has(${DETAILS}) || (${DETAILS} != 'via_upstream' && !(${DETAILS} == 'direct_response' && xds.virtual_host_name.endsWith('/gateway-health')))`;

/** Before Envoy refuses an encoded slash it has decoded it: how the path came is not known any more. */
const DECODED = 'path_normalization_failed';
/** A path that does not begin with a slash, such as that of OPTIONS *. */
const NO_SLASH = 'absolute_path_rejected';
/** Without the query, and only where it is as it came: an attribute that is none leaves the field out, where null is a text. */
export const LOGGED_PATH = `%CEL(has(${DETAILS}) && ${startsWith(DECODED)} ? request.as_it_came : request.url_path)%`;

/** Where access control refuses a path below a prefix (access-control/path-guard.ts); here without a backslash. */
const BAD_PLACE = `request.url_path.matches('^(?:${BAD_PLACES.replaceAll('\\.', '[.]').replaceAll('\\(', '[(]')})$')`;

/** A request that is malformed has no virtual host at all. */
const IS_UNKNOWN = `xds.virtual_host_name == '${DENY_ALL}'`;

const UNDERSCORE: Case = ['UNDERSCORE_HEADER', `${DETAILS}.contains('[underscore-header]')`];

const AT_INGRESS: readonly Case[] = [
  ['UNUSUAL_PATH', `${DETAILS}.contains('[unusual-path]')`],
  ['NO_GRANT', has('xds.virtual_host_name', IS_UNKNOWN)],
  UNDERSCORE,
  [
    [
      [
        ['PATH', NO_PATH],
        ['METHOD', NO_METHOD],
        ['UNEXPECTED_BODY', BODY],
        ['UNUSUAL_PATH', BAD_PLACE],
      ],
      'WORKLOAD',
    ],
    RBAC_DENIED,
  ],
  [
    'UNEXPECTED_BODY',
    `${DETAILS} == 'request_payload_too_large' && !${dynamic(RBAC, 'enforced_engine_result', 'allowed')}`,
  ],
];

const AT_EGRESS: readonly Case[] = [
  ['UNKNOWN_NAME', has('xds.virtual_host_name', IS_UNKNOWN)],
  UNDERSCORE,
  ['CLIENT', RBAC_DENIED],
  ['PEER_DENIED', `${DETAILS} == 'direct_response'`],
];

const TOO_LARGE = anyOf(
  ['headers_too_large', 'too_many_headers', 'header_list_size_too_large', 'cookies_total_bytes_too_large'].map(
    (text) => `${DETAILS}.contains('${text}')`,
  ),
);

/** Of HTTP/2 alone; a backend's flood is a part of other details, behind `upstream_reset`. */
const FLOOD = startsWith(
  'too_many_premature_resets',
  'http2.inbound_empty_frames_flood',
  'http2.outbound_frames_flood',
  'codec_error:Flooding',
  'codec_error:Too_many',
);

const MALFORMED = [
  'http.invalid_',
  'http1.',
  'http2.',
  'path_normalization_failed',
  'missing_',
  'absolute_path',
  'low_version',
  'codec_error',
  'invalid_',
  'downstream_protocol',
];

/** In the order in which they are asked; the first that holds is the reason. */
function requestCases(role: GatewayRole): readonly Case[] {
  const isIngress = role === 'ingress';
  const reset = isIngress ? 'BACKEND_RESET' : 'PEER_RESET';
  const upstream = 'upstream_reset_before_response_started{';
  return [
    [isIngress ? 'BACKEND_MALFORMED' : 'PEER_RESET', NO_STATUS],
    ['ALLOWED', `(${WENT_WELL} || ${DECLINED})`],
    [
      [
        LIMITS.filter(([, , at]) => at === role).map(([limit, code]) => [code, `${REACHED} == '${limit}'`] as const),
        'UNKNOWN_REASON',
      ],
      `('postern.limit' in metadata.filter_metadata && 'reached' in metadata.filter_metadata['postern.limit'] && ${REACHED} != null)`,
    ],
    // Such a request has a virtual host, of whatever its path was taken for.
    ['MALFORMED_REQUEST', startsWith(DECODED, NO_SLASH)],
    ...(isIngress ? AT_INGRESS : AT_EGRESS),
    ['BODY_LIMIT', startsWith('request_payload_too_large', 'request_body_too_large', 'body_size_limit')],
    // No route takes a CONNECT that asks for a tunnel.
    [
      'UPGRADE',
      anyOf([startsWith('upgrade_failed'), `${DETAILS} == 'route_not_found' && request.method == 'CONNECT'`]),
    ],
    ['HEADERS_TOO_LARGE', TOO_LARGE],
    ['FLOOD', FLOOD],
    // Of a body that is not as long as it says, the details are those of a caller that leaves.
    ['MALFORMED_REQUEST', flag('DPE')],
    ['OVERLOADED', anyOf([startsWith('overload', `${upstream}overflow`), flag('OM')])],
    ['IDLE', startsWith('request_header_timeout', 'request_overall_timeout')],
    [
      isIngress ? 'BACKEND_TIMEOUT' : 'PEER_TIMEOUT',
      startsWith('response_timeout', 'upstream_per_try', 'upstream_response_timeout', 'stream_idle_timeout'),
    ],
    ['AGE', startsWith('max_duration_timeout', 'upstream_max_stream_duration')],
    // With the flag of a connection that has ended, whoever has ended it.
    ['ENDED_BY_GATEWAY', startsWith('downstream_local_disconnect')],
    ['CALLER_LEFT', anyOf([flag('DC', 'DR'), startsWith('downstream_remote_disconnect', 'http2.remote_reset')])],
    // Of an answer whose head was right, Envoy has the same words for an end before its time and for a part that is not HTTP.
    ...(isIngress
      ? ([['BACKEND_RESET', startsWith('upstream_reset_after_response_started{protocol_error')]] as const)
      : []),
    [isIngress ? 'BACKEND_MALFORMED' : 'PEER_RESET', anyOf([startsWith(`${upstream}protocol_error`), flag('UPE')])],
    ...(isIngress
      ? ([
          [
            'BACKEND_TLS',
            has('upstream.transport_failure_reason', "upstream.transport_failure_reason.contains('TLS_error')"),
          ],
        ] as const)
      : []),
    [
      isIngress ? 'BACKEND_DOWN' : 'PEER_DOWN',
      anyOf([
        flag('UH', 'UF'),
        startsWith(
          'no_healthy_upstream',
          'cluster_not_found',
          ...(isIngress ? [] : [`${upstream}connection_termination`]),
        ),
      ]),
    ],
    [reset, anyOf([flag('UC', 'UR'), startsWith('upstream_reset')])],
    ['MALFORMED_REQUEST', startsWith(...MALFORMED)],
  ];
}

/**
 * The gateway's own answers to what it does not admit, unless something else went wrong or the client was too slow. The status
 * does not tell: a refused gRPC call has 200.
 */
const REFUSED = has(
  DETAILS,
  `${DETAILS} != 'via_upstream' && (${anyOf([startsWith('reached_concurrency', 'upstream_reset_before_response_started{overflow', 'overload'), TOO_LARGE])} || !(${anyOf(
    [
      flag('UH', 'UT', 'UR', 'UF', 'UC', 'DC', 'URX', 'SI', 'DT', 'DR', 'UMSDR', 'UPE'),
      `${startsWith(
        'request_header_timeout',
        'request_overall_timeout',
        'stream_idle_timeout',
        'max_duration_timeout',
        'downstream_local_disconnect',
        'cluster_not_found',
      )}`,
    ],
  )}))`,
);

const ALLOWED = has(DETAILS, `(${WENT_WELL} || ${DECLINED}) && !(${NO_STATUS})`);
/** The verdict is another one. */
export const IS_NOT_ALLOWED = `!${ALLOWED}`;

/** Of a request that was not simply allowed and answered. */
export function requestReason(role: GatewayRole): Expressions {
  const left = `!has(${DETAILS})`;
  const cases: readonly Case[] = [
    ['CALLER_LEFT', `${left} && ${flag('DC', 'DR')}`],
    ['UNKNOWN_REASON', left],
    ...requestCases(role),
  ];
  return formatted(cases, 'UNKNOWN_REASON', REFUSED, ALLOWED);
}
