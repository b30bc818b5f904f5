// The message types of Envoy's protos, from the table that the build writes (proto/bundle.mjs); each is made when it is first needed.
// Must not: know a type by its name, or accept a name that the table does not have.

import { readFileSync } from 'node:fs';
import { PROTO_TABLE } from '../../built-files.ts';
import { PosternError } from '../../errors.ts';

/** Of one field, `(validate.rules)` of Envoy's protos: `{ string: { min_len: 1 } }`. */
export type Rules = Readonly<Record<string, unknown>>;

export type ScalarType =
  | ('int32' | 'uint32' | 'sint32' | 'fixed32' | 'sfixed32')
  | ('int64' | 'uint64' | 'sint64' | 'fixed64' | 'sfixed64')
  | ('bool' | 'string' | 'bytes' | 'float' | 'double');

/** Of an enum or message, `type` is the full name. */
export type FieldType =
  | { readonly kind: 'scalar'; readonly type: ScalarType }
  | { readonly kind: 'enum' | 'message'; readonly type: string };

export type Field = FieldType & {
  /** As the proto has it: `port_value`. */
  readonly name: string;
  /** `cluster.v3.Cluster.name`, for errors. */
  readonly fullName: string;
  readonly id: number;
  readonly repeated: boolean;
  readonly packed: boolean;
  /** Of a map: the type of its keys. */
  readonly key?: ScalarType;
  /** The oneof that the field is a member of. */
  readonly oneof?: string;
  /** Whether it differs from an unset field when it holds the default. */
  readonly presence: boolean;
  /** Envoy's own validation rules. */
  readonly rules: Rules;
  /** A message without rules, its own or of any message in it. */
  readonly ruleless: boolean;
};

export interface MessageType {
  readonly name: string;
  /** As the proto declares them. */
  readonly fields: readonly Field[];
  /** By the proto's name. */
  readonly named: ReadonlyMap<string, Field>;
  readonly numbered: ReadonlyMap<number, Field>;
  /** Those that have rules, or whose messages may have some. */
  readonly ruled: readonly Field[];
  /** Oneofs of which a member must be set. */
  readonly required: readonly string[];
}

export interface EnumType {
  readonly numbers: ReadonlyMap<string, number>;
  readonly names: ReadonlyMap<number, string>;
}

interface FieldEntry {
  readonly id: number;
  readonly kind: 'scalar' | 'enum' | 'message';
  readonly type: string;
  readonly repeated?: true;
  readonly packed?: true;
  readonly presence?: true;
  readonly key?: ScalarType;
  readonly oneof?: string;
  readonly rules?: Rules;
  readonly ruleless?: true;
}

interface Table {
  readonly messages: Readonly<
    Record<string, { readonly fields: Readonly<Record<string, FieldEntry>>; readonly required?: readonly string[] }>
  >;
  readonly enums: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** Of fields without rules, one object, by which they are known. */
export const NO_RULES: Rules = {};

/** Read when the first resource is encoded or decoded: commands that do neither save the time. */
let table: Table | undefined;
const messages = new Map<string, MessageType>();
const enums = new Map<string, EnumType>();

/** Looks a message type up by its full name (`envoy.config.cluster.v3.Cluster`) or type URL. Errors: RESOURCE_INVALID. */
export function messageType(nameOrUrl: string): MessageType {
  const name = nameOrUrl.slice(nameOrUrl.lastIndexOf('/') + 1);
  let type = messages.get(name);
  if (type === undefined) {
    type = makeMessageType(name);
    messages.set(name, type);
  }
  return type;
}

export function enumType(name: string): EnumType {
  let type = enums.get(name);
  if (type === undefined) {
    const values = Object.entries(ownOf(protoTable().enums, name));
    // Of two names of one number, the first is the one that is printed.
    const names = new Map(values.map(([word, number]) => [number, word] as const).reverse());
    type = { numbers: new Map(values), names };
    enums.set(name, type);
  }
  return type;
}

/** What an item of the field is on the wire; of an enum, its number. Not for messages. */
export function scalarTypeOf(field: Field): ScalarType {
  return field.kind === 'scalar' ? field.type : 'int32';
}

/** Every message type by name; for what looks at all of them. */
export function messageNames(): readonly string[] {
  return Object.keys(protoTable().messages);
}

function makeMessageType(name: string): MessageType {
  const { fields: entries, required = [] } = ownOf(protoTable().messages, name);
  const fields = Object.entries(entries).map(([field, entry]): Field => {
    const { repeated = false, packed = false, presence = false, rules = NO_RULES, ruleless = false } = entry;
    const fullName = `${name}.${field}`;
    return { ...entry, name: field, fullName, repeated, packed, presence, rules, ruleless } as Field;
  });
  return {
    name,
    fields,
    named: new Map(fields.map((field) => [field.name, field])),
    numbered: new Map(fields.map((field) => [field.id, field])),
    ruled: fields.filter(({ kind, rules, ruleless }) => rules !== NO_RULES || (kind === 'message' && !ruleless)),
    required,
  };
}

/** The field of this name, which is the proto's or ProtoJSON's own, in lowerCamelCase. */
export function fieldNamed({ fields, named }: MessageType, name: string): Field | undefined {
  return named.get(name) ?? fields.find((field) => jsonName(field.name) === name);
}

function protoTable(): Table {
  table ??= JSON.parse(readFileSync(PROTO_TABLE, 'utf8')) as Table;
  return table;
}

function ownOf<Entry>(entries: Readonly<Record<string, Entry>>, name: string): Entry {
  const entry = Object.hasOwn(entries, name) ? entries[name] : undefined;
  if (entry === undefined) throw new PosternError('RESOURCE_INVALID', `no message type ${name.slice(0, 300)}`);
  return entry;
}

/** `ignore_http_11_upgrade` is `ignoreHttp11Upgrade`. */
function jsonName(name: string): string {
  return name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
