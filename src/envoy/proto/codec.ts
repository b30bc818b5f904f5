// Encodes resources from strict ProtoJSON (as Envoy's documentation writes it) to protobuf bytes, and decodes them.
// Must not: print what a resource holds (it may be a private key), nor accept what the schema does not know.

import protobuf from 'protobufjs/minimal.js';
import { PosternError } from '../../errors.ts';
import { memoizeByIdentity } from '../../memoize.ts';
import { type Field, messageType } from './message-types.ts';
import { fieldsOf, jsonOf } from './read-message.ts';
import type { ResourceJson } from './types.gen.ts';
import { messageBytes } from './write-message.ts';

type Json = Readonly<Record<string, unknown>>;

const LENGTH_DELIMITED = 2;

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
  field: Field,
  list: readonly object[],
  what: string,
): Pick<Required<EncodedResource>, 'body' | 'fragments'> {
  const { named } = messageType(typeUrl);
  const comesBefore = ([name]: readonly [string, unknown]): boolean => (named.get(name)?.id ?? field.id) < field.id;
  const entries = Object.entries(content).filter(([name]) => name !== field.name);
  const head = encodeMessage(typeUrl, Object.fromEntries(entries.filter(comesBefore)), what);
  const tail = encodeMessage(typeUrl, Object.fromEntries(entries.filter((entry) => !comesBefore(entry))), what);
  const fragments = list.map((item) => encodeFragment(item, field, `${what}: ${field.name}`));
  return {
    body: Buffer.concat([head, ...fragments.map(({ tagged }) => tagged), tail]),
    fragments: { field: field.name, frame: Buffer.concat([head, tail]), list: fragments },
  };
}

const encodeFragment = memoizeByIdentity((json: object, field: Field, what: string): EncodedFragment => {
  const writer = protobuf.Writer.create();
  const bytes = encodeMessage(field.type, json, what);
  const tagged = Buffer.from(
    writer
      .uint32((field.id << 3) | LENGTH_DELIMITED)
      .bytes(bytes)
      .finish(),
  );
  return { bytes: tagged.subarray(tagged.length - bytes.length), tagged };
});

function messageField(typeUrl: string, name: string): Field {
  const field = messageType(typeUrl).named.get(name);
  if (field === undefined || !field.repeated || field.kind !== 'message')
    throw new Error(`${name} of ${typeUrl} is no list of messages`);
  return field;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** The bytes of a message of any type of ours, from ProtoJSON; `what` names it in an error. */
export function encodeMessage(type: string, json: unknown, what = type): Buffer {
  const known = messageType(type);
  try {
    return messageBytes(known, json);
  } catch (error) {
    throw new PosternError('RESOURCE_INVALID', `${what}: ${withoutKeys(error instanceof Error ? error.message : '')}`);
  }
}

/** A resource as ProtoJSON again, nested Anys expanded. Errors: RESOURCE_INVALID for bytes that are not of that type. */
export function decodeResource(typeUrl: string, body: Uint8Array): ResourceJson {
  return { '@type': typeUrl, ...(decodeMessage(typeUrl, body) as object) } as ResourceJson;
}

/** ProtoJSON of a message of any type of ours. */
export function decodeMessage(type: string, bytes: Uint8Array): unknown {
  const known = messageType(type);
  try {
    return jsonOf(known, fieldsOf(known, bytes));
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

/** An error quotes names of fields and enum values alone; a private key can stand where a name is due. */
function withoutKeys(message: string): string {
  return message.includes('-----') ? 'not of its type' : message.slice(0, 300);
}
