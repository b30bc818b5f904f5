// Checks that a CA's public key is strong enough, and that Envoy's TLS library can use it.
// Must not: look at certificates.

import type { KeyObject } from 'node:crypto';

const MIN_RSA_BITS = 2048;
/** Envoy's TLS library does not verify larger ones. */
const MAX_RSA_BITS = 8192;
/**
 * Envoy's TLS library verifies 33 bits at most. FIPS 186-5, 5.4 (e), wants an odd exponent of at least 65537 in new keys;
 * 3 and 17 are old and not broken for PKCS #1 signatures.
 */
const MAX_RSA_EXPONENT = 2n ** 33n - 1n;
/** BoringSSL verifies chains over these curves; it does not know secp256k1 and the Brainpool curves. */
const CURVES = new Set(['prime256v1', 'secp384r1', 'secp521r1']);

/** MD5 and SHA-1, with RSA and ECDSA. */
export const BROKEN_SIGNATURES: ReadonlySet<string> = new Set([
  '1.2.840.113549.1.1.4',
  '1.2.840.113549.1.1.5',
  '1.2.840.10045.4.1',
  '1.3.14.3.2.29',
]);

/** What is wrong with a CA's key, as the end of a sentence; undefined when it can be used. */
export function keyWeakness(key: KeyObject): string | undefined {
  const details = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case 'rsa': {
      const bits = details.modulusLength ?? 0;
      const exponent = details.publicExponent ?? 0n;
      if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS) return `an RSA key of ${bits} bits`;
      // With the exponent 1 every number is its own signature, and an even one has no signatures.
      const isUsable = exponent >= 3n && exponent % 2n === 1n && exponent <= MAX_RSA_EXPONENT;
      return isUsable ? undefined : 'an RSA key whose public exponent is 1, even or larger than 33 bits';
    }
    case 'ec':
      return CURVES.has(details.namedCurve ?? '') ? undefined : `an EC key on the curve ${details.namedCurve ?? '?'}`;
    case 'ed25519':
      return undefined;
    default:
      return `a key of the kind ${key.asymmetricKeyType ?? '?'}`;
  }
}

/**
 * Whether Envoy's TLS library verifies signatures of a chain with this key, also where it is too weak for a CA of a bundle;
 * undefined where that was not tried.
 */
export function isUsedInChains(key: KeyObject): boolean | undefined {
  const { modulusLength = 0, namedCurve = '' } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return keyWeakness(key) === undefined || (modulusLength >= 1024 && modulusLength < MIN_RSA_BITS) || undefined;
    case 'ec':
      return namedCurve === 'secp224r1' || CURVES.has(namedCurve);
    default:
      return key.asymmetricKeyType === 'ed25519';
  }
}
