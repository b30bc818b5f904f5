// Backends that say everything about the inside of their mesh that they can, and end in every way that a backend can.
// Must not: put a secret into the body of an answer: bodies belong to the applications.

import { once } from 'node:events';
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** Where they listen; nothing outside the mesh may see it. */
export const INSIDE_ADDRESS = '127.7.7.7';
export const INSIDE_NAME = 'pod-7f.internal';

const TELLING: Readonly<Record<string, string>> = {
  server: 'tomcat/9.1.2',
  via: `1.1 ${INSIDE_NAME}`,
  'x-powered-by': 'PHP/8.1.2',
  'x-envoy-upstream-service-time': '7',
  'x-envoy-decorator-operation': INSIDE_NAME,
  'server-timing': 'db;dur=53',
  'x-request-id': '4f8f0f3e-aaaa-4bbb-8ccc-000000000001',
  'x-b3-traceid': '463ac35c9f6413ad48485a3953bb6124',
  'x-backend-ip': INSIDE_ADDRESS,
  'x-pod-name': INSIDE_NAME,
  'x-served-by': INSIDE_NAME,
  'x-forwarded-for': INSIDE_ADDRESS,
  // An application that spells them so has read them in a CGI environment.
  x_powered_by: 'PHP/8.1.2',
  x_backend_ip: INSIDE_ADDRESS,
  'x-pod_name': INSIDE_NAME,
  'alt-svc': `h2="${INSIDE_NAME}:8443"`,
};
/** Headers that an answer may have, and which are rewritten. */
const POINTING: Readonly<Record<string, string>> = {
  location: `http://${INSIDE_NAME}:8080/x`,
  link: `<http://${INSIDE_NAME}/p2>; rel="next"`,
  'set-cookie': `a=b; Domain=${INSIDE_NAME}`,
};
const TRAILERS: Readonly<Record<string, string>> = {
  'x-backend-ip': INSIDE_ADDRESS,
  'x-envoy-a': INSIDE_NAME,
  x_envoy_b: INSIDE_NAME,
};
/** As a header, the first two mean nothing in an answer, and the last belongs to the application. */
const NO_TRAILERS: Readonly<Record<string, string>> = {
  host: INSIDE_NAME,
  authorization: `Basic ${INSIDE_NAME}`,
  content_location: `http://${INSIDE_NAME}/x`,
};

const lines = (headers: Readonly<Record<string, string>>): string =>
  Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
const SAID = lines({ ...TELLING, ...POINTING });
const OK = `HTTP/1.1 200 ${INSIDE_NAME}\r\n${SAID}`;
const SERVED = `${OK}content-length: 6\r\n\r\nserved`;

/** As a piece: the connection ends, without a fault of TCP. */
const END = '';

/** What each path is answered with; `null` afterwards: the connection is reset. */
const ANSWERS: Readonly<Record<string, readonly (string | null)[]>> = {
  ok: [SERVED],
  trailers: [
    `${OK}transfer-encoding: chunked\r\n\r\n6\r\nserved\r\n0\r\n${lines({ ...TRAILERS, ...NO_TRAILERS })}\r\n`,
  ],
  error: [`HTTP/1.1 500 ${INSIDE_NAME}\r\n${SAID}content-length: 6\r\n\r\nserved`],
  'no-answer': [],
  stall: [`${OK}content-length: 100\r\n\r\nserv`],
  'reset-before': [null],
  'reset-headers': [`${OK}x-half: ${INSIDE_NAME}`, null],
  'reset-body': [`${OK}content-length: 100\r\n\r\nserv`, null],
  'end-body': [`${OK}content-length: 100\r\n\r\nserv`, END],
  'end-chunks': [`${OK}transfer-encoding: chunked\r\n\r\n6\r\nserved\r\n`, END],
  garbage: [`SSH-2.0-OpenSSH_9.2.1 ${INSIDE_NAME}\r\n`],
  'huge-headers': [`${OK}x-huge: ${'x'.repeat(90_000)}\r\n\r\n`],
  'many-headers': [`${OK}${Array.from({ length: 300 }, (_, at) => `x-${at}: 1\r\n`).join('')}\r\n`],
  'bad-chunk': [`${OK}transfer-encoding: chunked\r\n\r\n${INSIDE_NAME}\r\n`],
  'two-lengths': [`${OK}content-length: 6\r\ncontent-length: 7\r\n\r\nserved`],
  'early-hints': [`HTTP/1.1 103 ${INSIDE_NAME}\r\n${SAID}\r\n${SERVED}`],
  processing: [`HTTP/1.1 102 ${INSIDE_NAME}\r\n${SAID}\r\n${SERVED}`],
  continue: [`HTTP/1.1 100 ${INSIDE_NAME}\r\n${SAID}\r\n${SERVED}`],
  'unasked-upgrade': [`HTTP/1.1 101 ${INSIDE_NAME}\r\n${SAID}upgrade: ${INSIDE_NAME}\r\nconnection: upgrade\r\n\r\n`],
  'no-status': [`HTTP/1.1 000 ${INSIDE_NAME}\r\n${SAID}content-length: 0\r\n\r\n`],
  'not-modified': [`HTTP/1.1 304 ${INSIDE_NAME}\r\n${SAID}\r\n`],
  unauthorized: [
    `HTTP/1.1 401 ${INSIDE_NAME}\r\n${SAID}www-authenticate: Basic realm="${INSIDE_NAME}"\r\ncontent-length: 0\r\n\r\n`,
  ],
};
export const ENDINGS: readonly string[] = Object.keys(ANSWERS);

