// Runs `postern run` as its own process for a test, which watches its log, its admin port and its exit.
// Must not: outlive its test, or wait for anything but the output of the process.

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { LIMIT_MS } from '../../../deploy/demo/limit.ts';
import type { Status } from '../../../src/admin/status-view.ts';
import { type Scene, type Setting, scene, start } from '../postern.ts';

/** Ports that nobody else has. */
export const ANY = ['--xds', '127.0.0.1:0', '--admin', '127.0.0.1:0'] as const;

/** The warm-up is 0.8 s of CPU for each start; `new Served` has it, as `run` does. */
const COLD = ['--warm-up', '0'] as const;

export interface Line {
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** A running process; ended with the test, if it is not before. */
export class Served {
  readonly child: ChildProcess;
  stderr = '';
  private readonly lines: Line[] = [];
  private rest = '';

  constructor(t: TestContext, args: readonly string[], setting: Setting = {}) {
    this.child = start(['run', ...args], setting);
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const [rest = '', ...whole] = (this.rest + text).split('\n').reverse();
      this.rest = rest;
      this.lines.push(...whole.reverse().map((line) => JSON.parse(line) as Line));
      this.child.emit('line');
    });
    t.after(() => this.child.kill('SIGKILL'));
  }

  /** The log lines with these words, until now. */
  all(words: string): readonly Line[] {
    return this.lines.filter(({ msg }) => msg.includes(words));
  }

  /** The first log line with these words, now or later; fails when the process ends before, or does not write it. */
  async said(words: string): Promise<Line> {
    const limit = AbortSignal.timeout(LIMIT_MS);
    for (;;) {
      const [line] = this.all(words);
      if (line !== undefined) return line;
      if (this.child.exitCode !== null) throw new Error(`ended with ${this.child.exitCode}: ${this.stderr}`);
      if (limit.aborted) throw new Error(`no line with "${words}" of ${this.lines.map(({ msg }) => msg).join('; ')}`);
      await Promise.race([once(this.child, 'line'), once(this.child, 'exit'), once(limit, 'abort')]);
    }
  }

  async admin(): Promise<string> {
    return String((await this.said('ready'))['admin']);
  }

  async xdsPort(): Promise<number> {
    return Number(
      String((await this.said('ready'))['xds'])
        .split(':')
        .at(-1),
    );
  }

  async status(): Promise<Status> {
    return (await (await get(await this.admin(), '/status')).json()) as Status;
  }

  async stop(signal: NodeJS.Signals): Promise<number | null> {
    const ended = once(this.child, 'exit');
    this.child.kill(signal);
    const [code] = (await ended) as [number | null];
    return code;
  }
}

export async function served(
  t: TestContext,
  here: Scene = scene(t),
  args: readonly string[] = [],
): Promise<{ here: Scene; process: Served; admin: string }> {
  const process = new Served(t, ['-f', here.file, ...ANY, ...(args.includes('--warm-up') ? [] : COLD), ...args]);
  return { here, process, admin: await process.admin() };
}

export const get = async (admin: string, path: string): Promise<Response> => await fetch(`http://${admin}${path}`);
