// Tests resources with a TTL: which clients are sent it, and when heartbeats are sent.
// Must not: wait in real time.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createResource } from '../../../src/snapshot/resource.ts';
import { TYPE } from '../../../src/snapshot/resource-types.ts';
import { createSnapshot } from '../../../src/snapshot/snapshot.ts';
import { responseBody } from '../../../src/xds/wire/discovery-response.ts';
import type { Outgoing, Variant } from '../../../src/xds/wire/messages.ts';
import { reflectedType } from '../../envoy/proto/reflected-types.ts';
import { shown, Talk } from '../fixtures.ts';

const FEATURES = ['xds.config.supports-resource-ttl', 'xds.config.supports-resource-in-sotw'];
const short = createResource(TYPE.endpoint, 'short', Buffer.alloc(0), [], 10_000);
const long = createResource(TYPE.endpoint, 'long', Buffer.alloc(0));
const snapshot = createSnapshot([short, long]);
const both = { names: ['short', 'long'], subscribe: ['short', 'long'] };

/** The entries of a reply as a client reads them. */
function entries(variant: Variant, reply: Outgoing | undefined): unknown {
  assert.ok(reply !== undefined);
  const message = variant === 'delta' ? 'DeltaDiscoveryResponse' : 'DiscoveryResponse';
  const bytes = responseBody(variant, reply.typeUrl, reply, 'test');
  return reflectedType(`envoy.service.discovery.v3.${message}`).decode(bytes).toJSON()['resources'];
}

for (const variant of ['sotw', 'delta'] as const) {
  describe(`rule 62: ${variant}`, () => {
    test('The TTL is sent with the resource, and a heartbeat at half of it has the same version and nothing else', () => {
      const talk = new Talk(variant, snapshot, 1000, FEATURES);
      const [first] = talk.say('endpoint', both);
      const seen = JSON.stringify(entries(variant, first));
      assert.equal(seen.match(/"ttl":"10s"/g)?.length ?? seen.match(/"seconds":"10"/g)?.length, 1);
      assert.deepEqual(talk.tick(4999), []);
      assert.equal(talk.session.wakeAt(), 5000);
      const [beat] = talk.tick(1);
      assert.deepEqual(shown([beat].flatMap((one) => one ?? [])), ['endpoint: short']);
      assert.equal(beat?.version, first?.version);
      const alive = JSON.stringify(entries(variant, beat));
      assert.ok(alive.includes(short.version) && !alive.includes(TYPE.endpoint), alive);
      // Nobody acknowledged anything: the next one comes all the same, and not before its time.
      assert.deepEqual(talk.tick(4999), []);
      assert.deepEqual(shown(talk.tick(1)), ['endpoint: short']);
    });

    test('A heartbeat is no change: its ACK is not answered, and a change is sent beside it', () => {
      const talk = new Talk(variant, snapshot, 1000, FEATURES);
      const [first] = talk.say('endpoint', both);
      const [beat] = talk.tick(5000);
      assert.deepEqual(talk.ack(beat, variant === 'sotw' ? { names: both.names } : {}), []);
      assert.deepEqual(talk.ack(first, variant === 'sotw' ? { names: both.names } : {}), []);
      assert.equal(talk.state('endpoint'), 'SYNCED');
      const other = createResource(TYPE.endpoint, 'long', Buffer.from('2'));
      assert.deepEqual(shown(talk.update(createSnapshot([short, other], snapshot))), ['endpoint: long']);
    });

    test('A client that does not announce support for TTLs is sent none, and no heartbeat', () => {
      const unaware = variant === 'sotw' ? FEATURES.slice(0, 1) : [];
      const talk = new Talk(variant, snapshot, 1000, unaware);
      const [first] = talk.say('endpoint', both);
      assert.ok(!/ttl/.test(JSON.stringify(entries(variant, first))));
      assert.equal(talk.session.wakeAt(), undefined);
      assert.deepEqual(talk.tick(60_000), []);
    });

    test('A client that does not subscribe to a resource with a TTL is sent no heartbeat', () => {
      const talk = new Talk(variant, snapshot, 1000, FEATURES);
      talk.say('endpoint', { names: ['long'], subscribe: ['long'] });
      assert.equal(talk.session.wakeAt(), undefined);
    });
  });
}
