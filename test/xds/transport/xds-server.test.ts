// The services on the wire, with a real gRPC client: responses, the ends of streams, and limits.
// Must not: look into the server, beyond its status and the events of its observer.

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { TYPE } from '../../../src/snapshot/resource-types.ts';
import { eventually } from '../../support/mesh.ts';
import { state } from '../fixtures.ts';
import { type Conversation, NODE, type XdsClient } from '../grpc-client.ts';
import { runningServer } from '../running-server.ts';

const STATUS = { OK: 0, INVALID_ARGUMENT: 3, RESOURCE_EXHAUSTED: 8, UNAVAILABLE: 14 };
const one = state({
  cluster: { c: '1' },
  endpoint: { e: '1' },
  listener: { l: '1' },
  route: { r: '1' },
  secret: { s: '1' },
});

const SERVICES = [
  ['envoy.service.cluster.v3.ClusterDiscoveryService', 'Clusters', TYPE.cluster, 'c'],
  ['envoy.service.endpoint.v3.EndpointDiscoveryService', 'Endpoints', TYPE.endpoint, 'e'],
  ['envoy.service.listener.v3.ListenerDiscoveryService', 'Listeners', TYPE.listener, 'l'],
  ['envoy.service.route.v3.RouteDiscoveryService', 'Routes', TYPE.route, 'r'],
  ['envoy.service.secret.v3.SecretDiscoveryService', 'Secrets', TYPE.secret, 's'],
] as const;

describe('services', () => {
  for (const [service, kind, typeUrl, name] of SERVICES) {
    test(`Rules 3, 5: ${service}: both variants serve its type, and no other`, async (t) => {
      const { client } = await runningServer(t, one);
      const sotw = client.open(service, `Stream${kind}`).send({ node: NODE, resource_names: [name] });
      const full = await sotw.next();
      assert.equal(full.type_url, typeUrl);
      assert.deepEqual(
        full.resources.map(({ value }) => value?.toString()),
        [`${name}=1`],
      );
      const delta = client.open(service, `Delta${kind}`);
      delta.send({ node: NODE, type_url: typeUrl, resource_names_subscribe: [name] });
      const changed = await delta.next();
      assert.deepEqual(
        changed.resources.map((resource) => resource.name),
        [name],
      );
      const other = typeUrl === TYPE.route ? TYPE.cluster : TYPE.route;
      const wrong = client.open(service, `Stream${kind}`).send({ node: NODE, type_url: other, resource_names: [name] });
      assert.equal((await wrong.end).code, STATUS.INVALID_ARGUMENT);
    });
  }

  test('Rules 2, 4, 10, 11: ADS answers each type on one stream, after one node, and identifies the control plane', async (t) => {
    const { client } = await runningServer(t, one);
    const ads = client.sotw().send({ node: NODE, type_url: TYPE.cluster });
    const clusters = await ads.next();
    assert.equal(clusters.control_plane?.identifier, 'spiffe://bank.example/control-plane');
    ads.send({ type_url: TYPE.secret, resource_names: ['s'] });
    const secrets = await ads.next();
    assert.notEqual(secrets.nonce, clusters.nonce);
    assert.deepEqual(
      secrets.resources.map(({ type_url: type }) => type),
      [TYPE.secret],
    );
  });
});

/** Tells that a stream still works. */
async function answers(conversation: Conversation): Promise<void> {
  conversation.send({ type_url: TYPE.secret, resource_names: ['s'] });
  assert.equal((await conversation.next()).type_url, TYPE.secret);
}

describe('streams', () => {
  test('Rules 7, 31: nothing is sent before there is a state, and the state is sent once there is one', async (t) => {
    const { client, cache, server } = await runningServer(t, undefined);
    const ads = client.sotw().send({ node: NODE, type_url: TYPE.cluster });
    await eventually('opened', () => server.status().length === 1);
    assert.equal(ads.waiting(), 0);
    cache.set('ingress', one);
    assert.equal((await ads.next()).resources.length, 1);
  });

  test('A change is sent to every stream that does not have it, and an ACK and a NACK reach the observer', async (t) => {
    const { client, cache, events } = await runningServer(t, one);
    const ads = client.delta().send({ node: NODE, type_url: TYPE.cluster });
    const first = await ads.next();
    ads.send({ type_url: TYPE.cluster, response_nonce: first.nonce });
    cache.set('ingress', state({ cluster: { c: '2' } }, one));
    const second = await ads.next();
    assert.deepEqual(
      second.resources.map(({ name }) => name),
      ['c'],
    );
    ads.send({ type_url: TYPE.cluster, response_nonce: second.nonce, error_detail: { code: 3, message: 'bad port' } });
    await eventually('both answers', () => events.includes('nack CDS bad port') && events.includes('ack CDS'));
  });

  test('Rule 2: the first request needs a node', async (t) => {
    const { client } = await runningServer(t, one);
    for (const node of [undefined, { cluster: 'ingress' }]) {
      const end = await client.sotw().send({ node, type_url: TYPE.cluster }).end;
      assert.equal(end.code, STATUS.INVALID_ARGUMENT);
    }
  });

  test('Rule 65: a half-closed client gets OK, and is removed, as is one that cancels', async (t) => {
    const { client, server, events } = await runningServer(t, one);
    const ads = client.sotw().send({ node: NODE, type_url: TYPE.cluster });
    await ads.next();
    assert.equal(server.status().length, 1);
    ads.finish();
    assert.equal((await ads.end).code, STATUS.OK);
    const cancelled = client.sotw().send({ node: NODE, type_url: TYPE.cluster });
    await cancelled.next();
    cancelled.cancel();
    await eventually('forgotten', () => server.status().length === 0);
    assert.equal(events.filter((event) => event === 'closed ingress').length, 2);
  });

  test('Rule 67: a shutdown ends every stream with UNAVAILABLE, also those that begin then', async (t) => {
    const { client, server } = await runningServer(t, one);
    const ads = client.sotw().send({ node: NODE, type_url: TYPE.cluster });
    await ads.next();
    await server.stop();
    assert.equal((await ads.end).code, STATUS.UNAVAILABLE);
    assert.equal((await client.sotw().send({ node: NODE, type_url: TYPE.cluster }).end).code, STATUS.UNAVAILABLE);
  });
});

