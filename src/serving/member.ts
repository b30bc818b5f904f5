// I/O: one worker process, as the first process sees it: the messages to and from it, and how it ended.
// Must not: decide when a worker is started or ended (pool.ts does).

import cluster, { type Worker } from 'node:cluster';
import { PosternError } from '../errors.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import type { Sample } from '../telemetry/metrics-registry.ts';
import type { ReportedConnections } from './report-batch.ts';
import { changeOf, type FromWorker, type Report, type ToWorker } from './worker-messages.ts';

/** A worker that does not answer in time is left out of /status and counted as silent. */
const REPORT_MS = 2000;

export interface End {
  readonly code: number | null;
  readonly signal: string | null;
  readonly reason: string;
  /** How long it was listening; 0 when it never was. */
  readonly listenedMs: number;
}

export class Member {
  readonly index: number;
  /** The bound port, once it listens. Errors: LISTEN_FAILED when it ends before. */
  readonly listening: Promise<number>;
  readonly ended: Promise<End>;
  /** Whether it has attached its message listener; it is then sent everything. */
  isUp = false;
  /** The port that it was told to bind, which may be 0. */
  requestedPort = 0;
  /** The port that it is bound to. */
  port: number | undefined;
  /** Its metrics, from its last report. */
  samples: readonly Sample[] = [];
  /** How many health checks in a row it did not answer. */
  missedChecks = 0;
  private readonly process: Worker | undefined;
  /** The snapshot that it has, by gateway. */
  private readonly sent = new Map<string, Snapshot>();
  /** Report requests without an answer, by number. */
  private readonly requests = new Map<number, (report?: Report) => void>();
  private lastRequest = 0;
  private reason = 'it ended';
  private listeningSince: number | undefined;

  /** Runs the module that node:cluster was set up with. `onUp` is called when it can take messages, `heard` with what gateways reported to it. */
  constructor(
    index: number,
    startMs: number,
    onUp: (member: Member) => void,
    heard: (batch: readonly ReportedConnections[]) => void,
  ) {
    this.index = index;
    this.process = this.fork();
    const late = setTimeout(() => this.kill('it did not start in time'), startMs);
    this.ended = this.end();
    this.listening = new Promise((fulfil, reject) => {
      this.process?.on('message', (message: FromWorker) => {
        switch (message.kind) {
          case 'up':
            this.isUp = true;
            return onUp(this);
          case 'listening':
            clearTimeout(late);
            this.port = message.port;
            this.listeningSince = performance.now();
            return fulfil(message.port);
          case 'report':
            this.samples = message.report.samples;
            return this.requests.get(message.id)?.(message.report);
          case 'connections':
            return heard(message.batch);
          case 'failed':
            this.reason = message.message;
        }
      });
      void this.ended.then(({ reason }) => {
        clearTimeout(late);
        for (const done of this.requests.values()) done();
        reject(new PosternError('LISTEN_FAILED', `worker ${index} does not listen: ${reason}`));
      });
    });
    // A caller may await only `ended`, which reports the same failure.
    this.listening.catch(() => {});
  }

  send(message: ToWorker): void {
    // A worker that is just ending takes no messages; its `exit` event does the rest.
    if (this.isUp && this.process?.isConnected()) this.process.send(message, () => {});
  }

  /** Sends the difference to the snapshot that it has. */
  sendSnapshot(gateway: string, snapshot: Snapshot): void {
    const change = this.isUp ? changeOf(gateway, this.sent.get(gateway), snapshot) : undefined;
    if (change === undefined) return;
    this.sent.set(gateway, snapshot);
    this.send({ kind: 'snapshot', change });
  }

  /** Undefined when it does not answer in time, or ends. `streams`: with the status of each stream. */
  report(streams: boolean): Promise<Report | undefined> {
    this.lastRequest += 1;
    const id = this.lastRequest;
    return new Promise((fulfil) => {
      const done = (report?: Report): void => {
        clearTimeout(late);
        this.requests.delete(id);
        fulfil(report);
      };
      const late = setTimeout(() => done(), REPORT_MS);
      this.requests.set(id, done);
      this.send({ kind: 'report', id, streams });
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
        const listenedMs = this.listeningSince === undefined ? 0 : performance.now() - this.listeningSince;
        fulfil({ code, signal, reason: this.reason, listenedMs });
      };
      if (process === undefined) return over(null, null);
      process.once('exit', over);
      process.on('error', (error: Error) => {
        // A running process emits `error` for an undelivered message; one that never started emits no `exit`.
        if (process.process.pid !== undefined) return;
        this.reason = error.message;
        over(null, null);
      });
    });
  }
}
