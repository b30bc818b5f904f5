// YAML text as plain data with positions.
// In: text. Out: plain values (maps, lists, scalars), where each stands, and findings about the YAML itself.
// Must not: know any key; resolve anchors or tags: a reviewer must see what is granted where it stands.

import { isAlias, isMap, isScalar, isSeq, type Node, type Pair, parseAllDocuments, type Scalar } from 'yaml';
import { errorAt, type Finding, type FindingCode, type Path } from '../errors.ts';
import { type PositionIndex, PositionWriter } from './positions.ts';
import { shown } from './text.ts';
import { type Found, syntaxFindings } from './yaml-errors.ts';
import { deceptions } from './yaml-text.ts';

export interface ParsedYaml {
  /** Undefined when there is nothing to look at. */
  readonly value: unknown;
  readonly found: readonly Found[];
  readonly positions: PositionIndex;
  /** True when what was read may be another tree than the one that was meant. */
  readonly broken: boolean;
}

/** Twice what the deepest key of the configuration needs. */
const MAX_DEPTH = 16;
/** Keys that would change an object's prototype or look like its parts. */
const RESERVED = new Set(['__proto__', 'constructor', 'prototype']);
/** What YAML 1.1 takes for a boolean, and many tools and reviewers still do. */
const OLD_BOOLEAN = /^(?:y|yes|n|no|on|off)$/i;

export function parseYaml(text: string): ParsedYaml {
  const found: Found[] = [...deceptions(text)];
  const positions = new PositionWriter();
  const nothing = (broken: boolean): ParsedYaml => ({ value: undefined, found, positions: positions.index(), broken });
  let documents: ReturnType<typeof parseAllDocuments>;
  try {
    documents = parseAllDocuments(text, {
      version: '1.2',
      schema: 'core',
      merge: false,
      strict: true,
      // Its own check compares each key with all others of its map: quadratic. `members` below does it with a set.
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'silent',
    });
  } catch (error) {
    // The composer calls itself for each level.
    if (!(error instanceof RangeError)) throw error;
    found.push({ finding: tooDeep([]), offset: 0 });
    return nothing(true);
  }
  const [document, second] = 'empty' in documents ? [] : documents;
  if (document !== undefined) found.push(...syntaxFindings(text, [...document.errors, ...document.warnings]));
  const broken = (document?.errors.length ?? 0) > 0;
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
  const value = new Walk(found, positions).node(document.contents, undefined);
  return { value, found, positions: positions.index(), broken };
}

/** Turns nodes into plain data, in the order of the text. */
class Walk {
  private readonly found: Found[];
  private readonly positions: PositionWriter;
  /** Of the node that is being looked at; one array for the whole walk. */
  private readonly path: (string | number)[] = [];

  constructor(found: Found[], positions: PositionWriter) {
    this.found = found;
    this.positions = positions;
  }

  node(node: Node | null, keyOffset: number | undefined): unknown {
    const offset = node?.range?.[0] ?? keyOffset ?? 0;
    const at = this.positions.begin(this.path.at(-1), keyOffset ?? offset, offset);
    const value = node === null ? null : this.plain(node, offset);
    this.positions.end(at);
    return value;
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
    if (this.path.length >= MAX_DEPTH) {
      this.found.push({ finding: tooDeep([...this.path]), offset });
      return undefined;
    }
    if (isSeq(node)) return node.items.map((item, position) => this.member(position, item as Node | null, undefined));
    if (!isMap(node)) return undefined;
    const object: Record<string, unknown> = {};
    for (const pair of node.items) {
      const key = this.key(pair, object, offset);
      if (key !== undefined) object[key.name] = this.member(key.name, pair.value as Node | null, key.offset);
    }
    return object;
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
    const offset = node?.range?.[0] ?? mapOffset;
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
        `the key ${shown(name)} stands twice in one map`,
        'keep one of the two',
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
      this.found.push({ finding, offset, weak: true });
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
    this.found.push({ finding: errorAt(code, path, message, hint), offset });
  }
}

function isNothing(node: Node | null): boolean {
  return node === null || (isScalar(node) && node.value === null);
}

function tooDeep(path: Path): Finding {
  return errorAt(
    'YAML_SYNTAX',
    path,
    'maps and lists stand too deep in each other',
    'see `postern schema` for what is where',
  );
}
