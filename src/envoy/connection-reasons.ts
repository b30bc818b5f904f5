// The reason codes of connections: handshakes, the way on to backends and peers, and ends. A part of the table of reasons.ts.
// Must not: rename a code.

import type { Row } from './reason-row.ts';

export const CONNECTION_REASONS = {
  // handshakes
  NO_CERTIFICATE: [
    'refused',
    'both',
    'The other end showed no certificate.',
    {
      ingress: 'A scanner, or a peer with a key of a kind that `leafKeys` lacks: TLS libraries then show none.',
      egress:
        'A caller of our own that does not know about `clients: mtls`, or whose key is of no kind that the gateway takes (P-256, P-384, P-521, Ed25519, RSA): TLS libraries then show none.',
    },
    {
      ingress: 'Have the peer give its gateway a certificate, or add the kind of its key to `leafKeys`.',
      egress: 'Give the workload its certificate.',
    },
    'no certificate was shown',
  ],
  WRONG_CA: [
    'refused',
    'both',
    'The certificate does not come from a CA of the bundle. What it says of itself proves nothing.',
    'The other mesh has another CA than the one in our file, does not send the CAs between, or has one of them that may not sign this certificate (name constraints, path length, a critical extension).',
    {
      ingress:
        'Compare with `postern peer show` of the other mesh, and exchange the bundle; `postern can PEER … --certificate FILE` says what is wrong with a certificate.',
      egress:
        'Compare with `postern peer show` of the other mesh, and exchange the bundle; `postern can WORKLOAD GET IMPORT /path --peer-certificate FILE` says what is wrong with a certificate of the peer’s gateway.',
    },
    'the certificate is not of a CA of the bundle',
  ],
  WRONG_IDENTITY: [
    'refused',
    'both',
    'The certificate is good, but not for one of the identities that are accepted, or for more than that one.',
    {
      ingress: 'Another SPIFFE ID than in `gatewayIdentities`, or a workload in the place of a gateway.',
      egress:
        'The gateway of the peer has another SPIFFE ID than in `gatewayIdentities`; or a caller of our own is of another trust domain, or has several SPIFFE IDs.',
    },
    {
      ingress: 'Compare `claimed_uri` with `gatewayIdentities` of the peer.',
      egress: 'Compare `upstream_fail` with `gatewayIdentities` of the peer; of a caller, `claimed_uri` with the file.',
    },
    'the certificate is not of an identity that is listed',
  ],
  CERTIFICATE_EXPIRED: [
    'refused',
    'both',
    'The certificate of the other end, or a CA of its chain, has expired.',
    'It is not renewed any more, or a clock is wrong.',
    'Renew it; compare the clocks.',
    'the certificate, or a CA above it, has expired',
  ],
  CERTIFICATE_NOT_YET_VALID: [
    'refused',
    'both',
    'The certificate of the other end, or a CA of its chain, is not valid yet.',
    'A clock is wrong.',
    'Compare the clocks.',
    'the certificate is not valid yet',
  ],
  WRONG_PURPOSE: [
    'refused',
    'both',
    'The certificate, or a CA of its chain, is not made for this side of TLS.',
    'An extended key usage without clientAuth (of who calls) or serverAuth (of who is called), or a key usage without digitalSignature.',
    'Issue it for both, with digitalSignature.',
    'the certificate is for another purpose',
  ],
  WRONG_KEY_KIND: [
    'refused',
    'both',
    'The two sides accept no kind of key in common.',
    'The other side accepts no key of the kind that our gateway has, or ours none of its kind (`leafKeys`).',
    'Use another key, or add its kind to `leafKeys`.',
    'both sides accept no kind of key in common (leafKeys)',
  ],
  UNKNOWN_SERVER_NAME: [
    'refused',
    'both',
    {
      ingress: 'No filter chain has this server name (SNI) with this protocol (ALPN).',
      egress:
        'The peer ended the connection at our first message: it does not know the server name that we ask for, or we have reached its limit of connections.',
    },
    {
      ingress:
        'A scanner; or a peer with another `sni`, one that is denied, or a TCP export without a grant (or one that is granted as HTTP); or a client with the right name that does not offer the ALPN `h2`, such as `curl --http1.1`, or `openssl s_client` without `-alpn h2`.',
      egress:
        'The file of the peer does not have us, has another `sni` for us, denies us, or does not grant us the TCP export (or grants it as HTTP). Or we have as many connections to it open as `limits.connections` in its file allows.',
    },
    {
      ingress:
        'Compare `sni` of the line with `serverNames` of `postern peer show`; if it is one of them, have the client offer the ALPN `h2`.',
      egress:
        'Run `postern check peer NAME -f FILE`, and ask the peer whether its log has UNKNOWN_SERVER_NAME or CONNECTION_LIMIT at that time.',
    },
    'the peer closes the connection at our first message: it does not know the server name, or we have reached its limits.connections',
  ],
  NOT_TLS: [
    'refused',
    'both',
    'The other end does not speak TLS 1.3.',
    'Plaintext, or an old client.',
    'Use TLS 1.3.',
    'what listens at the address of the peer does not speak TLS 1.3',
  ],
  HANDSHAKE_UNFINISHED: [
    'failed',
    'both',
    'The connection ended before the handshake was done, or before a byte came or went after it.',
    'The other end left, sent nothing for 5 seconds, or did not speak TLS; it also leaves when it does not accept our certificate.',
    'Look for the same moment in the log of the other end.',
  ],
  HANDSHAKE_FAILED: [
    'refused',
    'both',
    'The handshake failed for another reason.',
    'Mostly a client with OpenSSL (curl, Python) that does not accept our certificate: it sends its alert unencrypted, which Envoy cannot read (`BAD_PACKET_LENGTH`).',
    'See `tls_fail` in the line, or `upstream_fail` where our gateway has dialled.',
  ],

  // what only commands and the status tell apart
  CERTIFICATE_REVOKED: [
    'refused',
    'command',
    'The peer has revoked our certificate.',
    'It lists the certificate in a CRL.',
    'Ask the peer; issue another certificate.',
    'the certificate is revoked',
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
    'the name of the peer does not resolve at the egress gateway',
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
  WRONG_PROTOCOL: [
    'refused',
    'command',
    'The peer serves the export as TCP, and our file imports it as HTTP or gRPC.',
    'The two files differ in `protocol`. The log of the peer has NO_GRANT for such requests; that of our egress has ALLOWED with the status 403, and `postern status` has the peer as reachable.',
    'Correct `protocol` of the import, or have the peer correct that of the export. The other way round is UNKNOWN_SERVER_NAME.',
  ],
  REQUEST_REFUSED: [
    'refused',
    'command',
    'The peer’s ingress does not admit the request of `postern check peer --request`. It has one answer for all reasons.',
    'No grant of the export, no rule for the method, path or workload, or a limit of requests per second or of the body.',
    'Give the peer’s team the request id: its log has the reason.',
  ],
  REQUEST_FAILED: [
    'failed',
    'command',
    'The peer’s ingress answers the request of `postern check peer --request` with an error (502, 503, 504).',
    'The service is down or slow, the gateway is overloaded, or we have as many requests open as a limit of the peer allows.',
    'Give the peer’s team the request id: its log has the reason.',
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
    'The backend ended the request before its answer was complete, or what came after the head of the answer is not valid HTTP.',
    'It crashed, gave up in the middle of a body, or closes idle connections early.',
    'Look at the log of the backend.',
  ],
  BACKEND_MALFORMED: [
    'failed',
    'ingress',
    'The head of the backend’s answer is not valid HTTP or not complete, its headers are too large, or its status is none or an upgrade that nobody asked for.',
    'Another protocol than the export says.',
    'Compare `protocol` of the export.',
  ],
  PEER_DOWN: [
    'failed',
    'egress',
    'No connection to a gateway of the peer could be made, or it ended before anything of the answer came.',
    'The peer is not reachable or went down, or one side refuses the other; the lines of `layer: tunnel` say which.',
    'Run `postern check peer NAME -f FILE`.',
    'no gateway of the peer can be connected to',
  ],
  PEER_REFUSED_US: [
    'failed',
    'both',
    'The other end ended the handshake with a TLS alert, or the connection after it without a byte.',
    'It does not trust our CA, or does not accept our identity.',
    {
      ingress:
        '`tls_fail` has the alert; have the peer look into its log, and run `postern check peer US -f FILE`, with its name for us.',
      egress:
        '`upstream_fail` has the alert (`tls_fail` of a caller of our own), where there is one; run `postern check peer NAME -f FILE`, and have the peer look into its log.',
    },
    'the peer closes the connection after the handshake: it refuses our certificate',
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
    'The peer ended the request, or its answer before that was complete. A TCP connection: it ended without a byte from the peer (`tx` is 0), whichever side ended it, or it was reset from the peer’s side.',
    'Its gateway restarts or withdrew its trust, its service failed, or we have as many connections open as it grants. A TCP caller that leaves at once looks the same.',
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
