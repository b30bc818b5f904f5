// Grants by the file: who has one of an export, and those that are over, of which a gateway has no trace.
// Must not: call a grant ended that the pipeline serves (federation/resolve/resolve-services.ts).

import type { Served } from './served.ts';

/** The last day of the peer's grant, when that is before `at`. */
export function endedOn({ terms }: Pick<Served, 'terms'>, name: string, peer: string, at: number): string | undefined {
  const last = terms.expires[`exports.${name}.consumers.${peer}`];
  // Through that day, in UTC.
  return typeof last === 'string' && new Date(at).toISOString().slice(0, 10) > last ? last : undefined;
}

/** The peers that have a grant of the export at that time. */
export function grantedTo(
  served: Pick<Served, 'terms' | 'names' | 'places'>,
  name: string,
  at: number,
): readonly string[] {
  return served.names.peers
    .map((peer) => peer.name)
    .filter((peer) => Object.hasOwn(served.places, `exports.${name}.consumers.${peer}`))
    .filter((peer) => endedOn(served, name, peer, at) === undefined);
}
