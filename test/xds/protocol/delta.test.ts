// The protocol's rules for incremental streams, one test each; the numbers are those of CONTRIBUTING.md.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TYPE } from '../../../src/snapshot/resource-types.ts';
import { createSnapshot } from '../../../src/snapshot/snapshot.ts';
import { resource, shown, state, Talk } from '../fixtures.ts';

const two = state({ cluster: { a: '1', b: '1' } });
const versions = (snapshot: typeof two, kind: keyof typeof TYPE) =>
  new Map([...(snapshot.types.get(TYPE[kind])?.resources.values() ?? [])].map(({ name, version }) => [name, version]));

test('Rule 36: a stale or unknown nonce never loses a subscription', () => {
  const talk = new Talk('delta', state({ secret: { s: '1', t: '1' } }));
  talk.ack(talk.say('secret', { subscribe: ['s'] })[0]);
  assert.deepEqual(shown(talk.say('secret', { subscribe: ['t'], nonce: 'of another stream' })), ['secret: t']);
});

test('Rule 37: a first request that names nothing is the wildcard, and a name later keeps it', () => {
  const talk = new Talk('delta', two);
  const [reply] = talk.say('cluster');
  assert.deepEqual(shown([reply].flatMap((one) => one ?? [])), ['cluster: a b']);
  const [again] = talk.ack(reply, { subscribe: ['a'] });
  assert.deepEqual(shown([again].flatMap((one) => one ?? [])), ['cluster: a']);
  talk.ack(again);
  assert.deepEqual(shown(talk.update(state({ cluster: { a: '1', b: '2' } }, two))), ['cluster: b']);
});

test('Rule 37: unsubscribing from * drops the wildcard', () => {
  const talk = new Talk('delta', two);
  talk.ack(talk.say('cluster', { subscribe: ['*'] })[0], { unsubscribe: ['*'] });
  assert.deepEqual(talk.update(state({ cluster: { a: '2', b: '2' } }, two)), []);
});

test('Rule 38: a returning client is sent what differs from its versions and the removal of what is gone', () => {
  const after = state({ cluster: { a: '1', b: '2', d: '1' } }, two);
  const talk = new Talk('delta', after);
  const initialVersions = new Map([...versions(two, 'cluster'), ['c', 'old']]);
  // It may be about to say that it has routes to what is gone; a moment later it has not.
  assert.deepEqual(talk.say('cluster', { initialVersions }), []);
  assert.deepEqual(shown(talk.tick(20)), ['cluster: b d -c']);
  const other = new Talk('delta', after);
  assert.deepEqual(other.say('listener', { initialVersions: new Map([['l', 'old']]) }), []);
  assert.deepEqual(shown(other.tick(20)), ['listener: -l']);
});

test('Rules 38, 51: a resource that is gone since an earlier stream stays until the routes of that stream are replaced', () => {
  const after = state({ cluster: { b: '1' }, route: { r: '2' } });
  const talk = new Talk('delta', after);
  talk.say('cluster', { initialVersions: new Map([['a', 'old']]) });
  const replies = talk.say('route', { subscribe: ['r'], initialVersions: new Map([['r', 'old']]) });
  assert.deepEqual(shown(replies), ['cluster: b', 'route: r']);
  talk.ack(replies[0]);
  assert.deepEqual(shown(talk.ack(replies[1])), ['cluster: -a']);
});

test('Rule 38: a reconnecting client that has everything is sent nothing, and counts as in sync', () => {
  const talk = new Talk('delta', two);
  assert.deepEqual(talk.say('cluster', { initialVersions: versions(two, 'cluster') }), []);
  assert.equal(talk.state('cluster'), 'SYNCED');
  const named = new Talk('delta', state({ secret: { s: '1' } }));
  assert.deepEqual(
    named.say('secret', { subscribe: ['s'], initialVersions: versions(state({ secret: { s: '1' } }), 'secret') }),
    [],
  );
  assert.equal(named.state('secret'), 'SYNCED');
});

test('Rule 39: initial versions of names outside the subscription subscribe to nothing', () => {
  const talk = new Talk('delta', state({ secret: { s: '1', t: '1' } }));
  assert.deepEqual(
    shown(
      talk.say('secret', {
        subscribe: ['s'],
        initialVersions: new Map([
          ['t', 'x'],
          ['gone', 'x'],
        ]),
      }),
    ),
    ['secret: s'],
  );
});

