// The grammar of the expressions (CEL) that find the reason of a line: conditions, one after the other, each with a code.
// Must not: know a condition of any layer.

import type { ReasonCode } from '../reasons.ts';

/** One code, or what else is asked once the condition holds: the last of these is for all that is left. */
export type Case = readonly [code: ReasonCode | Group, when: string];
export type Group = readonly [cases: readonly (readonly [ReasonCode, string])[], otherwise: ReasonCode];

/** Bits of `response.flags`, by Envoy's short names. */
export const FLAGS = {
  UH: 2,
  UT: 4,
  UR: 16,
  UF: 32,
  UC: 64,
  UO: 128,
  NR: 256,
  DC: 16384,
  URX: 32768,
  SI: 65536,
  DPE: 262144,
  UMSDR: 524288,
  DT: 4194304,
  UPE: 8388608,
  OM: 33554432,
  DR: 268435456,
} as const;

export function flag(...names: readonly (keyof typeof FLAGS)[]): string {
  return anyOf(names.map((name) => `response.flags / ${FLAGS[name]} % 2 == 1`));
}

export function anyOf(conditions: readonly string[]): string {
  return conditions.length === 1 ? (conditions[0] as string) : `(${conditions.join(' || ')})`;
}

/** CEL evaluates an error to an error; only a conjunction that is false already hides one. So absent facts are asked for first. */
export function has(attribute: string, condition: string): string {
  return `(has(${attribute}) && ${condition})`;
}

/** Envoy's parser of CEL goes 32 deep, and each case that follows another is one deeper. */
const DEEPEST = 12;

/** Of an attribute that does not exist an expression has no value, and the next one is asked. */
const NO_VALUE = 'request.none_of_these';

/** The first case that holds; `otherwise` when none does. */
function firstOf(cases: readonly Case[], otherwise: ReasonCode): string {
  const operators: string[] = [];
  for (let from = 0; from < cases.length; from += DEEPEST) {
    const isLast = from + DEEPEST >= cases.length;
    operators.push(chain(cases.slice(from, from + DEEPEST), isLast ? `'${otherwise}'` : NO_VALUE));
  }
  if (operators.length === 1) return `%CEL(${operators[0]})%`;
  return `%COALESCE(${JSON.stringify({ operators: operators.map((param) => ({ command: 'CEL', param })) })})%`;
}

function chain(cases: readonly Case[], otherwise: string): string {
  return cases.reduceRight((rest, [code, when]) => {
    const then = typeof code === 'string' ? `'${code}'` : `(${chain(code[0], `'${code[1]}'`)})`;
    return `${when} ? ${then} : ${rest}`;
  }, otherwise);
}

export interface Expressions {
  readonly reason: string;
  readonly verdict: string;
}

/** `isRefused`, and in one case `isAllowed`: the verdict of REASONS, in fewer words than the reason. */
export function formatted(
  cases: readonly Case[],
  otherwise: ReasonCode,
  isRefused: string,
  isAllowed?: string,
): Expressions {
  const verdict = `${isRefused} ? 'refused' : 'failed'`;
  return {
    reason: firstOf(cases, otherwise),
    verdict: `%CEL(${isAllowed === undefined ? verdict : `${isAllowed} ? 'allowed' : ${verdict}`})%`,
  };
}
