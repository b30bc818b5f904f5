// Reports on the running process: /status, and with each report the gauges and the log lines about certificates that expire.
// Must not: hold key material.

import { resolve as resolvePath } from 'node:path';
import type { GatewayStream, Rejected, Status } from '../../admin/status-view.ts';
import { denialReasons } from '../../errors.ts';
import type { Peer, Workload } from '../../federation/model.ts';
import { endedGrants } from '../../federation/resolve/resolve-services.ts';
import type { Logger } from '../../log.ts';
import type { CertificateExpiry } from '../../pipeline/ca-expiry.ts';
import type { Applied, Publisher } from '../../pipeline/publisher.ts';
import type { Serving, ServingStatus } from '../../serving/serving.ts';
import { gatewayGauges } from '../../telemetry/gateway-gauges.ts';
import type { Metrics } from '../../telemetry/metrics-registry.ts';
import type { CaOnDisk, ControlPlaneCa } from '../../trust/issuing/control-plane-ca.ts';
import type { Certificate } from '../../trust/x509/certificate.ts';
import { VERSION } from '../../version.ts';
import type { StreamStatus } from '../../xds/stream-status.ts';
import type { ReachablePeers } from '../reachability/peer-reachability.ts';
import { certificateExpiries, ExpiryAnnouncements } from './certificate-expiry.ts';
import { sha256Of } from './config-log.ts';
import { refusedClients, refusedFor, refusedGateways } from './refusals.ts';
import { servedGauges } from './served-gauges.ts';

interface Current {
  readonly state: ServingStatus;
  readonly expiries: readonly CertificateExpiry[];
  readonly reachability: Reachability;
}

type Reachability = ReturnType<ReachablePeers['report']>;

export class StatusReport {
  private readonly publisher: Publisher;
  private readonly serving: Serving;
  private readonly ca: ControlPlaneCa;
  private readonly metrics: Metrics;
  private readonly reachable: ReachablePeers;
  private readonly gauges: ReturnType<typeof servedGauges>;
  private readonly updateGateways: ReturnType<typeof gatewayGauges>;
  private readonly bootstraps: ReadonlyMap<string, string>;
  private readonly announcements: ExpiryAnnouncements;
  /** All gateways have been seen under this CA: what is refused later is no sign that it replaced another. */
  private wereConnected = false;

  constructor(
    publisher: Publisher,
    serving: Serving,
    ca: ControlPlaneCa,
    metrics: Metrics,
    { logger, bootstraps }: { readonly logger: Logger; readonly bootstraps: ReadonlyMap<string, string> },
    reachable: ReachablePeers,
  ) {
    this.publisher = publisher;
    this.reachable = reachable;
    this.serving = serving;
    this.ca = ca;
    this.metrics = metrics;
    this.gauges = servedGauges(metrics, publisher);
    this.updateGateways = gatewayGauges(metrics, bootstraps);
    this.bootstraps = bootstraps;
    this.announcements = new ExpiryAnnouncements(logger);
  }

  /** After each turn. */
  published(): void {
    this.gauges.update();
    this.reachable.published();
  }

  async update(): Promise<Current> {
    const state = await this.serving.status();
    const expiries = certificateExpiries(this.publisher, state.streams, this.ca.issuer.certificate);
    this.gauges.updateExpiries(expiries);
    const roles = [...this.publisher.cache.entries()].map(([gateway]) => gateway);
    this.updateGateways(roles, state.streams);
    const reachability = this.reachable.report(state.streams);
    this.wereConnected ||= roles.every((role) => state.streams.some(({ gateway }) => gateway === role));
    this.announcements.update(expiries, Date.now());
    return { state, expiries, reachability };
  }

  async status(rejected: Rejected | undefined, onDisk: CaOnDisk): Promise<Status> {
    const { state, expiries, reachability } = await this.update();
    const samples = [...this.metrics.samples(), ...(await this.serving.samples())];
    const { made, issuer } = this.ca;
    const replaced = made && !this.wereConnected && refusedGateways(samples);
    const refused = refusedFor(samples, 'unknown_ca');
    const ca = { certificate: issuer.certificate, made, onDisk, refused, replaced };
    return {
      ...processStatus(this.publisher, ca, rejected, state, expiries, reachability),
      gateways: gatewayStatus(this.publisher, state.streams, this.bootstraps),
      refused: refusedClients(samples),
    };
  }
}

/** The rejected file; or, when the file is served, the rejected bundles of single peers. */
function rejectedParts(applied: Applied, rejected: Rejected | undefined): { readonly rejected?: Rejected } {
  if (rejected !== undefined) return { rejected };
  const diagnostics = applied.warnings.filter(({ severity }) => severity === 'error');
  if (diagnostics.length === 0) return {};
  return { rejected: { at: iso(applied.at), reason: 'CONFIG_INVALID', diagnostics, partly: true } };
}

