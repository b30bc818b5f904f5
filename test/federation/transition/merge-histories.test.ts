// What two processes that share a record make of each other's history.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type History, labelOf, type ServedPeer, START_SETTLE_MS } from '../../../src/federation/transition/history.ts';
import { covers, mergeHistories } from '../../../src/federation/transition/merge-histories.ts';
import { isSameState, type ServedState } from '../../../src/federation/transition/served-state.ts';

const now = 1_000_000;
const PLAIN = { noNullPrototype: true } as const;
const some = (letters: string): fc.Arbitrary<string[]> => fc.subarray([...letters]);
const state: fc.Arbitrary<ServedState> = fc.record(
  { roots: some('AB'), grants: some('g'), imports: fc.constant([]) },
  PLAIN,
);
const time = fc.integer({ min: now - 2, max: now + 20 });
const entry: fc.Arbitrary<ServedPeer> = fc
  .record({
    name: fc.constantFrom('north', 'south'),
    generation: fc.record({ id: fc.constantFrom('1', '2'), roots: some('AB') }, PLAIN),
    superseded: fc.array(state, { maxLength: 3 }),
    ends: fc.array(time, { minLength: 4, maxLength: 4 }),
    current: state,
    ended: fc.option(time, { nil: undefined }),
  })
  .map(({ name, generation, superseded, ends, current, ended }) => {
    const untils = [...ends].sort((a, b) => a - b);
    const held = distinct([...superseded, current]).map((one, index) => ({ ...one, until: untils[index] ?? now }));
    return {
      ...{ name, key: 'k', domainKey: 'd', gatewayIdentities: [], generation },
      ...(ended === undefined
        ? { states: [...held.filter((one) => !isSameState(one, current)), current] }
        : { states: held, ended: { until: ended, last: current } }),
    };
  });
const history: fc.Arbitrary<History> = fc
  .uniqueArray(entry, { selector: ({ name }) => name })
  .map((entries) => new Map(entries.map((one) => [labelOf(one), one])));

function distinct(states: readonly ServedState[]): readonly ServedState[] {
  return states.filter((one, index) => states.findIndex((other) => isSameState(one, other)) === index);
}

test('A merged history knows all that ours says, and all that a gateway may still hold of theirs', () => {
  fc.assert(
    fc.property(history, history, (ours, theirs) => {
      const merged = mergeHistories(ours, theirs, now);
      assert.ok(covers(merged, ours));
      for (const [label, { states, generation, ended }] of theirs) {
        if (ended !== undefined && ended.until <= now && !ours.has(label)) continue;
        for (const one of states.filter(({ until }) => until === undefined || now < until)) {
          const same = merged.get(label)?.states.find((other) => isSameState(one, other));
          assert.ok((same?.until ?? Number.POSITIVE_INFINITY) >= (one.until ?? now + START_SETTLE_MS));
          assert.ok(same !== undefined);
        }
        const mine = merged.get(label)?.generation;
        if (mine?.id === generation.id) assert.ok(generation.roots.every((root) => mine.roots.includes(root)));
      }
    }),
  );
});

test('No state of a merged history ends before an older one, and only the last has no end', () => {
  fc.assert(
    fc.property(history, history, (ours, theirs) => {
      for (const { states } of mergeHistories(ours, theirs, now).values()) {
        const ends = states.map(({ until }) => until ?? Number.POSITIVE_INFINITY);
        assert.deepEqual(
          ends,
          [...ends].sort((a, b) => a - b),
        );
        assert.ok(ends.slice(0, -1).every(Number.isFinite));
      }
    }),
  );
});

test('What was merged once adds nothing more, and the entries stay the same objects', () => {
  fc.assert(
    fc.property(history, history, (ours, theirs) => {
      const merged = mergeHistories(ours, theirs, now);
      for (const [label, one] of mergeHistories(merged, theirs, now)) assert.equal(one, merged.get(label));
    }),
  );
});

test('Roots that another process served in our generation count although it has begun its own since', () => {
  const peer = { name: 'north', key: 'k', domainKey: 'd', gatewayIdentities: [] };
  const [older, both] = [['A'], ['A', 'B']].map((roots) => ({ roots, grants: [], imports: [] }));
  assert.ok(older && both);
  const ours = { ...peer, generation: { id: '1', roots: ['A'] }, states: [older] };
  const theirs = {
    ...peer,
    generation: { id: '2', roots: ['A'] },
    states: [{ ...both, until: now + 1 }, older],
  };
  const label = labelOf(peer);
  const merged = mergeHistories(new Map([[label, ours]]), new Map([[label, theirs]]), now);
  assert.deepEqual(merged.get(label)?.generation, { id: '1', roots: ['A', 'B'] });
});
