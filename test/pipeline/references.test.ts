// What a resource refers to: found wherever it stands, once, with the source that the client subscribes by.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ResourceJson } from '../../src/envoy/proto/types.gen.ts';
import { referencesOf } from '../../src/pipeline/references.ts';
import { shortName, TYPE } from '../../src/snapshot/resource-types.ts';
import { mesh } from '../envoy/boundary/mutations/mutation.ts';

const ads = { ads: {}, resource_api_version: 'V3' };
const found = (json: object): readonly string[] =>
  referencesOf(json as ResourceJson).map(({ typeUrl, name }) => `${shortName(typeUrl)} ${name}`);
const routes = (...list: readonly object[]): object => ({
  '@type': TYPE.route,
  name: 'r',
  virtual_hosts: [{ name: 'v', domains: ['*'], routes: list }],
});

describe('references are found', () => {
  test('A route refers to its cluster or weighted clusters, and a direct response to none', () => {
    assert.deepEqual(
      found(
        routes(
          { route: { cluster: 'a' } },
          { route: { weighted_clusters: { clusters: [{ name: 'b' }, { name: 'c' }] } } },
          { direct_response: { status: 404 } },
          { route: { cluster_header: 'x-cluster' } },
        ),
      ),
      ['CDS a', 'CDS b', 'CDS c'],
    );
  });

  test('A listener refers to the routes of its HTTP filter and to the secrets of its TLS', () => {
    const validation = { validation_context_sds_secret_config: { name: 'bundle', sds_config: ads } };
    const tls = {
      tls_certificate_sds_secret_configs: [{ name: 'cert', sds_config: ads }],
      combined_validation_context: validation,
    };
    const chain = {
      filters: [{ typed_config: { rds: { route_config_name: 'r', config_source: ads } } }],
      transport_socket: { typed_config: { common_tls_context: tls } },
    };
    assert.deepEqual(found({ '@type': TYPE.listener, name: 'l', filter_chains: [chain] }), [
      'RDS r',
      'SDS cert',
      'SDS bundle',
    ]);
  });

  test('A cluster refers to its endpoints by service name or by its own, only when they come over EDS', () => {
    const cluster = (more: object): object => ({ '@type': TYPE.cluster, name: 'c', ...more });
    assert.deepEqual(found(cluster({ type: 'EDS', eds_cluster_config: { eds_config: ads, service_name: 's' } })), [
      'EDS s',
    ]);
    assert.deepEqual(found(cluster({ type: 'EDS', eds_cluster_config: { eds_config: ads } })), ['EDS c']);
    assert.deepEqual(found(cluster({ type: 'STRICT_DNS' })), []);
  });

  test('A secret of the bootstrap, which has no source, is not a reference', () => {
    const tls = { tls_certificate_sds_secret_configs: [{ name: 'own' }] };
    assert.deepEqual(found({ '@type': TYPE.cluster, name: 'c', transport_socket: tls }), []);
  });

  test('A name that appears more than once is one reference', () => {
    assert.deepEqual(found(routes({ route: { cluster: 'a' } }, { route: { cluster: 'a' } })), ['CDS a']);
  });
});

test('A reference includes its source, because Envoy subscribes again when the source changes', () => {
  const rds = (source: object): object => ({
    '@type': TYPE.listener,
    name: 'l',
    rds: { route_config_name: 'r', config_source: source },
  });
  const [one, other] = [ads, { ...ads, initial_fetch_timeout: '5s' }].map((source) =>
    referencesOf(rds(source) as ResourceJson),
  );
  assert.equal(one?.[0]?.name, other?.[0]?.name);
  assert.notEqual(one?.[0]?.source, other?.[0]?.source);
});

test('Every name of a cluster, secret, route or internal listener in real resources is found as a reference', () => {
  for (const role of ['ingress', 'egress'] as const) {
    const resources = mesh.resources(role);
    const all = new Set(resources.map((json) => `${json['@type']} ${(json as { readonly name: string }).name}`));
    for (const json of resources) {
      const texts = new Set<string>();
      // Log formats have a `cluster` too: that one is a %COMMAND%.
      JSON.stringify(json, (key, value: unknown) => {
        if (
          /^(cluster|route_config_name|server_listener_name)$/.test(key) &&
          typeof value === 'string' &&
          !value.startsWith('%')
        )
          texts.add(value);
        const secret = value as { readonly sds_config?: unknown; readonly name?: string } | null;
        if (typeof secret === 'object' && secret?.sds_config !== undefined) texts.add(secret.name ?? '');
        return value;
      });
      assert.deepEqual(
        referencesOf(json)
          .map(({ name }) => name)
          .sort(),
        [...texts].sort(),
      );
      for (const { typeUrl, name } of referencesOf(json)) assert.ok(all.has(`${typeUrl} ${name}`), name);
    }
  }
});
