// What a process records of what it has served, and what the next one makes of it.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { loadConfig } from '../../src/config/files/load.ts';
import { decodeResource } from '../../src/envoy/proto/codec.ts';
import { Publisher } from '../../src/pipeline/publisher.ts';
import { anyBody, type Resource } from '../../src/snapshot/resource.ts';
import { newCa } from '../envoy/pipeline.ts';
import { MemoryStore } from './memory-store.ts';

const DAY = 24 * 60 * 60 * 1000;
const now = Date.UTC(2027, 2, 31, 12);

class Scene {
  readonly file: string;
  private readonly bundle: string;
  private readonly roots = [newCa('north.example', now - 2 * DAY), newCa('north.example', now - DAY)];

  constructor(t: TestContext) {
    const folder = mkdtempSync(join(tmpdir(), 'postern-history-'));
    t.after(() => rmSync(folder, { recursive: true }));
    this.file = join(folder, 'ours.yaml');
    this.bundle = join(folder, 'north.pem');
    const ours = newCa('ours.example', now - DAY);
    writeFileSync(join(folder, 'ca.pem'), ours.certificate);
    writeFileSync(join(folder, 'ca-key.pem'), ours.privateKey, { mode: 0o600 });
    this.trust(0);
    this.grant('/v1/*');
  }

  /** The roots of the one peer; 0 is the oldest. */
  trust(...roots: readonly number[]): void {
    writeFileSync(this.bundle, roots.map((root) => this.roots[root]?.certificate).join(''));
  }

  grant(...paths: readonly string[]): void {
    writeFileSync(
      this.file,
      `apiVersion: postern/v1
mesh: {name: ours, trustDomain: ours.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {ingress: {address: "127.0.0.1:15443"}}
peers:
  north: {trustDomain: north.example, trustBundle: north.pem, gatewayIdentities: [gateway/egress]}
exports:
- {name: rates, backend: "127.0.0.1:8080", consumers: [{peer: north, methods: [GET], paths: [${paths.join(', ')}]}]}
`,
    );
  }

  /** A process that serves the file as it is now. */
  async serve(
    store: MemoryStore | undefined,
    at = now,
    publisher = new Publisher(at, store && { store }),
  ): Promise<Publisher> {
    publisher.apply(await loadConfig(this.file), at);
    return publisher;
  }
}

/** By which the peer's filter chain differs from the one before. */
function generationOf(publisher: Publisher): string {
  return createHash('sha256').update(textOf(publisher, 'ingress')).digest('hex');
}

function grants(publisher: Publisher, path: string): boolean {
  return textOf(publisher, 'ingress/north').includes(path);
}

function namesOf(publisher: Publisher): readonly string[] {
  return resourcesOf(publisher).map(({ name }) => name);
}

function resourcesOf(publisher: Publisher): readonly Resource[] {
  return [...(publisher.cache.get('ingress')?.types.values() ?? [])].flatMap((type) => [...type.resources.values()]);
}

/** A resource of the ingress gateway; a name may be given without its digests. */
function textOf(publisher: Publisher, name: string): string {
  const found = resourcesOf(publisher).filter((one) => one.name === name || one.name.startsWith(`${name}@`));
  return JSON.stringify(found.map((one) => decodeResource(one.typeUrl, anyBody(one))));
}

test('With the record of the last process the same connections stay open, and nothing is sent again', async (t) => {
  const scene = new Scene(t);
  const store = new MemoryStore();
  const before = await scene.serve(store);
  const after = await scene.serve(new MemoryStore(store.text), now + 1000);
  const versions = (publisher: Publisher): readonly string[] =>
    resourcesOf(publisher).flatMap(({ name, version }) => (name.startsWith('cert/') ? [] : [`${name} ${version}`]));
  assert.ok(versions(before).length > 3);
  assert.deepEqual(versions(after), versions(before));
});

