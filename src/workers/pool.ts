// I/O: the workers, as the first process sees them: started, told, asked, and started again when one ends.
// In: the snapshot cache, settings. Out: a port that N processes serve. Must not: serve a stream itself, or go on with a
// worker that has other snapshots.

import cluster, { type Worker } from 'node:cluster';
import { fileURLToPath } from 'node:url';
import type { Metrics, Sample } from '../admin/metrics.ts';
import { PosternError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Serving } from '../serving.ts';
import type { SnapshotCache } from '../snapshot/cache.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import type { GatewayRegistry } from '../xds/node.ts';
import type { ServerTls } from '../xds/server.ts';
import type { StreamStatus } from '../xds/status.ts';
import { changeOf, type FromWorker, type Report, type ToWorker, type WorkerSettings } from './messages.ts';

export interface PoolOptions {
  readonly count: number;
  readonly settings: WorkerSettings;
  readonly cache: SnapshotCache;
  /** Whose snapshots may be served. */
  readonly gateways: readonly string[];
  /** Knows the metrics that workers count. */
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** The module that a worker runs; a bench has its own. */
  readonly module?: string;
}

const MODULE = fileURLToPath(new URL('./main.js', import.meta.url));
/** How long a worker that ended is waited for, each time longer. */
const [FIRST_RESTART_MS, LAST_RESTART_MS] = [500, 30_000];
/** A worker that does not answer in time is left out of what is shown. */
const REPORT_MS = 2000;
/** Loading the code and having every resource; the warm-up comes on top. */
const START_MS = 30_000;
/** A worker ends its streams within a second. */
const STOP_MS = 3000;

interface Member {
  readonly process: Worker;
  /** Whether it hears what it is told; when it begins to, it is told everything. */
  up: boolean;
  /** By gateway. */
  readonly sent: Map<string, Snapshot>;
  /** Who waits for a report, by its number; told when it comes, and when it cannot come any more. */
  readonly asked: Map<number, () => void>;
  report: Report;
}

const NO_REPORT: Report = { streams: [], samples: [] };

export class WorkerPool implements Serving {
  private readonly options: PoolOptions;
  private settings: WorkerSettings;
  private registry: GatewayRegistry = new Map();
  private readonly members = new Map<number, Member>();
  private readonly unwatch: (() => void)[] = [];
  /** What workers counted that are no more. */
  private counted: readonly Sample[] = [];
  private port = 0;
  private reports = 0;
  private restarts = 0;
  private stopping = false;

  constructor(options: PoolOptions) {
    this.options = options;
    this.settings = options.settings;
  }

  /** Errors: LISTEN_FAILED, or what else kept a worker from serving. Returns the bound port, when every worker serves it. */
  async listen(gateways: GatewayRegistry): Promise<number> {
    this.registry = gateways;
    cluster.schedulingPolicy = cluster.SCHED_NONE;
    cluster.setupPrimary({ exec: this.options.module ?? MODULE, args: [], serialization: 'advanced' });
    for (const gateway of this.options.gateways)
      this.unwatch.push(this.options.cache.watch(gateway, () => this.publish()));
    try {
      const ports = await Promise.all(Array.from({ length: this.options.count }, (_, index) => this.start(index + 1)));
      this.port = ports[0] ?? 0;
    } catch (error) {
      await this.stop();
      throw error;
    }
    return this.port;
  }

  /** Who may have a stream from now on. */
  admit(gateways: GatewayRegistry): void {
    this.registry = gateways;
    this.tell({ kind: 'gateways', gateways });
  }

  setTls(tls: ServerTls): void {
    this.settings = { ...this.settings, tls };
    this.tell({ kind: 'tls', tls });
  }

  retry(): void {
    this.tell({ kind: 'retry' });
  }

  /** Of all workers that answer in time. */
  async status(): Promise<readonly StreamStatus[]> {
    await this.collect();
    return [...this.members.values()].flatMap(({ report }) => report.streams);
  }

  /** What workers count, those that are no more included. */
  async samples(): Promise<readonly Sample[]> {
    await this.collect();
    return [...this.counted, ...[...this.members.values()].flatMap(({ report }) => report.samples)];
  }

