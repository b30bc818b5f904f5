// A second of what gateways report: one entry for each Envoy and cluster, and only of clusters that the gateway has.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReportBatch, type ReportedConnections } from '../../src/serving/report-batch.ts';
import { SnapshotCache } from '../../src/snapshot/cache.ts';
import { createSnapshot } from '../../src/snapshot/snapshot.ts';
import type { ConnectionReport } from '../../src/xds/wire/connection-reports.ts';
import { made } from '../snapshot/content.ts';

function report(cluster: string, more: Partial<ConnectionReport> = {}): ConnectionReport {
  return { cluster, address: '', startedAt: 0, isAnswered: false, isEnded: true, failure: '', flags: [], ...more };
}

/** What one batch holds of these reports, each from an Envoy. */
async function batchOf(...reports: readonly (readonly [node: string, report: ConnectionReport])[]) {
  const cache = new SnapshotCache();
  cache.set('egress', createSnapshot([made('cluster', 'dial/a@1'), made('cluster', 'dial/b@1')]));
  let batch: ReportBatch | undefined;
  const emitted = new Promise<readonly ReportedConnections[]>((fulfil) => {
    batch = new ReportBatch(cache, fulfil);
  });
  for (const [node, one] of reports) batch?.add('egress', node, [one]);
  // The timer of a batch alone keeps no process alive.
  const alive = setInterval(() => undefined, 1000);
  const entries = await emitted;
  clearInterval(alive);
  return entries;
}

function rows(entries: readonly ReportedConnections[]): readonly unknown[] {
  return entries.map(({ nodeId, cluster, isAnswered, failures, last }) => [
    `${nodeId} ${cluster}`,
    isAnswered,
    failures,
    last?.failure,
  ]);
}

test('Reports of one Envoy about one cluster are one entry, with the last failure and their number', async () => {
  const entries = await batchOf(
    ['e1', report('dial/a@1', { failure: 'one' })],
    ['e1', report('dial/a@1', { failure: 'two' })],
    ['e1', report('dial/a@1', { isAnswered: true })],
    ['e2', report('dial/a@1', { isAnswered: true, isEnded: false })],
  );
  assert.deepEqual(rows(entries), [
    ['e1 dial/a@1', true, 2, 'two'],
    ['e2 dial/a@1', true, 0, undefined],
  ]);
});

test('Each address of a cluster has an entry of its own', async () => {
  const entries = await batchOf(
    ['e1', report('dial/a@1', { address: '10.0.0.1:443', failure: 'one' })],
    ['e1', report('dial/a@1', { address: '10.0.0.2:443', failure: 'two' })],
    ['e1', report('dial/a@1', { address: '10.0.0.1:443', failure: 'three' })],
  );
  assert.deepEqual(
    entries.map(({ address, failures, last }) => [address, failures, last?.failure]),
    [
      ['10.0.0.1:443', 2, 'three'],
      ['10.0.0.2:443', 1, 'two'],
    ],
  );
});

test('An entry has when the newest connection that was answered began, and the newest that failed', async () => {
  const [entry] = await batchOf(
    ['e1', report('dial/a@1', { startedAt: 30 })],
    ['e1', report('dial/a@1', { startedAt: 10 })],
    ['e1', report('dial/a@1', { startedAt: 40, isAnswered: true })],
    ['e1', report('dial/a@1', { startedAt: 20, isAnswered: true, isEnded: false })],
  );
  assert.deepEqual([entry?.answeredStart, entry?.last?.startedAt], [40, 30]);
});

test('Clusters that the gateway does not have, unfinished connections, and our own limits say nothing of a peer', async () => {
  const entries = await batchOf(
    ['e1', report('dial/stranger@1')],
    ['e1', report('dial/b@1', { isEnded: false })],
    ['e1', report('dial/b@1', { flags: ['upstream_overflow'] })],
    ['e1', report('dial/a@1')],
  );
  assert.deepEqual(rows(entries), [['e1 dial/a@1', false, 1, '']]);
});
