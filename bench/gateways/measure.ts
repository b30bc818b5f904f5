// Measures gateways in alternation: within a repetition each of them once, each first as often as the others.
// Must not: compare what was not measured within one repetition; the machine is another one a minute later.

import type { GatewayRole } from '../../src/federation/model.ts';
import { CELLS, type CellName, download, type LoadTools, requests } from './load.ts';
import type { Measured } from './scene.ts';

/** One run. */
export interface Run {
  /** Microseconds of CPU for each request, or for each MB over TCP. */
  readonly cpu: number;
  /** Milliseconds; over TCP: MB/s in the first, nothing in the second. */
  readonly p50: number;
  readonly p99: number;
}

/** By the name of what was measured: `hand-written`, `ours`, or the piece that was left out. */
export type Repetition = ReadonlyMap<string, Run>;
export type WorkName = CellName | 'tcp';

export const HAND_WRITTEN = 'hand-written';
export const OURS = 'ours';

export interface Series {
  readonly role: GatewayRole;
  readonly work: WorkName;
  readonly repetitions: readonly Repetition[];
}

export async function measure(
  load: LoadTools,
  work: WorkName,
  gateways: ReadonlyMap<string, Measured>,
  turn: number,
): Promise<Repetition> {
  const names = [...gateways.keys()];
  const turns = [...names.slice(turn % names.length), ...names.slice(0, turn % names.length)];
  const runs = new Map<string, Run>();
  for (const name of turns) {
    const gateway = gateways.get(name);
    if (gateway !== undefined) runs.set(name, work === 'tcp' ? await bytes(gateway) : await one(load, work, gateway));
    gateway?.envoy.dropLog();
  }
  return runs;
}

async function one(load: LoadTools, work: CellName, { envoy, http }: Measured): Promise<Run> {
  const cell = CELLS[work];
  // Opens the connections behind the gateway, which are kept; those before it are part of what is measured.
  await requests(load, cell, http, 0);
  const before = envoy.cpu();
  const latencies = await requests(load, cell, http);
  const at = (part: number): number => latencies[Math.floor(latencies.length * part)] ?? Number.NaN;
  return { cpu: (envoy.cpu() - before) / 1000 / latencies.length, p50: at(0.5), p99: at(0.99) };
}

const MEGABYTES = 50;

async function bytes({ envoy, tcp }: Measured): Promise<Run> {
  await download(tcp, 1000);
  const before = envoy.cpu();
  const seconds = await download(tcp, MEGABYTES * 1_000_000);
  return { cpu: (envoy.cpu() - before) / 1000 / MEGABYTES, p50: MEGABYTES / seconds, p99: Number.NaN };
}
