// The reasons of the evaluator's verdicts: those of the access logs' codes that resources alone can give.
// Must not: have a code of its own.

import type { ReasonCode } from '../../envoy/reasons.ts';

export type Reason = Extract<
  ReasonCode,
  | 'ALLOWED'
  | 'NO_LISTENER'
  | 'UNKNOWN_SERVER_NAME'
  | 'NO_CERTIFICATE'
  | 'WRONG_CA'
  | 'CERTIFICATE_EXPIRED'
  | 'CERTIFICATE_NOT_YET_VALID'
  | 'WRONG_PURPOSE'
  | 'WRONG_KEY_KIND'
  | 'WRONG_IDENTITY'
  | 'MALFORMED_REQUEST'
  | 'HEADERS_TOO_LARGE'
  | 'UNUSUAL_PATH'
  | 'UNEXPECTED_BODY'
  | 'BODY_LIMIT'
  | 'NO_GRANT'
  | 'METHOD'
  | 'PATH'
  | 'WORKLOAD'
  | 'CLIENT'
  | 'UNDERSCORE_HEADER'
  | 'UPGRADE'
  | 'UNKNOWN_NAME'
  | 'PEER_DENIED'
>;
