// Mistyped keys: what was meant, and one finding for one mistake.
// In: findings. Out: the same with better hints, and without those that follow from another. Must not: hide a mistake.

import { z } from 'zod';
import type { Finding, Path } from '../../errors.ts';
import { nearestName } from '../../nearest-name.ts';

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
export function withSpellingHints(findings: readonly Finding[], schema: z.ZodType): readonly Finding[] {
  const missing = new Set(findings.filter(({ code }) => code === 'MISSING_KEY').map(({ path }) => nameOf(path)));
  const meant = new Set<string>();
  const named = findings.map((finding) => {
    if (finding.code !== 'UNKNOWN_KEY') return finding;
    const parent = finding.path.slice(0, -1);
    const near = nearestName(String(finding.path.at(-1)), keysAt(schema, parent), (key) =>
      missing.has(nameOf([...parent, key])),
    );
    if (near === undefined) return finding;
    meant.add(nameOf([...parent, near]));
    return { ...finding, hint: `did you mean ${near}?` };
  });
  return named.filter(({ code, path }) => code !== 'MISSING_KEY' || !meant.has(nameOf(path)));
}

function nameOf(path: Path): string {
  return JSON.stringify(path);
}
