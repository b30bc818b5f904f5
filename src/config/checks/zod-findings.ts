// Turns zod's issues about the shape of a file into findings in the operator's words, one for each mistake.
// Must not: let zod's own messages through.

import type * as z from 'zod';
import { errorAt, type Finding, type Path } from '../../errors.ts';
import { nearestName } from '../../nearest-name.ts';
import { configSchema } from '../schema/config-schema.ts';
import { type CheckParams, holdsKey, quote } from '../schema/values/string-checks.ts';
import { exampleAt, withUnitAt } from './examples.ts';
import { isOptionalAt, keysAt } from './schema-at.ts';

type Issue = z.core.$ZodIssue;

/** The value that zod has checked. */
export interface Written {
  readonly root: unknown;
  /** The text of a scalar in the file: 0123 is parsed as the number 123. */
  readonly sourceOf: (path: Path) => string;
}

export function toFindings(issues: readonly Issue[], written: Written, base: Path = []): readonly Finding[] {
  return issues.flatMap((issue) => toFinding(issue, written, [...base, ...(issue.path as (string | number)[])]));
}

function toFinding(issue: Issue, written: Written, path: Path): readonly Finding[] {
  const value = valueAt(written.root, path);
  const key = nameOf(path);
  switch (issue.code) {
    case 'custom': {
      const { finding, hint } = issue.params as unknown as CheckParams;
      return [errorAt(finding, path, `${key}: ${issue.message}`, finding === 'EMPTY' ? orLeaveOut(hint, path) : hint)];
    }
    case 'unrecognized_keys':
      return issue.keys.map((name) => ({
        ...errorAt('UNKNOWN_KEY', [...path, name], `unknown key ${quote(name)}`, 'remove it, or correct its spelling'),
        atKey: true,
      }));
    case 'invalid_type':
      return [
        value === undefined || value === null
          ? missing(path, key, issue.expected, value)
          : wrongType(path, key, issue.expected, value, written),
      ];
    case 'invalid_value':
      if (value === undefined || value === null) return [missing(path, key, 'string', value)];
      return [
        errorAt(
          'INVALID_VALUE',
          path,
          `${key}: ${quote(String(value))} is not one of its values`,
          `write ${issue.values.map(String).join(' or ')}`,
        ),
      ];
    case 'too_small':
      return [
        Array.isArray(value)
          ? errorAt(
              'EMPTY',
              path,
              `${key}: an empty list`,
              `${orLeaveOut('list at least one', path)}; empty never means all`,
            )
          : errorAt(
              'INVALID_VALUE',
              path,
              `${key}: ${quote(String(value))} is too small`,
              `write at least ${issue.minimum}`,
            ),
      ];
    case 'too_big':
      return [
        errorAt(
          'INVALID_VALUE',
          path,
          `${key}: ${quote(String(value))} is too large`,
          `write at most ${issue.maximum}`,
        ),
      ];
    case 'invalid_union':
      return branch(issue.errors, written, path, key, value);
    case 'invalid_key':
    case 'invalid_element':
      return toFindings(issue.issues, written, path);
    default:
      return [errorAt('INVALID_VALUE', path, `${key}: not a valid value`, 'see `postern schema` for what it takes')];
  }
}

/** Of several forms that a value may have, reports on the one whose outermost type fits. */
function branch(
  errors: readonly (readonly Issue[])[],
  written: Written,
  path: Path,
  key: string,
  value: unknown,
): readonly Finding[] {
  const intended = errors.find(
    (issues) => !issues.some((issue) => issue.path.length === 0 && issue.code === 'invalid_type'),
  );
  if (intended !== undefined) return toFindings(intended, written, path);
  if (value === undefined || value === null) return [missing(path, key, 'string', value)];
  return [
    errorAt(
      'WRONG_TYPE',
      path,
      `${key}: ${kindOf(value)} does not fit here`,
      exampleAt(path, value) === undefined
        ? 'write a text, or one of the longer forms of docs/configuration.md'
        : `write ${exampleAt(path, value)}, or one of the longer forms of docs/configuration.md`,
    ),
  ];
}

