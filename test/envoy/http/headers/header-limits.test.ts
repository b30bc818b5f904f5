// How many header fields, of what size, pass two gateways: the one that the request or the answer meets first decides.
// Must not: count in another way than a caller does; each case is found by asking, from below the limit to above it.

import assert from 'node:assert/strict';
import { connect } from 'node:http2';
import { after, before, describe, test } from 'node:test';
import { BankAndShop } from '../../bank-and-shop.ts';
import { callLocally } from '../../callers.ts';

const HOST = 'accounts.bank.svc.cluster.local';

describe('header limits of two gateways', () => {
  let scene: BankAndShop;

  before(async () => {
    scene = await BankAndShop.start();
  });

  after(() => scene.stop());

  const fields = (count: number, prefix = 'a'): Record<string, string> =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`${prefix}${index}`, 'v']));

  const status = async (headers: Record<string, string>): Promise<number> =>
    (await callLocally(scene.local, HOST, '/v1/accounts', headers)).status;

  test('Up to 100 fields of a request pass, and one more is 431 at the egress, never 503', async () => {
    // With host and connection, which the caller sends by itself.
    for (let count = 90; count <= 98; count += 1) assert.equal(await status(fields(count)), 200, String(count));
    for (let count = 99; count <= 110; count += 1) assert.equal(await status(fields(count)), 431, String(count));
  });

  test('A request with headers near 32 KiB passes or is 431, never 503', async () => {
    const seen = new Map<number, number>();
    for (let size = 32 * 1024 - 1024; size <= 32 * 1024 + 256; size += 32) {
      seen.set(size, await status({ large: 'x'.repeat(size) }));
    }
    assert.deepEqual([...new Set(seen.values())].sort(), [200, 431]);
  });

  test('An answer with too many fields is refused by the gateway next to the backend, with 502', async () => {
    const verdicts: number[] = [];
    // The request itself stays within its limit.
    for (let count = 88; count <= 98; count += 1) verdicts.push(await status(fields(count, 'want-w')));
    const refused = verdicts.filter((verdict) => verdict === 502).length;
    assert.deepEqual(
      verdicts,
      verdicts.map((_, index) => (index < verdicts.length - refused ? 200 : 502)),
    );
    assert.ok(refused > 0 && refused < verdicts.length, verdicts.join());
    const logged = (): number => scene.ingress.log.filter((line) => line['code'] === 502).length;
    for (let attempt = 0; attempt < 100 && logged() < refused; attempt += 1)
      await new Promise((next) => setTimeout(next, 50));
    assert.equal(logged(), refused, 'each of them is the verdict of the ingress');
  });

  test('Up to 100 fields of trailers pass in both directions', async () => {
    const session = connect(`http://127.0.0.1:${scene.local}`);
    session.on('error', () => undefined);
    const grpc = (count: number): Promise<string> =>
      new Promise((done) => {
        const stream = session.request(
          {
            ':method': 'POST',
            ':path': '/fx.Rates/Get',
            ':authority': 'rates.bank',
            'content-type': 'application/grpc',
            te: 'trailers',
          },
          { waitForTrailers: true },
        );
        stream.on('wantTrailers', () => stream.sendTrailers(fields(count, 't')));
        stream.on('response', (headers) => done(String(headers[':status'])));
        stream.on('error', (error) => done(error.message));
        stream.on('close', () => done('closed'));
        stream.resume().end('body');
      });
    for (const count of [90, 97, 98, 99, 100]) {
      assert.equal(await grpc(count), '200', String(count));
      assert.equal(Object.keys(scene.rates.last?.trailers ?? {}).length, count);
    }
    session.destroy();
  });
});
