// What a peer may see of us in a response: the resources on real Envoys.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { BankAndShop, PUBLIC_LOOKING_BACKEND } from './bank-and-shop.ts';
import { call } from './callers.ts';

describe('a response on a real Envoy', () => {
  let scene: BankAndShop;
  before(async () => {
    scene = await BankAndShop.start();
  });
  after(() => scene.stop());

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

  test('trailers give nothing away either, and those of the application stay', async () => {
    const { trailers } = await grpc({
      'trailer-x-backend-ip': '10.9.8.7',
      'trailer-x-envoy-a': 'b',
      'trailer-grpc-status': '5',
    });
    assert.deepEqual(Object.entries(trailers ?? {}), [['grpc-status', '5']]);
  });

  test('trailers of a request bring in nothing that infrastructure trusts', async () => {
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
        const answer = await call(scene.fromShop({ headers: { [`want-${header}`]: said } }));
        assert.deepEqual([answer.headers[header]].flat(), [expected], said);
      }
    });
  }
});
