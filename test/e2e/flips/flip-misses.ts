// Requests that were not served although every configuration meanwhile allows them, and what the gateway's log says of each.
// Must not: judge whether that may be.

import type { LogLine } from '../../../deploy/demo/why.ts';
import type { Missed } from './flip-rule.ts';
import { isTcp } from './flip-values.ts';

/** One line for each edit and reason: how many, when after the edit, and what the gateway says. */
export function reasons(
  missed: readonly Missed[],
  times: readonly number[],
  log: readonly LogLine[],
): readonly string[] {
  const lines = log.flatMap((line) => (line['layer'] === 'http' ? [{ line, at: Date.parse(String(line['ts'])) }] : []));
  const used = new Set<LogLine>();
  const groups = new Map<string, number[]>();
  for (const one of missed) {
    const { what, status, at, until } = one;
    const [authority, request] =
      what.at === 'ingress' ? [`${what.exported}.exports.ours.example`, what.request] : [what.name ?? '', undefined];
    const found = lines.find(
      ({ line, at: began }) =>
        !isTcp(what) &&
        !used.has(line) &&
        line['code'] === status &&
        began >= at - 5 &&
        began <= until + 5 &&
        (line['authority'] === undefined || String(line['authority']).startsWith(authority)) &&
        (request === undefined || (line['method'] === request.method && line['path'] === request.path)),
    )?.line;
    if (found !== undefined) used.add(found);
    const { gateway, peer, flags, code_details: details, reason, upstream_fail: why } = found ?? {};
    const key = JSON.stringify({
      edit: one.from,
      status,
      at: what.at,
      ...(isTcp(what) && { what, took: until - at }),
      gateway,
      peer,
      flags,
      details,
      reason,
      why,
    });
    groups.set(key, [...(groups.get(key) ?? []), at - (times[one.from] ?? 0)]);
  }
  return [...groups].map(
    ([key, times]) => `${times.length} at +${Math.min(...times)} to +${Math.max(...times)} ms: ${key}`,
  );
}
