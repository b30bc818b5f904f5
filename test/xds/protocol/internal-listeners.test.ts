// Internal listeners and the routes whose clusters lead to them: what goes first, and what waits for it (rules 51 and 52).

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TYPE } from '../../../src/snapshot/resource-types.ts';
import { createSnapshot, type Snapshot } from '../../../src/snapshot/snapshot.ts';
import type { Outgoing } from '../../../src/xds/wire/messages.ts';
import { type Kind, resource, shown, Talk } from '../fixtures.ts';

/** A public listener, a route to each peer, and the peer's cluster with its internal listener of the same name. */
function egress(peers: readonly string[], version = '1', previous?: Snapshot): Snapshot {
  const to = (kind: Kind, name: string) => ({ typeUrl: TYPE[kind], name, source: 'null' });
  const made = [
    resource('listener', 'public', version, [to('route', 'r')]),
    resource(
      'route',
      'r',
      peers.join(),
      peers.map((name) => to('cluster', name)),
    ),
    ...peers.map((name) => resource('cluster', name, '1', [to('listener', name)])),
    ...peers.map((name) => resource('listener', name)),
  ];
  const kept = made.map((one) => {
    const before = previous?.types.get(one.typeUrl)?.resources.get(one.name);
    return before?.version === one.version ? before : one;
  });
  return createSnapshot(kept, previous);
}

function opened(variant: 'sotw' | 'delta', snapshot: Snapshot): Talk {
  const talk = new Talk(variant, snapshot);
  const names = variant === 'sotw' ? { names: ['r'] } : {};
  talk.ack(talk.say('cluster')[0]);
  talk.ack(talk.say('listener')[0]);
  talk.ack(talk.say('route', variant === 'sotw' ? names : { subscribe: ['r'] })[0], names);
  return talk;
}

/** What a client that comes back has, by what it reports. */
function returned(had: Snapshot, snapshot: Snapshot) {
  const talk = new Talk('delta', snapshot);
  const initialVersions = (kind: Kind): ReadonlyMap<string, string> =>
    new Map([...(had.types.get(TYPE[kind])?.resources.values() ?? [])].map(({ name, version }) => [name, version]));
  const returns = (kind: Kind, fields = {}): readonly Outgoing[] =>
    talk.say(kind, { initialVersions: initialVersions(kind), ...fields });
  return { talk, returns };
}

describe('a delta client that comes back', () => {
  const [had, snapshot] = [egress(['a']), egress(['b'])];

  test('Rule 51: an internal listener that is gone stays until the client has the routes, for which it asks after listeners', () => {
    const { talk, returns } = returned(had, snapshot);
    assert.deepEqual(returns('cluster'), []);
    const ahead = returns('listener');
    assert.deepEqual(shown(ahead), ['cluster: b', 'listener: b']);
    const routes = returns('route', { subscribe: ['r'] });
    assert.deepEqual(shown(routes), ['route: r']);
    assert.deepEqual(shown(talk.ack(ahead[0])), []);
    const removal = talk.ack(ahead[1]);
    assert.deepEqual(shown(removal), ['listener: -a']);
    assert.deepEqual(talk.ack(routes[0]), []);
    assert.deepEqual(shown(talk.ack(removal[0])), ['cluster: -a']);
  });

  test('Rule 51: a listener that is gone does not stay for a client that asks for no routes, or is slow to', () => {
    const { talk, returns } = returned(had, snapshot);
    returns('cluster');
    const ahead = returns('listener');
    assert.deepEqual([talk.ack(ahead[0]), talk.ack(ahead[1])].flat(), []);
    talk.now = talk.session.wakeAt() ?? Number.NaN;
    assert.deepEqual(shown(talk.session.tick(talk.now)), ['listener: -a']);
    assert.ok(talk.now < 1000, String(talk.now));
  });
});

