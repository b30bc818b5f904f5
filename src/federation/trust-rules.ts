// Rules across trust: one CA vouches for one mesh only, and never ours for somebody else's.
// In: the parsed bundles of all peers and our issuer. Out: findings. Must not: judge a single certificate; trust/ did.

import { errorAt, type Finding } from '../errors.ts';
import type { TrustBundle } from '../trust/bundle.ts';
import { type Certificate, isSignedBy } from '../trust/certificate.ts';

/** What a certificate must tell for these rules: whose key signs with it. */
export interface SigningKey {
  /** SHA-256 of the subject public key info, hex: a CA that is renewed with its old key is still the same CA. */
  readonly publicKeyFingerprint: string;
}

/**
 * SPIFFE Federation 4.2 and 7.3: bundles of different trust domains are never merged. A CA that stands in two bundles
 * is that merge in disguise, because each of the two peers could then mint the other's identities. So is a CA that was
 * signed by one in another bundle: what it signs chains up to there.
 */
export function trustRules(
  bundles: readonly { readonly peer: string; readonly bundle: TrustBundle }[],
  issuer: SigningKey | undefined,
): readonly Finding[] {
  const owners = new Map<string, string>();
  const above = signersByName(bundles);
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
      if (owner !== undefined && owner !== peer) {
        return [
          errorAt(
            'CA_SHARED',
            path,
            `a CA of ${peer} also stands in the trust bundle of ${owner}`,
            'give each peer only the CA of its own mesh; a CA that two meshes share cannot tell them apart',
          ),
        ];
      }
      const signer = foreignSigner(certificate, peer, above);
      if (signer === undefined) return [];
      return [
        errorAt(
          'CA_SHARED',
          path,
          `a CA of ${peer} is signed by one in the trust bundle of ${signer.peer}, so ${peer} could speak as ${signer.peer}`,
          `write the CA that signs only the gateways of ${signer.peer} in its bundle, instead of the one above both`,
        ),
      ];
    });
  });
}

interface Signer {
  readonly peer: string;
  readonly certificate: Certificate;
}

/**
 * The CA of another peer that signed this one, if any. Many meshes name their roots alike (`O=cluster.local`): who has
 * signed itself was signed by nobody else, which spares the verification against each of those.
 */
function foreignSigner(
  certificate: Certificate,
  peer: string,
  above: ReadonlyMap<string, readonly Signer[]>,
): Signer | undefined {
  const others = (above.get(certificate.issuer) ?? []).filter((one) => one.peer !== peer);
  if (others.length === 0 || isSignedBy(certificate, certificate)) return undefined;
  return others.find((one) => isSignedBy(certificate, one.certificate));
}

/** The CAs of all bundles by their subject, so that only those that can have signed a certificate are asked. */
function signersByName(
  bundles: readonly { readonly peer: string; readonly bundle: TrustBundle }[],
): ReadonlyMap<string, readonly Signer[]> {
  const signers = new Map<string, Signer[]>();
  for (const { peer, bundle } of bundles) {
    for (const certificate of bundle.certificates) {
      const known = signers.get(certificate.subject);
      if (known === undefined) signers.set(certificate.subject, [{ peer, certificate }]);
      else known.push({ peer, certificate });
    }
  }
  return signers;
}
