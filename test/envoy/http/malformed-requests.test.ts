// A malformed request among many on one HTTP/2 connection, at both gateways, in frames that no client library sends.
// Must not: close a connection before it has looked at what the gateway does.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { DATA, dialRaw, type Field, PROTOCOL_ERROR, RawHttp2, RST_STREAM } from '../../support/clients/raw-http2.ts';
import { BankAndShop } from '../bank-and-shop.ts';

describe('a malformed request', () => {
  let scene: BankAndShop;
  before(async () => {
    scene = await BankAndShop.start();
  });
  after(() => scene.stop());

  const fromPeer = async (): Promise<RawHttp2> => {
    const { port, servername, client } = scene.fromShop();
    return dialRaw({ gateway: { host: '127.0.0.1', port }, servername, ...(client && { client }) });
  };
  const fromCaller = async (): Promise<RawHttp2> => {
    const socket = connect(scene.local, '127.0.0.1');
    await once(socket, 'connect');
    return new RawHttp2(socket);
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
