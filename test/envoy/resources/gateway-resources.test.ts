// What a change of the configuration makes anew: drafts whose inputs are the same objects keep what they built.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Draft } from '../../../src/envoy/draft.ts';
import type { GatewayRole } from '../../../src/federation/model.ts';
import { MeshUnderTest, NOW, newCa, plainName } from '../pipeline.ts';

const YAML = `
apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {ingress: {address: "127.0.0.1:15443"}, egress: {address: 127.0.0.1}}
peers:
  shop: {trustDomain: shop.example, trustBundle: shop.pem, gatewayIdentities: [gateway/egress], addresses: ["127.0.0.1:15444"]}
  partner: {trustDomain: partner.example, trustBundle: partner.pem, gatewayIdentities: [gateway/egress], addresses: ["127.0.0.1:15445"]}
exports:
- {name: accounts, backend: "127.0.0.1:80", consumers: [{peer: shop, methods: [GET], paths: [/v1/*]}, {peer: partner, methods: [GET], paths: [/a]}]}
- {name: loans, backend: "127.0.0.1:81", consumers: [{peer: shop, methods: [GET], paths: [/l]}]}
imports:
- {peer: shop, name: cart, as: cart.default.svc.cluster.local, port: 8080}
- {peer: partner, name: rates, as: rates.default.svc.cluster.local, port: 8081}
`;

