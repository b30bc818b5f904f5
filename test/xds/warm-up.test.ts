// The warm-up: it really connects, holds to its budget, and leaves nothing behind.
// In: budgets. Out: what the process holds. Must not: say how much faster anything is; bench/ does.

import assert from 'node:assert/strict';
import { createHook } from 'node:async_hooks';
import { test } from 'node:test';
import { warmUp } from '../../src/xds/warm-up.ts';
import { eventually } from '../support/mesh.ts';

/** How many TCP connections were accepted or made meanwhile. */
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

test('it connects to itself until its time is over, and leaves no server and no connection', async () => {
  let now = 0;
  assert.ok((await connections(() => warmUp(100, () => (now += 10)))) >= 40);
  const left = (): readonly string[] => process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP'));
  await eventually('nothing is left', () => left().length === 0);
});

test('without a budget it does nothing', async () => {
  assert.equal(await connections(() => warmUp(0)), 0);
});
