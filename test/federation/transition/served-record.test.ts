// The record of what was served, as text: what is accepted is what was written.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { labelOf, type ServedPeer } from '../../../src/federation/transition/history.ts';
import { formatRecord, parseRecord, type ServedRecord } from '../../../src/federation/transition/served-record.ts';
import type { SpiffeId } from '../../../src/trust/spiffe.ts';

const [KEY, OTHER_KEY] = ['0123456789abcdef', 'fedcba9876543210'];
const state = { roots: [KEY.repeat(4)], grants: [KEY], imports: [OTHER_KEY] };
const north: ServedPeer = {
  name: 'north',
  key: KEY,
  domainKey: OTHER_KEY,
  gatewayIdentities: ['spiffe://north.example/gateway/egress' as SpiffeId],
  generation: { id: KEY, roots: state.roots },
  states: [{ ...state, until: 1_800_000_000_000 }, state],
};
const gone: ServedPeer = { ...north, name: 'gone', ended: { until: 1_800_000_000_000, last: state }, states: [] };

function recordOf(...peers: readonly ServedPeer[]): ServedRecord {
  return { trustDomain: 'ours.example', history: new Map(peers.map((peer) => [labelOf(peer), peer])) };
}

test('A record is read as it was written', () => {
  const record = recordOf(north, gone);
  assert.deepEqual(parseRecord(formatRecord(record), 'ours.example'), record);
  assert.equal(parseRecord(formatRecord(record), 'theirs.example'), undefined);
});

test('A record with any one bit changed is damaged', () => {
  const good = Buffer.from(formatRecord(recordOf(north, gone)));
  for (let bit = 0; bit < good.length * 8; bit++) {
    const flipped = Buffer.from(good);
    flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    assert.equal(parseRecord(flipped.toString('utf8'), 'ours.example'), undefined, `bit ${bit}`);
  }
});

test('A record that is cut or lengthened anywhere is damaged', () => {
  const good = formatRecord(recordOf(north, gone));
  for (let length = 0; length < good.length; length++)
    assert.equal(parseRecord(good.slice(0, length), 'ours.example'), undefined);
  for (const text of [`${good}\n`, ` ${good}`, good + good]) assert.equal(parseRecord(text, 'ours.example'), undefined);
});

test('Values that no process records are refused, also with the right checksum', () => {
  const refused: readonly object[] = [
    { name: 'n/rth' },
    { name: '' },
    { name: 'a'.repeat(1_000_000) },
    { name: 'North' },
    { key: KEY.slice(1) },
    { key: `${KEY}0` },
    { domainKey: 'x'.repeat(16) },
    { gatewayIdentities: ['spiffe://north.example/gateway/../egress'] },
    { gatewayIdentities: ['spiffe://north.example'] },
    { gatewayIdentities: [`spiffe://north.example/${'a'.repeat(3000)}`] },
    { gatewayIdentities: [7] },
    { generation: { id: KEY, roots: ['00'] } },
    { generation: { id: 'id', roots: [] } },
    { states: [] },
    { states: [state, state] },
    { states: [{ ...state, until: 1e300 }] },
    { states: [{ ...state, until: -1 }] },
    { states: [{ ...state, until: 0.5 }] },
    { states: [{ ...state, grants: ['g'] }] },
    { ended: { until: 1.5, last: state } },
    { further: true },
  ];
  for (const change of refused) {
    const record = JSON.stringify({ trustDomain: 'ours.example', peers: [{ ...north, ...change }] });
    assert.equal(parseRecord(signed(record), 'ours.example'), undefined, JSON.stringify(change).slice(0, 100));
  }
  const twice = JSON.stringify({ trustDomain: 'ours.example', peers: [north, north] });
  assert.equal(parseRecord(signed(twice), 'ours.example'), undefined);
  const once = JSON.stringify({ trustDomain: 'ours.example', peers: [north] });
  assert.deepEqual(parseRecord(signed(once), 'ours.example'), recordOf(north));
});

function signed(record: string): string {
  const sum = createHash('sha256').update(record).digest('hex');
  return `{"format":1,"sha256":"${sum}","record":${record}}\n`;
}
