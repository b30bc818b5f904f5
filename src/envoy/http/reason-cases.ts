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

/** The first case that holds; `otherwise` when none does. */
function firstOf(cases: readonly Case[], otherwise: string): string {
  if (cases.length <= DEEPEST) return chain(cases, otherwise);
  const [first, rest] = [cases.slice(0, DEEPEST), cases.slice(DEEPEST)];
  return `${anyOf(first.map(([, when]) => when))} ? (${chain(first, otherwise)}) : (${firstOf(rest, otherwise)})`;
}

function chain(cases: readonly Case[], otherwise: string): string {
  return cases.reduceRight((rest, [code, when]) => {
    const then = typeof code === 'string' ? `'${code}'` : `(${chain(...code)})`;
    return `${when} ? ${then} : ${rest}`;
  }, `'${otherwise}'`);
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
    reason: `%CEL(${firstOf(cases, otherwise)})%`,
    verdict: `%CEL(${isAllowed === undefined ? verdict : `${isAllowed} ? 'allowed' : ${verdict}`})%`,
  };
}
