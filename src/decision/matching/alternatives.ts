// The alternatives of a policy: every combination of method, path, workload and whatever else it demands, as a finite list.
// Must not: leave out a condition. What is not a list of values stays as a condition, in the words of the resource.

import { type Permission, type Policy, unmetPermission } from './policies.ts';
import { RequestView } from './request-view.ts';
import { present, unjudged } from './unjudged.ts';

/** One value, or everything that begins with it. */
export type Span = { readonly exact: string } | { readonly prefix: string };

export interface Alternative {
  /** Absent: any. */
  readonly method?: string;
  readonly path?: Span;
  readonly workload?: Span;
  /** Further conditions, sorted; more of them allow less. */
  readonly conditions: readonly string[];
}

type Literal = { readonly permission: Permission; readonly isNegated: boolean };

/** Errors: UNJUDGED for a policy that demands two methods at once, or the like. */
export function alternativesOf(policy: Policy): readonly Alternative[] {
  const all = (policy.permissions ?? []).flatMap((permission) => conjunctions(permission, false));
  return all.flatMap((literals) => alternativeOf(literals));
}

/** In disjunctive form; what is negated stays whole. */
function conjunctions(permission: Permission, isNegated: boolean): readonly (readonly Literal[])[] {
  const { any, and_rules: and, or_rules: or } = permission;
  if (isNegated) return [[{ permission, isNegated }]];
  if (any) return [[]];
  if (permission.not_rule !== undefined) return conjunctions(permission.not_rule, true);
  if (or !== undefined) return (or.rules ?? []).flatMap((rule) => conjunctions(rule, false));
  if (and === undefined) return [[{ permission, isNegated }]];
  return (and.rules ?? []).reduce<readonly (readonly Literal[])[]>(
    (sofar, rule) => sofar.flatMap((one) => conjunctions(rule, false).map((more) => [...one, ...more])),
    [[]],
  );
}

/** None when its conditions contradict each other, as a method that is never granted does. */
function alternativeOf(literals: readonly Literal[]): readonly Alternative[] {
  const found: { method?: string; path?: Span; workload?: Span } = {};
  const others: Literal[] = [];
  for (const literal of literals) {
    const { header, url_path: path, sourced_metadata: metadata } = literal.permission;
    const isMethod = header?.name === ':method' && header.string_match !== undefined;
    if (literal.isNegated) others.push(literal);
    else if (isMethod) once(found, 'method', exactOf(spanOf(present(header.string_match, 'a method'))));
    else if (path !== undefined) once(found, 'path', spanOf(present(path.path, 'a path')));
    else if (metadata !== undefined)
      once(found, 'workload', spanOf(present(metadata.metadata_matcher?.value?.string_match, 'a workload')));
    else others.push(literal);
  }
  const { method, path, workload } = found;
  const open = others.filter((literal) => holdsFor(literal, method) !== true);
  if (open.some((literal) => holdsFor(literal, method) === false)) return [];
  const conditions = open
    .filter(({ permission }) => permission.header?.name !== ':authority')
    .map(({ permission, isNegated }) => JSON.stringify(isNegated ? { not_rule: permission } : permission))
    .sort();
  return [
    { ...(method !== undefined && { method }), ...(path && { path }), ...(workload && { workload }), conditions },
  ];
}

function once<K extends 'method' | 'path' | 'workload'>(
  found: { method?: string; path?: Span; workload?: Span },
  key: K,
  value: NonNullable<(typeof found)[K]>,
): void {
  if (found[key] !== undefined) throw unjudged(`a rule that demands two of ${key}`);
  found[key] = value;
}

function spanOf({ exact, prefix, ...more }: { readonly exact?: string; readonly prefix?: string }): Span {
  if (Object.keys(more).length > 0) throw unjudged('a matcher that is neither a value nor a prefix');
  return exact === undefined ? { prefix: present(prefix, 'a matcher') } : { exact };
}

function exactOf(span: Span): string {
  if ('prefix' in span) throw unjudged('a prefix of methods');
  return span.exact;
}

/** By its method alone; undefined when that decides nothing, as of a body that only some methods may have. */
function holdsFor({ permission, isNegated }: Literal, method: string | undefined): boolean | undefined {
  const holds = isTrueOf(permission, method);
  return holds === undefined ? undefined : holds !== isNegated;
}

function isTrueOf(permission: Permission, method: string | undefined): boolean | undefined {
  const { any, header, and_rules: and, or_rules: or, not_rule: not } = permission;
  if (any) return true;
  if (not !== undefined) {
    const holds = isTrueOf(not, method);
    return holds === undefined ? undefined : !holds;
  }
  if (and !== undefined) return decided(and.rules ?? [], method, false);
  if (or !== undefined) return decided(or.rules ?? [], method, true);
  if (header?.name !== ':method' || method === undefined) return undefined;
  const request = { protocol: 'h2', method, authority: '', path: '/', headers: [] } as const;
  return unmetPermission(permission, new RequestView(request, undefined)).length === 0;
}

/** Of several rules, one that is `decisive` decides, and otherwise all of them together. */
function decided(rules: readonly Permission[], method: string | undefined, decisive: boolean): boolean | undefined {
  const answers = rules.map((rule) => isTrueOf(rule, method));
  if (answers.includes(decisive)) return decisive;
  return answers.includes(undefined) ? undefined : !decisive;
}
