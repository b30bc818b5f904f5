// Finds which of many keys signed a certificate, whatever the names in the certificates are.
// Names have several encodings and are chosen by the author of a certificate; a signature is not. Results are cached by
// certificate and key, so that a reload costs only what is new: a peer with many CAs cannot slow down every reload. New work is
// offered in steps, so that it does not stop the event loop either (docs/design.md, "Measured costs").
// Must not: trust a key identifier, or keep more than a bounded number of results.

import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import type { Certificate } from '../x509/certificate.ts';
import { readDer } from '../x509/der.ts';
import { type EcdsaSignature, recoverKeys } from './ecdsa-recovery.ts';

/** Keys by the fingerprint of their SubjectPublicKeyInfo. */
export type Keys = ReadonlyMap<string, KeyObject>;

/** Work that takes one verification, or a few milliseconds, between two steps; what it found is cached. */
export type Steps<Result = void> = Generator<void, Result>;

/** Does all steps at once. */
export function finish<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** Whether the key of the certificate itself signed it. */
export function isSelfSigned(certificate: Certificate): boolean {
  const { publicKeyFingerprint, publicKey } = certificate;
  return verdictOf(cached(certificate), publicKeyFingerprint, publicKey, () => new X509Certificate(certificate.der));
}

/** The fingerprints of the keys that signed the certificate. One that signed itself was signed by no other. */
export function signersAmong(certificate: Certificate, keys: Keys): readonly string[] {
  return finish(signerSteps(certificate, keys));
}

/** `signersAmong` in steps; once they are done, that costs nothing for the same certificate and keys. */
export function* signerSteps(certificate: Certificate, keys: Keys): Steps<readonly string[]> {
  const own = certificate.publicKeyFingerprint;
  const facts = cached(certificate);
  const isNew = !facts.verdicts.has(own);
  if (isSelfSigned(certificate)) return keys.has(own) ? [own] : [];
  if (isNew) yield;
  if (facts.candidates === undefined && facts.compute !== undefined) {
    facts.candidates = facts.compute();
    yield;
  }
  let read: X509Certificate | undefined;
  // Reading the certificate costs as much as one verification.
  const x509 = (): X509Certificate => {
    read ??= new X509Certificate(certificate.der);
    return read;
  };
  const signers: string[] = [];
  for (const fingerprint of facts.candidates ?? keys.keys()) {
    const key = keys.get(fingerprint);
    if (key === undefined || !canSign(key, facts)) continue;
    const isNewKey = !facts.verdicts.has(fingerprint);
    if (verdictOf(facts, fingerprint, key, x509)) signers.push(fingerprint);
    if (isNewKey) yield;
  }
  return signers;
}

/** What is cached of a certificate. */
interface SignatureFacts {
  readonly kind: 'ecdsa' | 'rsa' | 'ed25519' | 'other';
  readonly signatureBytes: number;
  /** Computes the only keys that can have signed it (ECDSA); not needed for a certificate that signed itself. */
  readonly compute?: () => readonly string[];
  candidates?: readonly string[] | undefined;
  readonly verdicts: Map<string, boolean>;
}

/** More than 32 CAs of 300 peers; some hundred bytes each. */
const MAX_CERTIFICATES = 16_384;
/** Verdicts of all certificates together: for RSA and Ed25519, every key is tried. */
const MAX_VERDICTS = 1_000_000;

const cache = new Map<string, SignatureFacts>();
let verdictCount = 0;

function cached(certificate: Certificate): SignatureFacts {
  const facts = cache.get(certificate.fingerprint);
  if (facts !== undefined) return facts;
  const fresh = signatureFacts(certificate);
  cache.set(certificate.fingerprint, fresh);
  if (cache.size > MAX_CERTIFICATES) dropOldest();
  return fresh;
}

function dropOldest(): void {
  const [oldest] = cache;
  if (oldest === undefined) return;
  cache.delete(oldest[0]);
  verdictCount -= oldest[1].verdicts.size;
}

/** By SHA-1 to SHA-512 with ECDSA (RFC 5758). */
const ECDSA_DIGESTS: ReadonlyMap<string, string> = new Map([
  ['1.2.840.10045.4.1', 'sha1'],
  ['1.2.840.10045.4.3.1', 'sha224'],
  ['1.2.840.10045.4.3.2', 'sha256'],
  ['1.2.840.10045.4.3.3', 'sha384'],
  ['1.2.840.10045.4.3.4', 'sha512'],
]);

function signatureFacts({ der, signatureAlgorithm }: Certificate): SignatureFacts {
  const [tbs, , bits] = readDer(der).children;
  // The first byte of a BIT STRING counts unused bits.
  const signature = bits?.content.subarray(1) ?? Buffer.alloc(0);
  const verdicts = new Map<string, boolean>();
  const digest = ECDSA_DIGESTS.get(signatureAlgorithm);
  if (digest === undefined) {
    const kind = signatureAlgorithm.startsWith('1.2.840.113549.1.1.')
      ? 'rsa'
      : signatureAlgorithm === '1.3.101.112'
        ? 'ed25519'
        : 'other';
    return { kind, signatureBytes: signature.length, verdicts };
  }
  const compute = (): readonly string[] => {
    const numbers = ecdsaNumbers(signature);
    const keys = numbers === undefined || tbs === undefined ? [] : recoverKeys(digest, tbs.bytes, numbers);
    return keys.map((info) => createHash('sha256').update(info).digest('hex'));
  };
  return { kind: 'ecdsa', signatureBytes: signature.length, compute, verdicts };
}

/** Undefined for bytes that are not an ECDSA signature. */
function ecdsaNumbers(signature: Buffer): EcdsaSignature | undefined {
  try {
    const [r, s] = readDer(signature).children.map(({ content }) => BigInt(`0x${content.toString('hex')}`));
    return r === undefined || s === undefined ? undefined : { r, s };
  } catch {
    return undefined;
  }
}

/** Saves trying keys of another kind or size. */
function canSign(key: KeyObject, { kind, signatureBytes }: SignatureFacts): boolean {
  switch (kind) {
    case 'ecdsa':
      return key.asymmetricKeyType === 'ec';
    case 'ed25519':
      return key.asymmetricKeyType === 'ed25519';
    case 'rsa':
      return Math.ceil((key.asymmetricKeyDetails?.modulusLength ?? 0) / 8) === signatureBytes;
    case 'other':
      return true;
  }
}

function verdictOf(
  { verdicts }: SignatureFacts,
  fingerprint: string,
  key: KeyObject,
  x509: () => X509Certificate,
): boolean {
  const known = verdicts.get(fingerprint);
  if (known !== undefined) return known;
  const verdict = verifies(x509(), key);
  verdicts.set(fingerprint, verdict);
  verdictCount += 1;
  if (verdictCount > MAX_VERDICTS) {
    cache.clear();
    verdictCount = 0;
  }
  return verdict;
}

function verifies(x509: X509Certificate, key: KeyObject): boolean {
  try {
    return x509.verify(key);
  } catch {
    return false;
  }
}
