// One resource and what is made of it once: version, Any, the head of a delta entry; and protobuf's wire format below.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { encodeMessage } from '../../src/envoy/proto/codec.ts';
import { bytesField, fieldHead, stringField, varintLength, writeVarint } from '../../src/snapshot/protobuf.ts';
import { anyBody, createResource } from '../../src/snapshot/resource.ts';
import { TYPE } from '../../src/snapshot/resource-types.ts';
import { reflectedType } from '../envoy/proto/reflected-types.ts';

const CLUSTER = 'envoy.config.cluster.v3.Cluster';

describe('a resource', () => {
  test('A resource has the version of its bytes: equal bytes, equal version, whatever its name and type', () => {
    const body = Buffer.from('body');
    const version = createResource(TYPE.cluster, 'a', body).version;
    assert.equal(createResource(TYPE.cluster, 'a', Uint8Array.from(body)).version, version);
    assert.equal(createResource(TYPE.route, 'b', body, [], 5).version, version);
    assert.notEqual(createResource(TYPE.cluster, 'a', Buffer.from('bodY')).version, version);
    assert.notEqual(createResource(TYPE.cluster, 'a', Buffer.from('body\0')).version, version);
  });

  test('A resource has the same version after a restart, because it is no counter and no time', () => {
    // The first half of SHA-256 of the bytes.
    assert.equal(createResource(TYPE.cluster, 'a', Buffer.from('abc')).version, 'ba7816bf8f01cfea414140de5dae2223');
  });

  test('A resource is an Any that protobufjs reads as such', () => {
    for (const length of [0, 1, 127, 128, 300, 16_384, 2_200_000]) {
      const body = encodeMessage(CLUSTER, { name: 'x'.repeat(length) });
      const resource = createResource(TYPE.cluster, 'x', body);
      const read = reflectedType('google.protobuf.Any').decode(resource.any) as unknown as {
        readonly type_url: string;
        readonly value: Uint8Array;
      };
      assert.equal(read.type_url, TYPE.cluster);
      assert.deepEqual(Buffer.from(read.value), body, `${length}`);
      assert.deepEqual(anyBody(resource), body, `${length}`);
    }
  });

  test('A resource holds a whole entry of a delta response, and of a SotW response', () => {
    const resource = createResource(TYPE.cluster, 'a', encodeMessage(CLUSTER, { name: 'a' }));
    const read = reflectedType('envoy.service.discovery.v3.DeltaDiscoveryResponse').decode(resource.deltaField);
    assert.deepEqual(read.toJSON()['resources'], [
      {
        name: 'a',
        version: resource.version,
        resource: { '@type': TYPE.cluster, name: 'a' },
      },
    ]);
    const full = reflectedType('envoy.service.discovery.v3.DiscoveryResponse').decode(resource.sotwField);
    assert.deepEqual(full.toJSON()['resources'], [{ '@type': TYPE.cluster, name: 'a' }]);
  });

  test('A resource has a TTL only when one is given', () => {
    assert.equal('ttlMs' in createResource(TYPE.cluster, 'a', Buffer.alloc(0)), false);
    assert.equal(createResource(TYPE.cluster, 'a', Buffer.alloc(0), [], 0).ttlMs, 0);
  });
});

describe('the wire format', () => {
  test('Varints have the right length at each of their limits', () => {
    for (const value of [
      0,
      1,
      0x7f,
      0x80,
      0x3fff,
      0x4000,
      0x1fffff,
      0x200000,
      0xfffffff,
      0x10000000,
      2 ** 32,
      2 ** 40,
    ]) {
      const target = Buffer.alloc(10);
      const end = writeVarint(target, 0, value);
      assert.equal(end, varintLength(value), `${value}`);
      const message = reflectedType('google.protobuf.UInt64Value').decode(
        Buffer.concat([Buffer.from([8]), target.subarray(0, end)]),
      ) as unknown as { readonly value: unknown };
      assert.equal(Number(message.value), value);
    }
  });

  test('The empty string is not written, as in proto3, and text is UTF-8', () => {
    assert.equal(stringField(1, '').length, 0);
    assert.deepEqual([...stringField(1, 'ä')], [0x0a, 2, 0xc3, 0xa4]);
    assert.deepEqual([...fieldHead(2, 200)], [0x12, 0xc8, 0x01]);
    assert.deepEqual([...bytesField(3, Buffer.alloc(0))], [0x1a, 0]);
  });
});
