// The evaluator of `can` on the resources of whole configurations: who is answered what, by which step.
// Each kind of answer is one example.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Decision } from '../../src/decision/answer/decision.ts';
import type { Hello, Question, Request } from '../../src/decision/answer/question.ts';
import { judge } from '../../src/decision/connection.ts';
import { claimHeader, peerHello, workloadHello } from '../../src/decision/tls/honest-client.ts';
import type { ResourceJson } from '../../src/envoy/proto/types.gen.ts';
import { PosternError } from '../../src/errors.ts';
import { MeshUnderTest, NOW } from '../envoy/pipeline.ts';

const folder = fileURLToPath(new URL('../../../test/golden/', import.meta.url));

function meshOf(name: string): MeshUnderTest {
  return new MeshUnderTest(readFileSync(`${folder}${name}/config.yaml`, 'utf8'));
}

function ask(
  resources: readonly ResourceJson[],
  peer: string,
  asked: Partial<Request>,
  hello: Partial<Hello> = {},
): Decision {
  const honest = peerHello(resources, peer, NOW);
  assert.ok(honest);
  const request: Request = { protocol: 'h2', method: 'GET', authority: '', path: '/', headers: [], ...asked };
  return judge(resources, { hello: { ...honest, ...hello }, request, at: NOW });
}

const answer = ({ verdict, reason, backends }: Decision): readonly unknown[] => [verdict, reason, ...backends];

describe('requests of peers', () => {
  const ingress = meshOf('workloads').resources('ingress');
  const accounts = (asked: Partial<Request>): Decision =>
    ask(ingress, 'shop', { authority: 'accounts.exports.bank.example', ...asked });
  const claim = (workload: string) => ({
    headers: [claimHeader('spiffe://shop.example/gateway/egress-a', `spiffe://shop.example/${workload}`)],
  });

  test('A request that a rule names is allowed, and leads to the backend of the export', () => {
    const decision = accounts({ path: '/v1/rates?x=/y' });
    assert.deepEqual(answer(decision), ['yes', 'ALLOWED', 'accounts.default.svc.cluster.local:8080']);
    assert.ok(decision.rule);
    const kinds = [
      'listener',
      'filter chain',
      'bundle',
      'identity',
      'access control',
      'request',
      'virtual host',
      'rule',
      'route',
    ];
    assert.deepEqual(
      decision.steps.map(({ kind }) => kind),
      [...kinds, 'cluster', 'backend'],
    );
  });

  test('A refusal says what part of the nearest rule is missing', () => {
    assert.deepEqual(answer(accounts({ method: 'POST', path: '/v1/rates' })), ['no', 'METHOD']);
    assert.deepEqual(answer(accounts({ path: '/v1/rates/' })), ['no', 'PATH']);
    const decision = accounts({ method: 'POST', path: '/v1/payments', ...claim('ns/shop/sa/other') });
    assert.deepEqual(answer(decision), ['no', 'WORKLOAD']);
    assert.deepEqual(decision.nearest?.needs, ['workload spiffe://shop.example/ns/shop/sa/checkout']);
  });

  test('A claim counts only when the gateway that the connection proved wrote it', () => {
    const payment = { method: 'POST', path: '/v1/payments' };
    assert.equal(accounts({ ...payment, ...claim('ns/shop/sa/checkout') }).verdict, 'yes');
    assert.equal(accounts({ ...payment, ...claim('ns/pay/deep/sa/x') }).verdict, 'yes');
    const other = claimHeader('spiffe://shop.example/gateway/egress-b', 'spiffe://shop.example/ns/shop/sa/checkout');
    assert.deepEqual(answer(accounts({ ...payment, headers: [other] })), ['no', 'WORKLOAD']);
    const twice = [...claim('ns/shop/sa/checkout').headers, ...claim('ns/shop/sa/checkout').headers];
    assert.deepEqual(answer(accounts({ ...payment, headers: twice })), ['no', 'WORKLOAD']);
  });

  test('The guards of paths, bodies, header names and hosts are judged as the gateway runs them', () => {
    const receipts = { method: 'POST', ...claim('ns/pay/sa/x') };
    assert.equal(accounts({ ...receipts, path: '/v1/receipts/7' }).verdict, 'yes');
    assert.equal(accounts({ ...receipts, path: '/v1/x/%2e%2e//receipts/7' }).verdict, 'yes');
    assert.deepEqual(answer(accounts({ ...receipts, path: '/v1/receipts/%2f' })), ['no', 'MALFORMED_REQUEST']);
    assert.deepEqual(answer(accounts({ ...receipts, path: '/v1/receipts/%25' })), ['no', 'UNUSUAL_PATH']);
    assert.equal(accounts({ ...receipts, path: '/v1/receipts/a;b' }).verdict, 'no');
    const rates = { path: '/v1/rates' };
    assert.deepEqual(answer(accounts({ ...rates, body: { bytes: 2, hasLength: true } })), ['no', 'UNEXPECTED_BODY']);
    assert.deepEqual(answer(accounts({ ...rates, body: { bytes: 1, hasLength: false } })), ['no', 'UNEXPECTED_BODY']);
    assert.equal(accounts({ ...rates, body: { bytes: 0, hasLength: false } }).verdict, 'yes');
    assert.deepEqual(answer(accounts({ ...rates, headers: [['x_y', '1']] })), ['no', 'UNDERSCORE_HEADER']);
    assert.equal(accounts({ ...rates, authority: 'Accounts.Exports.Bank.Example:443' }).verdict, 'yes');
    assert.deepEqual(answer(accounts({ ...rates, authority: 'accounts.exports.bank.example.' })), ['no', 'NO_GRANT']);
    assert.deepEqual(answer(accounts({ ...rates, upgrade: 'websocket' })), ['no', 'UPGRADE']);
  });

  test('The gateway answers the health checks of a peer by itself', () => {
    const decision = ask(ingress, 'shop', { authority: 'health.gateway.bank.example', path: '/healthz' });
    assert.deepEqual(answer(decision), ['yes', 'ALLOWED']);
  });
});