interface CaState {
  readonly certificate: Certificate;
  /** True when this process created it. */
  readonly made: boolean;
  readonly onDisk: CaOnDisk;
  /** Connections refused because the client's certificate is from another CA. */
  readonly refused: number;
  /** This process made it, and gateways of an earlier one cannot connect. */
  readonly replaced: boolean;
}

function processStatus(
  publisher: Publisher,
  ca: CaState,
  rejected: Rejected | undefined,
  { workers }: ServingStatus,
  expiries: readonly CertificateExpiry[],
  reachability: Reachability,
): Omit<Status, 'refused' | 'gateways'> {
  const { applied } = publisher;
  if (applied === undefined) throw new Error('nothing is applied yet');
  const { federation } = applied.resolved;
  const grantees = new Map<string, string[]>();
  for (const { peer, export: exported } of federation.grants)
    grantees.set(exported.name, [...(grantees.get(exported.name) ?? []), peer]);
  const { config } = applied.loaded.parsed;
  const ended = config && endedGrants(config, Date.now());
  return {
    mesh: federation.mesh.name,
    trustDomain: federation.mesh.trustDomain,
    version: VERSION,
    controlPlaneCa: {
      fingerprint: ca.certificate.fingerprint,
      notAfter: iso(ca.certificate.notAfter),
      made: ca.made,
      onDisk: ca.onDisk,
      refusedOtherCa: ca.refused,
      replaced: ca.replaced,
    },
    config: {
      file: resolvePath(applied.loaded.file),
      appliedAt: iso(applied.at),
      sha256: sha256Of(applied),
      ...rejectedParts(applied, rejected),
      warnings: applied.warnings.filter(({ severity }) => severity === 'warning'),
    },
    ...(workers !== undefined && { workers }),
    peers: federation.peers.map((peer) => ({
      name: peer.name,
      trustDomain: peer.trustDomain,
      bundleFingerprint: peer.bundle.fingerprint,
      bundleCertificates: peer.bundle.certificates.map(({ fingerprint }) => fingerprint),
      bundleNotAfter: iso(bundleExpiry(peer)),
      reachability: reachability.get(peer.name) ?? [],
    })),
    deniedPeers: federation.deniedPeers.map(({ name, trustDomain }) => ({
      name,
      trustDomain,
      reasons: denialReasons(applied.warnings, name),
    })),
    exports: federation.exports.map(({ name, protocol }) => {
      const over = ended?.get(name) ?? [];
      return { name, protocol, peers: grantees.get(name) ?? [], ...(over.length > 0 && { ended: over }) };
    }),
    imports: federation.imports.map(({ peer, name, localNames, port, protocol, clients, denied = false }) => {
      const own = { peer, name, as: localNames[0] ?? '', port, protocol, denied };
      return { ...own, ...(clients && { clients: clients.map(clientText) }) };
    }),
    certificates: publisher.identities
      .list()
      .map(({ role, notAfter, ...to }) => ({ gateway: role, ...to, notAfter: iso(notAfter) })),
    certificateEnds: expiries.map((expiry) => ({ ...expiry, notAfter: iso(expiry.notAfter) })),
  };
}

/** As the configuration has it, with the trust domain. */
function clientText(client: Workload): string {
  return 'exact' in client ? client.exact : `${client.prefix}*`;
}

function gatewayStatus(
  { cache }: Publisher,
  streams: readonly StreamStatus[],
  bootstraps: ReadonlyMap<string, string>,
): Status['gateways'] {
  return [...cache.entries()].map(([gateway, { version }]) => ({
    gateway,
    snapshotVersion: version,
    nodes: streams
      .filter((stream) => stream.gateway === gateway)
      .map((stream) => gatewayStream(stream, bootstraps.get(gateway))),
  }));
}

function gatewayStream(
  { since, bootstrap, certificateNotAfter, types, ...stream }: StreamStatus,
  written: string | undefined,
): GatewayStream {
  return {
    ...stream,
    since: iso(since),
    oldBootstrap: bootstrap !== written,
    ...(certificateNotAfter !== undefined && { certificateNotAfter: iso(certificateNotAfter) }),
    types: types.map(({ nack, ackedAt, ...type }) => ({
      ...type,
      ...(ackedAt !== undefined && { ackedAt: iso(ackedAt) }),
      ...(nack && { nack: { ...nack, at: iso(nack.at) } }),
    })),
  };
}

function bundleExpiry(peer: Peer): number {
  return Math.min(...peer.bundle.certificates.map(({ notAfter }) => notAfter));
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
