// A WebSocket client and server (RFC 6455) as small as tests need: real handshakes and frames over a socket.
// Must not: accept a handshake or a frame that the specification refuses.

import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

export interface Frame {
  readonly opcode: number;
  readonly data: Buffer;
}

function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}${GUID}`).digest('base64');
}

/** One end of an open WebSocket. Clients mask their frames, servers do not. */
export class WebSocketEnd {
  readonly received: Frame[] = [];
  /** Whether the other end or a gateway has ended it. */
  ended = false;
  readonly stream: Duplex;
  private readonly masks: boolean;
  private readonly answers: ((end: WebSocketEnd, frame: Frame) => void) | undefined;
  private rest: Buffer;

  constructor(stream: Duplex, masks: boolean, head: Buffer, answers?: (end: WebSocketEnd, frame: Frame) => void) {
    this.stream = stream;
    this.masks = masks;
    this.answers = answers;
    this.rest = head;
    stream.on('data', (data: Buffer) => this.take(data));
    for (const event of ['end', 'close', 'error']) stream.on(event, () => (this.ended = true));
    this.take(Buffer.alloc(0));
  }

  send(opcode: number, data: Buffer | string): void {
    const body = Buffer.from(data);
    const size = body.length;
    const head = Buffer.alloc(size < 126 ? 2 : size < 65536 ? 4 : 10);
    head[0] = 0x80 | opcode;
    head[1] = size < 126 ? size : size < 65536 ? 126 : 127;
    if (size >= 126 && size < 65536) head.writeUInt16BE(size, 2);
    if (size >= 65536) head.writeBigUInt64BE(BigInt(size), 2);
    if (!this.masks) return void this.stream.write(Buffer.concat([head, body]));
    head[1] = (head[1] ?? 0) | 0x80;
    const mask = randomBytes(4);
    this.stream.write(Buffer.concat([head, mask, masked(body, mask)]));
  }

  private take(data: Buffer): void {
    this.rest = Buffer.concat([this.rest, data]);
    for (let frame = this.next(); frame !== undefined; frame = this.next()) {
      this.received.push(frame);
      this.answers?.(this, frame);
    }
  }

  private next(): Frame | undefined {
    const [first = 0, second = 0] = this.rest;
    const isMasked = (second & 0x80) !== 0;
    const short = second & 0x7f;
    const at = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (this.rest.length < at) return undefined;
    if (isMasked === this.masks) throw new Error('a frame that is masked on the wrong side');
    const size = short < 126 ? short : short === 126 ? this.rest.readUInt16BE(2) : Number(this.rest.readBigUInt64BE(2));
    const from = at + (isMasked ? 4 : 0);
    if (this.rest.length < from + size) return undefined;
    const data = this.rest.subarray(from, from + size);
    const whole = isMasked ? masked(data, this.rest.subarray(at, from)) : Buffer.from(data);
    this.rest = Buffer.from(this.rest.subarray(from + size));
    return { opcode: first & 0x0f, data: whole };
  }
}

function masked(data: Buffer, mask: Buffer): Buffer {
  return Buffer.from(data.map((byte, index) => byte ^ (mask[index % 4] ?? 0)));
}

/**
 * For `server.on('upgrade', …)`: completes the handshake, echoes messages, answers pings and closes. After the closing handshake it
 * ends the connection itself, or when its client has ended it.
 */
export function acceptWebSocket(
  asked: IncomingMessage,
  stream: Duplex,
  head: Buffer,
  ends: 'itself' | 'after its client' = 'itself',
): WebSocketEnd {
  const key = asked.headers['sec-websocket-key'];
  if (key === undefined || asked.headers['sec-websocket-version'] !== '13')
    throw new Error('not a WebSocket handshake');
  const [protocol] = asked.headers['sec-websocket-protocol']?.split(', ') ?? [];
  stream.write(
    [
      'HTTP/1.1 101 Switching Protocols',
      'Upgrade: websocket',
      'Connection: Upgrade',
      `Sec-WebSocket-Accept: ${acceptOf(key)}`,
      ...(protocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${protocol}`]),
      '\r\n',
    ].join('\r\n'),
  );
  stream.on('end', () => stream.end());
  return new WebSocketEnd(stream, false, head, (end, { opcode, data }) => {
    end.send(opcode === PING ? PONG : opcode, data);
    if (opcode === CLOSE && ends === 'itself') end.stream.end();
  });
}

/** What a server answered to a handshake: an open WebSocket, or a status with its headers and body. */
export interface Opened {
  readonly status: number;
  /** Each `name: value`, lower-cased names, without the date. */
  readonly headers: readonly string[];
  readonly body: string;
  readonly socket?: WebSocketEnd;
}

export interface Handshake {
  readonly host: string;
  readonly port: number;
  readonly authority: string;
  readonly path: string;
  readonly method?: string;
  readonly upgrade?: string;
  readonly headers?: readonly string[];
}

/** Opens a WebSocket in HTTP/1.1. Errors: the connection ended before an answer, or the answer is no valid handshake. */
export function openWebSocket(wanted: Handshake): Promise<Opened> {
  const { host, port, authority, path, method = 'GET', upgrade = 'websocket', headers = [] } = wanted;
  const key = randomBytes(16).toString('base64');
  return new Promise((done, failed) => {
    const socket = connect(port, host);
    let text = Buffer.alloc(0);
    const read = (data: Buffer) => {
      text = Buffer.concat([text, data]);
      const end = text.indexOf('\r\n\r\n');
      if (end < 0) return;
      const [line = '', ...fields] = text.subarray(0, end).toString().split('\r\n');
      const status = Number(line.split(' ')[1]);
      const named = fields.map((field) => field.replace(/^[^:]+/, (name) => name.toLowerCase()));
      const answered = { status, headers: named.filter((field) => !field.startsWith('date:')) };
      if (status === 101) {
        socket.off('data', read);
        if (!named.includes(`sec-websocket-accept: ${acceptOf(key)}`)) return failed(new Error('a wrong accept'));
        return done({ ...answered, body: '', socket: new WebSocketEnd(socket, true, text.subarray(end + 4)) });
      }
      const length = Number(named.find((field) => field.startsWith('content-length: '))?.split(' ')[1] ?? 0);
      if (text.length < end + 4 + length) return;
      socket.destroy();
      done({ ...answered, body: text.subarray(end + 4).toString() });
    };
    socket.on('data', read);
    socket.on('error', failed);
    socket.on('close', () => failed(new Error('closed')));
    sendHandshake(socket, { authority, path, method, upgrade, key, headers });
  });
}

function sendHandshake(
  socket: Socket,
  sent: Required<Omit<Handshake, 'host' | 'port'>> & { readonly key: string },
): void {
  socket.write(
    [
      `${sent.method} ${sent.path} HTTP/1.1`,
      `Host: ${sent.authority}`,
      `Upgrade: ${sent.upgrade}`,
      'Connection: Upgrade',
      `Sec-WebSocket-Key: ${sent.key}`,
      'Sec-WebSocket-Version: 13',
      ...sent.headers,
      '\r\n',
    ].join('\r\n'),
  );
}