test('The record holds fingerprints and digests, and no certificate, key, path or backend', async (t) => {
  const scene = new Scene(t);
  const store = new MemoryStore();
  await scene.serve(store);
  assert.match(store.text ?? '', /"trustDomain":"ours.example"/);
  assert.doesNotMatch(store.text ?? '', /BEGIN|v1\/|8080|rates/);
});

test('Without a record, or with one that is damaged or of another mesh, connections of every peer end once, and nothing else does', async (t) => {
  const scene = new Scene(t);
  const store = new MemoryStore();
  const before = await scene.serve(store);
  const good = store.text ?? '';
  const damaged = [
    undefined,
    '',
    'null',
    '{}',
    good.slice(0, good.length / 2),
    good.replace('"format":1', '"format":2'),
    good.replace('ours.example', 'theirs.example'),
    good.replace(/"roots":\["/, '"roots":["?'),
    good.replace(/"states":\[.*?\]\}\]/, '"states":[]'),
    good.replace('"peers":[', '"peers":[{},'),
  ];
  for (const text of damaged) {
    assert.notEqual(text, good);
    const after = await scene.serve(new MemoryStore(text), now + DAY);
    assert.notEqual(generationOf(after), generationOf(before), text);
    assert.ok(textOf(after, 'ingress/north') === textOf(before, 'ingress/north'));
    assert.ok(textOf(after, 'bundle/north') === textOf(before, 'bundle/north'));
  }
});

test('The served state is recorded before it is published', async (t) => {
  const scene = new Scene(t);
  const store = new MemoryStore();
  const publisher = await scene.serve(store);
  const published: (string | undefined)[] = [];
  const write = store.write.bind(store);
  store.write = (record) => {
    published.push(publisher.cache.get('ingress')?.version);
    return write(record);
  };
  const [version, record] = [publisher.cache.get('ingress')?.version, store.text];
  scene.grant('/v1/*', '/v2/*');
  await scene.serve(store, now + 1000, publisher);
  assert.deepEqual(published, [version]);
  assert.notEqual(store.text, record);
  assert.notEqual(publisher.cache.get('ingress')?.version, version);
});

test('A publish that changes nothing for any peer writes nothing', async (t) => {
  const scene = new Scene(t);
  const store = new MemoryStore();
  const publisher = await scene.serve(store);
  publisher.refresh(now + DAY);
  publisher.refresh(now + 2 * DAY);
  assert.equal(store.writes, 1);
});

for (const [what, storeOf] of [
  ['there is no state folder', () => undefined],
  [
    'the record cannot be written',
    () => {
      const store = new MemoryStore();
      store.isWritable = false;
      return store;
    },
  ],
] as const) {
  test(`When ${what}, restarts change nothing, edits are served, and a root that was removed ends connections after a restart too`, async (t) => {
    const scene = new Scene(t);
    const first = await scene.serve(storeOf());
    assert.equal(generationOf(await scene.serve(storeOf(), now + 1000)), generationOf(first));
    scene.trust(0, 1);
    scene.grant('/v1/*', '/v2/*');
    const both = await scene.serve(storeOf(), now + 2000, first);
    const trusting = generationOf(both);
    assert.ok(grants(both, '/v2/'));
    scene.trust(0);
    assert.notEqual(generationOf(await scene.serve(storeOf(), now + 3000)), trusting);
  });
}

test('A record that can no longer be written is not trusted about later roots', async (t) => {
  const scene = new Scene(t);
  const store = new MemoryStore();
  const publisher = await scene.serve(store);
  const recorded = generationOf(publisher);
  store.isWritable = false;
  scene.grant('/v1/*', '/v2/*');
  await scene.serve(store, now + 1000, publisher);
  assert.equal(generationOf(publisher), recorded);
  scene.trust(0, 1);
  await scene.serve(store, now + 2000, publisher);
  const trusting = generationOf(publisher);
  assert.notEqual(trusting, recorded);
  // The next process reads the old record; no connection of the younger root is left to it.
  scene.trust(0);
  const next = await scene.serve(new MemoryStore(store.text), now + 3000);
  assert.notEqual(generationOf(next), trusting);
  // Once it can be written again, what is served goes on as it is, and the record knows it.
  store.isWritable = true;
  scene.trust(0, 1);
  await scene.serve(store, now + 4000, publisher);
  assert.equal(generationOf(publisher), trusting);
  assert.equal(generationOf(await scene.serve(new MemoryStore(store.text), now + 5000)), trusting);
});

