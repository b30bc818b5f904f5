// Runs a postern command as a person does: the built main.js as its own process, in a folder with a complete mesh.
// Must not: inherit POSTERN_* settings.

import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LIMIT_MS } from '../../deploy/demo/limit.ts';
import { newCa } from '../envoy/pipeline.ts';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));
/** A process that hangs is killed; one that serves is there as long as its test. */
const LONGEST_MS = 4 * LIMIT_MS;

export interface Ended {
  /** The exit status; the signal's name when one ended it. */
  readonly status: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Setting {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** What the command reads from standard input. */
  readonly input?: string;
  /** Closed at once, before the command can write to it. */
  readonly unread?: 'stdout' | 'stderr';
}

export function start(args: readonly string[], { env = {}, cwd, input }: Setting = {}): ChildProcess {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('POSTERN_'));
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    env: { ...Object.fromEntries(inherited), ...env },
    ...(cwd !== undefined && { cwd }),
    timeout: LONGEST_MS,
    killSignal: 'SIGKILL',
  });
  child.stdin?.end(input);
  return child;
}

export async function postern(args: readonly string[], setting: Setting = {}): Promise<Ended> {
  const child = start(args, setting);
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    if (setting.unread === name) child[name]?.destroy();
    else
      child[name]?.setEncoding('utf8').on('data', (text: string) => {
        texts[name] += text;
      });
  }
  const status = await new Promise<number | string>((fulfil) => {
    child.once('close', (code, signal) => fulfil(code ?? signal ?? 'unknown'));
  });
  return { status, ...texts };
}

export interface Scene {
  readonly folder: string;
  /** deploy/examples/bank.yaml, with CAs beside it. */
  readonly file: string;
  readonly yaml: string;
  /** Writes the example with a change; returns its path. A change that changes nothing is the test's mistake. */
  edited(name: string, change: (yaml: string) => string): string;
}

export function scene(t: TestContext): Scene {
  const folder = mkdtempSync(join(tmpdir(), 'postern-cli-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const mesh of ['bank', 'shop', 'partner']) {
    const { certificate, privateKey } = newCa(`${mesh}.example`, Date.now());
    write(join(folder, 'pki', mesh, 'ca.pem'), certificate);
    if (mesh === 'bank') write(join(folder, 'pki', mesh, 'ca-key.pem'), privateKey);
  }
  const yaml = readFileSync(join(ROOT, 'deploy/examples/bank.yaml'), 'utf8');
  const file = join(folder, 'bank.yaml');
  write(file, yaml);
  return {
    folder,
    file,
    yaml,
    edited: (name, change) => {
      const text = change(yaml);
      if (text === yaml) throw new Error('the edit changed nothing');
      const path = join(folder, name);
      write(path, text);
      return path;
    },
  };
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, 0o600);
}

/** The code of the one message that a failed command prints: `postern: CODE …`. */
export function codeOf({ stderr }: Ended): string | undefined {
  return /^postern: ([A-Z_]+) /m.exec(stderr)?.[1];
}

/** What every use of a command that was not carried out looks like. */
export function refusal(ended: Ended): readonly [number | string, string | undefined, string] {
  return [ended.status, codeOf(ended), ended.stdout];
}
