// YAML text as plain data with positions, and findings about the YAML itself.
// Must not: know any key; let a second document, or a text that is nothing, pass for a configuration.

import { isScalar, type Node } from 'yaml';
import { errorAt } from '../../errors.ts';
import { compose } from './compose.ts';
import { ItemReader, type ReadItems, splitLists } from './incremental.ts';
import { type PositionIndex, PositionWriter } from './positions.ts';
import { hiddenCharacters, type OffsetFinding, syntaxFindings } from './syntax-findings.ts';
import { type Lists, tooDeep, Walk } from './walk.ts';

export interface ParsedYaml {
  /** Undefined when there is nothing to look at. */
  readonly value: unknown;
  readonly findings: readonly OffsetFinding[];
  readonly positions: PositionIndex;
  /** True when what was read may be another tree than the one that was meant. */
  readonly broken: boolean;
}

/** The text as one; whatever is found is found here. */
export function parseYaml(text: string): ParsedYaml {
  return read(text, hiddenCharacters(text), new PositionWriter());
}

/**
 * The text item by item, without those that are among the `last`: exactly what `parseYaml` gives, or undefined when there is
 * nothing to cut, or anything to find.
 */
export function parseItems(text: string, last: ReadItems): (ParsedYaml & { readonly items: ReadItems }) | undefined {
  const cut = splitLists(text);
  if (cut === undefined || hiddenCharacters(text).length > 0) return undefined;
  const reader = new ItemReader(text, cut, last);
  const parsed = read(cut.rest, [], new PositionWriter(), reader);
  return parsed.findings.length === 0 && reader.complete ? { ...parsed, items: reader.items } : undefined;
}

function read(text: string, hidden: readonly OffsetFinding[], positions: PositionWriter, lists?: Lists): ParsedYaml {
  const findings: OffsetFinding[] = [...hidden];
  const nothing = (broken: boolean): ParsedYaml => ({
    value: undefined,
    findings,
    positions: positions.index(),
    broken,
  });
  const composed = compose(text);
  if ('tooDeepAt' in composed) {
    findings.push({ finding: tooDeep([]), offset: composed.tooDeepAt });
    return nothing(true);
  }
  const { errors, warnings } = composed;
  const [document, second] = composed.documents;
  if (document !== undefined) findings.push(...syntaxFindings(text, [...errors, ...warnings]));
  const broken = errors.length > 0;
  if (document === undefined || (isNothing(document.contents) && !broken)) {
    const hint = 'start with apiVersion: postern/v1';
    findings.push({ finding: errorAt('EMPTY', [], 'the file is empty', hint), offset: 0 });
    return nothing(false);
  }
  if (second !== undefined) {
    const finding = errorAt(
      'YAML_SYNTAX',
      [],
      'the file holds a second document',
      'keep one document; remove the line ---',
    );
    findings.push({ finding, offset: second.range?.[0] ?? 0 });
  }
  const value = new Walk(findings, positions, lists && { lists }).node(document.contents, undefined);
  return { value, findings, positions: positions.index(), broken };
}

function isNothing(node: Node | null): boolean {
  return node === null || (isScalar(node) && node.value === null);
}
