// The reasons why a client got no connection or stream, which metrics count by, and what the log says of the client.
// Must not: decide anything by the claims of a certificate that was refused.

import { createHash } from 'node:crypto';
import { parseCertificate } from '../../trust/x509/certificate.ts';

/** Each with what the operator should do. */
export const REFUSALS = {
  no_certificate: 'Give the gateway a client certificate (postern certs gateway).',
  unknown_ca:
    'The client certificate is from another CA. Issue the gateway a new one from the state folder of this control plane (postern certs gateway).',
  certificate_expired:
    'Issue the gateway a new client certificate (postern certs gateway), and check the clocks of both machines.',
  certificate_invalid:
    'The client certificate is not an X.509-SVID for a gateway. Issue the gateway a new one (postern certs gateway).',
  server_untrusted:
    'The client does not trust this control plane. Give the gateway the CA certificate of the state folder (control-plane-ca.pem), and dial a name of the server certificate.',
  handshake_failed:
    'The client did not complete a TLS 1.3 handshake with ALPN h2. If it is a gateway, check its TLS settings; otherwise find out what connects to the xDS port.',
  unknown_identity:
    'The certificate is not that of a gateway in the configuration. Compare its SPIFFE ID with `gateways` in the file, or stop the client.',
  node_mismatch: 'Make node.cluster and node.id in the bootstrap of the Envoy name the gateway of its certificate.',
  too_many_streams: 'Look for a client of this gateway that reconnects in a loop, or for more Envoys than are planned.',
} as const;

export type RefusalReason = keyof typeof REFUSALS;

/** What a certificate says about itself, whether it was verified or not. */
export interface CertificateClaims {
  /** Its only URI name, when TLS has verified the certificate. */
  readonly spiffeId?: string;
  /** Its only URI name, when the certificate was not verified: anybody can write it. */
  readonly claimedId?: string;
  /** The first of its URI names, when it has several, which no X.509-SVID has. */
  readonly claimedIds?: readonly string[];
  /** SHA-256, hex. */
  readonly fingerprint: string;
}

export interface Refusal {
  readonly reason: RefusalReason;
  /** The same in words, or the code of the TLS library. */
  readonly detail: string;
  /** IP:PORT; empty when the connection was gone before it was known. */
  readonly address: string;
  /** Empty before the first request. */
  readonly nodeId: string;
  /** Reads the client's certificate, if it showed one: only for a line that is written, because a client can be refused often. */
  readonly claims?: (() => CertificateClaims) | undefined;
}

const MAX_URI_CHARACTERS = 512;
const MAX_URIS = 4;

/** `verified`: whether TLS has verified the chain of this certificate. Errors: none, whatever the bytes are. */
export function certificateClaims(der: Buffer, { verified }: { readonly verified: boolean }): CertificateClaims {
  const fingerprint = createHash('sha256').update(der).digest('hex');
  try {
    const { uris } = parseCertificate(der);
    const [only, ...more] = uris.slice(0, MAX_URIS).map(shownUri);
    if (only === undefined) return { fingerprint };
    if (more.length > 0) return { claimedIds: [only, ...more], fingerprint };
    return verified ? { spiffeId: only, fingerprint } : { claimedId: only, fingerprint };
  } catch {
    return { fingerprint };
  }
}

function shownUri(uri: string): string {
  return uri.slice(0, MAX_URI_CHARACTERS).replace(/[^\x20-\x7e]/g, '?');
}

/** What the operator should do. A certificate without exactly one URI name was never one of a gateway. */
export function adviceFor(reason: RefusalReason, claims?: CertificateClaims): string {
  const isOfGateway = claims?.spiffeId !== undefined || claims?.claimedId !== undefined;
  return claims === undefined || isOfGateway ? REFUSALS[reason] : NOT_A_GATEWAY;
}

const NOT_A_GATEWAY =
  'The certificate does not have exactly one URI name, so it is not that of a gateway. Find out what connects to the xDS port from this address.';

const BY_TLS_CODE: Readonly<Record<string, RefusalReason>> = {
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'no_certificate',
  UNABLE_TO_GET_ISSUER_CERT: 'unknown_ca',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'unknown_ca',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'unknown_ca',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'unknown_ca',
  SELF_SIGNED_CERT_IN_CHAIN: 'unknown_ca',
  CERT_SIGNATURE_FAILURE: 'unknown_ca',
  CERT_HAS_EXPIRED: 'certificate_expired',
  CERT_NOT_YET_VALID: 'certificate_expired',
};
/** The client's alerts about the server's certificate (RFC 8446 section 6.2). */
const ALERT_OF_CLIENT =
  /ALERT_(BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_REVOKED|CERTIFICATE_EXPIRED|CERTIFICATE_UNKNOWN|UNKNOWN_CA)$/;

/** `verification` is the result of verifying the client's certificate, where it failed; `error` the code of the handshake's error. */
export function tlsRefusal(verification: string | undefined, error: string): RefusalReason {
  if (verification !== undefined) return BY_TLS_CODE[verification] ?? 'certificate_invalid';
  return BY_TLS_CODE[error] ?? (ALERT_OF_CLIENT.test(error) ? 'server_untrusted' : 'handshake_failed');
}
