// The reason codes of the gateways' access logs: one for each verdict, with its usual cause and the cure. docs/reasons.md is
// made of this table. How a gateway finds the code of a line is in http/reason-expressions.ts.
// Must not: rename a code: people and programs search logs for them.

import { CONNECTION_REASONS } from './connection-reasons.ts';
import { type Reason, type Row, textAt, textOf } from './reason-row.ts';

const TABLE = {
  ALLOWED: [
    'allowed',
    'both',
    {
      ingress: 'It was admitted and answered, with whatever status the service chose.',
      egress: 'It was admitted and answered, with whatever status the peer’s gateway or its service chose.',
    },
    '',
    '',
  ],

  // what the file decides
  NO_GRANT: [
    'refused',
    'ingress',
    'The peer has no grant of an export of this name. To the peer it looks like a name that does not exist.',
    'The consumer is missing, its `expires` has passed (a gateway cannot tell, the file can), the name is misspelt at the peer, or the export is TCP and the peer imports it as HTTP.',
    'Add the peer to `consumers`, or have the peer correct `name` or `protocol`.',
  ],
  PATH: [
    'refused',
    'ingress',
    'No rule of the grant has this path.',
    'A path was added to the service but not to the grant, or a prefix lacks `/*`.',
    'Add the path to `paths`.',
  ],
  METHOD: [
    'refused',
    'ingress',
    'A rule has this path, but for other methods.',
    'The service is used in a new way.',
    'Add the method to the rule that has the path.',
  ],
  WORKLOAD: [
    'refused',
    'ingress',
    'A rule has this method and path, but not for this workload, or not without a claim.',
    'The caller moved to another service account, or the peer’s egress does not prove who calls (`clients: mtls`).',
    'Compare `workload` in the line with `workloads` of the rule; when it is missing, ask the peer to prove its callers.',
  ],
  CLIENT: [
    'refused',
    'egress',
    'The workload is not among the `clients` of the import.',
    'A new caller, or one that moved to another service account.',
    'Add the path of `peer_uri` of the line (what follows its trust domain, such as `ns/web/sa/front`) to `clients` of the import.',
  ],
  UNKNOWN_NAME: [
    'refused',
    'egress',
    'No import has this name at this port.',
    'The import is missing, or the caller uses another port or spelling.',
    'Add the import, or correct the caller.',
  ],
  PEER_DENIED: [
    'refused',
    'egress',
    'Our own configuration denies the peer, because its trust bundle has no usable CA.',
    'The bundle file is empty, expired or damaged.',
    'Run `postern status`; ask the peer for its bundle.',
  ],

  // how a request may look
  UNUSUAL_PATH: [
    'refused',
    'ingress',
    'The path has characters, or places below a prefix, that a backend might read as another path.',
    'A semicolon, dots and spaces alone in a segment, or bytes that are not UTF-8.',
    'Encode the path in the usual way, or grant the exact path.',
  ],
  UNEXPECTED_BODY: [
    'refused',
    'ingress',
    'A body came with a method that defines none.',
    'A client sends a body with GET or DELETE.',
    'Send it with POST, or set `requestBodies: any-method` for the export.',
  ],
  UNDERSCORE_HEADER: [
    'refused',
    'both',
    'A header name has an underscore.',
    'A client uses such a name; many servers read it like one with a hyphen.',
    'Rename the header, or set `underscoreHeaders: drop`.',
  ],
  UPGRADE: [
    'refused',
    'both',
    'The request wants to become a protocol that the export or import does not allow.',
    'A WebSocket without `upgrades: [websocket]`, or a CONNECT that asks for a tunnel.',
    'Set `upgrades: [websocket]` for the export and for the import.',
  ],
  MALFORMED_REQUEST: [
    'refused',
    'both',
    'The request is not valid HTTP, or can be read in two ways.',
    '`%2f`, `%5c` or `%00` in the path, a missing authority, or a broken client.',
    'See `code_details` in the line.',
  ],
  HEADERS_TOO_LARGE: [
    'refused',
    'both',
    'The request has more header fields, or larger ones, than a gateway takes.',
    'Large cookies or tokens.',
    'Send less; the limits are in operations.md.',
  ],
  FLOOD: [
    'refused',
    'both',
    'One HTTP/2 connection brought more resets, pings, settings, priorities, window updates, empty frames or parts of headers than a gateway takes. The gateway has ended it, with all of its requests.',
    'An attack, or a client that gives up most of its requests.',
    'Look at the client; requests that only share the connection with it may be sent again.',
  ],

  // limits
  PEER_RATE_LIMIT: [
    'refused',
    'ingress',
    'The peer sends more requests per second than it may.',
    '',
    'Raise `peers.NAME.limits.requestsPerSecond`, or have the peer slow down.',
  ],
  PEER_REQUESTS_LIMIT: [
    'refused',
    'ingress',
    'The peer has more requests open than it may.',
    '',
    'Raise `peers.NAME.limits.requests`.',
  ],
  CONSUMER_RATE_LIMIT: [
    'refused',
    'ingress',
    'The consumer sends more requests per second to the export than it may.',
    '',
    'Raise `requestsPerSecond` of the consumer.',
  ],
  CONSUMER_REQUESTS_LIMIT: [
    'refused',
    'ingress',
    'The consumer has more requests to the export open than it may.',
    '',
    'Raise `requests` of the consumer.',
  ],
  IMPORT_RATE_LIMIT: [
    'refused',
    'egress',
    'Our callers send more requests per second to the import than they may.',
    '',
    'Raise `imports[].limits.requestsPerSecond`.',
  ],
  IMPORT_REQUESTS_LIMIT: [
    'refused',
    'egress',
    'Our callers have more requests to the import open than they may.',
    '',
    'Raise `imports[].limits.requests`.',
  ],
  BODY_LIMIT: [
    'refused',
    'both',
    'The body of the request is larger than the export or import takes.',
    '',
    'Raise `requestBody` of its `limits`.',
  ],
  CONNECTION_LIMIT: [
    'refused',
    'both',
    'The peer (HTTP and gRPC), the TCP consumer or the TCP import has as many connections open as it may.',
    'A pool that is too large, or connections that nobody closes.',
    'Raise `connections` of its `limits`: of the peer, or of the TCP consumer or import.',
  ],
  OVERLOADED: [
    'refused',
    'both',
    'The gateway is short of memory, or has as many requests to one place as it takes.',
    'A slow service behind it, or too much traffic for one gateway.',
    'Add a gateway, or look why the service is slow.',
  ],

  ...CONNECTION_REASONS,
} as const satisfies Readonly<Record<string, Row>>;