for (const variant of ['sotw', 'delta'] as const) {
  describe(`${variant}: internal listeners`, () => {
    const before = egress(['a']);
    const names = variant === 'sotw' ? { names: ['r'] } : {};
    const full = (changed: string, all: string): string => (variant === 'sotw' ? all : changed);
    const ack = (talk: Talk, reply: Outgoing | undefined): readonly Outgoing[] => talk.ack(reply);
    const ackRoute = (talk: Talk, reply: Outgoing | undefined): readonly Outgoing[] => talk.ack(reply, names);

    test('Rule 52: a route to a new cluster also waits for its internal listener, and the other listeners wait for the route', () => {
      const talk = opened(variant, before);
      const clusters = talk.update(egress(['a', 'b'], '2', before));
      assert.deepEqual(shown(clusters), [full('cluster: b', 'cluster: a b')]);
      const ahead = ack(talk, clusters[0]);
      assert.deepEqual(shown(ahead), [full('listener: b', 'listener: a b public')]);
      const routes = ack(talk, ahead[0]);
      assert.deepEqual(shown(routes), ['route: r', full('listener: public', 'listener: a b public')]);
      assert.equal(talk.state('listener'), 'STALE');
      ackRoute(talk, routes[0]);
      ack(talk, routes[1]);
      assert.deepEqual([talk.state('listener'), talk.state('route')], ['SYNCED', 'SYNCED']);
    });

    test('Rule 52: no type waits forever for a new internal listener, nor for one that was rejected', () => {
      const open = (): { readonly talk: Talk; readonly ahead: readonly Outgoing[] } => {
        const talk = opened(variant, before);
        return { talk, ahead: ack(talk, talk.update(egress(['a', 'b'], '1', before))[0]) };
      };
      const slow = open();
      assert.deepEqual(shown(slow.ahead), [full('listener: b', 'listener: a b public')]);
      slow.talk.now = slow.talk.session.wakeAt() ?? Number.NaN;
      assert.deepEqual(shown(slow.talk.session.tick(slow.talk.now)), ['route: r']);
      const unhappy = open();
      assert.deepEqual(shown(unhappy.talk.nack(unhappy.ahead[0])), ['route: r']);
    });

    test('Rule 52: a new internal listener that cannot be sent yet delays the routes no longer than other waits may', () => {
      const talk = opened(variant, before);
      const changed = egress(['a'], '2', before);
      const inFlight = talk.update(changed);
      assert.equal(inFlight.length, 1);
      const clusters = talk.update(egress(['a', 'b'], '2', changed));
      assert.deepEqual(ack(talk, clusters[0]), []);
      const ahead = ack(talk, inFlight[0]);
      assert.deepEqual(shown(ahead), [full('listener: b', 'listener: a b public')]);
      assert.deepEqual(shown(ack(talk, ahead[0])), ['route: r']);
    });

    test('Rule 51: when an internal listener replaces another, the new one is sent, then the route, and then the removal of the old one', () => {
      const talk = opened(variant, before);
      const clusters = talk.update(egress(['b'], '1', before));
      assert.deepEqual(shown(clusters), [full('cluster: b', 'cluster: b a')]);
      const ahead = ack(talk, clusters[0]);
      assert.deepEqual(shown(ahead), [full('listener: b', 'listener: a b public')]);
      const routes = ack(talk, ahead[0]);
      assert.deepEqual(shown(routes), ['route: r', full('listener: -a', 'listener: b public')]);
      assert.deepEqual(ackRoute(talk, routes[0]), []);
      assert.deepEqual(shown(ack(talk, routes[1])), [full('cluster: -a', 'cluster: b')]);
    });

    test('Rule 51: an internal listener stays while the routes without it cannot be sent, but not forever', () => {
      const open = (): { readonly talk: Talk; readonly routes: readonly Outgoing[] } => {
        const two = egress(['a', 'b']);
        const talk = opened(variant, two);
        // A route that changes nothing else, and is not acknowledged.
        const again = createSnapshot(
          [...two.types.values()].flatMap((type) =>
            [...type.resources.values()].map((one) =>
              one.name === 'r' ? resource('route', 'r', 'again', one.references) : one,
            ),
          ),
          two,
        );
        const routes = talk.update(again);
        assert.deepEqual(shown(routes), ['route: r']);
        assert.deepEqual(talk.update(egress(['a'], '1', again)), []);
        return { talk, routes };
      };
      const prompt = open();
      assert.deepEqual(shown(ackRoute(prompt.talk, prompt.routes[0])), [
        'route: r',
        full('listener: -b', 'listener: a public'),
      ]);
      const slow = open();
      slow.talk.now = slow.talk.session.wakeAt() ?? Number.NaN;
      assert.deepEqual(shown(slow.talk.session.tick(slow.talk.now)), [full('listener: -b', 'listener: a public')]);
    });

    test('A listener that no cluster refers to is sent after the routes', () => {
      const talk = opened(variant, before);
      const more = createSnapshot(
        [
          ...[...before.types.values()].flatMap((type) =>
            [...type.resources.values()].filter(({ name }) => name !== 'r'),
          ),
          resource('route', 'r', 'other'),
          resource('listener', 'more'),
        ],
        before,
      );
      assert.deepEqual(shown(talk.update(more)), ['route: r', full('listener: more', 'listener: a more public')]);
    });
  });
}
