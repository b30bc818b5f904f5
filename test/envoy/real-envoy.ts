// A real Envoy for tests: found, started on loopback with its access log, ended by its id; or only asked for the verdict of
// `--mode validate`.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findEnvoy } from '../../deploy/demo/envoy-binary.ts';
import { LIMIT_MS } from '../../deploy/demo/limit.ts';

/** Errors: NoEnvoy. A test that needs Envoy and has none fails. */
const { file: binary } = await findEnvoy();

/** What `envoy --mode validate` says: an empty text when it accepts the bootstrap. */
export async function validate(bootstrap: string): Promise<string> {
  return await withFile(bootstrap, async (file) => {
    const args = ['-c', file, '--mode', 'validate', '--disable-hot-restart', '--base-id', '0', '-l', 'error'];
    return await new Promise<string>((done) => {
      execFile(binary, args, (error, stdout, stderr) => done(error === null ? '' : `${stdout}${stderr}`));
    });
  });
}

async function withFile<T>(text: string, use: (file: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-envoy-'));
  try {
    // Every YAML parser reads JSON; Envoy goes by the suffix.
    const file = join(folder, text.startsWith('{') ? 'bootstrap.json' : 'bootstrap.yaml');
    writeFileSync(file, text, { mode: 0o600 });
    return await use(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function isLive(ready: string): boolean {
  return ready.startsWith('LIVE');
}

export class RealEnvoy {
  readonly adminPort: number;
  private readonly process: ChildProcess;
  private readonly folder: string;
  private stdout = '';
  private stderr = '';

  private constructor(bootstrap: string, adminPort: number) {
    this.folder = mkdtempSync(join(tmpdir(), 'postern-envoy-'));
    this.adminPort = adminPort;
    const file = join(this.folder, bootstrap.startsWith('{') ? 'bootstrap.json' : 'bootstrap.yaml');
    writeFileSync(file, bootstrap, { mode: 0o600 });
    const args = [
      '-c',
      file,
      '--disable-hot-restart',
      '--concurrency',
      '1',
      '-l',
      'warn',
      '--file-flush-interval-msec',
      '50',
    ];
    args.push('--drain-time-s', '5', '--drain-strategy', 'immediate', '--reject-unknown-dynamic-fields');
    this.process = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.process.stdout?.on('data', (data: Buffer) => this.keep('stdout', data));
    this.process.stderr?.on('data', (data: Buffer) => this.keep('stderr', data));
  }

  /** Started and ready (by what `/ready` says); `adminPort` is the one that the bootstrap names. */
  static async start(bootstrap: string, adminPort: number, isReady = isLive): Promise<RealEnvoy> {
    const envoy = new RealEnvoy(bootstrap, adminPort);
    const end = Date.now() + LIMIT_MS;
    while (Date.now() < end) {
      if (envoy.process.exitCode !== null) throw new Error(`Envoy ended: ${envoy.stderr}`);
      const ready = await envoy.admin('/ready').catch(() => undefined);
      if (ready !== undefined && isReady(ready)) return envoy;
      await sleep(50);
    }
    await envoy.stop();
    throw new Error(`Envoy did not become ready: ${envoy.stderr}`);
  }

  async admin(path: string): Promise<string> {
    return await (await fetch(`http://127.0.0.1:${this.adminPort}${path}`)).text();
  }

  private keep(where: 'stdout' | 'stderr', data: Buffer): void {
    this[where] += data.toString();
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  get errors(): string {
    return this.stderr;
  }

  /** The access log so far, one object for each line. */
  get log(): readonly Record<string, unknown>[] {
    const lines = this.stdout.split('\n').filter((line) => line.startsWith('{'));
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  async stop(): Promise<void> {
    if (this.process.exitCode === null) {
      const ended = new Promise((done) => this.process.once('exit', done));
      this.process.kill('SIGKILL');
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
