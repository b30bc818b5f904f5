// Whether Envoy's TLS library accepts a chain that somebody shows, by the CAs of one bundle and at one time: which chain it builds,
// and what it finds first in it (BoringSSL's X509_verify_cert with partial chains, which Envoy turns on).
// Must not: look at names that Envoy compares itself (URI names), or pass what is not evaluated here.

import { X509Certificate } from 'node:crypto';
import { isUsedInChains } from '../keys/key-strength.ts';
import type { Certificate } from '../x509/certificate.ts';
import { PURPOSES, type Purpose } from './issuer-chain.ts';
import { forbiddenName, printableText } from './name-constraints.ts';
import { type PathFacts, pathFacts } from './path-facts.ts';

export interface ChainFault {
  /** `unknown`: Envoy's verdict is not known here. */
  readonly kind: 'untrusted' | 'purpose' | 'expired' | 'early' | 'unknown';
  /** The certificate, counted from the leaf, and what it is about, as a sentence. */
  readonly text: string;
}

export type ChainVerdict = { readonly fault: ChainFault } | { readonly anchor: Certificate };

interface Verified {
  readonly purpose: Purpose;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

interface Link {
  readonly certificate: Certificate;
  readonly what: string;
  /** Of the bundle: its extensions are not looked at, but for name constraints. */
  readonly isAnchor: boolean;
}

/** `shown`: the leaf, then whatever comes with it, in any order. */
export function verifyShown(
  shown: readonly Certificate[],
  anchors: readonly Certificate[],
  verified: Verified,
): ChainVerdict {
  // Of CAs that have one name and one key, the library takes any.
  const verdicts = candidateOrders(anchors).map((order) => verdictOf(linksOf(shown, order), verified));
  const [verdict = untrusted('no certificate is shown'), ...others] = verdicts;
  if (others.every((one) => kindOf(one) === kindOf(verdict))) return verdict;
  return fault('unknown', 'several CAs of the bundle have one name, and which of them Envoy takes decides');
}

function kindOf(verdict: ChainVerdict): ChainFault['kind'] | 'trusted' {
  return 'fault' in verdict ? verdict.fault.kind : 'trusted';
}

function candidateOrders(anchors: readonly Certificate[]): readonly (readonly Certificate[])[] {
  const namesakes = anchors.filter(({ subject }) => anchors.filter((one) => one.subject === subject).length > 1);
  return [anchors, ...namesakes.map((first) => [first, ...anchors.filter((one) => one !== first)])];
}

function fault(kind: ChainFault['kind'], text: string): ChainVerdict {
  return { fault: { kind, text } };
}

function untrusted(text: string): ChainVerdict {
  return fault('untrusted', text);
}

/** Each CA is looked for in the bundle first, and the bundle is followed as far as it leads, past what would do. */
function linksOf([leaf, ...others]: readonly Certificate[], anchors: readonly Certificate[]): readonly Link[] {
  if (leaf === undefined) return [];
  const isAnchor = anchors.some(({ fingerprint }) => fingerprint === leaf.fingerprint);
  const links: Link[] = [{ certificate: leaf, what: 'the certificate', isAnchor }];
  const unused = [...others];
  for (let top = leaf; !isSelfIssuing(top); ) {
    const anchor = anchors.find((one) => isNamedBy(top, one));
    const other = links.at(-1)?.isAnchor || anchor ? undefined : unused.find((one) => isNamedBy(top, one));
    const next = anchor ?? other;
    if (next === undefined) break;
    if (other !== undefined) unused.splice(unused.indexOf(other), 1);
    const what = `${anchor === undefined ? 'the CA' : 'the CA of the bundle'} ${subjectOf(next)}`;
    links.push({ certificate: next, what, isAnchor: anchor !== undefined });
    top = next;
    if (links.length > MOST_LINKS) break;
  }
  return links;
}

/** The library's own limit is 100; a bundle has at most 32 CAs. */
const MOST_LINKS = 100;

/** The names, the key identifiers, and whether it may sign certificates; the signature is looked at later. */
function isNamedBy(certificate: Certificate, above: Certificate): boolean {
  const known = named.get(certificate) ?? new WeakMap<Certificate, boolean>();
  named.set(certificate, known);
  const isNamed =
    known.get(above) ?? (above.keyUsage?.keyCertSign !== false && readOf(certificate).checkIssued(readOf(above)));
  known.set(above, isNamed);
  return isNamed;
}

/** Every order of the bundle asks about the same pairs: each certificate is read once, and each pair is compared once. */
const named = new WeakMap<Certificate, WeakMap<Certificate, boolean>>();
const read = new WeakMap<Certificate, X509Certificate>();

function readOf(certificate: Certificate): X509Certificate {
  const known = read.get(certificate) ?? new X509Certificate(certificate.der);
  read.set(certificate, known);
  return known;
}

function isSelfIssuing(certificate: Certificate): boolean {
  return isNamedBy(certificate, certificate);
}

function subjectOf(certificate: Certificate): string {
  return readOf(certificate).subject.replaceAll('\n', ', ');
}

function verdictOf(links: readonly Link[], { purpose, at }: Verified): ChainVerdict {
  const anchor = links.find(({ isAnchor }) => isAnchor)?.certificate;
  const top = links.at(-1);
  if (anchor === undefined || top === undefined)
    return untrusted(top === undefined ? 'no certificate is shown' : `no CA of the bundle has signed ${top.what}`);
  const facts = links.map(({ certificate }) => tryFacts(certificate));
  const broken = links.find((_, index) => facts[index] === undefined);
  if (broken !== undefined) return untrusted(`${broken.what} has an extension that is not what its identifier says`);
  const known = facts.filter((one) => one !== undefined);
  return (
    extensionFault(links, known, purpose) ??
    signatureFault(links, at) ??
    nameFault(links, known) ??
    policyFault(links, known) ?? { anchor }
  );
}

function tryFacts(certificate: Certificate): PathFacts | undefined {
  try {
    return pathFacts(certificate);
  } catch {
    return undefined;
  }
}

/** From the leaf upwards, of all that is not of the bundle. */
function extensionFault(
  links: readonly Link[],
  facts: readonly PathFacts[],
  purpose: Purpose,
): ChainVerdict | undefined {
  const { oid, name } = PURPOSES[purpose];
  let below = 0;
  for (const [index, { certificate, what, isAnchor }] of links.entries()) {
    const { unknownCritical, extendedKeyUsage, pathLength, selfIssued = false } = facts[index] ?? {};
    if (isAnchor) return undefined;
    if (unknownCritical?.length) return untrusted(`${what} has the critical extension ${unknownCritical.join(', ')}`);
    if (index > 0 && (!certificate.isCa || certificate.keyUsage?.keyCertSign === false))
      return untrusted(`${what} is not a CA`);
    if (extendedKeyUsage?.includes(oid) === false)
      return fault('purpose', `the extended key usage of ${what} lacks ${name}`);
    if (index > 1 && pathLength !== undefined && below > pathLength + 1)
      return untrusted(`${what} allows ${pathLength} CAs below it (pathlen), and there are more`);
    if (!selfIssued) below += 1;
  }
  return undefined;
}

/** From the top downwards. The signature of the topmost is not looked at: it is of the bundle. */
function signatureFault(links: readonly Link[], at: number): ChainVerdict | undefined {
  for (const [index, { certificate, what }] of [...links.entries()].toReversed()) {
    const above = links[index + 1];
    if (above !== undefined) {
      const isUsed = isUsedInChains(above.certificate.publicKey);
      if (isUsed === undefined) return fault('unknown', `${above.what} has an RSA key that is unusual, with which`);
      if (!isUsed) return untrusted(`${above.what} has a key of a kind that Envoy does not know`);
      if (!readOf(certificate).verify(above.certificate.publicKey))
        return untrusted(`${above.what} has not signed ${what}: its key is another one`);
    }
    if (certificate.notBefore > at)
      return fault('early', `${what} is not valid before ${timeOf(certificate.notBefore)}`);
    if (certificate.notAfter <= at) return fault('expired', `${what} has expired, on ${timeOf(certificate.notAfter)}`);
  }
  return undefined;
}

function timeOf(time: number): string {
  return new Date(time).toISOString();
}

/** Of all CAs of the chain, those of the bundle too. */
function nameFault(links: readonly Link[], facts: readonly PathFacts[]): ChainVerdict | undefined {
  for (const [index, { what }] of [...links.entries()].toReversed()) {
    const { names = [], selfIssued = false } = facts[index] ?? {};
    if (index > 0 && selfIssued) continue;
    for (const [above, { nameConstraints }] of [...facts.entries()].slice(index + 1).toReversed()) {
      const name = nameConstraints && forbiddenName(names, nameConstraints);
      if (name !== undefined)
        return untrusted(
          `the name constraints of ${links[above]?.what} do not allow ${printableText(name)} of ${what}`,
        );
    }
  }
  return undefined;
}

/** RFC 5280, 6.1: what is of the bundle does not count. Policies themselves are not compared here. */
function policyFault(links: readonly Link[], facts: readonly PathFacts[]): ChainVerdict | undefined {
  const judged = facts.filter((_, index) => links[index]?.isAnchor === false);
  if (judged.some(({ mapsPolicies }) => mapsPolicies))
    return fault('unknown', 'the chain maps certificate policies, and what comes of that');
  let explicitAfter = judged.length + 1;
  for (const [index, { explicitPolicyAfter = explicitAfter, selfIssued }] of [...judged.entries()].toReversed()) {
    if (explicitAfter > 0 && (index === 0 || !selfIssued)) explicitAfter -= 1;
    // A leaf can ask for itself alone.
    if (index > 0 || explicitPolicyAfter === 0) explicitAfter = Math.min(explicitAfter, explicitPolicyAfter);
  }
  if (explicitAfter > 0) return undefined;
  if (judged.every(({ hasPolicies }) => hasPolicies))
    return fault('unknown', 'the chain asks for certificate policies, and whether it has them');
  return untrusted('a CA asks for certificate policies, and the chain does not have them throughout');
}
