// `postern run`, put together: what is watched, what is served, and who is told.
// In: settings. Out: a running control plane that can be reloaded and stopped. Must not: know how a snapshot is made
// (publisher.ts), or how a stream is served (xds/).

import { setImmediate as nextRound } from 'node:timers/promises';
import { startAdminServer } from '../admin/admin-server.ts';
import { loadConfig } from '../config/files/load.ts';
import { watchFiles } from '../config/files/watch.ts';
import { formatDiagnostic, PosternError } from '../errors.ts';
import type { HostPort } from '../host-port.ts';
import type { Logger, LogLevel } from '../log.ts';
import type { CertificateEnd } from '../pipeline/authority-ends.ts';
import { type Applied, Publisher, ROLES } from '../pipeline/publisher.ts';
import { RejectedConfig } from '../pipeline/rejected-config.ts';
import { WorkerPool } from '../serving/pool.ts';
import { type Serving, type ServingStatus, serveInProcess } from '../serving/serving.ts';
import { gatewayGauges } from '../telemetry/gateway-gauges.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { serverObserver } from '../telemetry/xds-metrics-and-log.ts';
import { type ControlPlaneCa, controlPlaneId, issueServerCertificate } from '../trust/issuing/control-plane-ca.ts';
import type { Steps } from '../trust/keys/signers.ts';
import { certificateAdmission, claimAdmission, type GatewayRegistry } from '../xds/transport/admission.ts';
import type { ServerTls } from '../xds/transport/xds-server.ts';
import { certificateEnds, EndAnnouncements } from './certificate-ends.ts';
import { RecordFile } from './record-file.ts';
import { loadFirst, openState, type StartOptions } from './start.ts';
import { processStatus, type Rejected, servedGauges } from './views.ts';

export interface AppOptions extends StartOptions {
  readonly xds: HostPort;
  readonly admin: HostPort;
  /** Plaintext xDS, for benches: who asks is taken for whom it claims to be. */
  readonly insecureXds: boolean;
  /** How long the code is made hot before gateways may connect. */
  readonly warmUpMs: number;
  /** Processes that serve; 1: this one. */
  readonly workers: number;
  /** The logger's, for workers. */
  readonly logLevel: LogLevel;
}

