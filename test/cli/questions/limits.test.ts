// `postern can` and `postern explain` name the limits on the way, with their values and the lines of the file that set them.

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { Explanation } from '../../../src/cli/explain/explanation.ts';
import type { PlacedLimit } from '../../../src/cli/questions/placed-limit.ts';
import { postern, scene } from '../postern.ts';

const ASKED = ['shop', 'GET', 'withdraw.accounts', '/v1/receipts/1'];

/** The bank with limits of the peer, of the export and of its consumer, each on a line of its own. */
function limited(t: TestContext): { readonly file: string; readonly lineOf: (text: string) => number } {
  let text = '';
  const file = scene(t).edited('limited.yaml', (yaml) => {
    text = yaml
      .replace('trustBundle: pki/shop/ca.pem', 'limits:\n      requestsPerSecond: 31\n    trustBundle: pki/shop/ca.pem')
      .replace(
        'backend: 127.0.0.1:11001',
        'limits:\n    requests: 32\n    requestBody: 33KiB\n  backend: 127.0.0.1:11001',
      )
      .replace('  - peer: shop\n    allow:', '  - peer: shop\n    limits:\n      requests: 34\n    allow:')
      .replace('egress: {address: 127.0.0.1}', 'egress: {address: 127.0.0.1, limits: {connections: 35}}');
    return text;
  });
  return { file, lineOf: (part) => text.split('\n').findIndex((line) => line.includes(part)) + 1 };
}

interface Asked {
  readonly verdict: string;
  readonly reason: string;
  readonly steps: readonly { readonly kind: string; readonly place?: string }[];
}

