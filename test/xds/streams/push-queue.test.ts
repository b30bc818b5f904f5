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

function watched(streams = STREAMS): { cache: SnapshotCache; pushed: Pushed[]; unwatch: (() => void)[] } {
  const cache = new SnapshotCache();
  const queue = new PushQueue(cache);
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

test('A change that thousands of streams wait for takes several rounds', async () => {
  const { cache, pushed } = watched(3 * STREAMS);
  cache.set(GATEWAY, snapshotOf('one'));
  await nextRound();
  assert.ok(pushed.length < 3 * STREAMS, `${pushed.length} in one round`);
  await untilQuiet(pushed);
  assert.equal(pushed.length, 3 * STREAMS);
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
