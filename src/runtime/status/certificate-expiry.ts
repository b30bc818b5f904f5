// Expiry of every certificate that calls or the control channel depend on, and the log lines that announce it in time.
// Must not: hold key material, or announce what is renewed in time by itself.

import type { Logger } from '../../log.ts';
import { type CertificateExpiry, caExpiries, expiryOf } from '../../pipeline/ca-expiry.ts';
import type { Publisher } from '../../pipeline/publisher.ts';
import { type ExpiryNotice, expiryNotice } from '../../trust/expiry.ts';
import type { Certificate } from '../../trust/x509/certificate.ts';
import type { StreamStatus } from '../../xds/stream-status.ts';

/** The earliest expiry first. */
export function certificateExpiries(
  publisher: Publisher,
  streams: readonly StreamStatus[],
  controlPlaneCa: Certificate | undefined,
): readonly CertificateExpiry[] {
  const { applied } = publisher;
  return [
    ...(applied === undefined ? [] : caExpiries(applied.resolved)),
    ...publisher.identities
      .list()
      .map(
        ({ role, peer, notAfter }): CertificateExpiry =>
          role === 'ingress'
            ? { kind: 'cert-ingress', ...(peer !== undefined && { peer }), notAfter }
            : peer === undefined
              ? { kind: 'cert-callers', notAfter }
              : { kind: 'cert-egress', peer, notAfter },
      ),
    ...clientExpiries(streams),
    ...(controlPlaneCa === undefined ? [] : [expiryOf('control-plane-ca', controlPlaneCa)]),
  ].sort((a, b) => a.notAfter - b.notAfter);
}

/** One entry for each gateway, which may have thousands of Envoys. */
function clientExpiries(streams: readonly StreamStatus[]): readonly CertificateExpiry[] {
  const first = new Map<string, CertificateExpiry>();
  for (const { gateway, nodeId, certificateNotAfter: notAfter } of streams) {
    if (notAfter === undefined || (first.get(gateway)?.notAfter ?? Number.POSITIVE_INFINITY) <= notAfter) continue;
    first.set(gateway, { kind: `client-${gateway}`, node: nodeId, notAfter });
  }
  return [...first.values()];
}

/** How long an announcement is remembered after the expiry. */
const KEPT = 24 * 60 * 60 * 1000;

/** Announces what no finding warns of. */
export class ExpiryAnnouncements {
  private readonly logger: Logger;
  private readonly announced = new Map<string, { readonly notice: ExpiryNotice; readonly notAfter: number }>();

  constructor(logger: Logger) {
    this.logger = logger;
  }

  /** Each notice of a certificate is logged once. */
  update(expiries: readonly CertificateExpiry[], now: number): void {
    const present = new Set<string>();
    for (const expiry of expiries) {
      const notice = noticeOf(expiry, now);
      const { kind, peer, node, notAfter } = expiry;
      const key = JSON.stringify([kind, peer, notAfter]);
      present.add(key);
      if (notice === undefined || this.announced.get(key)?.notice === notice) continue;
      this.announced.set(key, { notice, notAfter });
      const fields = { kind, ...(peer && { peer }), ...(node && { node }), notAfter: new Date(notAfter).toISOString() };
      this.logger.warn(fields, `a certificate ${notice}`);
    }
    // A gateway that reconnects with the same certificate is not announced again; one that expired long ago cannot reconnect.
    for (const [key, { notAfter }] of this.announced)
      if (notAfter < now - KEPT && !present.has(key)) this.announced.delete(key);
  }
}

function noticeOf({ kind, notAfter }: CertificateExpiry, now: number): ExpiryNotice | undefined {
  switch (kind) {
    case 'bundle':
    case 'mesh-bundle':
    case 'backend-ca':
    case 'issuer':
    case 'issuer-above':
      return undefined;
    case 'cert-ingress':
    case 'cert-egress':
    case 'cert-callers':
      // Renewed at half of its life: one that has expired could not be renewed.
      return notAfter <= now ? 'has expired' : undefined;
    default:
      return expiryNotice(notAfter, now);
  }
}
