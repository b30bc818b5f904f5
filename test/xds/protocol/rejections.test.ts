// What is rejected, and what that does to everything else: responses of their own, what is sent again and when, what an
// acknowledgement proves. Sessions alone, with a clock that the test moves; what Envoy does, rejected-on-envoy.test.ts says.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeResource, encodeResource } from '../../../src/envoy/proto/codec.ts';
import type { ResourceJson } from '../../../src/envoy/proto/types.gen.ts';
import { referencesOf } from '../../../src/pipeline/references.ts';
import { anyBody, createResource, type Resource } from '../../../src/snapshot/resource.ts';
import { TYPE } from '../../../src/snapshot/resource-types.ts';
import { createSnapshot } from '../../../src/snapshot/snapshot.ts';
import { MAX_IN_FLIGHT } from '../../../src/xds/responses/response-grouping.ts';
import { RejectedResources } from '../../../src/xds/subscription/rejected-resources.ts';
import { parseDeltaRequest } from '../../../src/xds/wire/discovery-request.ts';
import { joined } from '../../../src/xds/wire/discovery-response.ts';
import type { Outgoing } from '../../../src/xds/wire/messages.ts';
import { respelled } from '../../../src/xds/wire/secret-facts.ts';
import { resource, shown, state, Talk } from '../fixtures.ts';
import { encodeDelta, NODE } from '../grpc-client.ts';

const VARIANTS = ['delta', 'sotw'] as const;
const IN_USE = "Error adding/updating listener(s) l: cannot bind '127.0.0.1:1': Address already in use";
const NO_FILE = 'Invalid path: /certs/tls.pem';

function made(json: object): Resource {
  const { typeUrl, name, body } = encodeResource(json as ResourceJson);
  return createResource(typeUrl, name, body, referencesOf(json as ResourceJson));
}

const fileSecret = made({
  '@type': TYPE.secret,
  name: 'cert',
  tls_certificate: {
    certificate_chain: { filename: '/certs/tls.pem' },
    private_key: { filename: '/certs/tls-key.pem' },
    watched_directory: { path: '/certs' },
  },
});
const bundle = (name: string, pem: string): Resource =>
  made({ '@type': TYPE.secret, name, validation_context: { trusted_ca: { inline_string: pem } } });
const certificate = (name: string, pem: string): Resource =>
  made({
    '@type': TYPE.secret,
    name,
    tls_certificate: { certificate_chain: { inline_string: pem }, private_key: { inline_string: 'key' } },
  });
const content = (reply: Outgoing | undefined): unknown =>
  reply?.resources.map((one) => decodeResource(one.typeUrl, anyBody(one)));

