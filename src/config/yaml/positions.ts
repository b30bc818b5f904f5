// The place of every value of a file, as numbers: small, and free to send between threads. The index costs 6 ms of a saved file
// with 10,000 exports; finding one place by parsing again would cost a second (docs/design.md, "Measured costs").
// Must not: hold the values themselves.

import type { Path } from '../../errors.ts';

/** Line and column, from 1; columns count UTF-16 units, as editors do. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Nodes in the order of the text, FIELDS numbers each. */
export interface PositionIndex {
  readonly nodes: Int32Array;
  /** Every key of the file, once. */
  readonly keys: readonly string[];
}

/** For a node: its key's number (-1: none), the key's offset, its own offset, how many nodes its subtree has. */
const FIELDS = 4;
const [KEY, KEY_OFFSET, OFFSET, SIZE] = [0, 1, 2, 3] as const;

export const NO_POSITIONS: PositionIndex = { nodes: new Int32Array(FIELDS).fill(-1, 0, 1), keys: [] };

export class PositionWriter {
  private numbers = new Int32Array(FIELDS * 256);
  private length = 0;
  private readonly names: string[] = [];
  private readonly keys = new Map<string, number>();

  /** Where the next node will be written. */
  get next(): number {
    return this.length;
  }

  /** Begins a node; its subtree are the nodes that begin before `end` is called with what this returns. */
  begin(step: string | number | undefined, keyOffset: number, offset: number): number {
    const at = this.length;
    this.reserve(FIELDS);
    this.numbers[at + KEY] = typeof step === 'string' ? this.numberOf(step) : -1;
    this.numbers[at + KEY_OFFSET] = keyOffset;
    this.numbers[at + OFFSET] = offset;
    this.numbers[at + SIZE] = 1;
    return at;
  }

  end(at: number): void {
    this.numbers[at + SIZE] = (this.length - at) / FIELDS;
  }

  /** Writes a node and its subtree, also those of another writer, for a text that is `by` characters further on. */
  copy(other: PositionWriter, from: number, by: number): number {
    const at = this.length;
    const shift = from - at;
    this.reserve((other.numbers[from + SIZE] ?? 1) * FIELDS);
    for (let node = at; node < this.length; node += FIELDS) {
      const key = other.numbers[node + shift + KEY] ?? -1;
      this.numbers[node + KEY] = key < 0 ? key : this.numberOf(other.names[key] ?? '');
      this.numbers[node + KEY_OFFSET] = (other.numbers[node + shift + KEY_OFFSET] ?? 0) + by;
      this.numbers[node + OFFSET] = (other.numbers[node + shift + OFFSET] ?? 0) + by;
      this.numbers[node + SIZE] = other.numbers[node + shift + SIZE] ?? 1;
    }
    return at;
  }

  index(): PositionIndex {
    if (this.length === 0) return NO_POSITIONS;
    return { nodes: this.numbers.slice(0, this.length), keys: [...this.names] };
  }

  private reserve(more: number): void {
    this.length += more;
    if (this.length <= this.numbers.length) return;
    const larger = new Int32Array(Math.max(this.length, 2 * this.numbers.length));
    larger.set(this.numbers);
    this.numbers = larger;
  }

  private numberOf(key: string): number {
    const number = this.keys.get(key);
    if (number !== undefined) return number;
    const next = this.names.push(key) - 1;
    this.keys.set(key, next);
    return next;
  }
}

/** Answers for one text; it remembers what it has looked up, so that many questions cost little more than one. */
export class Positions {
  private readonly nodes: Int32Array;
  private readonly keys: readonly string[];
  private readonly text: string;
  private readonly members = new Map<number, ReadonlyMap<string | number, number>>();
  private starts: readonly number[] | undefined;

  constructor({ nodes, keys }: PositionIndex, text: string) {
    this.nodes = nodes;
    this.keys = keys;
    this.text = text;
  }

  /** The place of a path's value, or of its last key; the nearest parent when it does not exist. */
  placeOfPath(path: Path, atKey = false): Place {
    return this.placeOf(this.offset(path, atKey ? KEY_OFFSET : OFFSET));
  }

  /** Whether the text has this path; what an alias stands for has none of its own. */
  has(path: Path): boolean {
    let node: number | undefined = 0;
    for (const step of path) {
      node = this.membersOf(node).get(step);
      if (node === undefined) return false;
    }
    return true;
  }

  placeOf(offset: number): Place {
    this.starts ??= lineStarts(this.text);
    let [low, high] = [0, this.starts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (this.starts[low] ?? 0) + 1 };
  }

  /** A number, boolean or null as it is written, not as it is read: 0123, 1.10. */
  sourceOf(path: Path): string {
    const pattern = /[^\s,[\]{}]*/y;
    pattern.lastIndex = this.offset(path, OFFSET);
    return pattern.exec(this.text)?.[0] ?? '';
  }

  private offset(path: Path, field: number): number {
    let node = 0;
    for (const step of path) {
      const next = this.membersOf(node).get(step);
      if (next === undefined) {
        // The nearest parent that exists, and that one by its value.
        return this.nodes[node * FIELDS + OFFSET] ?? 0;
      }
      node = next;
    }
    return this.nodes[node * FIELDS + field] ?? 0;
  }

  private membersOf(node: number): ReadonlyMap<string | number, number> {
    const cached = this.members.get(node);
    if (cached !== undefined) return cached;
    const members = new Map<string | number, number>();
    const end = node + (this.nodes[node * FIELDS + SIZE] ?? 1);
    for (let child = node + 1; child < end; child += this.nodes[child * FIELDS + SIZE] ?? 1) {
      const key = this.nodes[child * FIELDS + KEY] ?? -1;
      members.set(key < 0 ? members.size : (this.keys[key] ?? ''), child);
    }
    this.members.set(node, members);
    return members;
  }
}

function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}
