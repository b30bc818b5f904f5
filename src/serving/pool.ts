// I/O: the workers of `postern run --workers N`, as the first process sees them: it starts them, sends them snapshots,
// collects their reports, and starts another when one ends.
// Must not: serve a stream itself, or keep a worker that has different snapshots or does not answer.

import cluster from 'node:cluster';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { SERVING_WORKER } from '../built-files.ts';
import type { Logger } from '../log.ts';
import type { SnapshotCache } from '../snapshot/cache.ts';
import type { Metrics, Sample } from '../telemetry/metrics-registry.ts';
import type { GatewayRegistry } from '../xds/admission/admission.ts';
import type { ServerTls } from '../xds/transport/xds-server.ts';
import { Member } from './member.ts';
import type { ReportedConnections } from './report-batch.ts';
import type { Serving, ServingStatus } from './serving.ts';
import type { Report, ToWorker, WorkerSettings } from './worker-messages.ts';

export interface PoolOptions {
  readonly count: number;
  readonly settings: WorkerSettings;
  readonly cache: SnapshotCache;
  /** The gateways that have snapshots. */
  readonly gateways: readonly string[];
  /** Has registered the metrics that workers count. */
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Called with what gateways report of their connections. */
  readonly heard?: (batch: readonly ReportedConnections[]) => void;
  /** The module that a worker runs; benchmarks have their own. */
  readonly module?: string;
  /** How often the workers are checked. */
  readonly checkMs?: number;
}

const MODULE = fileURLToPath(SERVING_WORKER);
/** Back-off before a worker is replaced. It doubles each time, until one has listened for as long as the longest wait. */
const [FIRST_RESTART_MS, LAST_RESTART_MS] = [500, 30_000];
/** A worker that misses this many checks in a row hangs, and is killed. */
const [CHECK_MS, MAX_MISSED_CHECKS] = [10_000, 3];
/** For loading the code and receiving every resource; the warm-up comes on top. */
const START_MS = 30_000;
/** Ending the streams of a worker takes up to a second. */
const STOP_MS = 2000;

export class WorkerPool implements Serving {
  private readonly options: PoolOptions;
  private readonly gauge: ReturnType<Metrics['gauge']>;
  private settings: WorkerSettings;
  private registry: GatewayRegistry = new Map();
  private readonly members = new Set<Member>();
  private readonly unwatch: (() => void)[] = [];
  private readonly stopping = new AbortController();
  /** The counters of workers that have ended. */
  private endedCounters: readonly Sample[] = [];
  /** The port that every worker listens on; 0 until one does. */
  private port = 0;

  constructor(options: PoolOptions) {
    this.options = options;
    this.settings = options.settings;
    this.gauge = options.metrics.gauge(
      'postern_workers',
      'Processes that serve gateways: how many there should be, serve, and do not answer.',
    );
  }

  /** Errors: LISTEN_FAILED, or whatever kept a worker from listening. Returns the bound port, once every worker listens on it. */
  async listen(gateways: GatewayRegistry): Promise<number> {
    const { count, cache, module = MODULE, checkMs = CHECK_MS } = this.options;
    this.registry = gateways;
    cluster.schedulingPolicy = cluster.SCHED_NONE;
    cluster.setupPrimary({ exec: module, args: [], serialization: 'advanced' });
    for (const gateway of this.options.gateways) this.unwatch.push(cache.watch(gateway, () => this.publish()));
    const first = Array.from({ length: count }, (_, index) => this.start(index + 1));
    try {
      await Promise.all(first.map(({ listening }) => listening));
    } catch (error) {
      await this.stop();
      throw error;
    }
    for (const member of first) void this.supervise(member);
    const checks = setInterval(() => void this.check(), checkMs);
    this.unwatch.push(() => clearInterval(checks));
    return this.port;
  }

  /** The gateways that may have streams from now on. */
  admit(gateways: GatewayRegistry): void {
    this.registry = gateways;
    this.broadcast({ kind: 'gateways', gateways });
  }

  setTls(tls: ServerTls): void {
    this.settings = { ...this.settings, tls };
    this.broadcast({ kind: 'tls', tls });
  }

  retry(): void {
    this.broadcast({ kind: 'retry' });
  }

  serves(): boolean {
    return this.listeningMembers().length > 0;
  }

  /** The streams of all workers that answer in time, and how many workers do not. */
  async status(): Promise<ServingStatus> {
    const serving = this.listeningMembers().length;
    const reports = await this.collect(true);
    const streams = [...reports.values()].flatMap((report) => report.streams);
    return { streams, workers: { expected: this.options.count, serving, silent: serving - reports.size } };
  }

