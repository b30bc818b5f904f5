// Short requests that would be much work: what a subscription keeps is gone through as seldom as can be, and is paid for.
// In: states, requests. Out: how many names were gone through, and how streams end. Must not: measure time.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TYPE } from '../../src/snapshot/types.ts';
import { NameSet } from '../../src/xds/protocol/name-set.ts';
import type { Session } from '../../src/xds/protocol/session.ts';
import { request, state, Talk } from './fixtures.ts';
import { NODE } from './grpc-client.ts';
import { runningServer } from './running-server.ts';

const MANY = 600;
const names = Array.from({ length: MANY }, (_, index) => `c${index}`);
const clusters = (content: string) => Object.fromEntries(names.map((name) => [name, content]));
const all = state({ cluster: clusters('1') });

function scanned(session: Session, fields: Parameters<typeof request>[1]): number {
  return session.request(TYPE.cluster, request('cluster', fields), 0).scanned;
}

describe('names that a short request makes the server go through', () => {
  test('are none while nothing is rejected and nothing lingers', () => {
    const { session } = new Talk('delta', all);
    assert.equal(scanned(session, {}), 0);
    assert.equal(scanned(session, { nonce: '1' }), 0);
    assert.equal(scanned(session, { nonce: 'stale' }), 0);
  });

  test('are those of a rejection, once: what parks is not looked at again for the next request', () => {
    const talk = new Talk('delta', all);
    talk.nack(talk.say('cluster')[0]);
    assert.equal(scanned(talk.session, { nonce: 'stale' }), 0);
    assert.ok(scanned(talk.session, { subscribe: ['new'] }) >= MANY);
  });

  test('are those that linger, until they have gone or something else has changed', () => {
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

  test('are a part of a list that one name more has made anew', () => {
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

test('a set of names is told from one that was made anew', () => {
  const set = NameSet.of(names);
  assert.ok(set.change(['more'], []).isOf(set));
  assert.ok(!set.change(names, ['more', ...names.slice(2)]).isOf(set));
});

test('a client that has a long list looked through again and again is cut, however little it says', async (t) => {
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