describe('secrets', () => {
  test('Rule 47: each secret has a response of its own, and all are in flight before the first answer', () => {
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`s${index}`, '1']));
    const names = Object.keys(many);
    for (const variant of VARIANTS) {
      const talk = new Talk(variant, state({ secret: many }));
      const replies = talk.say('secret', { names, subscribe: names });
      assert.deepEqual(
        replies.map(({ resources }) => resources.length),
        names.map(() => 1),
      );
      assert.equal(new Set(replies.map(({ nonce }) => nonce)).size, names.length);
      for (const reply of replies) assert.deepEqual(talk.ack(reply, { names }), []);
      assert.equal(talk.state('secret'), 'SYNCED');
    }
  });

  test('Rule 21: secrets beyond the limit of responses in flight follow when these are answered', () => {
    const names = Array.from({ length: MAX_IN_FLIGHT + 3 }, (_, index) => `s${String(index).padStart(4, '0')}`);
    for (const variant of VARIANTS) {
      const talk = new Talk(variant, state({ secret: Object.fromEntries(names.map((name) => [name, '1'])) }));
      const first = talk.say('secret', { names, subscribe: names });
      assert.equal(first.length, MAX_IN_FLIGHT);
      const rest = first.flatMap((reply) => talk.ack(reply, { names }));
      assert.deepEqual(
        [...first, ...rest].flatMap(({ resources }) => resources.map(({ name }) => name)),
        names,
      );
      for (const reply of rest) talk.ack(reply, { names });
      assert.equal(talk.state('secret'), 'SYNCED');
    }
  });

  test('Certificates are sent before the trust bundles', () => {
    const snapshot = createSnapshot([bundle('bundle/a', 'a'), certificate('cert/a', 'a')]);
    const talk = new Talk('delta', snapshot);
    const replies = talk.say('secret', { subscribe: ['bundle/a', 'cert/a'] });
    assert.deepEqual(shown(replies), ['secret: cert/a', 'secret: bundle/a']);
  });

  test('A secret in another spelling means the same in other bytes', () => {
    const folder = decodeResource(TYPE.secret, anyBody(respelled(fileSecret))) as object;
    assert.deepEqual(folder, {
      ...decodeResource(TYPE.secret, anyBody(fileSecret)),
      tls_certificate: {
        certificate_chain: { filename: '/certs/tls.pem' },
        private_key: { filename: '/certs/tls-key.pem' },
        watched_directory: { path: '/certs/.' },
      },
    });
    const pem = bundle('bundle/a', 'PEM\n');
    assert.deepEqual(decodeResource(TYPE.secret, anyBody(respelled(pem))), {
      ...decodeResource(TYPE.secret, anyBody(pem)),
      validation_context: { trusted_ca: { inline_string: 'PEM\n\n' } },
    });
    assert.notEqual(respelled(pem).version, pem.version);
    const own = certificate('cert/a', 'PEM');
    assert.deepEqual(decodeResource(TYPE.secret, anyBody(respelled(own))), {
      ...decodeResource(TYPE.secret, anyBody(own)),
      tls_certificate: { certificate_chain: { inline_string: 'PEM\n' }, private_key: { inline_string: 'key' } },
    });
  });
});

describe('rule 47: a client that comes back', () => {
  const [good, bad] = [bundle('bundle/good', 'good'), bundle('bundle/bad', 'bad')];
  const snapshot = createSnapshot([resource('cluster', 'c', '1'), good, bad]);
  const names = ['bundle/bad', 'bundle/good'];
  const has = { initialVersions: new Map([['bundle/good', good.version]]) };
  const clusters = { initialVersions: new Map([['c', '1']]), versionInfo: '1' };
  const returning = (variant: 'delta' | 'sotw', fields: object = {}): readonly Outgoing[] => {
    const talk = new Talk(variant, snapshot);
    talk.ack(
      talk.say(
        'cluster',
        variant === 'delta' ? { initialVersions: clusters.initialVersions } : { versionInfo: '1' },
      )[0],
    );
    return talk.say('secret', { ...(variant === 'delta' ? { subscribe: names } : { names }), ...fields });
  };
  const versionsOf = (replies: readonly Outgoing[]) =>
    replies.flatMap((reply) => reply.resources.map(({ version }) => version));

  test('A returning client is sent what it may have rejected before in bytes that it has not seen, on each stream', () => {
    for (const variant of VARIANTS) {
      const seen = [bad.version, good.version];
      for (let stream = 0; stream < 3; stream += 1) {
        const versions = versionsOf(returning(variant));
        assert.equal(versions.length, 2);
        assert.deepEqual(
          versions.filter((version) => seen.includes(version)),
          [],
        );
        seen.push(...versions);
      }
    }
  });

  test('A returning client is not sent again what it says that it has, whichever bytes it was sent', () => {
    assert.deepEqual(shown(returning('delta', has)), ['secret: bundle/bad']);
    const [version = ''] = versionsOf(returning('delta', has));
    const initialVersions = new Map([...has.initialVersions, ['bundle/bad', version]]);
    assert.deepEqual(returning('delta', { initialVersions }), []);
  });

  test('A returning client never sees the bytes again that it rejected, whenever they are sent', () => {
    for (const variant of VARIANTS) {
      const talk = new Talk(variant, snapshot);
      const named = { subscribe: [], names: ['bundle/bad'] };
      let [reply] = talk.say('secret', { subscribe: ['bundle/bad'], names: ['bundle/bad'] });
      assert.deepEqual(
        versionsOf(reply === undefined ? [] : [reply]),
        [bad.version],
        'a new client is sent it as it is',
      );
      for (let time = 0; time < 4; time += 1) {
        talk.nack(reply, named);
        const [next] = talk.session.retry(talk.now);
        assert.notDeepEqual(content(next), content(reply));
        reply = next;
      }
      talk.ack(reply, named);
      assert.equal(talk.state('secret'), 'SYNCED', 'it has read other bytes');
    }
  });
});

