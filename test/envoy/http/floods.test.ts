// What HTTP/2 lets a client do to a connection, at both gateways on real Envoys: each line of the log has the code that this is documented with.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { REASONS, type ReasonCode } from '../../../src/envoy/reasons.ts';
import {
  CONTINUATION,
  DATA,
  dialRaw,
  type Field,
  GOAWAY,
  HEADERS,
  PING,
  PRIORITY,
  RawHttp2,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
} from '../../support/clients/raw-http2.ts';
import { eventually } from '../../support/mesh.ts';
import { BankAndShop } from '../bank-and-shop.ts';

interface Client {
  readonly connection: RawHttp2;
  readonly get: readonly Field[];
  readonly post: readonly Field[];
}

/** The error codes of RFC 9113, section 7. */
const [PROTOCOL_ERROR, REFUSED_STREAM, CANCEL] = [1, 7, 8].map((code) => Buffer.from([0, 0, 0, code]));
/** A field `x: y` without a name of the table (RFC 7541, 6.2.2). */
const FIELD = Buffer.from([0, 1, 0x78, 1, 0x79]);
const MANY = 5000;
const many = (name: (index: number) => string): readonly Field[] =>
  Array.from({ length: 200 }, (_, index) => [name(index), 'y'] as const);

/** One request is open, and this comes as well. */
const beside =
  (act: (connection: RawHttp2, stream: number, client: Client) => void) =>
  (client: Client): void =>
    act(client.connection, client.connection.request(client.post, false), client);

const CASES: Readonly<Record<string, readonly [ReasonCode, (client: Client) => void, details?: RegExp]>> = {
  'many fields': [
    'HEADERS_TOO_LARGE',
    ({ connection, get }) => connection.request([...get, ...many((at) => `x-${at}`)]),
  ],
  'many cookies': ['HEADERS_TOO_LARGE', ({ connection, get }) => connection.request([...get, ...many(() => 'cookie')])],
  'a large field': [
    'HEADERS_TOO_LARGE',
    ({ connection, get }) => connection.request([...get, ['x', 'y'.repeat(60_000)]]),
  ],
  'large cookies': [
    'HEADERS_TOO_LARGE',
    ({ connection, get }) =>
      connection.request([...get, ...Array.from({ length: 20 }, () => ['cookie', 'c'.repeat(3000)] as const)]),
  ],
  'many trailers': [
    'HEADERS_TOO_LARGE',
    beside((connection, stream) =>
      connection.send(HEADERS, 5, stream, Buffer.concat(Array.from({ length: 200 }, () => FIELD))),
    ),
  ],
  'a body that is longer than it says': [
    'MALFORMED_REQUEST',
    ({ connection, post }) => {
      const stream = connection.request([...post, ['content-length', '3']], false);
      connection.send(DATA, 1, stream, Buffer.alloc(10));
    },
  ],
  'a body that is shorter than it says': [
    'MALFORMED_REQUEST',
    ({ connection, post }) => {
      const stream = connection.request([...post, ['content-length', '30']], false);
      connection.send(DATA, 1, stream, Buffer.alloc(10));
    },
  ],
  'a frame of no stream': ['MALFORMED_REQUEST', beside((connection) => connection.send(DATA, 0, 0, Buffer.alloc(1)))],
  'fields that cannot be read': [
    'MALFORMED_REQUEST',
    beside((connection, stream) => connection.send(HEADERS, 5, stream + 2, Buffer.alloc(7, 0xff))),
  ],
  'a window that is too large': [
    'MALFORMED_REQUEST',
    beside((connection, stream) => connection.send(WINDOW_UPDATE, 0, stream, Buffer.from([0x7f, 255, 255, 255]), 2)),
  ],
  'a frame that is too large': [
    'MALFORMED_REQUEST',
    beside((connection, stream) => connection.send(DATA, 0, stream, Buffer.alloc(20_000))),
  ],
  'settings that are none': [
    'MALFORMED_REQUEST',
    beside((connection) => connection.send(SETTINGS, 0, 0, Buffer.from([0, 4, 255, 255, 255, 255]))),
  ],
  'a stream that the client ends because of our fault': [
    'MALFORMED_REQUEST',
    beside((connection, stream) => connection.send(RST_STREAM, 0, stream, PROTOCOL_ERROR)),
  ],
  'a stream that the client cancels': [
    'CALLER_LEFT',
    beside((connection, stream) => connection.send(RST_STREAM, 0, stream, CANCEL)),
  ],
  'a stream that the client refuses': [
    'CALLER_LEFT',
    beside((connection, stream) => connection.send(RST_STREAM, 0, stream, REFUSED_STREAM)),
  ],
  'a client that says goodbye': [
    'CALLER_LEFT',
    beside((connection) => {
      connection.send(GOAWAY, 0, 0, Buffer.from([0, 0, 0, 0, 0, 0, 0, 2]));
      connection.end();
    }),
  ],
  'a flood of empty data': ['FLOOD', beside((connection, stream) => connection.send(DATA, 0, stream, undefined, 5))],
  'a flood of pings': ['FLOOD', beside((connection) => unread(connection, PING, Buffer.alloc(8)))],
  'a flood of settings': ['FLOOD', beside((connection) => unread(connection, SETTINGS))],
  'a flood of resets': [
    'FLOOD',
    beside((connection, _, { get }) => {
      for (let count = 0; count < MANY; count += 1) connection.send(RST_STREAM, 0, connection.request(get), CANCEL);
    }),
    /^too_many_premature_resets$/,
  ],
  'a flood of priorities': [
    'FLOOD',
    beside((connection, stream) => connection.send(PRIORITY, 0, stream, Buffer.from([0, 0, 0, 0, 1]), MANY)),
  ],
  'a flood of window updates': [
    'FLOOD',
    beside((connection, stream) => connection.send(WINDOW_UPDATE, 0, stream, Buffer.from([0, 0, 0, 1]), MANY)),
  ],
  'a flood of parts of headers': [
    'FLOOD',
    beside((connection, stream) => {
      connection.send(HEADERS, 1, stream + 2, FIELD);
      connection.send(CONTINUATION, 0, stream + 2, FIELD, MANY);
    }),
    /CONTINUATION/,
  ],
  'a flood of empty parts of headers': [
    'FLOOD',
    beside((connection, stream) => {
      connection.send(HEADERS, 1, stream + 2, FIELD);
      connection.send(CONTINUATION, 0, stream + 2, undefined, 50);
    }),
  ],
};

