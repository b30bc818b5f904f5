// The protocol's rules for state-of-the-world streams, one test each; the numbers are those of CONTRIBUTING.md.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TYPE } from '../../../src/snapshot/resource-types.ts';
import { createSnapshot } from '../../../src/snapshot/snapshot.ts';
import { type Kind, request, resource, shown, state, Talk } from '../fixtures.ts';

const two = state({ cluster: { a: '1', b: '1' } });

test('Rule 3: a type that is not served is never answered, and does not affect the others', () => {
  const talk = new Talk('sotw', two);
  const unknown = 'type.googleapis.com/envoy.service.runtime.v3.Runtime';
  assert.deepEqual(talk.session.request(unknown, request('cluster'), 0).replies, []);
  assert.deepEqual(shown(talk.say('cluster')), ['cluster: a b']);
});

test('Rule 3: a request without a type ends the stream with INVALID_ARGUMENT', () => {
  const talk = new Talk('sotw', two);
  assert.throws(() => talk.session.request('', request('cluster'), 0), { status: 'INVALID_ARGUMENT' });
});

test('Rule 4: each type has its own subscription, version and nonce', () => {
  const talk = new Talk('sotw', state({ cluster: { a: '1' }, listener: { l: '1' } }));
  const [clusters] = talk.say('cluster');
  const [listeners] = talk.say('listener');
  assert.notEqual(clusters?.nonce, listeners?.nonce);
  talk.nack(clusters);
  assert.deepEqual(talk.ack(listeners), []);
  assert.equal(talk.state('cluster'), 'NACKED');
  assert.equal(talk.state('listener'), 'SYNCED');
});

test('Rule 8: an ACK is not answered', () => {
  const talk = new Talk('sotw', two);
  const [reply] = talk.say('cluster');
  assert.deepEqual(talk.ack(reply), []);
});

test('Rule 12: no name appears twice in a response, even when both the wildcard and a name select it', () => {
  const talk = new Talk('sotw', two);
  assert.deepEqual(shown(talk.say('cluster', { names: ['*', 'a'] })), ['cluster: a b']);
});

test('Rule 14: the first request of a type is initial, whatever nonce it brings', () => {
  const talk = new Talk('sotw', two);
  assert.deepEqual(shown(talk.say('cluster', { nonce: '77' })), ['cluster: a b']);
});

test('Rule 14: nonces are never used twice on a stream', () => {
  const talk = new Talk('sotw', two);
  const nonces = new Set<string>();
  let [reply] = talk.say('cluster');
  for (let turn = 0; turn < 20; turn += 1) {
    nonces.add(reply?.nonce ?? '');
    talk.ack(reply);
    [reply] = talk.update(state({ cluster: { a: String(turn + 2) } }));
  }
  assert.equal(nonces.size, 20);
});

test('Rule 15: the version is the hash of the content: the same after a restart, different for different content', () => {
  assert.equal(
    new Talk('sotw', two).say('cluster')[0]?.version,
    new Talk('sotw', state({ cluster: { b: '1', a: '1' } })).say('cluster')[0]?.version,
  );
  assert.notEqual(
    new Talk('sotw', two).say('cluster')[0]?.version,
    new Talk('sotw', state({ cluster: { a: '1', b: '2' } })).say('cluster')[0]?.version,
  );
});

test('Rule 17: a NACK is recognised by error_detail, not by the version', () => {
  const talk = new Talk('sotw', two);
  const [reply] = talk.say('cluster');
  talk.ack(reply, { errorDetail: 'bad', versionInfo: reply?.version ?? '' });
  assert.equal(talk.state('cluster'), 'NACKED');
});

test('Rule 18: a NACK parks: nothing is sent until the resources change, and then the new state', () => {
  const talk = new Talk('sotw', two);
  const [reply] = talk.say('cluster');
  assert.deepEqual(talk.nack(reply), []);
  assert.deepEqual(talk.nack(reply), []);
  assert.deepEqual(talk.update(two), []);
  assert.deepEqual(shown(talk.update(state({ cluster: { a: '1', b: '2' } }))), ['cluster: a b']);
});

