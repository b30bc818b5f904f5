// Puts a question to a real gateway and says what happened: who was reached, or that nobody was.
// Must not: normalize anything on the way, or keep a connection.

import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Request } from '../../../src/decision/answer/question.ts';
import type { DifferentialPlaces } from './differential-configs.ts';
import type { Put } from './differential-questions.ts';

export interface Outcome {
  /** HOST:PORT of what answered behind the gateway. */
  readonly at?: string;
  /** The gateway's own answer. */
  readonly status?: number;
  /** How the connection or the stream ended without an answer. */
  readonly ended?: string;
  /** From which port of this machine it was asked. */
  readonly from?: number;
}

const LIMIT_MS = 10_000;

export async function outcomeOf(put: Put, places: DifferentialPlaces): Promise<Outcome> {
  const port = put.question.port ?? places.ingress;
  return await new Promise<Outcome>((fulfil) => {
    const socket = open(put, port);
    const timer = setTimeout(() => end({ ended: 'no answer in time' }), LIMIT_MS);
    let from: number | undefined;
    const end = (outcome: Outcome): void => {
      clearTimeout(timer);
      fulfil({ ...outcome, ...(from !== undefined && { from }) });
      socket.destroy();
    };
    socket.once('connect', () => {
      from = socket.localPort;
    });
    socket.on('error', (error: NodeJS.ErrnoException) => end({ ended: error.code ?? error.message }));
    const { request } = put.question;
    const start = (): void => {
      if (request === undefined) tcp(socket, end);
      else if (request.protocol === 'h2') http2(socket, request, end);
      else http1(socket, request, end);
    };
    socket.once(put.question.hello === undefined ? 'connect' : 'secureConnect', start);
  });
}

function open({ question: { hello }, credentials }: Put, port: number): Socket {
  if (hello === undefined) return connect({ host: '127.0.0.1', port });
  const { serverName, alpn } = hello;
  return connectTls({
    host: '127.0.0.1',
    port,
    rejectUnauthorized: false,
    ciphers: 'DEFAULT:@SECLEVEL=0',
    ...(serverName === undefined ? { servername: '' } : { servername: serverName }),
    ...(alpn.length > 0 && { ALPNProtocols: [...alpn] }),
    ...credentials,
  });
}

function tcp(socket: Socket, end: (outcome: Outcome) => void): void {
  let text = '';
  socket.on('data', (data: Buffer) => {
    text += data.toString('latin1');
    const at = /^at (.*)\n/.exec(text)?.[1];
    if (at !== undefined) end({ at });
  });
  socket.on('close', () => end({ ended: 'closed' }));
  socket.write('TCP?\n');
}

/** UTF-8 for Node.js, whose client of HTTP/2 writes one byte for each character. */
function asBytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

function http2(socket: Socket, request: Request, end: (outcome: Outcome) => void): void {
  const session = connectHttp2('https://gateway.test', { createConnection: () => socket });
  session.on('error', (error: NodeJS.ErrnoException) => end({ ended: error.code ?? error.message }));
  session.on('close', () => end({ ended: 'closed' }));
  const { method, authority, path, headers, body, upgrade } = request;
  const more: Record<string, string | string[]> = {};
  for (const [name, value] of headers) {
    const known = more[name];
    const sent = asBytes(value);
    more[name] = known === undefined ? sent : [...(Array.isArray(known) ? known : [known]), sent];
  }
  const send = (): void => {
    try {
      const stream = session.request(
        {
          ':method': upgrade === undefined ? method : 'CONNECT',
          ...(upgrade !== undefined && { ':protocol': upgrade }),
          ':authority': asBytes(authority),
          ':scheme': 'https',
          ':path': asBytes(path),
          ...(body?.hasLength && { 'content-length': body.bytes }),
          ...more,
        },
        { endStream: body === undefined && upgrade === undefined },
      );
      stream.on('response', (got) => {
        const { ':status': status, 'grpc-status': grpc, 'x-at': at } = got;
        // A gateway refuses a call of gRPC with 200, and says the rest in grpc-status.
        const isRefused = at === undefined && grpc !== undefined;
        end({ status: isRefused ? 403 : Number(status), ...(typeof at === 'string' && { at }) });
      });
      stream.on('error', (error: NodeJS.ErrnoException) => end({ ended: error.code ?? error.message }));
      stream.on('close', () => end({ ended: `stream closed ${stream.rstCode}` }));
      if (body !== undefined) stream.end(Buffer.alloc(body.bytes, 'x'));
    } catch (error) {
      end({ ended: `not sent: ${(error as Error).message}` });
    }
  };
  // An extended CONNECT may be sent only after the settings of the other end.
  if (upgrade === undefined) send();
  else session.once('remoteSettings', send);
}

function http1(socket: Socket, request: Request, end: (outcome: Outcome) => void): void {
  const { method, authority, path, headers, body } = request;
  let text = '';
  socket.on('data', (data: Buffer) => {
    text += data.toString('latin1');
    if (!text.includes('\r\n\r\n')) return;
    const at = /^x-at: (.*)\r$/m.exec(text)?.[1];
    const isRefused = at === undefined && /^grpc-status:/m.test(text);
    end({ status: isRefused ? 403 : Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]), ...(at !== undefined && { at }) });
  });
  socket.on('close', () => end({ ended: 'closed' }));
  const length =
    body === undefined ? [] : body.hasLength ? [`content-length: ${body.bytes}`] : ['transfer-encoding: chunked'];
  const lines = [
    `host: ${authority}`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...length,
    'connection: close',
  ];
  socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`, 'utf8');
  if (body === undefined) return;
  const bytes = 'x'.repeat(body.bytes);
  if (body.hasLength) socket.write(bytes);
  else socket.write(`${body.bytes > 0 ? `${body.bytes.toString(16)}\r\n${bytes}\r\n` : ''}0\r\n\r\n`);
}
