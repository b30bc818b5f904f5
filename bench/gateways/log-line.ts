// The log of the hand-written gateway: what it takes to write a line of the same content as ours.
// Must not: have a field that our line does not have; nobody writes by hand what is always empty.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Envoy } from './envoys.ts';
import type { Json } from './hand-written.ts';

type Format = Readonly<Record<string, string>>;

/** What only our configuration has: there, a word in the format says the same. */
const OUR_OWN = /%(?:METADATA|FILTER_STATE|COALESCE|CEL|DYNAMIC_METADATA\((?!envoy\.filters\.http\.rbac))/;

/** The fields of the last line that this Envoy has written of a request. Errors: it has written none. */
export async function sameLine(listeners: readonly Json[], envoy: Envoy): Promise<Format> {
  for (let tries = 0; tries < 100; tries += 1) {
    const line = envoy.takeLog().findLast(({ layer }) => layer === 'http');
    if (line !== undefined) return fieldsOf(line, formats(listeners));
    await sleep(50);
  }
  throw new Error('a request that is in no log');
}

function fieldsOf(line: Json, all: readonly Format[]): Format {
  const fitting = all.filter((format) => Object.keys(line).every((key) => key in format));
  const [format] = fitting.sort((a, b) => Object.keys(a).length - Object.keys(b).length);
  if (format === undefined) throw new Error('a log line of another format than the configuration has');
  const field = (key: string, value: unknown): string => {
    const written = format[key] ?? '';
    return OUR_OWN.test(written) ? String(value) : written;
  };
  return Object.fromEntries(Object.entries(line).map(([key, value]) => [key, field(key, value)]));
}

/** Every format in a configuration. */
function formats(json: unknown): readonly Format[] {
  if (Array.isArray(json)) return json.flatMap(formats);
  if (typeof json !== 'object' || json === null) return [];
  return Object.entries(json).flatMap(([key, item]) => (key === 'json_format' ? [item as Format] : formats(item)));
}
