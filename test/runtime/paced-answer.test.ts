// Answers that cost something, for many who ask at once.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as nextRound } from 'node:timers/promises';
import { PacedAnswer } from '../../src/runtime/status/paced-answer.ts';

const noPause = async (): Promise<void> => undefined;

describe('a paced answer', () => {
  test('All who ask before an answer is begun share it, and one who asks afterwards gets another', async () => {
    let begun = 0;
    const done: (() => void)[] = [];
    const answers = new PacedAnswer(async () => {
      begun += 1;
      const number = begun;
      await new Promise<void>((fulfil) => done.push(fulfil));
      return number;
    }, noPause);
    const first = Promise.all(Array.from({ length: 100 }, () => answers.ask()));
    await nextRound();
    const second = Promise.all(Array.from({ length: 100 }, () => answers.ask()));
    await nextRound();
    assert.equal(begun, 1, 'two were made at a time');
    done.shift()?.();
    assert.deepEqual(new Set(await first), new Set([1]));
    while (done.length === 0) await nextRound();
    done.shift()?.();
    assert.deepEqual(new Set(await second), new Set([2]));
  });

  test('The next answer is begun after a pause that is nine times as long as the last took, and never above a second', async () => {
    const pauses: { readonly ms: number; readonly end: () => void }[] = [];
    let took = 5;
    let begun = 0;
    const answers = new PacedAnswer(
      async () => {
        begun += 1;
        const begin = performance.now();
        while (performance.now() - begin < took);
      },
      (ms) => new Promise<void>((end) => pauses.push({ ms, end })),
    );
    await answers.ask();
    took = 150;
    const next = answers.ask();
    await nextRound();
    assert.equal(begun, 1, 'begun before the pause was over');
    assert.ok((pauses[0]?.ms ?? 0) >= 45, JSON.stringify(pauses));
    pauses[0]?.end();
    await next;
    await nextRound();
    assert.equal(pauses[1]?.ms, 1000);
  });

  test('An answer that fails fails for all who asked, and the next is made', async () => {
    let count = 0;
    const answers = new PacedAnswer(async () => {
      count += 1;
      if (count === 1) throw new Error('not this time');
      return count;
    }, noPause);
    const failed = await Promise.allSettled([answers.ask(), answers.ask()]);
    assert.deepEqual(
      failed.map(({ status }) => status),
      ['rejected', 'rejected'],
    );
    assert.equal(await answers.ask(), 2);
  });
});
