// The views of the running process: /status, and the gauges of what is served.
// Must not: hold key material.

import type { NodeStatus, Rejected, Status } from '../admin/status-view.ts';
import type { Peer } from '../federation/model.ts';
import type { CertificateEnd } from '../pipeline/authority-ends.ts';
import type { Applied, Publisher } from '../pipeline/publisher.ts';
import type { ServingStatus } from '../serving/serving.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { CaOnDisk } from '../trust/issuing/control-plane-ca.ts';
import type { Certificate } from '../trust/x509/certificate.ts';
import { VERSION } from '../version.ts';
import type { StreamStatus } from '../xds/stream-status.ts';
import { sha256Of } from './config-log.ts';

/** The file as a whole, or what of it concerns the trust of single peers. */
function rejectedParts(applied: Applied, rejected: Rejected | undefined): { readonly rejected?: Rejected } {
  if (rejected !== undefined) return { rejected };
  const diagnostics = applied.warnings.filter(({ severity }) => severity === 'error');
  if (diagnostics.length === 0) return {};
  return { rejected: { at: iso(applied.at), reason: 'CONFIG_INVALID', diagnostics, partly: true } };
}

export interface CaState {
  readonly certificate: Certificate;
  /** By this process. */
  readonly made: boolean;
  readonly onDisk: CaOnDisk;
  /** Connections refused because the client's certificate is from another CA. */
  readonly refused: number;
}

export function processStatus(
  publisher: Publisher,
  ca: CaState,
  rejected: Rejected | undefined,
  { streams, workers }: ServingStatus,
  ends: readonly CertificateEnd[],
): Status {
  const { applied } = publisher;
  if (applied === undefined) throw new Error('nothing is applied yet');
  const { federation } = applied.resolved;
  const grantees = new Map<string, string[]>();
  for (const { peer, export: exported } of federation.grants)
    grantees.set(exported.name, [...(grantees.get(exported.name) ?? []), peer]);
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
    },
    config: {
      file: applied.loaded.file,
      appliedAt: iso(applied.at),
      sha256: sha256Of(applied),
      ...rejectedParts(applied, rejected),
      warnings: applied.warnings.filter(({ severity }) => severity === 'warning'),
    },
    ...(workers !== undefined && { workers }),
    gateways: [...publisher.cache.entries()].map(([gateway, { version }]) => ({
      gateway,
      snapshotVersion: version,
      nodes: streams.filter((stream) => stream.gateway === gateway).map(nodeStatus),
    })),
    peers: federation.peers.map((peer) => ({
      name: peer.name,
      trustDomain: peer.trustDomain,
      bundleFingerprint: peer.bundle.fingerprint,
      bundleCertificates: peer.bundle.certificates.map(({ fingerprint }) => fingerprint),
      bundleNotAfter: iso(bundleEnd(peer)),
    })),
    deniedPeers: federation.deniedPeers.map(({ name, trustDomain }) => ({
      name,
      trustDomain,
      reasons: applied.warnings
        .filter(({ concernsPeer, severity }) => concernsPeer === name && severity === 'error')
        .map(({ code, message }) => `${code} ${message}`),
    })),
    exports: federation.exports.map(({ name, protocol }) => ({ name, protocol, peers: grantees.get(name) ?? [] })),
    imports: federation.imports.map(({ peer, name, localNames, port, protocol, denied = false }) => {
      return { peer, name, as: localNames[0] ?? '', port, protocol, denied };
    }),
    certificates: publisher.identities
      .list()
      .map(({ role, peer, notAfter }) => ({ gateway: role, peer, notAfter: iso(notAfter) })),
    certificateEnds: ends.map((end) => ({ ...end, notAfter: iso(end.notAfter) })),
  };
}

function nodeStatus({ since, certificateNotAfter, types, ...stream }: StreamStatus): NodeStatus {
  return {
    ...stream,
    since: iso(since),
    ...(certificateNotAfter !== undefined && { certificateNotAfter: iso(certificateNotAfter) }),
    types: types.map(({ nack, ...type }) => ({ ...type, ...(nack && { nack: { ...nack, at: iso(nack.at) } }) })),
  };
}

export interface ServedGauges {
  /** After each turn. */
  update(): void;
  /** The ends of certificates, the earliest first. */
  updateEnds(ends: readonly CertificateEnd[]): void;
}

/** Gauges that follow what is served. */
export function servedGauges(metrics: Metrics, publisher: Publisher): ServedGauges {
  const lastSuccess = metrics.gauge(
    'postern_config_last_success_timestamp_seconds',
    'When the file that is served was applied.',
  );
  const expiries = metrics.gauge(
    'postern_certificate_expiry_timestamp_seconds',
    'Expiry of certificates, by kind; the earliest of each kind and peer.',
  );
  const resources = metrics.gauge('postern_snapshot_resources', 'Resources in the snapshot of a gateway, by type.');
  const peers = metrics.gauge('postern_peers', 'Configured peers.');
  const denied = metrics.gauge('postern_peers_denied', 'Configured peers without a usable trust bundle.');
  metrics.gauge('postern_build_info', 'Version of this process.').set({ version: VERSION, node: process.version }, 1);
  return {
    update: () => {
      const { applied } = publisher;
      if (applied === undefined) return;
      lastSuccess.set({}, applied.at / 1000);
      const { peers: served, deniedPeers } = applied.resolved.federation;
      peers.set({}, served.length + deniedPeers.length);
      denied.set({}, deniedPeers.length);
      for (const [gateway, snapshot] of publisher.cache.entries()) {
        for (const [typeUrl, type] of snapshot.types)
          resources.set({ gateway, type: typeUrl.split('.').at(-1) ?? '' }, type.resources.size);
      }
    },
    updateEnds: (ends) => {
      expiries.clear();
      // Of several with the same labels, the earliest is written last.
      for (const { kind, peer, notAfter } of [...ends].reverse())
        expiries.set({ kind, ...(peer !== undefined && { peer }) }, notAfter / 1000);
    },
  };
}

function bundleEnd(peer: Peer): number {
  return Math.min(...peer.bundle.certificates.map(({ notAfter }) => notAfter));
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
