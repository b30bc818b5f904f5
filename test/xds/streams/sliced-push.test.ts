// A change that many streams wait for, at a real server with real connections: which bytes leave first, a second change on the way,
// and streams that close on the way. The slices themselves are in push-queue.test.ts.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { TYPE } from '../../../src/snapshot/resource-types.ts';
import { eventually } from '../../support/mesh.ts';
import { state } from '../fixtures.ts';
import { type Conversation, encodeDelta, NODE, type Response } from '../grpc-client.ts';
import { framed, RawClient } from '../raw-client.ts';
import { type RunningServer, runningServer } from '../running-server.ts';

const STREAMS = 100;
const PERMISSION_DENIED = 7;
const SUBSCRIPTION = { node: NODE, type_url: TYPE.cluster };
const before = state({ cluster: { a: '1', b: '1' } });
const one = state({ cluster: { a: '2', b: '1' } }, before);
const two = state({ cluster: { a: '3', b: '1' } }, one);

function count(events: readonly string[], event: string): number {
  return events.filter((happened) => happened === event).length;
}

/** Streams that have the first snapshot and have acknowledged it. */
async function subscribed({ client, events }: RunningServer): Promise<readonly Conversation[]> {
  const streams = Array.from({ length: STREAMS }, (_, index) =>
    client.delta().send({ ...SUBSCRIPTION, node: { ...NODE, id: `node-${index}` } }),
  );
  for (const stream of streams) acknowledge(stream, await stream.next());
  await eventually('acknowledged', () => count(events, 'ack CDS') === STREAMS);
  events.length = 0;
  return streams;
}

function acknowledge(stream: Conversation, { nonce }: Response): void {
  stream.send({ type_url: TYPE.cluster, response_nonce: nonce });
}

/** Calls back while the response is made that is the `nth` to be pushed. */
function whenPushed(events: string[], nth: number, then: () => void): void {
  const push = events.push.bind(events);
  events.push = (...happened) => {
    const length = push(...happened);
    if (happened.includes('pushed CDS') && count(events, 'pushed CDS') === nth) then();
    return length;
  };
}

/** The bytes that the kernel has for a connection of this machine and its process has not read. */
function unread(localPort: number): number {
  const port = localPort.toString(16).toUpperCase().padStart(4, '0');
  const line = readFileSync('/proc/net/tcp', 'utf8').match(new RegExp(`: [0-9A-F]{8}:${port} \\S+ 01 \\S+:(\\S+)`));
  assert.ok(line?.[1], 'the connection is open');
  return Number.parseInt(line[1], 16);
}

test('The first stream has the bytes of a change before the response of the last stream is made', async (t) => {
  // Without a snapshot nothing is sent (rule 31), so the first one is due on all streams at once.
  const { port, cache, events } = await runningServer(t, undefined);
  const clients = Array.from({ length: STREAMS }, () => new RawClient(port));
  t.after(() => {
    for (const client of clients) client.close();
  });
  // The stream that subscribes first is the first that is pushed to.
  for (const [index, client] of clients.entries()) {
    client.write(framed(encodeDelta(SUBSCRIPTION)));
    if (index === 0) await eventually('the first is open', () => events.length === 1);
  }
  await eventually('all are open', () => count(events, 'opened ingress') === STREAMS);
  const [first] = clients;
  const localPort = first?.stream.session?.socket.localPort;
  assert.ok(first && localPort);
  await eventually('nothing is on its way', () => unread(localPort) === 0);
  let arrived = 0;
  first.stream.on('data', (chunk: Buffer) => {
    arrived += chunk.length;
  });
  let whenLastIsMade = 0;
  whenPushed(events, STREAMS, () => {
    whenLastIsMade = arrived + unread(localPort);
  });
  cache.set('ingress', before);
  await eventually('all are pushed to', () => count(events, 'pushed CDS') === STREAMS);
  assert.ok(whenLastIsMade > 0);
});

test('A second change on the way goes to all streams, alone to those that the first one had not reached', async (t) => {
  const running = await runningServer(t, before);
  const streams = await subscribed(running);
  const { cache, events } = running;
  cache.set('ingress', one);
  const early = count(events, 'pushed CDS');
  assert.ok(early > 0 && early < STREAMS, `${early} at once`);
  cache.set('ingress', two);
  const seen = await Promise.all(
    streams.map(async (stream) => {
      const versions: (string | undefined)[] = [];
      const wanted = two.types.get(TYPE.cluster)?.resources.get('a')?.version;
      while (versions.at(-1) !== wanted) {
        const response = await stream.next();
        versions.push(response.resources.find(({ name }) => name === 'a')?.version);
        acknowledge(stream, response);
      }
      return versions.length;
    }),
  );
  assert.equal(count(events, 'pushed CDS'), STREAMS + early);
  assert.deepEqual(
    seen,
    streams.map((_, index) => (index < early ? 2 : 1)),
  );
});

test('A stream that ends after a change and before its turn is sent nothing of it, and disturbs no other', async (t) => {
  const leaving = new Set<string>();
  const running = await runningServer(t, before, {
    admission: () => ({
      identify: (node) =>
        leaving.has(node?.id ?? '')
          ? { ok: false, reason: 'unknown_identity', detail: 'no longer a gateway' }
          : { ok: true, gateway: 'ingress', notAfter: Number.POSITIVE_INFINITY },
    }),
  });
  const streams = await subscribed(running);
  const { cache, events, server } = running;
  const staying = streams.slice(0, -10);
  whenPushed(events, 5, () => {
    for (let index = staying.length; index < STREAMS; index += 1) leaving.add(`node-${index}`);
    server.recheck();
  });
  cache.set('ingress', one);
  for (const stream of staying) acknowledge(stream, await stream.next());
  for (const stream of streams.slice(-10)) {
    assert.equal((await stream.end).code, PERMISSION_DENIED);
    assert.equal(stream.waiting(), 0);
  }
  await eventually('acknowledged', () => count(events, 'ack CDS') === staying.length);
  cache.set('ingress', two);
  for (const stream of staying) acknowledge(stream, await stream.next());
  await eventually('acknowledged', () => count(events, 'ack CDS') === 2 * staying.length);
  assert.equal(count(events, 'pushed CDS'), 2 * staying.length);
});
