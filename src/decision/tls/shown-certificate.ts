// Certificates that one end shows the other: those of a file as they are, and those of which only what was asked about is known.
// Must not: compare names; that comes after (handshake.ts).

import type { Purpose } from '../../trust/issuing/issuer-chain.ts';
import { type ChainFault, verifyShown } from '../../trust/issuing/shown-chain.ts';
import type { Certificate } from '../../trust/x509/certificate.ts';
import type { KeyKind, ShownCertificate } from '../answer/question.ts';
import type { Reason } from '../answer/reason.ts';
import { unjudged } from '../matching/unjudged.ts';

/** A CA of a bundle. */
export interface Authority {
  /** SHA-256, hex; of a placeholder: of its text. */
  readonly fingerprint: string;
  /** Undefined for a placeholder (--without-keys), which never ends. */
  readonly certificate?: Certificate;
}

/** What is wrong with a certificate, beside its names and the kind of its key. */
export interface CertificateFault {
  readonly reason: Extract<Reason, 'WRONG_CA' | 'CERTIFICATE_EXPIRED' | 'CERTIFICATE_NOT_YET_VALID' | 'WRONG_PURPOSE'>;
  readonly text: string;
}

/** The leaf first. Errors: none; what the gateway refuses is judged. */
export function shownBy(chain: readonly [Certificate, ...Certificate[]]): ShownCertificate {
  const [{ uris, publicKey, notBefore, notAfter }] = chain;
  return { signedBy: [], uris, key: keyKindOf(publicKey), notBefore, notAfter, chain };
}

const CURVES: Readonly<Record<string, KeyKind>> = {
  prime256v1: 'ecdsa-p256',
  secp384r1: 'ecdsa-p384',
  secp521r1: 'ecdsa-p521',
};

function keyKindOf({ asymmetricKeyType, asymmetricKeyDetails }: Certificate['publicKey']): KeyKind {
  if (asymmetricKeyType === 'rsa' || asymmetricKeyType === 'ed25519') return asymmetricKeyType;
  return (asymmetricKeyType === 'ec' && CURVES[asymmetricKeyDetails?.namedCurve ?? '']) || 'other';
}

/** Undefined: none. Errors: UNJUDGED. */
export function faultOf(
  certificate: ShownCertificate,
  authorities: readonly Authority[],
  by: Purpose,
  at: number,
): CertificateFault | undefined {
  const { chain } = certificate;
  return chain === undefined ? faultOfFacts(certificate, authorities, at) : faultOfChain(chain, authorities, by, at);
}

const REASONS: Readonly<Record<Exclude<ChainFault['kind'], 'unknown'>, CertificateFault['reason']>> = {
  untrusted: 'WRONG_CA',
  purpose: 'WRONG_PURPOSE',
  expired: 'CERTIFICATE_EXPIRED',
  early: 'CERTIFICATE_NOT_YET_VALID',
};

function faultOfChain(
  chain: readonly Certificate[],
  authorities: readonly Authority[],
  by: Purpose,
  at: number,
): CertificateFault | undefined {
  // TLS 1.3 signs with the key of the certificate, and BoringSSL asks for this before all else.
  if (chain[0]?.keyUsage?.digitalSignature === false)
    return { reason: 'WRONG_PURPOSE', text: 'the key usage of the certificate lacks digitalSignature' };
  const anchors = authorities.map(({ certificate }) => {
    if (certificate === undefined) throw unjudged('a certificate, where the trust bundle is not here,');
    return certificate;
  });
  const verdict = verifyShown(chain, anchors, { purpose: by, at });
  if (!('fault' in verdict)) return undefined;
  const { kind, text } = verdict.fault;
  if (kind === 'unknown') throw unjudged(text);
  return { reason: REASONS[kind], text };
}

/** Of one whose chain is right: its CA is, and so is its purpose. */
function faultOfFacts(
  { signedBy, notBefore, notAfter }: ShownCertificate,
  authorities: readonly Authority[],
  at: number,
): CertificateFault | undefined {
  const issuers = authorities.filter(({ fingerprint }) => signedBy.includes(fingerprint));
  if (issuers.length === 0) {
    const many = `${authorities.length} ${authorities.length === 1 ? 'CA' : 'CAs'}`;
    return { reason: 'WRONG_CA', text: `the certificate is of none of its ${many}` };
  }
  // The CA first, as Envoy verifies from the top.
  const faults = issuers.map(({ certificate: ca }) => ca && outsideValidity('the CA of the certificate', ca, at));
  if (faults.every((fault) => fault !== undefined)) return faults[0];
  return outsideValidity('the certificate', { notBefore, notAfter }, at);
}

function outsideValidity(
  what: string,
  { notBefore, notAfter }: Pick<ShownCertificate, 'notBefore' | 'notAfter'>,
  at: number,
): CertificateFault | undefined {
  const text = `${what} is valid from ${new Date(notBefore).toISOString()} to ${new Date(notAfter).toISOString()}`;
  if (notBefore > at) return { reason: 'CERTIFICATE_NOT_YET_VALID', text };
  return notAfter <= at ? { reason: 'CERTIFICATE_EXPIRED', text } : undefined;
}
