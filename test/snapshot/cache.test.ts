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
  test('The cache holds the last snapshot of each gateway', () => {
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

  test('The cache notifies each watcher of a different snapshot once, after it has become the current one', () => {
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

  test('The cache notifies no watcher of a snapshot of the same version, and keeps the object that it has', () => {
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

  test('The cache notifies only the watchers of that gateway', () => {
    const cache = new SnapshotCache();
    const [ingress, egress] = [watched(cache, 'ingress'), watched(cache, 'egress')];
    cache.set('egress', one);
    assert.deepEqual([ingress.told, egress.told], [[], [one]]);
  });

  test('The cache no longer notifies a watcher that stopped, and still notifies the others', () => {
    const cache = new SnapshotCache();
    const [gone, stays] = [watched(cache, 'ingress'), watched(cache, 'ingress')];
    gone.stop();
    gone.stop();
    cache.set('ingress', one);
    assert.deepEqual([gone.told, stays.told], [[], [one]]);
  });

  test('A watcher may stop, and another may be added, during a notification', () => {
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
