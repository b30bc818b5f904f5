// Whether gateways know why: every line that they wrote has a reason of the table, with its verdict.
// Must not: judge whether the reason is the right one; test/envoy/http/ does.

import assert from 'node:assert/strict';
import { REASONS } from '../../../src/envoy/reasons.ts';
import type { RealEnvoy } from '../real-envoy.ts';

/** Returns the reasons that were found. */
export function assertReasonsKnown(gateways: readonly RealEnvoy[]): ReadonlySet<string> {
  const lines = gateways.flatMap(({ log }) => log).filter((line) => typeof line['layer'] === 'string');
  const unknown = lines.filter(({ reason, verdict }) => {
    const known = REASONS[reason as keyof typeof REASONS];
    return reason === 'UNKNOWN_REASON' || known === undefined || known.verdict !== verdict;
  });
  assert.deepEqual(unknown, []);
  return new Set(lines.map(({ reason }) => String(reason)));
}
