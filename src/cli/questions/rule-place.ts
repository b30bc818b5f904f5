// The place of a rule: FILE:LINE of it, or of its nearest parent that has a line.
// Must not: point at another rule.

import type { Served } from './served.ts';

export function placeOf(
  name: string | undefined,
  { file, places }: Pick<Served, 'file' | 'places'>,
): string | undefined {
  for (let part = name; part !== undefined && part !== ''; part = parentOf(part)) {
    const line = places[part];
    if (line !== undefined) return `${file}:${line}`;
  }
  return undefined;
}

/** `exports.a.b.consumers.c.allow[0]` → `exports.a.b.consumers.c.allow` → …; the name of an export has dots of its own. */
function parentOf(name: string): string | undefined {
  const cut = name.replace(/(?:\[\d+\]|\.[^.[\]]*)$/, '');
  return cut === name ? undefined : cut;
}
