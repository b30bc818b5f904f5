// Reads trust bundles: the CA certificates of exactly one trust domain (a peer's, or our own), from a PEM file.
// Must not: return a certificate that Envoy would trust although it is not a CA of this trust domain.

import type { FindingCode } from '../errors.ts';
import { type BundleOwner, WORDS, type Words } from './bundle-owner.ts';
import { dayOf, expiryNotice } from './expiry.ts';
import { firstFindings, type TrustFinding, trustError, trustWarning } from './finding.ts';
import { BROKEN_SIGNATURES, keyWeakness } from './keys/key-strength.ts';
import { holdsPrivateKey } from './keys/private-key.ts';
import { finish, isSelfSigned, type Steps } from './keys/signers.ts';
import type { TrustDomain } from './spiffe.ts';
import { type Certificate, parseCertificate, sha256 } from './x509/certificate.ts';
import { DerError } from './x509/der.ts';
import { printable } from './x509/distinguished-name.ts';
import { type PemBlock, readPem } from './x509/pem.ts';

export interface TrustBundle {
  readonly trustDomain: TrustDomain;
  /** Usable now; in the file's order, never empty. */
  readonly certificates: readonly Certificate[];
  /** The certificates alone, without anything that stood between them. */
  readonly pem: string;
  /** SHA-256 of `pem`, hex. */
  readonly fingerprint: string;
}

const MAX_CERTIFICATES = 32;

export interface ParsedBundle {
  /** The usable certificates; absent when there is none. */
  readonly bundle?: TrustBundle;
  readonly findings: readonly TrustFinding[];
  /** When the certificates of the file begin and end, in milliseconds since the epoch. */
  readonly times: readonly number[];
  /** The file cannot be read as certificates, so that it neither trusts nor distrusts a CA. An empty file can: it trusts none. */
  readonly isUnreadable?: true;
}

/** Leaves out every certificate that has an error finding. */
export function parseTrustBundle(
  bytes: Buffer,
  trustDomain: TrustDomain,
  now: number,
  owner: BundleOwner = 'peer',
): ParsedBundle {
  return finish(parseSteps(bytes, trustDomain, now, owner));
}

/** The CA certificates by which a backend is known, from its own file: any CA will do, whatever it names. */
export interface CaFile extends Omit<TrustBundle, 'trustDomain'> {}

export function parseCaFile(
  bytes: Buffer,
  serverName: string,
  now: number,
): Omit<ParsedBundle, 'bundle'> & { readonly bundle?: CaFile } {
  // A name in the place of the trust domain: it is only shown.
  return finish(parseSteps(bytes, serverName as TrustDomain, now, 'backend'));
}

/** `parseTrustBundle` in steps, one for each certificate that was not read before. */
export function* parseSteps(
  bytes: Buffer,
  trustDomain: TrustDomain,
  now: number,
  owner: BundleOwner,
): Steps<ParsedBundle> {
  const words = WORDS[owner];
  const remedy = `write a PEM file with the CA certificates of ${trustDomain}, and nothing else`;
  const { blocks, refusal } = readBlocks(bytes, remedy, words);
  if (blocks === undefined) {
    return { findings: [refusal], times: [], ...(refusal.code === 'BUNDLE_EMPTY' ? {} : { isUnreadable: true }) };
  }
  const findings: TrustFinding[] = [];
  const usable: Certificate[] = [];
  const times: number[] = [];
  const seen = new Set<string>();
  for (const [index, { body }] of blocks.entries()) {
    const what = `certificate ${index + 1} of the trust bundle`;
    const fingerprint = sha256(body);
    // Also of one that cannot be read: one mistake is one error.
    if (seen.has(fingerprint)) {
      findings.push(trustWarning('BUNDLE_DUPLICATE', `${what} occurs twice`, 'remove one'));
      continue;
    }
    seen.add(fingerprint);
    if (!cache.has(fingerprint)) yield;
    const certificate = readCertificate(body, fingerprint);
    if (typeof certificate === 'string') {
      findings.push(trustError('BUNDLE_UNPARSABLE', `${what} ${certificate}`, remedy));
      continue;
    }
    times.push(certificate.notBefore, certificate.notAfter);
    const found = checkCertificate(certificate, what, owner === 'backend' ? undefined : trustDomain, now, words);
    findings.push(...found);
    if (!found.some(({ severity }) => severity === 'error')) usable.push(certificate);
  }
  if (usable.length === 0) return { findings: firstFindings(findings), times };
  return { bundle: bundleOf(trustDomain, usable), findings: firstFindings(findings.map(leftOut)), times };
}

export function bundleOf(trustDomain: TrustDomain, certificates: readonly Certificate[]): TrustBundle {
  return { trustDomain, ...caFileOf(certificates) };
}

export function caFileOf(certificates: readonly Certificate[]): CaFile {
  const pem = certificates.map((certificate) => certificate.pem).join('');
  return { certificates, pem, fingerprint: sha256(Buffer.from(pem)) };
}

/** What rotation leaves behind or prepares beside a usable CA; other findings are mistakes in the file. */
export const WARNING_BESIDE_A_USABLE_CA: ReadonlySet<FindingCode> = new Set([
  'BUNDLE_EXPIRED',
  'BUNDLE_NOT_YET_VALID',
  'BUNDLE_WEAK_KEY',
  'BUNDLE_FOREIGN',
]);

function leftOut(finding: TrustFinding): TrustFinding {
  if (finding.severity !== 'error') return finding;
  const severity = WARNING_BESIDE_A_USABLE_CA.has(finding.code) ? 'warning' : 'error';
  return { ...finding, severity, message: `${finding.message}; it is left out` };
}

