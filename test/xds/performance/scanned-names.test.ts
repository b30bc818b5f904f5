// How many names are looked through for short requests, and how that is charged.
// Must not: measure time.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stringField, stringsField } from '../../../src/snapshot/protobuf.ts';
import { TYPE } from '../../../src/snapshot/resource-types.ts';
import { Session } from '../../../src/xds/protocol/session.ts';
import { NameSet } from '../../../src/xds/subscription/name-set.ts';
import { RequestParser } from '../../../src/xds/wire/discovery-request.ts';
import type { Outgoing } from '../../../src/xds/wire/messages.ts';
import { request, state, Talk } from '../fixtures.ts';
import { NODE } from '../grpc-client.ts';
import { runningServer } from '../running-server.ts';

const MANY = 600;
const names = Array.from({ length: MANY }, (_, index) => `c${index}`);
const clusters = (content: string) => Object.fromEntries(names.map((name) => [name, content]));
const all = state({ cluster: clusters('1') });

function scanned(session: Session, fields: Parameters<typeof request>[1]): number {
  return session.request(TYPE.cluster, request('cluster', fields), 0).scanned;
}

describe('names that a short request makes the server go through', () => {
  test('No name is looked through while nothing is rejected and no removal is pending', () => {
    const { session } = new Talk('delta', all);
    assert.equal(scanned(session, {}), 0);
    assert.equal(scanned(session, { nonce: '1' }), 0);
    assert.equal(scanned(session, { nonce: 'stale' }), 0);
  });

  test('The names of a rejection are looked through once, and not again for the next request', () => {
    const talk = new Talk('delta', all);
    talk.nack(talk.say('cluster')[0]);
    assert.equal(scanned(talk.session, { nonce: 'stale' }), 0);
    assert.ok(scanned(talk.session, { subscribe: ['new'] }) >= MANY);
  });

  test('Pending removals are looked through until they are sent or something else changes', () => {
    const before = state({ cluster: { ...clusters('1'), kept: '1' }, listener: { l: '1' } });
    const talk = new Talk('delta', before);
    talk.ack(talk.say('cluster')[0]);
    const [listener] = talk.say('listener');
    // What pointed at the clusters is not acknowledged: they may not go yet.
    talk.update(state({ cluster: { kept: '1' }, listener: { l: '1' } }, before));
    assert.equal(scanned(talk.session, { nonce: 'stale' }), 0);
    const asked = talk.session.request(TYPE.cluster, request('cluster', { subscribe: ['new'] }), 0);
    assert.ok(asked.scanned >= MANY);
    talk.ack(asked.replies[0]);
    assert.equal(talk.ack(listener).at(-1)?.removed.length, MANY);
    assert.equal(scanned(talk.session, { nonce: 'stale' }), 0);
  });

  test('A list that one more name rebuilds counts in part', () => {
    const { session } = new Talk('delta', all);
    scanned(session, { subscribe: names });
    // The first few changes are kept beside the list that others share.
    const costs = Array.from({ length: 40 }, (_, index) =>
      scanned(session, { subscribe: [`new${index}`], nonce: '1' }),
    );
    // Each names one.
    assert.equal(costs[0], 1);
    assert.ok(Math.max(...costs) >= MANY / 4);
    assert.ok(costs.filter((cost) => cost > 1).length <= 5);
  });
});

test('A set of names is told from a rebuilt one', () => {
  const set = NameSet.of(names);
  assert.ok(set.change(['more'], []).isOf(set));
  assert.ok(!set.change(names, ['more', ...names.slice(2)]).isOf(set));
});

test('A client whose short requests cause a long list to be looked through again and again is cut', async (t) => {
  const rate = { burst: 10_000, perSecond: 0 };
  const limits = { ratesPerStream: { requests: rate, names: rate } };
  const { client, cache } = await runningServer(t, all, { limits });
  cache.set('ingress', all);
  const stream = client.delta().send({ node: NODE, type_url: TYPE.cluster });
  const { nonce } = await stream.next();
  stream.send({ type_url: TYPE.cluster, response_nonce: nonce, error_detail: { message: 'no' } });
  // Each answer is acknowledged, so that the next request makes the server look for what is due.
  const asking = (async () => {
    let answered: unknown;
    for (let count = 0; count < 100; count += 1) {
      const names = [`new${count}`];
      stream.send({ type_url: TYPE.cluster, resource_names_subscribe: names, response_nonce: answered });
      ({ nonce: answered } = await stream.next());
    }
  })();
  await assert.rejects(asking);
  assert.equal((await stream.end).code, 8 /* RESOURCE_EXHAUSTED */);
});

test('The names that a SotW session looks through grow with its secrets, not with their square', () => {
  const scannedFor = (count: number): number => {
    const names = secretNames(count);
    const snapshot = state({ secret: Object.fromEntries(names.map((name) => [name, '1'])) });
    const session = new Session('sotw', snapshot, { names: 20_000 });
    const parser = new RequestParser('sotw', 20_000);
    let total = 0;
    const say = (nonce: string): readonly Outgoing[] => {
      const request = parser.parse(secretRequest(names, nonce));
      const { replies, scanned } = session.request(request.typeUrl, request, 0);
      total += scanned;
      return replies;
    };
    const queue = [...say('')];
    for (let reply = queue.shift(); reply !== undefined; reply = queue.shift()) queue.push(...say(reply.nonce));
    assert.equal(session.status()[0]?.state, 'SYNCED');
    return total;
  };
  for (const count of [200, 800, 3000]) assert.ok(scannedFor(count) < 6 * count, `${count} secrets`);
});

const secretNames = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `bundle/peer-${String(index).padStart(5, '0')}@0123456789abcdef`);

function secretRequest(names: readonly string[], nonce: string): Buffer {
  return Buffer.concat([stringsField(3, names), stringField(4, TYPE.secret), stringField(5, nonce)]);
}
