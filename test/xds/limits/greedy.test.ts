// Clients that take more than their share, each within the protocol: what the server retains for them, what they cost, and how
// long they may be silent.
// Must not: measure time.

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { createResource } from '../../../src/snapshot/resource.ts';
import { TYPE } from '../../../src/snapshot/resource-types.ts';
import { createSnapshot } from '../../../src/snapshot/snapshot.ts';
import type { XdsServerOptions } from '../../../src/xds/transport/xds-server.ts';
import { parseDeltaRequest } from '../../../src/xds/wire/discovery-request.ts';
import { eventually } from '../../support/mesh.ts';
import { shown, state, Talk } from '../fixtures.ts';
import { encodeDelta, NODE } from '../grpc-client.ts';
import { framed, RawClient } from '../raw-client.ts';
import { runningServer } from '../running-server.ts';

const UNIMPLEMENTED = 12;
const STATUS = { INVALID_ARGUMENT: 3, DEADLINE_EXCEEDED: 4, RESOURCE_EXHAUSTED: 8 };
const two = state({ cluster: { a: '1', b: '1' } });
const request = (fields: object): Buffer => encodeDelta({ node: NODE, type_url: TYPE.cluster, ...fields });

async function start(t: TestContext, limits: NonNullable<XdsServerOptions['limits']>) {
  const running = await runningServer(t, two, { limits });
  const dial = (): RawClient => {
    const raw = new RawClient(running.port).read();
    t.after(() => raw.close());
    return raw;
  };
  return { ...running, dial };
}

describe('what is kept of what a client sends', () => {
  const names = (count: number, prefix = 'n') => Array.from({ length: count }, (_, index) => `${prefix}${index}`);
  const weigh = (...said: readonly Parameters<Talk['say']>[1][]): number => {
    const talk = new Talk('delta', two);
    for (const fields of said) talk.say('cluster', fields);
    return talk.session.retainedBytes;
  };

  test('The names that a client sends count, even those that are not in its subscription', () => {
    assert.ok(weigh({ subscribe: ['a'] }) < 100);
    assert.ok(weigh({ subscribe: names(100) }) > 6400);
    // Told that they do not exist, and not yet acknowledged.
    assert.ok(weigh({ subscribe: names(100), unsubscribe: names(100, 'x') }, { unsubscribe: names(100) }) > 6400);
    const initialVersions = new Map(names(100).map((name) => [name, 'v'.repeat(1000)]));
    const waiting = new Talk('delta');
    waiting.say('cluster', { subscribe: ['*'], initialVersions });
    assert.ok(waiting.session.retainedBytes > 100_000);
    // Asked for while a response is not acknowledged.
    assert.ok(weigh({ subscribe: ['*'] }, { unsubscribe: names(100) }) > 6400);
    // Letters of more than one byte.
    assert.ok(weigh({ subscribe: ['漢'.repeat(1000)] }) > 3000);
  });

  test('Names that were answered and dropped no longer count', () => {
    const talk = new Talk('delta', two);
    const [reply] = talk.say('cluster', { subscribe: ['a', ...names(100)] });
    assert.deepEqual(shown(talk.ack(reply, { unsubscribe: names(100) })), []);
    assert.ok(talk.session.retainedBytes < 100);
  });

  test('An incomplete request counts against its gateway', async (t) => {
    const { dial, server } = await start(t, { bytesPerGateway: 100_000 });
    const honest = dial();
    honest.write(framed(request({})));
    await eventually('served', () => server.status().length === 1);
    const raw = dial();
    raw.write(framed(Buffer.alloc(200_000), 3_000_000));
    assert.equal(await raw.status, STATUS.RESOURCE_EXHAUSTED);
    assert.equal(server.status().length, 1);
  });

  test('A request that arrived in pieces no longer counts once it is complete', async (t) => {
    const { dial, server } = await start(t, { bytesPerGateway: 100_000 });
    const raw = dial();
    for (let count = 0; count < 10; count += 1) {
      const message = framed(request({ node: { ...NODE, user_agent_name: 'u'.repeat(60_000) } }));
      raw.write(message.subarray(0, 30_000));
      raw.write(message.subarray(30_000));
    }
    await eventually('served', () => server.status().length === 1);
    raw.write(framed(request({ resource_names_subscribe: ['a'.repeat(60_000)] })));
    raw.write(framed(request({ resource_names_subscribe: ['b'.repeat(60_000)] })));
    assert.equal(await raw.status, STATUS.RESOURCE_EXHAUSTED);
  });

  test('Of a node only the needed fields are kept', async (t) => {
    const { dial, server } = await start(t, {});
    dial().write(framed(request({ node: { ...NODE, user_agent_name: 'u'.repeat(100_000) } })));
    await eventually('served', () => server.status()[0]?.userAgent.length === 256);
    const raw = dial();
    raw.write(framed(request({ node: { id: 'i'.repeat(2000) } })));
    assert.equal(await raw.status, STATUS.INVALID_ARGUMENT);
    const known = ['xds.config.supports-resource-ttl', 'xds.config.supports-resource-in-sotw'];
    const features = [...known, ...known, ...names(1000)];
    const parsed = parseDeltaRequest(request({ node: { ...NODE, client_features: features } }), 10);
    assert.deepEqual(parsed.node()?.clientFeatures, known);
  });

  test('No more than 2,048 bytes of a rejection are kept', () => {
    const bytes = request({ response_nonce: '1', error_detail: { message: 'é'.repeat(100_000) } });
    assert.equal(parseDeltaRequest(bytes, 10).errorDetail, 'é'.repeat(1024));
  });

  test('A rejection holds no character that moves the cursor of a terminal', () => {
    const message = '\x1b[2J\x1b]0;owned\x07\nbank east-0 is fine\u202e\u2028';
    assert.equal(
      parseDeltaRequest(request({ response_nonce: '1', error_detail: { message } }), 10).errorDetail,
      ' [2J ]0;owned  bank east-0 is fine  ',
    );
  });
});

