// `npm run bench -- [--quick | --full] [--repetitions N] [--cells a,b]`: measures the xDS engine, and writes its part of
// bench/RESULTS.md and results.svg.
// Must not: touch a process or a port that it did not start.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Processes } from '../deploy/demo/processes.ts';
import { CELLS, type CellName, FULL, QUICK } from './cells.ts';
import { type BenchCertificates, makeCertificates } from './certificates.ts';
import { commandLine } from './command-line.ts';
import { type InProcessRow, inProcess } from './in-process.ts';
import { type Cell, type Figures, load } from './load.ts';
import { plot } from './plot.ts';
import { number, type Repetition, ratios, report } from './report.ts';
import { type SavedFile, savedFile } from './saved-file.ts';
import { withEngine } from './sections.ts';
import { type Binaries, buildBinaries, SERVERS, type ServerName, startServer } from './servers.ts';
import { waves } from './waves.ts';

const OUT = fileURLToPath(new URL('../../bench/', import.meta.url));
const USAGE = 'npm run bench -- [--quick | --full] [--repetitions N] [--cells a,b]';
const SIZES = [
  [5, 10],
  [20, 50],
  [100, 100],
  [1, 10_000],
] as const;
const { quick, repetitions, cells } = commandLine(USAGE, chosen);
const command = ['npm run bench', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(' ');
const folder = mkdtempSync(join(tmpdir(), 'postern-bench-'));
const processes = new Processes(join(folder, 'logs'));
const started = performance.now();

function chosen(): { readonly quick: boolean; readonly repetitions: number; readonly cells: readonly CellName[] } {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      full: { type: 'boolean', default: false },
      repetitions: { type: 'string' },
      cells: { type: 'string' },
    },
  });
  const { quick, full } = values;
  if (quick && full) throw new Error('--quick and --full exclude each other');
  const repetitions = Number(values.repetitions ?? (quick ? 1 : 3));
  if (!Number.isInteger(repetitions) || repetitions < 1)
    throw new Error(`--repetitions: a number, from 1 on: ${values.repetitions}`);
  const all = Object.keys(CELLS) as CellName[];
  const usual = quick ? QUICK : all.filter((name) => full || !FULL.includes(name));
  const names = values.cells?.split(',') ?? usual;
  const unknown = names.filter((name) => !Object.hasOwn(CELLS, name));
  if (unknown.length > 0) throw new Error(`no such cell: ${unknown.join(', ')}; there are ${all.join(', ')}`);
  return { quick, repetitions, cells: names as CellName[] };
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
  const saved: SavedFile[] = [];
  // Gateways of one peer have all of it in one route table, which is sent whole: 11 MB to each.
  for (const [peers, gateways] of [
    [100, quick ? 100 : 1000],
    [1, 20],
  ] as const) {
    say(`from a saved file to the last gateway, peers: ${peers}`);
    saved.push(
      await savedFile(processes, {
        folder: join(folder, `saved-${peers}`),
        xdsload: binaries.xdsload,
        peers,
        exports: 10_000,
        streams: gateways,
        rounds: quick ? 2 : 6,
      }),
    );
  }
  say('memory over waves of streams');
  const flat = await waves(processes, binaries, await dumpOf(CELLS.small), quick ? 10 : 200);
  // Written by hand about a whole run; beside the figures of a quick one it would speak of others.
  const analysis = quick ? undefined : readFileSync(join(OUT, 'ANALYSIS.md'), 'utf8');
  const found = { inProcess: steps, savedFile: saved, waves: flat, repetitions, command, analysis };
  const results = new Map<CellName, Repetition[]>(cells.map((name) => [name, []]));
  for (let repetition = 0; repetition < repetitions; repetition += 1) {
    for (const name of cells) {
      const cell = CELLS[name];
      const measured = await takeTurns(cell, await dumpOf(cell), binaries, certificates, repetition);
      results.get(name)?.push(measured);
      const line = [...measured].map(([server, figures]) => {
        const { storm, changeFirst, changeP99 } = figures;
        return `${server} ${number(storm)}/${number(changeFirst)}/${number(changeP99)}`;
      });
      say(`${repetition + 1}/${repetitions} ${cell.name}: storm/first/p99 ms ${line.join(', ')}`);
      const ratio = (figure: keyof Figures): string =>
        number(ratios([measured], figure, 'postern', 'native')[0] ?? NaN);
      say(`    Postern / native: storm ${ratio('storm')}, first ${ratio('changeFirst')}, p99 ${ratio('changeP99')}`);
    }
    // After each repetition: who has no patience for the last has the ones before.
    const file = join(OUT, 'RESULTS.md');
    writeFileSync(file, withEngine(readFileSync(file, 'utf8'), report({ ...found, results })));
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
