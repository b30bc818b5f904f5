// Structural sharing: unchanged parts are the same objects afterwards, changed ones are not, and the value is the next one.
// A property test makes random pairs of plain values.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { share, shareByKey } from '../../src/federation/structural-sharing.ts';

const copy = <T>(value: T): T => structuredClone(value);
const BEFORE = {
  peers: [
    { name: 'a', paths: ['/x', '/y'] },
    { name: 'b', paths: [] as string[] },
  ],
  mesh: { name: 'm' },
};

describe('sharing', () => {
  test('Sharing gives the previous object for an equal one', () => {
    assert.equal(share(BEFORE, copy(BEFORE)), BEFORE);
    assert.equal(share([1, 'a', null], [1, 'a', null]).length, 3);
  });

  test('Sharing gives new objects on the way to a change, and the previous ones beside it', () => {
    const next = copy(BEFORE);
    next.peers[1]?.paths.push('/z');
    const shared = share(BEFORE, next);
    assert.deepEqual(shared, next);
    assert.notEqual(shared, BEFORE);
    assert.notEqual(shared.peers, BEFORE.peers);
    assert.notEqual(shared.peers[1], BEFORE.peers[1]);
    assert.equal(shared.peers[0], BEFORE.peers[0]);
    assert.equal(shared.mesh, BEFORE.mesh);
  });

  test('Sharing sees what was added, removed, reordered or is another type', () => {
    const pairs: readonly (readonly [unknown, unknown])[] = [
      [{ a: 1 }, { a: 1, b: 2 }],
      [{ a: 1, b: 2 }, { a: 1 }],
      [{ a: undefined }, { b: undefined }],
      [{ a: undefined }, {}],
      [{}, { toString: undefined }],
      [[1, 2], [1]],
      [[1], [1, 2]],
      [
        [1, 2],
        [2, 1],
      ],
      [{ 0: 'a' }, ['a']],
      [['a'], { 0: 'a' }],
      [{ a: 1 }, null],
      [null, { a: 1 }],
      [{ a: '1' }, { a: 1 }],
    ];
    for (const [before, next] of pairs) {
      assert.deepStrictEqual(share(before, copy(next)), next);
      assert.notEqual(share(before, next), before);
    }
  });

  test('Sharing compares everything but plain data by identity', () => {
    const [one, two] = [Buffer.from('a'), Buffer.from('a')];
    const before = { key: one, more: { name: 'a' } };
    assert.equal(share(before, { key: one, more: { name: 'a' } }), before);
    const shared = share(before, { key: two, more: { name: 'a' } });
    assert.equal(shared.key, two);
    assert.equal(shared.more, before.more);
  });

  test('Sharing gives the next value where there was none', () => {
    const next = { a: 1 };
    assert.equal(share(undefined, next), next);
  });

  test('Sharing is always equal to the next value, changes neither, and is the previous one exactly when they are equal', () => {
    const data = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom('a', 'b', 1, true, null),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom('x', 'y', 'z'), tie('value'), { noNullPrototype: true }),
      ),
    })).value;
    fc.assert(
      fc.property(data, data, (before, next) => {
        const [first, second] = [copy(before), copy(next)];
        const shared = share(before, next);
        assert.deepStrictEqual(shared, second);
        assert.deepStrictEqual([before, next], [first, second]);
        const isObject = typeof before === 'object' && before !== null;
        if (isObject) assert.equal(shared === before, JSON.stringify(sorted(before)) === JSON.stringify(sorted(next)));
        assert.equal(share(before, copy(before)), before);
      }),
      { numRuns: 500 },
    );
  });
});

describe('sharing of a list by key', () => {
  const item = (name: string, value = 1) => ({ name, value });
  const keyOf = ({ name }: { readonly name: string }): string => name;
  const before = [item('b'), item('c'), item('d')];
  const next = (...items: ReturnType<typeof item>[]) => shareByKey(before, items, keyOf);

  test('Sharing of a list by key gives the previous list for an equal one', () => {
    assert.equal(next(item('b'), item('c'), item('d')), before);
  });

  test('Sharing of a list by key finds every item again when one comes before it or goes', () => {
    const [b, c, d] = before;
    const added = next(item('a'), item('b'), item('c'), item('d'));
    assert.deepEqual([added[0], added.length], [item('a'), 4]);
    assert.ok(added[1] === b && added[2] === c && added[3] === d);
    const removed = next(item('c'), item('d'));
    assert.ok(removed[0] === c && removed[1] === d && removed.length === 2);
  });

  test('Sharing of a list by key keeps the next order, which is a change of the list but not of its items', () => {
    const [b, c, d] = before;
    const turned = next(item('d'), item('b'), item('c'));
    assert.notEqual(turned, before);
    assert.ok(turned[0] === d && turned[1] === b && turned[2] === c);
  });

  test('Sharing of a list by key gives a new object for a changed item and the previous ones for the others', () => {
    const changed = next(item('b'), item('c', 2), item('d'));
    assert.deepEqual(changed[1], item('c', 2));
    assert.ok(changed[0] === before[0] && changed[2] === before[2] && changed[1] !== before[1]);
  });

  test('Sharing of a list by key gives the next list where there was none', () => {
    const list = [item('a')];
    assert.equal(shareByKey(undefined, list, keyOf), list);
  });
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return ['list', ...value.map(sorted)];
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, one]) => [key, sorted(one)]);
  return { map: entries.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)) };
}
