// What a certificate says, read from its DER, for RSA, EC and Ed25519 alike.
// In: DER or PEM. Out: plain facts. Must not: decide anything (bundle.ts, svid.ts, issuer.ts do), nor read printed text:
// a URI SAN may hold `, URI:spiffe://…`, which only the DER tells apart from two names.

import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import forge from 'node-forge';

/** node-forge reads ASN.1 and PEM; keys and signatures are node:crypto's. */
const { asn1, pem } = forge;

export interface KeyUsage {
  readonly digitalSignature: boolean;
  readonly keyCertSign: boolean;
  readonly crlSign: boolean;
}

export interface Certificate {
  readonly der: Buffer;
  readonly pem: string;
  /** DER of the names, hex: equal exactly when the names are. */
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

/** Errors: a plain Error for bytes that are no certificate; callers turn it into their own finding. */
export function parseCertificate(der: Buffer): Certificate {
  const x509 = new X509Certificate(der);
  const tbs = children(children(asn1.fromDer(der.toString('binary')))[0]);
  // TBSCertificate: the version is explicit [0] and always there in version 3.
  const offset = tbs[0]?.tagClass === asn1.Class.CONTEXT_SPECIFIC ? 1 : 0;
  const [notBefore = NaN, notAfter = NaN] = children(tbs[offset + 3]).map(timeOf);
  // Compared with any moment, NaN is neither before nor after it: such a certificate would never expire.
  if (Number.isNaN(notBefore) || Number.isNaN(notAfter)) throw new Error('a certificate without validity');
  const extensions = readExtensions(tbs.find((item) => isContext(item, 3)));
  const keyUsage = extensions.get(OID.keyUsage);
  const extendedKeyUsage = extensions.get(OID.extendedKeyUsage);
  const subjectKeyId = extensions.get(OID.subjectKeyId);
  return {
    der,
    pem: pemOf(der),
    subject: hexOf(tbs[offset + 4]),
    issuer: hexOf(tbs[offset + 2]),
    notBefore,
    notAfter,
    isCa: x509.ca,
    ...(keyUsage && { keyUsage: readKeyUsage(keyUsage) }),
    ...(extendedKeyUsage && {
      extendedKeyUsage: children(extendedKeyUsage).map((item) => asn1.derToOid(bytesOf(item))),
    }),
    uris: children(extensions.get(OID.subjectAltName)).flatMap((item) => (isContext(item, 6) ? [bytesOf(item)] : [])),
    ...(subjectKeyId && { subjectKeyId: Buffer.from(bytesOf(subjectKeyId), 'binary').toString('hex') }),
    signatureAlgorithm: asn1.derToOid(bytesOf(children(tbs[offset + 1])[0])),
    publicKey: x509.publicKey,
    fingerprint: sha256(der),
    publicKeyFingerprint: sha256(x509.publicKey.export({ type: 'spki', format: 'der' })),
  };
}

/** One block of a PEM file. */
export interface PemBlock {
  readonly type: string;
  readonly body: Buffer;
}

/** Every block of a PEM file, or undefined when it is none: text between blocks is comment and ignored (RFC 7468, 2). */
export function parsePem(text: string): readonly PemBlock[] | undefined {
  if (text.trim() === '') return [];
  const begins = text.match(/-----BEGIN /g)?.length ?? 0;
  try {
    const blocks = pem.decode(text).map(({ type, body }) => ({ type, body: Buffer.from(body, 'binary') }));
    return blocks.length === begins ? blocks : undefined;
  } catch {
    return undefined;
  }
}

export function pemOf(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

/** Whether `issuer`'s key signed the certificate; says nothing of validity or CA flags. */
export function isSignedBy(certificate: Certificate, issuer: Certificate): boolean {
  return certificate.issuer === issuer.subject && new X509Certificate(certificate.der).verify(issuer.publicKey);
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

const OID = {
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  extendedKeyUsage: '2.5.29.37',
};

type Node = forge.asn1.Asn1;

function children(node: Node | undefined): readonly Node[] {
  return node !== undefined && Array.isArray(node.value) ? node.value : [];
}

function bytesOf(node: Node | undefined): string {
  return typeof node?.value === 'string' ? node.value : '';
}

function isContext(node: Node, tag: number): boolean {
  return node.tagClass === asn1.Class.CONTEXT_SPECIFIC && (node.type as number) === tag;
}

function hexOf(node: Node | undefined): string {
  return node === undefined ? '' : Buffer.from(asn1.toDer(node).getBytes(), 'binary').toString('hex');
}

function timeOf(node: Node): number {
  const text = bytesOf(node);
  return (node.type === asn1.Type.UTCTIME ? asn1.utcTimeToDate(text) : asn1.generalizedTimeToDate(text)).getTime();
}

/** extnID → the parsed extnValue; each stands there once (RFC 5280, 4.2): of two, nobody knows which one counts. */
function readExtensions(wrapper: Node | undefined): ReadonlyMap<string, Node> {
  const list = children(children(wrapper)[0]);
  const extensions = new Map(
    list.map((extension) => {
      const parts = children(extension);
      return [asn1.derToOid(bytesOf(parts[0])), extensionValue(parts.at(-1))] as const;
    }),
  );
  if (extensions.size !== list.length) throw new Error('a certificate with an extension twice');
  return extensions;
}

/** forge may already have looked into the OCTET STRING and found ASN.1 there. */
function extensionValue(octets: Node | undefined): Node {
  const [decoded] = children(octets);
  return decoded ?? asn1.fromDer(bytesOf(octets));
}

function readKeyUsage(node: Node): KeyUsage {
  // BIT STRING: the first byte counts unused bits; bit 0 is the most significant.
  const bits = bytesOf(node).charCodeAt(1) || 0;
  return { digitalSignature: (bits & 0x80) !== 0, keyCertSign: (bits & 0x04) !== 0, crlSign: (bits & 0x02) !== 0 };
}
