// A snapshot: versions that are hashes of content, shared with the one before, and no reference that leads nowhere.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createResource, type Resource } from '../../src/snapshot/resource.ts';
import { PUSH_ORDER, REFERRERS, shortName, TYPE } from '../../src/snapshot/resource-types.ts';
import { createSnapshot, emptySnapshot, type Snapshot } from '../../src/snapshot/snapshot.ts';
import { type Kind, made, to } from './content.ts';

const INCONSISTENT = { code: 'SNAPSHOT_INCONSISTENT' };
const versionOf = (snapshot: Snapshot, kind: Kind): string | undefined => snapshot.types.get(TYPE[kind])?.version;

describe('the version', () => {
  test('The version of a snapshot depends on the content, and not on its order', () => {
    const [a, b, r] = [made('cluster', 'a'), made('cluster', 'b'), made('route', 'r')];
    assert.equal(createSnapshot([a, b, r]).version, createSnapshot([r, b, a]).version);
    assert.equal(createSnapshot([made('cluster', 'a')]).version, createSnapshot([a]).version);
  });

  test('The version changes with a name, with a content, and with an added or a removed resource', () => {
    const all = [
      [],
      [made('cluster', 'a')],
      [made('cluster', 'a', '2')],
      [made('cluster', 'b')],
      [made('cluster', 'a'), made('cluster', 'b')],
      [made('endpoint', 'a')],
    ].map((resources) => createSnapshot(resources).version);
    assert.equal(new Set(all).size, all.length);
  });

  test('The version changes when two resources swap their contents', () => {
    const version = (a: string, b: string): string => {
      const resource = (name: string, body: string) => createResource(TYPE.cluster, name, Buffer.from(body));
      return createSnapshot([resource('a', a), resource('b', b)]).version;
    };
    assert.equal(new Set([version('x', 'y'), version('y', 'x'), version('x', 'x'), version('y', 'y')]).size, 4);
  });

  test('The version does not depend on the history: after many changes it is that of the same state made at once', () => {
    const state = new Map<string, Resource>();
    let snapshot = emptySnapshot();
    for (let turn = 0; turn < 200; turn += 1) {
      const [kind, name] = [(['cluster', 'route', 'secret'] as const)[turn % 3] ?? 'cluster', `n${(turn * 7) % 11}`];
      if (turn % 5 === 4) state.delete(`${kind} ${name}`);
      else state.set(`${kind} ${name}`, made(kind, name, `${turn % 13}`));
      snapshot = createSnapshot([...state.values()], snapshot);
      const atOnce = createSnapshot([...state.values()].reverse());
      assert.equal(snapshot.version, atOnce.version);
      for (const typeUrl of PUSH_ORDER) {
        const [one, other] = [snapshot.types.get(typeUrl), atOnce.types.get(typeUrl)];
        assert.equal(one?.version, other?.version);
        assert.deepEqual([...(one?.resources.keys() ?? [])], [...(other?.resources.keys() ?? [])]);
      }
    }
    assert.equal(createSnapshot([], snapshot).version, emptySnapshot().version);
  });

  test('The version of one type does not change when another type changes', () => {
    const before = createSnapshot([made('cluster', 'a'), made('route', 'r')]);
    const after = createSnapshot([made('cluster', 'a'), made('route', 'r', '2')]);
    assert.equal(versionOf(after, 'cluster'), versionOf(before, 'cluster'));
    assert.notEqual(versionOf(after, 'route'), versionOf(before, 'route'));
    assert.notEqual(after.version, before.version);
  });
});

