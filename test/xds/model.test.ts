// Random histories of requests, ACKs, NACKs, updates and reconnects against a model client that keeps what it accepted.
// Whatever happened, once everything is answered the client has exactly what it subscribed to of the newest state; no
// response names a resource twice; and the client never holds a route to a cluster that it does not have.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createResource, type Resource } from '../../src/snapshot/resource.ts';
import { createSnapshot, type Snapshot } from '../../src/snapshot/snapshot.ts';
import { TYPE } from '../../src/snapshot/types.ts';
import { type Outgoing, Session } from '../../src/xds/session.ts';
import type { Variant } from '../../src/xds/subscription.ts';
import { type Kind, kindOf, request } from './fixtures.ts';

const NAMES = ['a', 'b', 'c', 'd'];
/** Route `r-x` leads to cluster `x`; its content says so. */
const content = fc.record({
  clusters: fc.uniqueArray(fc.tuple(fc.constantFrom(...NAMES), fc.nat(2)), { selector: ([name]) => name }),
  secrets: fc.uniqueArray(fc.tuple(fc.constantFrom(...NAMES), fc.nat(2)), { selector: ([name]) => name }),
  routes: fc.uniqueArray(fc.constantFrom(...NAMES), { maxLength: 2 }),
});
type Content = typeof content extends fc.Arbitrary<infer T> ? T : never;

const action = fc.oneof(
  fc.record({ do: fc.constant('update' as const), content }),
  fc.record({ do: fc.constant('answer' as const), reject: fc.boolean() }),
  fc.record({ do: fc.constant('subscribe' as const), name: fc.constantFrom(...NAMES) }),
  fc.record({ do: fc.constant('unsubscribe' as const), name: fc.constantFrom(...NAMES) }),
  fc.record({ do: fc.constant('reconnect' as const) }),
  fc.record({ do: fc.constant('wait' as const) }),
);

/** Routes lead to the first cluster there is; the one route table `r` names them all. */
function snapshotOf({ clusters, secrets }: Content): Snapshot {
  const target = clusters[0]?.[0];
  return createSnapshot([
    ...clusters.map(([name, value]) => createResource(TYPE.cluster, name, Buffer.from(`${value}`))),
    ...secrets.map(([name, value]) => createResource(TYPE.secret, name, Buffer.from(`${value}`))),
    // There is always a route table: its end would be told by LDS, which this model does without.
    createResource(
      TYPE.route,
      'r',
      Buffer.from(target ?? 'nowhere'),
      target === undefined ? [] : [{ typeUrl: TYPE.cluster, name: target, source: '' }],
    ),
  ]);
}

class Client {
  readonly variant: Variant;
  session: Session;
  snapshot: Snapshot;
  /** What the client accepted, by type and name. */
  readonly has = new Map<Kind, Map<string, Resource>>([
    ['cluster', new Map()],
    ['secret', new Map()],
    ['route', new Map()],
  ]);
  readonly secrets = new Set<string>();
  unanswered: Outgoing[] = [];
  now = 0;

  constructor(variant: Variant, snapshot: Snapshot) {
    this.variant = variant;
    this.snapshot = snapshot;
    this.session = this.connect();
  }

  connect(): Session {
    this.session = new Session(this.variant, this.snapshot, { names: 1000 });
    this.unanswered = [];
    for (const kind of ['cluster', 'route', 'secret'] as const) this.first(kind);
    return this.session;
  }

  private first(kind: Kind): void {
    const names = kind === 'secret' ? [...this.secrets] : kind === 'route' ? ['r'] : [];
    if (kind === 'secret' && names.length === 0) return;
    const known = this.has.get(kind) ?? new Map<string, Resource>();
    const initialVersions = new Map([...known].map(([name, { version }]) => [name, version]));
    this.send(kind, this.variant === 'sotw' ? { names } : { subscribe: names, initialVersions });
  }

  send(kind: Kind, fields: Parameters<typeof request>[1]): void {
    this.receive(this.session.request(TYPE[kind], request(kind, fields), this.now).replies);
  }

  receive(replies: readonly Outgoing[]): void {
    for (const reply of replies) {
      const names = reply.resources.map(({ name }) => name);
      assert.equal(new Set(names).size, names.length, 'a name twice in one response');
      assert.ok(
        names.every((name) => !reply.removed.includes(name)),
        'sent and removed in one response',
      );
      assert.ok(!this.unanswered.some(({ typeUrl }) => typeUrl === reply.typeUrl), 'two responses of a type in flight');
    }
    this.unanswered.push(...replies);
  }

