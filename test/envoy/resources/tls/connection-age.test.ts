// How long a connection can be used whose certificate may have expired meanwhile: real Envoys, whose hour is a second.
// Must not: wait for a time; the caller never stops sending, and the gateway ends it.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from 'node:http2';
import { after, before, describe, test } from 'node:test';
import { eventually } from '../../../support/mesh.ts';
import { BankAndShop } from '../../bank-and-shop.ts';

/** Each limit that ends what is open; the rest stays as it is. */
const AGES = /"(max_connection_duration|max_stream_duration|grpc_timeout_header_max)":"3[67]00s"/g;

describe('the age of a connection', () => {
  let scene: BankAndShop;
  before(async () => {
    scene = await BankAndShop.start((bootstrap) => {
      const young = bootstrap.replace(AGES, '"$1":"1s"');
      assert.notEqual(young, bootstrap);
      return young;
    });
  });
  after(() => scene.stop());

  async function fromPeer(): Promise<ClientHttp2Session> {
    const { port, servername, client } = scene.fromShop();
    const alpn = { ALPNProtocols: ['h2'], rejectUnauthorized: false };
    const session = connect(`https://127.0.0.1:${port}`, { servername, ...alpn, ...client });
    session.on('error', () => undefined);
    await once(session, 'remoteSettings');
    return session;
  }

  const HTTP = { ':method': 'POST', ':path': '/v1/accounts' };
  const GRPC = { ':method': 'POST', ':path': '/fx.Rates/Watch', 'content-type': 'application/grpc', te: 'trailers' };
  const ACCOUNTS = 'accounts.v1.exports.bank.example';
  const RATES = 'rates.exports.bank.example';
  const endless: Readonly<Record<string, OutgoingHttpHeaders>> = {
    'A request': { ...HTTP, ':authority': ACCOUNTS },
    'A gRPC call without a deadline': { ...GRPC, ':authority': RATES },
    'A gRPC call with a deadline in ten thousand years': { ...GRPC, ':authority': RATES, 'grpc-timeout': '99999999H' },
  };

  for (const [what, headers] of Object.entries(endless))
    test(`${what} that a peer never completes ends, and so does its connection`, async () => {
      const session = await fromPeer();
      const stream = session.request({ ':scheme': 'https', ...headers }, { endStream: false });
      let ended = false;
      stream.on('error', () => undefined);
      stream.on('close', () => (ended = true));
      stream.resume();
      await eventually('it ends', () => {
        // Never silent for long, so that no limit on silence ends it.
        if (!stream.destroyed) stream.write('more');
        return ended;
      });
      await eventually('the connection ends', () => session.destroyed);
    });

  test('A backend of gRPC is told its caller’s deadline, or the age of a call without one', async () => {
    const deadline = async (more: OutgoingHttpHeaders): Promise<unknown> => {
      const session = await fromPeer();
      const stream = session.request({ ...GRPC, ':scheme': 'https', ':authority': RATES, ...more });
      stream.end();
      await once(stream, 'response');
      session.destroy();
      return scene.rates.last?.headers['grpc-timeout'];
    };
    assert.deepEqual([await deadline({ 'grpc-timeout': '999m' }), await deadline({})], ['999m', '1000m']);
  });
});
