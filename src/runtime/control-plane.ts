// The running control plane: reads and serves the configuration, and again when a file changes or a refresh is due.
// Must not: know how a snapshot is made (publisher.ts) or how a stream is served (xds/), or hold a second copy of the applied
// state, which the publisher has.

import { setImmediate as nextRound } from 'node:timers/promises';
import { type AdminServer, startAdminServer } from '../admin/admin-server.ts';
import type { AskedSnapshot } from '../admin/resources-view.ts';
import type { Rejected, Status } from '../admin/status-view.ts';
import { type LoadedConfig, loadConfig } from '../config/files/load.ts';
import { type Watching, watchFiles } from '../config/files/watch.ts';
import type { GatewayRole } from '../federation/model.ts';
import type { HostPort } from '../host-port.ts';
import { type Applied, Publisher } from '../pipeline/publisher.ts';
import type { Serving } from '../serving/serving.ts';
import { Metrics } from '../telemetry/metrics-registry.ts';
import { processMetrics } from '../telemetry/process-metrics.ts';
import { type ControlPlaneCa, controlPlaneId } from '../trust/issuing/control-plane-ca.ts';
import type { Steps } from '../trust/keys/signers.ts';
import { ReachablePeers } from './reachability/peer-reachability.ts';
import { KeptSnapshots } from './resources/kept-snapshots.ts';
import { ResourcesReports } from './resources/resources-report.ts';
import { loadFirst, openState, type StartOptions, tryPorts } from './start.ts';
import { RecordFile } from './state/record-file.ts';
import { StateCheck } from './state/state-check.ts';
import { ConfigLog, versionsOf } from './status/config-log.ts';
import { PacedAnswer } from './status/paced-answer.ts';
import { StatusReport } from './status/status-report.ts';
import { CLOCK_STEP_MS, WallClockTimer } from './wall-clock-timer.ts';
import { createServing, gatewayRegistry, type ServingOptions, serverTls } from './xds-port.ts';

export interface ControlPlaneOptions extends StartOptions, ServingOptions {
  readonly admin: HostPort;
  /** Plaintext xDS without client authentication, for benchmarks. */
  readonly insecureXds: boolean;
  /** By gateway, the digest of the bootstrap that this version writes. */
  readonly bootstraps: ReadonlyMap<string, string>;
}

/** How often certificate ends and the state folder are checked; the certificates of gateways come and go with their streams. */
const LOOK_MS = 60_000;
/**
 * How often the record is compared with what was read or written last. What another process serves counts for 15 seconds after
 * it was seen (START_SETTLE_MS), and is seen again as long as both processes look, and write what they serve.
 */
const RECORD_LOOK_MS = 5000;
/** The shortest time between two refreshes. */
const MIN_PAUSE_MS = 1000;
/** How often a rejected turn is tried again. */
const RETRY_MS = 30_000;
/** A third of the lifetime of the server's certificate. */
const SERVER_RENEWAL_MS = 10 * 24 * 60 * 60 * 1000;

/** Everything that exists before gateways can connect. */
interface Parts {
  readonly options: ControlPlaneOptions;
  readonly first: LoadedConfig;
  readonly publisher: Publisher;
  readonly metrics: Metrics;
  readonly log: ConfigLog;
  readonly ca: ControlPlaneCa;
  readonly serving: Serving;
  readonly reachable: ReachablePeers;
}

export class ControlPlane {
  private readonly options: ControlPlaneOptions;
  private readonly publisher: Publisher;
  private readonly log: ConfigLog;
  private readonly ca: ControlPlaneCa;
  private readonly serving: Serving;
  private readonly report: StatusReport;
  private readonly keptSnapshots = new KeptSnapshots();
  private readonly stateCheck: StateCheck;
  private readonly watching: Watching;
  private readonly due: WallClockTimer;
  private readonly looks: readonly NodeJS.Timeout[];
  /** Why the current file is not served; undefined when it is. */
  private rejected: Rejected | undefined;
  /** The last turn that was requested; only one runs at a time. */
  private turns: Promise<void> = Promise.resolve();
  /** When the server's certificate was issued. */
  private serverTlsAt = Date.now();
  private isStopping = false;
  private xds = 0;
  private adminServer: AdminServer | undefined;

