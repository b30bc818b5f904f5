// One request in the logs of two gateways: the id that joins them, and the authority that was asked for.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { LogLine } from '../../../deploy/demo/why.ts';
import { eventually, Testbed, type TestMesh } from '../../support/mesh.ts';
import { ACCOUNTS, startThreeMeshes, type ThreeMeshes } from '../three-meshes.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const FORGED = '11111111-2222-4333-8444-555555555555';

describe('the access logs of two gateways', () => {
  let bed: Testbed;
  let meshes: ThreeMeshes;

  before(async () => {
    bed = await Testbed.create();
    meshes = await startThreeMeshes(bed, 'delta');
  });

  after(() => bed.close());

  /** The one line of the request with this path. */
  async function line(mesh: TestMesh, role: 'ingress' | 'egress', path: string): Promise<LogLine> {
    const lines = (): readonly LogLine[] =>
      mesh.log(role).filter((one) => one['layer'] === 'http' && one['path'] === path);
    await eventually(`${role} logs ${path}`, () => lines().length > 0);
    const [first, ...others] = lines();
    assert.equal(others.length, 0);
    return first ?? {};
  }

  test('A request has one fresh id in both logs, which no other request has', async () => {
    const ids: unknown[] = [];
    for (const path of ['/v1/receipts/joined-1', '/v1/receipts/joined-2']) {
      assert.equal((await meshes.local('shop', 'accounts.bank', { path })).status, 200);
      const { request_id: id } = await line(meshes.shop, 'egress', path);
      const { peer_request_id: peers, request_id: own } = await line(meshes.bank, 'ingress', path);
      assert.match(String(id), UUID);
      assert.equal(peers, id);
      assert.match(String(own), UUID);
      ids.push(id, own);
      assert.equal(meshes.accounts.seen.at(-1)?.headers['x-request-id'], own);
      assert.equal(meshes.accounts.seen.at(-1)?.headers['x-postern-given-request-id'], undefined);
    }
    assert.equal(new Set(ids).size, 4);
  });

  test('A request that is refused has its id in both logs too', async () => {
    const path = '/v1/admin/joined';
    assert.equal((await meshes.local('shop', 'accounts.bank', { path })).status, 403);
    const { request_id: id } = await line(meshes.shop, 'egress', path);
    assert.match(String(id), UUID);
    assert.equal((await line(meshes.bank, 'ingress', path))['peer_request_id'], id);
  });

  test('The id that a caller sends is logged under its own key, and neither used nor passed on', async () => {
    const path = '/v1/receipts/with-an-id';
    const headers = { 'x-request-id': FORGED, 'x-postern-given-request-id': FORGED };
    assert.equal((await meshes.local('shop', 'accounts.bank', { path, headers })).status, 200);
    const lines = [await line(meshes.shop, 'egress', path), await line(meshes.bank, 'ingress', path)];
    const { caller_request_id: given, ...others } = lines[0] ?? {};
    assert.equal(given, FORGED);
    assert.ok(!JSON.stringify([others, lines[1], meshes.accounts.seen.at(-1)?.headers]).includes(FORGED));
    assert.equal(lines[1]?.['peer_request_id'], lines[0]?.['request_id']);
  });

  test('An id that a peer makes up stays under its own key, and reaches no backend', async () => {
    const path = '/v1/receipts/forged';
    const asked = { authority: ACCOUNTS, path, headers: { 'x-request-id': FORGED } };
    assert.equal((await meshes.direct('shop', asked)).status, 200);
    const { peer_request_id: peers, request_id: own } = await line(meshes.bank, 'ingress', path);
    assert.equal(peers, FORGED);
    assert.match(String(own), UUID);
    assert.notEqual(own, FORGED);
    assert.equal(meshes.accounts.seen.at(-1)?.headers['x-request-id'], own);
    assert.ok(!JSON.stringify(meshes.accounts.seen.at(-1)?.headers).includes(FORGED));
  });

  for (const [what, id] of [
    ['quotes', '","peer":"partner","reason":"ALLOWED'],
    ['a text that is longer than an id', `${FORGED}0`],
  ] as const) {
    test(`Of ${what} in the place of an id, the log has as much as an id is long, under its key, and the backend nothing`, async () => {
      for (const kind of ['receipts', 'admin']) {
        const path = `/v1/${kind}/${what.replaceAll(' ', '-')}`;
        const asked = { authority: ACCOUNTS, path, headers: { 'x-request-id': id } };
        assert.equal((await meshes.direct('shop', asked)).status, kind === 'admin' ? 403 : 200);
        const { peer_request_id: peers, ...others } = await line(meshes.bank, 'ingress', path);
        assert.equal(peers, id.slice(0, 36));
        assert.equal(others['peer'], 'shop');
        assert.ok(!JSON.stringify([others, meshes.accounts.seen.at(-1)?.headers]).includes(id.slice(0, 36)));
      }
    });
  }

  for (const [what, headers] of Object.entries({
    'is absent': {},
    'comes under our own name': { 'x-postern-given-request-id': FORGED },
  })) {
    test(`What a peer sends is not logged when it ${what}`, async () => {
      for (const kind of ['receipts', 'admin']) {
        const path = `/v1/${kind}/${what.replaceAll(' ', '-')}`;
        const status = (await meshes.direct('shop', { authority: ACCOUNTS, path, headers })).status;
        assert.equal(status, kind === 'admin' ? 403 : 200);
        const logged = await line(meshes.bank, 'ingress', path);
        assert.equal(logged['peer_request_id'], undefined);
        assert.ok(!JSON.stringify(logged).includes(FORGED));
      }
    });
  }

  test('The logs have what was asked for, whether the request was allowed or denied', async () => {
    for (const [kind, status] of [
      ['receipts', 200],
      ['admin', 403],
    ] as const) {
      const path = `/v1/${kind}/authority`;
      assert.equal((await meshes.local('shop', 'accounts.bank', { path })).status, status);
      assert.equal((await line(meshes.shop, 'egress', path))['authority'], 'accounts.bank.svc.cluster.local');
      const { authority, export: exported } = await line(meshes.bank, 'ingress', path);
      assert.deepEqual([authority, exported], [status === 200 ? undefined : ACCOUNTS, 'accounts.v1']);
    }
    const path = '/authority-of-nobody';
    await meshes.direct('shop', { authority: 'payroll.exports.bank.example', path });
    assert.equal((await line(meshes.bank, 'ingress', path))['authority'], 'payroll.exports.bank.example');
  });

  test('A request that Envoy refuses before any filter is logged with its authority, and with no id of the peer', async () => {
    const headers = { 'x-request-id': FORGED, 'x-postern-given-request-id': FORGED };
    assert.equal((await meshes.direct('shop', { authority: ACCOUNTS, path: '/v1/..%2fbefore', headers })).status, 403);
    const refused = (): LogLine | undefined =>
      meshes.bank.log('ingress').find((one) => String(one['code_details']).startsWith('path_normalization_failed'));
    await eventually('the ingress logs the refusal', () => refused() !== undefined);
    assert.equal(refused()?.['authority'], ACCOUNTS);
    assert.equal(refused()?.['peer_request_id'], undefined);
  });
});
