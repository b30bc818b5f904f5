// Gauges of what is served: the file, the peers, the resources of each gateway, and when certificates expire.
// Must not: label a metric by a value that a client chooses.

import { grantEndsOf } from '../../federation/resolve/resolve-services.ts';
import type { CertificateExpiry } from '../../pipeline/ca-expiry.ts';
import type { Publisher } from '../../pipeline/publisher.ts';
import type { Metrics } from '../../telemetry/metrics-registry.ts';
import { VERSION } from '../../version.ts';

export interface ServedGauges {
  /** To be called after each turn. */
  update(): void;
  /** Before each scrape and status. `expiries` begin with the earliest. */
  updateExpiries(expiries: readonly CertificateExpiry[]): void;
}

export function servedGauges(metrics: Metrics, publisher: Publisher): ServedGauges {
  const lastSuccess = metrics.gauge(
    'postern_config_last_success_timestamp_seconds',
    'When the file that is served was applied.',
  );
  const expiryTimes = metrics.gauge(
    'postern_certificate_expiry_timestamp_seconds',
    'Expiry of certificates, by kind; the earliest of each kind and peer.',
  );
  const grantEnds = metrics.gauge(
    'postern_grant_expiry_timestamp_seconds',
    'When the grant of an export to a peer ends, or has ended; no series for a grant without an end.',
  );
  const resources = metrics.gauge('postern_snapshot_resources', 'Resources in the snapshot of a gateway, by type.');
  const peers = metrics.gauge('postern_peers', 'Configured peers.');
  const denied = metrics.gauge('postern_peers_denied', 'Configured peers without a usable trust bundle.');
  const rejected = metrics.gauge(
    'postern_peer_bundle_rejected',
    'Whether the trust bundle of a peer, or a part of it, was rejected when the file was applied.',
  );
  const meshRejected = metrics.gauge(
    'postern_mesh_bundle_rejected',
    'Whether the trust bundle of our own workloads, or a part of it, was rejected when the file was applied.',
  );
  const backendRejected = metrics.gauge(
    'postern_backend_ca_rejected',
    'Whether the CA file of the backend of an export, or a part of it, was rejected when the file was applied.',
  );
  metrics.gauge('postern_build_info', 'Version of this process.').set({ version: VERSION, node: process.version }, 1);
  return {
    update: () => {
      const { applied } = publisher;
      if (applied === undefined) return;
      lastSuccess.set({}, applied.at / 1000);
      const { peers: served, deniedPeers } = applied.resolved.federation;
      peers.set({}, served.length + deniedPeers.length);
      denied.set({}, deniedPeers.length);
      grantEnds.clear();
      const { config } = applied.loaded.parsed;
      const ends = config === undefined ? [] : grantEndsOf(config);
      for (const { export: exported, peer, endsAt } of ends) grantEnds.set({ peer, export: exported }, endsAt / 1000);
      const errors = applied.warnings.filter(({ severity }) => severity === 'error');
      rejected.clear();
      for (const { name } of [...served, ...deniedPeers])
        rejected.set({ peer: name }, errors.some(({ concernsPeer }) => concernsPeer === name) ? 1 : 0);
      meshRejected.clear();
      if (applied.loaded.parsed.config?.mesh.trustBundle !== undefined)
        meshRejected.set({}, errors.some(({ concernsMesh }) => concernsMesh) ? 1 : 0);
      backendRejected.clear();
      for (const { name, tls } of applied.resolved.federation.exports)
        if (tls?.mode === 'simple')
          backendRejected.set({ export: name }, errors.some(({ concernsExport }) => concernsExport === name) ? 1 : 0);
      for (const [gateway, snapshot] of publisher.cache.entries()) {
        for (const [typeUrl, type] of snapshot.types)
          resources.set({ gateway, type: typeUrl.split('.').at(-1) ?? '' }, type.resources.size);
      }
    },
    updateExpiries: (expiries) => {
      expiryTimes.clear();
      // Of certificates with the same labels, the earliest expiry is written last and remains.
      for (const { kind, peer, notAfter } of [...expiries].reverse())
        expiryTimes.set({ kind, ...(peer !== undefined && { peer }) }, notAfter / 1000);
    },
  };
}
