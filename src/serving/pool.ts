// I/O: the workers, as the first process sees them: started, told, asked, and started again when one ends.
// In: the snapshot cache, settings. Out: a port that N processes serve. Must not: serve a stream itself, or go on with a
// worker that has other snapshots or does not answer.

import cluster from 'node:cluster';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Logger } from '../log.ts';
import type { SnapshotCache } from '../snapshot/cache.ts';
import type { Metrics, Sample } from '../telemetry/metrics.ts';
import type { GatewayRegistry } from '../xds/transport/admission.ts';
import type { ServerTls } from '../xds/transport/xds-server.ts';
import { Member } from './member.ts';
import type { Serving, ServingStatus } from './serving.ts';
import type { Report, ToWorker, WorkerSettings } from './worker-messages.ts';

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
  /** How often workers are asked whether they live. */
  readonly pulseMs?: number;
}

const MODULE = fileURLToPath(new URL('./worker-main.js', import.meta.url));
/** How long a worker that ended is waited for, each time longer, until one has served as long as the longest wait. */
const [FIRST_RESTART_MS, LAST_RESTART_MS] = [500, 30_000];
/** Who is silent so many times in a row hangs. */
const [PULSE_MS, SILENT] = [10_000, 3];
/** Loading the code and having every resource; the warm-up comes on top. */
const START_MS = 30_000;
/** A worker ends its streams within a second. */
const STOP_MS = 2000;

export class WorkerPool implements Serving {
  private readonly options: PoolOptions;
  private readonly gauge: ReturnType<Metrics['gauge']>;
  private settings: WorkerSettings;
  private registry: GatewayRegistry = new Map();
  private readonly members = new Set<Member>();
  private readonly unwatch: (() => void)[] = [];
  private readonly stopping = new AbortController();
  /** What workers counted that are no more. */
  private counted: readonly Sample[] = [];
  /** What every worker serves; 0 until one does. */
  private port = 0;

  constructor(options: PoolOptions) {
    this.options = options;
    this.settings = options.settings;
    this.gauge = options.metrics.gauge(
      'postern_workers',
      'Processes that serve gateways: how many there should be, serve, and do not answer.',
    );
  }