  /** Envoy takes messages in their order; a rejected one changes nothing. */
  answer(reject: boolean): void {
    const reply = this.unanswered.shift();
    if (reply === undefined) return;
    const kind = kindOf(reply.typeUrl);
    const known = this.has.get(kind) ?? new Map<string, Resource>();
    if (!reject) {
      if (this.variant === 'sotw' && kind === 'cluster') known.clear();
      for (const resource of reply.resources) known.set(resource.name, resource);
      for (const name of reply.removed) known.delete(name);
    }
    const names = kind === 'secret' ? [...this.secrets] : kind === 'route' ? ['r'] : [];
    const answer = { nonce: reply.nonce, ...(reject && { errorDetail: 'no' }) };
    this.send(kind, this.variant === 'sotw' ? { ...answer, names } : answer);
  }

  subscribe(name: string): void {
    if (this.secrets.has(name)) return;
    const isFirst = this.secrets.size === 0;
    this.secrets.add(name);
    this.send(
      'secret',
      this.variant === 'sotw' ? { names: [...this.secrets] } : { subscribe: [name], ...(isFirst && {}) },
    );
  }

  unsubscribe(name: string): void {
    if (!this.secrets.delete(name)) return;
    this.has.get('secret')?.delete(name);
    this.send('secret', this.variant === 'sotw' ? { names: [...this.secrets] } : { unsubscribe: [name] });
  }

  wait(): void {
    this.now = Math.max(this.now + 1, this.session.wakeAt() ?? 0);
    this.receive(this.session.tick(this.now));
  }
}

function check(
  variant: Variant,
  start: Content,
  actions: readonly (typeof action extends fc.Arbitrary<infer T> ? T : never)[],
): void {
  const client = new Client(variant, snapshotOf(start));
  let rejected = false;
  // What a SotW client has from an earlier stream it cannot say: its old routes may outlive their clusters for a moment.
  let leftOver = false;
  for (const step of actions) {
    if (step.do === 'update') {
      client.snapshot = snapshotOf(step.content);
      client.receive(client.session.update(client.snapshot, client.now));
    } else if (step.do === 'answer') {
      rejected ||= step.reject;
      if (client.unanswered[0]?.typeUrl === TYPE.route && !step.reject) leftOver = false;
      client.answer(step.reject);
      // Without rejections and without time-outs, a route is never there before its cluster.
      const target = client.has.get('route')?.get('r')?.references[0]?.name;
      if (!rejected && !leftOver && client.now === 0 && target !== undefined)
        assert.ok(client.has.get('cluster')?.has(target), `a route to ${target}, which the client does not have`);
    } else if (step.do === 'subscribe') client.subscribe(step.name);
    else if (step.do === 'unsubscribe') client.unsubscribe(step.name);
    else if (step.do === 'reconnect') {
      client.connect();
      leftOver = variant === 'sotw';
    } else client.wait();
  }
  // What was rejected is sent again only with a change: so one more change, then everything is answered.
  const last = createSnapshot([
    createResource(TYPE.cluster, 'a', Buffer.from('last')),
    createResource(TYPE.secret, 'b', Buffer.from('last')),
    createResource(TYPE.route, 'r', Buffer.from('last'), [{ typeUrl: TYPE.cluster, name: 'a', source: '' }]),
  ]);
  client.snapshot = last;
  client.receive(client.session.update(last, client.now));
  for (let turn = 0; turn < 100 && (client.unanswered.length > 0 || client.session.wakeAt() !== undefined); turn += 1) {
    if (client.unanswered.length > 0) client.answer(false);
    else client.wait();
  }
  const wanted = (kind: Kind, covers: (name: string) => boolean) =>
    new Map(
      [...(last.types.get(TYPE[kind])?.resources.values() ?? [])]
        .filter(({ name }) => covers(name))
        .map(({ name, version }) => [name, version]),
    );
  const got = (kind: Kind, covers: (name: string) => boolean) =>
    new Map(
      [...(client.has.get(kind)?.values() ?? [])]
        .filter(({ name }) => covers(name))
        .map(({ name, version }) => [name, version]),
    );
  assert.deepEqual(
    got('cluster', () => true),
    wanted('cluster', () => true),
  );
  assert.deepEqual(
    got('route', () => true),
    wanted('route', () => true),
  );
  // In SotW nothing tells a client that a secret is gone: only what exists can be compared.
  const secret = (name: string) => client.secrets.has(name) && (variant === 'delta' || name === 'b');
  assert.deepEqual(got('secret', secret), wanted('secret', secret));
  for (const { state } of client.session.status()) assert.equal(state, 'SYNCED');
}

for (const variant of ['sotw', 'delta'] as const) {
  test(`${variant}: every history converges`, () => {
    fc.assert(
      fc.property(content, fc.array(action, { maxLength: 40 }), (start, actions) => check(variant, start, actions)),
      { numRuns: 3000 },
    );
  });
}
