// Building again and again: only what changed is built, what did not is the same object, and what failed leaves no trace.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SnapshotBuilder } from '../../src/pipeline/snapshot-builder.ts';
import type { Resource } from '../../src/snapshot/resource.ts';
import { TYPE } from '../../src/snapshot/resource-types.ts';
import type { Snapshot } from '../../src/snapshot/snapshot.ts';
import { cluster, route, Steps } from '../snapshot/content.ts';

function resourceOf(snapshot: Snapshot, typeUrl: string, name: string): Resource {
  const found = snapshot.types.get(typeUrl)?.resources.get(name);
  assert.ok(found, name);
  return found;
}

const shared = { peers: 2 };

describe('a build', () => {
  test('A build builds, checks and encodes every resource once, and checks all of them together once', () => {
    const steps = new Steps();
    const snapshot = new SnapshotBuilder().build([cluster('a', [1]), cluster('b', [1]), route('r', [1], ['a'])], steps);
    assert.deepEqual([steps.encoded, steps.checked, steps.all], [['a', 'b', 'r'], ['a', 'b', 'r'], [3]]);
    assert.deepEqual([...(snapshot.types.get(TYPE.cluster)?.resources.keys() ?? [])], ['a', 'b']);
    assert.deepEqual(
      resourceOf(snapshot, TYPE.route, 'r').references.map(({ typeUrl, name }) => [typeUrl, name]),
      [[TYPE.cluster, 'a']],
    );
  });

  test('A build with the same inputs returns the same snapshot and does nothing', () => {
    const [builder, steps] = [new SnapshotBuilder(), new Steps()];
    const before = builder.build([cluster('a', [shared, 'x']), cluster('b', [shared])], steps);
    steps.forget();
    assert.equal(builder.build([cluster('a', [shared, 'x']), cluster('b', [shared])], steps), before);
    assert.deepEqual([steps.encoded, steps.checked, steps.all], [[], [], []]);
  });

  test('A build rebuilds the resources with other inputs and keeps all others as the same objects', () => {
    const [builder, steps] = [new SnapshotBuilder(), new Steps()];
    const drafts = (changed: number) => [cluster('a', [shared]), cluster('b', [changed]), route('r', [shared], ['a'])];
    const before = builder.build(drafts(1), steps);
    steps.forget();
    const after = builder.build(drafts(2), steps);
    assert.deepEqual([steps.encoded, steps.checked, steps.all], [['b'], ['b'], [3]]);
    assert.notEqual(after.version, before.version);
    assert.equal(resourceOf(after, TYPE.cluster, 'a'), resourceOf(before, TYPE.cluster, 'a'));
    assert.notEqual(resourceOf(after, TYPE.cluster, 'b'), resourceOf(before, TYPE.cluster, 'b'));
    assert.equal(after.types.get(TYPE.route), before.types.get(TYPE.route));
    assert.notEqual(after.types.get(TYPE.cluster), before.types.get(TYPE.cluster));
  });

  test('A build compares inputs by identity, in their order and number', () => {
    const [builder, steps] = [new SnapshotBuilder(), new Steps()];
    const inputs = [[shared, 1], [{ ...shared }, 1], [1, shared], [1, shared, undefined], [1]];
    for (const each of inputs) builder.build([cluster('a', each)], steps);
    assert.equal(steps.encoded.length, inputs.length);
  });

  test('A build whose other inputs give the same bytes keeps the resource and the snapshot', () => {
    const [builder, steps] = [new SnapshotBuilder(), new Steps()];
    const before = builder.build([cluster('a', [1], 'same'), cluster('b', [shared])], steps);
    const after = builder.build([cluster('a', [2], 'same'), cluster('b', [shared])], steps);
    assert.equal(steps.encoded.filter((name) => name === 'a').length, 2);
    assert.equal(resourceOf(after, TYPE.cluster, 'a'), resourceOf(before, TYPE.cluster, 'a'));
    assert.equal(after, before);
    steps.forget();
    builder.build([cluster('a', [2], 'same'), cluster('b', [shared])], steps);
    assert.deepEqual(steps.encoded, []);
    const other = builder.build([cluster('a', [3], 'same'), cluster('b', [3])], steps);
    assert.equal(
      resourceOf(other, TYPE.cluster, 'a'),
      resourceOf(before, TYPE.cluster, 'a'),
      'beside one that changed',
    );
    assert.notEqual(other, before);
  });

  test('A build notices resources that are gone, new, or only moved', () => {
    const [builder, steps] = [new SnapshotBuilder(), new Steps()];
    const one = builder.build([cluster('a', [1]), cluster('b', [1])], steps);
    steps.forget();
    const two = builder.build([cluster('b', [1])], steps);
    assert.deepEqual([...(two.types.get(TYPE.cluster)?.resources.keys() ?? [])], ['b']);
    const three = builder.build([cluster('c', [1])], steps);
    assert.deepEqual([...(three.types.get(TYPE.cluster)?.resources.keys() ?? [])], ['c']);
    assert.deepEqual(steps.encoded, ['c']);
    const four = builder.build([cluster('b', [1]), cluster('a', [1])], steps);
    assert.equal(four.version, one.version);
    assert.deepEqual(steps.encoded, ['c', 'b', 'a'], 'what is gone is forgotten');
  });
});

