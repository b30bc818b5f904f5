// Which of many keys signed a certificate, whatever names stand in the certificates.
// Names have several encodings and are the choice of whoever wrote the certificate; a signature is not. What was found once
// is remembered by certificate and key, so that a turn costs only what is new: a peer with many CAs cannot slow every turn.
// Must not: trust a key identifier, or keep more than a bounded number of verdicts.

import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import type { Certificate } from '../x509/certificate.ts';
import { readDer } from '../x509/der.ts';
import { type EcdsaSignature, recoverKeys } from './ecdsa-recovery.ts';

/** Keys by the fingerprint of their SubjectPublicKeyInfo. */
export type Keys = ReadonlyMap<string, KeyObject>;

/** Whether the key of the certificate itself signed it. */
export function isSelfSigned(certificate: Certificate): boolean {
  const { publicKeyFingerprint, publicKey } = certificate;
  return ask(knownOf(certificate), publicKeyFingerprint, publicKey, () => new X509Certificate(certificate.der));
}

/** The fingerprints of the keys that signed the certificate. One that signed itself was signed by no other. */
export function signersAmong(certificate: Certificate, keys: Keys): readonly string[] {
  const own = certificate.publicKeyFingerprint;
  if (isSelfSigned(certificate)) return keys.has(own) ? [own] : [];
  const known = knownOf(certificate);
  known.candidates ??= known.compute?.();
  const candidates = known.candidates ?? keys.keys();
  let read: X509Certificate | undefined;
  // Reading costs as much as asking one key.
  const x509 = (): X509Certificate => {
    read ??= new X509Certificate(certificate.der);
    return read;
  };
  const found: string[] = [];
  for (const fingerprint of candidates) {
    const key = keys.get(fingerprint);
    if (key !== undefined && canSign(key, known) && ask(known, fingerprint, key, x509)) found.push(fingerprint);
  }
  return found;
}

interface Known {
  readonly kind: 'ecdsa' | 'rsa' | 'ed25519' | 'other';
  readonly signatureBytes: number;
  /** The only keys that can have signed it, where that can be computed (ECDSA): only for one that did not sign itself. */
  readonly compute?: () => readonly string[];
  candidates?: readonly string[] | undefined;
  readonly verdicts: Map<string, boolean>;
}

/** More than 32 CAs of 300 peers; some hundred bytes each. */
const MAX_CERTIFICATES = 16_384;
/** Verdicts of all certificates together: for RSA and Ed25519, each key is asked. */
const MAX_VERDICTS = 1_000_000;

const known = new Map<string, Known>();
let verdictCount = 0;

function knownOf(certificate: Certificate): Known {
  const before = known.get(certificate.fingerprint);
  if (before !== undefined) return before;
  const next = read(certificate);
  known.set(certificate.fingerprint, next);
  if (known.size > MAX_CERTIFICATES) forgetOldest();
  return next;
}

function forgetOldest(): void {
  const [oldest] = known;
  if (oldest === undefined) return;
  known.delete(oldest[0]);
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

function read({ der, signatureAlgorithm }: Certificate): Known {
  const [tbs, , bits] = readDer(der).children;
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

/** Undefined for bytes that are no ECDSA signature: nobody made it. */
function ecdsaNumbers(signature: Buffer): EcdsaSignature | undefined {
  try {
    const [r, s] = readDer(signature).children.map(({ content }) => BigInt(`0x${content.toString('hex')}`));
    return r === undefined || s === undefined ? undefined : { r, s };
  } catch {
    return undefined;
  }
}

/** Without this, a large bundle of one kind would have every key of another kind asked. */
function canSign(key: KeyObject, { kind, signatureBytes }: Known): boolean {
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

function ask({ verdicts }: Known, fingerprint: string, key: KeyObject, x509: () => X509Certificate): boolean {
  const before = verdicts.get(fingerprint);
  if (before !== undefined) return before;
  const verdict = verifies(x509(), key);
  verdicts.set(fingerprint, verdict);
  verdictCount += 1;
  if (verdictCount > MAX_VERDICTS) {
    known.clear();
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
