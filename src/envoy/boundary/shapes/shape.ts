// The form that a message must have: which fields it has, which it may have, and what they may hold. All else is refused.
// Must not: know a message of Envoy in particular, or let a field pass because nobody thought of it.

import { memoizeByIdentity } from '../../../memoize.ts';
import type { BoundaryRule } from '../boundary-rules.ts';

/** The rule that a value breaks, or nothing. An absent field is `undefined`. */
export type Shape = (value: unknown) => BoundaryRule | undefined;

type Fields = Readonly<Record<string, Shape>>;

/** What is broken unless `under` says otherwise. */
const UNKNOWN: BoundaryRule = 'KNOWN_FIELDS';

function that(holds: (value: unknown) => boolean): Shape {
  return (value) => (holds(value) ? undefined : UNKNOWN);
}

/** Nothing may be here. */
export const absent: Shape = that((value) => value === undefined);
export const text: Shape = that((value) => typeof value === 'string');
/** ProtoJSON writes 64-bit numbers as text. */
export const number: Shape = that((value) => Number.isFinite(typeof value === 'string' ? Number(value) : value));
export const duration: Shape = that((value) => typeof value === 'string' && /^\d+(?:\.\d+)?s$/.test(value));

/** This time, however many digits ProtoJSON writes: `1.5s`, `1.500s`. */
export function lasts(seconds: number): Shape {
  return (value) => duration(value) ?? is(seconds)(Number.parseFloat(String(value)));
}

/** This number; ProtoJSON writes one of 64 bits as text. */
export function amount(of: number): Shape {
  return is(of, String(of));
}

export function matching(form: RegExp): Shape {
  return that((value) => typeof value === 'string' && form.test(value));
}

/** One of these values. An encoded message does not have a field whose value is false, 0 or empty. */
export function is(...allowed: readonly unknown[]): Shape {
  const values = new Set(allowed.some((value) => !value) ? [...allowed, undefined] : allowed);
  return that((value) => values.has(value));
}

/** A message with all of these fields, and of the optional ones any. */
export function message(required: Fields, optional: Fields = {}): Shape {
  const fields = new Map(Object.entries({ ...required, ...optional }));
  const needed = Object.entries(required);
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return UNKNOWN;
    const given = value as Readonly<Record<string, unknown>>;
    for (const field of Object.keys(given)) {
      const shape = fields.get(field);
      const fault = shape === undefined ? UNKNOWN : shape(given[field]);
      if (fault !== undefined) return fault;
    }
    for (const [field, shape] of needed) {
      const fault = Object.hasOwn(given, field) ? undefined : shape(undefined);
      if (fault !== undefined) return fault;
    }
    return undefined;
  };
}

/** A message in an Any. */
export function typed(type: string, required: Fields = {}, optional: Fields = {}): Shape {
  return message({ '@type': is(`type.googleapis.com/${type}`), ...required }, optional);
}

export function extension(name: string, config: Shape): Shape {
  return message({ name: is(name), typed_config: config });
}

/** A message with exactly one of these fields. */
export function oneField(fields: Fields): Shape {
  const whole = message({}, fields);
  return (value) =>
    typeof value === 'object' && value !== null && Object.keys(value).length === 1 ? whole(value) : UNKNOWN;
}

/** A list, not empty, of any number of such items. */
export function listOf(item: Shape): Shape {
  return (value) => (Array.isArray(value) && value.length > 0 ? firstFault(value.map((one) => item(one))) : UNKNOWN);
}

/** A list of exactly these items, in this order. */
export function sequence(...items: readonly Shape[]): Shape {
  return (value) =>
    Array.isArray(value) && value.length === items.length
      ? firstFault(items.map((item, index) => item(value[index])))
      : UNKNOWN;
}

/** A map with such keys and values. */
export function mapOf(key: RegExp, item: Shape): Shape {
  return (value) => {
    if (typeof value !== 'object' || value === null) return UNKNOWN;
    return firstFault(Object.entries(value).map(([name, content]) => (key.test(name) ? item(content) : UNKNOWN)));
  };
}

/** Any of these shapes; the fault is that of the last. */
export function either(...shapes: readonly Shape[]): Shape {
  return (value) => {
    let fault: BoundaryRule | undefined = UNKNOWN;
    for (const shape of shapes) {
      fault = shape(value);
      if (fault === undefined) return undefined;
    }
    return fault;
  };
}

/** The shape that a message has by what it says of itself; its faults are the faults. */
export function chosen(choose: (given: Readonly<Record<string, unknown>>) => Shape): Shape {
  return (value) =>
    typeof value === 'object' && value !== null ? choose(value as Readonly<Record<string, unknown>>)(value) : UNKNOWN;
}

/** The shape, with another rule for what it does not know. */
export function under(rule: BoundaryRule, shape: Shape): Shape {
  return (value) => {
    const fault = shape(value);
    return fault === UNKNOWN ? rule : fault;
  };
}

/** The shape, tried once for each object: a message that many resources share, or that stays when its resource changes. */
export function once(shape: Shape): Shape {
  const known = memoizeByIdentity((value: object) => shape(value));
  return (value) => (typeof value === 'object' && value !== null ? known(value) : shape(value));
}

/** A shape that refers to itself. */
export function recursive(define: (self: Shape) => Shape): Shape {
  const shape: Shape = define((value) => shape(value));
  return shape;
}

function firstFault(faults: readonly (BoundaryRule | undefined)[]): BoundaryRule | undefined {
  return faults.find((fault) => fault !== undefined);
}
