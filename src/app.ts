// `postern run`, put together: files → model → snapshots → streams, again whenever something changes.
// In: settings. Out: a running control plane that can be reloaded and stopped. Must not: let a failed turn of the pipeline
// change what is served: every turn builds aside, and publishes as its last step.

import { createHash } from 'node:crypto';
import { Metrics } from './admin/metrics.ts';
import { startAdminServer } from './admin/server.ts';
import type { Status } from './admin/status.ts';
import { Compiler } from './compile.ts';
import type { HostPort } from './config/host-port.ts';
import { type LoadedConfig, loadConfig } from './config/load.ts';
import { formatDiagnostic } from './config/parse.ts';
import { watchFiles } from './config/watch.ts';
import { type Diagnostic, errorAt, type Finding, hasErrors, PosternError } from './errors.ts';
import type { Federation, GatewayRole } from './federation/model.ts';
import { type Resolved, resolve } from './federation/resolve.ts';
import type { Logger } from './log.ts';
import { SnapshotCache } from './snapshot/cache.ts';
import { emptySnapshot, type Snapshot } from './snapshot/snapshot.ts';
import { controlPlaneId, issueServerCertificate, openControlPlaneCa } from './trust/control-plane-ca.ts';
import { GatewayIdentities } from './trust/identities.ts';
import { createThrowawayRoot } from './trust/issue.ts';
import { identityNeeds, RejectedConfig } from './turn.ts';
import { VERSION } from './version.ts';
import { XdsServer } from './xds/server.ts';
import { serverObserver } from './xds-events.ts';

export interface AppOptions {
  readonly file: string;
  readonly xds: HostPort;
  readonly admin: HostPort;
  /** Folder of the control plane's own CA. */
  readonly stateFolder: string;
  /** Plaintext xDS, for benches: who asks is taken for whom it claims to be. */
  readonly insecureXds: boolean;
  readonly logger: Logger;
}

export interface App {
  readonly xdsPort: number;
  readonly adminPort: number;
  /** Reads everything again; resolves when that is served or rejected. */
  reload(): Promise<void>;
  stop(): Promise<void>;
}

/** What is being served: the last turn of the pipeline that succeeded. */
interface Applied {
  readonly loaded: LoadedConfig;
  readonly resolved: Resolved;
  readonly at: number;
  readonly warnings: readonly Diagnostic[];
}

const ROLES: readonly GatewayRole[] = ['ingress', 'egress'];
/** setTimeout takes no more; a longer wait is cut, and the turn it brings changes nothing. */
const LONGEST_TIMER = 24 * 60 * 60 * 1000;
const SERVER_RENEWAL = 10 * 24 * 60 * 60 * 1000;