describe('limits of a question', () => {
  test('The command can names each limit with its value, its key and its line, and whether a key sets it', async (t) => {
    const { file, lineOf } = limited(t);
    const at = (part: string): string => `${file}:${lineOf(part)}`;
    const { stdout } = await postern(['can', ...ASKED, '-f', file, '-o', 'json']);
    const { limits } = JSON.parse(stdout) as { readonly limits: readonly PlacedLimit[] };
    assert.deepEqual(
      limits.map(({ name, value, place, isDefault }) => [name, value, place, isDefault]),
      [
        ['peers.shop.limits.requestsPerSecond', 31, at('requestsPerSecond: 31'), false],
        ['exports.withdraw.accounts.consumers.shop.limits.requests', 34, at('requests: 34'), false],
        ['exports.withdraw.accounts.limits.requestBody', 33 * 1024, at('requestBody: 33KiB'), false],
        // Of the gateways; the line is that of the consumer, where a key would be.
        ['exports.withdraw.accounts.consumers.shop.limits.connections', 4096, at('- peer: shop'), true],
        [undefined, 8192, undefined, true],
      ],
    );
    const text = (await postern(['can', ...ASKED, '-f', file])).stdout;
    for (const part of ['requestsPerSecond: 31', 'requests: 34', 'requestBody: 33KiB'])
      assert.ok(text.includes(at(part)));
    const own = await postern(['can', 'anyone', 'GET', 'reviews.default:11080', '/', '-f', file]);
    assert.match(
      own.stdout,
      new RegExp(`gateways\\.egress\\.limits\\.connections: 35 .*:${lineOf('connections: 35')}\\)`),
    );
  });

  test('A body that is stated to be longer than its limit is refused', async (t) => {
    const { file, lineOf } = limited(t);
    const asked = async (...args: readonly string[]): Promise<readonly unknown[]> => {
      const { status, stdout } = await postern(['can', ...args, '-f', file, '-o', 'json']);
      const { verdict, reason, steps } = JSON.parse(stdout) as Asked;
      const last = steps.at(-1);
      return [status, verdict, reason, ...(verdict === 'no' ? [last?.kind, last?.place] : [])];
    };
    const posts = ['shop', 'POST', 'withdraw.accounts', '/v1/withdrawals', '--body'];
    assert.deepEqual(await asked(...posts, String(33 * 1024)), [0, 'yes', 'ALLOWED']);
    const place = `${file}:${lineOf('requestBody: 33KiB')}`;
    assert.deepEqual(await asked(...posts, String(33 * 1024 + 1)), [1, 'no', 'BODY_LIMIT', 'limit', place]);
    // Who may not is told so first.
    assert.deepEqual((await asked('shop', 'POST', 'withdraw.accounts', '/none', '--body', '99999')).slice(0, 3), [
      1,
      'no',
      'PATH',
    ]);
  });

  test('A limit of an import has the name of the import, as its rule has', async (t) => {
    const file = scene(t).edited(
      'imports.yaml',
      (yaml) =>
        `${yaml.replace('port: 11080', 'port: 11080\n  limits: {requests: 4}')}\n- {peer: shop, name: ticks, as: ticks.default, port: 11081, protocol: tcp, limits: {connections: 3}}\n`,
    );
    for (const [asked, limit] of [
      [['ticks.default:11081'], 'ticks.limits.connections'],
      [['GET', 'reviews.default:11080', '/'], 'reviews.catalog.limits.requests'],
    ] as const) {
      const { stdout } = await postern(['can', 'anyone', ...asked, '-f', file, '-o', 'json']);
      const { limits } = JSON.parse(stdout) as { readonly limits: readonly PlacedLimit[] };
      const names = limits.flatMap(({ name }) => (name?.startsWith('imports.') ? [name] : []));
      assert.ok(names.includes(`imports.${limit}`), JSON.stringify(names));
      assert.ok(names.every((name) => !name.includes(':')));
    }
  });

  test('A line of a refusal by a limit is explained with the limit that it was, its value, its line and what to change', async (t) => {
    const { file, lineOf } = limited(t);
    const told = async (fields: Readonly<Record<string, unknown>>): Promise<Explanation> => {
      const head = { ts: new Date().toISOString(), gateway: 'bank/ingress', layer: 'http', verdict: 'refused' };
      const peer = { peer: 'shop', peer_uri: 'spiffe://shop.example/gateway/egress', method: 'GET' };
      const line = JSON.stringify({ ...head, ...peer, path: '/v1/receipts/1', ...fields });
      const [one] = JSON.parse((await postern(['explain', line, '-f', file, '-o', 'json'])).stdout) as Explanation[];
      assert.ok(one);
      return one;
    };
    const authority = 'withdraw.accounts.exports.bank.example';
    const cases = [
      ['PEER_RATE_LIMIT', authority, 'peers.shop.limits.requestsPerSecond', 31, 'requestsPerSecond: 31'],
      [
        'CONSUMER_REQUESTS_LIMIT',
        authority,
        'exports.withdraw.accounts.consumers.shop.limits.requests',
        34,
        'requests: 34',
      ],
      ['BODY_LIMIT', authority, 'exports.withdraw.accounts.limits.requestBody', 33 * 1024, 'requestBody: 33KiB'],
      // The limit of a peer counts before a name is looked up.
      [
        'PEER_RATE_LIMIT',
        'none.exports.bank.example',
        'peers.shop.limits.requestsPerSecond',
        31,
        'requestsPerSecond: 31',
      ],
    ] as const;
    for (const [reason, asked, name, value, part] of cases) {
      const { limits, look, cure, judged } = await told({ reason, authority: asked });
      const [limit, ...others] = limits.filter(({ isReached }) => isReached);
      assert.deepEqual([others, limit?.name, limit?.value], [[], name, value], reason);
      assert.deepEqual([limit?.place, look?.place], [`${file}:${lineOf(part)}`, `${file}:${lineOf(part)}`]);
      assert.ok(cure.includes(`\`${name}\``) && cure.includes(String(value)), cure);
      assert.equal(judged[0]?.agrees, 'moment');
    }
  });
});
