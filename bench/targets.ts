// What the hot path has to reach (issue 4): ratios of Postern to the other servers, within one repetition.
// In: nothing. Out: rows. Must not: be changed to fit a result.

import type { CellName } from './cells.ts';
import type { Figures } from './load.ts';

export interface Target {
  readonly work: string;
  readonly cell: CellName;
  readonly figure: keyof Figures;
  /** Bounds of Postern / the other; for churn they are lower bounds. */
  readonly snapshot: number;
  readonly linear: number;
  readonly limit: number;
  readonly atLeast?: boolean;
}

export const TARGETS: readonly Target[] = [
  row('connect storm, last full set', 'large', 'storm', 1 / 12, 1 / 3, 1.3),
  row('one-cluster change, p99', 'large', 'changeP99', 1 / 50, 1 / 20, 1.3),
  row('one-cluster change, p99', 'largeSotw', 'changeP99', 1 / 15, 1 / 4, 1.3),
  row('one-route change, p99', 'mediumRoutes', 'changeP99', 1 / 20, 1, 1.3),
  row('one-secret change, p99', 'mediumSecrets', 'changeP99', 1 / 20, 1, 1.3),
  row('connect storm, last full set', 'medium', 'storm', 1 / 6, 1 / 2, 1.3),
  row('one-cluster change, p99', 'medium', 'changeP99', 1 / 15, 1 / 4, 1.3),
  row('server CPU per delivered MB', 'large', 'stormCpuPerMb', 1 / 25, 1 / 5, 1.5),
  row('memory per stream after the storm', 'large', 'memoryPerStream', 1 / 40, 1 / 15, 1.8),
  { ...row('request churn, pairs per second', 'large', 'churnPairs', 1.5, 1.2, 0.65), atLeast: true },
  row('connect storm, last full set', 'smallTls', 'storm', 1.2, 1.2, 1.3),
  row('connect storm of a cold process', 'small', 'storm', 1, 1.2, 1.3),
  row('one-cluster change, p99', 'mediumTls', 'changeP99', 1 / 6, 1 / 1.5, 1.3),
];

function row(
  work: string,
  cell: CellName,
  figure: keyof Figures,
  snapshot: number,
  linear: number,
  limit: number,
): Target {
  return { work, cell, figure, snapshot, linear, limit };
}
