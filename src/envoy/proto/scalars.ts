// Scalar values of ProtoJSON: what is accepted for each type, and how it is written to and read from the wire.
// Must not: convert between types, or quote a value in an error: it may be a private key.

import type { Reader, Writer } from 'protobufjs/minimal.js';
import type { ScalarType } from './message-types.ts';

export type Scalar = number | string | boolean | Uint8Array;

/** A value that its field does not take; the message names the field and says what is wrong with the value. */
export class InvalidValue extends Error {
  constructor(where: string, what: string) {
    super(`${where}: ${what}`);
  }
}

const RANGE: Readonly<Partial<Record<ScalarType, readonly [bigint, bigint]>>> = {
  ...ranges(['int32', 'sint32', 'sfixed32'], -(2n ** 31n), 2n ** 31n - 1n),
  ...ranges(['uint32', 'fixed32'], 0n, 2n ** 32n - 1n),
  ...ranges(['int64', 'sint64', 'sfixed64'], -(2n ** 63n), 2n ** 63n - 1n),
  ...ranges(['uint64', 'fixed64'], 0n, 2n ** 64n - 1n),
};
const FIXED_32: ReadonlySet<ScalarType> = new Set(['fixed32', 'sfixed32', 'float']);
const FIXED_64: ReadonlySet<ScalarType> = new Set(['fixed64', 'sfixed64', 'double']);
const LARGEST_FLOAT = 3.4028234663852886e38;
const BASE64 = /^(?:[\w+/-]{4})*(?:[\w+/-]{2}(?:==)?|[\w+/-]{3}=?)?$/;
const NOT_FINITE: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
};

function ranges(
  types: readonly ScalarType[],
  least: bigint,
  most: bigint,
): Readonly<Partial<Record<ScalarType, readonly [bigint, bigint]>>> {
  return Object.fromEntries(types.map((type) => [type, [least, most]]));
}

/** The wire type of Protobuf's encoding: 0 varint, 1 eight bytes, 2 length-delimited, 5 four bytes. */
export function wireTypeOf(type: ScalarType): number {
  if (type === 'string' || type === 'bytes') return 2;
  return FIXED_32.has(type) ? 5 : FIXED_64.has(type) ? 1 : 0;
}

/** A scalar of ProtoJSON as the writer takes it. Errors: InvalidValue. */
export function scalarOf(type: ScalarType, json: unknown, where: string): Scalar {
  switch (type) {
    case 'bool':
      if (typeof json !== 'boolean') throw new InvalidValue(where, 'expected boolean');
      return json;
    case 'string':
      if (typeof json !== 'string') throw new InvalidValue(where, 'expected string');
      if (/\p{Surrogate}/u.test(json)) throw new InvalidValue(where, 'half a surrogate pair');
      return json;
    case 'bytes':
      if (typeof json !== 'string' || !BASE64.test(json)) throw new InvalidValue(where, 'expected base64 string');
      return Buffer.from(json, 'base64');
    case 'float':
    case 'double':
      return fractionOf(type, json, where);
    default:
      return integerOf(type, json, where);
  }
}

function fractionOf(type: 'float' | 'double', json: unknown, where: string): number {
  if (typeof json === 'string' && Object.hasOwn(NOT_FINITE, json)) return NOT_FINITE[json] ?? 0;
  const isText = typeof json === 'string' && /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(json);
  const number = isText ? Number(json) : json;
  if (typeof number !== 'number') throw new InvalidValue(where, 'expected number');
  if (!Number.isFinite(number) || (type === 'float' && Math.abs(number) > LARGEST_FLOAT))
    throw new InvalidValue(where, 'number out of range');
  return number;
}

/** 64 bits as text, because they are more than a number of JavaScript holds. */
function integerOf(type: ScalarType, json: unknown, where: string): number | string {
  const isInteger = typeof json === 'string' ? /^-?\d{1,20}$/.test(json) : Number.isInteger(json);
  if (!isInteger) throw new InvalidValue(where, 'expected integer');
  const integer = BigInt(json as number | string);
  const [least, most] = RANGE[type] ?? [0n, 0n];
  if (integer < least || integer > most) throw new InvalidValue(where, `out of range for ${type}`);
  return type.endsWith('64') ? integer.toString() : Number(integer);
}

/** Whether proto3 leaves the value out of a field without presence. */
export function isDefault(type: ScalarType, value: Scalar): boolean {
  if (value instanceof Uint8Array) return value.length === 0;
  return value === false || value === '' || value === 0 || (value === '0' && type.endsWith('64'));
}

/** The value without its tag. */
export function writeScalar(writer: Writer, type: ScalarType, value: Scalar): void {
  (writer[type] as (value: Scalar) => Writer).call(writer, value);
}

/** 64 bits as text. Text that is not UTF-8 throws. */
export function readScalar(reader: Reader, type: ScalarType): Scalar {
  if (type === 'string') return reader.stringVerify();
  const value = reader[type]();
  return type.endsWith('64') ? String(value) : (value as Scalar);
}

/** What an unset field without presence holds. */
export function defaultOf(type: ScalarType): Scalar {
  if (type === 'bool') return false;
  if (type === 'string') return '';
  if (type === 'bytes') return new Uint8Array();
  return 0;
}
