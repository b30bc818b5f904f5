// Protobuf bytes to the fields of a message, and those to ProtoJSON. What it reads is what the codec wrote.
// Must not: skip a broken field; an unknown one is skipped, as every reader of Protobuf does.

import protobuf from 'protobufjs/minimal.js';
import { enumType, type Field, type MessageType, messageType, scalarTypeOf } from './message-types.ts';
import { InvalidValue, isDefault, readScalar, type Scalar, wireTypeOf } from './scalars.ts';
import { WELL_KNOWN } from './well-known-types.ts';
import { ANY } from './write-message.ts';

/** By the proto's names, only what is set: scalars (64 bits as text), numbers of enums, messages, and lists and maps of these. */
export type Fields = Readonly<Record<string, unknown>>;

const LENGTH_DELIMITED = 2;
const MAX_DEPTH = 100;

/** What is read: everything, or only what has rules. */
export type Reading = 'all' | 'ruled';

/** Errors: any, for bytes that are not of the type. */
export function fieldsOf(type: MessageType, bytes: Uint8Array, reading: Reading = 'all', depth = 0): Fields {
  if (depth > MAX_DEPTH) throw new InvalidValue(type.name, 'too many messages within each other');
  const reader = protobuf.Reader.create(bytes);
  const fields: Record<string, unknown> = {};
  const pieces = new Map<Field, Uint8Array>();
  const members = new Map<string, Field>();
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    const [id, wireType] = [tag >>> 3, tag & 7];
    const field = type.numbered.get(id);
    if (field === undefined || !takes(field, wireType) || (reading === 'ruled' && field.ruleless)) {
      reader.skipType(wireType, depth, id);
      continue;
    }
    if (field.key !== undefined) {
      fields[field.name] ??= Object.create(null);
      readEntry(fields[field.name] as Record<string, unknown>, field, reader.bytes(), reading, depth);
      continue;
    }
    if (field.repeated) {
      fields[field.name] ??= [];
      const list = fields[field.name] as unknown[];
      if (wireType === wireTypeOfItem(field)) list.push(readItem(reader, field, reading, depth));
      else list.push(...readPacked(field, reader.bytes()));
      continue;
    }
    // Of a oneof, the last member counts.
    if (field.oneof !== undefined) {
      const other = members.get(field.oneof);
      if (other !== undefined && other !== field) {
        delete fields[other.name];
        pieces.delete(other);
      }
      members.set(field.oneof, field);
    }
    if (field.kind === 'message') {
      // A message that comes in pieces is all of them, one after the other.
      const earlier = pieces.get(field);
      const bytes = earlier === undefined ? reader.bytes() : Buffer.concat([earlier, reader.bytes()]);
      pieces.set(field, bytes);
      fields[field.name] = fieldsOf(messageType(field.type), bytes, reading, depth + 1);
    } else {
      const value = readScalar(reader, scalarTypeOf(field));
      if (field.presence || !isDefault(scalarTypeOf(field), value)) fields[field.name] = value;
      else delete fields[field.name];
    }
  }
  return fields;
}

function takes(field: Field, wireType: number): boolean {
  return (
    wireType === wireTypeOfItem(field) || (wireType === LENGTH_DELIMITED && (field.repeated || field.key !== undefined))
  );
}

function wireTypeOfItem(field: Field): number {
  if (field.kind === 'message' || field.key !== undefined) return LENGTH_DELIMITED;
  return wireTypeOf(scalarTypeOf(field));
}

function readItem(reader: protobuf.Reader, field: Field, reading: Reading, depth: number): unknown {
  if (field.kind === 'message') return fieldsOf(messageType(field.type), reader.bytes(), reading, depth + 1);
  return readScalar(reader, scalarTypeOf(field));
}

function readPacked(field: Field, bytes: Uint8Array): readonly unknown[] {
  const reader = protobuf.Reader.create(bytes);
  const items: unknown[] = [];
  while (reader.pos < reader.len) items.push(readScalar(reader, scalarTypeOf(field)));
  return items;
}

/** A map is a list of messages with a key (1) and a value (2). */
function readEntry(
  map: Record<string, unknown>,
  field: Field,
  bytes: Uint8Array,
  reading: Reading,
  depth: number,
): void {
  const reader = protobuf.Reader.create(bytes);
  let key: Scalar = '';
  let value: unknown = field.kind === 'message' ? {} : undefined;
  while (reader.pos < reader.len) {
    const id = reader.tag() >>> 3;
    if (id === 1) key = readScalar(reader, field.key ?? 'string');
    else if (id === 2) value = readItem(reader, field, reading, depth);
    else throw new InvalidValue(field.fullName, 'no entry of a map');
  }
  map[String(key)] = value;
}

/** ProtoJSON with the names of the proto, in the order in which it declares them. */
export function jsonOf(type: MessageType, fields: Fields): unknown {
  if (type.name === ANY) return anyJson(fields);
  const json: Record<string, unknown> = {};
  for (const field of type.fields) {
    if (!Object.hasOwn(fields, field.name)) continue;
    const value = fields[field.name];
    const item = (one: unknown): unknown => itemJson(field, one);
    if (field.key !== undefined)
      json[field.name] = Object.fromEntries(Object.entries(value as object).map(([key, one]) => [key, item(one)]));
    else json[field.name] = field.repeated ? (value as readonly unknown[]).map(item) : item(value);
  }
  const special = WELL_KNOWN.get(type.name);
  return special === undefined ? json : special.collapse(json);
}

function itemJson(field: Field, value: unknown): unknown {
  if (field.kind === 'message') return jsonOf(messageType(field.type), value as Fields);
  if (field.kind === 'enum') return enumType(field.type).names.get(value as number) ?? value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

function anyJson({ type_url: url, value = new Uint8Array() }: Fields): unknown {
  if (typeof url !== 'string' || url === '') return {};
  const type = messageType(url);
  const content = jsonOf(type, fieldsOf(type, value as Uint8Array));
  const hasOwnForm = type.name === ANY || WELL_KNOWN.has(type.name);
  return { '@type': url, ...(hasOwnForm ? { value: content } : (content as object)) };
}