/** Errors: RejectedConfig for a first configuration that cannot be served, and what listening or the state folder throw. */
export async function startApp(options: AppOptions): Promise<App> {
  const { logger } = options;
  const metrics = new Metrics();
  const reloads = metrics.counter('postern_config_reloads_total', 'Configurations read, by result.');
  const lastSuccess = metrics.gauge(
    'postern_config_last_success_timestamp_seconds',
    'When what is served was applied.',
  );
  const expiries = metrics.gauge(
    'postern_certificate_expiry_timestamp_seconds',
    'Expiry of bundles and of our certificates.',
  );
  const resources = metrics.gauge('postern_snapshot_resources', 'Resources in the snapshot of a gateway, by type.');
  metrics.gauge('postern_build_info', 'Version of this process.').set({ version: VERSION, node: process.version }, 1);

  const compiler = new Compiler();
  const identities = new GatewayIdentities();
  const cache = new SnapshotCache();
  const throwawayRootPem = createThrowawayRoot(Date.now());
  const retired = new Set<string>();
  let applied: Applied | undefined;
  let rejected: NonNullable<Status['config']['rejected']> | undefined;
  let stopping = false;

  /** One turn, from the loaded files to snapshots; nothing is published before everything is built. */
  const apply = (loaded: LoadedConfig): void => {
    const now = Date.now();
    const { config } = loaded.parsed;
    if (config === undefined || hasErrors(loaded.findings)) throw new RejectedConfig(loaded.diagnostics());
    const { resolved, findings } = resolve({ config, files: loaded.files, now, previous: applied?.resolved });
    const all = [...findings, ...(applied === undefined ? [] : unchangeable(applied.resolved.federation, config.mesh))];
    if (resolved === undefined || hasErrors(all)) throw new RejectedConfig(loaded.diagnostics(all));
    const { federation, issuer } = resolved;
    if (issuer === undefined) identities.clear();
    else
      identities.ensure(
        issuer,
        'issuer' in config.identity ? config.identity.issuer.lifetimeSeconds : 0,
        identityNeeds(federation),
        now,
      );
    const gone = applied?.resolved.federation.peers.map((peer) => peer.name) ?? [];
    const nowRetired = new Set(
      [...retired, ...gone].filter((name) => !federation.peers.some((peer) => peer.name === name)),
    );
    const snapshots = compiler.compile({
      federation,
      identity: (role, peer) => identities.get(role, peer),
      retired: [...nowRetired].sort(),
      throwawayRootPem,
    });
    retired.clear();
    for (const name of nowRetired) retired.add(name);
    applied = { loaded, resolved, at: now, warnings: loaded.diagnostics(findings) };
    rejected = undefined;
    publish(snapshots);
  };

  const publish = (snapshots: ReadonlyMap<GatewayRole, Snapshot>): void => {
    for (const role of ROLES) {
      // A gateway that the configuration no longer has is left with nothing, rather than with what it had.
      const snapshot = snapshots.get(role) ?? (cache.get(role) === undefined ? undefined : emptySnapshot());
      if (snapshot === undefined) continue;
      cache.set(role, snapshot);
      for (const [typeUrl, type] of snapshot.types)
        resources.set({ gateway: role, type: typeUrl.split('.').at(-1) ?? '' }, type.resources.size);
    }
    lastSuccess.set({}, Date.now() / 1000);
    expiries.clear();
    for (const { role, peer, notAfter } of identities.list())
      expiries.set({ kind: `cert-${role}`, peer }, notAfter / 1000);
    for (const peer of applied?.resolved.federation.peers ?? []) {
      expiries.set(
        { kind: 'bundle', peer: peer.name },
        Math.min(...peer.bundle.certificates.map(({ notAfter }) => notAfter)) / 1000,
      );
    }
  };

  const first = await loadConfig(options.file);
  apply(first);
  const { federation } = current();
  const ca = openControlPlaneCa(options.stateFolder, federation.mesh.trustDomain, Date.now());
  const serverTls = () => {
    const issued = issueServerCertificate(ca, [options.xds.host], Date.now());
    return {
      certificateChain: issued.certificateChain,
      privateKey: issued.privateKey.reveal(),
      clientCa: ca.certificatePem,
    };
  };
  const server = new XdsServer({
    address: options.xds,
    tls: options.insecureXds ? undefined : serverTls(),
    cache,
    observer: serverObserver(logger, metrics),
    registry: () =>
      new Map(
        ROLES.flatMap((role) => {
          const gateway = current().federation[role];
          return gateway === undefined ? [] : [[gateway.identity, role] as const];
        }),
      ),
    controlPlane: controlPlaneId(federation.mesh.trustDomain),
  });

  function current(): Resolved {
    if (applied === undefined) throw new Error('nothing is applied yet');
    return applied.resolved;
  }

  const turn = async (reread: boolean): Promise<void> => {
    if (stopping || applied === undefined) return;
    let loaded = applied.loaded;
    try {
      if (reread) {
        loaded = await loadConfig(options.file);
        watching.update([...new Set([...applied.loaded.dependencies, ...loaded.dependencies])]);
      }
      apply(loaded);
      reloads.add({ result: 'applied' });
      logger.info(
        {
          file: options.file,
          snapshots: Object.fromEntries([...cache.entries()].map(([role, { version }]) => [role, version])),
        },
        'configuration applied',
      );
      for (const warning of applied.warnings)
        logger.warn({ diagnostic: formatDiagnostic(warning) }, 'configuration warning');
    } catch (error) {
      if (!(error instanceof PosternError))
        logger.error({ err: error }, 'internal error while applying the configuration');
      const reason = error instanceof PosternError ? error.code : 'internal error';
      const diagnostics = error instanceof RejectedConfig ? error.diagnostics : [];
      rejected = {
        at: new Date().toISOString(),
        reason: error instanceof PosternError && diagnostics.length === 0 ? `${reason}: ${error.message}` : reason,
        diagnostics,
      };
      reloads.add({ result: 'rejected' });
      logger.error(
        { file: options.file, reason: rejected.reason, diagnostics: diagnostics.map(formatDiagnostic) },
        'configuration rejected; what was served is still served',
      );
    }
    schedule();
  };

  // One turn at a time; a change during a turn brings one more.
  let running: Promise<void> = Promise.resolve();
  const enqueue = (reread: boolean): Promise<void> => {
    running = running.then(() => turn(reread));
    return running;
  };

  let timer: NodeJS.Timeout | undefined;
  const schedule = (): void => {
    clearTimeout(timer);
    if (stopping) return;
    const due = [identities.nextRenewal(), applied?.resolved.federation.nextExpiry].filter(
      (time) => time !== undefined,
    );
    const wait = Math.min(LONGEST_TIMER, ...due.map((time) => Math.max(time - Date.now(), 1000)));
    // Files are read again on the way: certificates in them may have expired meanwhile.
    timer = setTimeout(() => void enqueue(true), wait);
    timer.unref();
  };

  const xdsPort = await server.listen();
  const watching = watchFiles(first.dependencies, () => void enqueue(true));
  const renewal = setInterval(() => server.setTls(serverTls()), SERVER_RENEWAL);
  renewal.unref();
  schedule();
  reloads.add({ result: 'applied' });

  const status = (): Status | undefined =>
    applied === undefined ? undefined : statusOf(applied, rejected, cache, server, identities);
  const admin = await startAdminServer(options.admin, {
    ready: () => applied !== undefined && !stopping,
    metrics: () => metrics.text(),
    status,
  }).catch(async (error: unknown) => {
    watching.close();
    clearInterval(renewal);
    await server.stop(0);
    throw error;
  });
  logger.info(
    { mesh: federation.mesh.name, xds: `${options.xds.host}:${xdsPort}`, admin: `${options.admin.host}:${admin.port}` },
    'ready',
  );
  for (const warning of applied === undefined ? [] : (applied as Applied).warnings)
    logger.warn({ diagnostic: formatDiagnostic(warning) }, 'configuration warning');

  return {
    xdsPort,
    adminPort: admin.port,
    reload: () => enqueue(true),
    stop: async () => {
      stopping = true;
      watching.close();
      clearTimeout(timer);
      clearInterval(renewal);
      await running;
      await server.stop();
      await admin.stop();
    },
  };
}