  async stop(): Promise<void> {
    this.stopping = true;
    for (const unwatch of this.unwatch) unwatch();
    const ended = [...this.members.values()].map(
      ({ process }) =>
        new Promise<void>((fulfil) => (process.isDead() ? fulfil() : process.once('exit', () => fulfil()))),
    );
    this.tell({ kind: 'stop' });
    for (const { process, up } of this.members.values()) if (!up) process.process.kill('SIGKILL');
    const tooLong = setTimeout(() => {
      for (const { process } of this.members.values()) process.process.kill('SIGKILL');
    }, STOP_MS);
    await Promise.all(ended);
    clearTimeout(tooLong);
  }

  /** Resolves with the port when the worker serves it. */
  private start(index: number): Promise<number> {
    const process = cluster.fork();
    const member: Member = { process, up: false, sent: new Map(), asked: new Map(), report: NO_REPORT };
    this.members.set(index, member);
    return new Promise((fulfil, reject) => {
      let reason = 'it ended';
      const tooLong = setTimeout(() => {
        reason = 'it did not start in time';
        process.process.kill('SIGKILL');
      }, START_MS + this.settings.warmUpMs);
      process.on('message', (message: FromWorker) => {
        switch (message.kind) {
          case 'up':
            return this.begin(index, member);
          case 'listening':
            clearTimeout(tooLong);
            this.restarts = 0;
            return fulfil(message.port);
          case 'report':
            member.report = message.report;
            return member.asked.get(message.id)?.();
          case 'failed':
            reason = message.message;
        }
      });
      process.once('exit', (code, signal) => {
        clearTimeout(tooLong);
        this.ended(index, member);
        reject(new PosternError('LISTEN_FAILED', `worker ${index} does not serve: ${reason}`));
        if (this.stopping) return;
        this.options.logger.error({ worker: index, code, signal, reason }, 'a worker ended; another takes its place');
        this.restart(index);
      });
    });
  }

  /** Tells a worker all that it has to know, and from now on every change of it. */
  private begin(index: number, member: Member): void {
    member.up = true;
    const { address, ...rest } = this.settings;
    // A worker that comes later serves the port that the first ones were given.
    const settings = { ...rest, address: { ...address, port: this.port || address.port } };
    this.send(member, { kind: 'start', worker: index, settings });
    this.send(member, { kind: 'gateways', gateways: this.registry });
    this.bring(member);
    this.send(member, { kind: 'listen' });
  }

  private ended(index: number, member: Member): void {
    this.members.delete(index);
    for (const done of member.asked.values()) done();
    const kept = member.report.samples.filter(([name]) => this.options.metrics.isCounter(name));
    this.counted = sums([...this.counted, ...kept]);
  }

  private restart(index: number): void {
    const wait = Math.min(FIRST_RESTART_MS * 2 ** this.restarts, LAST_RESTART_MS);
    this.restarts += 1;
    // Before the port is known, listen() fails as a whole.
    if (this.port === 0) return;
    setTimeout(() => {
      if (!this.stopping) this.start(index).catch(() => {});
    }, wait);
  }

  private publish(): void {
    for (const member of this.members.values()) this.bring(member);
  }

  /** Sends a worker what it does not have yet. */
  private bring(member: Member): void {
    for (const gateway of this.options.gateways) {
      const snapshot = member.up ? this.options.cache.get(gateway) : undefined;
      const change = snapshot && changeOf(gateway, member.sent.get(gateway), snapshot);
      if (snapshot === undefined || change === undefined) continue;
      member.sent.set(gateway, snapshot);
      this.send(member, { kind: 'snapshot', change });
    }
  }

  private async collect(): Promise<void> {
    this.reports += 1;
    const id = this.reports;
    const up = [...this.members.values()].filter((member) => member.up);
    await Promise.all(up.map((member) => this.ask(member, id)));
  }

  private ask(member: Member, id: number): Promise<void> {
    return new Promise((fulfil) => {
      const done = (): void => {
        clearTimeout(late);
        member.asked.delete(id);
        fulfil();
      };
      const late = setTimeout(done, REPORT_MS);
      member.asked.set(id, done);
      this.send(member, { kind: 'report', id });
    });
  }

  private tell(message: ToWorker): void {
    for (const member of this.members.values()) this.send(member, message);
  }

  private send({ process, up }: Member, message: ToWorker): void {
    // A worker that is just ending takes no more; its `exit` does the rest.
    if (up && process.isConnected()) process.send(message, () => {});
  }
}

function sums(samples: readonly Sample[]): readonly Sample[] {
  const found = new Map<string, Sample>();
  for (const [name, labels, value] of samples) {
    const key = `${name}${labels}`;
    found.set(key, [name, labels, value + (found.get(key)?.[2] ?? 0)]);
  }
  return [...found.values()];
}
