// Checks Envoy's own validation rules: the `(validate.rules)` options (protoc-gen-validate, PGV) of its protos, as the table of types has them.
// It decodes the encoded bytes, so that it checks what Envoy will receive.
// Must not: skip an unknown rule (it throws), or print a value (it may be a private key).

import { PosternError } from '../../errors.ts';
import { memoizeByIdentity } from '../../memoize.ts';
import type { EncodedFragment, EncodedResource } from './codec.ts';
import { type Field, type MessageType, messageType, NO_RULES, type Rules } from './message-types.ts';
import { violates } from './pgv-rules.ts';
import { type Fields, fieldsOf } from './read-message.ts';
import { ANY } from './write-message.ts';

export interface RuleViolation {
  /** The field, as a path from the resource's root, through the payload of an Any. */
  readonly path: string;
  readonly rule: string;
}

/** Every validation rule that the resource violates. */
export function ruleViolations(resource: EncodedResource): readonly RuleViolation[] {
  const type = messageType(resource.typeUrl);
  const { fragments } = resource;
  if (fragments === undefined) return walkBytes(type, resource.body, '');
  const { field, frame, list } = fragments;
  const fragmentType = messageType(type.named.get(field)?.type ?? '');
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

const fragmentViolations = memoizeByIdentity(({ bytes }: EncodedFragment, type: MessageType) =>
  walkBytes(type, bytes, ''),
);

function walkBytes(type: MessageType, bytes: Uint8Array, at: string): readonly RuleViolation[] {
  const found: RuleViolation[] = [];
  walk(type, fieldsOf(type, bytes, 'ruled'), at, found);
  return found;
}

/** Refuses a resource that Envoy would reject by its rules. Errors: RESOURCE_INVALID. */
export function checkResource(resource: EncodedResource): void {
  const [first, ...more] = ruleViolations(resource);
  if (first === undefined) return;
  const rest = more.length === 0 ? '' : ` (and ${more.length} more)`;
  const kind = resource.typeUrl.split('.').at(-1);
  throw new PosternError('RESOURCE_INVALID', `${kind} ${resource.name}: ${first.path} violates ${first.rule}${rest}`);
}

/** Adds the violations to `found`: tens of thousands of fields have none, and a list for each would cost more than the check. */
function walk(type: MessageType, message: Fields, at: string, found: RuleViolation[]): void {
  if (type.name === ANY) {
    walkAny(message, at, found);
    return;
  }
  for (const oneof of type.required)
    if (!type.fields.some((field) => field.oneof === oneof && isSet(message, field)))
      found.push({ path: join(at, oneof), rule: 'required' });
  for (const field of type.ruled) walkField(field, message, at, found);
}

function walkAny(message: Fields, at: string, found: RuleViolation[]): void {
  const typeUrl = message['type_url'];
  // Envoy takes an Any without a type for an extension without configuration, and ProtoJSON drops the rest of the message.
  if (typeof typeUrl !== 'string' || typeUrl === '') {
    found.push({ path: at, rule: 'any.type_url' });
    return;
  }
  const payload = messageType(typeUrl);
  const value = (message['value'] ?? new Uint8Array()) as Uint8Array;
  walk(payload, fieldsOf(payload, value, 'ruled'), at, found);
}

function walkField(field: Field, message: Fields, at: string, found: RuleViolation[]): void {
  const set = isSet(message, field);
  const { rules } = field;
  // An unset member of a oneof has no value to check.
  if (!set && (field.oneof !== undefined || rules === NO_RULES)) return;
  const path = join(at, field.name);
  const value = set ? message[field.name] : undefined;
  for (const rule of violates(rules, { value, set, field })) found.push({ path, rule });
  if (!set || skips(rules) || field.kind !== 'message') return;
  const type = messageType(field.type);
  const isMany = field.repeated || field.key !== undefined;
  const items = isMany ? Object.values(value as object) : [value];
  for (const [index, item] of items.entries())
    walk(type, item as Fields, items.length > 1 ? `${path}[${index}]` : path, found);
}

function skips(rules: Rules): boolean {
  return (rules['message'] as Fields | undefined)?.['skip'] === true;
}

function isSet(message: Fields, field: Field): boolean {
  if (!Object.hasOwn(message, field.name)) return false;
  const value = message[field.name];
  if (value === null || value === undefined) return false;
  if (Array.isArray(value)) return value.length > 0;
  return field.key === undefined || Object.keys(value).length > 0;
}

function join(at: string, name: string): string {
  return at === '' ? name : `${at}.${name}`;
}
