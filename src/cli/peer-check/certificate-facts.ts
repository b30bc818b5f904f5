// What a certificate says, for people and programs: names, validity, key, fingerprint.
// Must not: hold a key, or text of a certificate that could steer a terminal.

import { X509Certificate } from 'node:crypto';
import { oneLine } from '../../one-line.ts';
import { parseCertificate } from '../../trust/x509/certificate.ts';

export interface CertificateFacts {
  readonly subject: string;
  readonly issuer: string;
  readonly uris: readonly string[];
  readonly notBefore: string;
  readonly notAfter: string;
  /** Such as `EC prime256v1`, `RSA 2048`, `Ed25519`. */
  readonly key: string;
  readonly signatureAlgorithm?: string;
  /** SHA-256, hex. */
  readonly fingerprint: string;
  /** Why Postern's own strict reader does not take it. */
  readonly unreadable?: string;
}

export function factsOf(der: Buffer): CertificateFacts {
  const x509 = new X509Certificate(der);
  const named = (name: string | undefined): string => oneLine((name ?? '').split('\n').join(', ')).slice(0, 200);
  const facts = {
    subject: named(x509.subject),
    issuer: named(x509.issuer),
    notBefore: new Date(x509.validFrom).toISOString(),
    notAfter: new Date(x509.validTo).toISOString(),
    key: keyOf(x509),
    fingerprint: x509.fingerprint256.replaceAll(':', '').toLowerCase(),
  };
  try {
    const { uris } = parseCertificate(der);
    return { ...facts, uris: uris.map(oneLine) };
  } catch (error) {
    // Its text may hold commas that separate nothing, so these names are only shown.
    const uris = (x509.subjectAltName ?? '').split(', ').flatMap((name) => name.match(/^URI:(.*)$/)?.[1] ?? []);
    return { ...facts, uris: uris.map(oneLine), unreadable: error instanceof Error ? error.message : String(error) };
  }
}

function keyOf({ publicKey: { asymmetricKeyType, asymmetricKeyDetails } }: X509Certificate): string {
  switch (asymmetricKeyType) {
    case 'ec':
      return `EC ${asymmetricKeyDetails?.namedCurve ?? 'of an unnamed curve'}`;
    case 'rsa':
      return `RSA ${asymmetricKeyDetails?.modulusLength ?? ''}`.trim();
    case 'ed25519':
      return 'Ed25519';
    default:
      return asymmetricKeyType ?? 'unknown';
  }
}