test('Rule 18: the error message of a NACK is kept until a later version is accepted', () => {
  const talk = new Talk('sotw', two);
  talk.nack(talk.say('cluster')[0], { errorDetail: 'duplicate cluster' });
  assert.equal(talk.session.status()[0]?.nack?.message, 'duplicate cluster');
  talk.ack(talk.update(state({ cluster: { a: '2' } }))[0]);
  assert.equal(talk.session.status()[0]?.nack, undefined);
  assert.equal(talk.state('cluster'), 'SYNCED');
});

test('Rule 19: a NACK that also changes the subscription changes it', () => {
  const talk = new Talk('sotw', state({ route: { r: '1', s: '1' } }));
  const [reply] = talk.say('route', { names: ['r'] });
  assert.deepEqual(shown(talk.nack(reply, { names: ['r', 's'] })), ['route: s']);
});

test('Rule 19: an error_detail that is repeated on later requests (grpc-js-xds) does not lose their subscriptions', () => {
  const talk = new Talk('sotw', state({ route: { r: '1', s: '1', t: '1' } }));
  const [reply] = talk.say('route', { names: ['r'] });
  talk.nack(reply, { names: ['r'] });
  assert.deepEqual(shown(talk.nack(reply, { names: ['r', 't'] })), ['route: t']);
});

test('Rule 20: a stale nonce is neither ACK nor NACK, but its subscription counts', () => {
  const talk = new Talk('sotw', state({ route: { r: '1', s: '1' } }));
  const [first] = talk.say('route', { names: ['r'] });
  talk.ack(first, { names: ['r'] });
  const [second] = talk.update(state({ route: { r: '2', s: '1' } }));
  assert.deepEqual(talk.ack(first, { names: ['r', 's'] }), [], 'the second response is still in flight');
  assert.equal(talk.state('route'), 'STALE');
  assert.deepEqual(shown(talk.ack(second, { names: ['r', 's'] })), ['route: s']);
});

test('Rule 21: one response is in flight, and changes meanwhile collapse into the newest state', () => {
  const talk = new Talk('sotw', two);
  const [first] = talk.say('cluster');
  assert.deepEqual(talk.update(state({ cluster: { a: '2', b: '1' } })), []);
  const newest = state({ cluster: { a: '3', b: '1' } });
  assert.deepEqual(talk.update(newest), []);
  const [second] = talk.ack(first);
  assert.equal(second?.version, newest.types.get(second?.typeUrl ?? '')?.version);
});

test('Rule 22: the same request again, already acknowledged, is a new watcher and is answered', () => {
  const talk = new Talk('sotw', state({ endpoint: { e: '1' } }));
  const [reply] = talk.say('endpoint', { names: ['e'] });
  assert.deepEqual(talk.ack(reply, { names: ['e'] }), []);
  assert.deepEqual(shown(talk.ack(reply, { names: ['e'] })), ['endpoint: e']);
});

test('Rule 23: a reconnecting wildcard client that has exactly this state is sent nothing, and counts as in sync', () => {
  const version = new Talk('sotw', two).say('cluster')[0]?.version ?? '';
  const talk = new Talk('sotw', two);
  assert.deepEqual(talk.say('cluster', { versionInfo: version }), []);
  assert.equal(talk.state('cluster'), 'SYNCED');
  assert.deepEqual(shown(talk.update(state({ cluster: { a: '1' } }))), ['cluster: a']);
});

test('Rules 15, 23: a client that had named its resources is sent the rest when it reconnects with the wildcard', () => {
  const version = new Talk('sotw', two).say('cluster', { names: ['a'] })[0]?.version ?? '';
  assert.deepEqual(shown(new Talk('sotw', two).say('cluster', { names: ['*'], versionInfo: version })), [
    'cluster: a b',
  ]);
});