  /** Errors: LISTEN_FAILED, or what else kept a worker from serving. Returns the bound port, when every worker serves it. */
  async listen(gateways: GatewayRegistry): Promise<number> {
    const { count, cache, module = MODULE, pulseMs = PULSE_MS } = this.options;
    this.registry = gateways;
    cluster.schedulingPolicy = cluster.SCHED_NONE;
    cluster.setupPrimary({ exec: module, args: [], serialization: 'advanced' });
    for (const gateway of this.options.gateways) this.unwatch.push(cache.watch(gateway, () => this.publish()));
    const first = Array.from({ length: count }, (_, index) => this.start(index + 1));
    try {
      await Promise.all(first.map(({ serving }) => serving));
    } catch (error) {
      await this.stop();
      throw error;
    }
    for (const member of first) void this.keep(member);
    const pulse = setInterval(() => void this.check(), pulseMs);
    this.unwatch.push(() => clearInterval(pulse));
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

  serves(): boolean {
    return this.serving().length > 0;
  }

  /** Of all workers that answer in time, and how many do not. */
  async status(): Promise<ServingStatus> {
    const serving = this.serving().length;
    const answers = await this.collect(true);
    const streams = [...answers.values()].flatMap((report) => report.streams);
    return { streams, workers: { expected: this.options.count, serving, silent: serving - answers.size } };
  }

  /** What workers count. What is counted stays when a worker is silent or no more: a counter never falls. */
  async samples(): Promise<readonly Sample[]> {
    const serving = this.serving().length;
    const answers = await this.collect(false);
    this.gauge.set({ state: 'expected' }, this.options.count);
    this.gauge.set({ state: 'serving' }, serving);
    this.gauge.set({ state: 'silent' }, serving - answers.size);
    const now = [...this.members].flatMap((member) => (answers.has(member) ? member.samples : this.counters(member)));
    return [...this.counted, ...now];
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    for (const unwatch of this.unwatch) unwatch();
    const members = [...this.members];
    this.tell({ kind: 'stop' });
    for (const member of members) if (!member.up) member.kill('it was not up yet');
    const tooLong = setTimeout(() => {
      for (const member of members) member.kill('it did not stop in time');
    }, STOP_MS);
    await Promise.all(members.map(({ ended }) => ended));
    clearTimeout(tooLong);
  }

  private start(index: number): Member {
    const member = new Member(index, START_MS + this.settings.warmUpMs, (up) => this.begin(up));
    this.members.add(member);
    void member.ended.then(() => {
      this.members.delete(member);
      this.counted = sums([...this.counted, ...this.counters(member)]);
    });
    member.serving.then(
      (port) => {
        this.port ||= port;
        if (port !== this.port) member.kill('it was given another port');
      },
      () => {},
    );
    return member;
  }

  /** Tells a worker all that it has to know, and from now on every change of it. */
  private begin(member: Member): void {
    const { address, ...rest } = this.settings;
    // node:cluster shares a port among those that ask for the same number, be it 0: who comes later asks for what those
    // asked for that serve, or, when there are none, for the port that they served.
    const serves = [...this.members].find(({ port }) => port !== undefined && port === this.port);
    member.asksFor = serves?.asksFor ?? (this.port || address.port);
    const settings = { ...rest, address: { ...address, port: member.asksFor } };
    member.tell({ kind: 'start', worker: member.index, settings });
    member.tell({ kind: 'gateways', gateways: this.registry });
    this.bring(member);
    member.tell({ kind: 'listen' });
  }

  /** Has another take the place of one that ended, again and again. */
  private async keep(first: Member): Promise<void> {
    const { signal } = this.stopping;
    let waitMs = FIRST_RESTART_MS;
    for (let member = first; ; member = this.again(member.index)) {
      const { servedMs, ...why } = await member.ended;
      if (signal.aborted) return;
      if (servedMs > LAST_RESTART_MS) waitMs = FIRST_RESTART_MS;
      const fields = { worker: member.index, ...why, waitMs };
      this.options.logger.error(fields, 'a worker ended; another takes its place');
      await sleep(waitMs, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      waitMs = Math.min(2 * waitMs, LAST_RESTART_MS);
    }
  }

  /** Ends those that hang: their gateways find another worker. */
  private async check(): Promise<void> {
    const one = async (member: Member): Promise<void> => {
      const report = await member.ask(false);
      member.silent = report === undefined ? member.silent + 1 : 0;
      if (member.silent >= SILENT) member.kill('it does not answer');
    };
    await Promise.all(this.serving().map(one));
  }

  private again(index: number): Member {
    const member = this.start(index);
    const tell = (): void => this.options.logger.info({ worker: index }, 'a worker serves again');
    member.serving.then(tell, () => {});
    return member;
  }

  private publish(): void {
    for (const member of this.members) this.bring(member);
  }

  private bring(member: Member): void {
    for (const gateway of this.options.gateways) {
      const snapshot = this.options.cache.get(gateway);
      if (snapshot !== undefined) member.bring(gateway, snapshot);
    }
  }

  /** The answers of those that answer. */
  private async collect(streams: boolean): Promise<ReadonlyMap<Member, Report>> {
    const answers = await Promise.all(
      this.serving().map(async (member) => [member, await member.ask(streams)] as const),
    );
    return new Map(answers.flatMap(([member, report]) => (report === undefined ? [] : [[member, report] as const])));
  }

  private counters({ samples }: Member): readonly Sample[] {
    return samples.filter(([name]) => this.options.metrics.isCounter(name));
  }

  /** One that does not serve yet has nothing to tell. */
  private serving(): readonly Member[] {
    return [...this.members].filter(({ port }) => port !== undefined);
  }

  private tell(message: ToWorker): void {
    for (const member of this.members) member.tell(message);
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
