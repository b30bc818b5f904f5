// The request that `postern check peer --request` sends: what it says of us, and what the peer's answer to it means.
// Must not: claim a workload of another trust domain, or be sure where the peer's ingress gives one answer for many reasons.

import { randomUUID } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http2';
import type { ReasonCode } from '../../envoy/reasons.ts';
import type { HttpImport } from '../../federation/model.ts';
import type { Answer, NoAnswer } from './ask.ts';
import { servedAsTcp } from './check-protocols.ts';
import { type OwnAnswer, ownAnswerOf } from './own-answers.ts';

export interface WantedRequest {
  readonly imported: HttpImport;
  readonly method: string;
  readonly path: string;
  /** The SPIFFE ID of the caller, which the gateway would have verified. */
  readonly workload?: string;
}

export interface AskedRequest {
  readonly import: string;
  readonly method: string;
  readonly path: string;
  readonly workload?: string;
  /** `peer_request_id` in the access log of the peer's ingress gateway. */
  readonly requestId: string;
  /** Where it was sent; absent: no address could be reached. */
  readonly address?: string;
  /** The answer; absent: none. */
  readonly status?: number;
  readonly grpcStatus?: number;
  readonly reason: ReasonCode;
  /** What the log of the peer's ingress gateway may have for it. */
  readonly possible: readonly ReasonCode[];
  readonly text: string;
  readonly remedy: string;
}

export type Judged = Pick<AskedRequest, 'reason' | 'possible' | 'text' | 'remedy'>;

/** As the egress gateway sends it. `ours`: its identity, by which the peer knows whose claim this is. */
export function requestHeaders(wanted: WantedRequest, ours: string, requestId: string = randomUUID()) {
  const { imported, method, path, workload } = wanted;
  const headers: OutgoingHttpHeaders = {
    ...{ ':method': method, ':scheme': 'https', ':authority': imported.authority, ':path': path },
    'x-request-id': requestId,
    ...(workload !== undefined && {
      'x-forwarded-client-cert': `By=${ours};Hash=${'0'.repeat(64)};URI=${workload}`,
    }),
    ...(imported.protocol === 'grpc' && { 'content-type': 'application/grpc', te: 'trailers' }),
  };
  return { requestId, headers };
}

const SEE_LOG =
  'give its team the request id: in the access log of its ingress gateway, peer_request_id has it, and reason the cause';

/** `isTcp`: the peer takes connections of this export as TCP. */
export function judgeAnswer({ imported }: WantedRequest, answer: Answer | NoAnswer, isTcp: boolean): Judged {
  if (answer === 'reset')
    return {
      ...{ reason: 'PEER_RESET', possible: [], remedy: SEE_LOG },
      text: 'the peer ended the request, or the connection, before it answered',
    };
  if (answer === 'timeout')
    return {
      ...{ reason: 'PEER_TIMEOUT', possible: ['BACKEND_TIMEOUT'] },
      ...{ text: 'no answer within five seconds, which is as long as this command waits', remedy: SEE_LOG },
    };
  const code = ownAnswer(answer);
  if (code === undefined) {
    const isOdd = answer.headers['grpc-status'] !== undefined && grpcStatusOf(answer) === undefined;
    return {
      ...{ reason: 'ALLOWED', possible: ['ALLOWED'], remedy: '' },
      text: `the peer's ingress gateway admits it, and its service answers ${answer.status}${isOdd ? ', without a valid grpc-status' : ''}`,
    };
  }
  const said = `the peer's ingress gateway answers ${code} itself`;
  if (code === 403 && isTcp) {
    const mismatch = servedAsTcp(imported);
    return { ...mismatch, possible: ['NO_GRANT'], text: `${said}: ${mismatch.text}` };
  }
  const { reason, possible, text } = ownAnswerOf(code) ?? UNKNOWN_ANSWER;
  return { reason, possible, text: `${said}: ${text}`, remedy: SEE_LOG };
}

const UNKNOWN_ANSWER: OwnAnswer = { reason: 'REQUEST_FAILED', possible: [], text: 'it went wrong there' };

/** Undefined: the answer has none, or none that gRPC knows (0 to 16, once). */
export function grpcStatusOf({ headers }: Answer): number | undefined {
  const text = String(headers['grpc-status'] ?? '');
  return /^(?:\d|1[0-6])$/.test(text) ? Number(text) : undefined;
}

/** What the ingress gateway has answered itself (envoy/http/local-reply.ts); undefined: a service has. */
function ownAnswer({ status, headers, body }: Answer): number | undefined {
  const message = /^gateway: (\d{3})$/.exec(String(headers['grpc-message'] ?? ''))?.[1];
  if (message !== undefined) return Number(message);
  const own = `gateway: ${status}\n`;
  const isText = headers['content-type'] === 'text/plain';
  // The answer to HEAD has the length of a body, and none.
  return isText && (body === own || (body === '' && headers['content-length'] === `${own.length}`))
    ? status
    : undefined;
}