describe('a build that fails', () => {
  for (const step of ['encode', 'checkResource', 'checkAll'] as const) {
    test(`A build that fails in ${step} throws, and the next one continues from the last that succeeded`, () => {
      const [builder, steps] = [new SnapshotBuilder(), new Steps()];
      const good = [cluster('a', [1]), cluster('b', [1])];
      const before = builder.build(good, steps);
      steps.refuse = { name: 'b', step };
      assert.throws(() => builder.build([cluster('a', [2]), cluster('b', [2])], steps), /refused/);
      steps.refuse = undefined;
      steps.forget();
      assert.equal(builder.build(good, steps), before);
      assert.deepEqual(steps.encoded, []);
      builder.build([cluster('a', [2]), cluster('b', [2])], steps);
      assert.deepEqual(steps.encoded, ['a', 'b'], 'nothing of the failed build was kept');
    });
  }

  test('A build that fails for an unresolved reference leaves no trace', () => {
    const [builder, steps] = [new SnapshotBuilder(), new Steps()];
    const before = builder.build([cluster('a', [1]), route('r', [1], ['a'])], steps);
    assert.throws(() => builder.build([cluster('a', [1]), route('r', [2], ['none'])], steps), {
      code: 'SNAPSHOT_INCONSISTENT',
    });
    assert.equal(builder.build([cluster('a', [1]), route('r', [1], ['a'])], steps), before);
  });

  test('A build with two drafts of one name is SNAPSHOT_INCONSISTENT', () => {
    const steps = new Steps();
    const twice = [cluster('a', [1]), cluster('a', [2])];
    assert.throws(() => new SnapshotBuilder().build(twice, steps), { code: 'SNAPSHOT_INCONSISTENT' });
    const builder = new SnapshotBuilder();
    builder.build([cluster('a', [1]), cluster('b', [1])], steps);
    const hiding = [cluster('a', [1]), cluster('a', [1])];
    assert.throws(() => builder.build(hiding, steps), { code: 'SNAPSHOT_INCONSISTENT' }, 'as many as before');
  });

  test('After a first build that fails, the next one builds everything', () => {
    const [builder, steps] = [new SnapshotBuilder(), new Steps()];
    steps.refuse = { name: 'a', step: 'checkAll' };
    assert.throws(() => builder.build([cluster('a', [1])], steps));
    steps.refuse = undefined;
    assert.equal(builder.build([cluster('a', [1])], steps).types.get(TYPE.cluster)?.resources.size, 1);
  });
});

test('A build without drafts returns an empty snapshot, and the same one again', () => {
  const [builder, steps] = [new SnapshotBuilder(), new Steps()];
  const empty = builder.build([], steps);
  assert.deepEqual(
    [...empty.types.values()].map(({ resources }) => resources.size),
    [0, 0, 0, 0, 0],
  );
  assert.equal(builder.build([], steps), empty);
});
