// The messages that ProtoJSON writes in a form of their own: a Duration as "1.5s", a wrapper as its value, a Struct as an object.
// An Any is not among them: it needs the codec.
// Must not: quote a value in an error: it may be a private key.

import { InvalidValue } from './scalars.ts';

type Json = Readonly<Record<string, unknown>>;

interface WellKnown {
  /** The form of its own as the message that it stands for. Errors: InvalidValue. */
  readonly expand: (json: unknown) => Json;
  /** The message, its fields already in their JSON forms, in the form of its own. */
  readonly collapse: (message: Json) => unknown;
}

const MAX_DURATION_SECONDS = 315_576_000_000;

/** Without an entry, a message is written as it is. */
export const WELL_KNOWN: ReadonlyMap<string, WellKnown> = new Map<string, WellKnown>([
  ['google.protobuf.Duration', { expand: expandDuration, collapse: collapseDuration }],
  ['google.protobuf.Timestamp', { expand: refuseTimestamp, collapse: refuseTimestamp }],
  ['google.protobuf.Struct', { expand: expandStruct, collapse: ({ fields = {} }) => fields }],
  ['google.protobuf.ListValue', { expand: (values) => ({ values }), collapse: ({ values = [] }) => values }],
  ['google.protobuf.Value', { expand: expandValue, collapse: collapseValue }],
  ...wrappers(['DoubleValue', 'FloatValue', 'Int32Value', 'UInt32Value'], 0),
  ...wrappers(['Int64Value', 'UInt64Value'], '0'),
  ...wrappers(['StringValue', 'BytesValue'], ''),
  ...wrappers(['BoolValue'], false),
]);

function wrappers(names: readonly string[], unset: unknown): readonly (readonly [string, WellKnown])[] {
  const form = { expand: (value: unknown) => ({ value }), collapse: ({ value = unset }: Json) => value };
  return names.map((name) => [`google.protobuf.${name}`, form]);
}

function expandDuration(json: unknown): Json {
  const where = 'google.protobuf.Duration';
  const match = typeof json === 'string' ? /^(-?)(\d+)(?:\.(\d{1,9}))?s$/.exec(json) : null;
  if (match === null) throw new InvalidValue(where, 'expected a number of seconds, as "1.5s"');
  const [, sign = '', whole = '', fraction = ''] = match;
  const seconds = Number(whole);
  if (seconds > MAX_DURATION_SECONDS) throw new InvalidValue(where, 'out of range');
  const nanos = Number(fraction.padEnd(9, '0'));
  return sign === '-' ? { seconds: -seconds, nanos: -nanos } : { seconds, nanos };
}

/** With as many decimals as it needs, in threes. */
function collapseDuration({ seconds = 0, nanos = 0 }: Json): string {
  const [whole, billionths] = [Number(seconds), Number(nanos)];
  const fraction = String(Math.abs(billionths))
    .padStart(9, '0')
    .replace(/(?:000){1,2}$/, '');
  const sign = whole < 0 || billionths < 0 ? '-' : '';
  return `${sign}${Math.abs(whole)}${billionths === 0 ? '' : `.${fraction}`}s`;
}

/** No resource of ours holds one. */
function refuseTimestamp(): never {
  throw new InvalidValue('google.protobuf.Timestamp', 'is not supported');
}

function expandStruct(json: unknown): Json {
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new InvalidValue('google.protobuf.Struct', 'expected object');
  return { fields: json };
}

function expandValue(json: unknown): Json {
  if (json === null) return { nullValue: 'NULL_VALUE' };
  if (Array.isArray(json)) return { listValue: json };
  switch (typeof json) {
    case 'number':
      if (!Number.isFinite(json)) throw new InvalidValue('google.protobuf.Value', 'number out of range');
      return { numberValue: json };
    case 'string':
      return { stringValue: json };
    case 'boolean':
      return { boolValue: json };
    case 'object':
      return { structValue: json };
    default:
      throw new InvalidValue('google.protobuf.Value', 'expected a value of JSON');
  }
}

function collapseValue(message: Json): unknown {
  return 'nullValue' in message ? null : (Object.values(message)[0] ?? null);
}
