// Encodes resources from strict ProtoJSON (as Envoy's documentation writes it) to protobuf bytes, and decodes them.
// Must not: print what a resource holds (it may be a private key), nor accept what the schema does not know.

import protobuf from 'protobufjs';
import protojson from 'protobufjs/ext/protojson.js';
import { PosternError } from '../../errors.ts';
import { memoizeByIdentity } from '../../memoize.ts';
import { messageRoot } from './message-root.ts';
import type { ResourceJson } from './types.gen.ts';

type Json = Readonly<Record<string, unknown>>;

const LENGTH_DELIMITED = 2;
const TYPE_PREFIX = 'type.googleapis.com/';

/** One resource, encoded: `body` is the value of the Any that carries it. */
export interface EncodedResource {
  readonly typeUrl: string;
  readonly name: string;
  readonly body: Buffer;
  /** Of a type in FRAGMENT_FIELDS: what `body` consists of. */
  readonly fragments?: EncodedFragments;
}

export interface EncodedFragments {
  /** The field that holds the fragments. */
  readonly field: string;
  /** The message without that field. */
  readonly frame: Buffer;
  readonly list: readonly EncodedFragment[];
}

/** One item of the field, and the same with the tag and the length that go before it on the wire. */
export interface EncodedFragment {
  readonly bytes: Buffer;
  readonly tagged: Buffer;
}

/**
 * The repeated field of each large resource whose items (fragments) are built, encoded, checked and searched one by one,
 * so that a change of one grant, import or peer does not cost all of them. A fragment must not be changed once built.
 */
export const FRAGMENT_FIELDS: ReadonlyMap<string, string> = new Map([
  ['type.googleapis.com/envoy.config.route.v3.RouteConfiguration', 'virtual_hosts'],
  ['type.googleapis.com/envoy.config.listener.v3.Listener', 'filter_chains'],
]);

/** Looks a message type up by its full name (`envoy.config.cluster.v3.Cluster`) or type URL. Errors: RESOURCE_INVALID. */
export function messageType(name: string): protobuf.Type {
  try {
    return messageRoot().lookupType(name.startsWith(TYPE_PREFIX) ? name.slice(TYPE_PREFIX.length) : name);
  } catch (error) {
    throw new PosternError('RESOURCE_INVALID', `no message type ${name.slice(0, 300)}`, { cause: error });
  }
}

/**
 * Encodes one resource. Same JSON, same bytes: fields go out in the order of their numbers and maps sorted by key.
 * Errors: RESOURCE_INVALID with the resource's name and the type at fault, for an unknown field, enum value or type, a
 * wrong value, or two members of one oneof (ProtoJSON's own rules, without its permission to ignore unknown fields).
 */
export function encodeResource(json: ResourceJson): EncodedResource {
  const typeUrl = json['@type'];
  const name = resourceName(json);
  const what = `${typeUrl.split('.').at(-1)} ${name}`;
  const content = withoutType(json);
  const field = FRAGMENT_FIELDS.get(typeUrl);
  const list = field === undefined ? undefined : content[field];
  if (field === undefined || !Array.isArray(list) || !list.every(isObject))
    return { typeUrl, name, body: encodeMessage(typeUrl, content, what) };
  return { typeUrl, name, ...encodeInFragments(typeUrl, content, messageField(typeUrl, field), list, what) };
}

/** The same bytes as in one piece: fields in the order of their numbers. */
function encodeInFragments(
  typeUrl: string,
  content: Json,
  field: protobuf.Field,
  list: readonly object[],
  what: string,
): Pick<Required<EncodedResource>, 'body' | 'fragments'> {
  const { fields } = messageType(typeUrl);
  const comesBefore = ([name]: readonly [string, unknown]): boolean => (fields[name]?.id ?? field.id) < field.id;
  const entries = Object.entries(content).filter(([name]) => name !== field.name);
  const head = encodeMessage(typeUrl, Object.fromEntries(entries.filter(comesBefore)), what);
  const tail = encodeMessage(typeUrl, Object.fromEntries(entries.filter((entry) => !comesBefore(entry))), what);
  const fragments = list.map((item) => encodeFragment(item, field, `${what}: ${field.name}`));
  return {
    body: Buffer.concat([head, ...fragments.map(({ tagged }) => tagged), tail]),
    fragments: { field: field.name, frame: Buffer.concat([head, tail]), list: fragments },
  };
}

const encodeFragment = memoizeByIdentity((json: object, field: protobuf.Field, what: string): EncodedFragment => {
  const type = field.resolvedType?.fullName.slice(1) ?? '';
  const writer = protobuf.Writer.create();
  const bytes = encodeMessage(type, json, what);
  const tagged = Buffer.from(
    writer
      .uint32((field.id << 3) | LENGTH_DELIMITED)
      .bytes(bytes)
      .finish(),
  );
  return { bytes: tagged.subarray(tagged.length - bytes.length), tagged };
});

