// When the CAs end that calls depend on: those of the peers, and our own issuer's.
// Must not: hold key material.

import type { Resolved } from '../federation/resolve.ts';
import { nextNotice } from '../trust/expiry.ts';
import type { Certificate } from '../trust/x509/certificate.ts';

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

/** Of the CAs that the configuration names. */
export function authorityEnds({ federation, issuer }: Resolved): readonly CertificateEnd[] {
  const [issuing, ...above] = issuer?.chain ?? [];
  return [
    ...federation.peers.flatMap(({ name, bundle }) =>
      bundle.certificates.map((certificate) => ({ ...endOf('bundle', certificate), peer: name })),
    ),
    ...(issuing === undefined ? [] : [endOf('issuer', issuing)]),
    ...above.map((certificate) => endOf('issuer-above', certificate)),
  ];
}

export function endOf(kind: CertificateEnd['kind'], { fingerprint, notAfter }: Certificate): CertificateEnd {
  return { kind, fingerprint, notAfter };
}

/** When the notice of a CA changes next, that a finding speaks of. */
export function nextAuthorityNotice(resolved: Resolved, now: number): number | undefined {
  const times = authorityEnds(resolved).flatMap(({ notAfter }) => nextNotice(notAfter, now) ?? []);
  return times.length === 0 ? undefined : Math.min(...times);
}
