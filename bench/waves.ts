// Connects and disconnects waves of streams against one running Postern, whose memory has to stay the same.
// Must not: collect garbage first; what people see is measured.

import { readFileSync } from 'node:fs';
import type { Processes } from '../deploy/demo/processes.ts';
import { CELLS } from './cells.ts';
import { load } from './load.ts';
import { type Binaries, startServer } from './servers.ts';

export interface Waves {
  readonly streams: number;
  /** After each wave, in megabytes. */
  readonly rssMb: readonly number[];
}

const STREAMS = 500;

export async function waves(processes: Processes, binaries: Binaries, dump: string, count: number): Promise<Waves> {
  const { running, target } = await startServer(processes, 'postern', binaries, dump, false, undefined);
  const rssMb: number[] = [];
  try {
    for (let wave = 0; wave < count; wave += 1) {
      const mode = wave % 2 === 0 ? 'delta' : 'sotw';
      await load(binaries.xdsload, { ...CELLS.small, mode, streams: STREAMS, rounds: 1, churnSeconds: 0 }, target);
      rssMb.push(residentMb(target.pid));
    }
  } finally {
    await running.stop();
  }
  return { streams: STREAMS, rssMb };
}

function residentMb(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}
