// What is asked of a gateway: who connects, what the client shows, and the request, if it is one.
// Must not: hold anything that the gateway does not see.

import type { Certificate } from '../../trust/x509/certificate.ts';

/** Kinds of keys, by the signature that TLS 1.3 makes with them; `other`: with one that no gateway accepts. */
export type KeyKind = 'ecdsa-p256' | 'ecdsa-p384' | 'ecdsa-p521' | 'ed25519' | 'rsa' | 'other';

/** A certificate that somebody shows in a handshake, and has the key of. */
export interface ShownCertificate {
  /** SHA-256 (hex) of the CA certificates that its chain leads to; not asked where there is a `chain`. */
  readonly signedBy: readonly string[];
  /** The URI names, in their order. */
  readonly uris: readonly string[];
  readonly key: KeyKind;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** What is really shown, the leaf first; absent: a certificate that is right in all that is not said here. */
  readonly chain?: readonly Certificate[];
}

export interface Hello {
  readonly serverName?: string;
  readonly alpn: readonly string[];
  readonly certificate?: ShownCertificate;
}

export interface Request {
  readonly protocol: 'http/1.1' | 'h2';
  readonly method: string;
  readonly authority: string;
  /** With the query. */
  readonly path: string;
  /** Without pseudo headers, content-length and upgrade. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Absent: the request ends with its headers. */
  readonly body?: { readonly bytes: number; readonly hasLength: boolean };
  /** What the stream is to become, such as `websocket`. */
  readonly upgrade?: string;
}

export interface Question {
  /** The port that the client dials; absent at an ingress gateway, which has one. */
  readonly port?: number;
  /** Absent: the client speaks no TLS. */
  readonly hello?: Hello;
  /** Absent: the client opens a TCP connection, and sends what it likes. */
  readonly request?: Request;
  /** Asked is whether the gateway takes the connection: its chain, handshake and network access control, and nothing after that. */
  readonly isConnectionAlone?: true;
  /** What the peer's gateway shows ours; absent: what ours expects. */
  readonly peerGateway?: ShownCertificate;
  /** The time in milliseconds since the epoch. */
  readonly at: number;
}
