// Rules across trust: one CA vouches for one mesh only, and never ours for somebody else's.
// In: the parsed bundles of all peers and our issuer. Out: findings. Must not: judge a single certificate; trust/ did.

import { errorAt, type Finding } from '../errors.ts';
import type { TrustBundle } from '../trust/bundle.ts';

/** What a certificate must tell for these rules: whose key signs with it. */
export interface SigningKey {
  /** SHA-256 of the subject public key info, hex: a CA that is renewed with its old key is still the same CA. */
  readonly publicKeyFingerprint: string;
}

/**
 * SPIFFE Federation 4.2 and 7.3: bundles of different trust domains are never merged. A CA that stands in two bundles
 * is that merge in disguise, because each of the two peers could then mint the other's identities.
 */
export function trustRules(
  bundles: readonly { readonly peer: string; readonly bundle: TrustBundle }[],
  issuer: SigningKey | undefined,
): readonly Finding[] {
  const owners = new Map<string, string>();
  return bundles.flatMap(({ peer, bundle }) => {
    const path = ['peers', peer, 'trustBundle'];
    return bundle.certificates.flatMap((certificate) => {
      const key = certificate.publicKeyFingerprint;
      if (issuer !== undefined && key === issuer.publicKeyFingerprint) {
        return [
          errorAt(
            'CA_OURS',
            path,
            `the trust bundle of ${peer} holds our own issuing CA`,
            "write the peer's CA certificate here; ours goes to the peer, as the bundle in its file",
          ),
        ];
      }
      const owner = owners.get(key);
      owners.set(key, owner ?? peer);
      if (owner === undefined || owner === peer) return [];
      return [
        errorAt(
          'CA_SHARED',
          path,
          `a CA of ${peer} also stands in the trust bundle of ${owner}`,
          'give each peer only the CA of its own mesh; a CA that two meshes share cannot tell them apart',
        ),
      ];
    });
  });
}
