// What a verifier of chains reads in one certificate, beside what certificate.ts reads (RFC 5280, 4.2.1.4 to 4.2.1.14).
// An extension that Postern does not evaluate still has to have the shape that its identifier says: verifiers parse it.
// Must not: decide whether the chain is good (issuer-chain.ts does).

import { X509Certificate } from 'node:crypto';
import type { Certificate } from '../x509/certificate.ts';
import { EXTENSION, type Extension, readCertificateShape } from '../x509/certificate-shape.ts';
import { DerError, type DerNode, oidText, readDer } from '../x509/der.ts';
import { contextTag, TAG } from '../x509/der-content.ts';
import { canonicalName, emailsOf, printableName } from '../x509/distinguished-name.ts';
import { type Name, type NameConstraints, readName, readNameConstraints } from './name-constraints.ts';

export interface PathFacts {
  /** The subject, for messages. */
  readonly subject: string;
  /** What name constraints apply to: the subject, the e-mail addresses in it, and the subjectAltName. */
  readonly names: readonly Name[];
  /** Subject and issuer are one name; such a certificate does not count for path lengths. */
  readonly selfIssued: boolean;
  readonly pathLength?: number;
  readonly extendedKeyUsage?: readonly string[];
  readonly nameConstraints?: NameConstraints;
  /** Object identifiers of critical extensions that Envoy's TLS library does not process. */
  readonly unknownCritical: readonly string[];
  /** policyConstraints asks for an explicit policy somewhere below: after so many certificates. */
  readonly explicitPolicyAfter?: number;
  readonly hasPolicies: boolean;
  readonly mapsPolicies: boolean;
}

const CRL_DISTRIBUTION_POINTS = '2.5.29.31';
const CERTIFICATE_POLICIES = '2.5.29.32';
const POLICY_MAPPINGS = '2.5.29.33';
const POLICY_CONSTRAINTS = '2.5.29.36';
const INHIBIT_ANY_POLICY = '2.5.29.54';

/** BoringSSL's X509_supported_extension. */
const PROCESSED: ReadonlySet<string> = new Set([
  EXTENSION.basicConstraints,
  EXTENSION.keyUsage,
  EXTENSION.subjectAltName,
  EXTENSION.nameConstraints,
  EXTENSION.extendedKeyUsage,
  CERTIFICATE_POLICIES,
  POLICY_MAPPINGS,
  POLICY_CONSTRAINTS,
  INHIBIT_ANY_POLICY,
]);

/** Errors: DerError for an extension that is not what its identifier says. */
export function pathFacts(certificate: Certificate): PathFacts {
  const { issuer, subject, extensions, values } = readCertificateShape(certificate.der);
  if (!extensions.every(hasItsShape)) throw new DerError('has an extension that is not what its identifier says');
  const constraints = values.get(EXTENSION.nameConstraints);
  const usage = values.get(EXTENSION.extendedKeyUsage);
  const pathLength = pathLengthOf(values.get(EXTENSION.basicConstraints));
  const explicitPolicyAfter = extensions.map(explicitPolicyIn).find((after) => after !== undefined);
  return {
    subject: printableName(subject),
    names: namesOf(subject, values.get(EXTENSION.subjectAltName)),
    selfIssued: canonicalName(subject).join() === canonicalName(issuer).join(),
    ...(pathLength !== undefined && { pathLength }),
    ...(usage !== undefined && { extendedKeyUsage: usage.children.map(({ content }) => oidText(content)) }),
    ...(constraints !== undefined && { nameConstraints: readNameConstraints(constraints) }),
    unknownCritical: extensions.filter(({ isCritical, id }) => isCritical && !PROCESSED.has(id)).map(({ id }) => id),
    ...(explicitPolicyAfter !== undefined && { explicitPolicyAfter }),
    hasPolicies: extensions.some(({ id }) => id === CERTIFICATE_POLICIES),
    mapsPolicies: extensions.some(({ id }) => id === POLICY_MAPPINGS),
  };
}

