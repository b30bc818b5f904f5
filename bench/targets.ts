// The targets of the hot path: ratios of Postern to the other servers, within one repetition.
// Must not: be changed to fit a result.

import type { CellName } from './cells.ts';
import type { Figures } from './load.ts';

/** One row of a table: what is compared, and in which cell it is measured. */
export interface Work {
  readonly work: string;
  readonly cell: CellName;
  readonly figure: keyof Figures;
  /** The more the better, as with churn; a bound is then a lower one. */
  readonly atLeast?: boolean;
}

export interface Target extends Work {
  /** Bounds of Postern / the other. */
  readonly bounds: {
    readonly snapshot: number;
    readonly linear: number;
    readonly limit: number;
    readonly native?: number;
  };
}

const STORM = 'connect storm, last full set';
const CLUSTER = 'one-cluster change, p99';
const ROUTE = 'one-route change, p99';
const SECRET = 'one-secret change, p99';
const CPU = 'server CPU per delivered MB';
const MEMORY = 'memory per stream after the storm';
const CHURN = 'request churn, pairs per second';
const COLD = 'connect storm of a cold process';

export const TARGETS: readonly Target[] = [
  target(STORM, 'large', 'storm', 1 / 12, 1 / 3, 1.3),
  target(CLUSTER, 'large', 'changeP99', 1 / 50, 1 / 20, 1.3),
  target(CLUSTER, 'largeSotw', 'changeP99', 1 / 15, 1 / 4, 1.3),
  target(ROUTE, 'mediumRoutes', 'changeP99', 1 / 20, 1, 1.3),
  target(SECRET, 'mediumSecrets', 'changeP99', 1 / 20, 1, 1.3),
  target(STORM, 'medium', 'storm', 1 / 6, 1 / 2, 1.3),
  target(CLUSTER, 'medium', 'changeP99', 1 / 15, 1 / 4, 1.3),
  target(CPU, 'large', 'stormCpuPerMb', 1 / 25, 1 / 5, 1.5),
  target(MEMORY, 'large', 'memoryPerStream', 1 / 40, 1 / 15, 1.8),
  { ...target(CHURN, 'large', 'churnPairs', 1.5, 1.2, 0.65), atLeast: true },
  target(STORM, 'manyTls', 'storm', 1.2, 1.2, 1.3),
  target(COLD, 'small', 'storm', 1, 1.2, 1.3),
  target(CLUSTER, 'mediumTls', 'changeP99', 1 / 6, 1 / 1.5, 1.3),
];

/** The same work over mutual TLS, for which no bounds are set. */
export const OVER_TLS: readonly Work[] = [
  { work: STORM, cell: 'largeTls', figure: 'storm' },
  { work: CLUSTER, cell: 'largeTls', figure: 'changeP99' },
  { work: CLUSTER, cell: 'largeSotwTls', figure: 'changeP99' },
  { work: ROUTE, cell: 'mediumRoutesTls', figure: 'changeP99' },
  { work: SECRET, cell: 'mediumSecretsTls', figure: 'changeP99' },
  { work: STORM, cell: 'mediumManyTls', figure: 'storm' },
  { work: CLUSTER, cell: 'mediumManyTls', figure: 'changeP99' },
  { work: CPU, cell: 'largeTls', figure: 'stormCpuPerMb' },
  { work: MEMORY, cell: 'largeTls', figure: 'memoryPerStream' },
  { work: CHURN, cell: 'largeTls', figure: 'churnPairs', atLeast: true },
  { work: COLD, cell: 'smallTls', figure: 'storm' },
];

/** The native server is the goal of storms and changes only: a time at most twice its own. */
function target(
  work: string,
  cell: CellName,
  figure: keyof Figures,
  snapshot: number,
  linear: number,
  limit: number,
): Target {
  const native = figure === 'storm' || figure === 'changeP99' ? { native: 2 } : {};
  return { work, cell, figure, bounds: { snapshot, linear, limit, ...native } };
}
