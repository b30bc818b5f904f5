// Checks Envoy's own validation rules: the `(validate.rules)` options (protoc-gen-validate, PGV) of its protos, by reflection.
// It decodes the encoded bytes, so that it checks what Envoy will receive.
// Must not: skip an unknown rule (it throws), or print a value (it may be a private key).

import protobuf from 'protobufjs';
import { PosternError } from '../../errors.ts';
import { memoizeByIdentity } from '../../memoize.ts';
import { type EncodedFragment, type EncodedResource, messageType } from './codec.ts';
import { type Rules, violates } from './pgv-rules.ts';

export interface RuleViolation {
  /** The field, as a path from the resource's root, through the payload of an Any. */
  readonly path: string;
  readonly rule: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** Every validation rule that the resource violates. */
export function ruleViolations(resource: EncodedResource): readonly RuleViolation[] {
  const type = messageType(resource.typeUrl);
  const { fragments } = resource;
  if (fragments === undefined) return walkBytes(type, resource.body, '');
  const { field, frame, list } = fragments;
  const fragmentType = type.fields[field]?.resolve().resolvedType;
  if (!(fragmentType instanceof protobuf.Type)) throw new Error(`${field} of ${resource.typeUrl} is no message`);
  return [
    ...walkBytes(type, frame, ''),
    ...list.flatMap((fragment, index) =>
      fragmentViolations(fragment, fragmentType).map(({ path, rule }) => ({
        path: `${field}[${index}].${path}`,
        rule,
      })),
    ),
  ];
}

const fragmentViolations = memoizeByIdentity(({ bytes }: EncodedFragment, type: protobuf.Type) =>
  walkBytes(type, bytes, ''),
);

function walkBytes(type: protobuf.Type, bytes: Buffer, at: string): readonly RuleViolation[] {
  return walk(type, type.decode(bytes) as unknown as Fields, at);
}

/** Refuses a resource that Envoy would reject by its rules. Errors: RESOURCE_INVALID. */
export function checkResource(resource: EncodedResource): void {
  const [first, ...more] = ruleViolations(resource);
  if (first === undefined) return;
  const rest = more.length === 0 ? '' : ` (and ${more.length} more)`;
  const kind = resource.typeUrl.split('.').at(-1);
  throw new PosternError('RESOURCE_INVALID', `${kind} ${resource.name}: ${first.path} violates ${first.rule}${rest}`);
}

function walk(type: protobuf.Type, message: Fields, at: string): readonly RuleViolation[] {
  if (type.fullName === '.google.protobuf.Any') return walkAny(message, at);
  return [
    ...type.oneofsArray.flatMap((oneof) =>
      oneof.options?.['(validate.required)'] === true && !oneof.fieldsArray.some((field) => isSet(message, field))
        ? [{ path: join(at, oneof.name), rule: 'required' }]
        : [],
    ),
    ...type.fieldsArray.flatMap((field) => walkField(field.resolve(), message, join(at, field.name))),
  ];
}

function walkAny(message: Fields, at: string): readonly RuleViolation[] {
  const typeUrl = message['type_url'];
  // Envoy takes an Any without a type for an extension without configuration, and ProtoJSON drops the rest of the message.
  if (typeof typeUrl !== 'string' || typeUrl === '') return [{ path: at, rule: 'any.type_url' }];
  const payload = messageType(typeUrl);
  return walkBytes(payload, message['value'] as Buffer, at);
}

function walkField(field: protobuf.Field, message: Fields, path: string): readonly RuleViolation[] {
  const set = isSet(message, field);
  const rules = (field.options?.['(validate.rules)'] ?? {}) as Rules;
  // An unset member of a oneof has no value to check.
  if (!set && field.partOf !== null) return [];
  const value = set ? message[field.name] : undefined;
  const violated = violates(rules, { value, set, field }).map((rule) => ({ path, rule }));
  if (!set || skips(rules) || !(field.resolvedType instanceof protobuf.Type)) return violated;
  const type = field.resolvedType;
  const items = field.repeated ? (value as readonly Fields[]) : field.map ? Object.values(value as object) : [value];
  return [
    ...violated,
    ...items.flatMap((item, index) => walk(type, item as Fields, items.length > 1 ? `${path}[${index}]` : path)),
  ];
}

function skips(rules: Rules): boolean {
  return (rules['message'] as Fields | undefined)?.['skip'] === true;
}

function isSet(message: Fields, field: protobuf.Field): boolean {
  if (!Object.hasOwn(message, field.name)) return false;
  const value = message[field.name];
  if (value === null || value === undefined) return false;
  if (Array.isArray(value)) return value.length > 0;
  return field.map ? Object.keys(value).length > 0 : true;
}

function join(at: string, name: string): string {
  return at === '' ? name : `${at}.${name}`;
}