  /** Errors: RejectedConfig for a first configuration that cannot be served, and those of the state folder and of listening. */
  static async start(options: ControlPlaneOptions): Promise<ControlPlane> {
    const { logger, stateFolder } = options;
    const metrics = new Metrics();
    const publisher = new Publisher(Date.now(), {
      store: new RecordFile(stateFolder, logger),
      uptime: () => performance.now(),
    });
    const first = await loadFirst(options);
    const turn = publisher.prepare(first, Date.now());
    const { trustDomain } = turn.applied.resolved.federation.mesh;
    await tryPorts(options);
    const ca = openState(options, trustDomain);
    const log = new ConfigLog(logger, metrics);
    const tls = options.insecureXds ? undefined : serverTls(ca, options.xds);
    const reachable = new ReachablePeers(() => publisher.applied?.resolved.federation, metrics, logger);
    const at = { tls, controlPlane: controlPlaneId(trustDomain), heard: reachable.heard };
    const serving = createServing(options, publisher, metrics, at);
    const port = await serving.listen(gatewayRegistry(turn.applied));
    try {
      // Committing writes the record, which a process without a port leaves to the one that has it. Streams get nothing before.
      publisher.commit(turn);
    } catch (error) {
      await serving.stop();
      throw error;
    }
    const controlPlane = new ControlPlane({ options, first, publisher, metrics, log, ca, serving, reachable });
    await controlPlane.open(port, metrics);
    return controlPlane;
  }

  private constructor({ options, first, publisher, metrics, log, ca, serving, reachable }: Parts) {
    this.options = options;
    this.publisher = publisher;
    this.log = log;
    this.ca = ca;
    this.serving = serving;
    this.keptSnapshots.published(publisher, Date.now());
    this.report = new StatusReport(publisher, serving, ca, metrics, options, reachable);
    this.stateCheck = new StateCheck(options.stateFolder, ca, options.logger, metrics);
    // A change since the files were read, while the port was opened, counts.
    this.watching = watchFiles(first.dependencies, () => void this.runTurn(), { seen: first.digests });
    this.due = new WallClockTimer(
      () => void this.runTurn(),
      (now) => this.renewServerTls(now),
    );
    this.looks = [
      setInterval(() => this.look(), LOOK_MS).unref(),
      setInterval(() => this.lookAtRecord(), RECORD_LOOK_MS).unref(),
    ];
  }

  get xdsPort(): number {
    return this.xds;
  }

  get adminPort(): number {
    return this.adminServer?.port ?? 0;
  }

  /** Reads everything again, and sends gateways the resources that they rejected; resolves when the file is served or rejected. */
  async reload(): Promise<void> {
    await this.runTurn();
    this.serving.retry();
  }

  async stop(): Promise<void> {
    this.isStopping = true;
    this.stateCheck.stop();
    this.due.stop();
    for (const look of this.looks) clearInterval(look);
    await this.turns;
    // The last turn may have changed what is watched.
    this.watching.close();
    await this.serving.stop();
    await this.adminServer?.stop();
  }

  private async open(xdsPort: number, metrics: Metrics): Promise<void> {
    const { options, publisher, serving, report, log } = this;
    const updateProcess = processMetrics(metrics);
    this.xds = xdsPort;
    log.started();
    report.published();
    this.schedule();
    await report.update();
    const reports = new ResourcesReports(publisher, this.keptSnapshots, () => this.lookAtAcknowledged());
    const metricsText = new PacedAnswer(async () => {
      this.stateCheck.look();
      updateProcess();
      await report.update();
      return metrics.text(await serving.samples());
    });
    const status = new PacedAnswer(async () => await report.status(this.rejected, this.stateCheck.look()));
    const views = {
      ready: () => !this.isStopping && serving.serves(),
      metrics: async () => await metricsText.ask(),
      status: async (): Promise<Status> => await status.ask(),
      resources: async (gateway: GatewayRole, asked: AskedSnapshot) => await reports.report(gateway, asked),
    };
    this.adminServer = await startAdminServer(options.admin, views).catch(async (error: unknown) => {
      await this.stop();
      throw error;
    });
    const { applied } = this;
    const at = { xds: `${options.xds.host}:${xdsPort}`, admin: `${options.admin.host}:${this.adminPort}` };
    const mesh = applied.resolved.federation.mesh.name;
    options.logger.info({ mesh, ...at, snapshots: versionsOf(publisher) }, 'ready');
    log.warnings(applied);
  }

