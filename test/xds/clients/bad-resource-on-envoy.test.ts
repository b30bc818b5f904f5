// One resource that a real Envoy rejects, beside good ones of the same type: the good ones get through, and status names
// the bad one. Resources are set below the validation that would refuse them.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { freePorts } from '../../../deploy/demo/ports.ts';
import type { ResourceJson } from '../../../src/envoy/proto/types.gen.ts';
import type { Resource } from '../../../src/snapshot/resource.ts';
import { shortName, TYPE } from '../../../src/snapshot/resource-types.ts';
import { ADS, eventually } from '../../support/mesh.ts';
import { GatewayOnXds, unchecked } from '../gateway-on-xds.ts';

const ADS_SOURCE = { ads: {}, resource_api_version: 'V3', initial_fetch_timeout: '0s' };
const ROUTER = 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router';
const HTTP = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
/** The bad one is neither the first nor the last. */
const NAMES = ['a', 'bad', 'z'];
const GOOD = ['a', 'z'];

const address = (host: string, port: number) => ({ socket_address: { address: host, port_value: port } });
const endpoints = (name: string, host: string, port: number) => ({
  cluster_name: name,
  endpoints: [{ lb_endpoints: [{ endpoint: { address: address(host, port) } }] }],
});

/** How each kind is spoiled so that Envoy rejects it. */
const SPOILED = {
  'a cluster that cannot be built': TYPE.cluster,
  'a cluster that cannot be read': TYPE.cluster,
  'endpoints without an IP address': TYPE.endpoint,
  'a route table with two virtual hosts for one domain': TYPE.route,
  'a listener with two filter chains for one match': TYPE.listener,
} as const;
type Spoiled = keyof typeof SPOILED;

function clusterOf(name: string, version: number, spoiled: Spoiled | undefined): object {
  const head = { '@type': TYPE.cluster, name, connect_timeout: `${version}s` };
  const eds = { ...head, type: 'EDS', eds_cluster_config: { eds_config: ADS_SOURCE } };
  if (spoiled === 'a cluster that cannot be read') return { ...eds, connect_timeout: '0s' };
  if (spoiled !== 'a cluster that cannot be built') return eds;
  return { ...head, type: 'STATIC', load_assignment: endpoints(name, 'no.address', 1) };
}

function routeOf(name: string, version: number, hosts: readonly string[]): object {
  const routes = [{ match: { prefix: '/' }, direct_response: { status: 200, body: { inline_string: `${version}` } } }];
  return {
    '@type': TYPE.route,
    name,
    virtual_hosts: hosts.map((host) => ({ name: host, domains: ['*'], routes })),
  };
}

function listenerOf(name: string, port: number, version: number, chains: number): object {
  const http = {
    '@type': HTTP,
    stat_prefix: `version-${version}`,
    rds: { route_config_name: name, config_source: ADS_SOURCE },
    http_filters: [{ name: 'router', typed_config: { '@type': ROUTER } }],
  };
  return {
    '@type': TYPE.listener,
    name,
    address: address('127.0.0.1', port),
    filter_chains: Array.from({ length: chains }, () => ({ filters: [{ name: 'http', typed_config: http }] })),
  };
}

for (const ads of ADS) {
  describe(`a resource that Envoy rejects beside good ones, over ${ads} ADS`, () => {
    let gateway: GatewayOnXds;
    let ports: readonly number[] = [];

    beforeEach(async () => {
      ports = await freePorts('127.0.0.1', NAMES.length);
      gateway = new GatewayOnXds(ads);
      await gateway.listen();
    });

    afterEach(async () => await gateway.close());

    /** A cluster with endpoints, a listener and its routes for each name; all change with the version. */
    const resources = (version: number, spoiled?: Spoiled): readonly Resource[] =>
      NAMES.flatMap((name, index) => {
        const isBad = name === 'bad' && spoiled !== undefined;
        const type = isBad ? SPOILED[spoiled] : undefined;
        const cluster = clusterOf(name, version, isBad ? spoiled : undefined);
        const host = type === TYPE.endpoint ? 'no.address' : '127.0.0.1';
        const eds = { '@type': TYPE.endpoint, ...endpoints(name, host, 1000 + version) };
        const route = routeOf(name, version, type === TYPE.route ? ['one', 'two'] : ['one']);
        const listener = listenerOf(name, ports[index] ?? 0, version, type === TYPE.listener ? 2 : 1);
        const isWithoutEds = isBad && spoiled === 'a cluster that cannot be built';
        return [cluster, ...(isWithoutEds ? [] : [eds]), route, listener].map((json) =>
          unchecked(json as ResourceJson),
        );
      });

    const serves = async (names: readonly string[], version: number): Promise<void> => {
      for (const name of names) {
        await eventually(`the routes of ${name} are those of version ${version}`, async () => {
          const answer = await fetch(`http://127.0.0.1:${ports[NAMES.indexOf(name)]}/`);
          return answer.status === 200 && (await answer.text()) === `${version}`;
        });
        await eventually(`the endpoints of ${name} are those of version ${version}`, async () =>
          ((await gateway.envoy?.admin('/clusters')) ?? '').includes(`${name}::127.0.0.1:${1000 + version}::`),
        );
      }
    };
    const rejects = async (type: string): Promise<void> => {
      await eventually(`${type} alone is rejected`, () => {
        const others = gateway.types().filter((one) => one.type !== type);
        return gateway.state(type) === 'NACKED' && others.every(({ state }) => state === 'SYNCED');
      });
      const message = gateway.types().find((one) => one.type === type)?.nack?.message ?? '';
      assert.ok(gateway.answers.includes(`nack ${type} ${message.trim()}`) && message !== '', message);
    };

    for (const [what, typeUrl] of Object.entries(SPOILED) as [Spoiled, string][]) {
      // What Envoy cannot read costs the whole response: the last good resources stay. Postern checks this before it publishes.
      const isWhole = what === 'a cluster that cannot be read';
      const type = shortName(typeUrl);

      test(`No good resource is lost to ${what}: at the start, at a change, after restarts`, async () => {
        if (isWhole) {
          gateway.set(resources(1));
          await gateway.start(() => true);
          await serves(NAMES, 1);
          gateway.set(resources(2, what));
          await eventually('CDS is rejected', () => gateway.state(type) === 'NACKED');
          assert.match((await gateway.envoy?.admin('/clusters')) ?? '', /^a::127\.0\.0\.1:/m);
        } else {
          gateway.set(resources(1, what));
          await gateway.start(() => true);
          await serves(GOOD, 1);
          await rejects(type);
          gateway.set(resources(2, what));
          await serves(GOOD, 2);
          await rejects(type);
          await gateway.restartServer();
          await rejects(type);
          await serves(GOOD, 2);
          await gateway.start(() => true);
          await serves(GOOD, 2);
          await rejects(type);
        }
        gateway.set(resources(3));
        await serves(NAMES, 3);
        await eventually('all is accepted', () => gateway.types().every(({ state }) => state === 'SYNCED'));
      });
    }
  });
}
