// Turns YAML nodes into plain data with positions.
// Must not: know any key, or resolve anchors and tags: a reviewer must see what is granted where it is granted.

import { isAlias, isMap, isScalar, isSeq, type Node, type Pair, type Scalar } from 'yaml';
import { errorAt, type Finding, type FindingCode, type Path } from '../../errors.ts';
import { quote } from '../schema/values/string-checks.ts';
import type { PositionWriter } from './positions.ts';
import type { OffsetFinding } from './syntax-findings.ts';

/** Twice the depth of the deepest key of the configuration. */
const MAX_DEPTH = 16;
/** Keys that would change an object's prototype or look like its parts. */
const RESERVED = new Set(['__proto__', 'constructor', 'prototype']);
/** Booleans in YAML 1.1, and still for many tools and reviewers. */
const OLD_BOOLEAN = /^(?:y|yes|n|no|on|off)$/i;

/** Lists that are read separately: among the nodes, each is one empty item (incremental.ts). */
export interface Lists {
  /** Writes the positions of the list at this offset and returns its values; undefined when there is none. */
  take(offset: number, positions: PositionWriter): unknown[] | undefined;
}

/** The place of the nodes in the file. */
interface Around {
  /** Depth of the first node. */
  readonly depth?: number;
  /** Offset of their text in the file. */
  readonly offset?: number;
  /** Values of keys of the first map. */
  readonly lists?: Lists | undefined;
}

/** Turns nodes into plain data, in the order of the text. */
export class Walk {
  private readonly findings: OffsetFinding[];
  private readonly positions: PositionWriter;
  private readonly depth: number;
  private readonly start: number;
  private readonly lists: Lists | undefined;
  /** Path of the current node; one array for the whole walk. */
  private readonly path: (string | number)[] = [];

  constructor(findings: OffsetFinding[], positions: PositionWriter, { depth = 0, offset = 0, lists }: Around = {}) {
    this.findings = findings;
    this.positions = positions;
    this.depth = depth;
    this.start = offset;
    this.lists = lists;
  }

  node(node: Node | null, keyOffset: number | undefined): unknown {
    const offset = this.offsetOf(node) ?? keyOffset ?? this.start;
    const at = this.positions.begin(this.path.at(-1), keyOffset ?? offset, offset);
    const value = node === null ? null : this.plain(node, offset);
    this.positions.end(at);
    return value;
  }

  private offsetOf(node: Node | null): number | undefined {
    return node?.range ? this.start + node.range[0] : undefined;
  }

  private plain(node: Node, offset: number): unknown {
    if (isAlias(node)) {
      this.add('YAML_SYNTAX', offset, 'an alias (*)', 'write the value itself; anchors and aliases are refused');
      return undefined;
    }
    if ('anchor' in node && node.anchor !== undefined)
      this.add('YAML_SYNTAX', offset, 'an anchor (&)', 'remove it; anchors and aliases are refused');
    if (node.tag !== undefined) {
      this.add('YAML_SYNTAX', offset, 'a tag (!)', 'remove it; tags are refused, quotes make a text');
      return undefined;
    }
    if (isScalar(node)) return this.scalar(node, offset);
    if (this.depth + this.path.length >= MAX_DEPTH) {
      this.findings.push({ finding: tooDeep([...this.path]), offset });
      return undefined;
    }
    if (isSeq(node)) return this.list(node.items as readonly (Node | null)[], offset);
    if (!isMap(node)) return undefined;
    const object: Record<string, unknown> = {};
    for (const pair of node.items) {
      const key = this.key(pair, object, offset);
      if (key !== undefined) object[key.name] = this.member(key.name, pair.value as Node | null, key.offset);
    }
    return object;
  }

  private list(items: readonly (Node | null)[], offset: number): unknown[] {
    const values = this.path.length === 1 ? this.lists?.take(offset, this.positions) : undefined;
    return values ?? items.map((item, index) => this.member(index, item, undefined));
  }

  private member(step: string | number, node: Node | null, keyOffset: number | undefined): unknown {
    this.path.push(step);
    const value = this.node(node, keyOffset);
    this.path.pop();
    return value;
  }

  /** The key of a pair, or undefined when the pair is refused. */
  private key(
    pair: Pair,
    object: object,
    mapOffset: number,
  ): { readonly name: string; readonly offset: number } | undefined {
    const node = pair.key as Node | null;
    const offset = this.offsetOf(node) ?? mapOffset;
    if (!isScalar(node) || typeof node.value !== 'string') {
      this.add(
        'WRONG_TYPE',
        offset,
        'a key that is not a text',
        'write the key as a text, in quotes if it looks like a number',
      );
      return undefined;
    }
    const name = node.value;
    if (RESERVED.has(name)) {
      this.add('UNKNOWN_KEY', offset, `unknown key ${name}`, 'remove it', name);
      return undefined;
    }
    if (Object.hasOwn(object, name)) {
      this.add(
        'YAML_DUPLICATE_KEY',
        offset,
        `duplicate key ${quote(name)}`,
        'remove one of the two; until then only the first is checked',
        name,
      );
      return undefined;
    }
    if (node.anchor !== undefined || node.tag !== undefined)
      this.add(
        'YAML_SYNTAX',
        offset,
        'an anchor or a tag before a key',
        'remove it; anchors, aliases and tags are refused',
      );
    this.oldBoolean(node, offset);
    return { name, offset };
  }

  private scalar(node: Scalar, offset: number): unknown {
    const { value, source } = node;
    if (typeof value === 'string') this.oldBoolean(node, offset);
    else if (typeof value === 'number' && Number.isSafeInteger(value) && source !== String(value)) {
      const message = 'a number in a notation that people and tools read differently';
      const finding = errorAt('INVALID_VALUE', [...this.path], message, `write ${value}`);
      this.findings.push({ finding, offset, weak: true });
    }
    return value;
  }

  private oldBoolean(node: Scalar, offset: number): void {
    const { value, type } = node;
    if (type !== 'PLAIN' || typeof value !== 'string' || value.length > 3 || !OLD_BOOLEAN.test(value)) return;
    this.add('WRONG_TYPE', offset, `${value} is a boolean to some readers of YAML`, `put it in quotes: "${value}"`);
  }

  private add(code: FindingCode, offset: number, message: string, hint: string, key?: string): void {
    const path = key === undefined ? [...this.path] : [...this.path, key];
    this.findings.push({ finding: errorAt(code, path, message, hint), offset });
  }
}

export function tooDeep(path: Path): Finding {
  return errorAt(
    'YAML_SYNTAX',
    path,
    `maps and lists are nested more than ${MAX_DEPTH} levels deep`,
    'see `postern schema` for which key belongs where',
  );
}
