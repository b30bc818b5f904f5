// The reasons of the evaluator's verdicts.
// Must not: rename one; scripts match them.

export type Reason =
  | 'ALLOWED'
  | 'NO_LISTENER'
  | 'UNKNOWN_SERVER_NAME'
  | 'NO_CERTIFICATE'
  | 'WRONG_CA'
  | 'CERTIFICATE_EXPIRED'
  | 'WRONG_KEY_KIND'
  | 'WRONG_IDENTITY'
  | 'MALFORMED_REQUEST'
  | 'UNUSUAL_PATH'
  | 'UNEXPECTED_BODY'
  | 'NO_GRANT'
  | 'METHOD'
  | 'PATH'
  | 'WORKLOAD'
  | 'CLIENT'
  | 'UNDERSCORE_HEADER'
  | 'UPGRADE'
  | 'UNKNOWN_NAME'
  | 'PEER_DENIED'
  | 'WE_REFUSED_PEER';