/** Optional in the schema, but required together with other keys (key-combinations.ts). */
const REQUIRED_TOGETHER: ReadonlySet<string | number | undefined> = new Set(['methods', 'paths', 'issuer', 'files']);

function orLeaveOut(hint: string, path: Path): string {
  const last = path.at(-1);
  if (typeof last === 'number') return `${hint}, or remove this item`;
  return isOptionalAt(configSchema, path) && !REQUIRED_TOGETHER.has(last) ? `${hint}, or leave the key out` : hint;
}

function missing(path: Path, key: string, expected: string, value: unknown): Finding {
  if (value === null)
    return errorAt('EMPTY', path, `${key} has no value`, orLeaveOut(`write ${form(path, expected)}`, path));
  return errorAt(
    'MISSING_KEY',
    path,
    `${key} is missing`,
    `add ${exampleAt(path, value) ?? `${key}: ${article(expected)}`}`,
  );
}

function wrongType(path: Path, key: string, expected: string, value: unknown, { sourceOf }: Written): Finding {
  const scalar = typeof value === 'number' || typeof value === 'boolean';
  const hint =
    expected === 'string' && scalar
      ? (withUnitAt(path) ?? `put it in quotes: ${quotable(sourceOf(path), path)}`)
      : `write ${form(path, expected, value)}`;
  return errorAt('WRONG_TYPE', path, `${key} is ${kindOf(value)}, not ${article(expected)}`, hint);
}

/** The kind of value, and an example of it. */
function form(path: Path, expected: string, value?: unknown): string {
  const example = exampleAt(path, value);
  return example === undefined ? article(expected) : `${article(expected)}, such as ${example}`;
}

/** Never echo a private key: YAML reads a key of digits alone as a number. */
function quotable(source: string, path: Path): string {
  return path.at(-1) === 'privateKey' || holdsKey(source) ? '"…"' : `"${source}"`;
}

function article(expected: string): string {
  const names: Readonly<Record<string, string>> = {
    string: 'a text',
    array: 'a list',
    object: 'a map',
    record: 'a map',
    number: 'a number',
    int: 'a whole number',
  };
  return names[expected] ?? `a value of type ${expected}`;
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  if (typeof value === 'number') return Number.isFinite(value) ? 'a number' : 'no finite number';
  return typeof value === 'string' ? 'a text' : 'true or false';
}

function nameOf(path: Path): string {
  const last = path.at(-1);
  if (last === undefined) return 'the file';
  return typeof last === 'number' ? `${String(path.at(-2) ?? '')}[${last}]` : shownKey(last);
}

/** A key is the operator's text too: it is repeated only when it is plain. */
function shownKey(key: string): string {
  return /^[\w.-]{1,60}$/.test(key) && !holdsKey(key) ? key : quote(key);
}

function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, step) =>
      typeof value === 'object' && value !== null ? (value as Record<string | number, unknown>)[step] : undefined,
    root,
  );
}

/** A mistyped key is one mistake, not two: its hint names the key that was meant, and that one is not missing as well. */
export function withSpellingHints(findings: readonly Finding[], schema: z.ZodType): readonly Finding[] {
  const missing = new Set(findings.filter(({ code }) => code === 'MISSING_KEY').map(({ path }) => keyOf(path)));
  const meant = new Set<string>();
  const named = findings.map((finding) => {
    if (finding.code !== 'UNKNOWN_KEY') return finding;
    const parent = finding.path.slice(0, -1);
    const near = nearestName(String(finding.path.at(-1)), keysAt(schema, parent), (key) =>
      missing.has(keyOf([...parent, key])),
    );
    if (near === undefined) return finding;
    meant.add(keyOf([...parent, near]));
    return { ...finding, hint: `did you mean ${near}?` };
  });
  return named.filter(({ code, path }) => code !== 'MISSING_KEY' || !meant.has(keyOf(path)));
}

function keyOf(path: Path): string {
  return JSON.stringify(path);
}
