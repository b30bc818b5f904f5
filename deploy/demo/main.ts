// `npm run demo`: three meshes that trust nobody in common, federated on real Envoys, and every boundary tried.
// Progress goes to stderr, a table to stdout; it exits with 0 only when every row is as expected.
// Must not: leave a process or a key behind, however it ends.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { localCalls } from './allowed.ts';
import { attacks } from './attacks.ts';
import { findEnvoy, NoEnvoy } from './envoy-binary.ts';
import { keepUp } from './keep.ts';
import { type Row, runCase } from './rows.ts';
import { Cast, type Stage } from './stage.ts';
import { coloured, renderTable } from './table.ts';
import { removeWhileRunning } from './while-running.ts';

const started = Date.now();

function progress(line: string): void {
  process.stderr.write(`[${((Date.now() - started) / 1000).toFixed(1).padStart(5)} s] ${line}\n`);
}

async function play(stage: Stage): Promise<readonly Row[]> {
  const rows: Row[] = [];
  progress('applications call local names');
  for (const one of localCalls(stage)) rows.push(await runCase(one, stage.backends));
  progress("attackers dial the bank's gateway");
  for (const one of await attacks(stage)) rows.push(await runCase(one, stage.backends));
  progress("the shop's team removes a grant from its YAML, while everything runs");
  rows.push(...(await removeWhileRunning(stage)));
  return rows;
}

function print(rows: readonly Row[]): void {
  const columns = [
    { title: 'who', max: 22 },
    { title: 'calls', max: 38 },
    { title: 'through', max: 16 },
    { title: 'expected', max: 16 },
    { title: 'got', max: 16 },
    { title: '', max: 2 },
    { title: "why, from the gateway's log", max: 50 },
  ];
  const cells = rows.map((row) => [
    row.who,
    row.calls,
    row.through,
    row.expected,
    row.got,
    row.fine ? 'ok' : 'NO',
    row.why,
  ]);
  process.stdout.write(`\n${renderTable(columns, cells)}\n\n`);
  const wrong = rows.filter((row) => !row.fine).length;
  const verdict = wrong === 0 ? `all ${rows.length} as expected` : `${wrong} of ${rows.length} NOT as expected`;
  process.stdout.write(`${coloured(verdict, wrong === 0)}, ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
}

async function main(args: readonly string[]): Promise<number> {
  const unknown = args.filter((argument) => argument !== '--keep');
  if (unknown.length > 0) {
    process.stderr.write(`unknown: ${unknown.join(' ')}\nusage: npm run demo [-- --keep]\n`);
    return 64;
  }
  progress('looking for Envoy (ENVOY_BIN, PATH, the PyPI wheel)');
  const envoy = await findEnvoy();
  progress(`Envoy ${envoy.version} (${envoy.origin}): ${envoy.file}`);
  const folder = mkdtempSync(join(tmpdir(), 'postern-demo-'));
  const cast = new Cast(folder);
  const interrupted = interruption();
  try {
    const stage = await Promise.race([interrupted.promise, cast.enter(envoy.file, progress)]);
    const rows = await Promise.race([interrupted.promise, play(stage)]);
    print(rows);
    const fine = rows.every((row) => row.fine);
    if (!fine) process.stderr.write(`\n${cast.processes.tails(8)}\n`);
    if (args.includes('--keep')) await untilInterrupted(Promise.race([interrupted.promise, keepUp(stage)]));
    return fine ? 0 : 1;
  } catch (error) {
    if (error instanceof Interrupted) return 130;
    process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n\n${cast.processes.tails(8)}\n`);
    return 1;
  } finally {
    progress('ending everything');
    await cast.close();
    rmSync(folder, { recursive: true, force: true });
    interrupted.forget();
  }
}

class Interrupted extends Error {}

/** With --keep, Ctrl-C is the way to end, not a failure. */
async function untilInterrupted(kept: Promise<void>): Promise<void> {
  await kept.catch((error: unknown) => {
    if (!(error instanceof Interrupted)) throw error;
  });
}

/** Rejects on SIGINT and SIGTERM, once; the clean-up then runs undisturbed. */
function interruption(): { readonly promise: Promise<never>; forget(): void } {
  let interrupt = (): void => undefined;
  const promise = new Promise<never>((_, reject) => {
    interrupt = () => reject(new Interrupted());
  });
  promise.catch(() => undefined);
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  return {
    promise,
    forget: () => {
      process.off('SIGINT', interrupt);
      process.off('SIGTERM', interrupt);
    },
  };
}

const status = await main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`${error instanceof NoEnvoy ? error.message : error.stack}\n`);
  return 1;
});
// Not by running dry: whatever an interrupted start still waits for does not matter any more.
process.exit(status);
