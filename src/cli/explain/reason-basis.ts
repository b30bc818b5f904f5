// For each reason code: what kind of fact it rests on, and the part of the configuration where its cure is.
// Must not: have a code that is not here; the type sees to that.

import type { ReasonCode } from '../../envoy/reasons.ts';
import { isAfterHandshake } from './line-limits.ts';
import type { LogLine } from './log-line.ts';

export interface ReasonBasis {
  /**
   * `rules`: the resources alone decide it, and the evaluator must say the same. `moment`: a limit, a backend or a peer at that time.
   * `unseen`: something of the request or of the certificate that no line has.
   */
  readonly basis: 'rules' | 'moment' | 'unseen';
  /** As rules are named: `exports.NAME.backend`. */
  readonly source: (line: LogLine) => string | undefined;
}

type Source = ReasonBasis['source'];

const NONE: Source = () => undefined;
const peerPart =
  (key: string): Source =>
  ({ role, fields }) => {
    const { peer } = fields;
    if (peer !== undefined) return `peers.${peer}${key}`;
    // Our own callers, at a port of the egress.
    return role === 'egress' ? 'gateways.egress' : undefined;
  };
const PEER = peerPart('');
const BUNDLE: Source = (line) => own(line, 'mesh.trustBundle') ?? peerPart('.trustBundle')(line);
const IDENTITIES: Source = (line) => own(line, 'mesh.trustDomain') ?? peerPart('.gatewayIdentities')(line);
const KEYS = peerPart('.leafKeys');
const ADDRESSES = peerPart('.addresses');
const exportPart =
  (key: string): Source =>
  ({ fields }) =>
    fields['export'] === undefined ? undefined : `exports.${fields['export']}${key}`;
const CONSUMER: Source = ({ fields }) => {
  const { export: exported, peer } = fields;
  return exported === undefined ? undefined : `exports.${exported}${peer === undefined ? '' : `.consumers.${peer}`}`;
};
const IMPORT: Source = ({ fields }) => (fields['import'] === undefined ? undefined : `imports.${fields['import']}`);
const SERVICE: Source = (line) => (line.role === 'ingress' ? CONSUMER(line) : IMPORT(line));
const CLIENTS: Source = (line) => (IMPORT(line) === undefined ? undefined : `${IMPORT(line)}.clients`);
const HTTP: Source = (line) => SERVICE(line) ?? PEER(line);
/** A line of a connection does not name the TCP consumer or import whose limit counts after its handshake. */
const CONNECTIONS: Source = (line) =>
  line.layer === 'listener' && isAfterHandshake(line.fields['flags'] ?? '') ? undefined : HTTP(line);

function own({ role, layer }: LogLine, source: string): string | undefined {
  return role === 'egress' && layer === 'listener' ? source : undefined;
}

const rules = (source: Source): ReasonBasis => ({ basis: 'rules', source });
const moment = (source: Source): ReasonBasis => ({ basis: 'moment', source });
const unseen = (source: Source): ReasonBasis => ({ basis: 'unseen', source });

export const REASON_BASIS: Readonly<Record<ReasonCode, ReasonBasis>> = {
  ALLOWED: rules(SERVICE),
  NO_GRANT: rules(CONSUMER),
  PATH: rules(CONSUMER),
  METHOD: rules(CONSUMER),
  WORKLOAD: rules(CONSUMER),
  CLIENT: rules(CLIENTS),
  UNKNOWN_NAME: rules(NONE),
  PEER_DENIED: rules(BUNDLE),
  UNUSUAL_PATH: rules(CONSUMER),
  UNEXPECTED_BODY: rules(CONSUMER),
  UNDERSCORE_HEADER: unseen(SERVICE),
  UPGRADE: unseen(SERVICE),
  MALFORMED_REQUEST: unseen(NONE),
  HEADERS_TOO_LARGE: unseen(NONE),
  FLOOD: unseen(NONE),
  PEER_RATE_LIMIT: moment(PEER),
  PEER_REQUESTS_LIMIT: moment(PEER),
  CONSUMER_RATE_LIMIT: moment(CONSUMER),
  CONSUMER_REQUESTS_LIMIT: moment(CONSUMER),
  IMPORT_RATE_LIMIT: moment(IMPORT),
  IMPORT_REQUESTS_LIMIT: moment(IMPORT),
  BODY_LIMIT: moment(SERVICE),
  CONNECTION_LIMIT: moment(CONNECTIONS),
  OVERLOADED: moment(HTTP),
  NO_CERTIFICATE: unseen(PEER),
  WRONG_CA: unseen(BUNDLE),
  WRONG_IDENTITY: rules(IDENTITIES),
  CERTIFICATE_EXPIRED: unseen(PEER),
  CERTIFICATE_NOT_YET_VALID: unseen(PEER),
  WRONG_PURPOSE: unseen(PEER),
  WRONG_KEY_KIND: unseen(KEYS),
  UNKNOWN_SERVER_NAME: rules(PEER),
  NOT_TLS: unseen(NONE),
  HANDSHAKE_UNFINISHED: moment(PEER),
  HANDSHAKE_FAILED: unseen(PEER),
  BACKEND_DOWN: moment(exportPart('.backend')),
  BACKEND_TLS: moment(exportPart('.backend')),
  BACKEND_TIMEOUT: moment(exportPart('')),
  BACKEND_RESET: moment(exportPart('.backend')),
  BACKEND_MALFORMED: moment(exportPart('')),
  // A request only knows that there was no connection; the line of the tunnel knows why.
  PEER_DOWN: moment((line) => (line.layer === 'http' ? PEER : ADDRESSES)(line)),
  PEER_REFUSED_US: moment(PEER),
  WE_REFUSED_PEER: moment(PEER),
  PEER_TIMEOUT: moment(IMPORT),
  PEER_RESET: moment(PEER),
  CALLER_LEFT: moment(HTTP),
  IDLE: moment(HTTP),
  AGE: moment(HTTP),
  ENDED_BY_GATEWAY: moment(HTTP),
  UNKNOWN_REASON: moment(HTTP),
  // of commands alone
  CERTIFICATE_REVOKED: moment(PEER),
  NAME_UNRESOLVED: moment(ADDRESSES),
  NO_ALPN: moment(ADDRESSES),
  UNHEALTHY: moment(ADDRESSES),
  WRONG_PROTOCOL: rules(IMPORT),
  REQUEST_REFUSED: moment(IMPORT),
  REQUEST_FAILED: moment(IMPORT),
  NO_LISTENER: rules(PEER),
};