describe('a client that the server does not open a stream for', () => {
  const closedWithout = async (t: TestContext, act: (client: XdsClient) => Conversation, code: number) => {
    const { client, server, events } = await runningServer(t, one, { limits: { streamsPerGateway: 1 } });
    const { code: ended } = await act(client).end;
    assert.equal(ended, code);
    // Its slot is free again, and it never counted as connected.
    await eventually('the slot is free', async () => {
      const next = client.sotw().send({ node: NODE, type_url: TYPE.cluster });
      return next.next().then(
        () => true,
        () => false,
      );
    });
    assert.deepEqual(
      events.filter((event) => /^(opened|closed)/.test(event)),
      ['opened ingress'],
    );
    assert.equal(server.status().length, 1);
  };

  for (const [service, kind, typeUrl] of SERVICES)
    test(`A stream of ${kind} whose first request names another type is never counted as connected`, (t) => {
      const type_url = typeUrl === TYPE.route ? TYPE.cluster : TYPE.route;
      return closedWithout(
        t,
        (client) => client.open(service, `Delta${kind}`).send({ node: NODE, type_url }),
        STATUS.INVALID_ARGUMENT,
      );
    });

  test('An ADS stream whose first request names no type is never counted as connected', (t) =>
    closedWithout(t, (client) => client.delta().send({ node: NODE, type_url: '' }), STATUS.INVALID_ARGUMENT));

  test('A stream whose client ends it without a request gets OK, and is never counted as connected', (t) =>
    closedWithout(
      t,
      (client) => {
        const silent = client.delta();
        silent.finish();
        return silent;
      },
      STATUS.OK,
    ));
});

describe('limits', () => {
  test('More streams of one gateway than the limit are refused', async (t) => {
    const { client, events } = await runningServer(t, one, { limits: { streamsPerGateway: 1 } });
    const first = client.sotw().send({ node: NODE, type_url: TYPE.cluster });
    await first.next();
    const second = client.sotw().send({ node: NODE, type_url: TYPE.cluster });
    assert.equal((await second.end).code, STATUS.RESOURCE_EXHAUSTED);
    assert.ok(events.includes('refused too_many_streams'));
    first.finish();
    await first.end;
    await eventually('the place is free', async () => {
      const third = client.sotw().send({ node: NODE, type_url: TYPE.cluster });
      return (await third.next()).type_url === TYPE.cluster;
    });
  });

  test('More requests on one stream than the limit end it, and other streams continue', async (t) => {
    const { client } = await runningServer(t, one, {
      limits: { ratesPerStream: { requests: { burst: 10, perSecond: 1 }, names: { burst: 1000, perSecond: 0 } } },
    });
    const honest = client.sotw().send({ node: NODE, type_url: TYPE.cluster });
    await honest.next();
    const flood = client.sotw().send({ node: NODE, type_url: TYPE.cluster });
    for (let count = 0; count < 20; count += 1) flood.send({ type_url: TYPE.cluster, response_nonce: 'stale' });
    assert.equal((await flood.end).code, STATUS.RESOURCE_EXHAUSTED);
    await answers(honest);
  });

  test('More names in one subscription than the limit end the stream', async (t) => {
    const { client } = await runningServer(t, one, { limits: { namesPerType: 100 } });
    const names = Array.from({ length: 101 }, (_, index) => `n${index}`);
    const greedy = client.delta().send({ node: NODE, type_url: TYPE.secret, resource_names_subscribe: names });
    assert.equal((await greedy.end).code, STATUS.RESOURCE_EXHAUSTED);
  });

  test('A request over the size limit ends the stream', async (t) => {
    const { client } = await runningServer(t, one);
    const huge = client
      .sotw()
      .send({ node: { ...NODE, user_agent_name: 'x'.repeat(5 << 20) }, type_url: TYPE.cluster });
    assert.equal((await huge.end).code, STATUS.RESOURCE_EXHAUSTED);
  });

  test('Rule 3: a request that names no type is refused', async (t) => {
    const { client } = await runningServer(t, one);
    const end = await client.sotw().send({ node: NODE, type_url: '' }).end;
    assert.equal(end.code, STATUS.INVALID_ARGUMENT);
  });
});
