// Findings that only follow from another one, which are left out.
// Must not: leave out a finding whose cause is not reported.

import type { Finding } from '../../errors.ts';
import type { ParsedYaml } from '../yaml/read-yaml.ts';

/** What a key or value may wrongly be when the text around it was read as another tree than the one that was meant. */
const STRUCTURE: ReadonlySet<string> = new Set(['MISSING_KEY', 'UNKNOWN_KEY', 'WRONG_TYPE', 'EMPTY']);

/**
 * The findings of the YAML and of the shape, without:
 * - a second one of the same code at the same path;
 * - those of the shape about a value that was refused as YAML, and weak ones of the YAML where the shape has one;
 * - in a broken text, those of the structure.
 */
export function withoutConsequences({ findings, broken }: ParsedYaml, ofShape: readonly Finding[]): readonly Finding[] {
  const shapePaths = new Set(ofShape.map(pathOf));
  const ofYaml = findings
    .filter(({ weak, finding }) => !(weak && shapePaths.has(pathOf(finding))))
    .map(({ finding }) => finding)
    .filter((finding) => !(broken && isAboutStructure(finding)));
  const refused = new Set(ofYaml.filter(isAboutValue).map(pathOf));
  const seen = new Set<string>();
  const others = ofShape.filter((finding) => {
    const [path, codeAndPath] = [pathOf(finding), `${finding.code} ${pathOf(finding)}`];
    if (refused.has(path) || seen.has(codeAndPath) || (broken && isAboutStructure(finding))) return false;
    seen.add(codeAndPath);
    return true;
  });
  return [...ofYaml, ...others];
}

/** With a wrong indentation, a key of `peers` may belong to another map. */
function isAboutStructure({ code, atKey }: Finding): boolean {
  return STRUCTURE.has(code) || atKey === true;
}

function isAboutValue({ code, path }: Finding): boolean {
  return path.length > 0 && code !== 'YAML_DUPLICATE_KEY' && code !== 'UNKNOWN_KEY';
}

function pathOf({ path }: Finding): string {
  return JSON.stringify(path);
}
