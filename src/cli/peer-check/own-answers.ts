// What a peer's ingress gateway answers by itself, and which reasons its log may have for each status: of HTTP, and of gRPC, to which
// a caller finds it translated. `check peer --request` and `explain` read this one table.
// Must not: be sure where one status has many reasons. test/envoy/http/every-reason.test.ts compares it with the lines of a real gateway.

import type { ReasonCode } from '../../envoy/reasons.ts';

export interface OwnAnswer {
  /** What the caller's side calls it. */
  readonly reason: Extract<ReasonCode, 'REQUEST_REFUSED' | 'REQUEST_FAILED'>;
  /** What the log of the gateway that answered may have. */
  readonly possible: readonly ReasonCode[];
  readonly text: string;
}

const REFUSED = 'REQUEST_REFUSED';
const FAILED = 'REQUEST_FAILED';

/** By status, as local replies have it (envoy/http/local-reply.ts). */
const OWN_ANSWERS: Readonly<Record<number, OwnAnswer>> = {
  403: {
    reason: REFUSED,
    possible: [
      ...(['NO_GRANT', 'PATH', 'METHOD', 'WORKLOAD', 'UNUSUAL_PATH', 'UNEXPECTED_BODY'] as const),
      ...(['UNDERSCORE_HEADER', 'UPGRADE', 'MALFORMED_REQUEST'] as const),
      // Of a request whose body stops coming: Envoy answers 408, which becomes the one refusal.
      'BACKEND_TIMEOUT',
    ],
    text: 'we have no grant of this export, or no rule of it has this method, path and workload; it does not say which',
  },
  413: {
    reason: REFUSED,
    possible: ['BODY_LIMIT'],
    text: 'it would be admitted, but its body is larger than the export takes',
  },
  429: {
    reason: REFUSED,
    possible: ['PEER_RATE_LIMIT', 'CONSUMER_RATE_LIMIT'],
    text: 'a limit of the peer for our requests per second is reached',
  },
  502: {
    reason: FAILED,
    possible: ['BACKEND_MALFORMED'],
    text: 'it is admitted, and the answer of its service is none',
  },
  503: {
    reason: FAILED,
    possible: [
      ...(['BACKEND_DOWN', 'BACKEND_TLS', 'BACKEND_RESET', 'OVERLOADED'] as const),
      ...(['PEER_REQUESTS_LIMIT', 'CONSUMER_REQUESTS_LIMIT'] as const),
    ],
    text: 'its service cannot be reached, its gateway is overloaded, or we have as many requests open as a limit of the peer allows; it does not say which',
  },
  504: {
    reason: FAILED,
    possible: ['BACKEND_TIMEOUT'],
    text: 'it is admitted, and its service does not answer in time',
  },
};

/** Names as the access log has them (`%GRPC_STATUS%`), with the statuses of HTTP that such an answer of a gateway stands for. */
const OF_GRPC: Readonly<Record<string, readonly number[]>> = {
  PermissionDenied: [403],
  ResourceExhausted: [413, 429],
  Unavailable: [502, 503, 504],
};

/** Undefined: a gateway does not answer so by itself. */
export function ownAnswerOf(status: number): OwnAnswer | undefined {
  return OWN_ANSWERS[status];
}

/** What the log of the peer's ingress gateway may have for an answer of its own; `grpc`: the status of a gRPC call, by its name. */
export function possibleReasons(status: number, grpc?: string): readonly ReasonCode[] {
  const statuses = grpc === undefined ? [status] : Object.hasOwn(OF_GRPC, grpc) ? OF_GRPC[grpc] : [];
  return (statuses ?? []).flatMap((one) => OWN_ANSWERS[one]?.possible ?? []);
}

/** `one of A, B`, or `A` alone. */
export function oneOf(codes: readonly ReasonCode[]): string {
  return codes.length === 1 ? codes.join() : `one of ${codes.join(', ')}`;
}
