// The limits that a decision names: those that the resources on its way carry, by the keys of the configuration.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Decision } from '../../src/decision/answer/decision.ts';
import { judge } from '../../src/decision/connection.ts';
import { peerHello } from '../../src/decision/tls/honest-client.ts';
import type { ResourceJson } from '../../src/envoy/proto/types.gen.ts';
import { healthAuthority } from '../../src/envoy/resource-names.ts';
import type { TrustDomain } from '../../src/trust/spiffe.ts';
import { MeshUnderTest, NOW } from '../envoy/pipeline.ts';

const golden = readFileSync(fileURLToPath(new URL('../../../test/golden/limits/config.yaml', import.meta.url)), 'utf8');
const mesh = new MeshUnderTest(`${golden.trimEnd()}
- {peer: shop, name: ticks, as: ticks.test, port: 8081, protocol: tcp, limits: {connections: 3}}
`);
const tcp = new MeshUnderTest(
  `${golden.replace(
    'imports:',
    `- name: db
  protocol: tcp
  backend: 10.0.0.8:5432
  limits: {connections: 7}
  consumers: [{peer: shop}]
imports:`,
  )}`,
);

function request(resources: readonly ResourceJson[], authority: string, port?: number): Decision {
  const hello = port === undefined ? peerHello(resources, 'shop', NOW) : undefined;
  const asked = { protocol: 'h2', method: 'GET', authority, path: '/v1/x', headers: [] } as const;
  return judge(resources, { at: NOW, request: asked, ...(hello && { hello }), ...(port !== undefined && { port }) });
}

const limits = ({ limits: all }: Decision): readonly unknown[] =>
  all.map(({ name, value, reason }) => [name, value, reason]);

const OF_PEER = [
  ['peers.shop.limits.connections', 20, 'CONNECTION_LIMIT'],
  ['peers.shop.limits.requestsPerSecond', 500, 'PEER_RATE_LIMIT'],
  ['peers.shop.limits.requests', 200, 'PEER_REQUESTS_LIMIT'],
];

describe('limits of a decision', () => {
  test('A request of a peer has those of the peer, of the consumer, and of the cluster', () => {
    const decision = request(mesh.resources('ingress'), 'accounts.exports.bank.example');
    const consumer = 'exports.accounts.consumers.shop.limits';
    assert.deepEqual(limits(decision), [
      ...OF_PEER,
      [`${consumer}.requestsPerSecond`, 20, 'CONSUMER_RATE_LIMIT'],
      [`${consumer}.requests`, 10000, 'CONSUMER_REQUESTS_LIMIT'],
      [`${consumer}.requestBody`, 10 * 1024 * 1024, 'BODY_LIMIT'],
      // HTTP waits for a connection.
      [`${consumer}.connections`, 64, undefined],
      [undefined, 10000, 'OVERLOADED'],
    ]);
  });

  test('A refused request has those that it passes before', () => {
    const decision = request(mesh.resources('ingress'), 'nothing.exports.bank.example');
    assert.deepEqual([decision.reason, limits(decision)], ['NO_GRANT', OF_PEER]);
  });

  test('Health checks of a peer count for themselves', () => {
    const decision = request(mesh.resources('ingress'), healthAuthority('bank.example' as TrustDomain));
    assert.deepEqual(limits(decision).slice(1), [
      [undefined, 100, 'PEER_RATE_LIMIT'],
      [undefined, 100, 'PEER_REQUESTS_LIMIT'],
    ]);
  });

  test('An import has its own, and TCP its connections', () => {
    const egress = mesh.resources('egress');
    const rule = 'imports.cart.default.svc.cluster.local:8080.limits';
    assert.deepEqual(limits(request(egress, 'cart.default.svc.cluster.local', 8080)), [
      [`${rule}.requestsPerSecond`, 50, 'IMPORT_RATE_LIMIT'],
      [`${rule}.requests`, 9000, 'IMPORT_REQUESTS_LIMIT'],
      [`${rule}.requestBody`, 64 * 1024, 'BODY_LIMIT'],
      [undefined, 9000, 'OVERLOADED'],
    ]);
    const ticks = judge(egress, { at: NOW, port: 8081 });
    assert.deepEqual(limits(ticks), [['imports.:8081.limits.connections', 3, 'CONNECTION_LIMIT']]);
    const ingress = tcp.resources('ingress');
    const hello = peerHello(ingress, 'shop', NOW, 'db');
    assert.ok(hello);
    assert.deepEqual(limits(judge(ingress, { at: NOW, hello })), [
      ['exports.db.consumers.shop.limits.connections', 7, 'CONNECTION_LIMIT'],
    ]);
  });

  test('A body whose length is stated is judged by them, at both gateways; one that comes in pieces is not', () => {
    const cases = [
      ['ingress', 'accounts.exports.bank.example', undefined, 10 * 1024 * 1024],
      ['egress', 'cart.default.svc.cluster.local', 8080, 64 * 1024],
    ] as const;
    for (const [gateway, authority, port, most] of cases) {
      const resources = mesh.resources(gateway);
      const hello = port === undefined ? peerHello(resources, 'shop', NOW) : undefined;
      const reasonOf = (bytes: number, hasLength: boolean): string => {
        const asked = { protocol: 'h2', method: 'POST', authority, path: '/v1/x', headers: [] } as const;
        const about = { at: NOW, ...(hello && { hello }), ...(port !== undefined && { port }) };
        return judge(resources, { ...about, request: { ...asked, body: { bytes, hasLength } } }).reason;
      };
      assert.deepEqual(
        [reasonOf(most, true), reasonOf(most + 1, true), reasonOf(most + 1, false)],
        ['ALLOWED', 'BODY_LIMIT', 'ALLOWED'],
      );
    }
  });

  test('They are those of the resources, whatever the configuration says', () => {
    const text = JSON.stringify(mesh.resources('ingress'));
    const changed = JSON.parse(text.replaceAll('"max_tokens":500', '"max_tokens":77')) as ResourceJson[];
    assert.notEqual(JSON.stringify(changed), text);
    const decision = request(changed, 'accounts.exports.bank.example');
    assert.deepEqual(limits(decision)[1], ['peers.shop.limits.requestsPerSecond', 77, 'PEER_RATE_LIMIT']);
  });
});
