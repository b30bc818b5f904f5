// Tests the server against the xDS client of another project: @grpc/grpc-js-xds, by which gRPC applications resolve `xds:`
// names. It decodes and validates by its own protos, subscribes to clusters and listeners by name, and repeats a rejection in
// later requests (rule 19). The test is in plaintext, because the client's bootstrap has no TLS for an xDS server.
// Must not: let a call fail.

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { Client, credentials, Server, ServerCredentials } from '@grpc/grpc-js';
import { register } from '@grpc/grpc-js-xds';
import { LIMIT_MS } from '../../../deploy/demo/limit.ts';
import { encodeResource } from '../../../src/envoy/proto/codec.ts';
import type { ResourceJson } from '../../../src/envoy/proto/types.gen.ts';
import { referencesOf } from '../../../src/pipeline/references.ts';
import { createResource } from '../../../src/snapshot/resource.ts';
import { TYPE } from '../../../src/snapshot/resource-types.ts';
import { createSnapshot, type Snapshot } from '../../../src/snapshot/snapshot.ts';
import { eventually } from '../../support/mesh.ts';
import { type RunningServer, runningServer } from '../running-server.ts';

register();

const SERVICE = 'greeter.example';
const WHO = '/greeter.Greeter/Who';
const OTHER = '/other.Other/Who';
const HCM = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const ROUTER = 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router';
const AT_ONCE = 4;
const SYNCED = { CDS: 'SYNCED', EDS: 'SYNCED', LDS: 'SYNCED', RDS: 'SYNCED' };
const same = (bytes: Buffer): Buffer => bytes;

interface Served {
  /** Prefix of the path → cluster. */
  readonly routes?: Readonly<Record<string, string>>;
  /** Cluster → its endpoints' name. */
  readonly clusters: Readonly<Record<string, string>>;
  /** Name → ports. */
  readonly endpoints: Readonly<Record<string, readonly number[]>>;
  /** The client has no MAGLEV, and rejects a cluster that wants it. */
  readonly policy?: 'ROUND_ROBIN' | 'MAGLEV';
}

function snapshotOf({ routes = { '/': 'greeter' }, clusters, endpoints, policy = 'ROUND_ROBIN' }: Served): Snapshot {
  const ads = { ads: {}, resource_api_version: 'V3' } as const;
  const filter = { name: 'router', typed_config: { '@type': ROUTER } } as const;
  const hcm = {
    '@type': HCM,
    rds: { route_config_name: 'routes', config_source: ads },
    http_filters: [filter],
  } as const;
  const to = Object.entries(routes).map(([prefix, cluster]) => ({ match: { prefix }, route: { cluster } }));
  const at = (port: number) => ({ address: { socket_address: { address: '127.0.0.1', port_value: port } } });
  const all: readonly ResourceJson[] = [
    { '@type': TYPE.listener, name: SERVICE, api_listener: { api_listener: hcm } },
    { '@type': TYPE.route, name: 'routes', virtual_hosts: [{ name: 'all', domains: ['*'], routes: to }] },
    ...Object.entries(clusters).map(([name, service]) => ({
      '@type': TYPE.cluster,
      ...({ name, type: 'EDS', lb_policy: policy } as const),
      eds_cluster_config: { eds_config: ads, service_name: service },
    })),
    ...Object.entries(endpoints).map(([name, ports]) => {
      const there = ports.map((port) => ({ endpoint: at(port) }));
      const locality = { locality: { region: 'here' }, load_balancing_weight: 1, lb_endpoints: there };
      return { '@type': TYPE.endpoint, cluster_name: name, endpoints: [locality] };
    }),
  ];
  return createSnapshot(
    all.map((json) => {
      const { typeUrl, name, body } = encodeResource(json);
      return createResource(typeUrl, name, body, referencesOf(json));
    }),
  );
}

/** Starts backends that answer each call with their own number, and returns their ports. */
function backends(t: TestContext, count: number): Promise<readonly number[]> {
  const codec = {
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
  const method = (path: string) => ({ path, requestStream: false, responseStream: false, ...codec });
  const start = (index: number): Promise<number> => {
    const server = new Server();
    t.after(() => server.forceShutdown());
    const who = (_call: unknown, done: (error: null, answer: Buffer) => void) => done(null, Buffer.from(`${index}`));
    for (const path of [WHO, OTHER]) server.addService({ who: method(path) }, { who });
    return new Promise((fulfil, reject) =>
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
        error === null ? fulfil(port) : reject(error),
      ),
    );
  };
  return Promise.all(Array.from({ length: count }, (_, index) => start(index)));
}

/** A gRPC application that knows the name of a service and where the control plane is, and calls without a pause. */
class Application {
  /** Who answered, oldest first; and how calls failed, of which there must be none. */
  readonly answers: string[] = [];
  readonly failures: string[] = [];
  private readonly client: Client;
  private readonly calls: Promise<unknown>;
  private over = false;

  constructor(t: TestContext, xdsPort: number) {
    const server = {
      server_uri: `127.0.0.1:${xdsPort}`,
      channel_creds: [{ type: 'insecure' }],
      server_features: ['xds_v3'],
    };
    this.client = new Client(`xds:///${SERVICE}`, credentials.createInsecure(), {
      // What the variable GRPC_XDS_BOOTSTRAP_CONFIG holds, for one channel: each test has a control plane of its own.
      'grpc.TEST_ONLY_DO_NOT_USE_IN_PROD.xds_bootstrap_config': JSON.stringify({
        xds_servers: [server],
        node: { id: 'application-1', locality: { zone: 'here' } },
      }),
    });
    this.calls = Promise.all(Array.from({ length: AT_ONCE }, () => this.callOnAndOn()));
    t.after(() => this.stop());
  }