export type ReasonCode = keyof typeof TABLE;

export const REASONS: Readonly<Record<ReasonCode, Reason>> = Object.fromEntries(
  Object.entries<Row>(TABLE).map(([code, [verdict, at, meaning, cause, cure]]) => [
    code,
    { verdict, at, meaning: textOf(meaning), cause: textOf(cause), cure: textOf(cure) },
  ]),
) as Record<ReasonCode, Reason>;

export type Advice = Pick<Reason, 'meaning' | 'cause' | 'cure'>;

/** For a line of one gateway. */
export function adviceAt(code: ReasonCode, role: 'ingress' | 'egress'): Advice {
  const [, , meaning, cause, cure]: Row = TABLE[code];
  return { meaning: textAt(meaning, role), cause: textAt(cause, role), cure: textAt(cure, role) };
}

/** The codes that have a phrase for connections to a peer. */
export type PeerFailureReason = {
  [Code in ReasonCode]: (typeof TABLE)[Code]['length'] extends 6 ? Code : never;
}[ReasonCode];

export const PEER_FAILURES: Readonly<Record<PeerFailureReason, string>> = Object.fromEntries(
  Object.entries<Row>(TABLE).flatMap(([code, { 5: text }]) => (text === undefined ? [] : [[code, text] as const])),
) as Record<PeerFailureReason, string>;