describe('what a snapshot shares with the one before', () => {
  test('A snapshot is the one before it when the resources are the same objects or have the same bytes', () => {
    const resources = [made('cluster', 'a'), made('route', 'r')];
    const before = createSnapshot(resources);
    assert.equal(createSnapshot([...resources].reverse(), before), before);
    assert.equal(createSnapshot([made('cluster', 'a'), made('route', 'r')], before), before);
  });

  test('A snapshot shares with the one before it every type that did not change', () => {
    const before = createSnapshot([made('cluster', 'a'), made('route', 'r')]);
    const after = createSnapshot([made('cluster', 'a'), made('route', 's')], before);
    for (const typeUrl of PUSH_ORDER)
      assert.equal(after.types.get(typeUrl) === before.types.get(typeUrl), typeUrl !== TYPE.route, typeUrl);
  });
});

describe('a snapshot', () => {
  test('A snapshot has every type that is served, in push order, and its resources by name', () => {
    const snapshot = createSnapshot([made('cluster', 'b'), made('cluster', 'a'), made('listener', 'l')]);
    assert.deepEqual([...snapshot.types.keys()], PUSH_ORDER);
    assert.deepEqual([...(snapshot.types.get(TYPE.cluster)?.resources.keys() ?? [])], ['a', 'b']);
    assert.deepEqual([...emptySnapshot().types.keys()], PUSH_ORDER);
    assert.equal(emptySnapshot().version, createSnapshot([]).version);
  });

  test('A snapshot is refused with two resources of one name, even when they are the same', () => {
    const a = made('cluster', 'a');
    assert.throws(() => createSnapshot([a, made('cluster', 'a', '2')]), INCONSISTENT);
    assert.throws(() => createSnapshot([a, a]), INCONSISTENT);
    const before = createSnapshot([a, made('cluster', 'b')]);
    assert.throws(() => createSnapshot([a, a], before), INCONSISTENT);
    assert.equal(createSnapshot([a, made('route', 'a')]).types.get(TYPE.route)?.resources.size, 1);
  });

  test('A snapshot is refused with a type that is not served', () => {
    const runtime = { ...made('cluster', 'a'), typeUrl: 'type.googleapis.com/envoy.service.runtime.v3.Runtime' };
    assert.throws(() => createSnapshot([runtime]), INCONSISTENT);
  });
});

describe('references', () => {
  const pairs: readonly (readonly [Kind, Kind])[] = [
    ['listener', 'route'],
    ['listener', 'secret'],
    ['listener', 'cluster'],
    ['route', 'cluster'],
    ['cluster', 'secret'],
    ['cluster', 'endpoint'],
  ];
  for (const [from, target] of pairs) {
    test(`A reference from ${from} to ${target} has to resolve by name and type, or there is no snapshot`, () => {
      const source = made(from, 'x', '1', [to(target, 'y')]);
      assert.throws(() => createSnapshot([source]), INCONSISTENT);
      assert.throws(() => createSnapshot([source, made(target, 'z')]), INCONSISTENT);
      const elsewhere = (Object.keys(TYPE) as Kind[]).filter((kind) => kind !== target);
      assert.throws(() => createSnapshot([source, ...elsewhere.map((kind) => made(kind, 'y'))]), INCONSISTENT);
      assert.equal(createSnapshot([source, made(target, 'y')]).types.get(TYPE[from])?.resources.size, 1);
    });

    test(`A reference from ${from} to ${target} delays a removal until its referrers are acknowledged`, () => {
      assert.ok(REFERRERS.get(TYPE[target])?.includes(TYPE[from]));
      assert.ok(PUSH_ORDER.indexOf(TYPE[target]) < PUSH_ORDER.indexOf(TYPE[from]) || target !== 'route');
    });
  }

  test('References are checked when only their target changed', () => {
    const source = made('route', 'r', '1', [to('cluster', 'a')]);
    const before = createSnapshot([source, made('cluster', 'a')]);
    assert.throws(() => createSnapshot([source], before), INCONSISTENT);
  });
});

test('Every type has its usual short name', () => {
  assert.deepEqual(PUSH_ORDER.map(shortName), ['CDS', 'EDS', 'SDS', 'RDS', 'LDS']);
});
