// Reads the lists of a file item by item, and reuses items whose lines were in the last text. A file of 10,000 exports with one
// change is parsed in 0.1 s of CPU instead of 1.1 s (docs/design.md, "Measured costs"); without it, a change would need more
// than a second to reach the gateways.
// Must not: interpret YAML: lists are split where lines begin with a dash, and unless `yaml` reads exactly one item between two
// dashes, the whole text is read at once. Nor retain the file's text.

import { isScalar, isSeq, type Node } from 'yaml';
import { compose } from './compose.ts';
import type { PositionWriter } from './positions.ts';
import type { OffsetFinding } from './syntax-findings.ts';
import { type Lists, Walk } from './walk.ts';

interface ReadItem {
  /** The lines of the item, on which alone its value depends. */
  readonly text: string;
  /** Shared by all configurations that contain the item. */
  readonly value: unknown;
  readonly positions: PositionWriter;
  /** Index of its first node in `positions`. */
  readonly at: number;
  /** Offset of its lines in the file. */
  readonly offset: number;
}

/** The items of one file, by their lines. */
export type ReadItems = ReadonlyMap<string, ReadItem>;

/** The depth of an item in the file: below a key and an index. */
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

  /** Whether every list was a value of the file's own keys, and every part exactly one item without findings. */
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

/** Undefined when the part is not exactly one item, or has findings. */
function read(part: string, indent: number, positions: PositionWriter, offset: number): ReadItem | undefined {
  // A copy: V8 keeps a whole string alive for each slice of it.
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
 * The item before the last dash, if it is the only one. The dash proves that the item is complete: a dash in this column begins
 * the next item, and the parser keeps no state beyond it.
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

/** The lists that are values of the file's own keys, with each item on separate lines. */
export interface SplitText {
  /** The text with one empty item in the place of each list; offsets are unchanged. */
  readonly rest: string;
  /** For each list, by the offset of its first dash: the offsets of its items' lines, in order, and of its end. */
  readonly lists: ReadonlyMap<number, readonly number[]>;
}

/** A top-level key whose value begins on the next line. */
const KEY = /[A-Za-z]+: *(?:#[^\n]*)?\n/y;
/** What may follow a list: a key, or the end of the document. */
const NEXT = /[A-Za-z]{2}|\.\.\.\n/y;

export function splitLists(text: string): SplitText | undefined {
  // Parsers differ about tabs as indentation and CR as a line break, and the last item must end with its line.
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