/** The names of a certificate with this subject and this subjectAltName. */
export function namesOf(subject: DerNode, subjectAltName: DerNode | undefined): readonly Name[] {
  const rdns = canonicalName(subject);
  return [
    ...(rdns.length === 0 ? [] : [{ kind: 'directory', rdns } as const]),
    ...emailsOf(subject).map((text) => ({ kind: 'email', text }) as const),
    ...(subjectAltName?.children ?? []).map(readName),
  ];
}

/** Whether the certificate names the other as its issuer and that one's key made its signature. */
export function isIssuedBy(certificate: Certificate, above: Certificate): boolean {
  const [x509, signer] = [new X509Certificate(certificate.der), new X509Certificate(above.der)];
  // checkIssued compares the names as verifiers do, and the key identifiers; it does not look at the signature.
  return x509.checkIssued(signer) && x509.verify(signer.publicKey);
}

function pathLengthOf(basicConstraints: DerNode | undefined): number | undefined {
  const length = basicConstraints?.children.find(({ tag }) => tag === TAG.integer)?.content;
  return length?.readUIntBE(0, length.length);
}

const REQUIRE_EXPLICIT_POLICY = contextTag(0, 'primitive');
const INHIBIT_POLICY_MAPPING = contextTag(1, 'primitive');

function explicitPolicyIn({ id, value }: Extension): number | undefined {
  if (id !== POLICY_CONSTRAINTS) return undefined;
  const after = readDer(value).children.find(({ tag }) => tag === REQUIRE_EXPLICIT_POLICY)?.content;
  // A number of more bytes is never reached.
  return after && (after.length > 4 ? Number.MAX_SAFE_INTEGER : after.readUIntBE(0, after.length));
}

/** distributionPoint, reasons, cRLIssuer */
const DISTRIBUTION_POINT: ReadonlySet<number> = new Set([
  contextTag(0, 'constructed'),
  contextTag(1, 'primitive'),
  contextTag(2, 'constructed'),
]);

const SHAPES: ReadonlyMap<string, (value: DerNode) => boolean> = new Map([
  [CRL_DISTRIBUTION_POINTS, (value) => isList(value, (point) => isList(point, isPartOfDistributionPoint))],
  // None of them twice.
  [CERTIFICATE_POLICIES, (value) => isList(value, isPolicy) && areDifferent(value.children.map(policyOf))],
  [POLICY_MAPPINGS, (value) => isList(value, (pair) => isList(pair, isOid) && pair.children.length === 2)],
  [POLICY_CONSTRAINTS, (value) => isList(value, isPolicyConstraint)],
  [INHIBIT_ANY_POLICY, ({ tag, content: [first = 0x80] }) => tag === TAG.integer && first < 0x80],
]);

/** True for extensions that have no entry in `SHAPES`. Errors: DerError. */
function hasItsShape({ id, value }: Extension): boolean {
  return SHAPES.get(id)?.(readDer(value)) ?? true;
}

/** A sequence of at least one. */
function isList({ tag, children }: DerNode, isItem: (item: DerNode) => boolean): boolean {
  return tag === TAG.sequence && children.length > 0 && children.every(isItem);
}

function isOid({ tag }: DerNode): boolean {
  return tag === TAG.oid;
}

function isPartOfDistributionPoint({ tag }: DerNode): boolean {
  return DISTRIBUTION_POINT.has(tag);
}

function isPolicyConstraint({ tag }: DerNode): boolean {
  return tag === REQUIRE_EXPLICIT_POLICY || tag === INHIBIT_POLICY_MAPPING;
}

/** An identifier, and perhaps a list that qualifies it. */
function isPolicy({ tag, children: [id, qualifiers, ...more] }: DerNode): boolean {
  const isQualified = qualifiers === undefined || qualifiers.tag === TAG.sequence;
  return tag === TAG.sequence && id?.tag === TAG.oid && isQualified && more.length === 0;
}

function policyOf({ children: [id] }: DerNode): string {
  return id === undefined ? '' : oidText(id.content);
}

function areDifferent(texts: readonly string[]): boolean {
  return new Set(texts).size === texts.length;
}