/** The gateway's answers stay in its queue. */
function unread(connection: RawHttp2, type: number, payload?: Buffer): void {
  connection.pause();
  for (let count = 0; count < 200; count += 1) connection.send(type, 0, 0, payload, MANY);
}

describe('what a client does to an HTTP/2 connection', () => {
  let scene: BankAndShop;
  before(async () => {
    scene = await BankAndShop.start();
  });
  after(() => scene.stop());

  const gateways = {
    ingress: {
      authority: 'accounts.v1.exports.bank.example',
      open: async (): Promise<RawHttp2> => {
        const { port, servername, client } = scene.fromShop();
        return dialRaw({ gateway: { host: '127.0.0.1', port }, servername, ...(client && { client }) });
      },
    },
    egress: {
      authority: 'accounts.bank.svc.cluster.local',
      open: async (): Promise<RawHttp2> => {
        const socket = connect(scene.local, '127.0.0.1');
        await once(socket, 'connect');
        return new RawHttp2(socket);
      },
    },
  } as const;

  for (const gateway of ['ingress', 'egress'] as const)
    for (const [what, [reason, act, details = /./]] of Object.entries(CASES))
      test(`The log of the ${gateway} has ${reason} for ${what}`, async () => {
        const { authority, open } = gateways[gateway];
        const envoy = scene[gateway];
        const from = envoy.log.length;
        const get = Object.entries({
          ':method': 'GET',
          ':scheme': 'https',
          ':authority': authority,
          ':path': '/v1/accounts',
        });
        const connection = await open();
        act({ connection, get, post: get.map(([name, value]) => [name, name === ':method' ? 'POST' : value]) });
        const line = () =>
          envoy.log
            .slice(from)
            .find(
              (one) => one['layer'] === 'http' && one['reason'] === reason && details.test(`${one['code_details']}`),
            );
        await eventually(`a line with ${reason}`, () => line() !== undefined).catch(() =>
          assert.fail(JSON.stringify(envoy.log.slice(from, from + 5), null, 1)),
        );
        assert.equal(line()?.['verdict'], REASONS[reason].verdict);
        assert.deepEqual(
          envoy.log.slice(from).filter((one) => one['reason'] === 'UNKNOWN_REASON'),
          [],
        );
        connection.close();
      });
});