describe('handshakes', () => {
  const ingress = meshOf('several-peers').resources('ingress');
  const honest = peerHello(ingress, 'shop', NOW);
  const shown = honest?.certificate;
  assert.ok(honest && shown);
  const asked = { authority: 'withdraw.payments.exports.core.bank.example' };
  const reason = (hello: Partial<Hello>): string => ask(ingress, 'shop', asked, hello).reason;

  test('Each way in which a client is not the peer has a reason of its own', () => {
    const partner = peerHello(ingress, 'partner', NOW)?.certificate;
    assert.equal(reason({}), 'ALLOWED');
    assert.equal(reason({ serverName: 'other.peers.core.bank.example' }), 'UNKNOWN_SERVER_NAME');
    assert.equal(reason({ alpn: ['http/1.1'] }), 'UNKNOWN_SERVER_NAME');
    assert.equal(reason({ certificate: { ...shown, signedBy: partner?.signedBy ?? [] } }), 'WRONG_CA');
    assert.equal(reason({ certificate: { ...shown, uris: ['spiffe://shop.example/other'] } }), 'WRONG_IDENTITY');
    assert.equal(reason({ certificate: { ...shown, uris: [...shown.uris, ...shown.uris] } }), 'WRONG_IDENTITY');
    assert.equal(reason({ certificate: { ...shown, notAfter: NOW } }), 'CERTIFICATE_EXPIRED');
    assert.equal(reason({ certificate: { ...shown, notBefore: NOW + 1 } }), 'CERTIFICATE_NOT_YET_VALID');
    assert.equal(reason({ certificate: { ...shown, key: 'rsa' } }), 'WRONG_KEY_KIND');
    const { certificate: _, ...bare } = honest;
    const request: Request = { protocol: 'h2', method: 'GET', path: '/', headers: [], ...asked };
    assert.equal(judge(ingress, { hello: bare, request, at: NOW }).reason, 'NO_CERTIFICATE');
  });

  test('A CA that has ended proves nothing', () => {
    const later = NOW + 400 * 24 * 60 * 60 * 1000;
    const certificate = { ...shown, notAfter: later + 1 };
    const request: Request = { protocol: 'h2', method: 'GET', path: '/', headers: [], ...asked };
    assert.equal(
      judge(ingress, { hello: { ...honest, certificate }, request, at: later }).reason,
      'CERTIFICATE_EXPIRED',
    );
  });
});

describe('TCP', () => {
  test('A peer reaches the exports that it is granted, by their own server names, and nobody else does', () => {
    const ingress = meshOf('tcp').resources('ingress');
    const open = (peer: string, name: string, change: Partial<Hello> = {}): readonly unknown[] => {
      const hello = peerHello(ingress, peer, NOW, name);
      return hello === undefined ? ['no chain'] : answer(judge(ingress, { hello: { ...hello, ...change }, at: NOW }));
    };
    assert.deepEqual(open('shop', 'cache.orders'), ['yes', 'ALLOWED', '10.0.0.8:6379']);
    assert.deepEqual(open('partner', 'cache.orders'), ['no chain']);
    const other = peerHello(ingress, 'partner', NOW, 'ledger')?.certificate;
    assert.deepEqual(open('shop', 'ledger', other && { certificate: other }), ['no', 'WRONG_CA']);
    const two = peerHello(ingress, 'shop', NOW, 'ledger')?.certificate;
    assert.ok(two);
    const uris = [...two.uris, 'spiffe://shop.example/x'];
    assert.deepEqual(open('shop', 'ledger', { certificate: { ...two, uris } }), ['no', 'WRONG_IDENTITY']);
  });
});

