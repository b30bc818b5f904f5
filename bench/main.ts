// `npm run bench [-- --quick] [-- --repetitions N] [-- --cells a,b]`: measures, and writes bench/RESULTS.md and results.svg.
// In: the command line. Out: the report; progress on stderr. Must not: touch a process or a port that it did not start.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Processes } from '../deploy/demo/processes.ts';
import { CELLS, type CellName, QUICK } from './cells.ts';
import { type BenchCertificates, makeCertificates } from './certificates.ts';
import { type InProcessRow, inProcess } from './in-process.ts';
import { type Cell, type Figures, load } from './load.ts';
import { plot } from './plot.ts';
import { number, type Repetition, report } from './report.ts';
import { savedFile } from './saved-file.ts';
import { type Binaries, buildBinaries, SERVERS, type ServerName, startServer } from './servers.ts';

const OUT = fileURLToPath(new URL('../../bench/', import.meta.url));
const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    repetitions: { type: 'string' },
    cells: { type: 'string' },
  },
});
const SIZES = [
  [5, 10],
  [20, 50],
  [100, 100],
] as const;
const { quick } = values;
const repetitions = Number(values.repetitions ?? (quick ? 1 : 3));
const cells = chosen();
const folder = mkdtempSync(join(tmpdir(), 'postern-bench-'));
const processes = new Processes(join(folder, 'logs'));
const started = performance.now();

function chosen(): readonly CellName[] {
  const names = values.cells?.split(',') ?? (quick ? QUICK : Object.keys(CELLS));
  const unknown = names.filter((name) => !Object.hasOwn(CELLS, name));
  if (unknown.length > 0)
    throw new Error(`no such cell: ${unknown.join(', ')}; there are ${Object.keys(CELLS).join(', ')}`);
  return names as CellName[];
}

function say(text: string): void {
  const seconds = (performance.now() - started) / 1000;
  process.stderr.write(`${seconds.toFixed(0).padStart(5)} s  ${text}\n`);
}

async function measure(): Promise<void> {
  say('building the Go programs (go-control-plane and the load generator)');
  const binaries = await buildBinaries(processes, join(folder, 'bin'));
  const certificates = makeCertificates(folder);
  const dumps = new Map<string, string>();
  const dumpOf = async ({ peers, services }: Cell): Promise<string> => {
    const file = join(folder, `${peers}-${services}.bin`);
    if (!dumps.has(file)) {
      const args = ['--peers', String(peers), '--services', String(services), '--dump', file];
      dumps.set(file, await processes.run('gcp --dump', binaries.gcp, args));
    }
    return file;
  };
  say('the steps in process');
  const sizes = quick ? SIZES.slice(0, 1) : SIZES;
  const steps: InProcessRow[] = [];
  for (const [peers, services] of sizes) steps.push(await inProcess(join(folder, `mesh-${peers}`), peers, services));
  say('from a saved file to the last gateway');
  const saved = await savedFile(processes, {
    folder: join(folder, 'saved'),
    xdsload: binaries.xdsload,
    peers: 100,
    exports: 10_000,
    streams: quick ? 100 : 1000,
    rounds: quick ? 2 : 6,
  });
  const analysis = readFileSync(join(OUT, 'ANALYSIS.md'), 'utf8');
  const found = { inProcess: steps, savedFile: saved, quick, analysis };
  const results = new Map<CellName, Repetition[]>(cells.map((name) => [name, []]));
  for (let repetition = 0; repetition < repetitions; repetition += 1) {
    for (const name of cells) {
      const cell = CELLS[name];
      const measured = await takeTurns(cell, await dumpOf(cell), binaries, certificates, repetition);
      results.get(name)?.push(measured);
      const line = SERVERS.map((server) => {
        const { storm = Number.NaN, changeP99 = Number.NaN } = measured.get(server) ?? {};
        return `${server} ${number(storm)}/${number(changeP99)}`;
      });
      say(`${repetition + 1}/${repetitions} ${cell.name}: storm/change ms ${line.join(', ')}`);
    }
    // After each repetition: who has no patience for the last has the ones before.
    writeFileSync(join(OUT, 'RESULTS.md'), report({ ...found, results }));
    writeFileSync(join(OUT, 'results.svg'), plot(results));
    say('wrote bench/RESULTS.md and bench/results.svg');
  }
}

/** Every server once, each in a fresh process; each goes first as often as the others. */
async function takeTurns(
  cell: Cell,
  dump: string,
  binaries: Binaries,
  certificates: BenchCertificates,
  repetition: number,
): Promise<Repetition> {
  const measured = new Map<ServerName, Figures>();
  const turns = SERVERS.map((_, index) => SERVERS[(index + repetition) % SERVERS.length] ?? 'postern');
  for (const server of turns) {
    const tls = cell.tls ? certificates : undefined;
    const { running, target } = await startServer(processes, server, binaries, dump, cell.perGateway, tls);
    try {
      measured.set(server, await load(binaries.xdsload, cell, target));
    } finally {
      await running.stop();
    }
  }
  return measured;
}

try {
  await measure();
} finally {
  await processes.stopAll();
  rmSync(folder, { recursive: true, force: true });
}
