// What streams share: the batches of resources, and the encoded responses, which are the same objects for all that are sent
// the same. Must not: measure time, or check what a response holds; the tests of the protocol do.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createResource } from '../../../src/snapshot/resource.ts';
import { TYPE } from '../../../src/snapshot/resource-types.ts';
import { createSnapshot } from '../../../src/snapshot/snapshot.ts';
import { subset } from '../../../src/xds/responses/resource-subsets.ts';
import { responseBody } from '../../../src/xds/wire/discovery-response.ts';
import type { Outgoing } from '../../../src/xds/wire/messages.ts';
import { state, Talk } from '../fixtures.ts';

const two = state({ cluster: { a: '1', b: '1' } });
const clusters = two.types.get(TYPE.cluster);
assert.ok(clusters !== undefined);

test('Streams share a subset whatever names beside it their clients make up', () => {
  assert.equal(subset(clusters, ['b', 'a', 'made', 'up']), subset(clusters, ['a', 'other', 'b']));
  assert.equal(subset(clusters, ['a', 'made']), subset(clusters, ['a']));
  assert.equal(subset(clusters, ['made']), subset(clusters, []));
});

test('A response is encoded once for all streams, unless it holds names that its client made up', () => {
  const body = (subscribe: readonly string[], initialVersions: ReadonlyMap<string, string> = new Map()): Buffer => {
    const talk = new Talk('delta', two);
    const [reply] = [...talk.say('cluster', { subscribe, initialVersions }), ...talk.tick(20)];
    return responseBody('delta', TYPE.cluster, reply as Outgoing, 'x');
  };
  assert.equal(body(['a', 'b']), body(['a', 'b']));
  assert.notEqual(body(['a', 'b', 'made']), body(['a', 'b', 'made']));
  assert.deepEqual(body(['a', 'b', 'made']), body(['a', 'b', 'made']));
  const gone = new Map([['gone', '1']]);
  assert.notEqual(body(['*'], gone), body(['*'], gone));
  // An outdated version that the client reports is no reason for a response of its own.
  assert.equal(body(['*'], new Map([['a', '0']])), body(['*']));
});

test('Many different subsets of one state are not kept without limit', () => {
  const large = Array.from({ length: 40 }, (_, index) =>
    createResource(TYPE.cluster, `c${index}`, Buffer.alloc(1 << 20, `${index}`)),
  );
  const current = createSnapshot(large).types.get(TYPE.cluster);
  assert.ok(current !== undefined);
  const without = (index: number) => large.map(({ name }) => name).filter((name) => name !== `c${index}`);
  const subsets = large.map((_, index) => subset(current, without(index)));
  assert.equal(subsets.filter((batch, index) => batch === subset(current, without(index))).length, 1);
});