type Blocks =
  | { readonly blocks: readonly PemBlock[]; readonly refusal?: never }
  | { readonly blocks?: never; readonly refusal: TrustFinding };

function readBlocks(bytes: Buffer, remedy: string, words: Words): Blocks {
  const refuse = (code: FindingCode, message: string, hint = remedy): Blocks => ({
    refusal: trustError(code, `the trust bundle ${message}`, hint),
  });
  const text = bytes.toString('latin1');
  // Anywhere: also in comments, and in a block that does not end.
  if (holdsPrivateKey(text)) {
    const hint = `${remedy}; ${words.key}`;
    return refuse('BUNDLE_HOLDS_KEY', 'holds a private key', hint);
  }
  const { blocks, fault } = readPem(text);
  if (fault !== undefined) return refuse('BUNDLE_UNPARSABLE', `${fault}; it is not a PEM file`);
  if (blocks.length === 0) return refuse('BUNDLE_EMPTY', 'is an empty file');
  const other = blocks.find(({ type }) => type !== 'CERTIFICATE');
  if (other !== undefined) return refuse('BUNDLE_UNPARSABLE', `holds a ${other.type.slice(0, 40)}`);
  if (blocks.length > MAX_CERTIFICATES) {
    const message = `holds ${blocks.length} certificates, more than ${MAX_CERTIFICATES}`;
    return refuse('BUNDLE_TOO_LARGE', message, `keep only the CAs that sign ${words.signs}`);
  }
  return { blocks };
}

/** Certificates that were read recently, also those that could not be read: many peers may name one file, and every reload reads all files again. */
const MAX_CACHED = 16_384;
const cache = new Map<string, Certificate | string>();

/** The certificate, or what is wrong with it. */
function readCertificate(der: Buffer, fingerprint: string): Certificate | string {
  const cached = cache.get(fingerprint);
  if (cached !== undefined) return cached;
  const certificate = parsed(der);
  if (cache.size >= MAX_CACHED) cache.delete(cache.keys().next().value ?? '');
  cache.set(fingerprint, certificate);
  return certificate;
}

function parsed(der: Buffer): Certificate | string {
  try {
    return parseCertificate(der);
  } catch (error) {
    return error instanceof DerError ? error.message : 'cannot be read';
  }
}

function checkCertificate(
  certificate: Certificate,
  what: string,
  trustDomain: TrustDomain | undefined,
  now: number,
  words: Words,
): readonly TrustFinding[] {
  const findings: TrustFinding[] = [];
  const error = (code: FindingCode, message: string, hint: string): void => {
    findings.push(trustError(code, `${what} ${message}`, hint));
  };
  // Envoy trusts every certificate of a bundle (partial chains are on): a leaf would vouch for itself.
  if (!certificate.isCa || certificate.keyUsage?.keyCertSign === false) {
    const hint = `write the certificate of the CA that signs ${words.signs}, not one that it has signed`;
    error('BUNDLE_NOT_A_CA', 'is not a CA', hint);
  }
  findings.push(...validityFindings(certificate, what, now, words));
  const weakness = keyWeakness(certificate.publicKey);
  if (weakness !== undefined) {
    const hint = `${words.obtain} a CA with an RSA key of 2048 to 8192 bits, or P-256, P-384, P-521 or Ed25519`;
    error('BUNDLE_WEAK_KEY', `has ${weakness}`, hint);
  }
  // The signature of a self-signed anchor is never checked, so it cannot weaken anything.
  if (BROKEN_SIGNATURES.has(certificate.signatureAlgorithm) && !isSelfSigned(certificate)) {
    const hint = `${words.obtain} a CA that is signed with SHA-256 or better`;
    error('BUNDLE_WEAK_KEY', 'is signed with MD5 or SHA-1', hint);
  }
  if (trustDomain === undefined) return findings;
  // X509-SVID 3.2: a signing certificate's SPIFFE ID is its trust domain, without a path.
  const isForeign = (uri: string): boolean => uri.startsWith('spiffe:') && uri !== `spiffe://${trustDomain}`;
  const [foreign, ...more] = certificate.uris.filter(isForeign);
  if (foreign !== undefined) {
    const rest = more.length === 0 ? '' : `, and ${more.length} more`;
    const hint = `write the CA of ${trustDomain}, or correct the trust domain`;
    error('BUNDLE_FOREIGN', `says that it is the CA of ${printable(foreign)}${rest}`, hint);
  }
  return findings;
}

function validityFindings(
  { notBefore, notAfter }: Certificate,
  what: string,
  now: number,
  { obtain }: Words,
): readonly TrustFinding[] {
  const findings: TrustFinding[] = [];
  const notice = expiryNotice(notAfter, now);
  if (notAfter <= now) {
    const hint = `${obtain} the current CA, and remove this one`;
    findings.push(trustError('BUNDLE_EXPIRED', `${what} expired on ${dayOf(notAfter)}`, hint));
  } else if (notice !== undefined) {
    const hint = `${obtain} the next CA and add it to this file`;
    findings.push(trustWarning('BUNDLE_EXPIRES_SOON', `${what} ${notice}, on ${dayOf(notAfter)}`, hint));
  }
  if (notBefore > now) {
    const hint = 'add it on that day, or check the clock of this machine';
    findings.push(trustError('BUNDLE_NOT_YET_VALID', `${what} is not valid before ${dayOf(notBefore)}`, hint));
  }
  return findings;
}
