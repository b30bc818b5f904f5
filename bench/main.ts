// `npm run bench -- [--quick | --full] [--repetitions N] [--cells a,b]`: measures, and writes bench/RESULTS.md and results.svg.
// In: the command line. Out: the report; progress on stderr. Must not: touch a process or a port that it did not start.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Processes } from '../deploy/demo/processes.ts';
import { CELLS, type CellName, FULL, QUICK } from './cells.ts';
import { type BenchCertificates, makeCertificates } from './certificates.ts';
import { type InProcessRow, inProcess } from './in-process.ts';
import { type Cell, type Figures, load } from './load.ts';
import { plot } from './plot.ts';
import { number, type Repetition, report } from './report.ts';
import { savedFile } from './saved-file.ts';
import { type Binaries, buildBinaries, SERVERS, type ServerName, startServer } from './servers.ts';
import { waves } from './waves.ts';

const OUT = fileURLToPath(new URL('../../bench/', import.meta.url));
const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    full: { type: 'boolean', default: false },
    repetitions: { type: 'string' },
    cells: { type: 'string' },
  },
});
const SIZES = [
  [5, 10],
  [20, 50],
  [100, 100],
] as const;
const { quick, full } = values;
const repetitions = Number(values.repetitions ?? (quick ? 1 : 3));
const cells = chosen();
const folder = mkdtempSync(join(tmpdir(), 'postern-bench-'));
const processes = new Processes(join(folder, 'logs'));
const started = performance.now();

function chosen(): readonly CellName[] {
  const all = Object.keys(CELLS) as CellName[];
  const usual = quick ? QUICK : all.filter((name) => full || !FULL.includes(name));
  const names = values.cells?.split(',') ?? usual;
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
  say('memory over waves of streams');
  const flat = await waves(processes, binaries, await dumpOf(CELLS.small), quick ? 10 : 200);
  const found = { inProcess: steps, savedFile: saved, waves: flat, quick, analysis };
  const results = new Map<CellName, Repetition[]>(cells.map((name) => [name, []]));
  for (let repetition = 0; repetition < repetitions; repetition += 1) {
    for (const name of cells) {
      const cell = CELLS[name];
      const measured = await takeTurns(cell, await dumpOf(cell), binaries, certificates, repetition);
      results.get(name)?.push(measured);
      const line = [...measured].map(([server, figures]) => {
        const { storm, changeP99 } = figures;
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
  const servers = SERVERS.filter((server) => server !== 'workers' || cell.workers);
  const turns = [...servers.slice(repetition % servers.length), ...servers.slice(0, repetition % servers.length)];
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
