// A TLS client that sends exactly the bytes that a test gives it, and reports everything that a peer can see.
// Must not: check the gateway's certificate.

import { type ConnectionOptions, connect, type DetailedPeerCertificate } from 'node:tls';
import type { Credentials } from '../../../deploy/demo/calls.ts';
import { LIMIT_MS } from '../../../deploy/demo/limit.ts';
import type { HostPort } from '../../../src/host-port.ts';

const LISTEN_MS = 300;

export interface RawTls {
  readonly gateway: HostPort;
  readonly servername?: string;
  readonly client?: Credentials;
  readonly alpn?: readonly string[];
  readonly maxVersion?: 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';
  readonly session?: Buffer;
  /** Sent after the handshake; then the gateway's answer is waited for. */
  readonly send?: string;
}

export interface Seen {
  /** Whether the handshake ended well on our side; in TLS 1.3 the gateway may still refuse our certificate after that. */
  readonly handshake: boolean;
  readonly alpn: string | false | null;
  readonly protocol: string | null;
  readonly certificate: DetailedPeerCertificate | undefined;
  /** Session tickets that the gateway sent. */
  readonly tickets: readonly Buffer[];
  readonly resumed: boolean;
  /** Application bytes that came. */
  readonly received: string;
  /** How it ended: an error's code, or 'closed', or 'open' when we ended it after the answer, or 'hung' without one. */
  readonly end: string;
}

export function rawTls(wanted: RawTls): Promise<Seen> {
  const { gateway, servername, client, alpn = ['h2'], maxVersion, session, send } = wanted;
  const options: ConnectionOptions = {
    host: gateway.host,
    port: gateway.port,
    rejectUnauthorized: false,
    ALPNProtocols: [...alpn],
    ...(servername !== undefined && { servername }),
    ...client,
    ...(maxVersion !== undefined && { maxVersion, minVersion: 'TLSv1' }),
    // Old protocols and weak keys are the test's, so OpenSSL must not refuse them on our side.
    ciphers: 'DEFAULT@SECLEVEL=0',
    ...(session && { session }),
  };
  return new Promise((fulfil) => {
    const tickets: Buffer[] = [];
    let received = '';
    let handshake = false;
    let facts: Pick<Seen, 'alpn' | 'protocol' | 'certificate' | 'resumed'> = {
      alpn: null,
      protocol: null,
      certificate: undefined,
      resumed: false,
    };
    const socket = connect(options, () => {
      handshake = true;
      facts = {
        alpn: socket.alpnProtocol,
        protocol: socket.getProtocol(),
        certificate: socket.getPeerCertificate(true),
        resumed: socket.isSessionReused(),
      };
      if (send === undefined) listenOn();
      else socket.write(send, 'latin1');
    });
    let timer = setTimeout(() => finish('hung'), LIMIT_MS);
    /** What belongs to the handshake comes before the answer; what else may come is listened for a little longer. */
    const listenOn = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => finish('open'), LISTEN_MS);
    };
    const finish = (end: string): void => {
      clearTimeout(timer);
      socket.destroy();
      fulfil({ handshake, ...facts, tickets, received, end });
    };
    socket.on('session', (ticket) => tickets.push(ticket));
    socket.on('data', (data) => {
      received += data.toString('latin1');
      listenOn();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? error.message));
    socket.on('close', () => finish('closed'));
  });
}
