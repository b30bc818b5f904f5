// I/O: a worker: one more process that serves the xDS port, with the resources that the first process sends it.
// Must not: outlive the first process, read a file, or serve a snapshot that the first process does not have.

import { createLogger } from '../log.ts';
import { SnapshotCache } from '../snapshot/cache.ts';
import { Metrics } from '../telemetry/metrics-registry.ts';
import { processMetrics } from '../telemetry/process-metrics.ts';
import { serverObserver } from '../telemetry/xds-metrics-and-log.ts';
import {
  type Admission,
  certificateAdmission,
  claimAdmission,
  type GatewayRegistry,
} from '../xds/admission/admission.ts';
import { warmUp } from '../xds/transport/warm-up.ts';
import { XdsServer, type XdsServerOptions } from '../xds/transport/xds-server.ts';
import { ReportBatch } from './report-batch.ts';
import { applyChange, type FromWorker, type ToWorker, type WorkerSettings } from './worker-messages.ts';

/** What benchmarks replace. */
export interface WorkerOptions {
  readonly limits?: XdsServerOptions['limits'];
  readonly admission?: (leaf: Buffer | undefined) => Admission;
}

/** Serves until the first process sends `stop`, or is gone. */
export function serveAsWorker(options: WorkerOptions = {}): void {
  // A terminal and systemd signal the whole process group; the first process decides when to stop.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1'] as const) process.on(signal, () => {});
  process.once('disconnect', () => process.exit(1));
  const worker = new Worker(options);
  // In order: a worker that listens has received its snapshots.
  let handled: Promise<void> = Promise.resolve();
  process.on('message', (message: ToWorker) => {
    handled = handled
      .then(() => worker.handle(message))
      .catch((error: unknown) => {
        send({ kind: 'failed', message: error instanceof Error ? error.message : String(error) }, () =>
          process.exit(1),
        );
      });
  });
  send({ kind: 'up' });
}

class Worker {
  private readonly options: WorkerOptions;
  private readonly cache = new SnapshotCache();
  private readonly metrics = new Metrics();
  private updateProcess: (() => void) | undefined;
  private gateways: GatewayRegistry = new Map();
  private server: XdsServer | undefined;
  private warmUpMs = 0;

  constructor(options: WorkerOptions) {
    this.options = options;
  }

  async handle(message: ToWorker): Promise<void> {
    switch (message.kind) {
      case 'start':
        this.server = this.serverOf(message.settings, message.worker);
        this.warmUpMs = message.settings.warmUpMs;
        this.updateProcess = processMetrics(this.metrics, message.worker);
        return;
      case 'snapshot': {
        const { change } = message;
        return this.cache.set(change.gateway, applyChange(this.cache.get(change.gateway), change));
      }
      case 'gateways':
        this.gateways = message.gateways;
        return this.server?.recheck();
      case 'listen':
        await warmUp(this.warmUpMs);
        return send({ kind: 'listening', port: (await this.server?.listen()) ?? 0 });
      case 'tls':
        return this.server?.setTls(message.tls);
      case 'retry':
        return this.server?.retry();
      case 'report': {
        const streams = message.streams ? (this.server?.status() ?? []) : [];
        this.updateProcess?.();
        return send({ kind: 'report', id: message.id, report: { streams, samples: this.metrics.samples() } });
      }
      case 'stop':
        await this.server?.stop();
        process.exit(0);
    }
  }

  private serverOf({ address, tls, controlPlane, logLevel }: WorkerSettings, worker: number): XdsServer {
    const registry = (): GatewayRegistry => this.gateways;
    const byCertificate = (leaf: Buffer | undefined): Admission => certificateAdmission(leaf, registry, Date.now);
    const { limits, admission = tls === undefined ? () => claimAdmission(registry) : byCertificate } = this.options;
    return new XdsServer({
      address,
      tls,
      cache: this.cache,
      observer: serverObserver(createLogger(logLevel, worker), this.metrics, Date.now, controlPlane),
      admission,
      controlPlane,
      reported: new ReportBatch(this.cache, (batch) => send({ kind: 'connections', batch })).add,
      ...(limits !== undefined && { limits }),
    });
  }
}

function send(message: FromWorker, sent = (): void => {}): void {
  process.send?.(message, undefined, undefined, sent);
}
