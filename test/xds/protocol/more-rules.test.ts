// Tests the protocol rules of CONTRIBUTING.md that hold for both kinds of streams, or need several streams or the wire.
// Must not: repeat sotw.test.ts and delta.test.ts.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { bootstrap } from '../../../src/envoy/resources/gateway-bootstrap.ts';
import { TYPE } from '../../../src/snapshot/resource-types.ts';
import { createSnapshot } from '../../../src/snapshot/snapshot.ts';
import { controlPlaneId } from '../../../src/trust/issuing/control-plane-ca.ts';
import { parseTrustDomain } from '../../../src/trust/spiffe.ts';
import { responseBody } from '../../../src/xds/wire/discovery-response.ts';
import { eventually } from '../../support/mesh.ts';
import { resource, shown, state, Talk } from '../fixtures.ts';
import { NODE } from '../grpc-client.ts';
import { runningServer } from '../running-server.ts';

const two = state({ cluster: { a: '1', b: '1' } });

describe('requests', () => {
  test('Rule 1: the first request subscribes, also when it brings the version of an earlier stream', () => {
    const talk = new Talk('sotw', state({ cluster: { a: '1' }, route: { r: '1' } }));
    assert.deepEqual(shown(talk.say('cluster', { versionInfo: 'of another life' })), ['cluster: a']);
    assert.deepEqual(shown(talk.say('route', { names: ['r'], versionInfo: 'of another life' })), ['route: r']);
  });

  test('Rule 7: a response is sent when there is something to send, even if later, and not once for each request', () => {
    const talk = new Talk('sotw');
    assert.deepEqual(talk.say('route', { names: ['r'] }), []);
    assert.deepEqual(talk.say('route', { names: ['r', 's'] }), []);
    assert.deepEqual(talk.say('route', { names: ['s'] }), []);
    assert.deepEqual(shown(talk.update(state({ route: { r: '1', s: '1' } }))), ['route: s']);
  });

  test('Rule 9: of several requests while a response is in flight only the newest is answered', () => {
    const talk = new Talk('sotw', state({ route: { r: '1', s: '1', t: '1' } }));
    const [first] = talk.say('route', { names: ['r'] });
    assert.deepEqual(talk.say('route', { names: ['r', 's'] }), []);
    assert.deepEqual(talk.say('route', { names: ['r', 't'] }), []);
    assert.deepEqual(shown(talk.ack(first, { names: ['r', 't'] })), ['route: t']);
  });

  test('Rule 16: an ACK is the nonce without an error, and makes the version count as accepted', () => {
    const talk = new Talk('sotw', two);
    const [reply] = talk.say('cluster');
    assert.equal(talk.session.status()[0]?.ackedVersion, undefined);
    assert.equal(talk.state('cluster'), 'STALE');
    talk.ack(reply);
    assert.equal(talk.session.status()[0]?.ackedVersion, reply?.version);
    assert.equal(talk.state('cluster'), 'SYNCED');
  });

  test('Rule 35: one delta request acknowledges, subscribes and unsubscribes', () => {
    const talk = new Talk('delta', state({ secret: { s: '1', t: '1' } }));
    const [reply] = talk.say('secret', { subscribe: ['s'] });
    const [second] = talk.ack(reply, { subscribe: ['t'], unsubscribe: ['s'] });
    assert.deepEqual(shown([second].flatMap((one) => one ?? [])), ['secret: t']);
    talk.ack(second);
    assert.equal(talk.state('secret'), 'SYNCED');
    assert.deepEqual(talk.update(state({ secret: { s: '2', t: '1' } })), []);
  });
});

