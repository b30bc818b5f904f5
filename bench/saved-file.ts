// Measures the time from a saved file to the last of a thousand gateways, through `postern run` itself.
// Must not: time anything but the whole process.

import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePorts } from '../deploy/demo/ports.ts';
import type { Processes } from '../deploy/demo/processes.ts';
import { makeMesh } from './meshes.ts';

const run = promisify(execFile);
const MAIN = fileURLToPath(new URL('../src/main.js', import.meta.url));

export interface SavedFile {
  readonly peers: number;
  readonly exports: number;
  readonly streams: number;
  readonly total: readonly number[];
  /** From the write to the beginning of the reload. */
  readonly notice: readonly number[];
  readonly parse: readonly number[];
  readonly apply: readonly number[];
}

interface Options {
  readonly folder: string;
  readonly xdsload: string;
  readonly peers: number;
  readonly exports: number;
  readonly streams: number;
  readonly rounds: number;
}

export async function savedFile(processes: Processes, options: Options): Promise<SavedFile> {
  const { folder, xdsload, peers, exports, streams, rounds } = options;
  mkdirSync(folder, { recursive: true });
  const mesh = makeMesh(folder, peers, exports);
  const [xds = 0, admin = 0] = await freePorts('127.0.0.1', 2);
  const args = ['run', '-f', mesh.file, '--insecure-xds', '--xds', `127.0.0.1:${xds}`, '--admin', `127.0.0.1:${admin}`];
  const postern = processes.start(`postern-run-${peers}`, process.execPath, [MAIN, ...args]);
  while (!postern.stdout().includes('"ready"')) {
    if (!postern.alive()) throw new Error(`postern ended: ${postern.stderr()}${postern.stdout()}`);
    await sleep(50);
  }
  // The load generator's clock starts when it asks for a change: this saves the file.
  const saved: number[] = [];
  const editor = createServer((_request, response) => {
    saved.push(Date.now());
    writeFileSync(mesh.file, mesh.text(saved.length));
    response.end('{}');
  });
  await new Promise<void>((fulfil) => editor.listen(0, '127.0.0.1', fulfil));
  const { port } = editor.address() as AddressInfo;
  const report = join(folder, 'report.json');
  const load = ['--addr', `127.0.0.1:${xds}`, '--mode', 'sotw', '--streams', String(streams), '--json', report];
  load.push('--trigger-http', `http://127.0.0.1:${port}/`, '--fanout-types', 'rds', '--rounds', String(rounds));
  // Longer than a reload takes, so that a round waits for its own change.
  load.push('--interval', '1s');
  try {
    await run(xdsload, load, { maxBuffer: 1 << 26, timeout: 300_000 });
  } finally {
    editor.close();
    await postern.stop();
  }
  const { fanout } = JSON.parse(readFileSync(report, 'utf8')) as {
    readonly fanout: readonly { readonly latency_ms: { readonly max: number } }[];
  };
  const applied = postern
    .stdout()
    .split('\n')
    .filter((line) => line.includes('configuration applied'))
    .map((line) => JSON.parse(line) as { readonly time: string; readonly parseMs: number; readonly applyMs: number });
  if (applied.length !== saved.length) throw new Error(`${saved.length} edits made ${applied.length} reloads`);
  return {
    peers,
    exports,
    streams,
    total: fanout.map(({ latency_ms: { max } }) => max),
    notice: applied.map(({ time, parseMs, applyMs }, at) => Date.parse(time) - parseMs - applyMs - (saved[at] ?? 0)),
    parse: applied.map(({ parseMs }) => parseMs),
    apply: applied.map(({ applyMs }) => applyMs),
  };
}