test('What another process has recorded counts in the next turn, and stays in the record when ours is written again', async (t) => {
  const scene = new Scene(t);
  const store = new MemoryStore();
  const first = await scene.serve(store);
  const second = await scene.serve(new MemoryStore(store), now + 20_000);
  // Gateways of the second process accept a younger root, in the generation that both serve.
  scene.trust(0, 1);
  await scene.serve(undefined, now + 30_000, second);
  const trusting = generationOf(second);
  scene.trust(0);
  scene.grant('/v1/*', '/v3/*');
  await scene.serve(undefined, now + 31_000, first);
  assert.notEqual(generationOf(first), trusting);
  assert.ok(!grants(first, '/v3/'));
  first.refresh(now + 32_000);
  scene.grant('/v1/*', '/v2/*');
  const third = await scene.serve(new MemoryStore(store), now + 33_000);
  assert.notEqual(generationOf(third), trusting);
  assert.ok(!grants(third, '/v2/'));
  third.refresh(third.nextDue() ?? 0);
  assert.ok(grants(third, '/v2/'));
});

test('What another process records while a turn is prepared counts in that turn', async (t) => {
  const scene = new Scene(t);
  const store = new MemoryStore();
  const first = await scene.serve(store);
  const second = await scene.serve(new MemoryStore(store), now + 20_000);
  scene.grant('/v1/*', '/v2/*');
  const turn = first.prepare(await loadConfig(scene.file), now + 31_000);
  scene.trust(0, 1);
  scene.grant('/v1/*');
  await scene.serve(undefined, now + 30_000, second);
  first.commit(turn);
  assert.notEqual(generationOf(first), generationOf(second));
  assert.ok(!grants(first, '/v2/'));
});

test('Two processes that make the same edit begin generations with different ids', async (t) => {
  const scene = new Scene(t);
  const store = new MemoryStore();
  scene.trust(0, 1);
  await scene.serve(store);
  scene.trust(0);
  const [one, other] = [new MemoryStore(store.text), new MemoryStore(store.text)];
  assert.notEqual(generationOf(await scene.serve(one, now + 1000)), generationOf(await scene.serve(other, now + 1000)));
});

for (const [what, restore] of [
  ['replaced by an older one', (backup: string | undefined) => backup],
  ['removed', () => undefined],
  ['damaged', (backup: string | undefined) => backup?.slice(1)],
] as const) {
  test(`A record that is ${what} while a process serves is written again with all that it serves`, async (t) => {
    const scene = new Scene(t);
    const store = new MemoryStore();
    const running = await scene.serve(store);
    const backup = store.text;
    scene.trust(0, 1);
    await scene.serve(undefined, now + 60_000, running);
    running.refresh(now + 70_000);
    assert.ok(!running.isBehindRecord());
    const trusting = generationOf(running);
    store.text = restore(backup);
    assert.ok(running.isBehindRecord());
    running.refresh(now + 90_000);
    assert.ok(!running.isBehindRecord());
    assert.equal(generationOf(running), trusting);
    scene.trust(0);
    scene.grant('/v1/*', '/v2/*');
    const next = await scene.serve(new MemoryStore(store), now + 120_000);
    assert.notEqual(generationOf(next), trusting);
    assert.ok(!grants(next, '/v2/'));
  });
}

/** Two processes look at their record every few seconds. */
function overlap(processes: readonly Publisher[], from: number, ms: number, look: () => void = () => {}): number {
  for (let at = from; at < from + ms; at += 2500)
    for (const one of processes) {
      if (one.isBehindRecord() || at >= (one.nextDue() ?? 0)) one.refresh(at);
      look();
    }
  return from + ms;
}

