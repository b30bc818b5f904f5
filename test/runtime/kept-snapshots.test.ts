// The last snapshots of a gateway: which one is found for a time or a version, and how many are kept.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Applied } from '../../src/pipeline/publisher.ts';
import { KeptSnapshots } from '../../src/runtime/resources/kept-snapshots.ts';
import { SnapshotCache } from '../../src/snapshot/cache.ts';
import { createResource } from '../../src/snapshot/resource.ts';
import { PUSH_ORDER, shortName, TYPE } from '../../src/snapshot/resource-types.ts';
import { createSnapshot, type Snapshot } from '../../src/snapshot/snapshot.ts';
import type { StreamStatus } from '../../src/xds/stream-status.ts';

const MINUTE = 60_000;
const DIGEST = { a: 'aaaaaaaaaaaa', b: 'bbbbbbbbbbbb', c: 'cccccccccccc' } as const;

function snapshotWith(...digests: readonly string[]): Snapshot {
  return createSnapshot(digests.map((digest) => createResource(TYPE.route, digest, Buffer.from(`..${digest}..`))));
}

class Scene {
  readonly history: KeptSnapshots;
  private readonly cache = new SnapshotCache();

  constructor(limits = { snapshots: 10, bytes: 1_000_000 }) {
    this.history = new KeptSnapshots(limits);
  }

  publish(snapshot: Snapshot, at: number, text = 'a file'): void {
    this.cache.set('ingress', snapshot);
    const applied = { loaded: { file: 'mesh.yaml', text } } as unknown as Applied;
    this.history.published({ applied, cache: this.cache }, at);
  }

  /** `from`: the port of the connection; `silent`: nodes that are connected and have accepted nothing. */
  acknowledge(
    snapshot: Snapshot,
    nodes: Readonly<Record<string, number>>,
    { from = 1, silent = [] }: { readonly from?: number; readonly silent?: readonly StreamStatus[] } = {},
  ): void {
    this.history.acknowledged([
      ...silent,
      ...Object.entries(nodes).map(
        ([nodeId, ackedAt]): StreamStatus => ({
          gateway: 'ingress',
          nodeId,
          userAgent: 'envoy',
          address: `127.0.0.1:${from}`,
          variant: 'delta',
          since: 0,
          types: PUSH_ORDER.map((typeUrl) => ({
            type: shortName(typeUrl),
            state: 'SYNCED',
            ackedAt,
            ackedVersion: snapshot.types.get(typeUrl)?.version ?? '',
          })),
        }),
      ),
    ]);
  }

  found(asked: { readonly version?: string; readonly at?: number; readonly node?: string }): readonly unknown[] {
    const found = this.history.find('ingress', asked);
    return [found?.foundBy, found?.kept.snapshot.version, found?.alsoPossible.map((one) => one.snapshot.version)];
  }
}

