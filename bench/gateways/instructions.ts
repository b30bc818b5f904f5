// Counts the instructions that a gateway needs for a request, with valgrind's callgrind: unlike CPU time they are the same on a busy
// machine, good to one in a hundred. What the kernel does for the gateway is not among them, and a processor does not take the
// same time for each; so they find what costs, and CPU time (measure.ts) says how much.
// Must not: count the start, or the first requests, in which callgrind translates the code.

import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Processes } from '../../deploy/demo/processes.ts';
import { type Cell, type LoadTools, requests } from './load.ts';
import type { Measured } from './scene.ts';

const DUMP_MS = 60_000;

/** The command that an Envoy runs under; it counts nothing until it is told to. */
export function callgrind(folder: string): readonly string[] {
  mkdirSync(join(folder, 'callgrind'), { recursive: true });
  return [
    'valgrind',
    '--tool=callgrind',
    '--instr-atstart=no',
    `--callgrind-out-file=${join(folder, 'callgrind', '%p')}`,
  ];
}

/** Thousands for each request. Errors: valgrind is missing, or wrote nothing. */
export async function instructions(
  { processes, folder, load }: { readonly processes: Processes; readonly folder: string; readonly load: LoadTools },
  cell: Cell,
  { envoy, http }: Measured,
): Promise<number> {
  const { pid } = envoy.running;
  const control = (...what: readonly string[]): Promise<string> =>
    processes.run('callgrind_control', 'callgrind_control', [...what, String(pid)]);
  // A connection to the gateway, which is kept, for all requests.
  const one: Cell = { ...cell, connections: 1, requests: 400 };
  await control('-i', 'on');
  await requests(load, one, http, 0.1);
  await control('-z');
  await requests(load, one, http);
  await control('-d');
  await control('-i', 'off');
  return (await counted(join(folder, 'callgrind'), pid)) / one.requests / 1000;
}

/** The largest part is that of the worker. */
async function counted(folder: string, pid: number): Promise<number> {
  for (let waited = 0; waited < DUMP_MS; waited += 100) {
    const files = readdirSync(folder).filter((name) => name.startsWith(`${pid}.`));
    const totals = files.map((name) => {
      const [, total = '0'] = /^(?:summary|totals): (\d+)/m.exec(readFileSync(join(folder, name), 'utf8')) ?? [];
      return Number(total);
    });
    const most = Math.max(0, ...totals);
    if (most > 0) {
      for (const name of files) rmSync(join(folder, name));
      return most;
    }
    await sleep(100);
  }
  throw new Error('callgrind wrote no counts');
}
