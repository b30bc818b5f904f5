// The rows of `postern status`: one for each connected gateway, with how far each of its types has come.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deniedLines, nackLines, type Status, statusRows, workerLines } from '../../src/admin/status-view.ts';
import type { StreamStatus, TypeStatus } from '../../src/xds/stream-status.ts';

const SINCE = Date.parse('2026-11-24T12:00:00Z');

function node(nodeId: string, types: readonly TypeStatus[]): StreamStatus {
  const [gateway, userAgent, address] = ['ingress', 'envoy', '127.0.0.1:1'];
  return { gateway, nodeId, userAgent, address, variant: 'delta', since: SINCE, types };
}

function status(nodes: readonly StreamStatus[]): Status {
  return {
    mesh: 'bank',
    trustDomain: 'bank.example',
    version: '1.2.3',
    controlPlaneCa: { fingerprint: 'ab', notAfter: '2036-01-01T00:00:00.000Z', made: false },
    config: { file: 'bank.yaml', appliedAt: '', sha256: '', warnings: [] },
    gateways: [
      { gateway: 'ingress', snapshotVersion: 'v', nodes },
      { gateway: 'egress', snapshotVersion: 'v', nodes: [] },
    ],
    peers: [],
    deniedPeers: [],
    certificates: [],
    certificateEnds: [],
  };
}

test('a gateway that nobody runs has a row that says so', () => {
  const [head = [], ...rows] = statusRows(status([]));
  assert.deepEqual(
    rows.map((row) => row.slice(0, 2)),
    [
      ['ingress', '(none connected)'],
      ['egress', '(none connected)'],
    ],
  );
  for (const row of rows) assert.equal(row.length, head.length);
});

test('every connected node has a row of its own, each type in its column whatever the order', () => {
  const types: readonly TypeStatus[] = [
    { type: 'LDS', state: 'STALE', sentVersion: '22222222ffff' },
    { type: 'CDS', state: 'SYNCED', sentVersion: '11111111ffff', ackedVersion: '11111111ffff' },
  ];
  const [, first, second] = statusRows(status([node('i-1', types), node('i-2', [])]));
  assert.deepEqual(first, [
    ...['ingress', 'i-1', 'SYNCED 11111111', '-', '-', '-', 'STALE'],
    new Date(SINCE).toISOString(),
  ]);
  assert.deepEqual(second?.slice(0, 3), ['ingress', 'i-2', '-']);
});

test('workers that are missing or silent are told of, and nothing when all is well', () => {
  const lines = (expected: number, serving: number, silent: number): readonly string[] =>
    workerLines({ ...status([]), workers: { expected, serving, silent } });
  assert.deepEqual([workerLines(status([])), lines(2, 2, 0)], [[], []]);
  assert.deepEqual(lines(3, 2, 1), [
    '2 of 3 workers serve; the others are being started',
    '1 of 2 workers did not answer: their gateways are missing here',
  ]);
});

test('every rejection that is in force is told in Envoy’s own words, with who and what', () => {
  const nack = { version: '33333333ffff', message: 'duplicate listener', at: SINCE };
  const lines = nackLines(
    status([
      node('i-1', [
        { type: 'LDS', state: 'NACKED', nack },
        { type: 'CDS', state: 'SYNCED' },
      ]),
      node('i-2', [{ type: 'RDS', state: 'NACKED', nack: { ...nack, message: 'no such cluster' } }]),
    ]),
  );
  assert.equal(lines.length, 2);
  for (const part of ['ingress', 'i-1', 'LDS', '33333333', 'duplicate listener']) assert.ok(lines[0]?.includes(part));
  for (const part of ['i-2', 'RDS', 'no such cluster']) assert.ok(lines[1]?.includes(part));
});

test('a denied peer is told with every reason, and nothing is told of none', () => {
  const reasons = ['BUNDLE_EXPIRED certificate 1 expired', 'BUNDLE_FOREIGN certificate 2 is of b.example'];
  const deniedPeers = [{ name: 'a', trustDomain: 'a.example', reasons }];
  assert.deepEqual(deniedLines({ deniedPeers }), [`peer a is denied: ${reasons.join('; ')}`]);
  assert.deepEqual(deniedLines({ deniedPeers: [] }), []);
});
