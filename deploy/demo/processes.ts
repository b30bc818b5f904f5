// Starts the child processes of the demo and the tests by name, logs them to files, and ends them by their ids.
// Must not: leave one behind, nor touch a process that it did not start.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A process that is told to end has this long before it is killed. */
const TERM_MS = 30_000;

export interface Running {
  readonly name: string;
  readonly pid: number;
  /** False as soon as it has ended, for whatever reason. */
  alive(): boolean;
  /** Exit status or signal, once it has ended. */
  outcome(): string;
  stdout(): string;
  stderr(): string;
  signal(signal: NodeJS.Signals): void;
  /** SIGTERM, then SIGKILL; fulfilled when it has ended. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** All that one owner started. */
export class Processes {
  private readonly logs: string;
  private readonly started: Running[] = [];
  private readonly commands = new Map<ChildProcess, Promise<unknown>>();
  private over = false;

  constructor(logs: string) {
    this.logs = logs;
    mkdirSync(logs, { recursive: true });
  }

  /** Errors: everything is being ended already; what starts now would be left behind. */
  start(name: string, command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
    this.refuseWhenOver(name);
    const [out, err] = [join(this.logs, `${name}.out`), join(this.logs, `${name}.err`)];
    // Straight into files: a reader that is slow or gone never blocks the process.
    const files = [openSync(out, 'a'), openSync(err, 'a')] as const;
    const child = spawn(command, args, { stdio: ['ignore', ...files], env: { ...process.env, ...env } });
    for (const file of files) closeSync(file);
    const running = watch(name, child, out, err);
    this.started.push(running);
    return running;
  }

  /** Runs a command to its end and returns its stdout. Throws its status and stderr when it fails. */
  run(name: string, command: string, args: readonly string[]): Promise<string> {
    this.refuseWhenOver(name);
    let child: ChildProcess | undefined;
    const done = new Promise<string>((fulfil, reject) => {
      child = execFile(command, args, { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
        if (child !== undefined) this.commands.delete(child);
        if (error === null) fulfil(stdout);
        else reject(new Error(`${name} ended with ${String(error.code ?? error.signal)}:\n${stderr.trimEnd()}`));
      });
    });
    if (child !== undefined) this.commands.set(child, done);
    return done;
  }

  /** Those that ended although nobody stopped them. */
  fallen(): readonly Running[] {
    return this.started.filter((one) => !one.alive());
  }

  /** The last lines of every process's messages, to find out what went wrong. */
  tails(lines: number): string {
    return this.started
      .map((one) => ({ one, text: lastLines(one.stderr(), lines) }))
      .filter(({ one, text }) => text !== '' || !one.alive())
      .map(({ one, text }) => `--- ${one.name}${one.alive() ? '' : ` (${one.outcome()})`}\n${text}`)
      .join('\n');
  }

  async stopAll(): Promise<void> {
    this.over = true;
    for (const child of this.commands.keys()) child.kill('SIGKILL');
    await Promise.allSettled([...this.commands.values(), ...this.started.map((one) => one.stop())]);
  }

  private refuseWhenOver(name: string): void {
    if (this.over) throw new Error(`${name} is not started: everything is being ended`);
  }
}

/** The last lines of a text, each no longer than a screen is wide or so. */
export function lastLines(text: string, lines: number): string {
  const all = text.trimEnd().split('\n').slice(-lines);
  return all.map((line) => (line.length > 400 ? `${line.slice(0, 400)}…` : line)).join('\n');
}

function watch(name: string, child: ChildProcess, out: string, err: string): Running {
  let failure: Error | undefined;
  child.on('error', (error) => {
    failure = error;
  });
  const ended = new Promise<void>((fulfil) => {
    child.once('exit', () => fulfil());
    child.once('error', () => fulfil());
  });
  const alive = (): boolean => failure === undefined && child.exitCode === null && child.signalCode === null;
  return {
    name,
    pid: child.pid ?? 0,
    alive,
    outcome: () =>
      failure?.message ?? (child.signalCode === null ? `exit ${child.exitCode}` : `ended by ${child.signalCode}`),
    stdout: () => readFileSync(out, 'utf8'),
    stderr: () => readFileSync(err, 'utf8'),
    signal: (signal) => void child.kill(signal),
    stop: async (signal = 'SIGTERM') => {
      if (!alive()) return;
      child.kill(signal);
      const timer = setTimeout(() => child.kill('SIGKILL'), TERM_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}