test('Rule 45: what a first request reports and does not subscribe to is sent when the client asks for it', () => {
  for (const other of [[], ['b']]) {
    const talk = new Talk('delta');
    talk.say('cluster', { subscribe: other, unsubscribe: ['a'], initialVersions: versions(two, 'cluster') });
    talk.say('cluster', { subscribe: ['*'] });
    assert.ok(talk.update(two)[0]?.resources.some(({ name }) => name === 'a'));
  }
});

test('Rule 40: a name that is subscribed to again is sent again', () => {
  const talk = new Talk('delta', state({ secret: { s: '1' } }));
  const [reply] = talk.say('secret', { subscribe: ['s'] });
  assert.deepEqual(shown(talk.ack(reply, { subscribe: ['s'] })), ['secret: s']);
});

test('Rule 41: a missing name is answered as removed, stays subscribed, and is sent when it exists', () => {
  const before = state({ secret: { s: '1' } });
  const talk = new Talk('delta', before);
  const [reply] = talk.say('secret', { subscribe: ['s', 'later'] });
  assert.deepEqual(shown([reply].flatMap((one) => one ?? [])), ['secret: s -later']);
  talk.ack(reply);
  assert.deepEqual(shown(talk.update(state({ secret: { s: '1', later: '1' } }, before))), ['secret: later']);
});

test('Rule 42: a request that only unsubscribes is not answered, whatever the names', () => {
  const talk = new Talk('delta', state({ secret: { s: '1' } }));
  talk.ack(talk.say('secret', { subscribe: ['s'] })[0]);
  assert.deepEqual(talk.say('secret', { unsubscribe: ['s', 'never'] }), []);
  assert.deepEqual(talk.update(state({ secret: { s: '2' } })), []);
});

test('Rule 43: under the wildcard, an unsubscription is answered with the resource or its removal', () => {
  const talk = new Talk('delta', two);
  const [first] = talk.say('cluster', { subscribe: ['*', 'a', 'missing'] });
  const replies = talk.ack(first, { unsubscribe: ['a', 'missing'] });
  assert.deepEqual(shown(replies), ['cluster: a -missing']);
});

test('Rules 29, 43: an answer that is due under the wildcard is no longer due when the wildcard is dropped', () => {
  const talk = new Talk('delta', two);
  const [first] = talk.say('cluster', { subscribe: ['*', 'a'] });
  assert.deepEqual(talk.say('cluster', { unsubscribe: ['a', 'missing'] }), []);
  assert.deepEqual(talk.say('cluster', { unsubscribe: ['*'] }), []);
  assert.deepEqual(talk.ack(first), []);
});

test('Rule 44: a first wildcard request is answered even when there are no resources', () => {
  assert.deepEqual(shown(new Talk('delta', state({})).say('cluster')), ['cluster:']);
});

test('Rule 45: subscribing and unsubscribing one name in one request unsubscribes it', () => {
  const talk = new Talk('delta', two);
  assert.deepEqual(talk.say('cluster', { subscribe: ['*'], unsubscribe: ['*'] }), []);
  assert.deepEqual(talk.update(state({ cluster: { a: '2' } }, two)), []);
});

test('Rule 47: a NACK parks, and the next change sends the rejected resources again too, each by itself', () => {
  const before = state({ cluster: { a: '1', b: '1' } });
  const talk = new Talk('delta', before);
  assert.deepEqual(talk.nack(talk.say('cluster')[0]), []);
  assert.deepEqual(talk.update(before), []);
  const again = talk.update(state({ cluster: { a: '1', b: '2', c: '1', d: '1' } }, before));
  assert.deepEqual(shown(again), ['cluster: c d', 'cluster: a', 'cluster: b']);
  // One that is rejected again holds up none of the others, nor their next changes.
  for (const reply of again) shown([reply])[0] === 'cluster: b' ? talk.nack(reply) : talk.ack(reply);
  const next = { a: '2', b: '2', c: '2', d: '1' };
  assert.deepEqual(shown(talk.update(state({ cluster: next }, before))), ['cluster: a c', 'cluster: b']);
});