  private get applied(): Applied {
    const { applied } = this.publisher;
    if (applied === undefined) throw new Error('nothing is applied yet');
    return applied;
  }

  /** What changes during a turn brings one more. */
  private runTurn(): Promise<void> {
    this.turns = this.turns.then(() => this.turn());
    return this.turns;
  }

  private async turn(): Promise<void> {
    if (this.isStopping) return;
    const { file, groupKeys, requireEnd } = this.options;
    const before = this.applied;
    // Of what this turn may replace.
    void this.lookAtAcknowledged();
    try {
      const started = performance.now();
      const loaded = await loadConfig(file, { groupKeys, requireEnd });
      const parsed = performance.now();
      // A rejected configuration may name a file that does not exist yet; the served one depends on the files that it names.
      this.watching.update([...new Set([...before.loaded.dependencies, ...loaded.dependencies])], loaded.digests);
      await inPieces(this.publisher.steps(loaded, Date.now()));
      this.publisher.apply(loaded, Date.now());
      this.rejected = undefined;
      const took = { parseMs: Math.round(parsed - started), applyMs: Math.round(performance.now() - parsed) };
      this.log.applied(this.publisher, before, took);
    } catch (error) {
      this.rejected = this.log.rejected(file, error);
      this.refresh(before);
    }
    this.afterTurn();
  }

  private afterTurn(): void {
    this.keptSnapshots.published(this.publisher, Date.now());
    this.report.published();
    this.serving.admit(gatewayRegistry(this.applied));
    this.schedule();
  }

  /** Grants end and identities are renewed even while the file is invalid. */
  private refresh(before: Applied): void {
    try {
      this.publisher.refresh(Date.now());
      this.log.warnings(this.applied, before);
    } catch (error) {
      this.options.logger.error({ err: error }, 'what is served could not be brought up to date');
    }
  }

  private schedule(): void {
    const due = this.publisher.nextDue();
    const soonest = Date.now() + (this.rejected === undefined ? MIN_PAUSE_MS : RETRY_MS);
    this.due.set(due === undefined ? undefined : Math.max(due, soonest));
  }

  /** Also when the clock was set back: a certificate that is not valid yet keeps every gateway out. */
  private renewServerTls(now: number): void {
    const isFresh = now < this.serverTlsAt + SERVER_RENEWAL_MS && now >= this.serverTlsAt - CLOCK_STEP_MS;
    if (this.options.insecureXds || isFresh) return;
    this.serverTlsAt = now;
    this.serving.setTls(serverTls(this.ca, this.options.xds));
  }

  /** In a turn, because two must not run at a time. */
  private lookAtRecord(): void {
    if (!this.publisher.isBehindRecord()) return;
    this.turns = this.turns.then(() => {
      if (this.isStopping || !this.publisher.isBehindRecord()) return;
      this.refresh(this.applied);
      this.afterTurn();
    });
  }

  private async lookAtAcknowledged(): Promise<void> {
    try {
      this.keptSnapshots.acknowledged((await this.serving.status()).streams);
    } catch (error) {
      this.options.logger.error({ err: error }, 'what the gateways have acknowledged is not known');
    }
  }

  private look(): void {
    void this.lookAtAcknowledged();
    this.stateCheck.look();
    this.report.update().catch((error: unknown) => {
      this.options.logger.error({ err: error }, 'the expiry of certificates is not known');
    });
  }
}

/** One step in each round of the event loop, so that a peer's large bundle blocks no stream. */
async function inPieces(steps: Steps): Promise<void> {
  while (!steps.next().done) await nextRound();
}
