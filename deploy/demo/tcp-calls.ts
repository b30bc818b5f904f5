// Opens TCP connections for the demo: an application's to its egress gateway, and an attacker's to an ingress gateway.
// Must not: say a word before the server; the demo's server speaks first.

import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { HostPort } from '../../src/host-port.ts';
import type { Credentials } from './calls.ts';
import { LIMIT_MS } from './limit.ts';

/** The first line of the server. */
export interface Heard {
  readonly heard: string;
}

interface TcpDial {
  readonly to: HostPort;
  /** Present: over TLS; the gateway's certificate is not checked. */
  readonly tls?: { readonly client?: Credentials; readonly servername?: string; readonly alpn?: string };
}

/** Errors: the socket's, that of the TLS handshake, or that the connection was closed without a word. */
export function listenTo({ to, tls }: TcpDial): Promise<Heard> {
  const socket = tls === undefined ? connect(to.port, to.host) : dialTls(to, tls);
  return new Promise((fulfil, reject) => {
    let heard = '';
    socket.setTimeout(LIMIT_MS, () => socket.destroy(new Error('no word in time')));
    socket.on('data', (data: Buffer) => {
      heard += data.toString();
      if (heard.includes('\n')) socket.destroy();
    });
    socket.on('error', reject).on('close', () => {
      if (heard === '') reject(new Error('closed without a word'));
      else fulfil({ heard: heard.trim() });
    });
  });
}

function dialTls({ host, port }: HostPort, { client, servername, alpn }: NonNullable<TcpDial['tls']>): Socket {
  return connectTls({
    host,
    port,
    rejectUnauthorized: false,
    ...client,
    ...(servername !== undefined && { servername }),
    ...(alpn !== undefined && { ALPNProtocols: [alpn] }),
  });
}