export interface App {
  readonly xdsPort: number;
  readonly adminPort: number;
  /** Reads everything again, and sends gateways what they rejected; resolves when that is served or rejected. */
  reload(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Timers follow a clock that stands still while a machine sleeps and knows nothing of corrections: what is due by the wall
 * clock is looked at so often.
 */
const CLOCK_LOOK_MS = 5000;
/** Less is how clocks are kept right. */
const CLOCK_STEP_MS = 1000;
/** Certificates of gateways come and go with their streams: their ends are looked at so often. */
const ENDS_LOOK_MS = 60_000;
/** What is still due after a rejected turn is looked at again so often. */
const RETRY_MS = 30_000;
/** A third of the lifetime of the server's certificate. */
const SERVER_RENEWAL = 10 * 24 * 60 * 60 * 1000;

/** Errors: RejectedConfig for a first configuration that cannot be served, and what the state folder or listening throws. */
export async function startApp(options: AppOptions): Promise<App> {
  const { logger, file } = options;
  const metrics = new Metrics();
  const publisher = new Publisher(Date.now(), { store: new RecordFile(options.stateFolder, logger) });
  const gauges = servedGauges(metrics, publisher);
  const updateGateways = gatewayGauges(metrics);
  const reloads = metrics.counter('postern_config_reloads_total', 'Configurations read, by result.');
  let rejected: Rejected | undefined;
  let stopping = false;

  const first = await loadFirst(options);
  const turn = publisher.prepare(first, Date.now());
  // The state folder holds the record of what is served, so that the CA comes first.
  const ca = openState(options, turn.applied.resolved.federation.mesh.trustDomain);
  let applied = publisher.commit(turn);
  const serve = (next: Applied): void => {
    applied = next;
    gauges.update(next.at);
  };
  gauges.update(applied.at);
  reloads.add({ result: 'applied' });
  const { mesh } = applied.resolved.federation;
  const serving = servingOf(options, publisher, metrics, {
    tls: options.insecureXds ? undefined : serverTls(ca, options.xds),
    controlPlane: controlPlaneId(mesh.trustDomain),
  });

  /** No broken file keeps a grant in force after its end, or an identity from its renewal. */
  const bringUpToDate = (): void => {
    const before = applied;
    try {
      serve(publisher.refresh(Date.now()) ?? applied);
      logWarnings(logger, applied, before);
    } catch (error) {
      logger.error({ err: error }, 'what is served could not be brought up to date');
    }
  };

  const runTurn = async (): Promise<void> => {
    if (stopping) return;
    const before = applied;
    try {
      const started = performance.now();
      const loaded = await loadConfig(file, { groupKeys: options.groupKeys, requireEnd: options.requireEnd });
      const parsed = performance.now();
      // A rejected configuration may name a file that is still to come; what is served may change in those it names.
      watching.update([...new Set([...applied.loaded.dependencies, ...loaded.dependencies])], loaded.digests);
      await inPieces(publisher.steps(loaded, Date.now()));
      serve(publisher.apply(loaded, Date.now()));
      rejected = undefined;
      reloads.add({ result: 'applied' });
      const took = { parseMs: Math.round(parsed - started), applyMs: Math.round(performance.now() - parsed) };
      logger.info({ file, ...took, snapshots: versions(publisher) }, 'configuration applied');
      logWarnings(logger, applied, before);
    } catch (error) {
      rejected = rejection(error);
      reloads.add({ result: 'rejected' });
      const fields = { file, reason: rejected.reason, diagnostics: rejected.diagnostics.map(formatDiagnostic) };
      logger.error(
        error instanceof PosternError ? fields : { ...fields, err: error },
        'configuration rejected; what was served is still served',
      );
      bringUpToDate();
    }
    serving.admit(gatewayRegistry(applied));
    schedule();
  };

  // One turn at a time; what changes during a turn brings one more.
  let running: Promise<void> = Promise.resolve();
  const reload = (): Promise<void> => {
    running = running.then(runTurn);
    return running;
  };
  let serverTlsAt = Date.now();
  /** Also when the clock was set back: what was issued ahead of time is not valid yet, and no gateway would come in. */
  const renewServerTls = (now: number): void => {
    if (options.insecureXds || (now < serverTlsAt + SERVER_RENEWAL && now >= serverTlsAt - CLOCK_STEP_MS)) return;
    serverTlsAt = now;
    serving.setTls(serverTls(ca, options.xds));
  };
  let timer: NodeJS.Timeout | undefined;
  const waitUntil = (due: number, before: number): void => {
    const now = Date.now();
    renewServerTls(now);
    // A clock that was set back: grants are in force again, and what was issued ahead of time is not valid yet.
    if (now >= due || now < before - CLOCK_STEP_MS) return void reload();
    timer = setTimeout(() => waitUntil(due, now), Math.min(due - now, CLOCK_LOOK_MS));
    timer.unref();
  };
  const schedule = (): void => {
    clearTimeout(timer);
    if (stopping) return;
    const soonest = Date.now() + (rejected === undefined ? 1000 : RETRY_MS);
    const due = publisher.nextDue();
    waitUntil(due === undefined ? Number.POSITIVE_INFINITY : Math.max(due, soonest), Date.now());
  };

  const xdsPort = await serving.listen(gatewayRegistry(applied));
  // What changed since it was read, while the port was opened, counts as a change.
  const watching = watchFiles(first.dependencies, () => void reload(), { seen: first.digests });
  const announcements = new EndAnnouncements(logger);
  const lookAtEnds = async (): Promise<{ readonly state: ServingStatus; readonly ends: readonly CertificateEnd[] }> => {
    const state = await serving.status();
    const ends = certificateEnds(publisher, state.streams, ca.issuer.certificate);
    gauges.updateEnds(ends);
    updateGateways(
      [...publisher.cache.entries()].map(([gateway]) => gateway),
      state.streams,
    );
    announcements.update(ends, Date.now());
    return { state, ends };
  };
  const endsLook = setInterval(() => {
    lookAtEnds().catch((error: unknown) => logger.error({ err: error }, 'the ends of certificates are not known'));
  }, ENDS_LOOK_MS);
  endsLook.unref();
  const stop = async (): Promise<void> => {
    stopping = true;
    watching.close();
    clearTimeout(timer);
    clearInterval(endsLook);
    await running;
    await serving.stop();
  };
  schedule();
  await lookAtEnds();
  const admin = await startAdminServer(options.admin, {
    ready: () => !stopping && serving.serves(),
    metrics: async () => {
      await lookAtEnds();
      return metrics.text(await serving.samples());
    },
    status: async () => {
      const { state, ends } = await lookAtEnds();
      return processStatus(publisher, applied, ca, rejected, state, ends);
    },
  }).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  const at = { xds: `${options.xds.host}:${xdsPort}`, admin: `${options.admin.host}:${admin.port}` };
  logger.info({ mesh: mesh.name, ...at, snapshots: versions(publisher) }, 'ready');
  logWarnings(logger, applied);
  return {
    xdsPort,
    adminPort: admin.port,
    reload: async () => {
      await reload();
      serving.retry();
    },
    stop: async () => {
      await stop();
      await admin.stop();
    },
  };
}

function servingOf(
  { workers, xds: address, warmUpMs, logger, logLevel }: AppOptions,
  { cache }: Publisher,
  metrics: Metrics,
  { tls, controlPlane }: { readonly tls: ServerTls | undefined; readonly controlPlane: string },
): Serving {
  // With workers it counts nothing, but knows what they count.
  const observer = serverObserver(logger, metrics);
  if (workers > 1) {
    const settings = { address, tls, controlPlane, warmUpMs, logLevel };
    return new WorkerPool({ count: workers, settings, cache, gateways: ROLES, metrics, logger });
  }
  return serveInProcess(warmUpMs, (gateways) => ({
    address,
    tls,
    cache,
    observer,
    admission: (leaf) =>
      tls === undefined ? claimAdmission(gateways) : certificateAdmission(leaf, gateways, Date.now),
    controlPlane,
  }));
}

function serverTls(ca: ControlPlaneCa, address: HostPort): ServerTls {
  const issued = issueServerCertificate(ca, [address.host], Date.now());
  return {
    certificateChain: issued.certificateChain,
    privateKey: issued.privateKey.reveal(),
    clientCa: ca.certificatePem,
  };
}

function gatewayRegistry({ resolved }: Applied): GatewayRegistry {
  return new Map(
    ROLES.flatMap((role) => {
      const gateway = resolved.federation[role];
      return gateway === undefined ? [] : [[gateway.identity, role] as const];
    }),
  );
}

/** One step in each round of the event loop: what one peer's bundle costs stops no stream. */
async function inPieces(steps: Steps): Promise<void> {
  while (!steps.next().done) await nextRound();
}

function rejection(error: unknown): Rejected {
  const at = new Date().toISOString();
  if (error instanceof RejectedConfig) return { at, reason: error.code, diagnostics: error.diagnostics };
  if (error instanceof PosternError) return { at, reason: `${error.code} ${error.message}`, diagnostics: [] };
  return { at, reason: 'internal error', diagnostics: [] };
}

/** Those that the turn before has not logged: what time alone brings about would repeat them all. */
function logWarnings(logger: Logger, { warnings }: Applied, before?: Applied): void {
  const logged = new Set(before?.warnings.map(formatDiagnostic));
  for (const one of warnings) {
    const fields = { diagnostic: formatDiagnostic(one) };
    if (logged.has(fields.diagnostic)) continue;
    if (one.severity === 'warning') logger.warn(fields, 'configuration warning');
    else
      logger.error(
        { ...fields, peer: one.concernsPeer },
        'the trust bundle of one peer has an error; the others are served',
      );
  }
}

function versions({ cache }: Publisher): Readonly<Record<string, string>> {
  return Object.fromEntries([...cache.entries()].map(([gateway, { version }]) => [gateway, version]));
}