test('Rule 47: an answer to something else between a NACK and the next change accepts no rejected resource', () => {
  for (const [variant, key] of [
    ['delta', 'subscribe'],
    ['sotw', 'names'],
  ] as const) {
    const before = state({ secret: { s: '1', bad: '1', t: '1' } });
    const talk = new Talk(variant, before);
    const [bad, good] = talk.say('secret', { [key]: ['s', 'bad'] });
    assert.deepEqual(shown([bad, good].flatMap((one) => one ?? [])), ['secret: bad', 'secret: s']);
    talk.nack(bad, { names: ['s', 'bad'] });
    talk.ack(good, { names: ['s', 'bad'] });
    const names = ['s', 'bad', 't'];
    const [other] = talk.say('secret', { [key]: key === 'names' ? names : ['t'] });
    assert.deepEqual(shown([other].flatMap((one) => one ?? [])), ['secret: t']);
    talk.ack(other, { names });
    assert.equal(talk.state('secret'), 'NACKED');
    const after = talk.update(state({ secret: { s: '1', bad: '2', t: '1' } }, before));
    assert.deepEqual(shown(after), ['secret: bad']);
    talk.ack(after[0], { names });
    assert.equal(talk.state('secret'), 'SYNCED');
  }
});

test('Rule 47: a secret that is acknowledged in the bytes that were rejected stays rejected until other bytes are accepted', () => {
  for (const variant of ['delta', 'sotw'] as const) {
    const before = state({ secret: { s: '1' } });
    const talk = new Talk(variant, before);
    const named = { names: ['s'] };
    talk.nack(talk.say('secret', { subscribe: ['s'], ...named })[0], named);
    talk.ack(talk.session.retry(0)[0], named);
    assert.equal(talk.state('secret'), 'NACKED');
    const [other] = talk.update(state({ secret: { s: '2' } }, before));
    assert.equal(talk.state('secret'), 'NACKED', 'not accepted yet');
    talk.ack(other, named);
    assert.equal(talk.state('secret'), 'SYNCED');
  }
});

test('Rule 18: the rejection of an empty response is kept and shown too, and an operator may have it sent again', () => {
  for (const variant of ['delta', 'sotw'] as const) {
    const talk = new Talk(variant, state({}));
    talk.nack(talk.say('cluster')[0]);
    assert.equal(talk.state('cluster'), 'NACKED');
    assert.deepEqual(talk.update(state({})), []);
    assert.equal(talk.state('cluster'), 'NACKED');
    talk.ack(talk.session.retry(0)[0]);
    assert.equal(talk.state('cluster'), 'SYNCED');
  }
});

test('Rule 18: a client that no longer subscribes to anything has nothing to be sent once more', () => {
  const talk = new Talk('delta', two);
  // Listeners wait for the clusters, so their rejection is still there when the operator asks.
  talk.say('cluster');
  talk.nack(talk.say('listener')[0], { unsubscribe: ['*'] });
  assert.deepEqual(talk.session.retry(0), []);
});

test('Rules 29, 47: a resource that was rejected and then dropped is not sent again', () => {
  const before = state({ secret: { s: '1', t: '1' } });
  const talk = new Talk('delta', before);
  const [s, t] = talk.say('secret', { subscribe: ['s', 't'] });
  talk.nack(s, { unsubscribe: ['s'] });
  talk.nack(t);
  const [again] = talk.session.retry(0);
  assert.deepEqual(shown([again].flatMap((one) => one ?? [])), ['secret: t']);
  talk.nack(again);
  assert.deepEqual(shown(talk.update(state({ secret: { s: '1', t: '2' } }, before))), ['secret: t']);
});

test('Rule 47: when the rejected resource goes away, its removal is sent', () => {
  const before = state({ cluster: { a: '1', bad: '1' } });
  const talk = new Talk('delta', before);
  talk.nack(talk.say('cluster')[0]);
  assert.deepEqual(shown(talk.update(state({ cluster: { a: '1' } }, before))), ['cluster: -bad', 'cluster: a']);
});

test('Rule 49: a big state is split, each response with its own nonce, and is in sync after the last ACK', () => {
  const big = createSnapshot(['a', 'b', 'c'].map((name) => resource('route', name, 'x'.repeat(1_500_000))));
  const talk = new Talk('delta', big);
  const replies = talk.say('route', { subscribe: ['a', 'b', 'c'] });
  assert.deepEqual(shown(replies), ['route: a', 'route: b', 'route: c']);
  assert.equal(new Set(replies.map(({ nonce }) => nonce)).size, 3);
  talk.ack(replies[0]);
  talk.ack(replies[2]);
  assert.equal(talk.state('route'), 'STALE');
  talk.ack(replies[1]);
  assert.equal(talk.state('route'), 'SYNCED');
});