  call(path: string): Promise<string> {
    return new Promise((fulfil, reject) =>
      this.client.makeUnaryRequest(
        path,
        same,
        same,
        Buffer.alloc(1),
        { deadline: Date.now() + LIMIT_MS },
        (error, answer) => (error === null ? fulfil(`${answer}`) : reject(error)),
      ),
    );
  }

  /** Until all calls that started since have been answered, and only by these backends, by each of them. */
  async reaches(...wanted: readonly number[]): Promise<void> {
    await eventually(`only ${wanted} answer`, async () => {
      const from = this.answers.length + AT_ONCE;
      await eventually('more answers', () => this.answers.length >= from + 20 || this.failures.length > 0);
      return [...new Set(this.answers.slice(from))].sort().join() === wanted.join();
    });
    assert.deepEqual(this.failures, []);
  }

  async stop(): Promise<void> {
    this.over = true;
    await this.calls;
    this.client.close();
  }

  private async callOnAndOn(): Promise<void> {
    while (!this.over) {
      await this.call(WHO).then(
        (answer) => this.answers.push(answer),
        (error) => this.failures.push(String(error)),
      );
    }
  }
}

const rejections = ({ events }: RunningServer): readonly string[] => events.filter((event) => event.startsWith('nack'));

function states({ server }: RunningServer): Readonly<Record<string, string>> {
  const [stream, ...others] = server.status();
  assert.deepEqual([stream?.nodeId, stream?.variant, others], ['application-1', 'sotw', []]);
  return Object.fromEntries(stream?.types.map(({ type, state }) => [type, state]) ?? []);
}

async function become(running: RunningServer, wanted: Readonly<Record<string, string>>): Promise<void> {
  await eventually(JSON.stringify(wanted), () => {
    assert.deepEqual(states(running), wanted);
    return true;
  });
}

describe('grpc-js-xds', () => {
  test('The client grpc-js-xds resolves a service, calls it, and follows its endpoints to other backends without losing a call', async (t) => {
    const [first = 0, second = 0] = await backends(t, 2);
    const clusters = { greeter: 'greeter' };
    const at = (...ports: number[]): Snapshot => snapshotOf({ clusters, endpoints: { greeter: ports } });
    const running = await runningServer(t, at(first));
    const application = new Application(t, running.port);
    await application.reaches(0);
    await become(running, SYNCED);
    for (const [ports, answering] of [
      [[second], [1]],
      [
        [first, second],
        [0, 1],
      ],
      [[first], [0]],
    ] as const) {
      running.cache.set('ingress', at(...ports));
      await application.reaches(...answering);
      await become(running, SYNCED);
    }
    await application.stop();
    assert.deepEqual([application.failures, rejections(running)], [[], []]);
    await eventually('the client ends its stream', () => running.server.status().length === 0);
    assert.deepEqual(
      running.events.filter((event) => /^(refused|failed)/.test(event)),
      [],
    );
  });

  test('Rules 17, 18: grpc-js-xds rejects a cluster once, keeps the old one, accepts other changes meanwhile, then the corrected cluster', async (t) => {
    const [first = 0, second = 0, third = 0] = await backends(t, 3);
    const endpoints = { one: [first], two: [second] };
    const running = await runningServer(t, snapshotOf({ clusters: { greeter: 'one' }, endpoints }));
    const application = new Application(t, running.port);
    await application.reaches(0);
    const rejected = { clusters: { greeter: 'two' }, policy: 'MAGLEV' } as const;
    running.cache.set('ingress', snapshotOf({ ...rejected, endpoints }));
    await become(running, { ...SYNCED, CDS: 'NACKED' });
    await application.reaches(0);
    running.cache.set('ingress', snapshotOf({ ...rejected, endpoints: { ...endpoints, one: [third] } }));
    await application.reaches(2);
    await become(running, { ...SYNCED, CDS: 'NACKED' });
    running.cache.set('ingress', snapshotOf({ clusters: { greeter: 'two' }, endpoints }));
    await application.reaches(1);
    await become(running, SYNCED);
    assert.equal(rejections(running).length, 1);
    assert.match(rejections(running)[0] ?? '', /^nack CDS .*MAGLEV/);
  });

  test('Rule 19: grpc-js-xds rejects endpoints once, repeats the error as it requests those of a new cluster, and receives them', async (t) => {
    const [first = 0, second = 0, third = 0] = await backends(t, 3);
    const greeter = { clusters: { greeter: 'greeter' } };
    const running = await runningServer(t, snapshotOf({ ...greeter, endpoints: { greeter: [first] } }));
    const application = new Application(t, running.port);
    await application.reaches(0);
    const twice = { greeter: [third, third] };
    running.cache.set('ingress', snapshotOf({ ...greeter, endpoints: twice }));
    await become(running, { ...SYNCED, EDS: 'NACKED' });
    const both = { routes: { '/other': 'other', '/': 'greeter' }, clusters: { greeter: 'greeter', other: 'other' } };
    running.cache.set('ingress', snapshotOf({ ...both, endpoints: { ...twice, other: [second] } }));
    await eventually('the other service', async () => (await application.call(OTHER)) === '1');
    await application.reaches(0);
    assert.equal(rejections(running).length, 1);
    running.cache.set('ingress', snapshotOf({ ...both, endpoints: { greeter: [third], other: [second] } }));
    await application.reaches(2);
    await become(running, SYNCED);
    assert.equal(rejections(running).length, 1);
    assert.match(rejections(running)[0] ?? '', /^nack EDS /);
  });
});
