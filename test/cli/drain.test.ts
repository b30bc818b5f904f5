// `postern drain` against the admin port of an Envoy that is played: what it tells while it waits, and how it ends.
// test/e2e/changes/drain.test.ts drains real Envoys.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { codeOf, postern, refusal } from './postern.ts';

const info = (drainTime: string): string => JSON.stringify({ command_line_options: { drain_time: drainTime } });
const stats = (requests: number, connections: number): string =>
  [
    'http.admin.downstream_cx_active: 1',
    'http.admin.downstream_rq_active: 1',
    'http.admin_metrics.downstream_cx_active: 1',
    `http.ingress.shop.downstream_cx_active: ${connections}`,
    `http.ingress.shop.downstream_rq_active: ${requests}`,
    'http.egress_8080.downstream_rq_active: 0',
  ].join('\n');

/** An Envoy whose statistics are the first of these, then the next at each question, and at last the last one. */
async function envoy(
  t: TestContext,
  answers: readonly string[],
  drainTime = '0s',
): Promise<{ address: string; asked: string[] }> {
  const left = [...answers];
  const asked: string[] = [];
  const server = createServer(({ method, url = '' }, response) => {
    asked.push(`${method} ${url}`);
    if (url === '/server_info') response.end(info(drainTime));
    else response.end(url.startsWith('/stats') ? (left.length > 1 ? left.shift() : left[0]) : 'OK\n');
  });
  server.listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

describe('drain', () => {
  test('The command drain fails the health check, drains the listeners, reports what remains, and ends when nothing is open', async (t) => {
    const { address, asked } = await envoy(t, [stats(2, 3), stats(2, 3), stats(0, 0)]);
    const { status, stdout, stderr } = await postern(['drain', '--envoy-admin', address, '--wait', '60s']);
    assert.deepEqual([status, stdout], [0, 'drained: no request is open; stop the gateway now\n']);
    assert.deepEqual(asked.slice(0, 3), [
      'GET /server_info',
      'POST /healthcheck/fail',
      'POST /drain_listeners?graceful',
    ]);
    const [first, second, ...others] = stderr.trimEnd().split('\n');
    assert.match(first ?? '', /^postern: draining 127\.0\.0\.1:\d+: callers are asked to connect again/);
    assert.match(second ?? '', /^postern: waiting for 2 requests \(ingress\.shop: 2\), for at most \d+ s more$/);
    assert.deepEqual(others, []);
  });

  test('The command drain ends with 0 when only idle connections are left after the time, and says that none holds a request', async (t) => {
    const { address } = await envoy(t, [stats(0, 1)]);
    const { status, stdout, stderr } = await postern(['drain', '--envoy-admin', address, '--wait', '1s']);
    assert.equal(status, 0);
    assert.match(stdout, /^drained: no request is open; 1 idle connection will close when the gateway stops/);
    assert.match(stderr, /no request is open; waiting for 1 idle connection to close, for at most 1 s more/);
  });

  test('The command drain ends with DRAIN_INCOMPLETE when requests are open after the time, and says where, and what to do', async (t) => {
    const { address } = await envoy(t, [stats(1, 1)]);
    const ended = await postern(['drain', '--envoy-admin', address, '--wait', '1s']);
    assert.deepEqual([ended.status, ended.stdout], [1, '']);
    assert.match(ended.stderr, /^postern: DRAIN_INCOMPLETE .*1 request \(ingress\.shop: 1\).*--wait/m);
  });

  test('A wait that ends before the ports close is a usage error, and drains nothing', async (t) => {
    const { address, asked } = await envoy(t, [stats(0, 0)], '5s');
    const ended = await postern(['drain', '--envoy-admin', address, '--wait', '4s']);
    assert.deepEqual(refusal(ended), [64, 'USAGE', '']);
    assert.deepEqual(asked, ['GET /server_info']);
    assert.match(ended.stderr, /--wait 4s ends before the ports .* 5 s/);
  });

  test('An address where nothing listens, or where no Envoy answers, exits with 69 and is named', async (t) => {
    const nobody = await postern(['drain'], { env: { POSTERN_ENVOY_ADMIN: '127.0.0.1:1' } });
    assert.deepEqual(refusal(nobody), [69, 'ADMIN_UNREACHABLE', '']);
    assert.match(nobody.stderr, /POSTERN_ENVOY_ADMIN 127\.0\.0\.1:1: nothing listens there; give the admin address/);
    for (const [code, body] of [
      [404, 'no'],
      [200, 'no JSON'],
      [200, 'null'],
      [200, '{}'],
    ] as const) {
      const other = createServer((_, response) => response.writeHead(code).end(body)).listen(0, '127.0.0.1');
      t.after(() => other.close());
      await once(other, 'listening');
      const address = `127.0.0.1:${(other.address() as AddressInfo).port}`;
      const ended = await postern(['drain', '--envoy-admin', address]);
      assert.deepEqual([ended.status, codeOf(ended)], [69, 'ADMIN_UNREACHABLE'], body);
      assert.match(ended.stderr, /not the admin port of an Envoy/);
    }
  });
});