const WEBSOCKET = /^sec-websocket-key: (.+)\r$/im;

/** What a WebSocket is answered with, by its path. */
function upgraded(path: string, accept: string): readonly (string | null)[] {
  const agreed = `HTTP/1.1 101 ${INSIDE_NAME}\r\n${SAID}upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`;
  // A text frame, and a close with the code 1000.
  const frame = '\x81\x06served';
  const close = '\x88\x02\x03\xe8';
  if (path.endsWith('/refused')) return [`HTTP/1.1 403 ${INSIDE_NAME}\r\n${SAID}content-length: 6\r\n\r\nserved`];
  if (path.endsWith('/reset')) return [agreed, frame, null];
  if (path.endsWith('/no-answer')) return [];
  if (path.endsWith('/garbage')) return [`HTTP/1.1 101 ${INSIDE_NAME}\r\n${SAID}\r\n`];
  if (path.endsWith('/silent')) return [agreed, frame];
  return [agreed, frame, close];
}
export const WEBSOCKET_ENDINGS = ['close', 'refused', 'reset', 'no-answer', 'garbage', 'silent'] as const;

export class LeakingBackends {
  private readonly servers: Server[] = [];
  private readonly open = new Set<Socket>();

  private async listen(serve: (socket: Socket) => void): Promise<number> {
    const server = createServer({ allowHalfOpen: false }, (socket) => {
      this.open.add(socket);
      socket.on('error', () => 0).on('close', () => this.open.delete(socket));
      serve(socket);
    });
    this.servers.push(server);
    server.listen(0, INSIDE_ADDRESS);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  /** HTTP/1.1, by hand: no library sends such answers. */
  async http(): Promise<number> {
    return await this.listen((socket) => {
      let asked = '';
      socket.on('data', (data: Buffer) => {
        asked += data.toString('latin1');
        const head = asked.slice(0, asked.indexOf('\r\n\r\n') + 4);
        if (head.length < 4) return;
        const length = Number(/^content-length: (\d+)\r$/im.exec(head)?.[1] ?? 0);
        const chunked = /^transfer-encoding: chunked\r$/im.test(head);
        if (chunked ? !asked.endsWith('0\r\n\r\n') : asked.length < head.length + length) return;
        asked = '';
        const path = /^\S+ (\S+)/.exec(head)?.[1] ?? '';
        const answer = WEBSOCKET.test(head) ? upgraded(path, 'x') : (ANSWERS[path.split('/').at(-1) ?? ''] ?? [SERVED]);
        for (const piece of answer) {
          if (piece === END) socket.end();
          else if (piece !== null) socket.write(Buffer.from(piece, 'latin1'));
          // What was written goes out first.
          else socket.write('', () => setImmediate(() => socket.resetAndDestroy()));
        }
      });
    });
  }

  /** gRPC: each method ends in another way. */
  async grpc(): Promise<number> {
    const server = createHttp2Server();
    server.on('session', (session) => session.on('error', () => 0));
    server.on('stream', (stream: ServerHttp2Stream, headers) => {
      stream.on('error', () => 0).resume();
      const method = headers[':path']?.split('/').at(-1);
      const head = { ':status': 200, 'content-type': 'application/grpc', ...TELLING, 'x-app': 'kept' };
      const trailers = { 'grpc-status': '13', 'grpc-message': 'served', ...TRAILERS };
      if (method === 'NoAnswer') return;
      if (method === 'Reset') return stream.close(2);
      if (method === 'GoAway') {
        stream.session?.goaway(2, 0, Buffer.from(INSIDE_NAME));
        return void stream.session?.destroy();
      }
      if (method === 'TrailersOnly') return void stream.respond({ ...head, ...trailers }, { endStream: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ ...trailers, ...NO_TRAILERS }));
      stream.respond(head, { waitForTrailers: true });
      stream.write(Buffer.from([0, 0, 0, 0, 0]));
      if (method === 'ResetBody') setImmediate(() => stream.close(2));
      else if (method !== 'Stall') stream.end();
    });
    this.servers.push(server as unknown as Server);
    server.listen(0, INSIDE_ADDRESS);
    await once(server, 'listening');
    server.on('connection', (socket: Socket) => {
      this.open.add(socket);
      socket.on('close', () => this.open.delete(socket));
    });
    return (server.address() as AddressInfo).port;
  }

  /** Greets first; answers `end` by an end, `reset` by a reset. */
  async tcp(): Promise<number> {
    return await this.listen((socket) => {
      socket.write('served\n');
      socket.on('data', (data: Buffer) => (data.toString() === 'reset' ? socket.resetAndDestroy() : socket.end()));
    });
  }

  /** Resets every connection at once. */
  async broken(): Promise<number> {
    return await this.listen((socket) => socket.resetAndDestroy());
  }

  get ports(): readonly number[] {
    return this.servers.map((server) => (server.address() as AddressInfo).port);
  }

  close(): void {
    for (const server of this.servers) server.close();
    for (const socket of this.open) socket.destroy();
  }
}
