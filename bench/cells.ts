// What is measured of whole processes: which snapshot, how many streams, which protocol, what changes.
// In: whether it has to be quick. Out: cells. Must not: run anything.

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
  const base = { ...size, streams, mode, tls, change, perGateway, rounds: 5, churnSeconds: 0 };
  return { ...base, ...more, name: parts.join(', ') };
}

export const CELLS = {
  large: cell(LARGE, 100, 'delta', { churnSeconds: 2 }),
  largeSotw: cell(LARGE, 100, 'sotw'),
  mediumRoutes: cell(MEDIUM, 1000, 'sotw', { change: 'rds' }),
  mediumSecrets: cell(MEDIUM, 1000, 'sotw', { change: 'sds' }),
  medium: cell(MEDIUM, 1000, 'delta'),
  smallTls: cell(SMALL, 1000, 'delta', { tls: true }),
  small: cell(SMALL, 100, 'delta', { churnSeconds: 1 }),
  mediumTls: cell(MEDIUM, 100, 'delta', { tls: true, churnSeconds: 1 }),
  largeTls: cell(LARGE, 100, 'delta', { tls: true, churnSeconds: 1 }),
  largeSotwTls: cell(LARGE, 100, 'sotw', { tls: true, rounds: 3 }),
  mediumRoutesTls: cell(MEDIUM, 1000, 'sotw', { change: 'rds', tls: true, rounds: 3 }),
  mediumManyTls: cell(MEDIUM, 1000, 'delta', { tls: true, rounds: 3 }),
  one: cell(SMALL, 1, 'delta', { churnSeconds: 1 }),
  many: cell(SMALL, 5000, 'delta', { rounds: 3 }),
  everything: cell(MEDIUM, 100, 'delta', { change: 'all', rounds: 3 }),
  perGateway: cell(MEDIUM, 100, 'delta', { perGateway: true, rounds: 3 }),
} as const satisfies Readonly<Record<string, Cell>>;

export type CellName = keyof typeof CELLS;

/** A minute or two: what says most. */
export const QUICK: readonly CellName[] = ['large', 'small', 'mediumTls'];