test('Rule 23: a reconnecting client that names resources is answered, because its subscription may have grown', () => {
  const routes = state({ route: { r: '1' } });
  const version = new Talk('sotw', routes).say('route', { names: ['r'] })[0]?.version ?? '';
  assert.deepEqual(shown(new Talk('sotw', routes).say('route', { names: ['r'], versionInfo: version })), ['route: r']);
});

test('Rule 24: an empty list is the legacy wildcard as long as no name was ever sent', () => {
  const talk = new Talk('sotw', two);
  const [reply] = talk.say('cluster');
  assert.deepEqual(shown([reply].flatMap((one) => one ?? [])), ['cluster: a b']);
  talk.ack(reply, { names: [] });
  assert.deepEqual(shown(talk.update(state({ cluster: { a: '1', b: '1', c: '1' } }))), ['cluster: a b c']);
});

test('Rule 24: * is a name: from then on an empty list requests nothing', () => {
  const talk = new Talk('sotw', two);
  const [first] = talk.say('cluster');
  talk.ack(first, { names: ['*'] });
  assert.deepEqual(talk.say('cluster', { names: [] }), []);
  assert.deepEqual(talk.update(state({ cluster: { a: '2' } })), []);
});

test('Rule 25: [*, a], then [a] drops the wildcard, then [] drops everything and is no wildcard', () => {
  const talk = new Talk('sotw', two);
  const [first] = talk.say('cluster', { names: ['*', 'a'] });
  talk.ack(first, { names: ['a'] });
  const [second] = talk.update(state({ cluster: { a: '2', b: '2' } }));
  assert.deepEqual(shown([second].flatMap((one) => one ?? [])), ['cluster: a']);
  talk.ack(second, { names: [] });
  assert.deepEqual(talk.update(state({ cluster: { a: '3', b: '3' } })), []);
});

test('Rule 26: for types other than LDS and CDS an empty first list requests nothing', () => {
  const talk = new Talk('sotw', state({ route: { r: '1' } }));
  assert.deepEqual(talk.say('route'), []);
  assert.deepEqual(talk.update(state({ route: { r: '2' } })), []);
});

test('Rules 27, 28: a newly named resource is sent although it is unchanged, and again after it was dropped', () => {
  const talk = new Talk('sotw', state({ secret: { s: '1', t: '1' } }));
  const [first] = talk.say('secret', { names: ['s'] });
  const [second] = talk.ack(first, { names: ['s', 't'] });
  assert.deepEqual(shown([second].flatMap((one) => one ?? [])), ['secret: t']);
  assert.deepEqual(talk.ack(second, { names: ['t'] }), []);
  assert.deepEqual(shown(talk.say('secret', { nonce: second?.nonce ?? '', names: ['s', 't'] })), ['secret: s']);
});

test('Rule 29: a resource that is no longer named is no longer sent', () => {
  const talk = new Talk('sotw', state({ secret: { s: '1', t: '1' } }));
  const [first] = talk.say('secret', { names: ['s', 't'] });
  talk.ack(first, { names: ['t'] });
  assert.deepEqual(talk.update(state({ secret: { s: '2', t: '1' } })), []);
});

test('Rule 31: LDS and CDS responses hold the whole subscribed state', () => {
  const talk = new Talk('sotw', two);
  talk.ack(talk.say('cluster')[0]);
  assert.deepEqual(shown(talk.update(state({ cluster: { a: '2', b: '1' } }))), ['cluster: a b']);
});

test('Rule 31: nothing is sent before there is a state, and the empty state is sent once there is one', () => {
  const talk = new Talk('sotw');
  assert.deepEqual(talk.say('cluster'), []);
  assert.deepEqual(shown(talk.update(state({}))), ['cluster:']);
});

test('Rule 32: of the other types only changed resources are sent', () => {
  const before = state({ route: { r: '1', s: '1' } });
  const talk = new Talk('sotw', before);
  talk.ack(talk.say('route', { names: ['r', 's'] })[0], { names: ['r', 's'] });
  assert.deepEqual(shown(talk.update(state({ route: { r: '1', s: '2' } }, before))), ['route: s']);
});