describe('what is gone, and what is missing', () => {
  test('Rule 33: a secret that is gone is not mentioned on a SotW stream; the listener that named it is', () => {
    const before = state({ secret: { s: '1', t: '1' }, listener: { l: 'names s and t' } });
    const talk = new Talk('sotw', before);
    talk.ack(talk.say('secret', { names: ['s', 't'] })[0], { names: ['s', 't'] });
    talk.ack(talk.say('listener')[0]);
    const after = state({ secret: { s: '1' }, listener: { l: 'names s' } }, before);
    assert.deepEqual(shown(talk.update(after)), ['listener: l']);
  });

  test('Rule 46: a removal names only resources that the client was sent or requested', () => {
    const before = state({ secret: { s: '1', other: '1' }, cluster: { a: '1' } });
    const talk = new Talk('delta', before);
    talk.ack(talk.say('secret', { subscribe: ['s'] })[0]);
    const [clusters] = talk.say('cluster');
    // Another's secret goes away; a cluster comes and goes while the client has not answered.
    const between = state({ secret: { s: '1' }, cluster: { a: '1', brief: '1' } }, before);
    assert.deepEqual(talk.update(between), []);
    assert.deepEqual(talk.update(state({ secret: { s: '1' }, cluster: { a: '1' } }, between)), []);
    assert.deepEqual(talk.ack(clusters), []);
  });

  test('Rule 48: initial versions are compared for each resource, and not with the version of the whole', () => {
    const before = state({ secret: { s: '1', t: '1' } });
    const kept = before.types.get(TYPE.secret)?.resources.get('s')?.version ?? '';
    const after = state({ secret: { s: '1', t: '2' } });
    assert.notEqual(before.types.get(TYPE.secret)?.version, after.types.get(TYPE.secret)?.version);
    const talk = new Talk('delta', after);
    const initialVersions = new Map([['s', kept]]);
    assert.deepEqual(shown(talk.say('secret', { subscribe: ['s', 't'], initialVersions })), ['secret: t']);
  });

  test('Rule 50: a single cluster that does not exist is answered at once, and sent when it exists', () => {
    const talk = new Talk('delta', two);
    const [reply] = talk.say('cluster', { subscribe: ['later'] });
    assert.deepEqual(shown([reply].flatMap((one) => one ?? [])), ['cluster: -later']);
    talk.ack(reply);
    assert.deepEqual(shown(talk.update(state({ cluster: { a: '1', b: '1', later: '1' } }, two))), ['cluster: later']);
  });
});

describe('endpoints', () => {
  const cluster = (name: string, content = '1') =>
    resource('cluster', name, content, [{ typeUrl: TYPE.endpoint, name: 'e', source: '{}' }]);
  const served = (...resources: Parameters<typeof createSnapshot>[0]) => {
    const talk = new Talk('delta', createSnapshot(resources));
    talk.ack(talk.say('cluster')[0]);
    talk.ack(talk.say('endpoint', { subscribe: ['e'] })[0]);
    return talk;
  };

  test('Rule 53: endpoints do not wait for the ACK of the clusters', () => {
    const talk = served(cluster('c'), resource('endpoint', 'e'));
    const pushed = talk.update(createSnapshot([cluster('c', '2'), resource('endpoint', 'e', '2')]));
    assert.deepEqual(shown(pushed), ['cluster: c', 'endpoint: e']);
  });

  test('Rule 56: a second cluster with the same endpoints has them sent again, because no client requests them again', () => {
    const endpoint = resource('endpoint', 'e');
    const talk = served(cluster('c'), endpoint);
    const pushed = talk.update(createSnapshot([cluster('c'), cluster('d'), endpoint]));
    assert.deepEqual(shown(pushed), ['cluster: d', 'endpoint: e']);
  });
});

