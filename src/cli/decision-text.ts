// A decision for people: the answer, the rule, and the way there, each step with its line of the file.
// Must not: decide.

import type { Decision } from '../decision/answer/decision.ts';
import { inOneLine, oneLine } from '../one-line.ts';
import { placeOf } from './rule-place.ts';
import type { Served } from './served.ts';
import { table } from './table.ts';

export function decisionText(decision: Decision, asked: string, served: Served): string {
  const { verdict, reason, rule, nearest, limits, steps, backends } = inOneLine(decision);
  const at = (name: string | undefined): string => {
    const place = placeOf(name, served);
    return place === undefined ? '' : ` (${place})`;
  };
  const rows = steps.map(({ kind, name, passed, source }) => [
    passed ? 'ok' : 'NO',
    kind,
    placeOf(source, served) ?? '-',
    name,
  ]);
  const lines = table(rows).trimEnd().split('\n');
  return [
    `${verdict}: ${oneLine(asked)}`,
    ...(verdict === 'yes' ? [] : [`  reason   ${reason}`]),
    ...(rule === undefined ? [] : [`  rule     ${rule}${at(rule)}`]),
    ...(nearest === undefined ? [] : [`  nearest  ${nearest.rule}${at(nearest.rule)}`]),
    ...(nearest === undefined ? [] : [`  it needs ${nearest.needs.join(' and ')}`]),
    ...(verdict === 'yes' && backends.length === 0 ? ['  the gateway answers by itself'] : []),
    '',
    ...steps.flatMap(({ compared }, index) => [lines[index] ?? '', `      ${compared}`]),
    ...(limits.length === 0 ? [] : ['', `Limits may still refuse it: ${limits.join('; ')}.`]),
    '',
  ].join('\n');
}
