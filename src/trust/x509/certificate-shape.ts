// The parts of an X.509 version 3 certificate (RFC 5280, section 4), in canonical DER.
// Bytes that this reader takes are read alike by node:crypto and by Envoy's TLS library. What it refuses, Envoy may refuse,
// and with it the response in which the certificate stands.
// Must not: decide about trust, or look into extensions that it does not know: they may hold anything.

import { DerError, type DerNode, oidText, readDer } from './der.ts';
import { isOid, TAG, timeOf } from './der-content.ts';

export interface CertificateShape {
  readonly issuer: Buffer;
  readonly subject: Buffer;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly publicKeyInfo: Buffer;
  readonly signatureAlgorithm: string;
  /** The values of the extensions that are known here, by their identifier. */
  readonly extensions: ReadonlyMap<string, DerNode>;
}

export const EXTENSION = {
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  authorityKeyId: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const;

/** Errors: DerError. */
export function readCertificateShape(der: Buffer): CertificateShape {
  const [tbs, algorithm, signature] = parts(readDer(der), TAG.sequence, 3, 'is not a certificate');
  expect(signature, TAG.bitString, 'has no signature');
  if (signature.content[0] !== 0) throw new DerError('has a signature that is not whole bytes');
  const fields = expect(tbs, TAG.sequence, 'is not a certificate').children;
  const [version, serial, innerAlgorithm, issuer, validity, subject, publicKeyInfo, ...rest] = fields;
  // DEFAULT v1 is absent; only version 3 has extensions, and only with these is a certificate known to be a CA's.
  if (!version?.bytes.equals(VERSION_3)) throw new DerError('is not an X.509 certificate of version 3');
  checkSerial(expect(serial, TAG.integer, 'has no serial number').content);
  const signatureAlgorithm = readAlgorithm(innerAlgorithm);
  if (!innerAlgorithm?.bytes.equals(algorithm.bytes)) throw new DerError('names two signature algorithms');
  const [notBefore, notAfter] = parts(validity, TAG.sequence, 2, 'has no validity');
  checkName(issuer);
  checkName(subject);
  checkPublicKeyInfo(publicKeyInfo);
  const [wrapper, ...more] = rest;
  if (more.length > 0 || (wrapper !== undefined && wrapper.tag !== EXTENSIONS))
    throw new DerError('has a part that RFC 5280 does not know, or a unique identifier, which it forbids');
  return {
    issuer: bytesOf(issuer),
    subject: bytesOf(subject),
    notBefore: readTime(notBefore),
    notAfter: readTime(notAfter),
    publicKeyInfo: bytesOf(publicKeyInfo),
    signatureAlgorithm,
    extensions: wrapper === undefined ? new Map() : readExtensions(wrapper),
  };
}

const VERSION_3 = Buffer.from('a003020102', 'hex');
const EXTENSIONS = 0xa3;

function bytesOf(node: DerNode | undefined): Buffer {
  return node?.bytes ?? Buffer.alloc(0);
}

function expect(node: DerNode | undefined, tag: number, otherwise: string): DerNode {
  if (node?.tag !== tag) throw new DerError(otherwise);
  return node;
}

type Parts<N extends number> = N extends 2 ? readonly [DerNode, DerNode] : readonly [DerNode, DerNode, DerNode];

/** The children of a node that must have exactly so many. */
function parts<N extends 2 | 3>(node: DerNode | undefined, tag: number, count: N, otherwise: string): Parts<N> {
  const { children } = expect(node, tag, otherwise);
  if (children.length !== count) throw new DerError(otherwise);
  return children as unknown as Parts<N>;
}

/** RFC 5280, 4.1.2.2: positive, at most 20 bytes; a further byte in front keeps the number positive. */
function checkSerial(content: Buffer): void {
  if ((content[0] ?? 0) >= 0x80 || content.length > 21)
    throw new DerError('has a serial number that is negative or longer than 20 bytes');
}

function readAlgorithm(node: DerNode | undefined): string {
  const [id, , ...more] = expect(node, TAG.sequence, 'has no signature algorithm').children;
  if (more.length > 0) throw new DerError('has a signature algorithm with several parameters');
  return oidText(expect(id, TAG.oid, 'has no signature algorithm').content);
}

/** What the types of RFC 5280's names are, and IA5String (domainComponent, emailAddress). */
const NAME_STRINGS: ReadonlySet<number> = new Set([
  TAG.utf8String,
  TAG.numericString,
  TAG.printableString,
  TAG.t61String,
  TAG.ia5String,
  TAG.visibleString,
  TAG.universalString,
  TAG.bmpString,
]);

/** A sequence of sets, none of which is empty, of attributes: a type and a string. */
function checkName(node: DerNode | undefined): void {
  for (const set of expect(node, TAG.sequence, 'has no issuer or subject').children) {
    if (set.tag !== TAG.set || set.children.length === 0) throw new DerError('has a name with an empty part');
    for (const attribute of set.children) {
      const [type, value] = parts(attribute, TAG.sequence, 2, 'has a name with a part that is no attribute');
      expect(type, TAG.oid, 'has a name with a part that is no attribute');
      if (!NAME_STRINGS.has(value.tag)) throw new DerError('has a name with an attribute that is no string');
    }
  }
}

function checkPublicKeyInfo(node: DerNode | undefined): void {
  const [algorithm, key] = parts(node, TAG.sequence, 2, 'has no public key');
  const [id, , ...more] = expect(algorithm, TAG.sequence, 'has no public key').children;
  expect(id, TAG.oid, 'has no public key');
  expect(key, TAG.bitString, 'has no public key');
  if (more.length > 0 || key.content[0] !== 0) throw new DerError('has a public key that is not whole bytes');
}

function readTime({ tag, content }: DerNode): number {
  const time = timeOf(tag, content);
  if (time === undefined) throw new DerError('has a validity that is no time');
  return time;
}

function readExtensions({ children: [list, ...more] }: DerNode): ReadonlyMap<string, DerNode> {
  const items = expect(list, TAG.sequence, 'has extensions that are none').children;
  if (more.length > 0 || items.length === 0) throw new DerError('has extensions that are none');
  const seen = new Set<string>();
  const known = new Map<string, DerNode>();
  for (const item of items) {
    const [id, value, critical] = readExtension(item);
    // Of two, nobody knows which one counts (RFC 5280, 4.2).
    if (seen.has(id)) throw new DerError('has an extension twice');
    seen.add(id);
    // DER leaves out what is the default.
    if (critical !== undefined && critical.content[0] !== 0xff)
      throw new DerError('has an extension that says that it is not critical');
    const check = CHECKS.get(id);
    if (check === undefined) continue;
    const node = readDer(value.content);
    check(node);
    known.set(id, node);
  }
  return known;
}

function readExtension(node: DerNode): readonly [string, DerNode, DerNode | undefined] {
  const { children } = expect(node, TAG.sequence, 'has extensions that are none');
  const [id, second, third] = children;
  if (children.length > 3) throw new DerError('has extensions that are none');
  const critical = children.length === 3 ? expect(second, TAG.boolean, 'has extensions that are none') : undefined;
  const value = expect(critical === undefined ? second : third, TAG.octetString, 'has an extension without a value');
  return [oidText(expect(id, TAG.oid, 'has extensions that are none').content), value, critical];
}

const BROKEN = 'has an extension whose value is not the one that RFC 5280 asks for';

function holds(condition: boolean): void {
  if (!condition) throw new DerError(BROKEN);
}

const CHECKS: ReadonlyMap<string, (value: DerNode) => void> = new Map([
  [EXTENSION.subjectKeyId, (value) => holds(value.tag === TAG.octetString && value.content.length > 0)],
  [EXTENSION.keyUsage, checkKeyUsage],
  [EXTENSION.subjectAltName, checkNames],
  [EXTENSION.basicConstraints, checkBasicConstraints],
  [EXTENSION.nameConstraints, (value) => holds(value.tag === TAG.sequence && value.children.length > 0)],
  [EXTENSION.authorityKeyId, checkAuthorityKeyId],
  [EXTENSION.extendedKeyUsage, checkExtendedKeyUsage],
]);

/** X.690, 11.2.2: a list of named bits ends with one that is set. */
function checkKeyUsage({ tag, content }: DerNode): void {
  const unused = content[0] ?? 8;
  holds(tag === TAG.bitString && content.length > 1 && ((content.at(-1) ?? 0) & (1 << unused)) !== 0);
}

function checkBasicConstraints({ tag, children }: DerNode): void {
  const [one, two] = children;
  const isCa = one?.tag === TAG.boolean && one.content[0] === 0xff;
  const length = isCa ? two : undefined;
  holds(tag === TAG.sequence && children.length === (isCa ? 1 : 0) + (length === undefined ? 0 : 1));
  if (length !== undefined)
    holds(length.tag === TAG.integer && length.content.length < 5 && (length.content[0] ?? 0) < 0x80);
}

function checkExtendedKeyUsage({ tag, children }: DerNode): void {
  holds(tag === TAG.sequence && children.length > 0 && children.every((item) => item.tag === TAG.oid));
}

function checkAuthorityKeyId({ tag, children }: DerNode): void {
  const known = [0x80, 0xa1, 0x82];
  const places = children.map((item) => known.indexOf(item.tag));
  holds(tag === TAG.sequence && places.every((place, index) => place >= 0 && place > (places[index - 1] ?? -1)));
}

const TEXT_NAMES: ReadonlySet<number> = new Set([0x81, 0x82, 0x86]);

function checkNames({ tag, children }: DerNode): void {
  holds(tag === TAG.sequence && children.length > 0);
  for (const { tag: kind, content, children: inner } of children) {
    // otherName, x400Address, directoryName and ediPartyName are structures; of iPAddress and registeredID the bytes count.
    if (TEXT_NAMES.has(kind) || kind === 0xa3 || kind === 0xa5) continue;
    if (kind === 0xa0) holds(inner.length === 2 && inner[0]?.tag === TAG.oid && inner[1]?.tag === 0xa0);
    else if (kind === 0xa4) checkName(inner.length === 1 ? inner[0] : undefined);
    else if (kind === 0x87) holds(content.length === 4 || content.length === 16);
    else holds(kind === 0x88 && isOid(content));
  }
}
