// Mistyped keys: what was meant, and one finding for one mistake.
// In: findings. Out: the same with better hints, and without those that follow from another. Must not: hide a mistake.

import { z } from 'zod';
import type { Finding, Path } from '../../errors.ts';

/** Keys that the schema takes in the map at `path`. */
export function keysAt(schema: z.ZodType, path: Path): readonly string[] {
  if (schema instanceof z.ZodOptional) return keysAt(schema.unwrap() as z.ZodType, path);
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((option) => keysAt(option as z.ZodType, path));
  const [step, ...rest] = path;
  if (schema instanceof z.ZodObject) {
    if (step === undefined) return Object.keys(schema.shape);
    const member = typeof step === 'string' && Object.hasOwn(schema.shape, step) ? schema.shape[step] : undefined;
    return member === undefined ? [] : keysAt(member as z.ZodType, rest);
  }
  if (step === undefined) return [];
  if (schema instanceof z.ZodArray) return keysAt(schema.element as z.ZodType, rest);
  return schema instanceof z.ZodRecord ? keysAt(schema.valueType as z.ZodType, rest) : [];
}

/** A mistyped key is one mistake, not two: its hint names the key that was meant, and that one is not missing as well. */
export function spelled(findings: readonly Finding[], schema: z.ZodType): readonly Finding[] {
  const missing = new Set(findings.filter(({ code }) => code === 'MISSING_KEY').map(({ path }) => nameOf(path)));
  const meant = new Set<string>();
  const named = findings.map((finding) => {
    if (finding.code !== 'UNKNOWN_KEY') return finding;
    const parent = finding.path.slice(0, -1);
    const near = nearest(String(finding.path.at(-1)), keysAt(schema, parent), (key) =>
      missing.has(nameOf([...parent, key])),
    );
    if (near === undefined) return finding;
    meant.add(nameOf([...parent, near]));
    return { ...finding, hint: `did you mean ${near}?` };
  });
  return named.filter(({ code, path }) => code !== 'MISSING_KEY' || !meant.has(nameOf(path)));
}

/** The key that is most like `name`; of two that are equally like it, the one that is missing. */
function nearest(name: string, keys: readonly string[], isMissing: (key: string) => boolean): string | undefined {
  let [best, least]: [string | undefined, number] = [undefined, Number.POSITIVE_INFINITY];
  for (const key of keys) {
    const away = distance(key, name);
    // Of a short word, two letters are all.
    if (away > Math.min(2, Math.floor(Math.max(key.length, name.length) / 2))) continue;
    const rank = isMissing(key) ? away - 0.5 : away;
    if (rank < least) [best, least] = [key, rank];
  }
  return best;
}

function nameOf(path: Path): string {
  return JSON.stringify(path);
}

/** Edit distance, of short keys. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2 || a.length > 40) return 3;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + cost));
    }
    row = next;
  }
  return row[b.length] ?? 3;
}
