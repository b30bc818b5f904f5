// A malformed request among many on one HTTP/2 connection, at both gateways, in frames that no client library sends.
// Must not: close a connection by itself before it has looked at what the gateway does.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { BankAndShop } from './bank-and-shop.ts';

type Field = readonly [name: string, value: string];

const DATA = 0;
const HEADERS = 1;
const RST_STREAM = 3;
const SETTINGS = 4;
const END_STREAM = 1;
const END_HEADERS = 4;
const PROTOCOL_ERROR = 1;

function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Literal fields without a table or Huffman codes (RFC 7541, 6.2.2), each shorter than 127 bytes. */
function block(fields: readonly Field[]): Buffer {
  const text = (value: string): Buffer => Buffer.concat([Buffer.from([value.length]), Buffer.from(value, 'latin1')]);
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]));
}

/** One HTTP/2 connection, and the first frame of each kind that came for a stream. */
class Frames {
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
    this.socket.write(frame(HEADERS, END_HEADERS | (end ? END_STREAM : 0), stream, block(fields)));
    return stream;
  }

  end(stream: number): void {
    this.socket.write(frame(DATA, END_STREAM, stream));
  }

  /** The first frame of this kind of the stream; fails when the connection ends without it. */
  async frame(stream: number, type: number): Promise<Buffer> {
    for (;;) {
      const payload = this.seen.get(`${stream}/${type}`);
      if (payload !== undefined) return payload;
      assert.ok(!this.socket.closed, `the connection ended before stream ${stream} had its answer`);
      await new Promise((done) => setTimeout(done, 10));
    }
  }

  close(): void {
    this.socket.destroy();
  }
}

describe('a malformed request', () => {
  let scene: BankAndShop;
  before(async () => {
    scene = await BankAndShop.start();
  });
  after(() => scene.stop());

  const fromPeer = async (): Promise<Frames> => {
    const { port, servername, client } = scene.fromShop();
    const tls = { host: '127.0.0.1', port, servername, rejectUnauthorized: false, ALPNProtocols: ['h2'], ...client };
    const socket = connectTls(tls);
    await once(socket, 'secureConnect');
    return new Frames(socket);
  };
  const fromCaller = async (): Promise<Frames> => {
    const socket = connect(scene.local, '127.0.0.1');
    await once(socket, 'connect');
    return new Frames(socket);
  };
  const gateways = {
    ingress: { open: fromPeer, authority: 'accounts.v1.exports.bank.example' },
    egress: { open: fromCaller, authority: 'accounts.bank.svc.cluster.local' },
  };

  for (const [gateway, { open, authority }] of Object.entries(gateways)) {
    const fields = (changed: Readonly<Record<string, string>> = {}, ...more: readonly Field[]): readonly Field[] => [
      ...Object.entries({
        ':method': 'GET',
        ':scheme': 'https',
        ':authority': authority,
        ':path': '/v1/accounts',
        ...changed,
      }),
      ...more,
    ];
    const malformed: Readonly<Record<string, readonly Field[]>> = {
      'a space in the path': fields({ ':path': '/v1/receipts/a b' }),
      'a line feed in the path': fields({ ':path': '/v1/receipts/a\nb' }),
      'a path without a slash': fields({ ':path': 'v1/accounts' }),
      'a space in the method': fields({ ':method': 'GET /v1/accounts' }),
      'user information in the authority': fields({ ':authority': `jane@${authority}` }),
      'a header name in upper case': fields({}, ['X-App', '1']),
      'a line feed in a header': fields({}, ['x-app', '1\r\nx-postern-peer: partner']),
      'a header of HTTP/1': fields({}, ['transfer-encoding', 'chunked']),
      'two lengths': fields({}, ['content-length', '0'], ['content-length', '7']),
      'a length without a body': fields({}, ['content-length', '7']),
      'a second path': fields({}, [':path', '/v1/receipts/1']),
    };

    test(`A malformed request ends its own stream at the ${gateway}, and no other request`, async () => {
      const connection = await open();
      // The request of another caller, which is not yet complete.
      const other = connection.request(fields({ ':method': 'POST' }), false);
      for (const [what, sent] of Object.entries(malformed)) {
        const reset = await connection.frame(connection.request(sent), RST_STREAM);
        assert.equal(reset.readUInt32BE(0), PROTOCOL_ERROR, what);
      }
      const asked = scene.accounts.seen.length;
      connection.end(other);
      await connection.frame(other, DATA);
      assert.deepEqual(
        scene.accounts.seen.slice(asked).map(({ method, path }) => `${method} ${path}`),
        ['POST /v1/accounts'],
        'the backend has seen that request and no other',
      );
      connection.close();
    });
  }
});
