// What a certificate says, for people and programs: names, validity, key, fingerprint.
// Must not: hold a key, or text of a certificate that could steer a terminal; nor throw, whatever a stranger's certificate holds.

import { createHash, X509Certificate } from 'node:crypto';
import { oneLine } from '../../one-line.ts';
import { parseCertificate } from '../../trust/x509/certificate.ts';

export interface CertificateFacts {
  readonly subject: string;
  readonly issuer: string;
  /** Byte for byte when the strict reader takes the certificate, but for characters that steer a terminal and for length. */
  readonly uris: readonly string[];
  /** ISO 8601, or `unreadable`. */
  readonly notBefore: string;
  readonly notAfter: string;
  /** Such as `EC prime256v1`, `RSA 2048`, `Ed25519`, or `unreadable`. */
  readonly key: string;
  readonly signatureAlgorithm?: string;
  /** SHA-256, hex. */
  readonly fingerprint: string;
  /** Why Postern's own strict reader does not take it. */
  readonly unreadable?: string;
  /** The parts that cannot be read at all: no gateway accepts such a certificate. */
  readonly unreadableParts?: readonly string[];
}

const UNREADABLE = 'unreadable';
const MOST_CHARACTERS = 200;
const MOST_URIS = 4;
/** Of a SPIFFE ID (SPIFFE-ID, section 2.3): an identity that can be accepted is never shortened. */
const MOST_SPIFFE_CHARACTERS = 2048;

export function factsOf(der: Buffer): CertificateFacts {
  const unreadableParts: string[] = [];
  const read = <T>(part: string, otherwise: T, reading: () => T): T => {
    try {
      return reading();
    } catch {
      unreadableParts.push(part);
      return otherwise;
    }
  };
  const x509 = read('certificate', undefined, () => new X509Certificate(der));
  const ofX509 = (part: string, reading: (certificate: X509Certificate) => string): string =>
    x509 === undefined ? UNREADABLE : read(part, UNREADABLE, () => reading(x509));
  const facts = {
    subject: ofX509('subject', ({ subject }) => named(subject)),
    issuer: ofX509('issuer', ({ issuer }) => named(issuer)),
    notBefore: ofX509('notBefore', ({ validFrom }) => new Date(validFrom).toISOString()),
    notAfter: ofX509('notAfter', ({ validTo }) => new Date(validTo).toISOString()),
    key: ofX509('public key', keyOf),
    fingerprint: createHash('sha256').update(der).digest('hex'),
  };
  const { uris, unreadable } = urisOf(der, () =>
    x509 === undefined ? '' : read('names', '', () => x509.subjectAltName ?? ''),
  );
  return {
    ...facts,
    uris: uris
      .slice(0, MOST_URIS)
      .map((uri) => (uri.length > MOST_SPIFFE_CHARACTERS ? shortened(uri, MOST_CHARACTERS) : oneLine(uri))),
    ...(unreadable !== undefined && { unreadable }),
    ...(unreadableParts.length > 0 && { unreadableParts }),
  };
}

function urisOf(
  der: Buffer,
  printedNames: () => string,
): { readonly uris: readonly string[]; readonly unreadable?: string } {
  try {
    return { uris: parseCertificate(der).uris };
  } catch (error) {
    // Its text may hold commas that separate nothing, so these names are only shown.
    const uris = printedNames()
      .split(', ')
      .flatMap((name) => name.match(/^URI:(.*)$/)?.[1] ?? []);
    const reason = error instanceof Error ? error.message : String(error);
    return { uris, unreadable: shortened(reason, MOST_CHARACTERS) };
  }
}

function named(name: string | undefined): string {
  return shortened((name ?? '').split('\n').join(', '), MOST_CHARACTERS);
}

function shortened(text: string, most: number): string {
  const line = oneLine(text.slice(0, most + 1));
  return line.length > most ? `${line.slice(0, most)}…` : line;
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
