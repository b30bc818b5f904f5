// Small backends for the demo: each names itself in its answer, repeats what it was asked, and remembers it.
// Must not: keep the process from ending; close() cuts what is open.

import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { createServer as createHttp2Server, type Http2Server, type ServerHttp2Session } from 'node:http2';
import { type AddressInfo, createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net';
import type { HostPort } from '../../src/host-port.ts';
import { frame } from './calls.ts';

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

/** A running backend. */
export interface Backend {
  readonly name: string;
  readonly address: HostPort;
  /** All that it was asked, oldest first. */
  readonly seen: readonly Seen[];
  close(): Promise<void>;
}

interface Reply {
  writeHead(status: number, headers: Record<string, string>): void;
  end(body: string): void;
  on(event: 'close', listener: () => void): unknown;
}

/**
 * An HTTP backend. It answers 200 with one line of JSON; `want-NAME: VALUE` in a request makes it send that header,
 * `want-delay: MS` makes it wait.
 */
export async function startHttpBackend(name: string, { host, port }: HostPort): Promise<Backend> {
  const seen: Seen[] = [];
  const server = createServer((asked, response) => {
    seen.push({ method: asked.method ?? '', path: asked.url ?? '', headers: asked.headers });
    asked.resume();
    asked.on('end', () => answer(name, seen.at(-1), asked.headers, response));
  });
  server.listen(port, host);
  await once(server, 'listening');
  return { name, address: { host, port: portOf(server) }, seen, close: () => closeHttp(server) };
}

function answer(name: string, asked: Seen | undefined, headers: IncomingHttpHeaders, response: Reply): void {
  const wanted = Object.entries(headers).filter(([key]) => key.startsWith('want-') && key !== 'want-delay');
  const extra = Object.fromEntries(wanted.map(([key, value]) => [key.slice('want-'.length), String(value)]));
  const body = { backend: name, method: asked?.method, path: asked?.path, peer: headers['x-postern-peer'] };
  const timer = setTimeout(
    () => {
      response.writeHead(200, { 'content-type': 'application/json', ...extra });
      response.end(`${JSON.stringify(body)}\n`);
    },
    Number(headers['want-delay'] ?? 0),
  );
  // A caller that is gone keeps no process alive.
  response.on('close', () => clearTimeout(timer));
}

/** A gRPC backend that sends every message back, with status 0. */
export async function startGrpcBackend(name: string, { host, port }: HostPort): Promise<Backend> {
  const seen: Seen[] = [];
  const sessions = new Set<ServerHttp2Session>();
  const server = createHttp2Server();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    session.on('error', () => undefined);
  });
  server.on('stream', (stream, headers) => {
    seen.push({ method: String(headers[':method']), path: String(headers[':path']), headers });
    const parts: Buffer[] = [];
    stream.on('data', (part: Buffer) => parts.push(part));
    stream.on('error', () => undefined);
    stream.on('end', () => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(frame(Buffer.concat([Buffer.from(`${name}: `), Buffer.concat(parts).subarray(5)])));
    });
  });
  server.listen(port, host);
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    for (const session of sessions) session.destroy();
    await new Promise((done) => server.close(done));
  };
  return { name, address: { host, port: portOf(server) }, seen, close };
}

/** A TCP backend that speaks first: one line, which names it. It remembers each connection as a request without a path. */
export async function startTcpBackend(name: string, { host, port }: HostPort): Promise<Backend> {
  const seen: Seen[] = [];
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    seen.push({ method: '', path: '', headers: {} });
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
    socket.resume();
    socket.write(`${name}\n`);
  });
  server.listen(port, host);
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    await new Promise((done) => server.close(done));
  };
  return { name, address: { host, port: portOf(server) }, seen, close };
}

async function closeHttp(server: Server): Promise<void> {
  const closed = new Promise((done) => server.close(done));
  server.closeAllConnections();
  await closed;
}

function portOf(server: Server | Http2Server | TcpServer): number {
  return (server.address() as AddressInfo).port;
}
