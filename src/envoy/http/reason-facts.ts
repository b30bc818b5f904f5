// What a virtual host says of its rules for the log alone: which paths they have, and which with which method. A refused request is
// compared with it when its line is written (reason-expressions.ts).
// Must not: decide anything.

import type { AllowRule, PathRule, RequestBodies } from '../../federation/model.ts';

export type ReasonFacts = {
  /** RE2, of whole paths: those of any rule. */
  readonly paths: string;
  /** The same by method. */
  readonly methods: Readonly<Record<string, string>>;
  /** Absent: only methods that define a body may have one. */
  readonly bodies?: 'any-method';
};

export function forReasons(allow: readonly AllowRule[], requestBodies: RequestBodies): ReasonFacts {
  const methods = [...new Set(allow.flatMap((rule) => rule.methods))].sort();
  const withMethod = (method: string): readonly PathRule[] =>
    allow.filter((rule) => rule.methods.includes(method)).flatMap(({ paths }) => paths);
  return {
    paths: wholePaths(allow.flatMap(({ paths }) => paths)),
    methods: Object.fromEntries(methods.map((method) => [method, wholePaths(withMethod(method))])),
    ...(requestBodies === 'any-method' && { bodies: requestBodies }),
  };
}

function wholePaths(paths: readonly PathRule[]): string {
  const alternatives = paths.map((path) => ('exact' in path ? literally(path.exact) : `${literally(path.prefix)}.*`));
  return `^(?:${[...new Set(alternatives)].sort().join('|')})$`;
}

function literally(text: string): string {
  return text.replace(/[^A-Za-z0-9/_~-]/g, (one) => (one === '^' ? '\\^' : `[${one}]`));
}
