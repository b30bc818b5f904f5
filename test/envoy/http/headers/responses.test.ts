// What a peer may see of us in a response: the resources on real Envoys.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { BankAndShop, PUBLIC_LOOKING_BACKEND } from '../../bank-and-shop.ts';
import { call } from '../../callers.ts';

describe('a response on a real Envoy', () => {
  let scene: BankAndShop;
  before(async () => {
    scene = await BankAndShop.start();
  });
  after(() => scene.stop());

  test('Headers that describe infrastructure do not get out', async () => {
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
    const answer = await call(scene.fromShop({ headers }));
    assert.equal(answer.status, 200);
    assert.equal(JSON.stringify(answer.headers).includes('10.9.8.7'), false);
    assert.equal(answer.headers['server'], 'gateway');
  });

  const grpc = (headers: Record<string, string>, trailers: Record<string, string> = {}) =>
    call(
      scene.fromShop({
        authority: 'rates.exports.bank.example',
        path: '/fx.Rates/Get',
        method: 'POST',
        headers: { 'content-type': 'application/grpc', te: 'trailers', ...headers },
        trailers,
      }),
    );

  test('Trailers that describe infrastructure do not get out, and those of the application stay', async () => {
    const { trailers } = await grpc({
      'trailer-x-backend-ip': '10.9.8.7',
      'trailer-x-envoy-a': 'b',
      'trailer-grpc-status': '5',
    });
    assert.deepEqual(Object.entries(trailers ?? {}), [['grpc-status', '5']]);
  });

  test('Trailers of a request bring in nothing that infrastructure trusts', async () => {
    await grpc({}, { 'x-postern-peer': 'partner', 'x-forwarded-for': '10.9.8.7', 'x-app': 'kept' });
    assert.deepEqual(Object.entries(scene.rates.last?.trailers ?? {}), [['x-app', 'kept']]);
  });

  const rewritten: Record<string, Record<string, string>> = {
    location: {
      'http://accounts.default.svc.cluster.local:8080/a?b#c': '/a?b#c',
      'https://127.0.0.1/x': '/x',
      'http://127.0.0.1': '/',
      'http://10.0.0.7?x': '/?x',
      [`https://${PUBLIC_LOOKING_BACKEND}/x`]: '/x',
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
      'http://db.service.consul/x': '/x',
      'http://db.test/x': '/x',
      'view-source:http://db.svc/x': '/',
      'jdbc:postgresql://db.svc/x': '/',
      'http://db.svc:/x': '/x',
      'https://login.partner.example/start?to=x': 'https://login.partner.example/start?to=x',
      '/v1/accounts/7': '/v1/accounts/7',
      next: 'next',
      'ht\ttp:/\t/db.svc/x': '/x',
      [`http://${'a'.repeat(256)}.example/x`]: '/x',
      [`https://${'a'.repeat(240)}.example/x`]: `https://${'a'.repeat(240)}.example/x`,
    },
    'content-location': { 'http://db.svc/x': '/x' },
    'operation-location': { 'http://db.svc/x': '/x' },
    'x-sourcemap': { 'http://db.svc/x.map': '/x.map' },
    'hx-redirect': { 'http://db.svc/x': '/x' },
    refresh: {
      '0; url=http://db.svc/x': '0; url=/x',
      '0;http://db.svc/x': '0;/x',
      '0, http://db/x': '0, /x',
      '0 URL = "http://db.svc/x"': '0 URL = "/x"',
      "0;url='http://db.svc/x' y": "0;url='/x'",
      '0; url=https://a.example/x': '0; url=https://a.example/x',
      '5': '5',
    },
    link: {
      '<http://db.svc/p2>; rel="next", <https://a.example/p3>; rel="x"':
        '</p2>; rel="next", <https://a.example/p3>; rel="x"',
      '</x>; rel="up"; anchor="http://db.svc/p2"': '</x>; rel="up"; anchor="http://name.invalid/p2"',
      'http://db.svc/p2; rel=next': 'http://name.invalid/p2; rel=next',
      '</x/db.svc>; rel="next"': '</x/db.svc>; rel="next"',
      '</a>; rel="x", <http://db.svc/': '</a>; rel="x"',
    },
    'set-cookie': { 'a=1; Domain=db.svc; Path=/': 'a=1; Path=/' },
    'www-authenticate': {
      'Basic realm="db.svc", charset="UTF-8"': 'Basic realm="name.invalid", charset="UTF-8"',
      'Basic realm="10.1.2.3"': 'Basic realm="name.invalid"',
      [`Basic realm="${PUBLIC_LOOKING_BACKEND}"`]: 'Basic realm="name.invalid"',
      'Bearer realm="https://auth.internal:5000/token",service="registry"':
        'Bearer realm="https://name.invalid:5000/token",service="registry"',
      'Bearer realm="https://db/token"': 'Bearer realm="https://name.invalid/token"',
      'Bearer realm="https://u:p@db/token"': 'Bearer realm="https://name.invalid:p@name.invalid/token"',
      'Bearer realm="http://[fd00::1]/token"': 'Bearer realm="http://name.invalid/token"',
      'Bearer realm="https://login.partner.example/token", error="invalid_token"':
        'Bearer realm="https://login.partner.example/token", error="invalid_token"',
      'Negotiate YIIG//abc+//x/9w==': 'Negotiate YIIG//abc+//x/9w==',
      'Basic realm="Staff only"': 'Basic realm="Staff only"',
    },
    'content-security-policy': {
      "default-src 'self' https://cdn.example.com http://assets.corp.internal:8080 *.svc.cluster.local; report-uri //db/r":
        "default-src 'self' https://cdn.example.com http://name.invalid:8080 *name.invalid; report-uri //name.invalid/r",
    },
    'report-to': {
      '{"group":"a","endpoints":[{"url":"https:\\/\\/db\\/r"}]}':
        '{"group":"a","endpoints":[{"url":"https:\\/\\/name.invalid\\/r"}]}',
    },
    'reporting-endpoints': { 'a="http://db.svc/r"': 'a="http://name.invalid/r"' },
  };
  test('A header that cannot be rewritten within limits is removed', async () => {
    const gone: Record<string, readonly string[]> = {
      location: [`https://a.example/${'x'.repeat(8192)}`, `http://${'.'.repeat(12_000)}x/`],
      link: ['<'.repeat(12_000), `<https://a.example/>; title="${'x'.repeat(8192)}"`],
      'set-cookie': [`a=${'x'.repeat(8192)}; Domain=db.svc`],
    };
    for (const [header, values] of Object.entries(gone)) {
      for (const value of values) {
        const answer = await call(scene.fromShop({ headers: { [`want-${header}`]: value } }));
        assert.deepEqual([answer.status, answer.headers[header]], [200, undefined], `${header}: ${value.slice(0, 30)}`);
      }
    }
    const longest = `https://a.example/${'x'.repeat(8192 - 'https://a.example/'.length)}`;
    const answer = await call(scene.fromShop({ headers: { 'want-location': longest } }));
    assert.equal(answer.headers['location'], longest);
  });

  test('No reflected value makes a response much longer', async () => {
    const said = 'a@'.repeat(2048);
    const names = ['link', 'www-authenticate', 'content-security-policy', 'report-to', 'nel', 'expect-ct', 'warning'];
    const headers = Object.fromEntries(names.map((name) => [`want-${name}`, said]));
    const answer = await call(scene.fromShop({ headers: { ...headers, 'want-x-app': 'kept' } }));
    const length = names.reduce((sum, name) => sum + String(answer.headers[name] ?? '').length, 0);
    assert.ok(length <= names.length * said.length + 4096, `${length} bytes`);
    assert.equal(answer.headers['x-app'], 'kept');
    const policy = { 'want-content-security-policy': "default-src 'self' http://db.svc" };
    const usual = await call(scene.fromShop({ headers: policy }));
    assert.equal(usual.headers['content-security-policy'], "default-src 'self' http://name.invalid");
  });

  test('A request, and a response without a header to rewrite, run no script', async () => {
    const executions = async () =>
      /\.ingress_shop\.lua\.executions: (\d+)/.exec(await scene.ingress.admin('/stats'))?.[1];
    const before = Number(await executions());
    await call(scene.fromShop({ headers: { 'want-x-app': 'http://db.svc/' } }));
    assert.equal(Number(await executions()), before);
    await call(scene.fromShop({ headers: { 'want-nel': '{}' } }));
    assert.equal(Number(await executions()), before + 1);
    await call(scene.fromShop({ headers: { a_b: '1' } }));
    assert.equal(Number(await executions()), before + 1);
  });

  test('Bytes that are not UTF-8 do not hide a host name', async () => {
    const answer = await call(scene.fromShop({ headers: { 'want-location': 'http://db.svc/%%e9' } }));
    assert.equal(Buffer.from(String(answer.headers['location'])).includes('db.svc'), false);
    assert.match(String(answer.headers['location']), /^\//);
  });

  for (const [header, cases] of Object.entries(rewritten)) {
    test(`An internal host in ${header} does not get out, and other hosts stay`, async () => {
      for (const [said, expected] of Object.entries(cases)) {
        const answer = await call(scene.fromShop({ headers: { [`want-${header}`]: said } }));
        assert.deepEqual([answer.headers[header]].flat(), [expected], said);
      }
    });
  }
});