describe('rules 49, 64: more than a gRPC client takes in one message', () => {
  const big = (kind: Kind, last = '1') =>
    createSnapshot([
      ...['a', 'b'].map((name) => resource(kind, name, 'x'.repeat(2_000_000))),
      resource(kind, 'c', last),
    ]);

  for (const kind of ['endpoint', 'route'] as const) {
    test(`A large state of ${kind}s is sent in parts below 4 MiB, and is in sync when each is acknowledged`, () => {
      const now = big(kind);
      const talk = new Talk('sotw', now);
      const replies = talk.say(kind, { names: ['a', 'b', 'c'] });
      assert.deepEqual(shown(replies), [`${kind}: a`, `${kind}: b c`]);
      assert.equal(new Set(replies.flatMap(({ nonce, version }) => [nonce, version])).size, 4);
      assert.equal(replies.at(-1)?.version, now.types.get(TYPE[kind])?.version);
      assert.deepEqual(talk.ack(replies[0], { names: ['a', 'b', 'c'] }), []);
      assert.equal(talk.state(kind), 'STALE');
      assert.deepEqual(talk.ack(replies[1], { names: ['a', 'b', 'c'] }), []);
      assert.equal(talk.state(kind), 'SYNCED');
      assert.deepEqual(shown(talk.update(big(kind, '2'))), [`${kind}: c`]);
    });
  }

  test('A rejected part parks, and is sent again with the next change, whatever the answer to the other parts', () => {
    const names = ['a', 'b', 'c'];
    const talk = new Talk('sotw', big('route'));
    const [first, second] = talk.say('route', { names });
    assert.deepEqual(talk.nack(first, { names }), []);
    assert.deepEqual(talk.ack(second, { names }), []);
    assert.equal(talk.state('route'), 'NACKED');
    assert.deepEqual(shown(talk.update(big('route', '2'))), ['route: c', 'route: a']);
  });

  test('A SotW client that answers only the last part has answered all of them', () => {
    const names = ['a', 'b', 'c'];
    const talk = new Talk('sotw', big('route'));
    const replies = talk.say('route', { names });
    talk.ack(replies.at(-1), { names });
    assert.equal(talk.state('route'), 'SYNCED');
  });

  test('Clusters and listeners are still sent in one response, because absent ones would be deleted', () => {
    for (const kind of ['cluster', 'listener'] as const)
      assert.deepEqual(shown(new Talk('sotw', big(kind)).say(kind)), [`${kind}: a b c`]);
  });
});

test('Rule 34: a missing name is remembered, does not delay others, and is sent when it exists', () => {
  const before = state({ secret: { s: '1' } });
  const talk = new Talk('sotw', before);
  const [reply] = talk.say('secret', { names: ['s', 'later'] });
  assert.deepEqual(shown([reply].flatMap((one) => one ?? [])), ['secret: s']);
  talk.ack(reply, { names: ['s', 'later'] });
  assert.deepEqual(shown(talk.update(state({ secret: { s: '1', later: '1' } }, before))), ['secret: later']);
});

test('Rule 51: clusters that are gone stay in CDS until the routes that led to them are acknowledged', () => {
  const before = state({ cluster: { a: '1', b: '1' }, route: { r: 'to b' } });
  const talk = new Talk('sotw', before);
  talk.ack(talk.say('cluster')[0]);
  talk.ack(talk.say('route', { names: ['r'] })[0], { names: ['r'] });
  const pushed = talk.update(state({ cluster: { a: '2' }, route: { r: 'to a' } }, before));
  assert.deepEqual(shown(pushed), ['cluster: a b', 'route: r']);
  assert.deepEqual(talk.ack(pushed[0]), [], 'the route is not acknowledged yet');
  const removal = talk.ack(pushed[1], { names: ['r'] });
  assert.deepEqual(shown(removal), ['cluster: a']);
  assert.notEqual(removal[0]?.version, pushed[0]?.version, 'another state has another version');
  talk.ack(removal[0]);
  assert.equal(talk.state('cluster'), 'SYNCED');
});

