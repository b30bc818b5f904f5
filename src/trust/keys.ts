// Which public keys are strong enough, and which Envoy's TLS library can use.
// In: a public key. Out: undefined when it is fine, or why not. Must not: look at certificates.

import type { KeyObject } from 'node:crypto';

const MIN_RSA_BITS = 2048;
/** BoringSSL verifies chains over these; secp256k1 and the Brainpool curves it does not know. */
const CURVES = new Set(['prime256v1', 'secp384r1', 'secp521r1']);

/** Why a CA's key is not good enough, as the end of a sentence. */
export function keyWeakness(key: KeyObject): string | undefined {
  const details = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case 'rsa': {
      const bits = details.modulusLength ?? 0;
      return bits >= MIN_RSA_BITS ? undefined : `an RSA key of ${bits} bits`;
    }
    case 'ec':
      return CURVES.has(details.namedCurve ?? '') ? undefined : `an EC key on the curve ${details.namedCurve ?? '?'}`;
    case 'ed25519':
      return undefined;
    default:
      return `a key of the kind ${key.asymmetricKeyType ?? '?'}`;
  }
}
