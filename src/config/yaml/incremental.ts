// Items of lists, each read by itself; those that stood in the last text as well are not read again.
// In: lists that were cut. Out: what a walk of the whole list gives, or that something is not plain. Must not: take for an
// item what `yaml` does not take for exactly one, or hold on to the text of the file.

import { isScalar, isSeq, type Node } from 'yaml';
import { compose } from './compose.ts';
import type { Cut } from './list-cuts.ts';
import type { PositionWriter } from './positions.ts';
import type { OffsetFinding } from './syntax-findings.ts';
import { type Lists, Walk } from './walk.ts';

interface ReadItem {
  /** Its lines: all that its value depends on. */
  readonly text: string;
  /** Configurations share it: nobody changes it. */
  readonly value: unknown;
  readonly positions: PositionWriter;
  /** Where its first node was written. */
  readonly at: number;
  /** Where its lines began. */
  readonly offset: number;
}

/** The items of one text, by their own. */
export type ReadItems = ReadonlyMap<string, ReadItem>;

/** How deep an item stands in the file: below a key and its index. */
const DEPTH = 2;

export class ItemReader implements Lists {
  readonly items = new Map<string, ReadItem>();
  private readonly text: string;
  private readonly lists: Cut['lists'];
  private readonly last: ReadItems;
  private readonly taken = new Set<number>();
  private plain = true;

  constructor(text: string, { lists }: Cut, last: ReadItems) {
    this.text = text;
    this.lists = lists;
    this.last = last;
  }

  /** Whether every list stood where a list may stand, and every item was one and nothing is wrong with it. */
  get complete(): boolean {
    return this.plain && this.taken.size === this.lists.size;
  }

  take(list: number, positions: PositionWriter): unknown[] | undefined {
    const bounds = this.lists.get(list);
    if (bounds === undefined) return undefined;
    this.taken.add(list);
    const [first = list] = bounds;
    const values: unknown[] = [];
    for (let index = 1; index < bounds.length && this.plain; index += 1) {
      const offset = bounds[index - 1] ?? 0;
      const text = this.text.slice(offset, bounds[index]);
      const known = this.items.get(text) ?? this.last.get(text);
      const item = known ? again(known, positions, offset) : read(text, list - first, positions, offset);
      if (item === undefined) this.plain = false;
      else this.items.set(item.text, item);
      values.push(item?.value);
    }
    return values;
  }
}

function again(known: ReadItem, positions: PositionWriter, offset: number): ReadItem {
  const at = positions.copy(known.positions, known.at, offset - known.offset);
  return { text: known.text, value: known.value, positions, at, offset };
}

/** Undefined when it is not one item, or anything is wrong with it. */
function read(part: string, indent: number, positions: PositionWriter, offset: number): ReadItem | undefined {
  // A copy: the parts of a string that are remembered hold all of it.
  const lines = Buffer.from(`${part}${' '.repeat(indent)}-\n`).toString();
  const text = lines.slice(0, part.length);
  const node = onlyItem(lines, part.length + indent + 1);
  if (node === undefined) return undefined;
  const found: OffsetFinding[] = [];
  const at = positions.next;
  const value = new Walk(found, positions, { depth: DEPTH, offset }).node(node, undefined);
  return found.length > 0 ? undefined : { text, value, positions, at, offset };
}

/**
 * The item before the last dash, if it is the only one. The dash proves that it has ended: whatever it did to the state of
 * the parser, a dash in this column begins the next item, and from there on nothing of that state is left.
 */
function onlyItem(lines: string, end: number): Node | null | undefined {
  const composed = compose(lines);
  if ('tooDeepAt' in composed) return undefined;
  const { documents, errors, warnings } = composed;
  const list = documents[0]?.contents;
  if (documents.length !== 1 || errors.length > 0 || warnings.length > 0 || !isSeq<Node | null>(list)) return undefined;
  const [item, next] = list.items;
  return list.items.length === 2 && isScalar(next) && next.range?.[0] === end ? item : undefined;
}
