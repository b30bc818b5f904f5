// The admin port's answers, one by one: paths, methods, content types, and who is not answered.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type AdminRequest, type AdminResponse, type AdminViews, answer } from '../../src/admin/admin-routes.ts';
import type { Status } from '../../src/admin/status-view.ts';

const STATUS: Status = {
  mesh: 'bank',
  trustDomain: 'bank.example',
  version: '1.2.3',
  controlPlaneCa: { fingerprint: 'ab', notAfter: '2036-01-01T00:00:00.000Z', made: false },
  config: { file: 'bank.yaml', appliedAt: '2026-11-24T12:00:00.000Z', sha256: 'ab', warnings: [] },
  refused: [],
  gateways: [],
  peers: [],
  deniedPeers: [],
  exports: [],
  imports: [],
  certificates: [],
  certificateEnds: [],
};
const VIEWS: AdminViews = {
  ready: () => true,
  metrics: () => 'postern_peers 2\n',
  status: () => STATUS,
  resources: () => undefined,
};
const NOT_YET: AdminViews = { ...VIEWS, ready: () => false, status: () => undefined, resources: () => undefined };

const ask = (request: Partial<AdminRequest>, views = VIEWS): Promise<AdminResponse> =>
  answer({ method: 'GET', path: '/healthz', host: '127.0.0.1:19000', ...request }, views);

describe('the four paths', () => {
  test('/healthz is fine as long as anything answers', async () => {
    assert.deepEqual([(await ask({})).status, (await ask({}, NOT_YET)).status], [200, 200]);
  });

  test('/readyz is 503 until the first snapshot is served, and when a shutdown has begun', async () => {
    assert.equal((await ask({ path: '/readyz' })).status, 200);
    assert.equal((await ask({ path: '/readyz' }, NOT_YET)).status, 503);
  });

  test('/metrics is Prometheus’ text format, by its content type too', async () => {
    const { status, type, body } = await ask({ path: '/metrics' });
    assert.deepEqual([status, type, body], [200, 'text/plain; version=0.0.4; charset=utf-8', 'postern_peers 2\n']);
  });

  test('/status is JSON, and 503 until there is one', async () => {
    const { status, type, body } = await ask({ path: '/status' });
    assert.deepEqual([status, type, JSON.parse(String(body))], [200, 'application/json', STATUS]);
    assert.equal((await ask({ path: '/status' }, NOT_YET)).status, 503);
  });

  test('/resources asks for the snapshot of a version or a time, and 400 for what is neither', async () => {
    const asked: unknown[] = [];
    const views: AdminViews = {
      ...VIEWS,
      resources: (gateway, which) => {
        asked.push([gateway, which.version, which.at]);
        return undefined;
      },
    };
    await ask({ path: '/resources/ingress' }, views);
    await ask({ path: '/resources/egress?version=0123456789ab&at=2026-11-29T12:00:00.500Z' }, views);
    assert.deepEqual(asked, [
      ['ingress', undefined, undefined],
      ['egress', '0123456789ab', Date.parse('2026-11-29T12:00:00.500Z')],
    ]);
    for (const query of ['version=..%2f', 'version=0123', 'at=then', 'version=0123456789ab&at='])
      assert.equal((await ask({ path: `/resources/ingress?${query}` }, views)).status, 400);
    assert.equal(asked.length, 2);
  });

  test('/resources says that it is busy, and when to come again, apart from not being ready', async () => {
    const path = '/resources/ingress';
    const { status, body, retryAfter } = await ask({ path }, { ...VIEWS, resources: () => 'busy' });
    assert.deepEqual([status, body, retryAfter], [503, 'busy with other requests\n', 1]);
    const notYet = await ask({ path }, NOT_YET);
    assert.deepEqual([notYet.status, notYet.body, notYet.retryAfter], [503, 'not ready\n', undefined]);
  });

  test('A query does not change which path is asked for', async () => {
    assert.equal((await ask({ path: '/status?verbose' })).type, 'application/json');
  });
});

test('Every other path answers 404, including those that only resemble one of the four', async () => {
  for (const path of ['/', '', '*', '/healthz/', '/HEALTHZ', '/metrics/x', '//healthz', '/%68ealthz', '/debug/pprof'])
    assert.equal((await ask({ path })).status, 404, path);
});

test('Every method but GET and HEAD answers 405 on every path, because nothing can be changed', async () => {
  for (const path of ['/healthz', '/readyz', '/metrics', '/status', '/nowhere']) {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'get', '']) {
      const { status, allow } = await ask({ method, path });
      assert.deepEqual([status, allow], [405, 'GET, HEAD'], `${method} ${path}`);
    }
    assert.equal((await ask({ method: 'HEAD', path })).status, (await ask({ path })).status);
  }
});

test('A request with a Host other than localhost gets nothing, so that a web page cannot reach the port by DNS rebinding', async () => {
  const metrics = (host: string): Promise<AdminResponse> => ask({ path: '/metrics', host });
  for (const host of ['127.0.0.1', '127.0.0.1:19000', 'localhost', 'LOCALHOST:1', '[::1]:19000', '10.0.0.7:19000'])
    assert.equal((await metrics(host)).status, 200, host);
  for (const host of [
    ...['', 'evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', 'evil.example:19000'],
    ...['127.0.0.1@evil.example', '127.0.0.1:19000.evil.example', 'localhost\nx', '[evil]', '1:2:3'],
  ]) {
    const { status, body } = await metrics(host);
    assert.equal(status, 403, host);
    assert.equal(String(body).includes('postern_peers'), false);
  }
});

test('A page of another site gets nothing, so that no visitor of it makes the process work', async () => {
  const [host, path] = ['127.0.0.1:19000', '/resources/ingress'];
  const views: AdminViews = { ...VIEWS, resources: () => assert.fail('a page of another site had a report made') };
  for (const fetchSite of ['cross-site', 'same-site', '', 'none, cross-site'])
    assert.equal((await ask({ path, host, fetchSite }, views)).status, 403, fetchSite);
  for (const origin of ['http://evil.example', 'null', '', 'https://127.0.0.1:19000', 'http://127.0.0.1:19001'])
    assert.equal((await ask({ path, host, origin }, views)).status, 403, origin);
  for (const other of ['/healthz', '/readyz', '/metrics', '/status'])
    assert.equal((await ask({ path: other, host, fetchSite: 'cross-site' })).status, 403, other);
  for (const fetchSite of ['none', 'same-origin', undefined])
    assert.equal((await ask({ host, fetchSite, origin: `http://${host}` })).status, 200, fetchSite);
});
