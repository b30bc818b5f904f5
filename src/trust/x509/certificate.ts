// Reads what a certificate says from its DER, for RSA, EC and Ed25519 alike.
// Must not: decide anything (bundle.ts, svid.ts and issuer.ts do), or read printed text: a URI name may hold
// `, URI:spiffe://…`, which only the DER tells apart from two names.

import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import { EXTENSION, GENERAL_NAME, readCertificateShape } from './certificate-shape.ts';
import { DerError, type DerNode, oidText } from './der.ts';

export interface KeyUsage {
  readonly digitalSignature: boolean;
  readonly keyCertSign: boolean;
  readonly crlSign: boolean;
}

export interface Certificate {
  readonly der: Buffer;
  readonly pem: string;
  /** DER of the names, hex. One name has several encodings; these are equal only when the bytes are. */
  readonly subject: string;
  readonly issuer: string;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly isCa: boolean;
  /** Absent when the extension is. */
  readonly keyUsage?: KeyUsage;
  readonly extendedKeyUsage?: readonly string[];
  /** The URI names of the subjectAltName, byte for byte. */
  readonly uris: readonly string[];
  /** The subject key identifier, hex. */
  readonly subjectKeyId?: string;
  readonly signatureAlgorithm: string;
  readonly publicKey: KeyObject;
  /** SHA-256, hex. */
  readonly fingerprint: string;
  readonly publicKeyFingerprint: string;
}

/**
 * Reads an X.509 version 3 certificate in canonical DER. Errors: DerError, which says what is wrong with the bytes, or a
 * plain Error; callers turn both into their own finding.
 */
export function parseCertificate(der: Buffer): Certificate {
  const shape = readCertificateShape(der);
  const x509 = new X509Certificate(der);
  // node:crypto looks for PEM first, also inside DER: it must have read these very bytes.
  if (!x509.raw.equals(der)) throw new DerError('holds another certificate');
  const publicKeyInfo = x509.publicKey.export({ type: 'spki', format: 'der' });
  // One key has one encoding, or a CA that two peers share would look like two (compressed points, explicit curves).
  if (!publicKeyInfo.equals(shape.publicKeyInfo.bytes) || isCompressed(x509.publicKey, shape.publicKeyInfo))
    throw new DerError('has a public key in another encoding than RFC 5280 asks for');
  const keyUsage = shape.values.get(EXTENSION.keyUsage);
  const extendedKeyUsage = shape.values.get(EXTENSION.extendedKeyUsage);
  const subjectKeyId = shape.values.get(EXTENSION.subjectKeyId);
  const alternativeNames = shape.values.get(EXTENSION.subjectAltName)?.children ?? [];
  return {
    der,
    pem: pemOf(der),
    subject: shape.subject.bytes.toString('hex'),
    issuer: shape.issuer.bytes.toString('hex'),
    notBefore: shape.notBefore,
    notAfter: shape.notAfter,
    isCa: x509.ca,
    ...(keyUsage && { keyUsage: readKeyUsage(keyUsage) }),
    ...(extendedKeyUsage && { extendedKeyUsage: extendedKeyUsage.children.map(({ content }) => oidText(content)) }),
    uris: alternativeNames.flatMap(({ tag, content }) =>
      tag === GENERAL_NAME.uniformResourceIdentifier ? [content.toString('latin1')] : [],
    ),
    ...(subjectKeyId && { subjectKeyId: subjectKeyId.content.toString('hex') }),
    signatureAlgorithm: shape.signatureAlgorithm,
    publicKey: x509.publicKey,
    fingerprint: sha256(der),
    publicKeyFingerprint: sha256(publicKeyInfo),
  };
}

export function pemOf(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

/** Whether `issuer`'s key signed the certificate; says nothing of names, validity or CA flags. */
export function isSignedBy(certificate: Certificate, issuer: Certificate): boolean {
  return certificate.issuer === issuer.subject && new X509Certificate(certificate.der).verify(issuer.publicKey);
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The first byte of an EC point with both coordinates (SEC 1, 2.3.3); 02 or 03 is followed by one. */
const UNCOMPRESSED = 0x04;

function isCompressed(key: KeyObject, { children: [, bits] }: DerNode): boolean {
  const [, form] = bits?.content ?? [];
  return key.asymmetricKeyType === 'ec' && form !== UNCOMPRESSED;
}

function readKeyUsage({ content: [, bits = 0] }: DerNode): KeyUsage {
  // The first byte of a BIT STRING counts unused bits; bit 0 is the most significant of the second.
  return { digitalSignature: (bits & 0x80) !== 0, keyCertSign: (bits & 0x04) !== 0, crlSign: (bits & 0x02) !== 0 };
}
