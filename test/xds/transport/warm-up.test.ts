// The warm-up: it really connects, keeps to its budget, and leaves nothing behind.
// Must not: assert how much faster anything is; bench/ measures that.

import assert from 'node:assert/strict';
import { createHook } from 'node:async_hooks';
import { test } from 'node:test';
import { AT_ONCE, warmUp } from '../../../src/xds/transport/warm-up.ts';
import { eventually } from '../../support/mesh.ts';

/** How many TCP connections were made or accepted meanwhile: each counts at both ends. */
async function connections(work: () => Promise<void>): Promise<number> {
  let count = 0;
  const hook = createHook({
    init: (_id, type) => {
      if (type === 'TCPWRAP') count += 1;
    },
  }).enable();
  await work();
  hook.disable();
  return count;
}

test('The warm-up connects to its own server until its time is over, and leaves no server and no connection', async () => {
  // Three rounds of this clock, however long they take: each of them asks it 21 times.
  let now = 0;
  const rounds = 3;
  const made = await connections(() => warmUp(rounds * 21_000, () => (now += 1000)));
  assert.equal(made, rounds * AT_ONCE * 2);
  const left = (): readonly string[] => process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP'));
  await eventually('nothing is left', () => left().length === 0);
});

test('The warm-up does nothing without a budget', async () => {
  assert.equal(await connections(() => warmUp(0)), 0);
});
