// `npm run bench -- gateways [--quick] [--repetitions N] [--only role,cell,…]`: measures what the boundary costs at the
// gateways, and writes its part of bench/RESULTS.md and gateways.svg. With `--instructions` it counts instead, and prints.
// Must not: touch a process or a port that it did not start.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { findEnvoy } from '../../deploy/demo/envoy-binary.ts';
import { Processes } from '../../deploy/demo/processes.ts';
import type { GatewayRole } from '../../src/federation/model.ts';
import { commandLine } from '../command-line.ts';
import { withGateways } from '../sections.ts';
import { callgrind, instructions } from './instructions.ts';
import { CELLS, type CellName } from './load.ts';
import { HAND_WRITTEN, measure, OURS, type Repetition, type Series, type WorkName } from './measure.ts';
import { PIECES } from './pieces.ts';
import { plot } from './plot.ts';
import { report, summary } from './report.ts';
import { type Measured, type Scene, startScene } from './scene.ts';

const OUT = fileURLToPath(new URL('../../../bench/', import.meta.url));
const USAGE =
  'npm run bench -- gateways [--quick] [--repetitions N] [--only ingress|egress|pieces|CELL,…] [--dry] [--instructions]';
const ROLES = ['ingress', 'egress'] as const;
const WORKS: readonly WorkName[] = [...(Object.keys(CELLS) as CellName[]), 'tcp'];
/** The pieces are measured with the requests that carry the least, where each counts the most. */
const OF_PIECES: CellName = 'http2';

const { quick, dry, repetitions, roles, works, isWithPieces, isCounting } = commandLine(USAGE, chosen);
const command = ['npm run bench --', ...process.argv.slice(2)].join(' ');
const folder = mkdtempSync(join(tmpdir(), 'postern-gateways-'));
const processes = new Processes(join(folder, 'logs'));
const started = performance.now();

interface Chosen {
  readonly quick: boolean;
  /** Writes no file. */
  readonly dry: boolean;
  readonly repetitions: number;
  readonly roles: readonly GatewayRole[];
  readonly works: readonly WorkName[];
  readonly isWithPieces: boolean;
  /** Counts instructions instead of measuring time. */
  readonly isCounting: boolean;
}

function chosen(): Chosen {
  const { values } = parseArgs({
    args: process.argv.slice(3),
    options: {
      quick: { type: 'boolean', default: false },
      dry: { type: 'boolean', default: false },
      repetitions: { type: 'string' },
      only: { type: 'string' },
      instructions: { type: 'boolean', default: false },
    },
  });
  const repetitions = Number(values.repetitions ?? (values.quick ? 8 : 80));
  if (!Number.isInteger(repetitions) || repetitions < 1)
    throw new Error(`--repetitions: a number, from 1 on: ${values.repetitions}`);
  const only = values.only?.split(',') ?? [];
  const unknown = only.filter((name) => name !== 'pieces' && ![...ROLES, ...WORKS].includes(name as WorkName));
  if (unknown.length > 0)
    throw new Error(`--only: no such thing: ${unknown.join(', ')}; there are ${WORKS.join(', ')}`);
  const some = <T extends string>(all: readonly T[]): readonly T[] => {
    const named = all.filter((name) => only.includes(name));
    return named.length === 0 ? all : named;
  };
  const isOnlyPieces = only.includes('pieces') && !WORKS.some((work) => only.includes(work));
  return {
    quick: values.quick,
    dry: values.dry,
    repetitions,
    roles: some(ROLES),
    works: isOnlyPieces ? [] : some(WORKS),
    isCounting: values.instructions,
    isWithPieces: only.length === 0 || only.includes('pieces') || !WORKS.some((work) => only.includes(work)),
  };
}

function say(text: string): void {
  const seconds = (performance.now() - started) / 1000;
  process.stderr.write(`${seconds.toFixed(0).padStart(5)} s  ${text}\n`);
}

async function run(): Promise<void> {
  const { file: envoy, version } = await findEnvoy();
  say(`starting gateways (Envoy ${version})`);
  const scene = await startScene(
    processes,
    folder,
    envoy,
    isWithPieces ? PIECES : [],
    isCounting ? callgrind(folder) : [],
  );
  if (isCounting) return await count(scene);
  const cells = series(roles.flatMap((role) => works.map((work) => ({ role, work }))));
  const pieces = series(isWithPieces ? roles.map((role) => ({ role, work: OF_PIECES })) : []);
  for (let turn = 0; turn < repetitions; turn += 1) {
    for (const { role, work, repetitions: done } of cells)
      done.push(await measure(scene.load, work, twoOf(scene, role), turn));
    // A few pieces at a time, each time with the two that all shares are made of.
    for (const { role, work, repetitions: done } of pieces)
      for (let from = 0, all = [...scene.without[role]]; from < all.length; from += 4)
        done.push(
          await measure(scene.load, work, new Map([...twoOf(scene, role), ...all.slice(from, from + 4)]), turn),
        );
    say(`repetition ${turn + 1} of ${repetitions}`);
  }
  console.log(summary(cells, pieces));
  if (dry) return;
  const file = join(OUT, 'RESULTS.md');
  const analysis = quick ? undefined : readFileSync(join(OUT, 'gateways', 'ANALYSIS.md'), 'utf8');
  writeFileSync(
    file,
    withGateways(readFileSync(file, 'utf8'), report({ cells, pieces, command, version, quick, analysis })),
  );
  writeFileSync(join(OUT, 'gateways.svg'), plot(cells, pieces));
  say('wrote bench/RESULTS.md and bench/gateways.svg');
}

/** Prints thousands of instructions for a request: of the two, and of ours without each piece. */
async function count(scene: Scene): Promise<void> {
  const at = { processes, folder, load: scene.load };
  for (const role of roles) {
    console.log(`${role}, thousands of instructions for a request (${CELLS[OF_PIECES].name})`);
    const line = async (name: string, gateway: Measured): Promise<void> =>
      console.log(`${(await instructions(at, CELLS[OF_PIECES], gateway)).toFixed(0).padStart(6)}  ${name}`);
    for (const [name, gateway] of twoOf(scene, role)) await line(name, gateway);
    for (const [name, gateway] of scene.without[role]) await line(`without ${name}`, gateway);
  }
}

type Growing = Omit<Series, 'repetitions'> & { readonly repetitions: Repetition[] };

function series(all: readonly Omit<Series, 'repetitions'>[]): readonly Growing[] {
  return all.map((one) => ({ ...one, repetitions: [] }));
}

function twoOf({ handWritten, ours }: Scene, role: GatewayRole): ReadonlyMap<string, Measured> {
  return new Map([
    [HAND_WRITTEN, handWritten[role]],
    [OURS, ours[role]],
  ]);
}

try {
  await run();
} finally {
  await processes.stopAll();
  rmSync(folder, { recursive: true, force: true });
}
// The backend of the TCP export listens in this process.
process.exit();
