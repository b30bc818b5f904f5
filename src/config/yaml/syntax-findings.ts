// Findings about a text as YAML, in the operator's words: the parser's errors, and what a configuration may not contain although
// the parser accepts it (invisible characters, directives).
// Must not: repeat the parser's messages without `plain`; they quote the file.

import type { ErrorCode, YAMLParseError, YAMLWarning } from 'yaml';
import { errorAt, type Finding } from '../../errors.ts';

/** A finding and its offset in the text. */
export interface OffsetFinding {
  readonly finding: Finding;
  readonly offset: number;
  /** Dropped when there is a finding about the value's key. */
  readonly weak?: boolean;
}

const HINTS: Readonly<Partial<Record<ErrorCode, string>>> = {
  TAB_AS_INDENT: 'indent with spaces',
  BAD_INDENT: 'indent the keys of one map, and the dashes of one list, by the same number of spaces',
  BAD_DQ_ESCAPE: 'write the character itself, or use single quotes',
  BAD_SCALAR_START: 'put the text in quotes',
  BLOCK_AS_IMPLICIT_KEY:
    'indent this line like the keys beside it, no deeper and no less; or put a text that holds ": " in quotes',
  MULTILINE_IMPLICIT_KEY: 'write key: value on one line; a colon may be missing here, or an indentation above',
  MISSING_CHAR: 'add the quote, bracket, comma or colon that is missing here, or before here',
  UNEXPECTED_TOKEN: 'remove this, or put the text in quotes',
};
/** One mistake causes many errors of the parser. */
const MAX_FINDINGS = 5;

export function syntaxFindings(
  text: string,
  errors: readonly (YAMLParseError | YAMLWarning)[],
): readonly OffsetFinding[] {
  const findings: OffsetFinding[] = [];
  let [lineEnd, last] = [-1, ''];
  for (const { name, code, message, pos } of [...errors].sort((a, b) => a.pos[0] - b.pos[0])) {
    const offset = Math.min(Math.max(pos[0], 0), text.length);
    // The walk reports every tag, known or not.
    if ((name === 'YAMLWarning' && code === 'TAG_RESOLVE_FAILED') || offset < lineEnd) continue;
    // The same error again on the next lines comes from the same mistake.
    const isRepeated = text.slice(Math.max(lineEnd, 0), offset).trim() === '' && `${code} ${message}` === last;
    last = `${code} ${message}`;
    const next = text.indexOf('\n', offset);
    lineEnd = next < 0 ? text.length + 1 : next + 1;
    if (isRepeated) continue;
    const what = /call stack/i.test(message)
      ? 'maps and lists are nested too deep'
      : `not valid YAML: ${plain(message)}`;
    findings.push({
      finding: errorAt('YAML_SYNTAX', [], what, hint(code, message)),
      offset,
    });
    if (findings.length >= MAX_FINDINGS) break;
  }
  return findings;
}

function hint(code: ErrorCode, message: string): string {
  // The parser reports an open bracket with the code of a bad indentation, at the first line below it.
  if (code === 'BAD_INDENT' && message.startsWith('Flow')) return 'close the { or [ that is open above this line';
  return HINTS[code] ?? 'correct the syntax at this place';
}

/** The parser quotes parts of the file: only printable ASCII of it goes to a terminal. */
function plain(message: string): string {
  return (message.split('\n', 1)[0] ?? '').slice(0, 200).replace(/[^\x20-\x7e]/g, '?');
}

/**
 * Characters that make a text look different from what it says: controls, bidirectional marks and other invisible ones
 * (CVE-2021-42574), and line breaks of editors that are none in YAML (a lone CR, NEL). The selector of emoji (U+FE0F) is harmless.
 */
const DECEPTIVE =
  /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufff9-\uffff\p{Cs}]|(?!\ufe0f)\p{Default_Ignorable_Code_Point}|\r(?!\n)/gu;
const DIRECTIVE = /^%/gm;
const MAX_CHARACTERS = 20;

export function hiddenCharacters(text: string): readonly OffsetFinding[] {
  const findings: OffsetFinding[] = [];
  for (const { 0: char, index } of text.matchAll(DECEPTIVE)) {
    const name = `U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
    const message = `the file contains the invisible character ${name}`;
    const hint = 'remove it; it makes the text look different from what it says';
    findings.push({ finding: errorAt('YAML_SYNTAX', [], message, hint), offset: index });
    if (findings.length >= MAX_CHARACTERS) break;
  }
  for (const { index } of text.matchAll(DIRECTIVE)) {
    const hint = 'remove the line; every file is YAML 1.2 without tags';
    findings.push({ finding: errorAt('YAML_SYNTAX', [], 'a directive (%)', hint), offset: index });
    if (findings.length >= 2 * MAX_CHARACTERS) break;
  }
  return findings;
}
