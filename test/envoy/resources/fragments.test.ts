// Fragments of large resources (virtual hosts, filter chains): each is built, encoded and checked once, and the result is the
// same as for the resource in one piece. Must not: measure time.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkBoundary } from '../../../src/envoy/boundary/checks/boundary-check.ts';
import { encodeMessage, encodeResource } from '../../../src/envoy/proto/codec.ts';
import { checkResource, ruleViolations } from '../../../src/envoy/proto/pgv.ts';
import type { ResourceJson } from '../../../src/envoy/proto/types.gen.ts';
import { referencesOf } from '../../../src/pipeline/references.ts';
import { MeshUnderTest, plainName } from '../pipeline.ts';

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

describe('the fragments of a resource', () => {
  test('A virtual host is built again only when its grant or the identities of its peer change', () => {
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
});

describe('a resource in fragments', () => {
  test('A resource has the same bytes in fragments as in one piece', () => {
    const under = new MeshUnderTest(mesh(THREE));
    let inFragments = 0;
    for (const role of ['ingress', 'egress'] as const)
      for (const resource of under.resources(role)) {
        const { typeUrl, body, fragments } = encodeResource(resource);
        assert.deepEqual(body, encodeMessage(typeUrl, withoutType(resource)));
        if (fragments !== undefined) inFragments += 1;
      }
    // Two listeners and two tunnels, and the routes of two peers and of one port.
    assert.equal(inFragments, 7);
  });

  test('A fragment that did not change is not encoded again', () => {
    const under = new MeshUnderTest(mesh(THREE));
    const before = encodeResource(routesOf(under)).fragments?.list ?? [];
    under.update(mesh([exported(0), exported(1, 'GET, POST'), exported(2)]));
    const after = encodeResource(routesOf(under)).fragments?.list ?? [];
    assert.deepEqual(
      after.slice(0, 3).map((one, index) => one === before[index]),
      [true, false, true],
    );
  });

  test('A rule that a fragment breaks is found, with the place of the fragment', () => {
    const routes = routesOf(new MeshUnderTest(mesh(THREE)));
    checkResource(encodeResource(routes));
    const [first, ...rest] = routes.virtual_hosts ?? [];
    const broken = { ...routes, virtual_hosts: [first, { ...rest[0], domains: [] }, ...rest.slice(1)] } as Routes;
    const whole = { ...encodeResource(broken) };
    assert.deepEqual(ruleViolations(whole), [{ path: 'virtual_hosts[1].domains', rule: 'repeated.min_items' }]);
    const { fragments: _, ...inOnePiece } = whole;
    assert.deepEqual(ruleViolations(inOnePiece), ruleViolations(whole));
    const misspelt = { ...routes, virtual_hosts: [first, { ...rest[0], domain: ['x'] }] } as unknown as Routes;
    assert.throws(() => encodeResource(misspelt), { code: 'RESOURCE_INVALID', message: /virtual_hosts.*domain/ });
  });

  test('A resource refers to what its fragments refer to', () => {
    const routes = routesOf(new MeshUnderTest(mesh(THREE)));
    assert.deepEqual(
      referencesOf(routes).map(({ name }) => plainName(name)),
      ['export/partner/s0.svc', 'export/partner/s1.svc', 'export/partner/s2.svc'],
    );
  });

  test('The boundary check finds a private key or a missing policy in any fragment, every time', () => {
    const under = new MeshUnderTest(mesh(THREE));
    const resources = under.resources('ingress');
    const expected = under.expectation('ingress');
    checkBoundary(resources, expected);
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
      assert.throws(() => checkBoundary(withHost({ name: key }), expected), /KEY_ONLY_IN_CERTIFICATES/);
      assert.throws(() => checkBoundary(withHost({ domains: ['*'] }), expected), /POLICY/);
      assert.throws(() => checkBoundary(withHost({ typed_per_filter_config: {} }), expected), /POLICY/);
    }
  });
});