test('Rules 29, 51: a client that drops a resource with a pending removal is not sent the removal', () => {
  const before = state({ cluster: { a: '1', b: '1' }, route: { r: 'to b' } });
  const talk = new Talk('sotw', before);
  talk.ack(talk.say('cluster', { names: ['a', 'b'] })[0], { names: ['a', 'b'] });
  talk.ack(talk.say('route', { names: ['r'] })[0], { names: ['r'] });
  const [route] = talk.update(state({ cluster: { a: '1' }, route: { r: 'to a' } }, before));
  assert.deepEqual(talk.say('cluster', { names: ['a'] }), []);
  assert.deepEqual(talk.ack(route, { names: ['r'] }), []);
});

test('Rule 51: a client that never acknowledges its routes does not delay a removal forever', () => {
  const before = state({ cluster: { a: '1', b: '1' }, route: { r: 'to b' } });
  const talk = new Talk('sotw', before);
  talk.ack(talk.say('cluster')[0]);
  talk.ack(talk.say('route', { names: ['r'] })[0], { names: ['r'] });
  talk.update(state({ cluster: { a: '1' }, route: { r: 'to a' } }, before));
  talk.now = (talk.session.wakeAt() ?? Number.NaN) - 1;
  assert.deepEqual(talk.session.tick(talk.now), []);
  talk.now += 1;
  assert.deepEqual(shown(talk.session.tick(talk.now)), ['cluster: a']);
});

test('Rule 52: a route to a new cluster waits for the acknowledgement of the cluster, but not forever', () => {
  const before = state({ cluster: { a: '1' }, route: { r: 'to a' } });
  const open = () => {
    const talk = new Talk('sotw', before);
    talk.ack(talk.say('cluster')[0]);
    talk.ack(talk.say('route', { names: ['r'] })[0], { names: ['r'] });
    return talk;
  };
  const after = state({ cluster: { a: '1', b: '1' }, route: { r: 'to b' } }, before);
  const prompt = open();
  const [clusters, ...rest] = prompt.update(after);
  assert.deepEqual(rest, []);
  assert.deepEqual(shown(prompt.ack(clusters)), ['route: r']);
  const slow = open();
  slow.update(after);
  slow.now = slow.session.wakeAt() ?? Number.NaN;
  assert.deepEqual(shown(slow.session.tick(slow.now)), ['route: r']);
});

test('Rule 52: a route waits for a cluster that was rejected when it was new, and is sent again', () => {
  const empty = state({ route: { r: 'nowhere' } });
  const talk = new Talk('sotw', empty);
  talk.ack(talk.say('cluster')[0]);
  talk.ack(talk.say('route', { names: ['r'] })[0], { names: ['r'] });
  const bad = state({ cluster: { a: 'bad' }, route: { r: 'nowhere' } }, empty);
  talk.nack(talk.update(bad)[0]);
  const pushed = talk.update(state({ cluster: { a: '1' }, route: { r: 'to a' } }, bad));
  assert.deepEqual(shown(pushed), ['cluster: a']);
  assert.deepEqual(shown(talk.ack(pushed[0])), ['route: r']);
});

test('Rules 51, 52: once a wait has timed out, a client that does not answer sets no further timer', () => {
  const slow = new Talk('sotw', two);
  slow.say('cluster');
  slow.now = slow.session.wakeAt() ?? Number.NaN;
  assert.deepEqual(slow.session.tick(slow.now), []);
  assert.equal(slow.session.wakeAt(), undefined);
  const before = state({ cluster: { a: '1', b: '1' }, route: { r: 'to b' } });
  const talk = new Talk('sotw', before);
  talk.ack(talk.say('cluster')[0]);
  talk.ack(talk.say('route', { names: ['r'] })[0], { names: ['r'] });
  talk.update(state({ cluster: { a: '2' }, route: { r: 'to a' } }, before));
  talk.now = talk.session.wakeAt() ?? Number.NaN;
  assert.deepEqual(talk.session.tick(talk.now), [], 'the removal waits for the answer to the clusters in flight');
  assert.equal(talk.session.wakeAt(), undefined);
});

