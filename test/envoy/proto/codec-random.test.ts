// Random messages of every type of Envoy's protos, right and wrong: the codec agrees with protobufjs, byte for byte and refusal for refusal.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type protobuf from 'protobufjs';
import protojson from 'protobufjs/ext/protojson.js';
import { decodeMessage, encodeMessage } from '../../../src/envoy/proto/codec.ts';
import { enumType, type Field, messageNames, messageType } from '../../../src/envoy/proto/message-types.ts';
import { reflectedRoot, reflectedType } from './reflected-types.ts';

type Json = Readonly<Record<string, unknown>>;

/** Values of the JSON forms that a type has, among them each type's default. */
const SCALARS: Readonly<Record<string, readonly unknown[]>> = {
  bool: [true, false],
  string: ['', '0', 'x', 'ключ 🔑'],
  bytes: ['', 'AA==', 'AP/+'],
  float: [0, 1, -0.5, 'NaN', '-Infinity'],
  double: [0, 1, -0.25, 1e300, '2', 'Infinity'],
  int32: [0, 1, -1, '7', 2147483647],
  int64: [0, '0', -1, '9223372036854775807', '-9223372036854775808'],
  uint32: [0, 1, '7', 4294967295],
  uint64: [0, '0', 5, '18446744073709551615'],
};
const OWN_JSON: Readonly<Record<string, readonly unknown[]>> = {
  Duration: ['0s', '1.5s', '-0.000000001s', '315576000000s'],
  Struct: [{}, { a: null, b: [1, 'x', { c: false }], d: { e: {} } }],
  Value: [null, 0, 'x', false, [], {}],
  ListValue: [[], [null, 1]],
  BoolValue: [true, false],
  StringValue: ['', 'x'],
  BytesValue: ['', 'AA=='],
  Empty: [{}],
  Any: [
    {},
    { '@type': 'type.googleapis.com/google.protobuf.Duration', value: '1s' },
    { '@type': 'type.googleapis.com/google.protobuf.Empty' },
    { '@type': 'type.googleapis.com/envoy.config.core.v3.Address', pipe: { path: 'x', mode: 1 } },
  ],
};
const WRONG: readonly unknown[] = [
  true,
  5,
  -1,
  0.5,
  2 ** 40,
  '',
  'x',
  '5',
  '-1',
  '1.5',
  '1s',
  [],
  [null],
  {},
  { x: 1 },
  null,
];

/** The codec refuses a Timestamp, and knows null only in a Value: no resource of ours holds either. */
const isLeftOut = ({ type }: Field): boolean => /^google\.protobuf\.(Timestamp|NullValue)$/.test(type);

const scalars = (name: string): readonly unknown[] =>
  SCALARS[name.replace(/^s?fixed|^sint/, (kind) => (kind === 'fixed' ? 'uint' : 'int'))] ?? [];

function fieldValue(field: Field, depth: number): fc.Arbitrary<unknown> {
  const one = itemOf(field, depth);
  if (field.key !== undefined) return one.map((value) => ({ [keyOf(field)]: value }));
  return field.repeated ? fc.array(one, { maxLength: 3 }).map((list) => list.filter((item) => item !== null)) : one;
}

function keyOf({ key }: Field): string {
  return key === 'bool' ? 'true' : key === 'string' ? 'a key' : '12';
}

function itemOf(field: Field, depth: number): fc.Arbitrary<unknown> {
  if (field.kind === 'scalar') return fc.constantFrom(...scalars(field.type));
  if (field.kind === 'enum') return fc.constantFrom(...enumType(field.type).numbers.keys(), 0, 99);
  const own = /^google\.protobuf\.(\w+)$/.exec(field.type)?.[1];
  if (own !== undefined) return fc.constantFrom(...(OWN_JSON[own] ?? scalars(own.replace('Value', '').toLowerCase())));
  return depth === 0 ? fc.constant({}) : messageOf(field.type, depth - 1);
}

