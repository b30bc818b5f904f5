// Costly answers one after the other.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OneAtATime } from '../../src/runtime/resources/one-at-a-time.ts';

test('One question is answered at a time, equal ones share the answer, and beyond those that wait none is taken', async () => {
  const questions = new OneAtATime<string>(2);
  const log: string[] = [];
  const ask = (name: string, fails = false): Promise<string> | undefined =>
    questions.ask([name], async () => {
      log.push(`${name} begins`);
      await new Promise(setImmediate);
      log.push(`${name} ends`);
      if (fails) throw new Error(name);
      return name;
    });
  const [a, b, c] = [ask('a'), ask('b', true), ask('c')];
  assert.equal(ask('d'), undefined);
  assert.equal(ask('b'), b);
  const settled = await Promise.allSettled([a, b, c]);
  assert.deepEqual(
    settled.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  assert.deepEqual(log, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  assert.equal(await ask('a'), 'a');
  assert.equal(log.length, 8);
});
