// Whether peers can verify what we sign: the path from a sample of our leaf certificates up to the last certificate of the
// issuer's file, by the rules that Envoy's TLS library applies to each chain (RFC 5280, 6.1).
// Must not: use a private key, or trust names alone: each certificate must have signed the one before it.

import { dayOf } from '../expiry.ts';
import { type TrustFinding, trustError, trustWarning } from '../finding.ts';
import { BROKEN_SIGNATURES, keyWeakness } from '../keys/key-strength.ts';
import { pathOf, type SpiffeId } from '../spiffe.ts';
import { type Certificate, isSignedBy } from '../x509/certificate.ts';
import { readDer } from '../x509/der.ts';
import { commonNameDer } from '../x509/distinguished-name.ts';
import { forbiddenName, type Name, printableText } from './name-constraints.ts';
import { isIssuedBy, namesOf, type PathFacts, pathFacts } from './path-facts.ts';

/** The side of a handshake that a certificate of ours is for. */
export type Purpose = 'server' | 'client';

/** A certificate that we will sign. */
export interface Sample {
  readonly id: SpiffeId;
  readonly purposes: readonly Purpose[];
  readonly dnsNames?: readonly string[];
}

export const PURPOSES: Readonly<Record<Purpose, { readonly oid: string; readonly name: string }>> = {
  server: { oid: '1.3.6.1.5.5.7.3.1', name: 'serverAuth' },
  client: { oid: '1.3.6.1.5.5.7.3.2', name: 'clientAuth' },
};

interface Link {
  readonly certificate: Certificate;
  readonly facts: PathFacts;
  /** Self-signed: peers have it in their bundles, and it is not sent to them. */
  readonly isRoot: boolean;
  /** Its name in messages. */
  readonly what: string;
}

/** What is wrong with the chain as a whole; issuer.ts checks the issuing certificate itself, which comes first. */
export function chainFindings(
  chain: readonly Certificate[],
  samples: readonly Sample[],
  now: number,
): readonly TrustFinding[] {
  const links: Link[] = [];
  for (const [index, certificate] of chain.entries()) {
    const facts = tryFacts(certificate);
    const what = index === 0 ? 'the issuing certificate' : `certificate ${index + 1} of the issuer's file`;
    if (facts === undefined) return [unreadable(what)];
    links.push({
      certificate,
      facts,
      isRoot: isSignedBy(certificate, certificate),
      what: index === 0 ? what : `${what} (${facts.subject})`,
    });
  }
  const broken = links.slice(1).flatMap((link, index) => linkFindings(link, links[index] as Link, now));
  // A certificate above one that signed nothing here says nothing about our leaves.
  if (broken.some(({ code }) => code === 'ISSUER_CHAIN')) return broken;
  return [...broken, ...links.flatMap(signatureFindings), ...pathFindings(links, samples)];
}

function tryFacts(certificate: Certificate): PathFacts | undefined {
  try {
    return pathFacts(certificate);
  } catch {
    return undefined;
  }
}

function unreadable(what: string): TrustFinding {
  const hint = 'replace it: Envoy refuses certificates whose extensions it cannot read';
  return trustError('ISSUER_UNPARSABLE', `${what} has an extension that cannot be read`, hint);
}

/** A certificate above the issuing one is sent to every peer (unless it is a root), so it must belong there. */
function linkFindings({ certificate, what }: Link, below: Link, now: number): readonly TrustFinding[] {
  const remedy = 'write the issuing CA first, then the one that signed it, and so on; nothing else is sent to peers';
  if (!isIssuedBy(below.certificate, certificate))
    return [trustError('ISSUER_CHAIN', `${what} did not sign ${below.what}`, remedy)];
  if (!certificate.isCa || certificate.keyUsage?.keyCertSign === false)
    return [trustError('ISSUER_CHAIN', `${what} is not a CA`, remedy)];
  const weakness = keyWeakness(certificate.publicKey);
  return [
    ...(certificate.notAfter <= now || certificate.notBefore > now ? [outsideValidity(what, certificate)] : []),
    ...(weakness === undefined
      ? []
      : [
          trustError(
            'ISSUER_WEAK_KEY',
            `${what} has ${weakness}`,
            'use RSA of 2048 bits or more, P-256, P-384, P-521 or Ed25519',
          ),
        ]),
  ];
}