describe('a response of several resources that a client rejects', () => {
  const CASES = [
    ['delta', 'route'],
    ['delta', 'endpoint'],
    ['delta', 'cluster'],
    ['sotw', 'route'],
    ['sotw', 'endpoint'],
  ] as const;
  const three = { a: '1', b: '1', c: '1' };
  const names = Object.keys(three);
  const named = { names, subscribe: names };
  const silent = { names };

  for (const [variant, kind] of CASES) {
    test(`Rule 47: a rejected response is divided on the next stream, where good resources do not share a response with the bad one (${variant}, ${kind})`, () => {
      const snapshot = state({ [kind]: three });
      const rejected = new RejectedResources();
      const stream = (of = snapshot): Talk => new Talk(variant, of, 1000, [], { rejected });
      const earlier = stream();
      const [first] = earlier.say(kind, named);
      assert.deepEqual(shown(first === undefined ? [] : [first]), [`${kind}: a b c`]);
      earlier.nack(first, silent);
      const next = stream();
      const replies = next.say(kind, named);
      assert.deepEqual(shown(replies), [`${kind}: a`, `${kind}: b`, `${kind}: c`]);
      const [good, bad, other] = replies;
      next.ack(good, silent);
      next.nack(bad, silent);
      next.ack(other, silent);
      // What was accepted shares responses again.
      assert.deepEqual(shown(stream().say(kind, named)), [`${kind}: a c`, `${kind}: b`]);
      assert.deepEqual(shown(stream(state({ [kind]: three })).say(kind, named)), [`${kind}: a b c`]);
    });

    if (kind === 'cluster') continue;

    test(`Rule 18: a rejected response is sent once more to an Envoy, each resource by itself, and to no other client (${variant}, ${kind})`, () => {
      const envoy = new Talk(variant, state({ [kind]: three }), 1000, [], { isEnvoy: true });
      const replies = envoy.nack(envoy.say(kind, named)[0], silent);
      assert.deepEqual(shown(replies), [`${kind}: a`, `${kind}: b`, `${kind}: c`]);
      for (const [index, reply] of replies.entries())
        assert.deepEqual(index === 1 ? envoy.nack(reply, silent) : envoy.ack(reply, silent), []);
      assert.equal(envoy.state(kind), 'NACKED');
      assert.deepEqual(envoy.tick(3_600_000), []);
      const other = new Talk(variant, state({ [kind]: three }));
      assert.deepEqual(other.nack(other.say(kind, named)[0], silent), []);
    });
  }

  test('A client counts as an Envoy only with its name and a build version, because other clients must see no rejected version again', () => {
    const user_agent_build_version = { version: { major_number: 1, minor_number: 40 } };
    const isEnvoy = (more: object): boolean | undefined =>
      parseDeltaRequest(encodeDelta({ node: { ...NODE, ...more }, type_url: TYPE.route }), 10).node()?.isEnvoy;
    assert.equal(isEnvoy({ user_agent_name: 'envoy', user_agent_build_version }), true);
    assert.equal(isEnvoy({ user_agent_name: 'envoy' }), false);
    assert.equal(isEnvoy({ user_agent_name: 'envoy', user_agent_version: '1.40.0' }), false);
    assert.equal(isEnvoy({ user_agent_name: 'grpc-go', user_agent_build_version }), false);
  });

  test('Rule 18: a rejected response of clusters or listeners is not sent again, because Envoy applies them one by one', () => {
    for (const variant of VARIANTS)
      for (const kind of ['cluster', 'listener'] as const) {
        const envoy = new Talk(variant, state({ [kind]: three }), 1000, [], { isEnvoy: true });
        assert.deepEqual(envoy.nack(envoy.say(kind)[0]), []);
      }
  });
});

