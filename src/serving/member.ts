// I/O: one worker, as the first process sees it: what it was told, what it answers, and how it ended.
// In: a module to run, messages. Out: a serving process; reports. Must not: decide who is started or ended (pool.ts does).

import cluster, { type Worker } from 'node:cluster';
import { PosternError } from '../errors.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import type { Sample } from '../telemetry/metrics.ts';
import { changeOf, type FromWorker, type Report, type ToWorker } from './worker-messages.ts';

/** A worker that does not answer in time is left out of what is shown. */
const REPORT_MS = 2000;

export interface End {
  readonly code: number | null;
  readonly signal: string | null;
  readonly reason: string;
  /** How long it served; 0 when it never did. */
  readonly servedMs: number;
}

export class Member {
  readonly index: number;
  /** The port, when it serves it. Errors: LISTEN_FAILED when it ends before. */
  readonly serving: Promise<number>;
  readonly ended: Promise<End>;
  /** Whether it hears what it is told; when it begins to, it is told everything. */
  up = false;
  /** The port that it asks for, which may be 0. */
  asksFor = 0;
  /** The port that it serves. */
  port: number | undefined;
  /** What it counted, as it said last. */
  samples: readonly Sample[] = [];
  /** How often in a row it did not answer when it was asked whether it lives. */
  silent = 0;
  private readonly process: Worker | undefined;
  /** By gateway. */
  private readonly sent = new Map<string, Snapshot>();
  /** Who waits for a report, by its number. */
  private readonly asked = new Map<number, (report?: Report) => void>();
  private asks = 0;
  private reason = 'it ended';
  private since: number | undefined;

  /** Of the module that node:cluster was set up with. `begin` is called when it is up. */
  constructor(index: number, startMs: number, begin: (member: Member) => void) {
    this.index = index;
    this.process = this.fork();
    const late = setTimeout(() => this.kill('it did not start in time'), startMs);
    this.ended = this.end();
    this.serving = new Promise((fulfil, reject) => {
      this.process?.on('message', (message: FromWorker) => {
        switch (message.kind) {
          case 'up':
            this.up = true;
            return begin(this);
          case 'listening':
            clearTimeout(late);
            this.port = message.port;
            this.since = performance.now();
            return fulfil(message.port);
          case 'report':
            this.samples = message.report.samples;
            return this.asked.get(message.id)?.(message.report);
          case 'failed':
            this.reason = message.message;
        }
      });
      void this.ended.then(({ reason }) => {
        clearTimeout(late);
        for (const done of this.asked.values()) done();
        reject(new PosternError('LISTEN_FAILED', `worker ${index} does not serve: ${reason}`));
      });
    });
    // Who starts it may not care; `ended` tells as well.
    this.serving.catch(() => {});
  }

  tell(message: ToWorker): void {
    // A worker that is just ending takes no more; its `exit` does the rest.
    if (this.up && this.process?.isConnected()) this.process.send(message, () => {});
  }

  /** Tells it what it does not have yet. */
  bring(gateway: string, snapshot: Snapshot): void {
    const change = this.up ? changeOf(gateway, this.sent.get(gateway), snapshot) : undefined;
    if (change === undefined) return;
    this.sent.set(gateway, snapshot);
    this.tell({ kind: 'snapshot', change });
  }

  /** Undefined when it does not answer in time, or ends. */
  ask(streams: boolean): Promise<Report | undefined> {
    this.asks += 1;
    const id = this.asks;
    return new Promise((fulfil) => {
      const done = (report?: Report): void => {
        clearTimeout(late);
        this.asked.delete(id);
        fulfil(report);
      };
      const late = setTimeout(() => done(), REPORT_MS);
      this.asked.set(id, done);
      this.tell({ kind: 'report', id, streams });
    });
  }

  kill(reason: string): void {
    this.reason = reason;
    this.process?.process.kill('SIGKILL');
  }

  private fork(): Worker | undefined {
    try {
      return cluster.fork();
    } catch (error) {
      this.reason = (error as Error).message;
      return undefined;
    }
  }

  private end(): Promise<End> {
    const { process } = this;
    return new Promise((fulfil) => {
      const over = (code: number | null, signal: string | null): void => {
        const servedMs = this.since === undefined ? 0 : performance.now() - this.since;
        fulfil({ code, signal, reason: this.reason, servedMs });
      };
      if (process === undefined) return over(null, null);
      process.once('exit', over);
      process.on('error', (error: Error) => {
        // Of one that runs it is a message that did not arrive; one that never ran has no exit.
        if (process.process.pid !== undefined) return;
        this.reason = error.message;
        over(null, null);
      });
    });
  }
}