test('Rule 51: the removal of a cluster waits for the acknowledgement of the routes', () => {
  const before = state({ cluster: { a: '1', b: '1' }, route: { r: 'to b' } });
  const talk = new Talk('delta', before);
  talk.ack(talk.say('cluster')[0]);
  talk.ack(talk.say('route', { subscribe: ['r'] })[0]);
  const pushed = talk.update(state({ cluster: { a: '1' }, route: { r: 'to a' } }, before));
  assert.deepEqual(shown(pushed), ['route: r']);
  assert.deepEqual(shown(talk.ack(pushed[0])), ['cluster: -b']);
});

test('Rule 51: endpoints that are gone stay as long as the pending removal of their cluster, and a cluster as long as that of its route', () => {
  const before = state({
    cluster: { a: '1', b: '1' },
    endpoint: { b: '1' },
    route: { r: 'to b' },
    listener: { l: 'r' },
  });
  const talk = new Talk('delta', before);
  talk.ack(talk.say('cluster')[0]);
  talk.ack(talk.say('endpoint', { subscribe: ['b'] })[0]);
  talk.ack(talk.say('route', { subscribe: ['r'] })[0]);
  talk.ack(talk.say('listener')[0]);
  const pushed = talk.update(state({ cluster: { a: '1' }, listener: { l: 'none' } }, before));
  assert.deepEqual(shown(pushed), ['listener: l']);
  const [route, ...none] = talk.ack(pushed[0]);
  assert.deepEqual([shown([route].flatMap((one) => one ?? [])), none], [['route: -r'], []]);
  const [cluster] = talk.ack(route);
  assert.deepEqual(shown([cluster].flatMap((one) => one ?? [])), ['cluster: -b']);
  assert.deepEqual(shown(talk.ack(cluster)), ['endpoint: -b']);
});

test('Rule 51: a cluster that comes back before it was removed is only updated', () => {
  const before = state({ cluster: { a: '1', b: '1' }, route: { r: 'to b' } });
  const talk = new Talk('delta', before);
  talk.ack(talk.say('cluster')[0]);
  talk.ack(talk.say('route', { subscribe: ['r'] })[0]);
  const [route] = talk.update(state({ cluster: { a: '1' }, route: { r: 'to a' } }, before));
  assert.deepEqual(shown(talk.update(before)), ['cluster: b']);
  const after = talk.ack(route);
  assert.deepEqual(shown(after), [], 'the route waits for the cluster that comes with it');
});

test('Rule 54: endpoints are pushed again after a change of the cluster that needs them', () => {
  const cluster = (content: string) =>
    resource('cluster', 'c', content, [{ typeUrl: TYPE.endpoint, name: 'e', source: '{}' }]);
  const endpoint = resource('endpoint', 'e');
  const talk = new Talk('delta', createSnapshot([cluster('1'), endpoint]));
  talk.ack(talk.say('cluster')[0]);
  talk.ack(talk.say('endpoint', { subscribe: ['e'] })[0]);
  assert.deepEqual(shown(talk.update(createSnapshot([cluster('2'), endpoint]))), ['cluster: c', 'endpoint: e']);
});

test('Rule 54: endpoints are pushed again also when their cluster is sent again after a rejection', () => {
  const cluster = (name: string, content: string) =>
    resource('cluster', name, content, [{ typeUrl: TYPE.endpoint, name: 'e', source: '{}' }]);
  const endpoint = resource('endpoint', 'e');
  const [c1, c2, bad, good] = [
    cluster('c', '1'),
    cluster('c', '2'),
    resource('cluster', 'd', 'bad'),
    resource('cluster', 'd'),
  ];
  const talk = new Talk('delta', createSnapshot([c1, endpoint]));
  talk.ack(talk.say('cluster')[0]);
  talk.ack(talk.say('endpoint', { subscribe: ['e'] })[0]);
  const [rejected, needed] = talk.update(createSnapshot([c2, bad, endpoint]));
  assert.deepEqual(shown([rejected, needed].flatMap((one) => one ?? [])), ['cluster: c d', 'endpoint: e']);
  talk.nack(rejected);
  talk.ack(needed);
  assert.deepEqual(shown(talk.update(createSnapshot([c2, good, endpoint]))), [
    'cluster: c',
    'cluster: d',
    'endpoint: e',
  ]);
});

