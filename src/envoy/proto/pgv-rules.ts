// The kinds of `(validate.rules)` (protoc-gen-validate) that occur in Envoy's protos, each as a predicate on one value.
// Must not: walk into messages (pgv.ts does); an unknown kind throws, because a skipped rule would be a silent pass.

import { enumType, type Field, messageType, type Rules, scalarTypeOf } from './message-types.ts';
import { defaultOf } from './scalars.ts';

export interface Subject {
  readonly value: unknown;
  readonly set: boolean;
  readonly field: Field;
}

const NUMERIC = new Set(['uint32', 'uint64', 'int32', 'int64', 'double', 'float']);
const BOUNDS = new Set(['gt', 'gte', 'lt', 'lte']);
const WRAPPER = /^google\.protobuf\.\w+Value$/;

/** The broken rules of one field, as `kind.rule`. */
export function violates(rules: Rules, subject: Subject): readonly string[] {
  return Object.entries(rules).flatMap(([kind, rule]) =>
    violatesKind(kind, rule as Rules, subject).map((name) => `${kind}.${name}`),
  );
}

function violatesKind(kind: string, rule: Rules, subject: Subject): readonly string[] {
  if (kind === 'message') return rule['required'] === true && !subject.set ? ['required'] : [];
  if (kind === 'repeated') return violatesList(rule, subject);
  if (kind === 'map') return violatesMap(rule, subject);
  const value = plainValue(subject);
  if (kind === 'any') return rule['required'] === true && !subject.set ? ['required'] : [];
  if (kind === 'duration') return violatesDuration(rule, subject);
  // Wrapped scalars that are absent have nothing to check; plain proto3 scalars always have a value.
  if (value === undefined) return [];
  return violatesScalar(kind, rule, value, subject.field);
}

function violatesScalar(kind: string, rule: Rules, value: unknown, field: Field): readonly string[] {
  if (rule['ignore_empty'] === true && (value === '' || value === 0)) return [];
  const broken = Object.entries(rule).flatMap(([name, bound]) =>
    holds(kind, name, bound, value, rule, field) ? [] : [name],
  );
  return NUMERIC.has(kind) ? eitherSide(rule, Number, broken) : broken;
}

/** A lower bound above the upper one allows values on either side of the gap (`0s, or at least 1ms`). */
function eitherSide(rule: Rules, numberOf: (bound: unknown) => number, broken: readonly string[]): readonly string[] {
  const [lower, upper] = [rule['gte'] ?? rule['gt'], rule['lte'] ?? rule['lt']];
  if (lower === undefined || upper === undefined || numberOf(lower) <= numberOf(upper)) return broken;
  const bounds = broken.filter((name) => BOUNDS.has(name));
  return bounds.length === 1 ? broken.filter((name) => !BOUNDS.has(name)) : broken;
}

function holds(kind: string, name: string, bound: unknown, value: unknown, rule: Rules, field: Field): boolean {
  if (name === 'ignore_empty' || name === 'strict') return true;
  if (name === 'const') return value === bound;
  if (name === 'in') return list(bound).includes(value);
  if (name === 'not_in') return !list(bound).includes(value);
  if (NUMERIC.has(kind)) return holdsNumber(name, Number(bound), Number(value));
  if (kind === 'string') return holdsString(name, bound, String(value), rule['strict'] !== false);
  if (kind === 'bytes') return holdsLength(name, Number(bound), (value as Uint8Array).length);
  if (kind === 'enum' && name === 'defined_only') {
    return field.kind === 'enum' && enumType(field.type).names.has(value as number);
  }
  throw new Error(`unknown validation rule ${kind}.${name} on ${field.fullName}`);
}

function holdsNumber(name: string, bound: number, value: number): boolean {
  switch (name) {
    case 'gt':
      return value > bound;
    case 'gte':
      return value >= bound;
    case 'lt':
      return value < bound;
    case 'lte':
      return value <= bound;
    default:
      throw new Error(`unknown numeric validation rule ${name}`);
  }
}

function holdsLength(name: string, bound: number, length: number): boolean {
  if (name === 'min_len' || name === 'min_bytes') return length >= bound;
  if (name === 'max_len' || name === 'max_bytes') return length <= bound;
  throw new Error(`unknown length validation rule ${name}`);
}

