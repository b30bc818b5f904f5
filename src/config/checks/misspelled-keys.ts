// Mistyped keys: what was meant, and one finding for one mistake.
// Must not: hide a mistake.

import type { z } from 'zod';
import type { Finding, Path } from '../../errors.ts';
import { nearestName } from '../../nearest-name.ts';
import { keysAt } from './schema-at.ts';

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