describe('on the wire', () => {
  test('Rule 6: several streams of one node and type each have their own subscription', async (t) => {
    const endpoints = { endpoint: { e: '1', f: '1' } };
    const { client, cache } = await runningServer(t, state(endpoints));
    const streams = ['e', 'f'].map((name) =>
      client
        .open('envoy.service.endpoint.v3.EndpointDiscoveryService', 'StreamEndpoints')
        .send({ node: NODE, resource_names: [name] }),
    );
    for (const stream of streams) {
      const { nonce, version_info: version, resources } = await stream.next();
      const name = resources[0]?.value?.toString().slice(0, 1);
      stream.send({ response_nonce: nonce, version_info: version, resource_names: [name] });
    }
    cache.set('ingress', state({ endpoint: { e: '2', f: '2' } }));
    const seen = await Promise.all(streams.map(async (stream) => (await stream.next()).resources.map(contentOf)));
    assert.deepEqual(seen, [['e=2'], ['f=2']]);
  });

  test('Rule 13: any string is a resource name and is not interpreted', async (t) => {
    const names = ['', 'a%2Fb', 'xdstp://bank.example/secret/s?x=1', 'foo/*', 'ä b', 'x'.repeat(5000)];
    const there = state({ route: Object.fromEntries(names.map((name) => [name, '1'])) });
    const { client } = await runningServer(t, there);
    const known = client.delta().send({ node: NODE, type_url: TYPE.route, resource_names_subscribe: names });
    assert.deepEqual((await known.next()).resources.map(({ name }) => name).sort(), [...names].sort());
    const missing = names.map((name) => `${name}~`).concat('');
    const { client: other } = await runningServer(t, state({}));
    const unknown = other.delta().send({ node: NODE, type_url: TYPE.secret, resource_names_subscribe: missing });
    assert.deepEqual([...((await unknown.next()).removed_resources ?? [])].sort(), [...missing].sort());
  });

  test('Rule 64: no delta response comes near gRPC’s 4 MiB, unless a single resource does', () => {
    const big = createSnapshot(
      Array.from({ length: 40 }, (_, index) => resource('route', `r${index}`, 'x'.repeat(300_000))),
    );
    const replies = new Talk('delta', big).say('route', { subscribe: ['*'] });
    const sizes = replies.map((reply) => responseBody('delta', reply.typeUrl, reply, 'here').length);
    assert.ok(sizes.length > 1 && Math.max(...sizes) < 4 * 1024 * 1024, sizes.join());
    assert.equal(replies.flatMap(({ resources }) => resources).length, 40);
  });

  test('Rule 66: when many clients reconnect at once, equal responses share one buffer', () => {
    const names = ['a', 'b'];
    for (const [variant, request] of [
      ['sotw', { names }],
      ['delta', { subscribe: names }],
    ] as const) {
      const bodies = Array.from({ length: 100 }, () => {
        const [reply] = new Talk(variant, two).say('cluster', request);
        return reply && responseBody(variant, reply.typeUrl, reply, 'here');
      });
      assert.equal(new Set(bodies).size, 1);
      assert.ok((bodies[0]?.length ?? 0) > 0);
    }
  });

  test('Rule 68: a gateway pings its control plane, so that it detects a lost connection', () => {
    const trustDomain = parseTrustDomain('bank.example');
    assert.ok(trustDomain);
    const text = bootstrap({
      role: 'ingress',
      nodeId: 'n',
      certsDir: '/certs',
      xds: { host: '127.0.0.1', port: 18000 },
      controlPlaneId: controlPlaneId(trustDomain),
    });
    const { static_resources: fixed } = parse(text) as {
      static_resources: { clusters: { typed_extension_protocol_options: Record<string, Http2> }[] };
    };
    const [options] = Object.values(fixed.clusters[0]?.typed_extension_protocol_options ?? {});
    assert.deepEqual(options?.explicit_http_config.http2_protocol_options.connection_keepalive, {
      interval: '10s',
      timeout: '5s',
    });
  });

  test('Rule 65: a stream that ends on an error leaves nothing behind, at whatever request', async (t) => {
    const { client, server, cache, events } = await runningServer(t, two);
    const first = client.sotw().send({ type_url: TYPE.cluster });
    await first.end;
    const later = client.sotw().send({ node: NODE, type_url: TYPE.cluster });
    await later.next();
    later.send({ type_url: '' });
    await later.end;
    await eventually('forgotten', () => server.status().length === 0);
    const pushed = events.filter((event) => event.startsWith('pushed')).length;
    cache.set('ingress', state({ cluster: { a: '2' } }, two));
    assert.equal(events.filter((event) => event.startsWith('pushed')).length, pushed);
    await eventually('closed', () => events.filter((event) => event === 'closed ingress').length === 1);
  });
});

interface Http2 {
  readonly explicit_http_config: { readonly http2_protocol_options: { readonly connection_keepalive: object } };
}

function contentOf({ value }: { readonly value?: Buffer }): string {
  return value?.toString() ?? '';
}
