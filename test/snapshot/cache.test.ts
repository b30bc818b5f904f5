// The current snapshot of each gateway: who watches is told of every other one, once, and of none that is the same.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SnapshotCache } from '../../src/snapshot/cache.ts';
import { createSnapshot, type Snapshot } from '../../src/snapshot/snapshot.ts';
import { made } from './content.ts';

const [one, two] = [createSnapshot([made('cluster', 'a')]), createSnapshot([made('cluster', 'a', '2')])];

function watched(cache: SnapshotCache, gateway: string): { readonly told: Snapshot[]; readonly stop: () => void } {
  const told: Snapshot[] = [];
  return { told, stop: cache.watch(gateway, (snapshot) => told.push(snapshot)) };
}

describe('the cache', () => {
  test('holds one snapshot for each gateway, the last', () => {
    const cache = new SnapshotCache();
    assert.equal(cache.get('ingress'), undefined);
    cache.set('ingress', one);
    cache.set('egress', one);
    cache.set('ingress', two);
    assert.deepEqual(
      [...cache.entries()],
      [
        ['ingress', two],
        ['egress', one],
      ],
    );
    assert.equal(cache.get('ingress'), two);
  });

  test('tells each watcher of another snapshot once, when it already is the current one', () => {
    const cache = new SnapshotCache();
    const seen: (readonly [string, boolean])[] = [];
    for (const name of ['first', 'second'])
      cache.watch('ingress', (snapshot) => seen.push([name, cache.get('ingress') === snapshot]));
    cache.set('ingress', one);
    assert.deepEqual(seen, [
      ['first', true],
      ['second', true],
    ]);
  });

  test('tells nobody of a snapshot of the same version, and keeps the object that everybody has', () => {
    const cache = new SnapshotCache();
    cache.set('ingress', one);
    const { told } = watched(cache, 'ingress');
    cache.set('ingress', one);
    cache.set('ingress', createSnapshot([made('cluster', 'a')]));
    assert.deepEqual(told, []);
    assert.equal(cache.get('ingress'), one);
    cache.set('ingress', two);
    cache.set('ingress', one);
    assert.deepEqual(told, [two, one]);
  });

  test('tells only those who watch that gateway', () => {
    const cache = new SnapshotCache();
    const [ingress, egress] = [watched(cache, 'ingress'), watched(cache, 'egress')];
    cache.set('egress', one);
    assert.deepEqual([ingress.told, egress.told], [[], [one]]);
  });

  test('tells nobody who stopped, and the others all the same', () => {
    const cache = new SnapshotCache();
    const [gone, stays] = [watched(cache, 'ingress'), watched(cache, 'ingress')];
    gone.stop();
    gone.stop();
    cache.set('ingress', one);
    assert.deepEqual([gone.told, stays.told], [[], [one]]);
  });

  test('a watcher may stop, and another may come, while they are being told', () => {
    const cache = new SnapshotCache();
    const late: Snapshot[] = [];
    const stop = cache.watch('ingress', () => {
      stop();
      cache.watch('ingress', (snapshot) => late.push(snapshot));
    });
    const after = watched(cache, 'ingress');
    cache.set('ingress', one);
    assert.deepEqual([late, after.told], [[], [one]]);
    cache.set('ingress', two);
    assert.deepEqual([late, after.told], [[two], [one, two]]);
  });
});
