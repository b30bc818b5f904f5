// The slices in which streams push a change: the first at once, the others in their order, each once.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextRound } from 'node:timers/promises';
import { SnapshotCache } from '../../../src/snapshot/cache.ts';
import { createResource } from '../../../src/snapshot/resource.ts';
import { TYPE } from '../../../src/snapshot/resource-types.ts';
import { createSnapshot, type Snapshot } from '../../../src/snapshot/snapshot.ts';
import { PushQueue } from '../../../src/xds/streams/push-queue.ts';

const GATEWAY = 'ingress';
const STREAMS = 500;

function snapshotOf(content: string): Snapshot {
  return createSnapshot([createResource(TYPE.cluster, 'c', Buffer.from(content))]);
}

interface Pushed {
  readonly stream: number;
  readonly version: string;
}

function watched(
  streams = STREAMS,
  clock = () => 0,
): { cache: SnapshotCache; pushed: Pushed[]; unwatch: (() => void)[] } {
  const cache = new SnapshotCache();
  const queue = new PushQueue(cache, clock);
  const pushed: Pushed[] = [];
  const unwatch = Array.from({ length: streams }, (_, stream) =>
    queue.watch(GATEWAY, ({ version }) => pushed.push({ stream, version })),
  );
  return { cache, pushed, unwatch };
}

async function untilQuiet(pushed: readonly Pushed[]): Promise<void> {
  for (let before = -1; before !== pushed.length; ) {
    before = pushed.length;
    await nextRound();
  }
}

test('A change goes to the first streams at once and to hundreds of others in the next round of the event loop, in their order', async () => {
  const { cache, pushed } = watched();
  cache.set(GATEWAY, snapshotOf('one'));
  assert.ok(pushed.length > 0 && pushed.length < STREAMS / 10, `${pushed.length} at once`);
  await nextRound();
  assert.deepEqual(
    pushed.map(({ stream }) => stream),
    [...Array(STREAMS).keys()],
    'each further round also reads answers, which the last stream would wait for',
  );
});

test('A round ends early when its pushes are slow, and a stream that is told of a change then waits behind the others', async () => {
  let now = 0;
  const { cache, pushed } = watched(STREAMS, () => (now += 1));
  cache.set(GATEWAY, snapshotOf('one'));
  const early = pushed.length;
  await nextRound();
  const inRound = pushed.length - early;
  assert.ok(inRound > 0 && inRound < STREAMS / 10, `${inRound} in one round`);
  cache.set(GATEWAY, snapshotOf('two'));
  assert.equal(pushed.length, early + inRound);
  await untilQuiet(pushed);
  assert.equal(pushed.length, early + inRound + STREAMS);
});

test('A stream that waits when the next change comes pushes that one, once, and keeps its place', async () => {
  const { cache, pushed } = watched();
  const [one, two] = [snapshotOf('one'), snapshotOf('two')];
  cache.set(GATEWAY, one);
  const early = pushed.length;
  cache.set(GATEWAY, two);
  await untilQuiet(pushed);
  const late = pushed.slice(early);
  assert.deepEqual(
    late.map(({ stream }) => stream),
    [...Array(STREAMS).keys()].map((index) => (index + early) % STREAMS),
  );
  assert.ok(late.every(({ version }) => version === two.version));
});

test('A stream that ends while it waits pushes nothing', async () => {
  const { cache, pushed, unwatch } = watched();
  cache.set(GATEWAY, snapshotOf('one'));
  const early = pushed.length;
  for (const end of unwatch) end();
  await untilQuiet(pushed);
  assert.equal(pushed.length, early);
});
