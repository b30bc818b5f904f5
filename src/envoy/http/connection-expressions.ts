// How a gateway finds the reason of a connection's line: expressions (CEL) over what Envoy knows at its end.
// Must not: let a case pass as something that it may not be: what no condition knows is UNKNOWN_REASON.

import type { ReasonCode } from '../reasons.ts';
import { CONNECTION_STATE } from '../resource-names.ts';
import { anyOf, type Case, type Expressions, FLAGS, flag, formatted, type Group, has } from './reason-cases.ts';

/** Texts of BoringSSL and of Envoy's validator about the certificate of the other end. */
function certificateCases(attribute: string, other: ReasonCode): Case {
  const says = (...texts: readonly string[]): string => anyOf(texts.map((text) => `${attribute}.contains('${text}')`));
  const cases: Group[0] = [
    ['NO_CERTIFICATE', says('PEER_DID_NOT_RETURN_A_CERTIFICATE')],
    ['CERTIFICATE_EXPIRED', says('certificate has expired')],
    ['CERTIFICATE_NOT_YET_VALID', says('not yet valid')],
    ['WRONG_PURPOSE', says('unsupported certificate purpose', 'KEY_USAGE_BIT_INCORRECT')],
    ['WRONG_IDENTITY', says('SAN matcher')],
    ['WRONG_CA', says('verify cert failed')],
    [
      'WRONG_KEY_KIND',
      says(
        'WRONG_SIGNATURE_TYPE',
        'NO_COMMON_SIGNATURE',
        'WRONG_CERTIFICATE_TYPE',
        'UNKNOWN_CERTIFICATE_TYPE',
        'BAD_SIGNATURE',
      ),
    ],
    ['NOT_TLS', says('HTTP_REQUEST', 'WRONG_VERSION_NUMBER', 'UNSUPPORTED_PROTOCOL', 'HTTPS_PROXY_REQUEST')],
    ['CONNECTION_LIMIT', says('CONNECTION_REJECTED')],
    [other, says('ALERT')],
  ];
  return [[cases, 'HANDSHAKE_FAILED'], has(attribute, says('TLS_error'))];
}

/** The other end closes at our first message, without a byte of TLS; which text it is depends on when its end arrives. */
const CLOSED_AT_ONCE = ['Connection reset by peer', 'Broken pipe'];

const OURS = 'connection.transport_failure_reason';
const THEIRS = 'upstream.transport_failure_reason';
const TERMINATION = 'connection.termination_details';

const BY_IDENTITY = has(TERMINATION, `${TERMINATION}.startsWith('rbac_access_denied')`);

/** Of a connection to a port: its handshake failed, or no filter chain was for it. */
const CONNECTION: readonly Case[] = [
  certificateCases(OURS, 'PEER_REFUSED_US'),
  ['WRONG_IDENTITY', BY_IDENTITY],
  ['UNKNOWN_SERVER_NAME', flag('NR')],
  ['CONNECTION_LIMIT', flag('UO')],
];

/** Of a connection that was carried: how it ended. */
function ends(reset: ReasonCode): readonly Case[] {
  return [
    ['AGE', flag('DT')],
    ['IDLE', flag('SI')],
    [reset, flag('UR', 'UC')],
    ['CALLER_LEFT', flag('DC', 'DR')],
  ];
}

/** Of a connection that a gateway makes: of the tunnel to a peer, or of a TCP export or import. */
function dialCases(): readonly Case[] {
  return [
    ['UNKNOWN_SERVER_NAME', has(THEIRS, anyOf(CLOSED_AT_ONCE.map((text) => `${THEIRS}.contains('${text}')`)))],
    certificateCases(THEIRS, 'PEER_REFUSED_US'),
    ['CONNECTION_LIMIT', flag('UO')],
    ['PEER_DOWN', flag('UF', 'UH', 'URX')],
    ...ends('PEER_RESET'),
  ];
}

/** Of a connection whose handshake failed, or that no filter chain is for; a client may also have left before. */
export const CONNECTION_REASON: Expressions = formatted(
  CONNECTION,
  'HANDSHAKE_UNFINISHED',
  // As the table has it: with an alert the other end has refused us, and what ends by a time-out was not done.
  `(${has(OURS, `${OURS}.contains('TLS_error')`)} ? !${OURS}.contains('ALERT') : ${anyOf([BY_IDENTITY, flag('NR', 'UO')])})`,
);
/**
 * Whether the handshake of a connection to a port was done and its identity is accepted. TLS has a version, and shows the
 * certificate, before a client has proved that it is its own: only bytes that came or went afterwards, or what the chain of a
 * TCP export keeps at that moment, prove it. What became of it is not asked: the lines of its requests, or of its gate, say
 * that. A socket that fails then leaves a text, too. The chain of a TCP export has no other connection to make than the one to
 * its gate, whose limit is that of the consumer or import.
 */
const IS_DONE = anyOf(['request.total_size > 0', 'response.total_size > 0', `'${CONNECTION_STATE}' in filter_state`]);
export const IS_ACCEPTED = `has(connection.mtls) && connection.mtls && ${IS_DONE} && (!has(${OURS}) || ${OURS} == '' || ${OURS}.contains('system library')) && !${BY_IDENTITY} && !(${flag('UO')})`;

/** Nothing came back, though every gateway begins with its settings: in TLS 1.3 a certificate of ours that is refused ends so. */
const UNANSWERED = 'response.flags == 0 && response.total_size == 0';

/** Of a connection that the gateway made on behalf of another one. */
export const TUNNEL_REASON: Expressions = dialled('PEER_REFUSED_US');
/** The same of a TCP import, whose peer need not begin: its gateway has ended the connection to a backend that is down, too. */
export const TCP_IMPORT_REASON: Expressions = dialled('PEER_RESET');

function dialled(unanswered: ReasonCode): Expressions {
  return formatted(
    [...dialCases(), [unanswered, UNANSWERED]],
    'UNKNOWN_REASON',
    anyOf([has(THEIRS, `${THEIRS}.contains('TLS_error') && !${THEIRS}.contains('ALERT')`), flag('UO')]),
  );
}

export const BACKEND_REASON: Expressions = formatted(
  [
    ['CONNECTION_LIMIT', flag('UO')],
    ['BACKEND_TLS', has(THEIRS, `${THEIRS}.contains('TLS_error')`)],
    ['BACKEND_DOWN', flag('UF', 'UH', 'URX')],
    ...ends('BACKEND_RESET'),
  ],
  'UNKNOWN_REASON',
  flag('UO'),
);
/** Nothing is wrong with such a connection. Where TLS is not spoken the attribute is there, without a text. */
/** How long one may last is no fault either: `close` says that it ended so. */
const NO_FAULT = `(response.flags == 0 || response.flags == ${FLAGS.DT})`;
export const IS_CARRIED = `${NO_FAULT} && (!has(${THEIRS}) || ${THEIRS} == '')`;
/** The same of a connection to a peer: of a tunnel, or of a TCP import. */
export const IS_ANSWERED = `${IS_CARRIED} && !(${UNANSWERED})`;
