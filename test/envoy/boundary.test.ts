// The resources on real Envoys, without a control plane: who gets in, who does not, and what each side may see.
// The shop's egress gateway calls the bank's ingress gateway; a stranger holds whatever certificate a test gives him.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Backend, type Call, call, callLocally, certify, issuerOf } from './callers.ts';
import { type Ca, MeshUnderTest, newCa } from './pipeline.ts';
import { freePorts, RealEnvoy, skip } from './real-envoy.ts';
import { staticBootstrap } from './static-bootstrap.ts';

const now = Date.now();

describe('the boundary on a real Envoy', { skip }, () => {
  const cas = new Map<string, Ca>();
  const accounts = new Backend();
  const rates = new Backend('h2c');
  const running: RealEnvoy[] = [];
  let port = 0;
  let local = 0;
  let bank: MeshUnderTest;
  let ingress: RealEnvoy;

  const issuer = (trustDomain: string) => issuerOf(cas.get(trustDomain) ?? newCa(trustDomain, now), trustDomain, now);
  const shop = () => certify(issuer('shop.example'), ['spiffe://shop.example/gateway/egress'], now);
  const fromShop = (wanted: Partial<Call>): Call => ({
    port,
    servername: 'shop.example.peers.bank.example',
    client: shop(),
    authority: 'accounts.v1.exports.bank.example',
    path: '/v1/accounts',
    ...wanted,
  });

  before(async () => {
    const [ingressPort = 0, egressPort = 0, adminA = 0, adminB = 0] = await freePorts(4);
    [port, local] = [ingressPort, egressPort];
    const [accountsPort, ratesPort] = [await accounts.listen(), await rates.listen()];
    bank = new MeshUnderTest(
      `
apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {ingress: {address: "127.0.0.1:${port}"}}
peers:
  shop: {trustDomain: shop.example, trustBundle: shop.pem, gatewayIdentities: [gateway/egress]}
  partner: {trustDomain: partner.example, trustBundle: partner.pem, gatewayIdentities: [gateway/egress], leafKeys: [rsa]}
exports:
- name: accounts.v1
  backend: 127.0.0.1:${accountsPort}
  consumers:
  - {peer: shop, methods: [GET, POST], paths: [/v1/accounts, /v1/receipts/*]}
- name: loans
  backend: 127.0.0.1:${accountsPort}
  consumers:
  - {peer: partner, methods: [GET], paths: [/*]}
- name: rates
  protocol: grpc
  backend: 127.0.0.1:${ratesPort}
  consumers:
  - {peer: shop, paths: [/fx.Rates/*]}
`,
      cas,
      now,
    );
    const shopMesh = new MeshUnderTest(
      `
apiVersion: postern/v1
mesh: {name: shop, trustDomain: shop.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {egress: {address: 127.0.0.1}}
peers:
  bank: {trustDomain: bank.example, trustBundle: bank.pem, gatewayIdentities: [gateway/ingress], addresses: ["127.0.0.1:${port}"]}
imports:
- {peer: bank, name: accounts.v1, as: accounts.bank.svc.cluster.local, port: ${local}}
- {peer: bank, name: loans, as: loans.bank.svc.cluster.local, port: ${local}}
- {peer: bank, name: rates, as: rates.bank, port: ${local}, protocol: grpc}
`,
      cas,
      now,
    );
    ingress = await RealEnvoy.start(staticBootstrap(bank.resources('ingress'), adminA), adminA);
    running.push(ingress);
    running.push(await RealEnvoy.start(staticBootstrap(shopMesh.resources('egress'), adminB), adminB));
  });

  after(async () => {
    await Promise.all(running.map((envoy) => envoy.stop()));
    accounts.close();
    rates.close();
  });

  test('an allowed call by local name reaches the backend under its own name, with the proven peer', async () => {
    const forged = {
      'x-postern-peer': 'partner',
      'x-forwarded-client-cert': 'URI=spiffe://bank.example/admin',
      'x-envoy-internal': 'true',
      'x-forwarded-for': '10.1.2.3',
    };
    const answer = await callLocally(local, 'accounts.bank.svc.cluster.local', '/v1/accounts?full=1', forged);
    assert.equal(answer.status, 200);
    assert.equal(accounts.last?.path, '/v1/accounts?full=1');
    const { headers } = accounts.last ?? { headers: {} };
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

  test('every spelling of the local name works, with and without the port', async () => {
    for (const host of [
      'accounts.bank.svc',
      'accounts.bank',
      `accounts.bank:${local}`,
      'Accounts.bank.SVC.cluster.local.',
    ]) {
      assert.equal((await callLocally(local, host, '/v1/accounts')).status, 200, host);
    }
  });

  test('an unknown local name is 404 at egress, and the ingress never hears of it', async () => {
    const answer = await callLocally(local, 'other.bank.svc.cluster.local', '/v1/accounts');
    assert.deepEqual([answer.status, answer.body], [404, 'gateway: 404\n']);
  });

  test('every refusal is the same answer, byte for byte, and no backend sees the request', async () => {
    const asked = accounts.seen.length;
    const refused: Record<string, Partial<Call>> = {
      'not exported': { authority: 'nothing.exports.bank.example' },
      'exported to another peer': { authority: 'loans.exports.bank.example' },
      'the internal name': { authority: 'accounts.default.svc.cluster.local' },
      'the address of the backend': { authority: '127.0.0.1' },
      'upper case': { authority: 'ACCOUNTS.V1.exports.bank.example' },
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
    const generic = await call(fromShop({ path: '/nothing' }));
    assert.deepEqual([generic.status, generic.body], [403, 'gateway: 403\n']);
    for (const [what, wanted] of Object.entries(refused)) {
      const { date: _, ...answer } = flat(await call(fromShop(wanted)));
      const { date: __, ...expected } = flat(generic);
      assert.deepEqual(answer, expected, what);
    }
    assert.equal(accounts.seen.length, asked);
  });

  test('a gRPC refusal is the same too, whatever the reason', async () => {
    const headers = { 'content-type': 'application/grpc', te: 'trailers' };
    const ask = (wanted: Partial<Call>) => call(fromShop({ method: 'POST', headers, ...wanted }));
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

  test('a gRPC export is spoken to in HTTP/2', async () => {
    const headers = { 'content-type': 'application/grpc', te: 'trailers' };
    const answer = await call(
      fromShop({ authority: 'rates.exports.bank.example', path: '/fx.Rates/Get', method: 'POST', headers }),
    );
    assert.equal(answer.status, 200);
    assert.equal(rates.last?.headers[':path' as 'host'], '/fx.Rates/Get');
  });

  test('the gateway answers for its own health, to a peer with a grant', async () => {
    const answer = await call(fromShop({ authority: 'health.gateway.bank.example', path: '/healthz' }));
    assert.equal(answer.status, 200);
  });

  const strangers: Record<string, () => Partial<Call>> = {
    'no client certificate': () => ({ client: undefined as never }),
    'the right name from another peer’s CA': () => ({
      client: certify(issuer('partner.example'), ['spiffe://shop.example/gateway/egress'], now),
    }),
    'the right name from our own CA': () => ({
      client: certify(issuer('bank.example'), ['spiffe://shop.example/gateway/egress'], now),
    }),
    'another peer on this peer’s server name': () => ({
      client: certify(issuer('partner.example'), ['spiffe://partner.example/gateway/egress'], now, 'rsa'),
    }),
    'this peer on another peer’s server name': () => ({ servername: 'partner.example.peers.bank.example' }),
    'a workload of the peer': () => ({
      client: certify(issuer('shop.example'), ['spiffe://shop.example/ns/default/sa/web'], now),
    }),
    'a longer name': () => ({
      client: certify(issuer('shop.example'), ['spiffe://shop.example/gateway/egress/x'], now),
    }),
    'two names, the right one first': () => ({
      client: certify(
        issuer('shop.example'),
        ['spiffe://shop.example/gateway/egress', 'spiffe://partner.example/gateway/egress'],
        now,
      ),
    }),
    'two names, the right one last': () => ({
      client: certify(
        issuer('shop.example'),
        ['spiffe://partner.example/gateway/egress', 'spiffe://shop.example/gateway/egress'],
        now,
      ),
    }),
    'a key that is not among leafKeys': () => ({
      client: certify(issuer('shop.example'), ['spiffe://shop.example/gateway/egress'], now, 'rsa'),
    }),
    'an unknown server name': () => ({ servername: 'nobody.peers.bank.example' }),
    'an expired certificate': () => ({
      client: certify(issuer('shop.example'), ['spiffe://shop.example/gateway/egress'], now - 7_200_000),
    }),
  };
  for (const [who, how] of Object.entries(strangers)) {
    test(`nobody gets an answer with ${who}`, async () => {
      const asked = accounts.seen.length;
      const { client, ...wanted } = fromShop(how());
      await assert.rejects(call(client === undefined ? wanted : { ...wanted, client }));
      assert.equal(accounts.seen.length, asked);
    });
  }

  for (const kind of ['ecdsa', 'p384', 'ed25519'] as const) {
    test(`a peer with the default leafKeys may come with ${kind}`, async () => {
      const client = certify(issuer('shop.example'), ['spiffe://shop.example/gateway/egress'], now, kind);
      assert.equal((await call(fromShop({ client }))).status, 200);
    });
  }

  test('a peer with leafKeys: [rsa] may come with RSA', async () => {
    const client = certify(issuer('partner.example'), ['spiffe://partner.example/gateway/egress'], now, 'rsa');
    const answer = await call({
      port,
      servername: 'partner.example.peers.bank.example',
      client,
      authority: 'loans.exports.bank.example',
    });
    assert.equal(answer.status, 200);
    assert.equal(accounts.last?.headers['x-postern-peer'], 'partner');
  });

  test('what infrastructure trusts does not get in, however it is spelled', async () => {
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
    await call(fromShop({ headers: Object.fromEntries(spoofed.map((name) => [name.toLowerCase(), 'spoof'])) }));
    assert.equal(JSON.stringify(accounts.last?.headers).includes('spoof'), false);
    assert.equal(accounts.last?.headers['x-postern-peer'], 'shop');
  });

  test('what gives infrastructure away does not get out', async () => {
    const names = [
      'server',
      'x-powered-by',
      'via',
      'x-envoy-upstream-service-time',
      'x-envoy-decorator-operation',
      'x-forwarded-for',
      'alt-svc',
      'x-backend-ip',
      'x-request-id',
    ];
    const headers = Object.fromEntries(names.map((name) => [`want-${name}`, '10.9.8.7']));
    const answer = await call(fromShop({ headers }));
    assert.equal(answer.status, 200);
    assert.equal(JSON.stringify(answer.headers).includes('10.9.8.7'), false);
    assert.equal(answer.headers['server'], 'gateway');
  });

  const rewritten: Record<string, Record<string, string>> = {
    location: {
      'http://accounts.default.svc.cluster.local:8080/a?b#c': '/a?b#c',
      'https://127.0.0.1/x': '/x',
      'http://127.0.0.1': '/',
      'http://10.0.0.7?x': '/?x',
      '//db.internal/x': '/x',
      'http://db/x': '/x',
      'http:db.svc/x': '/x',
      'http:\\\\db.svc\\x': '/x',
      'HTTP://USER:PW@DB.SVC./x': '/x',
      'http://[fd00::1]:80/x': '/x',
      'http://0x7f.1/x': '/x',
      'http://2130706433/x': '/x',
      'http://db.svc//evil.example/x': '/evil.example/x',
      'http://a%2elocal/x': '/x',
      'https://login.partner.example/start?to=x': 'https://login.partner.example/start?to=x',
      '/v1/accounts/7': '/v1/accounts/7',
      next: 'next',
    },
    'content-location': { 'http://db.svc/x': '/x' },
    refresh: { '0; url=http://db.svc/x': '0; url=/x', '5': '5' },
    link: {
      '<http://db.svc/p2>; rel="next", <https://a.example/p3>; rel="x"':
        '</p2>; rel="next", <https://a.example/p3>; rel="x"',
    },
    'set-cookie': { 'a=1; Domain=db.svc; Path=/': 'a=1; Path=/' },
  };
  for (const [header, cases] of Object.entries(rewritten)) {
    test(`${header}: an internal host does not get out, and others stay`, async () => {
      for (const [said, expected] of Object.entries(cases)) {
        const answer = await call(fromShop({ headers: { [`want-${header}`]: said } }));
        assert.deepEqual([answer.headers[header]].flat(), [expected], said);
      }
    });
  }

  test('the access log says who asked for what, and why it was refused', async () => {
    await call(fromShop({ path: '/v1/accounts?card=secret-number' }));
    await call(fromShop({ authority: 'loans.exports.bank.example' }));
    await call(
      fromShop({ client: certify(issuer('partner.example'), ['spiffe://shop.example/gateway/egress'], now) }),
    ).catch(() => 0);
    await new Promise((done) => setTimeout(done, 200));
    const requests = ingress.log.filter((line) => line['layer'] === 'http');
    const served = requests.find((line) => line['verdict'] === 'allowed');
    assert.deepEqual(
      [served?.['peer'], served?.['policy'], served?.['service'], served?.['peer_uri']],
      ['shop', 'export/shop/accounts_v1', 'accounts.v1', 'spiffe://shop.example/gateway/egress'],
    );
    const denied = requests.find((line) => line['authority'] === 'loans.exports.bank.example');
    assert.deepEqual([denied?.['code'], denied?.['verdict'], denied?.['peer']], [403, 'denied', 'shop']);
    const handshakes = ingress.log.filter((line) => line['layer'] === 'listener' && line['tls_fail'] !== undefined);
    assert.ok(handshakes.some((line) => line['peer'] === 'shop'));
    assert.equal(JSON.stringify(ingress.log).includes('secret-number'), false);
  });

  test('allowed and denied are counted for each peer and policy', async () => {
    const stats = await ingress.admin('/stats/prometheus');
    assert.match(
      stats,
      /envoy_http_rbac_policy_allowed\{[^}]*envoy_rbac_policy_name="export\/shop\/accounts_v1"[^}]*\} [1-9]/,
    );
    assert.match(stats, /envoy_vhost_vcluster_upstream_rq\{[^}]*envoy_virtual_host="shop\/accounts_v1"[^}]*\}/);
  });

  test('Envoy has nothing to complain about', () => {
    assert.equal(ingress.errors.replaceAll(/^.*global_downstream_max_connections.*$/gm, '').trim(), '');
  });
});

function flat(answer: {
  status: number;
  headers: Readonly<Record<string, unknown>>;
  body: string;
}): Record<string, unknown> {
  return { status: answer.status, body: answer.body, ...answer.headers };
}
