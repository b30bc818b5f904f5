// The place of a rule: FILE:LINE of it, or of its nearest parent that has a line.
// Must not: point at another rule. Several imports may have the name of one export; then the name of a rule alone has no line.

import { importKey } from '../../config/rule-places.ts';
import type { Decision } from '../../decision/answer/decision.ts';
import type { Served } from './served.ts';

type Import = Served['names']['imports'][number];

/** `imports`: those that it may be a rule of. */
export function placeOf(
  name: string | undefined,
  { file, places, names }: Pick<Served, 'file' | 'places' | 'names'>,
  imports: readonly Import[] = names.imports,
): string | undefined {
  if (name === undefined) return undefined;
  const written = writtenLimit(name, places);
  const known = name.startsWith('imports.')
    ? ofImport(name, imports)
    : withParents(written).filter((part) => !isOtherExport(written, part));
  const line = known.map((part) => places[part]).find((found) => found !== undefined);
  return line === undefined ? undefined : `${file}:${line}`;
}

/** The imports that a decision has come by, as its steps name them. */
export function importsOf({ steps }: Pick<Decision, 'steps'>, { names }: Pick<Served, 'names'>): readonly Import[] {
  const found = names.imports.filter((one) =>
    steps.some(({ source = '' }) => restOfImport(source, importKey(one)) !== undefined),
  );
  return found.length === 0 ? names.imports : found;
}

/** A limit of a consumer that has no line of its own, and that the export sets for it, by the key of the export. */
export function writtenLimit(name: string, places: Served['places']): string {
  const ofExport = name.replace(/^(exports\..*)\.consumers\.[^.]+(\.limits\.[^.]+)$/, '$1$2');
  return !Object.hasOwn(places, name) && Object.hasOwn(places, ofExport) ? ofExport : name;
}

/** By the local name and port, which no two imports share; none when several imports have the name. */
function ofImport(name: string, imports: readonly Import[]): readonly string[] {
  const found = new Map(
    imports.flatMap((one) =>
      [`imports.${one.name}`, importKey(one)].flatMap((base) => {
        const rest = restOfImport(name, base);
        return rest === undefined ? [] : [[`${importKey(one)}${rest}`, importKey(one)] as const];
      }),
    ),
  );
  const [only, ...others] = found;
  return only === undefined || others.length > 0 ? [] : only;
}

/** What follows the import in the name of one of its rules. */
function restOfImport(name: string, base: string): string | undefined {
  const rest = name.slice(base.length);
  return name.startsWith(base) && /^(?:\.clients|\.limits\.[^.]+)?$/.test(rest) ? rest : undefined;
}

/** `exports.a.b.consumers.c.allow[0]` → `exports.a.b.consumers.c.allow` → …; the name of an export has dots of its own. */
function withParents(name: string): readonly string[] {
  const cut = name.replace(/(?:\[\d+\]|\.[^.[\]]*)$/, '');
  return cut === name ? [name] : [name, ...withParents(cut)];
}

/** Of the export `a.b`, which is not there any more, the export `a` is no part. */
function isOtherExport(name: string, part: string): boolean {
  if (!name.startsWith('exports.')) return false;
  return !/^(?:$|\.(?:consumers|backend|limits)(?:\.|$))/.test(name.slice(part.length)) && !/\.consumers\./.test(part);
}
