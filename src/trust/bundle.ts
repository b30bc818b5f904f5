// Trust bundles: the CA certificates of exactly one trust domain.
// In: a PEM file's bytes, whose trust domain it is, the time. Out: a TrustBundle, or all that is wrong with it.
// Must not: accept what Envoy would silently accept and then trust (a leaf, an expired CA: research/envoy-lab.md 4).

import { type Certificate, isSignedBy, parseCertificate, parsePem, sha256 } from './certificate.ts';
import { keyWeakness } from './keys.ts';
import { caution, type Problem, problem } from './problem.ts';
import type { TrustDomain } from './spiffe.ts';

export interface TrustBundle {
  readonly trustDomain: TrustDomain;
  readonly certificates: readonly Certificate[];
  /** The certificates alone, in the file's order, without anything that stood between them. */
  readonly pem: string;
  /** SHA-256 of `pem`, hex. */
  readonly fingerprint: string;
}

const MAX_CERTIFICATES = 32;
const SOON = 7 * 24 * 60 * 60 * 1000;
/** Signatures that nobody should rely on: MD5 and SHA-1, with RSA and ECDSA. */
const BROKEN_SIGNATURES = new Set([
  '1.2.840.113549.1.1.4',
  '1.2.840.113549.1.1.5',
  '1.2.840.10045.4.1',
  '1.3.14.3.2.29',
]);

export function parseTrustBundle(
  bytes: Buffer,
  trustDomain: TrustDomain,
  now: number,
): { readonly bundle?: TrustBundle; readonly problems: readonly Problem[] } {
  const blocks = parsePem(bytes.toString('latin1'));
  const asks = `write a PEM file with the CA certificates of ${trustDomain}, and nothing else`;
  if (blocks === undefined)
    return { problems: [problem('BUNDLE_UNPARSABLE', 'the trust bundle is not a PEM file', asks)] };
  if (blocks.length === 0)
    return { problems: [problem('BUNDLE_EMPTY', 'the trust bundle holds no certificate', asks)] };
  if (blocks.some(({ type }) => type.includes('PRIVATE KEY'))) {
    return {
      problems: [
        problem(
          'BUNDLE_HOLDS_KEY',
          'the trust bundle holds a private key',
          `${asks}; a peer's key must never be here, ask it to replace that key`,
        ),
      ],
    };
  }
  const foreign = blocks.find(({ type }) => type !== 'CERTIFICATE');
  if (foreign !== undefined)
    return { problems: [problem('BUNDLE_UNPARSABLE', `the trust bundle holds a ${foreign.type}`, asks)] };
  if (blocks.length > MAX_CERTIFICATES) {
    return {
      problems: [
        problem(
          'BUNDLE_TOO_LARGE',
          `the trust bundle holds ${blocks.length} certificates, more than ${MAX_CERTIFICATES}`,
          'keep only the CAs that sign the gateways of this peer',
        ),
      ],
    };
  }
  const problems: Problem[] = [];
  const certificates = new Map<string, Certificate>();
  blocks.forEach(({ body }, index) => {
    const certificate = tryParse(body);
    if (certificate === undefined) {
      problems.push(problem('BUNDLE_UNPARSABLE', `certificate ${index + 1} of the trust bundle cannot be read`, asks));
    } else if (certificates.has(certificate.fingerprint)) {
      problems.push(
        caution('BUNDLE_DUPLICATE', `certificate ${index + 1} of the trust bundle stands there twice`, 'remove one'),
      );
    } else {
      certificates.set(certificate.fingerprint, certificate);
      problems.push(...judge(certificate, `certificate ${index + 1} of the trust bundle`, trustDomain, now));
    }
  });
  if (problems.some(({ severity }) => severity === 'error')) return { problems };
  const list = [...certificates.values()];
  const pem = list.map((certificate) => certificate.pem).join('');
  return { bundle: { trustDomain, certificates: list, pem, fingerprint: sha256(Buffer.from(pem)) }, problems };
}

/** Certificates that were read lately: many peers may name one file, and every turn reads all of them again. */
const MAX_PARSED = 2048;
const parsed = new Map<string, Certificate>();

function tryParse(der: Buffer): Certificate | undefined {
  const key = der.toString('base64');
  const known = parsed.get(key);
  if (known !== undefined) return known;
  try {
    const certificate = parseCertificate(der);
    if (parsed.size >= MAX_PARSED) parsed.delete(parsed.keys().next().value ?? '');
    parsed.set(key, certificate);
    return certificate;
  } catch {
    return undefined;
  }
}

function judge(certificate: Certificate, what: string, trustDomain: TrustDomain, now: number): readonly Problem[] {
  const problems: Problem[] = [];
  // Envoy trusts whatever stands in a bundle (partial chains are on): a leaf would vouch for itself.
  if (!certificate.isCa || certificate.keyUsage?.keyCertSign === false) {
    problems.push(
      problem(
        'BUNDLE_NOT_A_CA',
        `${what} is not a CA`,
        "write the certificate of the CA that signs the peer's gateways, not a gateway's own",
      ),
    );
  }
  if (certificate.notAfter <= now) {
    problems.push(
      problem(
        'BUNDLE_EXPIRED',
        `${what} expired on ${day(certificate.notAfter)}`,
        'ask the peer for its current CA, and remove this one',
      ),
    );
  } else if (certificate.notAfter - now < SOON) {
    problems.push(
      caution(
        'BUNDLE_EXPIRES_SOON',
        `${what} expires on ${day(certificate.notAfter)}`,
        'ask the peer for its next CA and add it to this file',
      ),
    );
  }
  if (certificate.notBefore > now) {
    problems.push(
      problem(
        'BUNDLE_NOT_YET_VALID',
        `${what} is not valid before ${day(certificate.notBefore)}`,
        'add it on that day, or check the clock of this machine',
      ),
    );
  }
  const weakness = keyWeakness(certificate.publicKey);
  if (weakness !== undefined) {
    problems.push(
      problem(
        'BUNDLE_WEAK_KEY',
        `${what} has ${weakness}`,
        'ask the peer for a CA with an RSA key of 2048 bits or more, or P-256, P-384, P-521 or Ed25519',
      ),
    );
  }
  // The signature of a self-signed anchor is never checked, so it cannot weaken anything.
  if (BROKEN_SIGNATURES.has(certificate.signatureAlgorithm) && !isSignedBy(certificate, certificate)) {
    problems.push(
      problem(
        'BUNDLE_WEAK_KEY',
        `${what} is signed with MD5 or SHA-1`,
        'ask the peer for a CA that is signed with SHA-256 or better',
      ),
    );
  }
  for (const uri of certificate.uris) {
    // X509-SVID 3.2: a signing certificate's SPIFFE ID is its trust domain, without a path.
    if (uri.startsWith('spiffe:') && uri !== `spiffe://${trustDomain}`) {
      problems.push(
        problem(
          'BUNDLE_FOREIGN',
          `${what} says that it is the CA of ${printable(uri)}`,
          `write the CA of ${trustDomain}, or correct the trust domain`,
        ),
      );
    }
  }
  return problems;
}

/** What a certificate holds is not ours to trust: only harmless characters of it are repeated to a person. */
function printable(text: string): string {
  return text.slice(0, 200).replace(/[^\x21-\x7e]/g, '?');
}

function day(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}
