// Lists of a file, read item by item: an item whose lines were in the last text as well is not read again. Of 10,000 exports,
// a saved file with one change is parsed in 0.1 s of CPU instead of 1.1 s (docs/design.md, "Measured costs"): without it, a
// change would need more than a second to reach the gateways.
// Must not: interpret YAML, which says what is an item and what it holds: lists are only split where lines begin with a dash,
// and what `yaml` does not take for exactly one item makes the whole text be read at once. Nor hold on to the file's text.

import { isScalar, isSeq, type Node } from 'yaml';
import { compose } from './compose.ts';
import type { PositionWriter } from './positions.ts';
import type { OffsetFinding } from './syntax-findings.ts';
import { type Lists, Walk } from './walk.ts';

interface ReadItem {
  /** Its lines: its value depends on nothing else. */
  readonly text: string;
  /** Shared by the configurations that hold it. */
  readonly value: unknown;
  readonly positions: PositionWriter;
  /** Where its first node was written. */
  readonly at: number;
  /** Where its lines began. */
  readonly offset: number;
}

/** The items of one text, by their own. */
export type ReadItems = ReadonlyMap<string, ReadItem>;

/** How deep an item is in the file: below a key and its index. */
const DEPTH = 2;

export class ItemReader implements Lists {
  readonly items = new Map<string, ReadItem>();
  private readonly text: string;
  private readonly lists: SplitText['lists'];
  private readonly last: ReadItems;
  private readonly taken = new Set<number>();
  private plain = true;

  constructor(text: string, { lists }: SplitText, last: ReadItems) {
    this.text = text;
    this.lists = lists;
    this.last = last;
  }

  /** Whether every list was where a list may be, and every item was exactly one with nothing wrong in it. */
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
      const same = this.items.get(text) ?? this.last.get(text);
      const item = same ? copied(same, positions, offset) : read(text, list - first, positions, offset);
      if (item === undefined) this.plain = false;
      else this.items.set(item.text, item);
      values.push(item?.value);
    }
    return values;
  }
}

function copied(item: ReadItem, positions: PositionWriter, offset: number): ReadItem {
  const at = positions.copy(item.positions, item.at, offset - item.offset);
  return { text: item.text, value: item.value, positions, at, offset };
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

/** The lists that are values of the file's own keys, each item on lines of its own. */
export interface SplitText {
  /** The text, with an empty item in the place of each list; every offset is what it was. */
  readonly rest: string;
  /** By the offset of its first dash, where the items of a list begin (their lines, in order), and then where it ends. */
  readonly lists: ReadonlyMap<number, readonly number[]>;
}

/** A key of the file's own whose value begins on another line. */
const KEY = /[A-Za-z]+: *(?:#[^\n]*)?\n/y;
/** What may follow a list: a key, or the end of the document. */
const NEXT = /[A-Za-z]{2}|\.\.\.\n/y;

export function splitLists(text: string): SplitText | undefined {
  // Whether these are indentation or an end of a line is a matter of opinion; and the last item must end with its line.
  if (text.includes('\t') || text.includes('\r') || !text.endsWith('\n')) return undefined;
  const lists = new Map<number, readonly number[]>();
  const rest: string[] = [];
  let kept = 0;
  let list: { readonly indent: number; readonly starts: number[] } | undefined;
  const close = ({ indent, starts }: NonNullable<typeof list>, end: number): void => {
    const [start = 0] = starts;
    const dash = start + indent;
    lists.set(dash, [...starts, end]);
    rest.push(text.slice(kept, dash), '- ', '#'.repeat(end - dash - 3), '\n');
    kept = end;
  };
  let afterKey = false;
  let next = 0;
  for (let at = 0; at < text.length; at = next) {
    next = text.indexOf('\n', at) + 1;
    let first = at;
    while (text[first] === ' ') first += 1;
    const indent = first - at;
    // Blank lines and comments belong to the item above them.
    if (text[first] === '\n' || text[first] === '#') continue;
    const item = text.startsWith('- ', first);
    if (list !== undefined) {
      if (indent > list.indent) continue;
      if (item && indent === list.indent) {
        list.starts.push(at);
        continue;
      }
      if (!matches(NEXT, text, at)) return undefined;
      close(list, at);
      list = undefined;
    }
    if (item && afterKey) list = { indent, starts: [at] };
    afterKey = matches(KEY, text, at);
  }
  if (list !== undefined) close(list, text.length);
  return { rest: rest.join('') + text.slice(kept), lists };
}

function matches(pattern: RegExp, text: string, at: number): boolean {
  pattern.lastIndex = at;
  return pattern.test(text);
}