describe('rule 18: what time alone cures is sent again', () => {
  test('A listener whose port is in use is sent again after 1, 2, 4, 8, 16 and then 30 seconds, until it is accepted', () => {
    for (const variant of VARIANTS) {
      const talk = new Talk(variant, state({ listener: { l: '1' } }));
      talk.nack(talk.say('listener')[0], { errorDetail: IN_USE });
      for (const seconds of [1, 2, 4, 8, 16, 30, 30]) {
        assert.equal(talk.session.wakeAt(), talk.now + seconds * 1000);
        assert.deepEqual(talk.tick(seconds * 1000 - 1), []);
        const again = talk.tick(1);
        assert.deepEqual(shown(again), ['listener: l']);
        talk.nack(again[0], { errorDetail: IN_USE });
      }
      talk.ack(talk.tick(30_000)[0]);
      assert.equal(talk.state('listener'), 'SYNCED');
      assert.equal(talk.session.wakeAt(), undefined);
      // The next time begins again.
      const [other] = talk.update(state({ listener: { l: '2' } }));
      talk.nack(other, { errorDetail: IN_USE });
      assert.equal(talk.session.wakeAt(), talk.now + 1000);
    }
  });

  test('A secret whose files do not exist yet is sent again in other bytes than those that were rejected last', () => {
    for (const variant of VARIANTS) {
      const named = { names: ['cert'], subscribe: ['cert'] };
      const talk = new Talk(variant, createSnapshot([fileSecret]));
      const [first] = talk.say('secret', named);
      talk.nack(first, { errorDetail: NO_FILE, names: ['cert'] });
      const [second] = talk.tick(1000);
      assert.notDeepEqual(content(second), content(first));
      talk.nack(second, { errorDetail: NO_FILE, names: ['cert'] });
      const [third] = talk.tick(2000);
      assert.deepEqual(content(third), content(first));
      talk.ack(third, { names: ['cert'] });
      assert.equal(talk.state('secret'), 'SYNCED');
    }
  });

  test('No other rejection is sent again, whatever the error message of the client', () => {
    for (const variant of VARIANTS) {
      for (const [kind, message] of [
        ['listener', 'Error adding/updating listener(s) l: no such filter'],
        ['listener', "cannot bind '127.0.0.1:1': Permission denied"],
        ['cluster', IN_USE],
        ['route', NO_FILE],
        ['secret', NO_FILE],
      ] as const) {
        const talk = new Talk(variant, state({ [kind]: { l: '1' } }));
        const wildcard = kind === 'listener' || kind === 'cluster';
        const named = wildcard ? {} : { names: ['l'], subscribe: ['l'] };
        talk.nack(talk.say(kind, named)[0], { errorDetail: message, names: wildcard ? [] : ['l'] });
        assert.deepEqual(talk.tick(3_600_000), [], `${variant} ${kind}: ${message}`);
      }
    }
  });
});