function messageField(typeUrl: string, name: string): protobuf.Field {
  const field = messageType(typeUrl).fields[name]?.resolve();
  if (field === undefined || !field.repeated || !(field.resolvedType instanceof protobuf.Type))
    throw new Error(`${name} of ${typeUrl} is no list of messages`);
  return field;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** The bytes of a message of any type of ours, from ProtoJSON; `what` names it in an error. */
export function encodeMessage(type: string, json: unknown, what = type): Buffer {
  const reflected = messageType(type);
  try {
    return Buffer.from(reflected.encode(protojson.fromJson(reflected, sortMaps(json))).finish());
  } catch (error) {
    throw new PosternError('RESOURCE_INVALID', `${what}: ${withoutValue(error instanceof Error ? error.message : '')}`);
  }
}

/** A resource as ProtoJSON again, nested Anys expanded. Errors: RESOURCE_INVALID for bytes that are not of that type. */
export function decodeResource(typeUrl: string, body: Uint8Array): ResourceJson {
  return { '@type': typeUrl, ...(decodeMessage(typeUrl, body) as object) } as ResourceJson;
}

/** ProtoJSON of a message of any type of ours. */
export function decodeMessage(type: string, bytes: Uint8Array): unknown {
  const reflected = messageType(type);
  try {
    return toSnakeCase(reflected, protojson.toJson(reflected, reflected.decode(bytes)));
  } catch (error) {
    throw new PosternError('RESOURCE_INVALID', `not a ${type}`, { cause: error });
  }
}

/** The name by which a resource is subscribed to. */
export function resourceName(json: ResourceJson): string {
  const name = 'cluster_name' in json ? json.cluster_name : 'name' in json ? json.name : undefined;
  if (name === undefined || name === '')
    throw new PosternError('RESOURCE_INVALID', `a ${json['@type']} without a name`);
  return name;
}

function withoutType({ '@type': _, ...rest }: ResourceJson): Json {
  return rest;
}

/** Map entries are encoded in insertion order, so their keys are sorted here. Message fields are ordered by number. */
function sortMaps(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortMaps);
  if (typeof value !== 'object' || value === null) return value;
  const keys = Object.keys(value).sort();
  return Object.fromEntries(keys.map((key) => [key, sortMaps((value as Record<string, unknown>)[key])]));
}

/** Errors of the reader that end with a name. All others end with the value, which may be a private key. */
const NAMES_WHAT_IT_QUOTES: ReadonlySet<string> = new Set(['unknown field', 'duplicate field', 'unknown enum value']);

/** The reader's message, `where: what: value`, without the value. */
function withoutValue(message: string): string {
  const [where = '', what = '', ...value] = message.split(': ');
  if (message.includes('-----')) return 'not of its type';
  return (value.length === 0 || NAMES_WHAT_IT_QUOTES.has(what) ? message : `${where}: ${what}`).slice(0, 300);
}

/** protojson prints lowerCamelCase, which is valid ProtoJSON; Envoy's documentation and the builders use the proto names. */
function toSnakeCase(type: protobuf.Type, json: unknown): unknown {
  if (typeof json !== 'object' || json === null) return json;
  if (type.fullName.startsWith('.google.protobuf.')) return type.name === 'Any' ? anyToSnakeCase(json) : json;
  const fields = new Map(type.fieldsArray.map((field) => [jsonName(field.name), field]));
  return Object.fromEntries(
    Object.entries(json).map(([key, value]) => {
      const field = fields.get(key) ?? type.fields[key];
      return field === undefined ? [key, value] : [field.name, fieldToSnakeCase(field, value)];
    }),
  );
}

/** Unlike protobufjs' own camelCase, without the underscore before a digit: `ignoreHttp11Upgrade`. */
function jsonName(name: string): string {
  return name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function fieldToSnakeCase(field: protobuf.Field, value: unknown): unknown {
  const type = field.resolve().resolvedType;
  if (!(type instanceof protobuf.Type)) return value;
  if (Array.isArray(value)) return value.map((item) => toSnakeCase(type, item));
  if (field instanceof protobuf.MapField) {
    return Object.fromEntries(Object.entries(value as object).map(([key, item]) => [key, toSnakeCase(type, item)]));
  }
  return toSnakeCase(type, value);
}

function anyToSnakeCase(json: object): unknown {
  const { '@type': typeUrl, ...rest } = json as { '@type': string };
  return { '@type': typeUrl, ...(toSnakeCase(messageType(typeUrl), rest) as object) };
}
