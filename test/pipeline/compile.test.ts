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

test('When the second gateway cannot be compiled, the builder of the first keeps its old state too', () => {
  const mesh = new MeshUnderTest(yaml('/v1/*'), new Map(), NOW);
  const input = (complete = true): CompileInput => ({
    federation: mesh.federation,
    // Without its certificate, the egress gateway's resources cannot be made.
    identity: (role, peer) => (complete || role === 'ingress' ? mesh.identities.get(role, peer) : undefined),
    retired: [],
    throwawayRootPem: mesh.throwawayRootPem,
  });
  const good = input();
  const { snapshots: before, compiler } = new Compiler().compile(good);
  mesh.update(yaml('/v2/*'));
  assert.throws(() => compiler.compile(input(false)));
  const { snapshots: again } = compiler.compile(good);
  // The same objects: nothing was built again, because nothing of the call that failed was kept.
  assert.equal(again.get('ingress'), before.get('ingress'));
  assert.equal(again.get('egress'), before.get('egress'));
});

test('A compiler keeps its state, whatever is compiled after it', () => {
  const mesh = new MeshUnderTest(yaml('/v1/*'), new Map(), NOW);
  const input: CompileInput = {
    federation: mesh.federation,
    identity: (role, peer) => mesh.identities.get(role, peer),
    retired: [],
    throwawayRootPem: mesh.throwawayRootPem,
  };
  const first = new Compiler().compile(input);
  mesh.update(yaml('/v2/*'));
  const second = first.compiler.compile({ ...input, federation: mesh.federation });
  assert.notEqual(second.snapshots.get('ingress')?.version, first.snapshots.get('ingress')?.version);
  assert.equal(first.compiler.compile(input).snapshots.get('ingress'), first.snapshots.get('ingress'));
});
