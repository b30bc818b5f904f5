// The servers of the flip tests: backends that take every protocol on one port, with and without TLS, because an export changes
// and its backend stays where it is; and ingress gateways of peers. Each says what arrives, by which way, and as whom.
// Must not: refuse anything that a gateway could have been meant to send.

import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttp2Server, type IncomingHttpHeaders } from 'node:http2';
import { createServer, type Server, type Socket } from 'node:net';
import { createSecureContext, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import type { Credentials } from '../../../deploy/demo/calls.ts';

/** Something arrived: where, and the number that its caller gave it. */
export type Arrived = (at: string, id: string) => void;

/** Of a backend: how it proves itself to our mesh and to everybody, and the CAs of the callers that it admits as our mesh. */
export interface BackendCertificates {
  readonly mesh: Credentials;
  readonly server: Credentials;
  readonly callers: string;
}

export function backend(index: number, certificates: BackendCertificates, arrived: Arrived): Server {
  const servers = new Map<string, (socket: Socket, first: string) => void>();
  const speak = (socket: Socket, first: string, way: string): void => {
    const server = servers.get(way) ?? anyProtocol(`backend ${index} over ${way}`, arrived);
    servers.set(way, server);
    server(socket, first);
  };
  const secure = createTlsServer({
    ...certificates.mesh,
    ca: certificates.callers,
    requestCert: true,
    rejectUnauthorized: false,
    ALPNProtocols: ['istio-h2', 'istio-http/1.1', 'istio', 'h2', 'http/1.1'],
    SNICallback: (_, done) => done(null, createSecureContext(certificates.server)),
  });
  secure.on('tlsClientError', () => undefined);
  secure.on('secureConnection', (socket) => {
    const { servername } = socket as TLSSocket & { readonly servername?: string | false };
    const way = servername ? `simple ${servername}` : socket.authorized ? 'mtls' : 'TLS of a stranger';
    sniff(socket, (first) => speak(socket, first, way));
  });
  return createServer((socket) =>
    sniff(socket, (first) =>
      first.charCodeAt(0) === TLS_HANDSHAKE ? secure.emit('connection', socket) : speak(socket, first, 'plain'),
    ),
  );
}

const TLS_HANDSHAKE = 0x16;

/** Takes connections of every protocol without TLS, by their first bytes. */
function anyProtocol(at: string, arrived: Arrived): (socket: Socket, first: string) => void {
  const seen = ({ headers }: { readonly headers: IncomingHttpHeaders }): void =>
    arrived(`${at} as ${String(headers['x-postern-peer'])}`, idOf(headers));
  const http1 = createHttpServer((asked, answer) => {
    seen(asked);
    asked.resume().on('end', () => answer.end('1'));
  });
  const http2 = createHttp2Server((asked, answer) => {
    seen(asked);
    asked.resume().on('end', () => answer.end('2'));
  });
  http2.on('sessionError', () => undefined);
  return (socket, first) => {
    if (first.startsWith('ask ')) answerLines(socket, (id) => arrived(at, id));
    else (first.startsWith('PRI') ? http2 : http1).emit('connection', socket);
  };
}

/** An ingress gateway of a peer. */
export function gateway(who: string, credentials: Credentials, arrived: Arrived): Server {
  const http2 = createHttp2Server();
  http2.on('sessionError', () => undefined);
  http2.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    if (headers[':path'] !== '/healthz')
      arrived(
        `${who} ${headers[':authority']} ${serverNameOf(stream.session?.socket)} for ${claimOf(headers)}`,
        idOf(headers),
      );
    stream.respond({ ':status': 200 });
    stream.end('3');
  });
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
    else answerLines(socket, (id) => arrived(`${who} tcp ${serverNameOf(socket)}`, id));
  });
  return server;
}

/** Reads the first bytes without taking them. */
function sniff(socket: Socket, then: (first: string) => void): void {
  socket.on('error', () => undefined);
  socket.once('data', (data: Buffer) => {
    socket.pause();
    socket.unshift(data);
    then(data.toString('latin1', 0, 4));
    process.nextTick(() => socket.resume());
  });
}

/** TCP: answers `ask ID` with `ok ID`, line by line; the first line of a connection is what arrives. */
function answerLines(socket: Socket, arrives: (id: string) => void): void {
  let [rest, isFirst] = ['', true];
  socket.on('error', () => undefined);
  socket.on('data', (data: Buffer) => {
    rest += data.toString('latin1');
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      const [, id] = /^ask (\d+)$/.exec(rest.slice(0, end)) ?? [];
      rest = rest.slice(end + 1);
      // A request, by a port that has become one of TCP.
      if (id === undefined) return void socket.destroy();
      if (isFirst) arrives(id);
      isFirst = false;
      socket.write(`ok ${id}\n`);
    }
  });
  socket.on('end', () => socket.end());
}

function serverNameOf(socket: unknown): string {
  return String((socket as { readonly servername?: string } | undefined)?.servername);
}

function idOf(headers: IncomingHttpHeaders): string {
  return String(headers['x-asked']);
}

/** The path of the workload in the one claim that there is. */
function claimOf(headers: IncomingHttpHeaders): string {
  const claim = headers['x-forwarded-client-cert'];
  return claim === undefined
    ? 'nobody'
    : (/URI=spiffe:\/\/ours\.example\/([^;,"]+)$/.exec(String(claim))?.[1] ?? String(claim));
}
