// Compiling the resources of two gateways: all of them or none.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CompileInput, Compiler } from '../../src/pipeline/compile.ts';
import { MeshUnderTest, NOW } from '../envoy/pipeline.ts';

const yaml = (paths: string): string => `
apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {ingress: {address: "127.0.0.1:15443"}, egress: {address: 127.0.0.1}}
peers:
  shop: {trustDomain: shop.example, trustBundle: shop.pem, gatewayIdentities: [gateway/egress], addresses: ["127.0.0.1:443"]}
exports:
- name: accounts
  backend: 127.0.0.1:8080
  consumers:
  - {peer: shop, methods: [GET], paths: [${paths}]}
imports:
- {peer: shop, name: carts, as: carts.local, port: 8081}
`;

test('when one gateway cannot be compiled, the next call of either starts from the last good one', () => {
  const mesh = new MeshUnderTest(yaml('/v1/*'), new Map(), NOW);
  const input = (complete = true): CompileInput => ({
    federation: mesh.federation,
    // Without its certificate, the egress gateway's resources cannot be made.
    identity: (role, peer) => (complete || role === 'ingress' ? mesh.identities.get(role, peer) : undefined),
    retired: [],
    throwawayRootPem: mesh.throwawayRootPem,
  });
  const compiler = new Compiler();
  const good = input();
  const before = compiler.compile(good);
  mesh.update(yaml('/v2/*'));
  assert.throws(() => compiler.compile(input(false)));
  const again = compiler.compile(good);
  // The same objects: nothing was built anew, because nothing of the call that failed was kept.
  assert.equal(again.get('ingress'), before.get('ingress'));
  assert.equal(again.get('egress'), before.get('egress'));
});
