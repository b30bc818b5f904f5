// I/O: the TLS of the xDS port: mutual, 1.3 only, without resumption.
// Must not: hand on a connection whose client certificate was not verified, or resume a session (a ticket outlives the
// certificate that it was issued for).

import { constants, type X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { createServer, TLSSocket, type Server as TlsServer } from 'node:tls';
import { certificateClaims, type Refusal, tlsRefusal } from '../admission/refusal.ts';

/** PEM; replaced as a whole. */
export interface ServerTls {
  readonly certificateChain: string;
  readonly privateKey: string;
  /** The CA that client certificates must chain to: the control plane's own. */
  readonly clientCa: string;
}

/** `accept` gets connections whose client certificate was verified. */
export function createTlsListener(
  tls: ServerTls,
  handshakeMs: number,
  accept: (socket: TLSSocket) => void,
  onRefused: (refusal: Refusal) => void,
): TlsServer {
  const certificates = new WeakMap<TLSSocket, X509Certificate>();
  const server = createServer({
    ...secureContext(tls),
    requestCert: true,
    rejectUnauthorized: true,
    handshakeTimeout: handshakeMs,
    ALPNCallback(this: unknown, { protocols }: { readonly protocols: readonly string[] }) {
      if (this instanceof TLSSocket) keepCertificate(this, certificates);
      return protocols.includes('h2') ? 'h2' : undefined;
    },
  });
  // Reading the address keeps it for the time when the socket is closed.
  server.on('connection', (socket: Socket) => void socket.remoteAddress);
  server.on('secureConnection', accept);
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
    const code = error.code ?? error.message;
    const verification = verificationError(socket);
    const certificate = certificates.get(socket);
    onRefused({
      reason: tlsRefusal(verification, code),
      detail: verification === undefined ? `TLS: ${code}` : `TLS: the client certificate is refused: ${verification}`,
      address: addressOf(socket) || addressOf((socket as { readonly _parent?: Socket })._parent),
      nodeId: '',
      claims: certificate && (() => certificateClaims(certificate.raw, { verified: false })),
    });
    socket.destroy();
  });
  return server;
}

/**
 * node:tls destroys the socket of an unverified client before it reports it, and the certificate with it. Its callbacks have
 * the socket as `this` before that, which is not documented: without it, the log says less, and nothing else changes.
 */
function keepCertificate(socket: TLSSocket, certificates: WeakMap<TLSSocket, X509Certificate>): void {
  socket.prependOnceListener('secure', () => {
    const certificate = socket.getPeerX509Certificate();
    if (certificate !== undefined) certificates.set(socket, certificate);
  });
}

/** Why the client's certificate was not verified, where that is what failed; the error then says only that the connection is over. */
function verificationError(socket: TLSSocket): string | undefined {
  // An Error by its type, the code of OpenSSL's reason in fact.
  const reason = socket.authorizationError as unknown;
  return typeof reason === 'string' ? reason : undefined;
}

/** All fields of a TLS context in one place: an update replaces the context, and would lose a field that it leaves out. */
export function secureContext(tls: ServerTls) {
  return {
    cert: tls.certificateChain,
    key: tls.privateKey,
    ca: tls.clientCa,
    minVersion: 'TLSv1.3' as const,
    maxVersion: 'TLSv1.3' as const,
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

/** IP:PORT; empty when the socket no longer knows it. */
export function addressOf(socket: Socket | undefined): string {
  const { remoteAddress, remotePort } = socket ?? {};
  return remoteAddress === undefined ? '' : `${remoteAddress}:${remotePort ?? 0}`;
}
