// The reason codes of connections: handshakes, the way on to backends and peers, and ends. A part of the table of reasons.ts.
// Must not: rename a code.

import type { Row } from './reason-row.ts';

export const CONNECTION_REASONS = {
  // handshakes
  NO_CERTIFICATE: [
    'refused',
    'both',
    'The other end showed no certificate.',
    'A client without one: a scanner, or a caller that does not know about `clients: mtls`. Or a peer with a key of a kind that `leafKeys` lacks: TLS libraries then show none.',
    'Give the client its certificate, or add the kind of its key to `leafKeys`.',
  ],
  WRONG_CA: [
    'refused',
    'both',
    'The certificate does not come from a CA of the bundle. `claimed_uri` is what it says, and proves nothing.',
    'The other mesh has another CA than the one in our file.',
    'Compare with `postern peer show` of the other mesh, and exchange the bundle.',
  ],
  WRONG_IDENTITY: [
    'refused',
    'both',
    'The certificate is good, but not for one of the identities that are accepted, or for more than that one.',
    'Another SPIFFE ID than in `gatewayIdentities`, a workload instead of a gateway, or a caller of another trust domain.',
    'Compare `claimed_uri` with the file.',
  ],
  CERTIFICATE_EXPIRED: [
    'refused',
    'both',
    'The certificate of the other end has expired.',
    'It is not renewed any more, or a clock is wrong.',
    'Renew it; compare the clocks.',
  ],
  CERTIFICATE_NOT_YET_VALID: [
    'refused',
    'both',
    'The certificate of the other end is not valid yet.',
    'A clock is wrong.',
    'Compare the clocks.',
  ],
  WRONG_PURPOSE: [
    'refused',
    'both',
    'The certificate is not made for this side of TLS.',
    'Its extended key usage lacks clientAuth or serverAuth.',
    'Issue it for both.',
  ],
  WRONG_KEY_KIND: [
    'refused',
    'both',
    'The two sides accept no kind of key in common.',
    'The other side accepts no key of the kind that our gateway has, or ours none of its kind (`leafKeys`).',
    'Use another key, or add its kind to `leafKeys`.',
  ],
  UNKNOWN_SERVER_NAME: [
    'refused',
    'both',
    'No filter chain of the ingress has this server name (SNI) with this protocol. At an egress: the peer ended the connection at our first message.',
    'A scanner; or a peer with another `sni`, one that is denied, or a TCP export without a grant (or one that is granted as HTTP).',
    'Compare `sni` of the line with `serverNames` of `postern peer show`; at an egress, run `postern check peer NAME`.',
  ],
  NOT_TLS: ['refused', 'both', 'The other end does not speak TLS 1.3.', 'Plaintext, or an old client.', 'Use TLS 1.3.'],
  HANDSHAKE_UNFINISHED: [
    'failed',
    'both',
    'The connection ended before the handshake was done, or before a byte came or went after it.',
    'The other end left, sent nothing for 5 seconds, or did not speak TLS; a peer also leaves when it does not accept our certificate.',
    'Look for the same moment in the log of the other end.',
  ],
  HANDSHAKE_FAILED: ['refused', 'both', 'The handshake failed for another reason.', '', 'See `tls_fail` in the line.'],

  // what only commands and the status tell apart
  CERTIFICATE_REVOKED: [
    'refused',
    'command',
    'The peer has revoked our certificate.',
    'It lists the certificate in a CRL.',
    'Ask the peer; issue another certificate.',
  ],
  WE_REFUSED_PEER: [
    'refused',
    'command',
    'Our egress does not accept the certificate of the peer’s gateway, for a reason that has no code of its own.',
    'A part of the certificate cannot be read.',
    'The peer issues its gateway a well-formed certificate.',
  ],
  NAME_UNRESOLVED: [
    'failed',
    'command',
    'The name of the peer’s gateway does not resolve.',
    'A misspelt name in `addresses`, or a DNS server that does not know it.',
    'Correct `addresses` of the peer, or DNS at the egress gateway.',
  ],
  NO_ALPN: [
    'failed',
    'command',
    'The peer’s gateway does not speak HTTP/2, or Postern’s TCP, at this address.',
    'Something else listens there, or the peer has another version of Postern.',
    'Compare `addresses` with what the peer says.',
  ],
  UNHEALTHY: [
    'failed',
    'command',
    'The handshake is done, but the health check of the peer’s gateway fails.',
    'The gateway drains, or is not a gateway of Postern.',
    'Ask the peer.',
  ],
  NO_LISTENER: [
    'refused',
    'command',
    'No listener of the gateway has this port.',
    'The import or the port is missing in the file.',
    'Add the import, or correct the port.',
  ],

  // the way on
  BACKEND_DOWN: [
    'failed',
    'ingress',
    'No connection to the backend.',
    'It is not running, or its address is wrong.',
    'Look at the backend, and at `backend` of the export.',
  ],
  BACKEND_TLS: [
    'failed',
    'ingress',
    'TLS to the backend failed.',
    'Another certificate or CA than the export says.',
    'See `upstream_fail`, and `backend` of the export.',
  ],
  BACKEND_TIMEOUT: [
    'failed',
    'ingress',
    'The backend did not answer in time, or was silent for too long.',
    'It is slow.',
    'Look at the backend, or raise `timeouts` of the export.',
  ],
  BACKEND_RESET: [
    'failed',
    'ingress',
    'The backend ended the request before its answer was complete.',
    'It crashed, or closes idle connections early.',
    'Look at the log of the backend.',
  ],
  BACKEND_MALFORMED: [
    'failed',
    'ingress',
    'The answer of the backend is not valid HTTP, or its headers are too large.',
    'Another protocol than the export says.',
    'Compare `protocol` of the export.',
  ],
  PEER_DOWN: [
    'failed',
    'egress',
    'No connection to a gateway of the peer could be made, or it ended before anything of the answer came.',
    'The peer is not reachable or went down, or one side refuses the other; the lines of `layer: tunnel` say which.',
    'Run `postern check peer NAME`.',
  ],
  PEER_REFUSED_US: [
    'failed',
    'both',
    'The other end ended the handshake with a TLS alert, or the connection after it without a byte.',
    'It does not trust our CA, or does not accept our identity.',
    '`upstream_fail` has the alert, where there is one; run `postern check peer NAME`, and have the peer look into its log.',
  ],
  PEER_TIMEOUT: [
    'failed',
    'egress',
    'The peer did not answer in time, or was silent for too long.',
    'Its service is slow.',
    'Look at the peer’s log (`peer_request_id` there), or raise `timeouts` of the import.',
  ],
  PEER_RESET: [
    'failed',
    'egress',
    'The peer ended the request, or its answer before that was complete.',
    'Its gateway restarts or withdrew its trust, or its service failed.',
    'Look at the peer’s log.',
  ],

  // ends
  CALLER_LEFT: [
    'failed',
    'both',
    'The other end cancelled the request or closed the connection first.',
    'A time-out there, or a WebSocket that was closed.',
    '',
  ],
  IDLE: [
    'failed',
    'both',
    'Nothing was sent for longer than it may be silent.',
    '',
    'Raise `timeouts.idle`, or send keep-alives.',
  ],
  AGE: ['failed', 'both', 'The request or connection lasted as long as one may.', '', 'Connect again.'],
  ENDED_BY_GATEWAY: [
    'failed',
    'both',
    'The gateway ended the connection.',
    'The trust or the grant that it rested on has changed, or the gateway drains.',
    'Connect again.',
  ],
  UNKNOWN_REASON: [
    'failed',
    'both',
    'None of the above; the line has all facts.',
    '',
    'Please report it, with the line.',
  ],
} as const satisfies Readonly<Record<string, Row>>;
