// Writes and signs the DER of a certificate (RFC 5280, section 4).
// Must not: choose a lifetime or make a key.

import { createHash, createPublicKey, type KeyObject, sign } from 'node:crypto';
import forge from 'node-forge';
import { readDer } from './der.ts';

const { asn1 } = forge;
type Node = forge.asn1.Asn1;

const UNIVERSAL = asn1.Class.UNIVERSAL;
const CONTEXT = asn1.Class.CONTEXT_SPECIFIC;

export interface CertificateFields {
  /** Hex, positive, at most 20 bytes. */
  readonly serial: string;
  readonly commonName: string;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly publicKey: KeyObject;
  readonly isCa: boolean;
  readonly uris: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
  /** The signer's key, and the subject's DER and key identifier (hex) of its certificate; without a subject: self-signed. */
  readonly signer: {
    readonly privateKey: KeyObject;
    readonly subject?: string;
    readonly subjectKeyId?: string | undefined;
  };
}

/** Builds and signs. A CA gets keyCertSign and cRLSign; a leaf digitalSignature and both extended usages (X509-SVID 4.3, 4.4). */
export function signCertificate(fields: CertificateFields): Buffer {
  const algorithm = signatureAlgorithm(fields.signer.privateKey);
  const subject = nameOf(fields.commonName);
  const issuer = fields.signer.subject === undefined ? subject : parsed(Buffer.from(fields.signer.subject, 'hex'));
  const tbs = sequence(
    context(0, [integer('02')]),
    integer(fields.serial),
    algorithm.identifier,
    issuer,
    sequence(time(fields.notBefore), time(fields.notAfter)),
    subject,
    parsed(spki(fields.publicKey)),
    context(3, [sequence(...extensions(fields))]),
  );
  const signature = sign(algorithm.digest, der(tbs), fields.signer.privateKey);
  return der(sequence(tbs, algorithm.identifier, bitString(signature)));
}

/** RFC 5280, 4.2.1.2 (1): SHA-1 of the public key. It only identifies; nothing relies on its strength. */
export function keyIdentifier(publicKey: KeyObject): string {
  const [, bits] = readDer(spki(publicKey)).children;
  // The first byte of a BIT STRING counts unused bits.
  const key = bits?.content.subarray(1) ?? Buffer.alloc(0);
  return createHash('sha1').update(key).digest('hex');
}

function extensions(fields: CertificateFields): readonly Node[] {
  const { isCa, signer, publicKey } = fields;
  const names = [
    ...fields.uris.map((uri) => node(CONTEXT, 6, uri)),
    ...(fields.dnsNames ?? []).map((name) => node(CONTEXT, 2, name)),
    ...(fields.ipAddresses ?? []).map((address) =>
      node(CONTEXT, 7, String.fromCharCode(...address.split('.').map(Number))),
    ),
  ];
  const ownId = keyIdentifier(publicKey);
  const signerId = signer.subject === undefined ? ownId : signer.subjectKeyId;
  return [
    extension('2.5.29.19', true, isCa ? sequence(node(UNIVERSAL, asn1.Type.BOOLEAN, '\xff')) : sequence()),
    // Bits from the most significant: digitalSignature 0x80 (7 unused), keyCertSign and cRLSign 0x06 (1 unused).
    extension('2.5.29.15', true, node(UNIVERSAL, asn1.Type.BITSTRING, isCa ? '\x01\x06' : '\x07\x80')),
    ...(isCa ? [] : [extension('2.5.29.37', false, sequence(oid('1.3.6.1.5.5.7.3.1'), oid('1.3.6.1.5.5.7.3.2')))]),
    extension('2.5.29.14', false, octets(Buffer.from(ownId, 'hex').toString('binary'))),
    ...(signerId === undefined
      ? []
      : [extension('2.5.29.35', false, sequence(node(CONTEXT, 0, Buffer.from(signerId, 'hex').toString('binary'))))]),
    ...(names.length === 0 ? [] : [extension('2.5.29.17', false, sequence(...names))]),
  ];
}

interface SignatureAlgorithm {
  readonly identifier: Node;
  readonly digest: string | null;
}

function signatureAlgorithm(key: KeyObject): SignatureAlgorithm {
  const algorithm = (id: string, digest: string | null, ...parameters: Node[]): SignatureAlgorithm => ({
    identifier: sequence(oid(id), ...parameters),
    digest,
  });
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return algorithm('1.2.840.113549.1.1.11', 'sha256', node(UNIVERSAL, asn1.Type.NULL, ''));
    case 'ed25519':
      return algorithm('1.3.101.112', null);
    case 'ec':
      if (key.asymmetricKeyDetails?.namedCurve === 'secp384r1') return algorithm('1.2.840.10045.4.3.3', 'sha384');
      if (key.asymmetricKeyDetails?.namedCurve === 'secp521r1') return algorithm('1.2.840.10045.4.3.4', 'sha512');
      return algorithm('1.2.840.10045.4.3.2', 'sha256');
    default:
      throw new Error(`cannot sign with a key of the kind ${key.asymmetricKeyType}`);
  }
}

function spki(key: KeyObject): Buffer {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return publicKey.export({ type: 'spki', format: 'der' });
}

function nameOf(commonName: string): Node {
  const attribute = sequence(
    oid('2.5.4.3'),
    node(UNIVERSAL, asn1.Type.UTF8, Buffer.from(commonName).toString('binary')),
  );
  return sequence(node(UNIVERSAL, asn1.Type.SET, [attribute]));
}

/** RFC 5280, 4.1.2.5: UTCTime to 2049, GeneralizedTime after. */
function time(milliseconds: number): Node {
  const date = new Date(milliseconds);
  return date.getUTCFullYear() < 2050
    ? node(UNIVERSAL, asn1.Type.UTCTIME, asn1.dateToUtcTime(date))
    : node(UNIVERSAL, asn1.Type.GENERALIZEDTIME, asn1.dateToGeneralizedTime(date));
}

function extension(id: string, critical: boolean, value: Node): Node {
  const flag = critical ? [node(UNIVERSAL, asn1.Type.BOOLEAN, '\xff')] : [];
  return sequence(oid(id), ...flag, octets(asn1.toDer(value).getBytes()));
}

function node(tagClass: forge.asn1.Class, type: number, value: string | Node[]): Node {
  return asn1.create(tagClass, type as forge.asn1.Type, Array.isArray(value), value as string);
}

function sequence(...items: Node[]): Node {
  return node(UNIVERSAL, asn1.Type.SEQUENCE, items);
}

function context(tag: number, items: Node[]): Node {
  return node(CONTEXT, tag, items);
}

function oid(id: string): Node {
  return node(UNIVERSAL, asn1.Type.OID, asn1.oidToDer(id).getBytes());
}

function integer(hex: string): Node {
  return node(UNIVERSAL, asn1.Type.INTEGER, Buffer.from(hex, 'hex').toString('binary'));
}

function octets(binary: string): Node {
  return node(UNIVERSAL, asn1.Type.OCTETSTRING, binary);
}

function bitString(bytes: Buffer): Node {
  return node(UNIVERSAL, asn1.Type.BITSTRING, `\0${bytes.toString('binary')}`);
}

function parsed(bytes: Buffer): Node {
  return asn1.fromDer(bytes.toString('binary'));
}

function der(item: Node): Buffer {
  return Buffer.from(asn1.toDer(item).getBytes(), 'binary');
}
