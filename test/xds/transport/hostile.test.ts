// Hostile or broken clients: each loses its stream with a clear status, and an honest client notices nothing.
// Must not: measure time; bench/ does.

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { createResource } from '../../../src/snapshot/resource.ts';
import { TYPE } from '../../../src/snapshot/resource-types.ts';
import { createSnapshot } from '../../../src/snapshot/snapshot.ts';
import { XdsError } from '../../../src/xds/stream-status.ts';
import type { XdsServerOptions } from '../../../src/xds/transport/xds-server.ts';
import { parseDeltaRequest, parseSotwRequest } from '../../../src/xds/wire/discovery-request.ts';
import { eventually } from '../../support/mesh.ts';
import { state } from '../fixtures.ts';
import { encodeDelta, NODE } from '../grpc-client.ts';
import { framed, RawClient } from '../raw-client.ts';
import { runningServer } from '../running-server.ts';

const STATUS = { INVALID_ARGUMENT: 3, RESOURCE_EXHAUSTED: 8 };
const one = state({ cluster: { c: '1' } });

/** A server, an honest stream on it, and a way to say that the honest one is still served. */
async function besideAnHonestOne(t: TestContext, limits: XdsServerOptions['limits'] = {}) {
  const running = await runningServer(t, one, { limits });
  const honest = running.client.delta().send({ node: NODE, type_url: TYPE.cluster });
  const first = await honest.next();
  honest.send({ type_url: TYPE.cluster, response_nonce: first.nonce });
  await eventually('acknowledged', () => running.events.includes('ack CDS'));
  const dial = (): RawClient => {
    const raw = new RawClient(running.port);
    t.after(() => raw.close());
    return raw;
  };
  const stillServed = async (): Promise<void> => {
    running.cache.set('ingress', state({ cluster: { c: '2' } }, one));
    assert.deepEqual(
      (await honest.next()).resources.map(({ name }) => name),
      ['c'],
    );
    assert.ok(!running.events.some((event) => event.startsWith('failed')));
  };
  return { ...running, dial, stillServed };
}

const request = (fields: object): Buffer => encodeDelta({ node: NODE, type_url: TYPE.cluster, ...fields });

describe('requests that are none', () => {
  const valid = request({});
  const broken: readonly (readonly [string, Buffer])[] = [
    ['noise', Buffer.from('ffffffffffffffffffffffff', 'hex')],
    ['a length beyond the end', Buffer.from([0x12, 0x7f, 0x61])],
    ['a message cut short', valid.subarray(0, valid.length - 1)],
    ['a group', Buffer.from([0x0b, 0x0c])],
    ['a varint without end', Buffer.alloc(32, 0x80)],
    ['field number zero', Buffer.from([0x02, 0x01, 0x61])],
    ['nothing at all', Buffer.alloc(0)],
  ];
  for (const [what, message] of broken) {
    test(`A request with ${what} is INVALID_ARGUMENT`, async (t) => {
      const { dial, stillServed } = await besideAnHonestOne(t);
      const raw = dial().read();
      raw.write(framed(message));
      assert.equal(await raw.status, STATUS.INVALID_ARGUMENT);
      await stillServed();
    });
  }

  test('The parser reads any bytes or refuses them with INVALID_ARGUMENT', () => {
    for (const parse of [parseSotwRequest, parseDeltaRequest]) {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
          try {
            parse(Buffer.from(bytes), 1000).node();
          } catch (error) {
            assert.ok(error instanceof XdsError && error.status === 'INVALID_ARGUMENT', String(error));
          }
        }),
        { numRuns: 5000 },
      );
    }
  });
});