test('Rule 52: a route does not wait for a cluster that the client does not subscribe to', () => {
  const before = state({ cluster: { a: '1' }, route: { r: 'to a' } });
  const talk = new Talk('sotw', before);
  talk.ack(talk.say('cluster', { names: ['a'] })[0], { names: ['a'] });
  talk.ack(talk.say('route', { names: ['r'] })[0], { names: ['r'] });
  const pushed = talk.update(state({ cluster: { a: '2', b: '1' }, route: { r: 'to a, again' } }, before));
  assert.deepEqual(shown(pushed), ['cluster: a', 'route: r']);
});

test('Rule 52: a route stops waiting for a cluster that cannot be sent because an earlier change is in flight', () => {
  const before = state({ cluster: { a: '1' }, route: { r: 'to a' } });
  const talk = new Talk('sotw', before);
  talk.ack(talk.say('cluster')[0]);
  talk.ack(talk.say('route', { names: ['r'] })[0], { names: ['r'] });
  const between = state({ cluster: { a: '2' }, route: { r: 'to a' } }, before);
  assert.deepEqual(shown(talk.update(between)), ['cluster: a']);
  assert.deepEqual(talk.update(state({ cluster: { a: '2', b: '1' }, route: { r: 'to b' } }, between)), []);
  talk.now = talk.session.wakeAt() ?? Number.NaN;
  assert.deepEqual(shown(talk.session.tick(talk.now)), ['route: r']);
});

test('The order of one change is CDS, EDS, SDS, RDS, LDS', () => {
  const content = (value: string) => ({
    listener: { l: value },
    route: { r: value },
    secret: { s: value },
    endpoint: { e: value },
    cluster: { c: value },
  });
  const before = state(content('1'));
  const talk = new Talk('sotw', before);
  for (const kind of ['cluster', 'endpoint', 'secret', 'route', 'listener'] as const) {
    const names = kind === 'cluster' || kind === 'listener' ? [] : [{ endpoint: 'e', secret: 's', route: 'r' }[kind]];
    talk.ack(talk.say(kind, { names })[0], { names });
  }
  assert.deepEqual(shown(talk.update(state(content('2'), before))), [
    'cluster: c',
    'endpoint: e',
    'secret: s',
    'route: r',
    'listener: l',
  ]);
});

test('More names than the limit end the stream with RESOURCE_EXHAUSTED', () => {
  const talk = new Talk('sotw', two, 3);
  assert.throws(() => talk.say('secret', { names: ['1', '2', '3', '4'] }), { status: 'RESOURCE_EXHAUSTED' });
});

test('Rule 18: an operator may have a rejected response sent once more', () => {
  for (const variant of ['sotw', 'delta'] as const) {
    for (const kind of ['cluster', 'route'] as const) {
      const talk = new Talk(variant, state({ [kind]: { a: '1', b: '1' } }));
      const names = kind === 'route' ? { names: ['a', 'b'], subscribe: ['a', 'b'] } : {};
      talk.nack(talk.say(kind, names)[0], variant === 'sotw' ? { names: names.names ?? [] } : {});
      assert.deepEqual(talk.tick(60_000), []);
      const again = talk.session.retry(talk.now);
      // Routes are rejected as a whole, and sent again one by one; SotW clusters always come as a whole.
      const isWhole = variant === 'sotw' && kind === 'cluster';
      assert.deepEqual(shown(again), isWhole ? [`${kind}: a b`] : [`${kind}: a`, `${kind}: b`]);
      for (const reply of again) talk.ack(reply, variant === 'sotw' ? { names: names.names ?? [] } : {});
      assert.equal(talk.state(kind), 'SYNCED');
      assert.deepEqual(talk.session.retry(talk.now), []);
    }
  }
});
