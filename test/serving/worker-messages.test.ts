// What crosses between the first process and its workers: a change makes the same snapshot on the other side, of the same bytes.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deserialize, serialize } from 'node:v8';
import { PosternError } from '../../src/errors.ts';
import { applyChange, changeOf, type SnapshotChange } from '../../src/serving/worker-messages.ts';
import { createResource, packResource, type Resource, unpackResource } from '../../src/snapshot/resource.ts';
import { TYPE } from '../../src/snapshot/resource-types.ts';
import { createSnapshot, emptySnapshot, type Snapshot } from '../../src/snapshot/snapshot.ts';
import { made, to } from '../snapshot/content.ts';

/** The two ways in which values cross: what node:cluster's `advanced` does, and structured clone itself. */
const CROSSINGS: Readonly<Record<string, <T>(value: T) => T>> = {
  serialized: (value) => deserialize(serialize(value)),
  cloned: (value) => structuredClone(value),
};

const clusters = [made('cluster', 'a'), made('cluster', 'b')];
const route = made('route', 'r', '1', [to('cluster', 'a')]);
const base = createSnapshot([...clusters, route, made('secret', 's')]);

function resourcesOf({ types }: Snapshot): readonly Resource[] {
  return [...types.values()].flatMap(({ resources }) => [...resources.values()]);
}

function needed(before: Snapshot | undefined, after: Snapshot): SnapshotChange {
  const change = changeOf('ingress', before, after);
  if (change === undefined) throw new Error('nothing changed');
  return change;
}

const names = ({ changed, removed }: SnapshotChange) => [
  changed.map(({ name }) => name).sort(),
  removed.map(({ name }) => name).sort(),
];

describe('a resource that crosses', () => {
  for (const [how, cross] of Object.entries(CROSSINGS)) {
    test(`A resource that is ${how} is the same, in every byte and field`, () => {
      const large = createResource(TYPE.listener, 'l', Buffer.alloc(300_000, 'x'), [to('route', 'r')], 5000);
      for (const resource of [large, route, createResource(TYPE.secret, '', Buffer.alloc(0)), ...clusters]) {
        const there = unpackResource(cross(packResource(resource)));
        assert.deepEqual(there, resource);
        for (const field of ['any', 'sotwField', 'deltaField'] as const) assert.ok(Buffer.isBuffer(there[field]));
        assert.equal('ttlMs' in there, 'ttlMs' in resource);
      }
    });

    test(`A resource that is ${how} has one buffer for all its encodings`, () => {
      const { any, sotwField, deltaField } = unpackResource(cross(packResource(route)));
      const end = (bytes: Buffer): number => bytes.byteOffset + bytes.byteLength;
      for (const part of [any, sotwField]) {
        assert.equal(part.buffer, deltaField.buffer);
        assert.equal(end(part), end(deltaField));
      }
    });
  }
});

describe('a change that crosses', () => {
  for (const [how, cross] of Object.entries(CROSSINGS)) {
    const follow = (before: Snapshot | undefined, there: Snapshot | undefined, after: Snapshot): Snapshot => {
      const made = applyChange(there, cross(needed(before, after)));
      assert.equal(made.version, after.version);
      for (const [typeUrl, { version }] of after.types) assert.equal(made.types.get(typeUrl)?.version, version);
      assert.deepEqual(resourcesOf(made), resourcesOf(after));
      return made;
    };

    test(`A change that is ${how} makes the same snapshot: a first one, added, changed and removed resources, and an empty one`, () => {
      let [here, there] = [base, follow(undefined, undefined, base)];
      for (const next of [
        createSnapshot([...clusters, made('cluster', 'c'), route, made('secret', 's')], here),
        createSnapshot([...clusters, made('route', 'r', '2', [to('cluster', 'b')]), made('secret', 's', '2')], here),
        createSnapshot([made('cluster', 'b')], here),
        emptySnapshot(),
        base,
      ]) {
        there = follow(here, there, next);
        here = next;
      }
    });
  }

  test('A change holds the changed and the removed resources, and nothing else', () => {
    const after = createSnapshot([clusters[0] as Resource, made('route', 'r', '2'), made('listener', 'l')], base);
    assert.deepEqual(names(needed(base, after)), [
      ['l', 'r'],
      ['b', 's'],
    ]);
    assert.deepEqual(names(needed(undefined, base)), [['a', 'b', 'r', 's'], []]);
  });

  test('No change is made when nothing changed, also when the resources are new objects', () => {
    assert.equal(changeOf('ingress', base, base), undefined);
    assert.equal(changeOf('ingress', base, createSnapshot(resourcesOf(base).map((one) => ({ ...one })))), undefined);
  });

  test('A first snapshot without resources is a change, because it differs from no snapshot', () => {
    const change = needed(undefined, emptySnapshot());
    assert.deepEqual(names(change), [[], []]);
    assert.equal(applyChange(undefined, change).version, emptySnapshot().version);
  });

  test('A change that is applied to a different snapshot is SNAPSHOT_INCONSISTENT', () => {
    const after = createSnapshot([...clusters, made('cluster', 'c')], base);
    const change = needed(base, after);
    for (const wrong of [undefined, createSnapshot([made('cluster', 'a', '2'), made('cluster', 'b')])])
      assert.throws(
        () => applyChange(wrong, change),
        (error) => error instanceof PosternError && error.code === 'SNAPSHOT_INCONSISTENT',
      );
    assert.equal(applyChange(base, change).version, after.version);
  });
});
