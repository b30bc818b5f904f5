// Memoization by identity: what is computed again, and that one function never returns the result of another.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { areIdentical, memoizeByIdentity } from '../src/memoize.ts';

test('A function is computed again when an argument is another object, and not otherwise', () => {
  const [key, a, b] = [{}, {}, {}];
  let calls = 0;
  const count = memoizeByIdentity((_key: object, ..._inputs: readonly unknown[]) => {
    calls += 1;
    return calls;
  });
  assert.deepEqual(
    [count(key, a), count(key, a), count(key, b), count(key, b, a), count(key, b, a), count({}, b, a)],
    [1, 1, 2, 3, 3, 4],
  );
});

test('A result that is undefined is kept like any other', () => {
  let calls = 0;
  const nothing = memoizeByIdentity((_: object) => {
    calls += 1;
    return undefined;
  });
  const key = {};
  nothing(key);
  nothing(key);
  assert.equal(calls, 1);
});

test('Two functions with the same arguments never return the result of each other', () => {
  const key = { name: 'rates' };
  const shared: readonly unknown[] = [];
  const virtualHost = memoizeByIdentity(({ name }: typeof key, _: typeof shared) => `virtual host ${name}`);
  const cluster = memoizeByIdentity(({ name }: typeof key, _: typeof shared) => `cluster ${name}`);
  const results = [virtualHost(key, shared), cluster(key, shared), virtualHost(key, shared)];
  assert.deepEqual(results, ['virtual host rates', 'cluster rates', 'virtual host rates']);
});

test('A function that threw is computed again', () => {
  let calls = 0;
  const failsFirst = memoizeByIdentity((_: object) => {
    calls += 1;
    if (calls === 1) throw new Error('no');
    return calls;
  });
  const key = {};
  assert.throws(() => failsFirst(key));
  assert.deepEqual([failsFirst(key), failsFirst(key)], [2, 2]);
});

test('Lists are identical when they hold the same objects, or equal strings, in the same order', () => {
  const [a, b] = [{}, {}];
  const same = ['x', a];
  assert.ok(areIdentical(same, same) && areIdentical(['x', a, 1], ['x', a, 1]) && areIdentical([], []));
  for (const other of [['x'], ['x', b], [a, 'x'], ['x', a, a], ['y', a]]) assert.ok(!areIdentical(same, other));
});
