// YAML text as plain data with positions.
// In: text. Out: plain values (maps, lists, scalars), where each stands, and findings about the YAML itself.
// Must not: know any key; let a second document, or a text that is nothing, pass for a configuration.

import { isScalar, type Node } from 'yaml';
import { errorAt } from '../errors.ts';
import { type PositionIndex, PositionWriter } from './positions.ts';
import { ListAhead } from './yaml-ahead.ts';
import { type Composed, compose } from './yaml-compose.ts';
import { type Found, syntaxFindings } from './yaml-errors.ts';
import { deceptions } from './yaml-text.ts';
import { tooDeep, Walk } from './yaml-walk.ts';

export interface ParsedYaml {
  /** Undefined when there is nothing to look at. */
  readonly value: unknown;
  readonly found: readonly Found[];
  readonly positions: PositionIndex;
  /** True when what was read may be another tree than the one that was meant. */
  readonly broken: boolean;
}

/** `tokens`: after how many of them finished items are taken out of a list; see `compose`. */
export function parseYaml(text: string, tokens?: number): ParsedYaml {
  const found: Found[] = [...deceptions(text)];
  const positions = new PositionWriter();
  const nothing = (broken: boolean): ParsedYaml => ({ value: undefined, found, positions: positions.index(), broken });
  const lists = new Map<number, ListAhead>();
  const take = (offset: number, items: readonly Node[]): void => {
    const list = lists.get(offset) ?? new ListAhead();
    lists.set(offset, list);
    list.add(items);
  };
  let composed: Composed;
  try {
    composed = compose(text, take, tokens);
  } catch (error) {
    // The composer calls itself for each level.
    if (!(error instanceof RangeError)) throw error;
    found.push({ finding: tooDeep([]), offset: 0 });
    return nothing(true);
  }
  const { errors, warnings } = composed;
  const [document, second] = composed.documents;
  if (document !== undefined) found.push(...syntaxFindings(text, [...errors, ...warnings]));
  const broken = errors.length > 0;
  if (document === undefined || (isNothing(document.contents) && !broken)) {
    const hint = 'start with apiVersion: postern/v1';
    found.push({ finding: errorAt('EMPTY', [], 'the file is empty', hint), offset: 0 });
    return nothing(false);
  }
  if (second !== undefined) {
    const finding = errorAt(
      'YAML_SYNTAX',
      [],
      'the file holds a second document',
      'keep one document; remove the line ---',
    );
    found.push({ finding, offset: second.range?.[0] ?? 0 });
  }
  const value = new Walk(found, positions, lists).node(document.contents, undefined);
  // A list that the walk did not come to stands where no list may stand: the whole text has to be looked at as one.
  if ([...lists.values()].some(({ taken }) => !taken)) return parseYaml(text, Number.POSITIVE_INFINITY);
  return { value, found, positions: positions.index(), broken };
}

function isNothing(node: Node | null): boolean {
  return node === null || (isScalar(node) && node.value === null);
}