/** A few of its fields, at most one of each oneof. */
function messageOf(type: string, depth: number): fc.Arbitrary<Json> {
  const fields = messageType(type).fields.filter((field) => !isLeftOut(field));
  return fc.subarray([...fields], { maxLength: Math.min(4, fields.length) }).chain((chosen) => {
    const oneofs = new Set<string>();
    const kept = chosen.filter(({ oneof }) => oneof === undefined || (!oneofs.has(oneof) && oneofs.add(oneof)));
    return fc.record(Object.fromEntries(kept.map((field) => [field.name, fieldValue(field, depth)])));
  });
}

/** What protobufjs makes of it; undefined when it refuses. */
function reflected(type: string, json: unknown): Buffer | undefined {
  const known: protobuf.Type = reflectedType(type);
  try {
    return Buffer.from(known.encode(protojson.fromJson(known, json)).finish());
  } catch {
    return undefined;
  }
}

function ours(type: string, json: unknown): Buffer | undefined {
  try {
    return encodeMessage(type, json);
  } catch (error) {
    assert.equal((error as { readonly code?: unknown }).code, 'RESOURCE_INVALID');
    return undefined;
  }
}

const NAMES = messageNames().filter((name) => !name.startsWith('google.protobuf.'));

describe('the codec and protobufjs', () => {
  test('Both write the same bytes, and what the codec reads from them is written as the same bytes again', () => {
    let fields = 0;
    for (const name of NAMES)
      fc.assert(
        fc.property(messageOf(name, 2), (json) => {
          fields += Object.keys(json).length;
          const bytes = ours(name, json);
          assert.deepEqual(bytes, reflected(name, json));
          assert.ok(bytes !== undefined, 'no valid message is refused');
          assert.deepEqual(ours(name, decodeMessage(name, bytes)), bytes);
        }),
        { numRuns: 6 },
      );
    assert.ok(fields > 1000, `${fields} fields tried`);
  });

  test('Both refuse the same wrong values, and write the same bytes of those that are right after all', () => {
    let refused = 0;
    for (const name of NAMES) {
      for (const field of messageType(name).fields) {
        if (isLeftOut(field)) continue;
        for (const wrong of WRONG) {
          const bytes = ours(name, { [field.name]: wrong });
          assert.deepEqual(
            bytes,
            reflected(name, { [field.name]: wrong }),
            `${field.fullName}: ${JSON.stringify(wrong)}`,
          );
          if (bytes === undefined) refused += 1;
        }
      }
    }
    assert.ok(refused > 10_000, `${refused} refused`);
  });

  test('Both read a message that comes in pieces, with unknown fields between them, as the same', () => {
    for (const name of NAMES) {
      const known = reflectedType(name);
      fc.assert(
        fc.property(messageOf(name, 2), (json) => {
          const first = ours(name, json);
          assert.ok(first !== undefined);
          const unknown = Buffer.from([0xfa, 0xff, 0xff, 0xff, 0x0f, 1, 7]);
          const bytes = Buffer.concat([first, unknown, first]);
          const merged = Buffer.from(
            known.encode(protojson.fromJson(known, protojson.toJson(known, known.decode(bytes)))).finish(),
          );
          assert.deepEqual(ours(name, decodeMessage(name, bytes)), merged);
        }),
        { numRuns: 2 },
      );
    }
  });

  test('Of two members of a oneof, the codec reads the last, as Envoy does', () => {
    const type = 'envoy.config.core.v3.SocketAddress';
    const [named, numbered] = [{ named_port: 'http' }, { port_value: 0 }].map((json) => encodeMessage(type, json));
    assert.ok(named && numbered);
    assert.deepEqual(decodeMessage(type, Buffer.concat([named, numbered])), { port_value: 0 });
    assert.deepEqual(decodeMessage(type, Buffer.concat([numbered, named])), { named_port: 'http' });
  });

  test('Both know the same messages, and each field of them by the same number', () => {
    for (const name of NAMES)
      assert.deepEqual(
        messageType(name).fields.map((field) => [field.name, field.id]),
        reflectedType(name).fieldsArray.map((field) => [field.name, field.id]),
      );
    assert.ok(NAMES.length > 500 && reflectedRoot.nestedArray.length > 3);
  });
});