describe('callers of our own mesh', () => {
  const egress = meshOf('proven-callers').resources('egress');
  const ask = (workload: string | undefined, port: number, authority?: string): readonly unknown[] => {
    const hello = workloadHello(egress, port, workload, authority === undefined ? 'tcp' : 'h2', NOW);
    const request: Request = { protocol: 'h2', method: 'GET', authority: authority ?? '', path: '/', headers: [] };
    const question: Question = { port, at: NOW, ...(hello && { hello }), ...(authority !== undefined && { request }) };
    return answer(judge(egress, question));
  };

  test('A client of an import reaches the gateways of the peer, and another workload does not', () => {
    const name = 'cart.default.svc.cluster.local';
    assert.deepEqual(ask('spiffe://bank.example/ns/web/sa/front', 8080, name), ['yes', 'ALLOWED', '127.0.0.1:15444']);
    assert.deepEqual(ask('spiffe://bank.example/ns/batch/sa/x', 8080, 'Cart.Default.:8080'), [
      'yes',
      'ALLOWED',
      '127.0.0.1:15444',
    ]);
    assert.deepEqual(ask('spiffe://bank.example/ns/audit/sa/reader', 8080, name), ['no', 'CLIENT']);
    assert.deepEqual(ask(undefined, 8080, name), ['no', 'NO_CERTIFICATE']);
    assert.deepEqual(ask('spiffe://bank.example/ns/web/sa/front', 5432), ['yes', 'ALLOWED', '127.0.0.1:15444']);
    assert.deepEqual(ask('spiffe://bank.example/ns/audit/sa/reader', 5432), ['no', 'CLIENT']);
    assert.equal(ask('spiffe://bank.example/ns/web/sa/front', 9, name)[1], 'NO_LISTENER');
  });

  test('A workload that is no client of a TCP import is told whose certificate it needs', () => {
    const hello = workloadHello(egress, 5432, 'spiffe://bank.example/ns/audit/sa/reader', 'tcp', NOW);
    const { reason, nearest } = judge(egress, { port: 5432, at: NOW, ...(hello && { hello }) });
    assert.deepEqual(
      [reason, nearest],
      [
        'CLIENT',
        {
          rule: 'imports.ledger.clients',
          needs: [
            'the certificate of spiffe://bank.example/ns/web/sa/front or spiffe://bank.example/ns/batch/deep/* or spiffe://bank.example/ns/batch/*',
          ],
        },
      ],
    );
  });

  test('Our own gateway refuses a gateway of the peer that proves to be somebody else', () => {
    const hello = workloadHello(egress, 8080, 'spiffe://bank.example/ns/web/sa/front', 'h2', NOW);
    assert.ok(hello?.certificate);
    const request: Request = { protocol: 'h2', method: 'GET', authority: 'cart.default', path: '/', headers: [] };
    // Of our own CA.
    const peerGateway = { ...hello.certificate, uris: ['spiffe://shop.example/gateway/ingress'] };
    assert.equal(judge(egress, { port: 8080, hello, request, peerGateway, at: NOW }).reason, 'WRONG_CA');
  });
});

describe('what the evaluator does not know', () => {
  const ingress = meshOf('workloads').resources('ingress');
  const changed = (change: (text: string) => string): readonly ResourceJson[] => {
    const text = JSON.stringify(ingress);
    assert.notEqual(change(text), text, 'the change changes nothing');
    return JSON.parse(change(text)) as readonly ResourceJson[];
  };
  const unjudged = (resources: readonly ResourceJson[]): void => {
    const asked = { authority: 'accounts.exports.bank.example', path: '/v1/rates' };
    assert.throws(
      () => ask(resources, 'shop', asked),
      (error) => error instanceof PosternError && error.code === 'UNJUDGED',
    );
  };

  test('A script of one other byte, a new field, a new filter and a missing resource are not judged', () => {
    unjudged(changed((text) => text.replace('function envoy_on_response(', 'function  envoy_on_response(')));
    unjudged(
      changed((text) =>
        text.replace(
          '"path_with_escaped_slashes_action":"REJECT_REQUEST"',
          '"path_with_escaped_slashes_action":"KEEP_UNCHANGED"',
        ),
      ),
    );
    unjudged(
      changed((text) => text.replace('"strip_any_host_port"', '"strip_matching_host_port":true,"strip_any_host_port"')),
    );
    unjudged(changed((text) => text.replace('"max_request_bytes":1', '"max_bytes":1')));
    unjudged(changed((text) => text.replaceAll('filters.http.buffer.v3.Buffer"', 'filters.http.buffer.v4.Buffer"')));
    unjudged(changed((text) => text.replaceAll('"present_match":true', '"present_match":true,"invert_match":true')));
    unjudged(
      changed((text) => text.replace('"require_client_certificate":true', '"require_client_certificate":false')),
    );
    unjudged(ingress.filter((one) => !('name' in one && one.name?.startsWith('bundle/'))));
  });

  for (const name of readdirSync(folder))
    test(`Every peer of the golden case ${name} can be asked about`, () => {
      const resources = meshOf(name);
      if (resources.federation.ingress === undefined) return;
      for (const { name: peer } of resources.federation.peers)
        for (const { authority } of resources.federation.grants.flatMap((grant) =>
          'allow' in grant ? [grant.export] : [],
        ))
          ask(resources.resources('ingress'), peer, { authority });
    });
});