test('Rule 54: endpoints are pushed to a returning client when their cluster has changed since', () => {
  const cluster = (content: string) =>
    resource('cluster', 'c', content, [{ typeUrl: TYPE.endpoint, name: 'e', source: '{}' }]);
  const endpoint = resource('endpoint', 'e');
  const before = createSnapshot([cluster('1'), endpoint]);
  const after = createSnapshot([cluster('2'), endpoint]);
  for (const order of [
    ['cluster', 'endpoint'],
    ['endpoint', 'cluster'],
  ] as const) {
    for (const [now, expected] of [
      [after, ['cluster: c', 'endpoint: e']],
      [before, []],
    ] as const) {
      const talk = new Talk('delta', now);
      const replies = order.flatMap((kind) =>
        talk.say(kind, { initialVersions: versions(before, kind), subscribe: kind === 'endpoint' ? ['e'] : [] }),
      );
      assert.deepEqual(shown(replies), expected);
    }
  }
});

test('Rule 55: a secret is pushed again when the source that a listener names for it changed, and only then', () => {
  const listener = (content: string, source: string) =>
    resource('listener', 'l', content, [{ typeUrl: TYPE.secret, name: 's', source }]);
  const secret = resource('secret', 's');
  const talk = new Talk('delta', createSnapshot([listener('1', 'ads'), secret]));
  talk.ack(talk.say('listener')[0]);
  talk.ack(talk.say('secret', { subscribe: ['s'] })[0]);
  const same = talk.update(createSnapshot([listener('2', 'ads'), secret]));
  assert.deepEqual(shown(same), ['listener: l']);
  talk.ack(same[0]);
  const pushed = talk.update(createSnapshot([listener('3', 'ads with a timeout'), secret]));
  assert.deepEqual([...shown(pushed), ...shown(talk.ack(pushed[0]))].sort(), ['listener: l', 'secret: s']);
});

test('Rule 55: secrets are pushed to a returning client when their listener has changed since', () => {
  const listener = (content: string) =>
    resource('listener', 'l', content, [{ typeUrl: TYPE.secret, name: 's', source: 'ads' }]);
  const secret = resource('secret', 's');
  const before = createSnapshot([listener('1'), secret]);
  const after = createSnapshot([listener('2'), secret]);
  for (const [now, expected] of [
    [after, ['listener: l', 'secret: s']],
    [before, []],
  ] as const) {
    const talk = new Talk('delta', now);
    const replies = (['listener', 'secret'] as const).flatMap((kind) =>
      talk.say(kind, { initialVersions: versions(before, kind), subscribe: kind === 'secret' ? ['s'] : [] }),
    );
    assert.deepEqual(shown(replies), expected);
  }
});

test('Rule 57: a name that is dropped and subscribed to again is answered although it is unchanged', () => {
  const talk = new Talk('delta', state({ endpoint: { e: '1' } }));
  const [reply] = talk.say('endpoint', { subscribe: ['e'] });
  talk.ack(reply, { unsubscribe: ['e'] });
  assert.deepEqual(shown(talk.say('endpoint', { subscribe: ['e'] })), ['endpoint: e']);
});

test('Rules 40, 57: a name that is dropped and subscribed to again is sent also before the first answer', () => {
  const there = state({ secret: { s: '1', t: '1' } });
  const talk = new Talk('delta');
  talk.say('secret', { subscribe: ['s', 't'], initialVersions: versions(there, 'secret') });
  talk.say('secret', { unsubscribe: ['s'] });
  talk.say('secret', { subscribe: ['s'] });
  assert.deepEqual(shown(talk.update(there)), ['secret: s']);
});

test('Rule 58: the type that is requested first is answered first, and no type waits for CDS', () => {
  const talk = new Talk('delta', state({ cluster: { a: '1' }, endpoint: { e: '1' }, route: { r: '1' } }));
  assert.deepEqual(shown(talk.say('endpoint', { subscribe: ['e'] })), ['endpoint: e']);
  assert.deepEqual(shown(talk.say('route', { subscribe: ['r'] })), ['route: r']);
});

test('Rule 60: an unknown secret does not delay the known ones', () => {
  const talk = new Talk('delta', state({ secret: { s: '1' } }));
  assert.deepEqual(shown(talk.say('secret', { subscribe: ['old', 's'] })), ['secret: s -old']);
});

test('A change sends only the changed resources', () => {
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`c${index}`, '1']));
  const before = state({ cluster: many });
  const talk = new Talk('delta', before);
  talk.ack(talk.say('cluster')[0]);
  assert.deepEqual(shown(talk.update(state({ cluster: { ...many, c7: '2' } }, before))), ['cluster: c7']);
});
