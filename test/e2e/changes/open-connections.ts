// Connections that stay open through a gateway while a configuration changes: an echo at their other end says whether they live.
// Must not: reconnect.

import { once } from 'node:events';
import { type ClientHttp2Stream, connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { createServer, type Server, type Socket } from 'node:net';
import { connect, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import type { Credentials } from '../../../deploy/demo/calls.ts';
import type { HostPort } from '../../../src/host-port.ts';
import { eventually } from '../../support/mesh.ts';

export interface Dialled {
  readonly to: HostPort;
  readonly servername: string;
  readonly client: Credentials;
  readonly alpn: readonly string[];
}

export class OpenConnection {
  private readonly socket: TLSSocket;
  private readonly stream: Socket | ClientHttp2Stream;
  private heard = '';
  private isOver = false;

  private constructor(socket: TLSSocket, stream: Socket | ClientHttp2Stream) {
    this.socket = socket;
    this.stream = stream;
    const over = (): void => {
      this.isOver = true;
    };
    stream.on('data', (data: Buffer) => {
      this.heard += data.toString('latin1');
    });
    stream.on('error', over).on('end', over).on('close', over);
    socket.on('error', over).on('close', over);
    if ('session' in stream) stream.session?.on('goaway', over).on('error', over);
  }

  /** TCP. Errors: the far end does not answer. */
  static async tcp(dialled: Dialled): Promise<OpenConnection> {
    const socket = await dial(dialled);
    return await new OpenConnection(socket, socket).answered();
  }

  /** A stream of HTTP/2 that both sides keep open. */
  static async http(dialled: Dialled, authority: string): Promise<OpenConnection> {
    const socket = await dial(dialled);
    const session = connectHttp2(`https://${authority}`, { createConnection: () => socket });
    const stream = session.request({ ':method': 'POST', ':path': '/echo', ':authority': authority });
    return await new OpenConnection(socket, stream).answered();
  }

  private async answered(): Promise<this> {
    await eventually('the connection is answered', async () => this.isOver || (await this.lives()));
    if (this.isOver) throw new Error(`it ended before its first byte: ${this.heard}`);
    return this;
  }

  /** It has ended, or been told to. */
  get ended(): boolean {
    return this.isOver;
  }

  /** It still carries bytes in both directions. */
  async lives(): Promise<boolean> {
    if (this.isOver) return false;
    const said = `${process.hrtime.bigint()};`;
    this.stream.write(said);
    await eventually('an echo', () => this.isOver || this.heard.includes(said));
    return !this.isOver;
  }

  close(): void {
    this.socket.destroy();
  }
}

async function dial({ to, servername, client, alpn }: Dialled): Promise<TLSSocket> {
  const protocols = alpn.length > 0 ? { ALPNProtocols: [...alpn] } : {};
  const socket = connect({ ...to, ...client, servername, rejectUnauthorized: false, ...protocols });
  await once(socket, 'secureConnect');
  return socket;
}

function echoHttp2() {
  const http2 = createHttp2Server();
  http2.on('sessionError', () => undefined);
  http2.on('stream', (stream, { ':path': path }) => {
    stream.on('error', () => undefined);
    stream.respond({ ':status': 200 });
    if (path === '/echo') stream.pipe(stream);
    else stream.end();
  });
  return http2;
}

/** A backend that returns every byte, over HTTP/2 without TLS or TCP. */
export function echoBackend(): Server {
  const http2 = echoHttp2();
  return createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (data) => {
      socket.pause();
      socket.unshift(data);
      if (data.toString('latin1', 0, 3) === 'PRI') http2.emit('connection', socket);
      else socket.pipe(socket);
      process.nextTick(() => socket.resume());
    });
  });
}

/** The gateway of a peer, which returns every byte. */
export function echoGateway(credentials: Credentials): Server {
  const http2 = echoHttp2();
  const server = createTlsServer({
    ...credentials,
    requestCert: true,
    rejectUnauthorized: false,
    ALPNProtocols: ['h2', 'postern-tcp'],
  });
  server.on('tlsClientError', () => undefined);
  server.on('secureConnection', (socket) => {
    socket.on('error', () => undefined);
    if (socket.alpnProtocol === 'h2') http2.emit('connection', socket);
    else socket.pipe(socket);
  });
  return server;
}
