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

function watched(): { cache: SnapshotCache; pushed: Pushed[]; unwatch: (() => void)[] } {
  const cache = new SnapshotCache();
  const queue = new PushQueue(cache);
  const pushed: Pushed[] = [];
  const unwatch = Array.from({ length: STREAMS }, (_, stream) =>
    queue.watch(GATEWAY, ({ version }) => pushed.push({ stream, version })),
  );
  return { cache, pushed, unwatch };
}

async function untilQuiet(pushed: readonly Pushed[]): Promise<number> {
  let rounds = 0;
  for (let before = -1; before !== pushed.length; rounds += 1) {
    before = pushed.length;
    await nextRound();
  }
  return rounds;
}

test('A change goes to the first streams at once and to the others in later rounds of the event loop, in their order', async () => {
  const { cache, pushed } = watched();
  cache.set(GATEWAY, snapshotOf('one'));
  assert.ok(pushed.length > 0 && pushed.length < STREAMS / 2, `${pushed.length} at once`);
  const rounds = await untilQuiet(pushed);
  assert.deepEqual(
    pushed.map(({ stream }) => stream),
    [...Array(STREAMS).keys()],
  );
  assert.ok(rounds > 2, `${rounds} rounds`);
  assert.ok(rounds < STREAMS / 32, `${rounds} rounds: each also reads answers, which must not add up`);
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
