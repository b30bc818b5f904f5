// The place of a rule: FILE:LINE of it, or of its nearest parent that has a line.
// Must not: point at another rule.

import type { Served } from './served.ts';

export function placeOf(
  name: string | undefined,
  { file, places }: Pick<Served, 'file' | 'places'>,
): string | undefined {
  if (name === undefined) return undefined;
  for (
    let part: string | undefined = writtenLimit(name, places);
    part !== undefined && part !== '';
    part = parentOf(part)
  ) {
    const line = places[part];
    if (line !== undefined) return `${file}:${line}`;
  }
  return undefined;
}

/** A limit of a consumer that has no line of its own, and that the export sets for it, by the key of the export. */
export function writtenLimit(name: string, places: Served['places']): string {
  const ofExport = name.replace(/^(exports\..*)\.consumers\.[^.]+(\.limits\.[^.]+)$/, '$1$2');
  return !Object.hasOwn(places, name) && Object.hasOwn(places, ofExport) ? ofExport : name;
}

/** `exports.a.b.consumers.c.allow[0]` → `exports.a.b.consumers.c.allow` → …; the name of an export has dots of its own. */
function parentOf(name: string): string | undefined {
  const cut = name.replace(/(?:\[\d+\]|\.[^.[\]]*)$/, '');
  return cut === name ? undefined : cut;
}
