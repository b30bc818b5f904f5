// What no configuration may hold, whatever YAML makes of it: characters that hide, and directives.
// In: text. Out: findings with offsets. Must not: parse.

import { errorAt } from '../../errors.ts';
import type { OffsetFinding } from './syntax-findings.ts';

/**
 * Characters that make a text read differently from what it is: controls, bidirectional marks and other invisible ones
 * (CVE-2021-42574), and line ends that an editor shows and YAML does not know (a lone CR, NEL). An emoji's variation
 * selector hides nothing.
 */
const DECEPTIVE =
  /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufff9-\uffff\p{Cs}]|(?!\ufe0f)\p{Default_Ignorable_Code_Point}|\r(?!\n)/gu;
const DIRECTIVE = /^%/gm;
const MOST = 20;

export function hiddenCharacters(text: string): readonly OffsetFinding[] {
  const found: OffsetFinding[] = [];
  for (const { 0: char, index } of text.matchAll(DECEPTIVE)) {
    const name = `U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
    const message = `the file holds the invisible character ${name}`;
    const hint = 'remove it; it makes the text read differently from what it is';
    found.push({ finding: errorAt('YAML_SYNTAX', [], message, hint), offset: index });
    if (found.length >= MOST) break;
  }
  for (const { index } of text.matchAll(DIRECTIVE)) {
    const hint = 'remove the line; every file is YAML 1.2 without tags';
    found.push({ finding: errorAt('YAML_SYNTAX', [], 'a directive (%)', hint), offset: index });
    if (found.length >= 2 * MOST) break;
  }
  return found;
}
