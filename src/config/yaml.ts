// YAML text as plain data with positions.
// In: text. Out: plain values (maps, lists, scalars), where each stands, and findings about the YAML itself.
// Must not: know any key; resolve anchors or tags: a reviewer must see what is granted where it stands.

import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments } from 'yaml';
import { errorAt, type Finding, type Path } from '../errors.ts';

export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface ParsedYaml {
  readonly value: unknown;
  readonly findings: readonly Finding[];
  /** Places of `findings`, by their index: the YAML's own errors have no path to be found by. */
  readonly places: readonly Place[];
  /**
   * For every node in document order: the offset of its key (its own, for the root and list items), its own offset, and
   * how many nodes its subtree has. Plain numbers, so that they cross from a worker at no cost.
   */
  readonly index: Int32Array;
}

const PER_NODE = 3;
/** Keys that would change an object's prototype or look like its parts. */
const RESERVED = new Set(['__proto__', 'constructor', 'prototype']);
/** Characters that make a text read differently from what it is: controls, bidirectional marks, the byte order mark. */
const DECEPTIVE =
  /[\0-\x08\x0b\x0c\x0e-\x1f\x7f\u0080-\u0084\u0086-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/;

export function parseYaml(text: string): ParsedYaml {
  const lines = new LineCounter();
  const findings: Finding[] = [];
  const places: Place[] = [];
  const add = (finding: Finding, offset: number): void => {
    const { line, col } = lines.linePos(offset);
    findings.push(finding);
    places.push({ line: Math.max(line, 1), column: Math.max(col, 1) });
  };
  const documents = parseAllDocuments(text, {
    version: '1.2',
    schema: 'core',
    merge: false,
    strict: true,
    uniqueKeys: true,
    prettyErrors: false,
    lineCounter: lines,
    logLevel: 'silent',
  });
  const deceptive = DECEPTIVE.exec(text);
  if (deceptive !== null) {
    const char = `U+${deceptive[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
    add(
      errorAt(
        'YAML_SYNTAX',
        [],
        `the file holds the invisible character ${char}`,
        'remove it; it makes the text read differently from what it is',
      ),
      deceptive.index,
    );
  }
  const document = 'empty' in documents ? undefined : documents[0];
  if (document === undefined || (document.contents === null && document.errors.length === 0)) {
    add(errorAt('EMPTY', [], 'the file is empty', 'start with apiVersion: postern/v1'), 0);
    return { value: undefined, findings, places, index: new Int32Array(PER_NODE) };
  }
  const second = 'empty' in documents ? undefined : documents[1];
  if (second !== undefined)
    add(
      errorAt('YAML_SYNTAX', [], 'the file holds a second document', 'keep one document; remove the line ---'),
      second.range[0],
    );
  for (const error of [...document.errors, ...document.warnings]) {
    const message = (error.message.split('\n', 1)[0] ?? '').replace(/ at line .*$/, '').slice(0, 200);
    if (error.code === 'DUPLICATE_KEY') {
      add(errorAt('YAML_DUPLICATE_KEY', [], 'a key stands twice in one map', 'keep one of the two'), error.pos[0]);
    } else {
      add(
        errorAt(
          'YAML_SYNTAX',
          [],
          `not valid YAML: ${message.replace(/[^\x20-\x7e]/g, '?')}`,
          'correct the syntax at this place',
        ),
        error.pos[0],
      );
    }
  }
  const numbers: number[] = [];
  const value = walk(document.contents, undefined, [], numbers, add);
  return { value, findings, places, index: Int32Array.from(numbers) };
}

type Add = (finding: Finding, offset: number) => void;

/** Turns a node into plain data; appends it and its subtree to `index`. */
function walk(node: Node | null, keyOffset: number | undefined, path: Path, index: number[], add: Add): unknown {
  const offset = node?.range?.[0] ?? keyOffset ?? 0;
  const at = index.length;
  index.push(keyOffset ?? offset, offset, 1);
  const value = plain(node, offset, path, index, add);
  index[at + 2] = (index.length - at) / PER_NODE;
  return value;
}

function plain(node: Node | null, offset: number, path: Path, index: number[], add: Add): unknown {
  if (node === null) return null;
  if (isAlias(node)) {
    add(
      errorAt('YAML_SYNTAX', path, 'an alias (*)', 'write the value itself; anchors and aliases are refused'),
      offset,
    );
    return undefined;
  }
  if ('anchor' in node && node.anchor !== undefined)
    add(errorAt('YAML_SYNTAX', path, 'an anchor (&)', 'remove it; anchors and aliases are refused'), offset);
  if (node.tag !== undefined && !node.tag.startsWith('tag:yaml.org,2002:'))
    add(errorAt('YAML_SYNTAX', path, 'a tag (!)', 'remove it; tags are refused'), offset);
  if (isSeq(node))
    return node.items.map((item, position) => walk(item as Node | null, undefined, [...path, position], index, add));
  if (!isMap(node)) return isScalar(node) ? node.value : undefined;
  const entries: [string, unknown][] = [];
  for (const { key, value } of node.items) {
    const keyNode = key as Node | null;
    const keyAt = keyNode?.range?.[0] ?? offset;
    const name = isScalar(keyNode) && typeof keyNode.value === 'string' ? keyNode.value : undefined;
    if (name === undefined)
      add(
        errorAt(
          'WRONG_TYPE',
          path,
          'a key that is not a text',
          'write the key as a text, in quotes if it looks like a number',
        ),
        keyAt,
      );
    else if (RESERVED.has(name)) add(errorAt('UNKNOWN_KEY', path, `unknown key ${name}`, 'remove it'), keyAt);
    else entries.push([name, walk(value as Node | null, keyAt, [...path, name], index, add)]);
  }
  return Object.fromEntries(entries);
}

/** Where a path stands in the text: offsets of its key and its value; the nearest parent when it does not exist. */
export function locate(
  value: unknown,
  index: Int32Array,
  path: Path,
): { readonly key: number; readonly value: number } {
  let node = 0;
  let current = value;
  for (const step of path) {
    const keys = Array.isArray(current) ? [...current.keys()] : isObject(current) ? Object.keys(current) : [];
    const position = (keys as (string | number)[]).indexOf(step);
    if (position < 0) break;
    let child = node + 1;
    for (let skipped = 0; skipped < position; skipped += 1) child += index[child * PER_NODE + 2] ?? 1;
    node = child;
    current = (current as Record<string | number, unknown>)[step];
  }
  return { key: index[node * PER_NODE] ?? 0, value: index[node * PER_NODE + 1] ?? 0 };
}

/** Line and column, from 1, of an offset in the text. */
export function placeOf(text: string, offset: number): Place {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  return { line, column: offset - (before.lastIndexOf('\n') + 1) + 1 };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
