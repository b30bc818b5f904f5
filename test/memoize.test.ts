// Parts of large resources: built, encoded and checked once each, with the same result as in one piece.
// In: a mesh with many exports to one peer. Out: what is built again, and bytes. Must not: measure time.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkInvariants } from '../src/envoy/boundary/boundary-check.ts';
import { encodeMessage, encodeResource } from '../src/envoy/proto/codec.ts';
import { checkResource, ruleBreaches } from '../src/envoy/proto/pgv.ts';
import type { ResourceJson } from '../src/envoy/proto/types.gen.ts';
import { part, remembered } from '../src/memoize.ts';
import { referencesOf } from '../src/pipeline/references.ts';
import { MeshUnderTest, plainName } from './envoy/pipeline.ts';

const exported = (index: number, methods = 'GET'): string =>
  `- {name: s${index}.svc, backend: "127.0.0.1:80", consumers: [{peer: partner, methods: [${methods}], paths: [/a]}]}`;
const mesh = (exports: readonly string[], identity = 'gateway/egress'): string => `
apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example}
identity: {issuer: {certificate: bank.pem, privateKey: bank-key.pem}}
gateways: {ingress: {address: "127.0.0.1:15443"}, egress: {address: 127.0.0.1}}
peers:
  partner: {trustDomain: partner.example, trustBundle: partner.pem, gatewayIdentities: [${identity}], addresses: ["10.0.0.1:443"]}
  other: {trustDomain: other.example, trustBundle: other.pem, gatewayIdentities: [gateway/egress], addresses: ["10.0.0.2:443"]}
exports:
${exports.join('\n')}
imports:
- {peer: partner, name: rates, as: rates.default.svc.cluster.local, port: 8080}
- {peer: other, name: fees, as: fees.default.svc.cluster.local, port: 8080}
`;
const THREE = [exported(0), exported(1), exported(2)];

type Routes = Extract<ResourceJson, { '@type': 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration' }>;

function routesOf(under: MeshUnderTest, name = 'ingress/partner'): Routes {
  const found = under
    .resources('ingress')
    .find((one) => 'name' in one && plainName(one.name ?? '') === name && 'virtual_hosts' in one);
  assert.ok(found !== undefined);
  return found as Routes;
}

function withoutType({ '@type': _, ...content }: ResourceJson): object {
  return content;
}

describe('a part', () => {
  test('is the same object as long as what it is made of is the same', () => {
    const under = new MeshUnderTest(mesh(THREE));
    const before = routesOf(under).virtual_hosts ?? [];
    under.update(mesh([exported(0), exported(1, 'GET, POST'), exported(2)]));
    const after = routesOf(under).virtual_hosts ?? [];
    assert.deepEqual(
      after.slice(0, 3).map((host, index) => host === before[index]),
      [true, false, true],
    );
    // A peer's identities are in every policy of its virtual hosts.
    under.update(mesh([exported(0), exported(1, 'GET, POST'), exported(2)], 'gateway/next'));
    const moved = routesOf(under).virtual_hosts ?? [];
    assert.deepEqual(
      moved.slice(0, 3).map((host, index) => host === after[index]),
      [false, false, false],
    );
    assert.ok(JSON.stringify(moved[0]).includes('gateway/next'));
    assert.ok(!JSON.stringify(moved[0]).includes('gateway/egress'));
  });

  test('is built again when an input is another, or there are more', () => {
    const owner = {};
    const [a, b] = [{}, {}];
    const first = part(owner, [a], () => ({ made: 1 }));
    assert.equal(
      part(owner, [a], () => ({ made: 2 })),
      first,
    );
    assert.deepEqual(
      part(owner, [b], () => ({ made: 3 })),
      { made: 3 },
    );
    assert.deepEqual(
      part(owner, [b, a], () => ({ made: 4 })),
      { made: 4 },
    );
  });

  test('that failed is looked at again', () => {
    let looks = 0;
    const look = remembered((_: object, fails: boolean) => {
      looks += 1;
      if (fails) throw new Error('no');
      return looks;
    });
    const one = {};
    for (let time = 0; time < 2; time += 1) assert.throws(() => look(one, true));
    assert.deepEqual([look(one, false), look(one, true)], [3, 3]);
  });
});

describe('a resource in parts', () => {
  test('has the bytes that it has in one piece', () => {
    const under = new MeshUnderTest(mesh(THREE));
    let inParts = 0;
    for (const role of ['ingress', 'egress'] as const)
      for (const resource of under.resources(role)) {
        const { typeUrl, body, parts } = encodeResource(resource);
        assert.deepEqual(body, encodeMessage(typeUrl, withoutType(resource)));
        if (parts !== undefined) inParts += 1;
      }
    // Two listeners and two tunnels, and the routes of two peers and of one port.
    assert.equal(inParts, 7);
  });

  test('has its parts encoded once', () => {
    const under = new MeshUnderTest(mesh(THREE));
    const before = encodeResource(routesOf(under)).parts?.list ?? [];
    under.update(mesh([exported(0), exported(1, 'GET, POST'), exported(2)]));
    const after = encodeResource(routesOf(under)).parts?.list ?? [];
    assert.deepEqual(
      after.slice(0, 3).map((one, index) => one === before[index]),
      [true, false, true],
    );
  });

  test('is checked as a whole: what a part breaks is found, with its place', () => {
    const routes = routesOf(new MeshUnderTest(mesh(THREE)));
    checkResource(encodeResource(routes));
    const [first, ...rest] = routes.virtual_hosts ?? [];
    const broken = { ...routes, virtual_hosts: [first, { ...rest[0], domains: [] }, ...rest.slice(1)] } as Routes;
    const whole = { ...encodeResource(broken) };
    assert.deepEqual(ruleBreaches(whole), [{ path: 'virtual_hosts[1].domains', rule: 'repeated.min_items' }]);
    const { parts: _, ...inOnePiece } = whole;
    assert.deepEqual(ruleBreaches(inOnePiece), ruleBreaches(whole));
    const misspelt = { ...routes, virtual_hosts: [first, { ...rest[0], domain: ['x'] }] } as unknown as Routes;
    assert.throws(() => encodeResource(misspelt), { code: 'RESOURCE_INVALID', message: /virtual_hosts.*domain/ });
  });

  test('refers to what its parts refer to', () => {
    const routes = routesOf(new MeshUnderTest(mesh(THREE)));
    assert.deepEqual(
      referencesOf(routes).map(({ name }) => plainName(name)),
      ['export/partner/s0.svc', 'export/partner/s1.svc', 'export/partner/s2.svc'],
    );
  });

  test('may hold no key in a part, and no part may go where it must not', () => {
    const under = new MeshUnderTest(mesh(THREE));
    const resources = under.resources('ingress');
    checkInvariants(resources);
    const routes = routesOf(under);
    const withHost = (change: object): readonly ResourceJson[] => {
      const [first, ...rest] = routes.virtual_hosts ?? [];
      const changed = { ...routes, virtual_hosts: [{ ...first, ...change }, ...rest] } as Routes;
      return resources.map((one) =>
        'name' in one && one.name === routes.name && 'virtual_hosts' in one ? changed : one,
      );
    };
    const key = `${'-----BEGIN PRIVATE'} KEY-----`;
    for (let time = 0; time < 2; time += 1) {
      assert.throws(() => checkInvariants(withHost({ name: key })), /KEY_ONLY_IN_CERTIFICATES/);
      assert.throws(() => checkInvariants(withHost({ domains: ['*'] })), /POLICY/);
      assert.throws(() => checkInvariants(withHost({ typed_per_filter_config: {} })), /POLICY/);
    }
  });
});
