// When each certificate ends that calls or the control channel depend on, and saying so in time.
// In: what is served, the streams, the control plane's CA. Out: one list; log lines, each once for each notice.
// Must not: hold key material, or announce what is renewed in time by itself.

import type { Logger } from './log.ts';
import type { Applied, Publication } from './publication.ts';
import type { Certificate } from './trust/certificate.ts';
import { type EndNotice, endNotice, nextNotice } from './trust/expiry.ts';
import type { StreamStatus } from './xds/status.ts';

export interface CertificateEnd {
  /**
   * `bundle`: a CA in a peer's bundle. `issuer`, `issuer-above`: our issuing CA and those above it. `cert-…`: issued to a
   * gateway for a peer, and renewed by this process. `client-…`: what the Envoys of a gateway dial this process with.
   */
  readonly kind:
    | 'bundle'
    | 'issuer'
    | 'issuer-above'
    | 'cert-ingress'
    | 'cert-egress'
    | `client-${string}`
    | 'control-plane-ca';
  readonly peer?: string;
  /** Of several Envoys of one gateway, the one whose certificate ends first. */
  readonly node?: string;
  /** SHA-256, hex; of the certificates of streams it is not kept. */
  readonly fingerprint?: string;
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
}

/** The earliest end first. */
export function certificateEnds(
  publication: Publication,
  streams: readonly StreamStatus[],
  controlPlaneCa: Certificate | undefined,
): readonly CertificateEnd[] {
  const { applied } = publication;
  return [
    ...(applied === undefined ? [] : authorityEnds(applied)),
    ...publication.identities
      .list()
      .map(
        ({ role, peer, notAfter }) =>
          ({ kind: role === 'ingress' ? 'cert-ingress' : 'cert-egress', peer, notAfter }) as const,
      ),
    ...clientEnds(streams),
    ...(controlPlaneCa === undefined ? [] : [endOf('control-plane-ca', controlPlaneCa)]),
  ].sort((a, b) => a.notAfter - b.notAfter);
}

function authorityEnds({ resolved: { federation, issuer } }: Applied): readonly CertificateEnd[] {
  const [issuing, ...above] = issuer?.chain ?? [];
  return [
    ...federation.peers.flatMap(({ name, bundle }) =>
      bundle.certificates.map((certificate) => ({ ...endOf('bundle', certificate), peer: name })),
    ),
    ...(issuing === undefined ? [] : [endOf('issuer', issuing)]),
    ...above.map((certificate) => endOf('issuer-above', certificate)),
  ];
}

function endOf(kind: CertificateEnd['kind'], { fingerprint, notAfter }: Certificate): CertificateEnd {
  return { kind, fingerprint, notAfter };
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

/** When the notice of a CA changes next, that a finding speaks of. */
export function nextAuthorityNotice(applied: Applied, now: number): number | undefined {
  const times = authorityEnds(applied).flatMap(({ notAfter }) => nextNotice(notAfter, now) ?? []);
  return times.length === 0 ? undefined : Math.min(...times);
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
