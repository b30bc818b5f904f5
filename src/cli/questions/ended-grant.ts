// Grants that are over: a gateway has no trace of them, and the file still has their last day.
// Must not: call a grant ended that the pipeline serves (federation/resolve/resolve-services.ts).

import type { Served } from './served.ts';

/** The last day of the peer's grant, when that is before `at`. */
export function endedOn({ terms }: Pick<Served, 'terms'>, name: string, peer: string, at: number): string | undefined {
  const last = terms.expires[`exports.${name}.consumers.${peer}`];
  // Through that day, in UTC.
  return typeof last === 'string' && new Date(at).toISOString().slice(0, 10) > last ? last : undefined;
}
