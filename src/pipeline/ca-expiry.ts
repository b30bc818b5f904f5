// Expiry of the CAs that calls depend on: those of the peers and of our own workloads, and our own issuer's.
// Must not: hold key material.

import type { Resolved } from '../federation/resolve/resolve.ts';
import { nextExpiryNotice } from '../trust/expiry.ts';
import type { Certificate } from '../trust/x509/certificate.ts';

export interface CertificateExpiry {
  /**
   * `bundle`: a CA in a peer's bundle. `mesh-bundle`: one of our own workloads'. `backend-ca`: one of a backend. `issuer`,
   * `issuer-above`: our issuing CA and those above it. `cert-…`: issued to a gateway for a peer, or without a peer for our own
   * workloads, and renewed by this process. `client-…`: the xDS client certificate of a gateway's Envoys.
   */
  readonly kind:
    | 'bundle'
    | 'mesh-bundle'
    | 'backend-ca'
    | 'issuer'
    | 'issuer-above'
    | 'cert-ingress'
    | 'cert-egress'
    | 'cert-callers'
    | `client-${string}`
    | 'control-plane-ca';
  readonly peer?: string;
  /** Of several Envoys of one gateway, the one whose certificate expires first. */
  readonly node?: string;
  /** SHA-256, hex; absent for client certificates. */
  readonly fingerprint?: string;
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
}

/** The CAs that the configuration names. */
export function caExpiries({ federation, issuer }: Resolved): readonly CertificateExpiry[] {
  const [issuing, ...above] = issuer?.chain ?? [];
  return [
    ...federation.peers.flatMap(({ name, bundle }) =>
      bundle.certificates.map((certificate) => ({ ...expiryOf('bundle', certificate), peer: name })),
    ),
    ...(federation.mesh.bundle?.certificates ?? []).map((certificate) => expiryOf('mesh-bundle', certificate)),
    ...federation.backendCas.flatMap(({ certificates }) =>
      certificates.map((certificate) => expiryOf('backend-ca', certificate)),
    ),
    ...(issuing === undefined ? [] : [expiryOf('issuer', issuing)]),
    ...above.map((certificate) => expiryOf('issuer-above', certificate)),
  ];
}

export function expiryOf(kind: CertificateExpiry['kind'], { fingerprint, notAfter }: Certificate): CertificateExpiry {
  return { kind, fingerprint, notAfter };
}

/** When the next expiry notice of a CA is due. */
export function nextCaNotice(resolved: Resolved, now: number): number | undefined {
  const times = caExpiries(resolved).flatMap(({ notAfter }) => nextExpiryNotice(notAfter, now) ?? []);
  return times.length === 0 ? undefined : Math.min(...times);
}
