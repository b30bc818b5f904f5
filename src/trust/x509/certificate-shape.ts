// Reads the parts of an X.509 version 3 certificate (RFC 5280, section 4) in canonical DER.
// node:crypto and Envoy's TLS library read the bytes that it takes alike. What it refuses, Envoy may refuse, and with it the
// whole response that holds the certificate.
// Must not: decide about trust, or look into extensions that it does not know: they may hold anything.

import { DerError, type DerNode, oidText, readDer } from './der.ts';
import { contextTag, isOid, TAG, timeOf } from './der-content.ts';

export interface Extension {
  readonly id: string;
  readonly isCritical: boolean;
  /** What the OCTET STRING holds. */
  readonly value: Buffer;
}

export interface CertificateShape {
  readonly issuer: DerNode;
  readonly subject: DerNode;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly publicKeyInfo: DerNode;
  readonly signatureAlgorithm: string;
  /** All extensions, in the order of the certificate; no identifier occurs twice. */
  readonly extensions: readonly Extension[];
  /** The values of the extensions in `EXTENSION`, by their identifier. */
  readonly values: ReadonlyMap<string, DerNode>;
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

/**
 * Real CA certificates have at most a few kilobytes, also with keys of 8192 bits. Another party writes these bytes: reading
 * and checking them must stay short, whatever they hold.
 */
const MAX_CERTIFICATE_BYTES = 16 * 1024;
/** Names of one subjectAltName. An X509-SVID and the CA of a trust domain have one URI name. */
const MAX_NAMES = 100;

/** Errors: DerError. */
export function readCertificateShape(der: Buffer): CertificateShape {
  if (der.length > MAX_CERTIFICATE_BYTES)
    throw new DerError(`has ${der.length} bytes, more than ${MAX_CERTIFICATE_BYTES}`);
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
  const [wrapper, ...more] = rest;
  if (more.length > 0 || (wrapper !== undefined && wrapper.tag !== EXTENSIONS))
    throw new DerError('has a part that RFC 5280 does not know, or a unique identifier, which it forbids');
  return {
    issuer: checkName(issuer),
    subject: checkName(subject),
    notBefore: readTime(notBefore),
    notAfter: readTime(notAfter),
    publicKeyInfo: checkPublicKeyInfo(publicKeyInfo),
    signatureAlgorithm,
    ...(wrapper === undefined ? { extensions: [], values: new Map() } : readExtensions(wrapper)),
  };
}

const VERSION_3 = Buffer.from('a003020102', 'hex');
const EXTENSIONS = contextTag(3, 'constructed');

function expect(node: DerNode | undefined, tag: number, otherwise: string): DerNode {
  if (node?.tag !== tag) throw new DerError(otherwise);
  return node;
}

type Parts<N extends number> = N extends 2 ? readonly [DerNode, DerNode] : readonly [DerNode, DerNode, DerNode];

/** The children of a node that must have exactly `count`. */
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

/** The string types of RFC 5280's names, and IA5String (domainComponent, emailAddress). */
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
function checkName(node: DerNode | undefined): DerNode {
  const name = expect(node, TAG.sequence, 'has no issuer or subject');
  for (const set of name.children) {
    if (set.tag !== TAG.set || set.children.length === 0) throw new DerError('has a name with an empty part');
    for (const attribute of set.children) {
      const [type, value] = parts(attribute, TAG.sequence, 2, 'has a name with a part that is no attribute');
      expect(type, TAG.oid, 'has a name with a part that is no attribute');
      if (!NAME_STRINGS.has(value.tag)) throw new DerError('has a name with an attribute that is no string');
    }
  }
  return name;
}

function checkPublicKeyInfo(node: DerNode | undefined): DerNode {
  const info = expect(node, TAG.sequence, 'has no public key');
  const [algorithm, key] = parts(node, TAG.sequence, 2, 'has no public key');
  const [id, , ...more] = expect(algorithm, TAG.sequence, 'has no public key').children;
  expect(id, TAG.oid, 'has no public key');
  expect(key, TAG.bitString, 'has no public key');
  if (more.length > 0 || key.content[0] !== 0) throw new DerError('has a public key that is not whole bytes');
  return info;
}

function readTime({ tag, content }: DerNode): number {
  const time = timeOf(tag, content);
  if (time === undefined) throw new DerError('has a validity that is no time');
  return time;
}

function readExtensions({ children: [list, ...more] }: DerNode): Pick<CertificateShape, 'extensions' | 'values'> {
  const items = expect(list, TAG.sequence, NO_EXTENSIONS).children;
  if (more.length > 0 || items.length === 0) throw new DerError(NO_EXTENSIONS);
  const extensions = new Map<string, Extension>();
  const values = new Map<string, DerNode>();
  for (const item of items) {
    const extension = readExtension(item);
    const { id, value } = extension;
    // Verifiers differ in which of two counts (RFC 5280, 4.2).
    if (extensions.has(id)) throw new DerError('has an extension twice');
    extensions.set(id, extension);
    const check = CHECKS.get(id);
    if (check === undefined) continue;
    const node = readDer(value);
    check(node);
    values.set(id, node);
  }
  return { extensions: [...extensions.values()], values };
}

const NO_EXTENSIONS = 'has a list of extensions that is not one';

function readExtension(node: DerNode): Extension {
  const { children } = expect(node, TAG.sequence, NO_EXTENSIONS);
  const [id, second, third] = children;
  if (children.length > 3) throw new DerError(NO_EXTENSIONS);
  const critical = children.length === 3 ? expect(second, TAG.boolean, NO_EXTENSIONS) : undefined;
  const value = expect(critical === undefined ? second : third, TAG.octetString, 'has an extension without a value');
  // DER leaves out what is the default.
  if (critical !== undefined && critical.content[0] !== 0xff)
    throw new DerError('has an extension that says that it is not critical');
  return {
    id: oidText(expect(id, TAG.oid, NO_EXTENSIONS).content),
    isCritical: critical !== undefined,
    value: value.content,
  };
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
  const [cA, second] = children;
  const isCa = cA?.tag === TAG.boolean && cA.content[0] === 0xff;
  const pathLength = isCa ? second : undefined;
  holds(tag === TAG.sequence && children.length === (isCa ? 1 : 0) + (pathLength === undefined ? 0 : 1));
  if (pathLength !== undefined)
    holds(pathLength.tag === TAG.integer && pathLength.content.length < 5 && (pathLength.content[0] ?? 0) < 0x80);
}

function checkExtendedKeyUsage({ tag, children }: DerNode): void {
  holds(tag === TAG.sequence && children.length > 0 && children.every((item) => item.tag === TAG.oid));
}

function checkAuthorityKeyId({ tag, children }: DerNode): void {
  // keyIdentifier, authorityCertIssuer, authorityCertSerialNumber
  const order = [contextTag(0, 'primitive'), contextTag(1, 'constructed'), contextTag(2, 'primitive')];
  const places = children.map((item) => order.indexOf(item.tag));
  holds(tag === TAG.sequence && places.every((place, index) => place >= 0 && place > (places[index - 1] ?? -1)));
}

/** The tags of a GeneralName (RFC 5280, 4.2.1.6). */
export const GENERAL_NAME = {
  otherName: contextTag(0, 'constructed'),
  rfc822Name: contextTag(1, 'primitive'),
  dNSName: contextTag(2, 'primitive'),
  x400Address: contextTag(3, 'constructed'),
  directoryName: contextTag(4, 'constructed'),
  ediPartyName: contextTag(5, 'constructed'),
  uniformResourceIdentifier: contextTag(6, 'primitive'),
  iPAddress: contextTag(7, 'primitive'),
  registeredID: contextTag(8, 'primitive'),
} as const;

function checkNames({ tag, children }: DerNode): void {
  holds(tag === TAG.sequence && children.length > 0);
  if (children.length > MAX_NAMES)
    throw new DerError(`has ${children.length} subject alternative names, more than ${MAX_NAMES}`);
  for (const name of children) checkGeneralName(name);
}

function checkGeneralName({ tag, content, children }: DerNode): void {
  switch (tag) {
    case GENERAL_NAME.rfc822Name:
    case GENERAL_NAME.dNSName:
    case GENERAL_NAME.uniformResourceIdentifier:
    case GENERAL_NAME.x400Address:
    case GENERAL_NAME.ediPartyName:
      return;
    case GENERAL_NAME.otherName: {
      const [type, value] = children;
      holds(children.length === 2 && type?.tag === TAG.oid && value?.tag === contextTag(0, 'constructed'));
      return;
    }
    case GENERAL_NAME.directoryName:
      checkName(children.length === 1 ? children[0] : undefined);
      return;
    case GENERAL_NAME.iPAddress:
      holds(content.length === 4 || content.length === 16);
      return;
    default:
      holds(tag === GENERAL_NAME.registeredID && isOid(content));
  }
}