/** What a running process cannot change: its port, its CA and every identity are made for one mesh. */
function unchangeable(
  before: Federation,
  mesh: { readonly name: string; readonly trustDomain: string },
): readonly Finding[] {
  if (before.mesh.trustDomain === mesh.trustDomain) return [];
  const message = `the trust domain was ${before.mesh.trustDomain} when this process started`;
  return [errorAt('MESH_CHANGED', ['mesh', 'trustDomain'], message, 'restart Postern to serve another mesh')];
}

function statusOf(
  applied: Applied,
  rejected: Status['config']['rejected'],
  cache: SnapshotCache,
  server: XdsServer,
  identities: GatewayIdentities,
): Status {
  const { federation } = applied.resolved;
  const streams = server.status();
  return {
    mesh: federation.mesh.name,
    trustDomain: federation.mesh.trustDomain,
    version: VERSION,
    config: {
      file: applied.loaded.file,
      appliedAt: new Date(applied.at).toISOString(),
      sha256: createHash('sha256').update(applied.loaded.text).digest('hex'),
      ...(rejected !== undefined && { rejected }),
      warnings: applied.warnings,
    },
    gateways: [...cache.entries()].map(([gateway, { version }]) => ({
      gateway,
      snapshotVersion: version,
      nodes: streams.filter((stream) => stream.gateway === gateway),
    })),
    peers: federation.peers.map(({ name, trustDomain, bundle }) => ({
      name,
      trustDomain,
      bundleFingerprint: bundle.fingerprint,
      bundleNotAfter: new Date(Math.min(...bundle.certificates.map(({ notAfter }) => notAfter))).toISOString(),
    })),
    certificates: identities
      .list()
      .map(({ role, peer, notAfter }) => ({ gateway: role, peer, notAfter: new Date(notAfter).toISOString() })),
  };
}