  /** The metrics of all workers. Counters stay when a worker is silent or has ended: a counter never falls. */
  async samples(): Promise<readonly Sample[]> {
    const serving = this.listeningMembers().length;
    const reports = await this.collect(false);
    this.gauge.set({ state: 'expected' }, this.options.count);
    this.gauge.set({ state: 'serving' }, serving);
    this.gauge.set({ state: 'silent' }, serving - reports.size);
    const current = [...this.members].flatMap((member) =>
      reports.has(member) ? member.samples : this.countersOf(member),
    );
    return [...this.endedCounters, ...current];
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    for (const unwatch of this.unwatch) unwatch();
    const members = [...this.members];
    this.broadcast({ kind: 'stop' });
    for (const member of members) if (!member.isUp) member.kill('it was not up yet');
    const deadline = setTimeout(() => {
      for (const member of members) member.kill('it did not stop in time');
    }, STOP_MS);
    await Promise.all(members.map(({ ended }) => ended));
    clearTimeout(deadline);
  }

  private start(index: number): Member {
    const { heard = () => undefined } = this.options;
    const member = new Member(index, START_MS + this.settings.warmUpMs, (up) => this.initialize(up), heard);
    this.members.add(member);
    void member.ended.then(() => {
      this.members.delete(member);
      this.endedCounters = sums([...this.endedCounters, ...this.countersOf(member)]);
    });
    member.listening.then(
      (port) => {
        this.port ||= port;
        if (port !== this.port) member.kill('it was given another port');
      },
      () => {},
    );
    return member;
  }

  /** Sends a new worker everything that it needs; every change follows. */
  private initialize(member: Member): void {
    const { address, ...rest } = this.settings;
    // node:cluster shares a port among the workers that request the same number, even 0. A later worker has to request what
    // the listening ones requested or, if none is left, the port that they had.
    const listening = [...this.members].find(({ port }) => port !== undefined && port === this.port);
    member.requestedPort = listening?.requestedPort ?? (this.port || address.port);
    const settings = { ...rest, address: { ...address, port: member.requestedPort } };
    member.send({ kind: 'start', worker: member.index, settings });
    member.send({ kind: 'gateways', gateways: this.registry });
    this.sendSnapshots(member);
    member.send({ kind: 'listen' });
  }

  /** Replaces a worker that ends, again and again. */
  private async supervise(first: Member): Promise<void> {
    const { signal } = this.stopping;
    let waitMs = FIRST_RESTART_MS;
    for (let member = first; ; member = this.restart(member.index)) {
      const { listenedMs, ...why } = await member.ended;
      if (signal.aborted) return;
      if (listenedMs > LAST_RESTART_MS) waitMs = FIRST_RESTART_MS;
      const fields = { worker: member.index, ...why, waitMs };
      this.options.logger.error(fields, 'a worker ended; another takes its place');
      await sleep(waitMs, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      waitMs = Math.min(2 * waitMs, LAST_RESTART_MS);
    }
  }

  /** Kills the workers that hang: their gateways reconnect to another worker. */
  private async check(): Promise<void> {
    const checkOne = async (member: Member): Promise<void> => {
      const report = await member.report(false);
      member.missedChecks = report === undefined ? member.missedChecks + 1 : 0;
      if (member.missedChecks >= MAX_MISSED_CHECKS) member.kill('it does not answer');
    };
    await Promise.all(this.listeningMembers().map(checkOne));
  }

  private restart(index: number): Member {
    const member = this.start(index);
    const log = (): void => this.options.logger.info({ worker: index }, 'a worker serves again');
    member.listening.then(log, () => {});
    return member;
  }

  private publish(): void {
    for (const member of this.members) this.sendSnapshots(member);
  }

  private sendSnapshots(member: Member): void {
    for (const gateway of this.options.gateways) {
      const snapshot = this.options.cache.get(gateway);
      if (snapshot !== undefined) member.sendSnapshot(gateway, snapshot);
    }
  }

  /** The reports of the workers that answer in time. */
  private async collect(streams: boolean): Promise<ReadonlyMap<Member, Report>> {
    const reports = await Promise.all(
      this.listeningMembers().map(async (member) => [member, await member.report(streams)] as const),
    );
    return new Map(reports.flatMap(([member, report]) => (report === undefined ? [] : [[member, report] as const])));
  }

  private countersOf({ samples }: Member): readonly Sample[] {
    return samples.filter(([name]) => this.options.metrics.isCounter(name));
  }

  private listeningMembers(): readonly Member[] {
    return [...this.members].filter(({ port }) => port !== undefined);
  }

  private broadcast(message: ToWorker): void {
    for (const member of this.members) member.send(message);
  }
}

function sums(samples: readonly Sample[]): readonly Sample[] {
  const totals = new Map<string, Sample>();
  for (const [name, labels, value] of samples) {
    const key = `${name}${labels}`;
    totals.set(key, [name, labels, value + (totals.get(key)?.[2] ?? 0)]);
  }
  return [...totals.values()];
}
