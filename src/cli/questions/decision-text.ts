// A decision for people: the answer, the rule, and the way there, each step with its line of the file.
// Must not: decide.

import type { Decision } from '../../decision/answer/decision.ts';
import { inOneLine, oneLine } from '../../one-line.ts';
import { table } from '../table.ts';
import { type PlacedLimit, placedLimits, placedLimitText } from './placed-limit.ts';
import { importsOf, placeOf } from './rule-place.ts';
import type { Served } from './served.ts';

/** An export whose rules say nothing of the peer. */
export interface AskedExport {
  readonly name: string;
  readonly protocol: string;
  readonly place?: string;
  /** The peers that have a grant of it. */
  readonly grantedTo: readonly string[];
  /** The last day of the grant of the peer that asks. */
  readonly endedOn?: string;
}

export interface About {
  /** Whether the gateway of a peer has to allow it as well. */
  readonly peerDecides: boolean;
  readonly export?: AskedExport;
}

export function decisionText(decision: Decision, about: About, asked: string, served: Served): string {
  const { verdict, reason, rule, nearest, steps, backends } = inOneLine(decision);
  const limits = inOneLine(placedLimits(decision.limits, served));
  const at = (name: string | undefined): string => {
    const place = placeOf(name, served, importsOf(decision, served));
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
    ...(about.export === undefined ? [] : [exportLine(about.export)]),
    ...(verdict === 'yes' && backends.length === 0 ? ['  the gateway answers by itself'] : []),
    '',
    ...steps.flatMap(({ compared }, index) => [lines[index] ?? '', `      ${compared}`]),
    ...(verdict === 'no' ? [] : ['', 'Limits on its way, which are not judged:', ...limits.map(limitLine)]),
    ...(about.peerDecides ? ['', PEER_DECIDES] : []),
    '',
  ].join('\n');
}

function limitLine(limit: PlacedLimit): string {
  return `  ${placedLimitText(limit)}${limit.reason === undefined ? '' : `: ${limit.reason}`}`;
}

const PEER_DECIDES =
  'This is the answer of our egress gateway. The ingress gateway of the peer still decides, by its own grants, methods and paths.';

function exportLine({ name, protocol, place, grantedTo, endedOn }: AskedExport): string {
  if (endedOn !== undefined)
    return `  export   ${oneLine(name)}${place === undefined ? '' : ` (${oneLine(place)})`}: the grant ended on ${oneLine(endedOn)} (expires)`;
  const to = grantedTo.length === 0 ? 'granted to nobody' : `granted to ${grantedTo.join(', ')} only`;
  return `  export   ${oneLine(name)}${place === undefined ? '' : ` (${oneLine(place)})`} is ${protocol}, ${oneLine(to)}`;
}
