// What a verifier of chains looks at in one certificate, beside what certificate.ts reads.
// In: DER. Out: names, path length, usages, name constraints, extensions that must be understood. Must not: judge.

import { X509Certificate } from 'node:crypto';
import type { Certificate } from '../x509/certificate.ts';
import { childrenOf, contextTag, DER, type DerValue, oidOf, readDer } from '../x509/der-reader.ts';
import { canonicalName, emailsOf, printableName } from '../x509/distinguished-name.ts';
import { type Name, type NameConstraints, readName, readNameConstraints } from './name-constraints.ts';
import { hasItsShape } from './policy-shape.ts';

export interface PathFacts {
  /** The subject, for people. */
  readonly shown: string;
  /** The subject, the e-mail addresses in it, and the subjectAltName: what name constraints are about. */
  readonly names: readonly Name[];
  /** Subject and issuer are one name; such a certificate does not count for path lengths. */
  readonly selfIssued: boolean;
  readonly pathLength?: number;
  readonly extendedKeyUsage?: readonly string[];
  readonly nameConstraints?: NameConstraints;
  /** Object identifiers of critical extensions that Envoy's TLS library does not process. */
  readonly unknownCritical: readonly string[];
  /** policyConstraints asks for an explicit policy somewhere below. */
  readonly asksForPolicy: boolean;
}

const OID = {
  basicConstraints: '2.5.29.19',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  nameConstraints: '2.5.29.30',
  certificatePolicies: '2.5.29.32',
  policyMappings: '2.5.29.33',
  policyConstraints: '2.5.29.36',
  extendedKeyUsage: '2.5.29.37',
  inhibitAnyPolicy: '2.5.29.54',
} as const;

/** BoringSSL's X509_supported_extension. */
const PROCESSED: ReadonlySet<string> = new Set(Object.values(OID));

/** Errors: a plain Error for an extension that is not what its identifier says. */
export function pathFacts(certificate: Certificate): PathFacts {
  const tbs = childrenOf(childrenOf(readDer(certificate.der))[0] ?? missing());
  // TBSCertificate: the version is explicit [0] and always there in version 3.
  const offset = tbs[0]?.tag === contextTag(0, true) ? 1 : 0;
  const [issuer, subject] = [tbs[offset + 2] ?? missing(), tbs[offset + 4] ?? missing()];
  const extensions = extensionsOf(tbs.find(({ tag }) => tag === contextTag(3, true)));
  const content = (oid: string): Buffer | undefined => extensions.find((extension) => extension.oid === oid)?.content;
  if (!extensions.every(({ oid, content: value }) => hasItsShape(oid, value))) throw new Error('a broken extension');
  const constraints = content(OID.nameConstraints);
  const usage = content(OID.extendedKeyUsage);
  const pathLength = pathLengthOf(content(OID.basicConstraints));
  return {
    shown: printableName(subject.raw),
    names: namesOf(subject.raw, content(OID.subjectAltName)),
    selfIssued: canonicalName(subject.raw).join() === canonicalName(issuer.raw).join(),
    ...(pathLength !== undefined && { pathLength }),
    ...(usage !== undefined && { extendedKeyUsage: childrenOf(readDer(usage)).map(oidOf) }),
    ...(constraints !== undefined && { nameConstraints: readNameConstraints(constraints) }),
    unknownCritical: extensions.filter(({ critical, oid }) => critical && !PROCESSED.has(oid)).map(({ oid }) => oid),
    asksForPolicy: asksForPolicy(content(OID.policyConstraints)),
  };
}

/** The names of a certificate that is still to be made. */
export function namesOf(subject: Buffer, subjectAltName: Buffer | undefined): readonly Name[] {
  const rdns = canonicalName(subject);
  return [
    ...(rdns.length === 0 ? [] : [{ kind: 'directory', rdns } as const]),
    ...emailsOf(subject).map((text) => ({ kind: 'email', text }) as const),
    ...(subjectAltName === undefined ? [] : childrenOf(readDer(subjectAltName)).map(readName)),
  ];
}

/** Whether the certificate names the other as its issuer and that one's key made its signature. */
export function isIssuedBy(certificate: Certificate, above: Certificate): boolean {
  const [x509, signer] = [new X509Certificate(certificate.der), new X509Certificate(above.der)];
  // checkIssued compares the names as verifiers do, and the key identifiers; it does not look at the signature.
  return x509.checkIssued(signer) && x509.verify(signer.publicKey);
}

interface Extension {
  readonly oid: string;
  readonly critical: boolean;
  readonly content: Buffer;
}

function extensionsOf(wrapper: DerValue | undefined): readonly Extension[] {
  if (wrapper === undefined) return [];
  return childrenOf(childrenOf(wrapper)[0] ?? missing()).map((extension) => {
    const parts = childrenOf(extension);
    const [id, flag] = parts;
    return {
      oid: oidOf(id ?? missing()),
      critical: flag?.tag === DER.boolean && flag.content[0] !== 0,
      content: (parts.at(-1) ?? missing()).content,
    };
  });
}

function pathLengthOf(content: Buffer | undefined): number | undefined {
  if (content === undefined) return undefined;
  const length = childrenOf(readDer(content)).find(({ tag }) => tag === DER.integer)?.content;
  if (length === undefined) return undefined;
  // Longer than six bytes: no chain reaches it.
  return length.length > 6 ? Number.MAX_SAFE_INTEGER : length.readUIntBE(0, length.length);
}

function asksForPolicy(content: Buffer | undefined): boolean {
  return content !== undefined && childrenOf(readDer(content)).some(({ tag }) => tag === contextTag(0, false));
}

function missing(): never {
  throw new Error('a certificate without one of its parts');
}
