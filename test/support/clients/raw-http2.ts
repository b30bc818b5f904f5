// HTTP/2 in frames that no client library sends: malformed requests, and requests after GOAWAY.
// Must not: close a connection by itself before a test has looked at what the gateway does.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Dial } from '../../../deploy/demo/calls.ts';

export type Field = readonly [name: string, value: string];

export const DATA = 0;
export const HEADERS = 1;
export const PRIORITY = 2;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PING = 6;
export const GOAWAY = 7;
export const WINDOW_UPDATE = 8;
export const CONTINUATION = 9;
/** The size of a frame that every endpoint takes. */
const MAX_FRAME = 16384;
const END_STREAM = 1;
const END_HEADERS = 4;
export const PROTOCOL_ERROR = 1;

function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A length in seven bits, or in as many more bytes as it needs (RFC 7541, 5.1). */
function prefixed(length: number): readonly number[] {
  if (length < 127) return [length];
  const bytes: number[] = [127];
  let rest = length - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return [...bytes, rest];
}

/** Literal fields without a table or Huffman codes (RFC 7541, 6.2.2). */
function block(fields: readonly Field[]): Buffer {
  const text = (value: string): Buffer =>
    Buffer.concat([Buffer.from(prefixed(value.length)), Buffer.from(value, 'latin1')]);
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]));
}

/** A connection to an ingress gateway, as a peer's gateway dials it. */
export async function dialRaw({ gateway, servername, client }: Dial): Promise<RawHttp2> {
  const socket = connectTls({ ...gateway, servername, rejectUnauthorized: false, ALPNProtocols: ['h2'], ...client });
  await once(socket, 'secureConnect');
  return new RawHttp2(socket);
}

/** One HTTP/2 connection, and the first frame of each kind that came for a stream (0: for the connection). */
export class RawHttp2 {
  private readonly socket: Socket;
  private buffered: Buffer = Buffer.alloc(0);
  private readonly seen = new Map<string, Buffer>();
  private next = 1;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => 0);
    socket.on('data', (data: Buffer) => this.read(data));
    socket.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(SETTINGS, 0, 0)]));
  }

  private read(data: Buffer): void {
    this.buffered = Buffer.concat([this.buffered, data]);
    while (this.buffered.length >= 9 && this.buffered.length >= 9 + this.buffered.readUIntBE(0, 3)) {
      const end = 9 + this.buffered.readUIntBE(0, 3);
      const key = `${this.buffered.readUInt32BE(5)}/${this.buffered.readUInt8(3)}`;
      if (!this.seen.has(key)) this.seen.set(key, this.buffered.subarray(9, end));
      this.buffered = this.buffered.subarray(end);
    }
  }

  /** Opens a stream; without `end`, its body is still to come. */
  request(fields: readonly Field[], end = true): number {
    const stream = this.next;
    this.next += 2;
    const whole = block(fields);
    const parts = Array.from({ length: Math.ceil(whole.length / MAX_FRAME) }, (_, index) =>
      whole.subarray(index * MAX_FRAME, (index + 1) * MAX_FRAME),
    );
    parts.forEach((part, index) => {
      const flags = (index === parts.length - 1 ? END_HEADERS : 0) | (index === 0 && end ? END_STREAM : 0);
      this.socket.write(frame(index === 0 ? HEADERS : CONTINUATION, flags, stream, part));
    });
    return stream;
  }

  /** The body of a stream; without a stream, the connection. */
  end(stream?: number): void {
    if (stream === undefined) this.socket.end();
    else this.socket.write(frame(DATA, END_STREAM, stream));
  }

  /** A frame as it is, so many times. */
  send(type: number, flags: number, stream: number, payload?: Buffer, times = 1): void {
    const one = frame(type, flags, stream, payload);
    this.socket.write(Buffer.concat(Array.from({ length: times }, () => one)));
  }

  /** Reads nothing any more. */
  pause(): void {
    this.socket.pause();
  }

  /** The first frame of this kind of the stream; fails when the connection ends without it. */
  async frame(stream: number, type: number): Promise<Buffer> {
    for (;;) {
      const payload = this.received(stream, type);
      if (payload !== undefined) return payload;
      assert.ok(!this.closed, `the connection ended before stream ${stream} had its answer`);
      await new Promise((done) => setTimeout(done, 10));
    }
  }

  received(stream: number, type: number): Buffer | undefined {
    return this.seen.get(`${stream}/${type}`);
  }

  get closed(): boolean {
    return this.socket.closed;
  }

  close(): void {
    this.socket.destroy();
  }
}