/** The signature of a root on itself is never checked. */
function signatureFindings({ certificate, isRoot, what }: Link): readonly TrustFinding[] {
  if (isRoot || !BROKEN_SIGNATURES.has(certificate.signatureAlgorithm)) return [];
  const hint = 'use a CA that is signed with SHA-256 or better';
  return [trustError('ISSUER_WEAK_KEY', `${what} is signed with MD5 or SHA-1`, hint)];
}

export function outsideValidity(what: string, { notBefore, notAfter }: Certificate): TrustFinding {
  return trustError(
    'ISSUER_EXPIRED',
    `${what} is valid from ${dayOf(notBefore)} to ${dayOf(notAfter)}`,
    'renew the CA, or check the clock of this machine',
  );
}

function pathFindings(links: readonly Link[], samples: readonly Sample[]): readonly TrustFinding[] {
  const purposes = new Set(samples.flatMap((sample) => sample.purposes));
  const findings = links.flatMap((link, index) => {
    const { facts, what } = link;
    const { unknownCritical, extendedKeyUsage, nameConstraints, explicitPolicyAfter } = facts;
    const lacks = [...purposes].filter((purpose) => extendedKeyUsage?.includes(PURPOSES[purpose].oid) === false);
    return [
      ...unknownCritical.map((oid) => restricts(link, `has the critical extension ${oid}, which Envoy does not know`)),
      ...lacks.map((purpose) =>
        restricts(link, `has an extended key usage without ${PURPOSES[purpose].name}, which our gateways need`),
      ),
      ...(explicitPolicyAfter === undefined
        ? []
        : [restricts(link, 'asks for certificate policies, and Postern writes none')]),
      ...(nameConstraints === undefined
        ? []
        : forbiddenNames(links.slice(0, index), samples).flatMap(({ owner, names }) => {
            const name = forbiddenName(names, nameConstraints);
            return name === undefined
              ? []
              : [forbids(`the name constraints of ${what} do not allow ${printableText(name)} of ${owner}`)];
          })),
    ];
  });
  return [...findings, ...pathLengthFindings(links)];
}

/** All names below a CA. Self-issued certificates are exempt. */
function forbiddenNames(
  below: readonly Link[],
  samples: readonly Sample[],
): readonly { readonly owner: string; readonly names: readonly Name[] }[] {
  return [
    ...samples.map((sample) => ({ owner: "our gateways' certificates", names: sampleNames(sample) })),
    ...below.filter(({ facts }) => !facts.selfIssued).map(({ what, facts }) => ({ owner: what, names: facts.names })),
  ];
}

function sampleNames({ id, dnsNames = [] }: Sample): readonly Name[] {
  return [
    ...namesOf(readDer(commonNameDer(leafCommonName(id))), undefined),
    { kind: 'uri', text: id },
    ...dnsNames.map((text) => ({ kind: 'dns', text }) as const),
  ];
}

/**
 * The subject of the certificates that we sign. It is neither empty nor the issuer's name: a leaf that has the name of its
 * CA looks self-signed to OpenSSL.
 */
export function leafCommonName(id: SpiffeId): string {
  return `gateway ${pathOf(id)}`.slice(0, 64);
}

/** `pathLength` counts the CAs between a CA and the leaf that are not self-issued. */
function pathLengthFindings(links: readonly Link[]): readonly TrustFinding[] {
  let below = 0;
  return links.flatMap((link) => {
    const { pathLength, selfIssued } = link.facts;
    const exceeded = pathLength !== undefined && below > pathLength;
    const message = `allows ${pathLength} CAs below it (pathlen), and there are ${below}`;
    if (!selfIssued) below += 1;
    return exceeded ? [restricts(link, message)] : [];
  });
}

/** Envoy checks only the names and the validity of a trust anchor; other verifiers may check everything. */
function restricts({ what, isRoot }: Link, message: string): TrustFinding {
  if (!isRoot) return forbids(`${what} ${message}`);
  const hint = 'use another root, unless the peers are Envoys: they do not look at this in a root';
  return trustWarning('ISSUER_ROOT_RESTRICTED', `${what} ${message}`, hint);
}

function forbids(message: string): TrustFinding {
  const hint = 'use a CA that may sign our gateways; every peer would refuse the certificates that this one signs';
  return trustError('ISSUER_CONSTRAINED', message, hint);
}
