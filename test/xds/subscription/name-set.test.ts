// Tests that a set of subscribed names behaves like a set, and that no two names from the wire are confused.
// Must not: look into the representation.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TYPE } from '../../../src/snapshot/resource-types.ts';
import { NameSet } from '../../../src/xds/subscription/name-set.ts';
import { responseBody } from '../../../src/xds/wire/discovery-response.ts';
import { sharedBatch } from '../../../src/xds/wire/shared-batch.ts';
import { shown, state, Talk } from '../fixtures.ts';

const name = fc.constantFrom('a', 'b', 'c', 'a\nb', 'b\nc', '', '"', 'a","b');

test('A NameSet is a set, whatever is added and dropped', () => {
  const steps = fc.array(fc.record({ add: fc.array(name), drop: fc.array(name) }), { maxLength: 30 });
  fc.assert(
    fc.property(fc.array(name), steps, (first, changes) => {
      let ours = NameSet.of(first);
      const theirs = new Set(first);
      for (const { add, drop } of changes) {
        ours = ours.change(add, drop);
        for (const one of add) theirs.add(one);
        for (const one of drop) theirs.delete(one);
        assert.deepEqual([...ours].sort(), [...theirs].sort());
        assert.equal(ours.size, theirs.size);
        assert.ok([...theirs].every((one) => ours.has(one)));
        assert.equal(
          ours.bytes,
          [...theirs].reduce((sum, one) => sum + 2 * one.length + 64, 0),
        );
      }
    }),
  );
});

test('A name that looks like two does not become what another stream subscribes to', () => {
  const routes = state({ route: { north: '1', west: '1' } });
  const poison = new Talk('sotw', routes);
  poison.say('route', { names: ['north\nwest'] });
  poison.say('route', { names: ['north","west'] });
  assert.deepEqual(shown(new Talk('sotw', routes).say('route', { names: ['north', 'west'] })), ['route: north west']);
});

test('Removals of names that look alike are distinguished', () => {
  const reply = { version: '1', form: 'resource', isShared: true } as const;
  const resources = sharedBatch([]);
  const body = (removed: readonly string[]) =>
    responseBody('delta', TYPE.secret, { ...reply, resources, removed }, 'x');
  assert.notDeepEqual(body(['a\nb']), body(['a', 'b']));
});