describe('rule 18: what was rejected because of a secret', () => {
  const user = (kind: 'cluster' | 'listener', version: string): Resource =>
    resource(kind, 'c', version, [{ typeUrl: TYPE.secret, name: 's', source: 'ads' }]);
  const secret = (version: string): Resource => resource('secret', 's', version);
  const named = { names: ['s'] };

  for (const variant of VARIANTS)
    for (const kind of ['cluster', 'listener'] as const) {
      const opened = (): Talk => {
        const talk = new Talk(variant, createSnapshot([user(kind, '1'), secret('1')]));
        talk.ack(talk.say(kind)[0]);
        talk.ack(talk.say('secret', { subscribe: ['s'], ...named })[0], named);
        return talk;
      };
      const of = (replies: readonly Outgoing[], typeUrl: string) => replies.find((reply) => reply.typeUrl === typeUrl);

      test(`A resource that was rejected because of a secret is sent again when another content of the secret is accepted (${variant}, ${kind})`, () => {
        for (const order of ['rejected first', 'accepted first'] as const) {
          const talk = opened();
          const pushed = talk.update(createSnapshot([user(kind, '2'), secret('2')]));
          const [first, second] = [of(pushed, TYPE[kind]), of(pushed, TYPE.secret)];
          const replies =
            order === 'rejected first'
              ? [...talk.nack(first), ...talk.ack(second, named)]
              : [...talk.ack(second, named), ...talk.nack(first)];
          assert.deepEqual(shown(replies), [`${kind}: c`], order);
          // Once: it has no other cause to be sent.
          assert.deepEqual(talk.nack(replies[0]), []);
          assert.deepEqual(talk.tick(3_600_000), []);
        }
      });

      test(`A resource that was rejected is not sent again when the client had the secret already (${variant}, ${kind})`, () => {
        const talk = opened();
        talk.nack(talk.update(createSnapshot([user(kind, '2'), secret('1')]))[0]);
        const again = variant === 'delta' ? { subscribe: ['s'] } : { names: ['s'], nonce: 'stale' };
        for (const reply of talk.say('secret', again)) assert.deepEqual(talk.ack(reply, named), []);
      });
    }

  test('The other secret of the TLS context is sent again, because Envoy rejects the one that comes last', () => {
    const both = [
      { typeUrl: TYPE.secret, name: 'cert/a', source: 'ads', together: ['bundle/a'] },
      { typeUrl: TYPE.secret, name: 'bundle/a', source: 'ads', together: ['cert/a'] },
    ];
    const listener = resource('listener', 'l', '1', both);
    const names = ['cert/a', 'bundle/a', 'bundle/b'];
    const talk = new Talk(
      'delta',
      createSnapshot([listener, certificate('cert/a', '1'), bundle('bundle/a', '1'), bundle('bundle/b', '1')]),
    );
    talk.ack(talk.say('listener')[0]);
    const [own, first, other] = talk.say('secret', { subscribe: names });
    talk.ack(own);
    talk.nack(first);
    talk.nack(other);
    const mended = talk.update(
      createSnapshot([listener, certificate('cert/a', '2'), bundle('bundle/a', '1'), bundle('bundle/b', '1')]),
    );
    // What was rejected comes with the change, in other bytes; and again once the certificate is there.
    const [renewed, second, third] = mended;
    talk.nack(second);
    talk.nack(third);
    const replies = talk.ack(renewed);
    assert.deepEqual(shown(replies), ['secret: bundle/a']);
    assert.notDeepEqual(content(replies[0]), content(second));
    talk.ack(replies[0]);
    assert.equal(talk.state('secret'), 'NACKED', 'bundle/b is another context');
  });
});

test('Many small messages are written in few pieces, in their order', () => {
  const small = Array.from({ length: 100 }, (_, index) => [Buffer.alloc(2000, index)]);
  const large = [Buffer.alloc(5, 1), Buffer.alloc(100_000, 2), Buffer.alloc(5, 3)];
  const messages = [...small, large, ...small];
  const writes = joined(messages);
  assert.deepEqual(Buffer.concat(writes.flat()), Buffer.concat(messages.flat()));
  assert.ok(writes.length < 12, `${writes.length}`);
});