describe('what a client costs', () => {
  const many = { burst: 1_000_000, perSecond: 0 };
  const ten = { burst: 10, perSecond: 0 };
  const thousand = { burst: 1000, perSecond: 0 };

  test('Every name in a request is charged, in each of its lists and each time it is repeated', async (t) => {
    const { dial, server } = await start(t, { ratesPerStream: { requests: many, names: thousand } });
    const names = Array.from({ length: 600 }, () => 'n');
    for (const fields of [
      { resource_names_subscribe: names },
      { resource_names_unsubscribe: names },
      { initial_resource_versions: Object.fromEntries(names.map((name, index) => [`${name}${index}`, '1'])) },
    ]) {
      const raw = dial();
      raw.write(framed(request(fields)));
      await eventually('served', () => server.status().length === 1);
      raw.write(framed(request(fields)));
      assert.equal(await raw.status, STATUS.RESOURCE_EXHAUSTED);
    }
  });

  test('A part of a request that is not a name is charged by its size', async (t) => {
    const { dial } = await start(t, { ratesPerStream: { requests: many, names: thousand } });
    const raw = dial();
    raw.write(framed(request({ node: { ...NODE, user_agent_name: 'u'.repeat(100_000) } })));
    assert.equal(await raw.status, STATUS.RESOURCE_EXHAUSTED);
  });

  test('Resources that a client requests repeatedly are charged', async (t) => {
    const running = await start(t, { ratesPerStream: { requests: many, names: thousand } });
    const resources = Array.from({ length: 600 }, (_, index) =>
      createResource(TYPE.cluster, `c${index}`, Buffer.from('x')),
    );
    running.cache.set('ingress', createSnapshot(resources));
    const { client } = running;
    const stream = client.delta().send({ node: NODE, type_url: TYPE.cluster });
    const { nonce } = await stream.next();
    // Nothing was named, and all of it is sent again.
    stream.send({ type_url: TYPE.cluster, response_nonce: nonce, resource_names_unsubscribe: ['*'] });
    stream.send({ type_url: TYPE.cluster, resource_names_subscribe: ['*'] });
    assert.equal((await stream.end).code, STATUS.RESOURCE_EXHAUSTED);
  });

  test('All streams of a gateway are charged together', async (t) => {
    const { dial, server } = await start(t, { ratesPerGateway: { requests: ten, names: many } });
    const [first, second] = [dial(), dial()];
    for (let count = 0; count < 6; count += 1) first.write(framed(request({ response_nonce: 'stale' })));
    await eventually('served', () => server.status().length === 1);
    for (let count = 0; count < 6; count += 1) second.write(framed(request({ response_nonce: 'stale' })));
    assert.equal(await second.status, STATUS.RESOURCE_EXHAUSTED);
  });
});

