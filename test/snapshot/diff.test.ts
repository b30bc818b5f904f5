// What changed between two states of one type, and that it is computed once for all who ask.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diff } from '../../src/snapshot/diff.ts';
import type { Resource } from '../../src/snapshot/resource.ts';
import { TYPE } from '../../src/snapshot/resource-types.ts';
import { createSnapshot } from '../../src/snapshot/snapshot.ts';
import type { TypeSnapshot } from '../../src/snapshot/type-snapshot.ts';
import { made } from './content.ts';

function clusters(content: Readonly<Record<string, string>>): TypeSnapshot {
  const resources = Object.entries(content).map(([name, value]) => made('cluster', name, value));
  const type = createSnapshot(resources).types.get(TYPE.cluster);
  assert.ok(type);
  return type;
}

const shown = (resources: readonly Resource[]): readonly string[] => resources.map(({ name }) => name);

test('Added and changed resources are reported as changed, and those that are gone as removed, in their last version', () => {
  const [from, to] = [clusters({ a: '1', b: '1', c: '1' }), clusters({ a: '1', b: '2', d: '1' })];
  const { changed, removed } = diff(from, to);
  assert.deepEqual([shown(changed), shown(removed)], [['b', 'd'], ['c']]);
  assert.equal(changed[0], to.resources.get('b'));
  assert.equal(removed[0], from.resources.get('c'));
});

test('From nothing every resource is added, and to nothing every resource is removed', () => {
  const some = clusters({ a: '1', b: '1' });
  assert.deepEqual([shown(diff(undefined, some).changed), diff(undefined, some).removed], [['a', 'b'], []]);
  const none = clusters({});
  assert.deepEqual([diff(some, none).changed, shown(diff(some, none).removed)], [[], ['a', 'b']]);
});

test('The same state, and other objects with the same bytes, have no difference', () => {
  const one = clusters({ a: '1' });
  assert.deepEqual(diff(one, one), { changed: [], removed: [] });
  assert.deepEqual(diff(one, clusters({ a: '1' })), { changed: [], removed: [] });
});

test('The difference is computed once for each pair of snapshots, and separately for each direction', () => {
  const [from, to, other] = [clusters({ a: '1' }), clusters({ a: '2', b: '1' }), clusters({ a: '3' })];
  const first = diff(from, to);
  assert.equal(diff(from, to), first);
  assert.deepEqual(shown(diff(other, to).changed), ['a', 'b']);
  assert.equal(diff(from, to), first);
  assert.deepEqual([shown(diff(to, from).changed), shown(diff(to, from).removed)], [['a'], ['b']]);
});
