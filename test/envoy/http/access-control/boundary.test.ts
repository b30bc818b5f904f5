// Who gets through the boundary, and who does not: the resources on real Envoys.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eventually } from '../../../support/mesh.ts';
import { BankAndShop, GUEST_EGRESS, PARTNER_EGRESS, SHOP_EGRESS } from '../../bank-and-shop.ts';
import { type Call, call, callLocally } from '../../callers.ts';

describe('the boundary on a real Envoy', () => {
  let scene: BankAndShop;
  before(async () => {
    scene = await BankAndShop.start();
  });
  after(() => scene.stop());

  test('An allowed call by local name reaches the backend under the backend’s own name, with the proven peer', async () => {
    const forged = {
      'x-postern-peer': 'partner',
      'x-forwarded-client-cert': 'URI=spiffe://bank.example/admin',
      'x-envoy-internal': 'true',
      'x-forwarded-for': '10.1.2.3',
    };
    const answer = await callLocally(scene.local, 'accounts.bank.svc.cluster.local', '/v1/accounts?full=1', forged);
    assert.equal(answer.status, 200);
    assert.equal(scene.accounts.last?.path, '/v1/accounts?full=1');
    const { headers } = scene.accounts.last ?? { headers: {} };
    assert.equal(headers.host, '127.0.0.1');
    assert.equal(headers['x-postern-peer'], 'shop');
    assert.match(
      String(headers['x-forwarded-client-cert']),
      /^By=spiffe:\/\/bank.example\/gateway\/ingress;Hash=[0-9a-f]{64};URI=spiffe:\/\/shop.example\/gateway\/egress$/,
    );
    const known = [
      'host',
      'x-postern-peer',
      'x-forwarded-client-cert',
      'x-forwarded-proto',
      'x-request-id',
      'content-length',
      'transfer-encoding',
    ];
    assert.deepEqual(
      Object.keys(headers).filter((name) => !known.includes(name)),
      [],
    );
  });

  test('Every spelling of the local name works, with and without the port', async () => {
    for (const host of [
      'accounts.bank.svc',
      'accounts.bank',
      `accounts.bank:${scene.local}`,
      'Accounts.bank.SVC.cluster.local.',
    ]) {
      assert.equal((await callLocally(scene.local, host, '/v1/accounts')).status, 200, host);
    }
  });

  test('Every call is served while one of the peer’s two gateways is dead', async () => {
    for (let count = 0; count < 20; count++) {
      assert.equal((await callLocally(scene.local, 'accounts.bank', '/v1/accounts')).status, 200);
    }
  });

  test('An unknown local name is 404 at the egress and never reaches the ingress', async () => {
    const answer = await callLocally(scene.local, 'other.bank.svc.cluster.local', '/v1/accounts');
    assert.deepEqual([answer.status, answer.body], [404, 'gateway: 404\n']);
  });

  test('Every refusal is the same answer, byte for byte, and no backend sees the request', async () => {
    const asked = scene.accounts.seen.length;
    const refused: Record<string, Partial<Call>> = {
      'not exported': { authority: 'nothing.exports.bank.example' },
      'exported to another peer': { authority: 'loans.exports.bank.example' },
      'the internal name': { authority: 'accounts.default.svc.cluster.local' },
      'the address of the backend': { authority: '127.0.0.1' },
      'another export in upper case': { authority: 'LOANS.exports.bank.example' },
      'wrong method': { method: 'DELETE' },
      'lower-case method': { method: 'get' },
      TRACE: { method: 'TRACE' },
      'wrong path': { path: '/v1/admin' },
      'prefix without its slash': { path: '/v1/receipts' },
      'longer than an exact path': { path: '/v1/accounts/1' },
      'dot segments': { path: '/v1/receipts/../admin' },
      'encoded dot segments': { path: '/v1/receipts/%2e%2e/admin' },
      'encoded slash': { path: '/v1/receipts/..%2fadmin' },
      'encoded backslash': { path: '/v1/receipts/..%5cadmin' },
      backslash: { path: '/v1/receipts/..\\admin' },
      'double slash': { path: '//v1/admin' },
      'path parameter on dots': { path: '/v1/receipts/..;/admin' },
      'path parameter with a value': { path: '/v1/receipts/..;a=b/admin' },
      'encoded dots and parameter': { path: '/v1/receipts/%2e%2e;/admin' },
      'twice encoded slash': { path: '/v1/receipts/..%252fadmin' },
      'overlong dot': { path: '/v1/receipts/%c0%ae%c0%ae/admin' },
      'encoded NUL': { path: '/v1/receipts/%00' },
      'query that looks like a path': { path: '/v1/admin?/v1/accounts' },
      health: { authority: 'health.gateway.bank.example', path: '/v1/accounts' },
    };
    const generic = await call(scene.fromShop({ path: '/nothing' }));
    assert.deepEqual([generic.status, generic.body], [403, 'gateway: 403\n']);
    for (const [what, wanted] of Object.entries(refused)) {
      const { date: _, ...answer } = flat(await call(scene.fromShop(wanted)));
      const { date: __, ...expected } = flat(generic);
      assert.deepEqual(answer, expected, what);
    }
    assert.equal(scene.accounts.seen.length, asked);
  });

  test('Every refusal of a gRPC call is the same answer, whatever the reason', async () => {
    const headers = { 'content-type': 'application/grpc', te: 'trailers' };
    const ask = (wanted: Partial<Call>) => call(scene.fromShop({ method: 'POST', headers, ...wanted }));
    const generic = await ask({ authority: 'rates.exports.bank.example', path: '/fx.Admin/Get' });
    assert.equal(generic.headers['grpc-status'], '7');
    const others = [
      { authority: 'loans.exports.bank.example' },
      { authority: 'no.exports.bank.example' },
      { authority: 'rates.exports.bank.example', path: '/fx.Rates%2fGet' },
    ];
    for (const other of others) {
      const { date: _, ...answer } = flat(await ask(other));
      const { date: __, ...expected } = flat(generic);
      assert.deepEqual(answer, expected, other.authority);
    }
  });

  test('The case of an authority does not matter at either gateway', async () => {
    const authority = 'Accounts.V1.EXPORTS.bank.example';
    assert.equal((await call(scene.fromShop({ authority }))).status, 200);
    assert.equal((await call(scene.fromShop({ authority, path: '/v1/admin' }))).status, 403);
    assert.equal((await callLocally(scene.local, 'ACCOUNTS.Bank', '/v1/accounts')).status, 200);
    assert.equal(scene.accounts.last?.headers.host, '127.0.0.1');
  });

  test('The scheme is that of the connection to the backend, and the backend learns that the peer used TLS', async () => {
    const headers = { 'content-type': 'application/grpc', te: 'trailers' };
    for (const scheme of ['https', 'http']) {
      const rates = { authority: 'rates.exports.bank.example', path: '/fx.Rates/Get', method: 'POST' };
      await call(scene.fromShop({ ...rates, headers: { ...headers, ':scheme': scheme } }));
      const seen = scene.rates.last?.headers ?? {};
      assert.deepEqual([seen[':scheme' as 'host'], seen['x-forwarded-proto']], ['http', 'https'], scheme);
    }
  });

  test('An offer to upgrade to TLS is ignored, and every other upgrade is refused', async () => {
    const upgrade = (to: string) =>
      callLocally(scene.local, 'accounts.bank', '/v1/accounts', { connection: 'Upgrade', upgrade: to });
    for (const to of ['TLS/1.2', 'TLS/1.0, TLS/1.3', 'tls/1.2', 'h2c']) {
      const asked = scene.accounts.seen.length;
      assert.equal((await upgrade(to)).status, 200, to);
      assert.equal(scene.accounts.seen.length, asked + 1);
      assert.equal(scene.accounts.last?.headers.upgrade, undefined, to);
    }
    const asked = scene.accounts.seen.length;
    for (const to of ['websocket', 'WebSocket', 'TLS/1.2, websocket', 'h2', 'TLSX']) {
      assert.equal((await upgrade(to)).status, 403, to);
    }
    assert.equal(scene.accounts.seen.length, asked);
  });

  test('A backend of a gRPC export gets HTTP/2', async () => {
    const headers = { 'content-type': 'application/grpc', te: 'trailers' };
    const answer = await call(
      scene.fromShop({ authority: 'rates.exports.bank.example', path: '/fx.Rates/Get', method: 'POST', headers }),
    );
    assert.equal(answer.status, 200);
    assert.equal(scene.rates.last?.headers[':path' as 'host'], '/fx.Rates/Get');
  });

  test('The gateway answers health checks, also of a peer without a grant, and logs only those that it refuses', async () => {
    const health = { authority: 'health.gateway.bank.example', path: '/healthz' };
    assert.equal((await call(scene.fromShop(health))).status, 200);
    const guest = {
      servername: 'guest.example.peers.bank.example',
      client: scene.certificate('guest.example', [GUEST_EGRESS]),
    };
    assert.equal((await call(scene.fromShop({ ...guest, ...health }))).status, 200);
    assert.equal((await call(scene.fromShop(guest))).status, 403);
    assert.equal((await call(scene.fromShop({ ...guest, ...health, path: '/healthz/' }))).status, 403);
    await new Promise((done) => setTimeout(done, 200));
    const lines = scene.ingress.log.filter((line) => line['layer'] === 'http');
    const ofGuest = lines.filter(({ peer }) => peer === 'guest');
    assert.deepEqual(
      ofGuest.map(({ verdict, path }) => [verdict, path]),
      [
        ['refused', '/v1/accounts'],
        ['refused', '/healthz/'],
      ],
    );
    assert.deepEqual(
      lines.filter(({ path, verdict }) => path === '/healthz' && verdict === 'allowed'),
      [],
    );
  });

  const strangers: Record<string, () => Partial<Call>> = {
    'no client certificate': () => ({ client: undefined as never }),
    'the right name from another peer’s CA': () => ({
      client: scene.certificate('partner.example', [SHOP_EGRESS]),
    }),
    'the right name from our own CA': () => ({
      client: scene.certificate('bank.example', [SHOP_EGRESS]),
    }),
    'another peer on this peer’s server name': () => ({
      client: scene.certificate('partner.example', [PARTNER_EGRESS], 'rsa'),
    }),
    'this peer on another peer’s server name': () => ({ servername: 'partner.example.peers.bank.example' }),
    'a workload of the peer': () => ({
      client: scene.certificate('shop.example', ['spiffe://shop.example/ns/default/sa/web']),
    }),
    'a longer name': () => ({
      client: scene.certificate('shop.example', ['spiffe://shop.example/gateway/egress/x']),
    }),
    'two names, the right one first': () => ({
      client: scene.certificate('shop.example', [SHOP_EGRESS, PARTNER_EGRESS]),
    }),
    'two names, the right one last': () => ({
      client: scene.certificate('shop.example', [PARTNER_EGRESS, SHOP_EGRESS]),
    }),
    'a key that is not among leafKeys': () => ({
      client: scene.certificate('shop.example', [SHOP_EGRESS], 'rsa'),
    }),
    'an unknown server name': () => ({ servername: 'nobody.peers.bank.example' }),
    'an expired certificate': () => ({
      client: scene.expired('shop.example', [SHOP_EGRESS]),
    }),
  };
  for (const [who, how] of Object.entries(strangers)) {
    test(`A client is refused without an answer: ${who}`, async () => {
      const asked = scene.accounts.seen.length;
      const { client, ...wanted } = scene.fromShop(how());
      await assert.rejects(call(client === undefined ? wanted : { ...wanted, client }));
      assert.equal(scene.accounts.seen.length, asked);
    });
  }

  for (const kind of ['ecdsa', 'p384', 'p521', 'ed25519'] as const) {
    test(`A peer with the default leafKeys is accepted with a key of kind ${kind}`, async () => {
      const client = scene.certificate('shop.example', [SHOP_EGRESS], kind);
      assert.equal((await call(scene.fromShop({ client }))).status, 200);
    });
  }

  test('A peer with leafKeys: [rsa] is accepted with an RSA key', async () => {
    const client = scene.certificate('partner.example', [PARTNER_EGRESS], 'rsa');
    const answer = await call({
      port: scene.port,
      servername: 'partner.example.peers.bank.example',
      client,
      authority: 'loans.exports.bank.example',
    });
    assert.equal(answer.status, 200);
    assert.equal(scene.accounts.last?.headers['x-postern-peer'], 'partner');
  });

  test('Headers that infrastructure trusts do not get in, however they are spelled', async () => {
    const spoofed = [
      'x-envoy-retry-on',
      'X-Envoy-Upstream-Rq-Timeout-Ms',
      'x-forwarded-for',
      'x-forwarded-host',
      'forwarded',
      'x-real-ip',
      'x-postern-peer',
      'x-postern-admin',
      'traceparent',
      'x-original-url',
      'x-http-method-override',
      'via',
      'x-b3-traceid',
      'x-auth-request-user',
      'x-forwarded-client-cert',
    ];
    await call(scene.fromShop({ headers: Object.fromEntries(spoofed.map((name) => [name.toLowerCase(), 'spoof'])) }));
    assert.equal(JSON.stringify(scene.accounts.last?.headers).includes('spoof'), false);
    assert.equal(scene.accounts.last?.headers['x-postern-peer'], 'shop');
  });

  test('The access log has the peer, the request, and the reason of a refusal', async () => {
    await call(scene.fromShop({ path: '/v1/accounts?card=secret-number' }));
    await call(scene.fromShop({ authority: 'loans.exports.bank.example' }));
    await call(scene.fromShop({ client: scene.certificate('partner.example', [SHOP_EGRESS]) })).catch(() => 0);
    await eventually('the log has all three', () => {
      const has = (field: string, value: unknown) => scene.ingress.log.some((line) => line[field] === value);
      const failed = scene.ingress.log.some((line) => line['layer'] === 'listener' && line['tls_fail'] !== undefined);
      return has('path', '/v1/accounts') && has('authority', 'loans.exports.bank.example') && failed;
    });
    const requests = scene.ingress.log.filter((line) => line['layer'] === 'http');
    const served = requests.find((line) => line['verdict'] === 'allowed' && line['path'] === '/v1/accounts');
    assert.deepEqual(
      [served?.['peer'], served?.['rule'], served?.['export'], served?.['peer_uri']],
      ['shop', 'exports.accounts.v1.consumers.shop', 'accounts.v1', SHOP_EGRESS],
    );
    const denied = requests.find((line) => line['authority'] === 'loans.exports.bank.example');
    assert.deepEqual([denied?.['code'], denied?.['reason'], denied?.['peer']], [403, 'NO_GRANT', 'shop']);
    const handshakes = scene.ingress.log.filter(
      (line) => line['layer'] === 'listener' && line['tls_fail'] !== undefined,
    );
    assert.ok(handshakes.some((line) => line['peer'] === 'shop'));
    assert.equal(JSON.stringify(scene.ingress.log).includes('secret-number'), false);
  });

  test('Admitted requests are counted for each rule of the configuration, and for each export and peer', async () => {
    const rules = await scene.ingress.admin('/stats?filter=rbac.policy');
    assert.match(rules, /^http\.ingress_shop\.rbac\.policy\.exports\.accounts\.v1\.consumers\.shop\.allowed: [1-9]/m);
    const stats = await scene.ingress.admin('/stats/prometheus');
    assert.match(stats, /envoy_vhost_vcluster_upstream_rq\{[^}]*envoy_virtual_host="shop\/accounts_v1"[^}]*\}/);
  });

  test('Envoy logs no warning about its configuration', () => {
    assert.equal(scene.ingress.errors.replaceAll(/^.*global_downstream_max_connections.*$/gm, '').trim(), '');
  });
});

function flat(answer: {
  status: number;
  headers: Readonly<Record<string, unknown>>;
  body: string;
}): Record<string, unknown> {
  return { status: answer.status, body: answer.body, ...answer.headers };
}
