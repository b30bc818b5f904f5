// Lists and announces the ends of the certificates that calls or the control channel depend on.
// Must not: hold key material, or announce a certificate that is renewed in time by itself.

import type { Logger } from '../log.ts';
import { authorityEnds, type CertificateEnd, endOf } from '../pipeline/authority-ends.ts';
import type { Publisher } from '../pipeline/publisher.ts';
import { type EndNotice, endNotice } from '../trust/expiry.ts';
import type { Certificate } from '../trust/x509/certificate.ts';
import type { StreamStatus } from '../xds/stream-status.ts';

/** The earliest end first. */
export function certificateEnds(
  publisher: Publisher,
  streams: readonly StreamStatus[],
  controlPlaneCa: Certificate | undefined,
): readonly CertificateEnd[] {
  const { applied } = publisher;
  return [
    ...(applied === undefined ? [] : authorityEnds(applied.resolved)),
    ...publisher.identities
      .list()
      .map(
        ({ role, peer, notAfter }) =>
          ({ kind: role === 'ingress' ? 'cert-ingress' : 'cert-egress', peer, notAfter }) as const,
      ),
    ...clientEnds(streams),
    ...(controlPlaneCa === undefined ? [] : [endOf('control-plane-ca', controlPlaneCa)]),
  ].sort((a, b) => a.notAfter - b.notAfter);
}

/** One for each gateway: it may have thousands of Envoys. */
function clientEnds(streams: readonly StreamStatus[]): readonly CertificateEnd[] {
  const first = new Map<string, CertificateEnd>();
  for (const { gateway, nodeId, certificateNotAfter: notAfter } of streams) {
    if (notAfter === undefined || (first.get(gateway)?.notAfter ?? Number.POSITIVE_INFINITY) <= notAfter) continue;
    first.set(gateway, { kind: `client-${gateway}`, node: nodeId, notAfter });
  }
  return [...first.values()];
}

/** How long the announcement of an end is remembered after it. */
const KEPT = 24 * 60 * 60 * 1000;

/** Announces the ends of which no finding speaks. */
export class EndAnnouncements {
  private readonly logger: Logger;
  private readonly announced = new Map<string, { readonly notice: EndNotice; readonly notAfter: number }>();

  constructor(logger: Logger) {
    this.logger = logger;
  }

  /** Each notice of a certificate is logged once. */
  update(ends: readonly CertificateEnd[], now: number): void {
    const present = new Set<string>();
    for (const end of ends) {
      const notice = noticeOf(end, now);
      const { kind, peer, node, notAfter } = end;
      const key = JSON.stringify([kind, peer, notAfter]);
      present.add(key);
      if (notice === undefined || this.announced.get(key)?.notice === notice) continue;
      this.announced.set(key, { notice, notAfter });
      const fields = { kind, ...(peer && { peer }), ...(node && { node }), notAfter: new Date(notAfter).toISOString() };
      this.logger.warn(fields, `a certificate ${notice}`);
    }
    // A gateway that comes back with the same certificate is no news; one that ended long ago does not come back.
    for (const [key, { notAfter }] of this.announced)
      if (notAfter < now - KEPT && !present.has(key)) this.announced.delete(key);
  }
}

function noticeOf({ kind, notAfter }: CertificateEnd, now: number): EndNotice | undefined {
  switch (kind) {
    case 'bundle':
    case 'issuer':
    case 'issuer-above':
      return undefined;
    case 'cert-ingress':
    case 'cert-egress':
      // Renewed at half of its life: what has ended could not be renewed.
      return notAfter <= now ? 'has ended' : undefined;
    default:
      return endNotice(notAfter, now);
  }
}
