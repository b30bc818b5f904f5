// What a request says of the bootstrap of its gateway: read where it is well formed, and nothing where it is not.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { XdsError } from '../../../src/xds/stream-status.ts';
import { parseNode } from '../../../src/xds/wire/discovery-request.ts';

const DIGEST = '0123456789abcdef';
const KEY = 'postern.bootstrap';

function field(number: number, value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  const length = [
    (bytes.length & 0x7f) | (bytes.length > 0x7f ? 0x80 : 0),
    ...(bytes.length > 0x7f ? [bytes.length >> 7] : []),
  ];
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), bytes]);
}

/** An entry of a google.protobuf.Struct; `kind`: 3 for a string. */
function entry(key: string, value: string, kind = 3): Buffer {
  return field(1, Buffer.concat([field(1, key), field(2, field(kind, value))]));
}

function bootstrapOf(...entries: readonly Buffer[]): string | undefined {
  return parseNode(Buffer.concat([field(1, 'ingress-1'), field(3, Buffer.concat(entries))])).bootstrap;
}

test('The digest of the bootstrap is read from the metadata of the node, wherever it is among other entries', () => {
  const others = Array.from({ length: 40 }, (_, index) => entry(`other${index}`, 'x'.repeat(100)));
  assert.equal(bootstrapOf(entry(KEY, DIGEST)), DIGEST);
  assert.equal(bootstrapOf(...others, entry(KEY, DIGEST), ...others), DIGEST);
  const reversed = Buffer.concat([field(2, field(3, DIGEST)), field(1, KEY)]);
  assert.equal(bootstrapOf(field(1, reversed)), DIGEST);
});

test('Anything but a digest in that entry names no bootstrap', () => {
  for (const value of [
    '',
    'x',
    DIGEST.toUpperCase(),
    `${DIGEST}0`,
    DIGEST.slice(1),
    `${DIGEST}\n`,
    'é'.repeat(8),
    '0'.repeat(1000),
  ])
    assert.equal(bootstrapOf(entry(KEY, value)), undefined, value);
  assert.equal(bootstrapOf(entry(KEY, DIGEST, 5)), undefined);
  assert.equal(bootstrapOf(entry(`${KEY}2`, DIGEST), entry('bootstrap', DIGEST), entry('', DIGEST)), undefined);
  assert.equal(bootstrapOf(field(1, field(1, KEY))), undefined);
  assert.equal(bootstrapOf(), undefined);
  assert.equal(parseNode(field(1, 'ingress-1')).bootstrap, undefined);
});

test('No more than a hundred entries are looked at', () => {
  const others = (count: number): Buffer[] => Array.from({ length: count }, (_, index) => entry(`other${index}`, 'x'));
  assert.equal(bootstrapOf(...others(99), entry(KEY, DIGEST)), DIGEST);
  assert.equal(bootstrapOf(...others(100), entry(KEY, DIGEST)), undefined);
});

test('Metadata that is cut short is refused as every message that is', () => {
  const metadata = entry(KEY, DIGEST);
  assert.throws(() => parseNode(field(3, metadata.subarray(0, metadata.length - 3))), XdsError);
});