describe('the snapshots that are kept', () => {
  const [one, two, three] = [snapshotWith(DIGEST.a), snapshotWith(DIGEST.a, DIGEST.b), snapshotWith(DIGEST.c)];

  test('A time finds the snapshot that all nodes had accepted, and both while one had not', () => {
    const scene = new Scene();
    scene.publish(one, MINUTE);
    scene.acknowledge(one, { x: MINUTE + 10, y: MINUTE + 20 });
    scene.publish(two, 2 * MINUTE);
    scene.acknowledge(two, { x: 2 * MINUTE + 10, y: 3 * MINUTE });
    assert.deepEqual(scene.found({ at: MINUTE + 30_000 }), ['time', one.version, []]);
    assert.deepEqual(scene.found({ at: 2 * MINUTE + 30_000 }), ['time', two.version, [one.version]]);
    assert.deepEqual(scene.found({ at: 4 * MINUTE }), ['time', two.version, []]);
    assert.deepEqual(scene.found({}), ['newest', two.version, []]);
  });

  test('A line is of its own node: what others accept, or never accept, does not change which snapshot it had', () => {
    const scene = new Scene();
    scene.publish(one, MINUTE);
    scene.acknowledge(one, { good: MINUTE + 10, rogue: MINUTE + 10 });
    scene.publish(two, 2 * MINUTE);
    // The rogue accepts nothing any more, also under the name of the good one, from a connection of its own.
    const silent = ['rogue', 'good'].map(
      (nodeId): StreamStatus => ({
        gateway: 'ingress',
        nodeId,
        userAgent: 'envoy',
        address: '127.0.0.1:666',
        variant: 'delta',
        since: 0,
        types: [{ type: 'RDS', state: 'STALE' }],
      }),
    );
    const invented = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`invented-${index}`, MINUTE]));
    scene.acknowledge(two, invented, { from: 2, silent });
    scene.acknowledge(two, { ...invented, good: 2 * MINUTE + 10 }, { silent });
    const at = 3 * MINUTE;
    assert.deepEqual(scene.found({ at, node: 'good' }), ['time', two.version, []]);
    assert.deepEqual(scene.found({ at: 2 * MINUTE + 100, node: 'good' }), ['time', two.version, [one.version]]);
    assert.deepEqual(scene.found({ at, node: 'rogue' }), ['time', two.version, [one.version]]);
    // Of a node that nobody has seen, no more is known than of all.
    assert.deepEqual(scene.found({ at, node: 'nobody' }), ['time', two.version, [one.version]]);
    assert.ok(scene.history.find('ingress', { at })?.kept.acknowledged.has('good'));
  });

  test('Of nodes that are gone a hundred are remembered, those that came first', () => {
    const scene = new Scene();
    scene.publish(one, MINUTE);
    scene.acknowledge(one, { good: MINUTE });
    for (let round = 0; round < 5; round += 1)
      scene.acknowledge(
        one,
        Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`invented-${round}-${index}`, MINUTE])),
      );
    scene.acknowledge(one, {});
    const known = scene.history.find('ingress', {})?.kept.acknowledged;
    assert.deepEqual([known?.size, known?.has('good')], [100, true]);
  });

  test('A moment beside a publication may belong to either snapshot, because clocks differ', () => {
    const scene = new Scene();
    scene.publish(one, MINUTE);
    scene.acknowledge(one, { x: MINUTE });
    scene.publish(two, 2 * MINUTE);
    scene.acknowledge(two, { x: 2 * MINUTE });
    assert.deepEqual(scene.found({ at: 2 * MINUTE - 100 }), ['time', two.version, [one.version]]);
    assert.deepEqual(scene.found({ at: 2 * MINUTE + 100 }), ['time', two.version, [one.version]]);
  });

  test('A version finds a snapshot that has it, the one of the time if there are several', () => {
    const scene = new Scene();
    for (const [index, snapshot] of [one, two, three].entries()) {
      scene.publish(snapshot, (index + 1) * MINUTE);
      scene.acknowledge(snapshot, { x: (index + 1) * MINUTE });
    }
    assert.deepEqual(scene.found({ version: DIGEST.b, at: MINUTE }), ['version', two.version, []]);
    assert.deepEqual(scene.found({ version: DIGEST.a, at: MINUTE + 30_000 }), ['version', one.version, []]);
    assert.deepEqual(scene.found({ version: one.version }), ['version', one.version, []]);
  });

  test('What is older than everything that is kept, or unknown, finds the newest and says so', () => {
    const scene = new Scene();
    scene.publish(one, MINUTE);
    scene.publish(three, 2 * MINUTE);
    assert.deepEqual(scene.found({ at: 1000 }), ['none', three.version, []]);
    assert.deepEqual(scene.found({ version: DIGEST.b, at: MINUTE }), ['none', three.version, []]);
  });

  test('A turn without a change is not kept, and one that only moves lines is', () => {
    const scene = new Scene({ snapshots: 2, bytes: 1_000_000 });
    scene.publish(one, MINUTE);
    scene.publish(one, 2 * MINUTE);
    assert.equal(scene.history.keptSince('ingress'), MINUTE);
    scene.publish(one, 3 * MINUTE, 'the same file with a comment');
    assert.equal(scene.history.find('ingress', { at: 4 * MINUTE })?.kept.text, 'the same file with a comment');
    scene.publish(two, 4 * MINUTE);
    assert.equal(scene.history.keptSince('ingress'), 3 * MINUTE);
  });

  test('The oldest go when the snapshots hold more than the limit alone, and the newest stays however large it is', () => {
    const large = (fill: string): Snapshot =>
      createSnapshot([createResource(TYPE.route, 'a', Buffer.alloc(60_000, fill))]);
    const scene = new Scene({ snapshots: 50, bytes: 100_000 });
    for (const [index, fill] of ['1', '2', '3', '4'].entries()) scene.publish(large(fill), index * MINUTE);
    assert.equal(scene.history.keptSince('ingress'), 2 * MINUTE);
    // What does not change costs nothing.
    const shared = new Scene({ snapshots: 50, bytes: 100_000 });
    const base = large('1');
    const routes = [...(base.types.get(TYPE.route)?.resources.values() ?? [])];
    for (const name of ['b', 'c', 'd', 'e'])
      shared.publish(createSnapshot([...routes, createResource(TYPE.route, name, Buffer.from(name))], base), 0);
    assert.equal(shared.history.keptSince('ingress'), 0);
  });
});
