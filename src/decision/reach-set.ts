// What resources allow, as a set: whether one entry covers another, entries without those that others cover, and differences.
// Must not: take an entry for covered that allows anything more.

import type { Span } from './matching/alternatives.ts';
import { type Permission, unmetPermission } from './matching/policies.ts';
import { RequestView } from './matching/request-view.ts';

/** One thing that somebody may do, at one gateway. */
export interface Reach {
  readonly gateway: 'ingress' | 'egress';
  /** The peer that calls (ingress), or is called (egress). */
  readonly peer: string;
  /** The name of the export. */
  readonly service: string;
  /** The host that a request is for; absent for TCP. */
  readonly host?: string;
  /** Of an egress gateway. */
  readonly port?: number;
  readonly protocol: 'http' | 'tcp';
  /** The workload of the peer as its gateway claims (ingress), or as its certificate proves (egress); absent: anybody. */
  readonly workload?: Span;
  /** Absent: any. */
  readonly method?: string;
  readonly path?: Span;
  /** What the stream may become. */
  readonly upgrade?: string;
  /** Further conditions of the gateway, in the words of the resources; more of them allow less. */
  readonly conditions: readonly string[];
  readonly rule: string;
}

/** Whether whatever `narrow` allows is allowed by `wide`. The name of the rule is no part of that. */
export function covers(wide: Reach, narrow: Reach): boolean {
  return (
    keyOf(wide) === keyOf(narrow) &&
    (wide.method === undefined || wide.method === narrow.method) &&
    spanCovers(wide.path, narrow.path) &&
    spanCovers(wide.workload, narrow.workload) &&
    wide.conditions.every((condition) => narrow.conditions.includes(condition) || isMet(condition, narrow.path))
  );
}

/** Whether something is allowed by both. */
export function overlaps(one: Reach, other: Reach): boolean {
  const exact = [one.path, other.path].find((path) => path !== undefined && 'exact' in path);
  return (
    keyOf(one) === keyOf(other) &&
    (one.method === undefined || other.method === undefined || one.method === other.method) &&
    (spanCovers(one.path, other.path) || spanCovers(other.path, one.path)) &&
    (spanCovers(one.workload, other.workload) || spanCovers(other.workload, one.workload)) &&
    [...one.conditions, ...other.conditions].every(
      (condition) => !isOfPath(condition) || !exact || isMet(condition, exact),
    )
  );
}

/** A condition on paths says nothing new of one path that meets it: /a/* demands more of a path than /a/b does, and covers it. */
function isMet(condition: string, path: Span | undefined): boolean {
  if (path === undefined || !('exact' in path) || !isOfPath(condition)) return false;
  const request = { protocol: 'h2', method: '', authority: '', path: path.exact, headers: [] } as const;
  return unmetPermission(JSON.parse(condition) as Permission, new RequestView(request, undefined)).length === 0;
}

function isOfPath(condition: string): boolean {
  return condition.startsWith('{"not_rule":{"url_path":');
}

function spanCovers(wide: Span | undefined, narrow: Span | undefined): boolean {
  if (wide === undefined) return true;
  if (narrow === undefined) return false;
  if ('exact' in wide) return 'exact' in narrow && wide.exact === narrow.exact;
  return ('exact' in narrow ? narrow.exact : narrow.prefix).startsWith(wide.prefix);
}

function keyOf({ gateway, peer, service, host, port, protocol, upgrade }: Reach): string {
  return JSON.stringify([gateway, peer, service, host, port, protocol, upgrade]);
}

/** Without what others cover; of two that allow the same, the first stays. */
export function merged(all: readonly Reach[]): readonly Reach[] {
  return grouped(all).flatMap((group) =>
    group.filter(
      (one, index) =>
        !group.some((other, at) => at !== index && covers(other, one) && (at < index || !covers(one, other))),
    ),
  );
}

/** What `after` allows and `before` does not. */
export function gained(before: readonly Reach[], after: readonly Reach[]): readonly Reach[] {
  const groups = new Map(grouped(before).map((group) => [group[0] === undefined ? '' : keyOf(group[0]), group]));
  return after.filter((one) => !(groups.get(keyOf(one)) ?? []).some((other) => covers(other, one)));
}

function grouped(all: readonly Reach[]): readonly (readonly Reach[])[] {
  const groups = new Map<string, Reach[]>();
  for (const one of all) {
    const group = groups.get(keyOf(one));
    if (group === undefined) groups.set(keyOf(one), [one]);
    else group.push(one);
  }
  return [...groups.values()];
}