describe('translate', () => {
  test('The same configuration again rebuilds no resource', () => {
    assert.deepEqual(
      changedBy(() => YAML),
      { ingress: [], egress: [] },
    );
  });

  test('A changed grant changes only the routes of its peer', () => {
    const changed = changedBy((yaml) => yaml.replace('paths: [/a]', 'paths: [/b]'));
    assert.deepEqual(changed, { ingress: ['RouteConfiguration ingress/partner'], egress: [] });
  });

  test('A changed backend changes its cluster and the routes of the peers that may use it', () => {
    const changed = changedBy((yaml) => yaml.replace('127.0.0.1:81', '127.0.0.1:82'));
    assert.deepEqual(changed, {
      ingress: ['Cluster export/shop/loans', 'RouteConfiguration ingress/shop'],
      egress: [],
    });
  });

  test('A root that is added to a trust bundle changes one secret and no listener', () => {
    const changed = changedBy((yaml, mesh) => {
      const known = mesh.cas.get('shop.example');
      const { certificate } = newCa('shop.example', NOW + 1000);
      mesh.cas.set('shop.example', { certificate: `${certificate}${known?.certificate}`, privateKey: '' });
      return yaml;
    });
    assert.deepEqual(changed, { ingress: ['Secret bundle/shop'], egress: ['Secret bundle/shop'] });
  });

  test('Another oldest root gives every resource that trusts the peer a new name', () => {
    const changed = changedBy((yaml, mesh) => {
      mesh.cas.set('shop.example', newCa('shop.example', NOW + 1000));
      return yaml;
    });
    assert.deepEqual(changed, {
      ingress: [
        'Secret cert/ingress/shop',
        'Secret bundle/shop',
        'RouteConfiguration ingress/shop',
        'Listener ingress',
      ],
      egress: [
        'Cluster import/shop',
        'Cluster dial/shop',
        'Secret cert/egress/shop',
        'Secret bundle/shop',
        'RouteConfiguration egress/8080',
        'Listener import/shop',
      ],
    });
  });

  test('Another mesh under the name of a peer shares no resource with the first one', () => {
    const mesh = new MeshUnderTest(YAML);
    const shops = (role: GatewayRole): readonly string[] =>
      mesh
        .resources(role)
        .flatMap((resource) =>
          'name' in resource && /\/shop@/.test(resource.name ?? '') ? [resource.name ?? ''] : [],
        );
    const before = { ingress: shops('ingress'), egress: shops('egress') };
    mesh.update(YAML.replaceAll('shop.example', 'store.example'));
    for (const role of ['ingress', 'egress'] as const) {
      const after = shops(role);
      assert.ok(after.length >= 3);
      assert.deepEqual(
        after.filter((name) => before[role].includes(name)),
        [],
      );
    }
  });

  test('Each grant has a cluster of its own, so that no peer uses up the connections of another', () => {
    const names = new MeshUnderTest(YAML).drafts('ingress').map(keyOf);
    assert.deepEqual(
      names.filter((name) => name.startsWith('Cluster')),
      ['Cluster export/partner/accounts', 'Cluster export/shop/accounts', 'Cluster export/shop/loans'],
    );
  });

  test('A changed import changes only the routes of its port', () => {
    const changed = changedBy((yaml) => yaml.replace('name: rates', 'name: rates.v2'));
    assert.deepEqual(changed, {
      ingress: [],
      egress: ['RouteConfiguration egress/8081'],
    });
  });

  test('Another address of a peer changes its clusters and the attempts of its tunnel', () => {
    const changed = changedBy((yaml) => yaml.replace('127.0.0.1:15445', '127.0.0.1:15446'));
    assert.deepEqual(changed, {
      ingress: [],
      egress: ['Cluster import/partner', 'Cluster dial/partner', 'Listener import/partner'],
    });
  });

  test('Another identity of a peer gives every resource that trusts it a new name', () => {
    const changed = changedBy((yaml) =>
      yaml.replace('partner.pem, gatewayIdentities: [gateway/egress]', 'partner.pem, gatewayIdentities: [other]'),
    );
    assert.deepEqual(changed, {
      ingress: [
        'Secret cert/ingress/partner',
        'Secret bundle/partner',
        'RouteConfiguration ingress/partner',
        'Listener ingress',
      ],
      egress: [
        'Cluster import/partner',
        'Cluster dial/partner',
        'Secret cert/egress/partner',
        'Secret bundle/partner',
        'RouteConfiguration egress/8081',
        'Listener import/partner',
      ],
    });
  });

  test('A draft builds the same resource again', () => {
    for (const role of ['ingress', 'egress'] as const) {
      for (const draft of new MeshUnderTest(YAML).drafts(role)) assert.deepEqual(draft.build(), draft.build());
    }
  });

  test('No two resources of a gateway have the same type and name', () => {
    const twice = YAML.replace(
      'imports:\n',
      'imports:\n- {peer: shop, name: cart, as: basket.default.svc.cluster.local, port: 8080}\n',
    );
    for (const role of ['ingress', 'egress'] as const) {
      const names = new MeshUnderTest(twice).drafts(role, ['shop', 'gone']).map(fullKeyOf);
      assert.deepEqual(names, [...new Set(names)]);
    }
  });

  test('A peer that is configured again is no longer denied', () => {
    const mesh = new MeshUnderTest(YAML);
    const routes = mesh.drafts('ingress', ['shop']).find((draft) => keyOf(draft) === 'RouteConfiguration ingress/shop');
    const built = routes?.build();
    assert.ok(built !== undefined && 'virtual_hosts' in built && (built.virtual_hosts?.length ?? 0) > 1);
  });

  test('Without a gateway there are no resources', () => {
    const mesh = new MeshUnderTest(
      YAML.slice(0, YAML.indexOf('exports:')).replace(', egress: {address: 127.0.0.1}', ''),
    );
    assert.deepEqual(mesh.drafts('egress'), []);
  });
});

/** The drafts that an update would build anew, by kind and name. */
function changedBy(change: (yaml: string, mesh: MeshUnderTest) => string): Record<GatewayRole, readonly string[]> {
  const mesh = new MeshUnderTest(YAML);
  const roles = ['ingress', 'egress'] as const;
  const before = roles.map((role) => new Map(mesh.drafts(role).map((draft) => [fullKeyOf(draft), draft.inputs])));
  mesh.update(change(YAML, mesh));
  const [ingress = [], egress = []] = roles.map((role, index) => {
    const isNew = (draft: Draft): boolean => {
      const inputs = before[index]?.get(fullKeyOf(draft));
      return inputs?.length !== draft.inputs.length || !draft.inputs.every((input, at) => input === inputs[at]);
    };
    return mesh.drafts(role).filter(isNew).map(keyOf);
  });
  return { ingress, egress };
}

function fullKeyOf({ typeUrl, name }: Draft): string {
  return `${typeUrl} ${name}`;
}

function keyOf(draft: Draft): string {
  return `${draft.typeUrl.split('.').at(-1)} ${plainName(draft.name)}`;
}