describe('requests that are too much', () => {
  test('A million names are RESOURCE_EXHAUSTED', async (t) => {
    const { dial, stillServed } = await besideAnHonestOne(t);
    const names = Array.from({ length: 1_000_000 }, () => 'n');
    for (const fields of [
      { resource_names_subscribe: names },
      { resource_names_unsubscribe: names },
      { resource_names_subscribe: names.slice(0, 200_000).map((_, index) => `n${index}`) },
    ]) {
      const raw = dial().read();
      raw.write(framed(request(fields)));
      assert.equal(await raw.status, STATUS.RESOURCE_EXHAUSTED);
    }
    await stillServed();
  });

  test('Names of all streams of a gateway count together: the stream that exceeds the limit ends, and its place is free again', async (t) => {
    const { dial, stillServed, server } = await besideAnHonestOne(t, { bytesPerGateway: 6000 });
    const names = (prefix: string) => Array.from({ length: 20 }, (_, index) => `${prefix}${index}`);
    const first = dial().read();
    first.write(framed(request({ resource_names_subscribe: names('a') })));
    await eventually('served', () => server.status().length === 2);
    const second = dial().read();
    second.write(framed(request({ resource_names_subscribe: [...names('b'), ...names('c')] })));
    assert.equal(await second.status, STATUS.RESOURCE_EXHAUSTED);
    const third = dial().read();
    third.write(framed(request({ resource_names_subscribe: names('d') })));
    await eventually('served', () => server.status().length === 3);
    await stillServed();
  });

  test('Initial versions of more names than may be subscribed to are RESOURCE_EXHAUSTED', async (t) => {
    const { dial } = await besideAnHonestOne(t, { namesPerType: 100 });
    const raw = dial().read();
    const versions = Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`n${index}`, 'v']));
    raw.write(framed(request({ initial_resource_versions: versions })));
    assert.equal(await raw.status, STATUS.RESOURCE_EXHAUSTED);
  });

  test('A message that announces four gigabytes is RESOURCE_EXHAUSTED before it has arrived', async (t) => {
    const { dial, stillServed } = await besideAnHonestOne(t);
    const raw = dial().read();
    raw.write(framed(Buffer.from('begin'), 0xffff_ffff));
    assert.equal(await raw.status, STATUS.RESOURCE_EXHAUSTED);
    await stillServed();
  });

  test('Requests that arrive byte by byte are served like any other', async (t) => {
    const { dial, server, stillServed } = await besideAnHonestOne(t);
    const raw = dial().read();
    for (const byte of framed(request({}))) raw.write(Buffer.from([byte]));
    await eventually('served', () => server.status().length === 2);
    await stillServed();
  });

  test('Rules 21, 63: a client that reads nothing is cut off after a while, and until then one state waits for it, not a queue', async (t) => {
    const big = (content: string) =>
      createSnapshot([createResource(TYPE.cluster, 'big', Buffer.alloc(4 << 20, content))]);
    const { dial, cache, server, events } = await besideAnHonestOne(t, { stallMs: 300 });
    cache.set('ingress', big('a'));
    const before = events.filter((event) => event === 'pushed CDS').length;
    const raw = dial();
    raw.write(framed(request({})));
    await eventually('sent', () => events.filter((event) => event === 'pushed CDS').length === before + 1);
    // The honest one does not acknowledge either: neither is sent a second response.
    for (const content of ['b', 'c', 'd']) cache.set('ingress', big(content));
    await eventually('cut', () => events.includes('closed ingress'));
    assert.equal(server.status().length, 1);
    assert.equal(events.filter((event) => event === 'pushed CDS').length, before + 1);
  });

  test('A client that reads slowly is not cut off, however long it takes', async (t) => {
    const stallMs = 1500;
    const { dial, cache, server, events } = await besideAnHonestOne(t, { stallMs });
    const size = 4 << 20;
    cache.set('ingress', createSnapshot([createResource(TYPE.cluster, 'big', Buffer.alloc(size, 'a'))]));
    const raw = dial();
    let taken = 0;
    raw.stream.on('data', (bytes: Buffer) => {
      taken += bytes.length;
      raw.stream.pause();
    });
    raw.write(framed(request({})));
    const began = Date.now();
    while (taken < size && !raw.stream.closed) {
      await sleep(40);
      raw.stream.resume();
    }
    assert.ok(Date.now() - began > stallMs, 'it took longer than who reads nothing may take');
    assert.ok(taken >= size);
    assert.equal(server.status().length, 2);
    assert.ok(!events.includes('closed ingress'));
  });
});
