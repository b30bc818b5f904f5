// The cells that are measured with whole processes: snapshot, number of streams, protocol, and the change.
// Must not: run anything.

import type { Cell } from './load.ts';

interface Size {
  readonly peers: number;
  readonly services: number;
}

const SMALL: Size = { peers: 5, services: 10 };
const MEDIUM: Size = { peers: 20, services: 50 };
const LARGE: Size = { peers: 100, services: 100 };

function cell(size: Size, streams: number, mode: Cell['mode'], more: Partial<Cell> = {}): Cell {
  const { tls = false, change = 'cds', perGateway = false } = more;
  const parts = [`${size.peers}×${size.services}`, `${streams} streams`, mode === 'sotw' ? 'SotW' : 'delta'];
  if (change !== 'cds') parts.push(change === 'all' ? 'everything changes' : `one ${change.toUpperCase()} change`);
  if (perGateway) parts.push('a snapshot each');
  if (tls) parts.push('mTLS');
  const base = { ...size, streams, mode, tls, change, perGateway, rounds: 5, churnSeconds: 0, workers: false };
  return { ...base, ...more, name: parts.join(', ') };
}

/** Every row of the targets, over plaintext and over mutual TLS; then other sizes. */
export const CELLS = {
  large: cell(LARGE, 100, 'delta', { churnSeconds: 2, workers: true }),
  largeTls: cell(LARGE, 100, 'delta', { tls: true, churnSeconds: 2, workers: true }),
  largeSotw: cell(LARGE, 100, 'sotw'),
  largeSotwTls: cell(LARGE, 100, 'sotw', { tls: true, rounds: 3 }),
  mediumRoutes: cell(MEDIUM, 1000, 'sotw', { change: 'rds', workers: true }),
  mediumRoutesTls: cell(MEDIUM, 1000, 'sotw', { change: 'rds', tls: true, rounds: 3 }),
  mediumSecrets: cell(MEDIUM, 1000, 'sotw', { change: 'sds', workers: true }),
  mediumSecretsTls: cell(MEDIUM, 1000, 'sotw', { change: 'sds', tls: true, rounds: 3 }),
  medium: cell(MEDIUM, 1000, 'delta', { workers: true }),
  mediumManyTls: cell(MEDIUM, 1000, 'delta', { tls: true, rounds: 3, workers: true }),
  manyTls: cell(SMALL, 1000, 'delta', { tls: true, workers: true }),
  small: cell(SMALL, 100, 'delta', { churnSeconds: 1, workers: true }),
  smallTls: cell(SMALL, 100, 'delta', { tls: true, churnSeconds: 1 }),
  mediumTls: cell(MEDIUM, 100, 'delta', { tls: true, churnSeconds: 1, workers: true }),
  one: cell(SMALL, 1, 'delta', { churnSeconds: 1 }),
  most: cell(SMALL, 5000, 'delta', { rounds: 3, workers: true }),
  everything: cell(MEDIUM, 100, 'delta', { change: 'all', rounds: 3 }),
  perGateway: cell(MEDIUM, 100, 'delta', { perGateway: true, rounds: 3 }),
  oneLarge: cell(LARGE, 1, 'delta'),
  oneLargeSotw: cell(LARGE, 1, 'sotw'),
  mostMedium: cell(MEDIUM, 5000, 'delta', { rounds: 3 }),
  mostSotw: cell(SMALL, 5000, 'sotw', { rounds: 3 }),
  mostTls: cell(SMALL, 5000, 'delta', { tls: true, rounds: 3 }),
  manyLarge: cell(LARGE, 1000, 'delta', { rounds: 3 }),
} as const satisfies Readonly<Record<string, Cell>>;

export type CellName = keyof typeof CELLS;

/** Sizes that take minutes each; only with `--full`. */
export const FULL: readonly CellName[] = ['oneLarge', 'oneLargeSotw', 'mostMedium', 'mostSotw', 'mostTls', 'manyLarge'];

/** A minute or two: what says most. */
export const QUICK: readonly CellName[] = ['large', 'small', 'mediumTls'];