describe('a client that says nothing', () => {
  test('A client that sends nothing loses its stream after a while', async (t) => {
    const { dial, events } = await start(t, { firstRequestMs: 100 });
    assert.equal(await dial().status, STATUS.DEADLINE_EXCEEDED);
    assert.deepEqual(events, []);
  });

  test('A client that has sent one request keeps its stream while it is silent', async (t) => {
    const { dial, server } = await start(t, { firstRequestMs: 100 });
    const raw = dial();
    raw.write(framed(request({})));
    await eventually('served', () => server.status().length === 1);
    assert.equal(await dial().status, STATUS.DEADLINE_EXCEEDED);
    assert.equal(server.status().length, 1);
  });

  test('A silent client takes one of the streams of its gateway', async (t) => {
    const { dial, server } = await start(t, { streamsPerGateway: 2 });
    const silent = [dial(), dial()];
    const third = dial();
    assert.equal(await third.status, STATUS.RESOURCE_EXHAUSTED);
    silent[0]?.close();
    await eventually('its place is free', async () => {
      const fourth = dial();
      fourth.write(framed(request({})));
      await Promise.race([fourth.status, eventually('served', () => server.status().length === 1)]);
      return server.status().length === 1;
    });
  });
});

test('Rule 14: a client cannot acknowledge a response that it has not read', async (t) => {
  const { client, events, cache } = await runningServer(t, two);
  const [one, other] = [client.delta(), client.delta()].map((stream) =>
    stream.send({ node: NODE, type_url: TYPE.cluster }),
  );
  assert.ok(one !== undefined && other !== undefined);
  const first = await one.next();
  one.send({ type_url: TYPE.cluster, response_nonce: first.nonce });
  await eventually('acknowledged', () => events.includes('ack CDS'));
  cache.set('ingress', state({ cluster: { a: '2', b: '1' } }, two));
  const nonces = [first.nonce, (await one.next()).nonce, (await other.next()).nonce];
  assert.equal(new Set(nonces).size, 3);
  for (const nonce of nonces) assert.match(nonce, /^[\w-]{12}$/);
});

test('Compressed requests are refused before anything is inflated, and the client is told which encoding is accepted', async (t) => {
  const { port, client, events } = await runningServer(t, two);
  for (const encoding of ['gzip', 'deflate', 'snappy', 'br', 'IDENTITY']) {
    const raw = new RawClient(port, { 'grpc-encoding': encoding }).read();
    t.after(() => raw.close());
    const headers = new Promise<Record<string, unknown>>((done) => raw.stream.once('response', done));
    raw.write(framed(gzipSync(encodeDelta({ node: NODE, type_url: TYPE.cluster }))));
    assert.equal((await headers)['grpc-accept-encoding'], 'identity');
    assert.equal(await raw.status, UNIMPLEMENTED, encoding);
  }
  assert.deepEqual(events, []);
  const stream = client.delta().send({ node: NODE, type_url: TYPE.cluster });
  assert.equal((await stream.next()).resources.length, 2);
});