test('As long as another process serves a removed root, nothing new is granted, and 15 seconds after it has ended all is', async (t) => {
  const scene = new Scene(t);
  const store = new MemoryStore();
  scene.trust(0, 1);
  const old = await scene.serve(store);
  scene.trust(0);
  scene.grant('/v1/*', '/v2/*');
  const next = await scene.serve(new MemoryStore(store), now + 60_000);
  const at = overlap([old, next], now + 61_000, 120_000, () => assert.ok(!grants(next, '/v2/')));
  overlap([next], at, 20_000);
  assert.ok(grants(next, '/v2/'));
});

test('Two processes with the same configuration stop writing their record, whatever each served before', async (t) => {
  const scene = new Scene(t);
  const stores = [new MemoryStore()];
  scene.trust(0, 1);
  const first = await scene.serve(stores[0]);
  stores.push(new MemoryStore(stores[0]));
  scene.grant('/v2/*');
  const second = await scene.serve(stores[1], now + 10_000);
  const at = overlap([first, second], now + 11_000, 30_000);
  scene.trust(0);
  for (const one of [first, second]) await scene.serve(undefined, at, one);
  const later = overlap([first, second], at, 60_000);
  const writes = stores.map((store) => store.writes);
  overlap([first, second], later, 60_000);
  assert.deepEqual(
    stores.map((store) => store.writes),
    writes,
  );
  assert.ok(grants(first, '/v2/') && grants(second, '/v2/'));
});

test('A clock that is set forward does not end what settles', async (t) => {
  const scene = new Scene(t);
  let uptime = 5000;
  const publisher = new Publisher(now, { store: new MemoryStore(), uptime: () => uptime });
  scene.trust(0, 1);
  await scene.serve(undefined, now, publisher);
  uptime += 60_000;
  scene.trust(0);
  scene.grant('/v1/*', '/v2/*');
  await scene.serve(undefined, now + 60_000, publisher);
  assert.ok(!grants(publisher, '/v2/'));
  // Two seconds later, the clock is an hour ahead.
  uptime += 2000;
  const ahead = now + 62_000 + 3600_000;
  publisher.refresh(ahead);
  assert.ok(!grants(publisher, '/v2/'));
  const due = publisher.nextDue() ?? 0;
  assert.equal(due, ahead + 6000);
  uptime += 6000;
  publisher.refresh(due);
  assert.ok(grants(publisher, '/v2/'));
});

test('A name that ended while no process served trusts no peer for an hour, also across a further restart', async (t) => {
  const scene = new Scene(t);
  const store = new MemoryStore();
  const ended = namesOf(await scene.serve(store)).find((name) => name.startsWith('bundle/north@')) ?? '';
  const before = textOf(await scene.serve(new MemoryStore(store.text)), ended);
  // The oldest root goes, and the key with it.
  scene.trust(1);
  const second = new MemoryStore(store.text);
  await scene.serve(second, now + 1000);
  const third = await scene.serve(new MemoryStore(second.text), now + 2000);
  assert.ok(namesOf(third).includes(ended));
  assert.ok(textOf(third, ended) !== before);
  third.refresh(now + 3600_000 + 2000);
  assert.ok(!namesOf(third).includes(ended));
});

test('A peer whose grants change in the same edit as its roots keeps the paths that both grant', async (t) => {
  const scene = new Scene(t);
  const publisher = await scene.serve(new MemoryStore());
  scene.trust(0, 1);
  scene.grant('/v1/*', '/v2/*');
  await scene.serve(undefined, now + 1000, publisher);
  assert.ok(grants(publisher, '/v1/') && grants(publisher, '/v2/'));
  scene.trust(0);
  scene.grant('/v2/*', '/v3/*');
  await scene.serve(undefined, now + 60_000, publisher);
  assert.deepEqual(
    ['/v1/', '/v2/', '/v3/'].map((path) => grants(publisher, path)),
    [false, true, false],
  );
  publisher.refresh(publisher.nextDue() ?? 0);
  assert.ok(grants(publisher, '/v2/') && grants(publisher, '/v3/'));
});
