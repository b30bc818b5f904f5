// Strict ProtoJSON to protobuf bytes. Same JSON, same bytes: fields go out in the order of their numbers and maps sorted by key.
// Must not: skip what the schema does not know, or quote a value in an error: it may be a private key.

import protobuf, { type Writer } from 'protobufjs/minimal.js';
import { enumType, type Field, fieldNamed, type MessageType, messageType, scalarTypeOf } from './message-types.ts';
import { InvalidValue, isDefault, type Scalar, scalarOf, wireTypeOf, writeScalar } from './scalars.ts';
import { WELL_KNOWN } from './well-known-types.ts';

type Json = Readonly<Record<string, unknown>>;

const LENGTH_DELIMITED = 2;
/** Of messages in messages; those of Envoy end far sooner. */
const MAX_DEPTH = 100;
export const ANY = 'google.protobuf.Any';
const VALUE = 'google.protobuf.Value';

/** Errors: InvalidValue, and RESOURCE_INVALID for an Any of an unknown type. */
export function messageBytes(type: MessageType, json: unknown): Buffer {
  return bytesOf(type, json, 0);
}

function bytesOf(type: MessageType, json: unknown, depth: number): Buffer {
  const writer = protobuf.Writer.create();
  writeMessage(writer, type, json, depth);
  return Buffer.from(writer.finish());
}

function writeMessage(writer: Writer, type: MessageType, json: unknown, depth: number): void {
  if (depth > MAX_DEPTH) throw new InvalidValue(type.name, 'too many messages within each other');
  const special = type.name === ANY ? anyFields(json, depth) : WELL_KNOWN.get(type.name)?.expand(json);
  const given = givenFields(type, special ?? json);
  for (const [field, value] of given) writeField(writer, field, value, depth);
}

/** The fields that have a value, in the order of their numbers. */
function givenFields(type: MessageType, json: unknown): readonly (readonly [Field, unknown])[] {
  if (!isObject(json)) throw new InvalidValue(type.name, 'expected object');
  const given = new Map<Field, unknown>();
  const oneofs = new Set<string>();
  for (const [name, value] of Object.entries(json)) {
    const field = fieldNamed(type, name);
    if (field === undefined) throw new InvalidValue(type.name, `unknown field: ${JSON.stringify(name)}`);
    if (given.has(field)) throw new InvalidValue(type.name, `duplicate field: ${JSON.stringify(name)}`);
    given.set(field, value);
    if (isUnset(field, value) || field.oneof === undefined) continue;
    if (oneofs.has(field.oneof)) throw new InvalidValue(type.name, `multiple values for oneof ${field.oneof}`);
    oneofs.add(field.oneof);
  }
  return [...given].filter(([field, value]) => !isUnset(field, value)).sort(([a], [b]) => a.id - b.id);
}

/** Null is the same as no field, but for the one type that has a null of its own. */
function isUnset(field: Field, value: unknown): boolean {
  return value === null && field.type !== VALUE;
}

function writeField(writer: Writer, field: Field, value: unknown, depth: number): void {
  if (field.key !== undefined) writeMap(writer, field, value, depth);
  else if (field.repeated) writeList(writer, field, value, depth);
  else if (field.kind === 'message') writeItem(writer, field, field.id, value, depth);
  else {
    const plain = plainOf(field, value);
    if (field.presence || !isDefault(scalarTypeOf(field), plain)) writePlain(writer, field, field.id, plain);
  }
}

function writeList(writer: Writer, field: Field, value: unknown, depth: number): void {
  if (!Array.isArray(value)) throw new InvalidValue(field.fullName, 'expected array');
  if (value.some((item) => isUnset(field, item))) throw new InvalidValue(field.fullName, 'null element');
  if (!field.packed || value.length === 0) {
    for (const item of value) writeItem(writer, field, field.id, item, depth);
    return;
  }
  writer.uint32(tagOf(field.id, LENGTH_DELIMITED)).fork();
  for (const item of value) writeScalar(writer, scalarTypeOf(field), plainOf(field, item));
  writer.ldelim();
}

function writeMap(writer: Writer, field: Field, value: unknown, depth: number): void {
  if (!isObject(value)) throw new InvalidValue(field.fullName, 'expected object for map');
  for (const key of Object.keys(value).sort()) {
    writer.uint32(tagOf(field.id, LENGTH_DELIMITED)).fork();
    const type = field.key ?? 'string';
    writer.uint32(tagOf(1, wireTypeOf(type)));
    writeScalar(writer, type, scalarOf(type, type === 'bool' ? JSON.parse(key) : key, field.fullName));
    writeItem(writer, field, 2, value[key], depth);
    writer.ldelim();
  }
}

/** One value of the field, with a tag of this number. */
function writeItem(writer: Writer, field: Field, id: number, value: unknown, depth: number): void {
  if (field.kind !== 'message') {
    writePlain(writer, field, id, plainOf(field, value));
    return;
  }
  writer.uint32(tagOf(id, LENGTH_DELIMITED)).fork();
  writeMessage(writer, messageType(field.type), value, depth + 1);
  writer.ldelim();
}

function writePlain(writer: Writer, field: Field, id: number, value: Scalar): void {
  const type = scalarTypeOf(field);
  writer.uint32(tagOf(id, wireTypeOf(type)));
  writeScalar(writer, type, value);
}

function plainOf(field: Field, json: unknown): Scalar {
  return field.kind === 'enum' ? enumNumber(field, json) : scalarOf(scalarTypeOf(field), json, field.fullName);
}

/** A number that the enum does not name is allowed, as in every proto3 enum. */
function enumNumber({ type, fullName }: Field, json: unknown): Scalar {
  if (typeof json !== 'string') return scalarOf('int32', json, fullName);
  const number = enumType(type).numbers.get(json);
  if (number === undefined) throw new InvalidValue(fullName, `unknown enum value: ${JSON.stringify(json)}`);
  return number;
}

/** What `@type` names is encoded, and its bytes are the value. */
function anyFields(json: unknown, depth: number): Json {
  if (!isObject(json)) throw new InvalidValue(ANY, 'expected object');
  const { '@type': url, ...content } = json;
  if (url === undefined) return {};
  if (typeof url !== 'string' || !url.includes('/')) throw new InvalidValue(ANY, '@type is no type URL');
  const type = messageType(url);
  const hasOwnForm = type.name === ANY || WELL_KNOWN.has(type.name);
  if (hasOwnForm && Object.keys(content).some((name) => name !== 'value'))
    throw new InvalidValue(ANY, 'unknown field beside value');
  const bytes = bytesOf(type, hasOwnForm ? content['value'] : content, depth + 1);
  return { type_url: url, value: bytes.toString('base64') };
}

function tagOf(id: number, wireType: number): number {
  return ((id << 3) | wireType) >>> 0;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