function holdsString(name: string, bound: unknown, value: string, strict: boolean): boolean {
  switch (name) {
    case 'min_len':
    case 'max_len':
      return holdsLength(name, Number(bound), [...value].length);
    case 'min_bytes':
    case 'max_bytes':
      return holdsLength(name, Number(bound), Buffer.byteLength(value));
    case 'prefix':
      return value.startsWith(String(bound));
    case 'suffix':
      return value.endsWith(String(bound));
    case 'pattern':
      return new RegExp(String(bound), 'u').test(value);
    case 'well_known_regex':
      return holdsHeader(String(bound), value, strict);
    default:
      throw new Error(`unknown string validation rule ${name}`);
  }
}

/** protoc-gen-validate's header rules; not strict forbids only NUL, CR and LF. */
function holdsHeader(kind: string, value: string, strict: boolean): boolean {
  const hasControl = [...value].some((char) => char === '\0' || char === '\r' || char === '\n');
  if (!strict) return !hasControl;
  if (kind === 'HTTP_HEADER_NAME') return /^:?[0-9a-zA-Z!#$%&'*+\-.^_|~`]*$/.test(value);
  if (kind === 'HTTP_HEADER_VALUE') return ![...value].some((char) => char !== '\t' && (char < ' ' || char === '\x7f'));
  throw new Error(`unknown well-known expression ${kind}`);
}

function violatesList(rule: Rules, { value, field }: Subject): readonly string[] {
  const items = (value ?? []) as readonly unknown[];
  return Object.entries(rule).flatMap(([name, bound]) => {
    switch (name) {
      case 'min_items':
        return items.length >= Number(bound) ? [] : [name];
      case 'max_items':
        return items.length <= Number(bound) ? [] : [name];
      case 'unique':
        return new Set(items).size === items.length ? [] : [name];
      case 'items':
        return items.flatMap((item) => violatesItem(name, bound as Rules, item, field));
      default:
        throw new Error(`unknown list validation rule ${name} on ${field.fullName}`);
    }
  });
}

function violatesItem(part: string, rules: Rules, value: unknown, field: Field): readonly string[] {
  return Object.entries(rules).flatMap(([kind, rule]) => {
    if (kind === 'message') return value === undefined ? [`${part}.message`] : [];
    return violatesScalar(kind, rule as Rules, value, field).map((name) => `${part}.${kind}.${name}`);
  });
}

function violatesMap(rule: Rules, { value, field }: Subject): readonly string[] {
  const keys = Object.keys((value ?? {}) as object);
  return Object.entries(rule).flatMap(([name, bound]) => {
    if (name === 'min_pairs') return keys.length >= Number(bound) ? [] : [name];
    if (name === 'keys') return keys.flatMap((key) => violatesItem(name, bound as Rules, key, field));
    throw new Error(`unknown map validation rule ${name} on ${field.fullName}`);
  });
}

function violatesDuration(rule: Rules, { value, set }: Subject): readonly string[] {
  if (!set) return rule['required'] === true ? ['required'] : [];
  const nanos = nanosOf(value as Rules);
  const broken = Object.entries(rule).flatMap(([name, bound]) => {
    if (name === 'required') return [];
    return holdsNumber(name, nanosOf(bound as Rules), nanos) ? [] : [name];
  });
  return eitherSide(rule, (bound) => nanosOf(bound as Rules), broken);
}

function nanosOf(duration: Rules): number {
  return Number(duration['seconds'] ?? 0) * 1e9 + Number(duration['nanos'] ?? 0);
}

/** The scalar that a rule applies to: a wrapper's value, a proto3 default, or undefined for an absent wrapper. */
function plainValue({ value, set, field }: Subject): unknown {
  if (field.kind === 'message' && WRAPPER.test(field.type)) {
    const wrapped = messageType(field.type).named.get('value');
    return set ? ((value as Rules)['value'] ?? (wrapped && unsetValue(wrapped))) : undefined;
  }
  return set ? value : unsetValue(field);
}

function unsetValue(field: Field): unknown {
  if (field.kind === 'message') return undefined;
  return defaultOf(scalarTypeOf(field));
}

function list(bound: unknown): readonly unknown[] {
  return Array.isArray(bound) ? bound : [bound];
}
