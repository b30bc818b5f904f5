// What a failed connection of an egress gateway to a peer means: a reason code and who refused, from Envoy's words and flags.
// Must not: label anything by those words, or name a reason that they do not show.

import { REFUSED_BY } from '../../envoy/reason-row.ts';
import { PEER_FAILURES, type PeerFailureReason } from '../../envoy/reasons.ts';
import type { ReportedConnections } from '../../serving/report-batch.ts';

type Failure = Pick<NonNullable<ReportedConnections['last']>, 'failure' | 'flags'>;

export interface PeerFailure {
  readonly reason: PeerFailureReason;
  readonly refusedBy: 'us' | 'peer' | 'nobody';
  /** In words, with what to do. */
  readonly text: string;
}

interface Dialled {
  readonly peer: string;
  /** By whose server name the peer was dialled; absent: by its own. */
  readonly tcpImport?: string;
}

type Rule = readonly [pattern: RegExp, reason: PeerFailureReason, refusedBy: PeerFailure['refusedBy']];

/** The first that fits. Words of BoringSSL and of Envoy 1.40; alerts that came from the peer are `…_ALERT_…`. */
const RULES: readonly Rule[] = [
  [/SAN matcher/, 'WRONG_IDENTITY', 'us'],
  [/verify.*certificate has expired/i, 'CERTIFICATE_EXPIRED', 'us'],
  [/verify.*certificate is not yet valid/i, 'CERTIFICATE_NOT_YET_VALID', 'us'],
  [/verify.*unsupported certificate purpose|KEY_USAGE_BIT_INCORRECT/i, 'WRONG_PURPOSE', 'us'],
  [/verify.*certificate revoked/i, 'CERTIFICATE_REVOKED', 'us'],
  [/CERTIFICATE_VERIFY_FAILED/, 'WRONG_CA', 'us'],
  [/ALERT_UNKNOWN_CA/, 'WRONG_CA', 'peer'],
  [/ALERT_CERTIFICATE_EXPIRED/, 'CERTIFICATE_EXPIRED', 'peer'],
  [/ALERT_CERTIFICATE_REVOKED/, 'CERTIFICATE_REVOKED', 'peer'],
  [/ALERT_(BAD_CERTIFICATE|CERTIFICATE_UNKNOWN)/, 'WRONG_IDENTITY', 'peer'],
  [/ALERT_UNSUPPORTED_CERTIFICATE/, 'WRONG_PURPOSE', 'peer'],
  [/ALERT_CERTIFICATE_REQUIRED/, 'NO_CERTIFICATE', 'peer'],
  [/ALERT_HANDSHAKE_FAILURE|NO_COMMON_SIGNATURE_ALGORITHMS|WRONG_SIGNATURE_TYPE/, 'WRONG_KEY_KIND', 'nobody'],
  [/_ALERT_/, 'PEER_REFUSED_US', 'peer'],
  [/WRONG_VERSION_NUMBER|UNSUPPORTED_PROTOCOL|HTTP_REQUEST/, 'NOT_TLS', 'nobody'],
  [/TLS_error.*(Connection reset|Broken pipe)/, 'UNKNOWN_SERVER_NAME', 'peer'],
];

export function peerFailure({ failure, flags }: Failure, { peer, tcpImport }: Dialled): PeerFailure {
  const check = `postern check peer ${peer} -f FILE says more`;
  const [reason, refusedBy] = classify({ failure, flags });
  if (flags.includes('no_healthy_upstream'))
    return { reason, refusedBy, text: `no address of the peer can be dialled; ${check}` };
  const grant =
    reason === 'UNKNOWN_SERVER_NAME' && tcpImport !== undefined
      ? `, or it does not grant ${tcpImport} as TCP (it may export it as HTTP)`
      : '';
  return { reason, refusedBy, text: `${REFUSED_BY[refusedBy]}: ${PEER_FAILURES[reason]}${grant}; ${check}` };
}

function classify({ failure, flags }: Failure): readonly [PeerFailureReason, PeerFailure['refusedBy']] {
  if (flags.includes('dns_resolution_failure')) return ['NAME_UNRESOLVED', 'nobody'];
  const rule = RULES.find(([pattern]) => pattern.test(failure));
  if (rule !== undefined) return [rule[1], rule[2]];
  // The handshake was done, and nothing came back: in TLS 1.3 that is how a refused client certificate ends.
  if (failure === '' && flags.length === 0) return ['PEER_REFUSED_US', 'peer'];
  return ['PEER_DOWN', 'nobody'];
}
