// Trust bundles: the CA certificates of exactly one trust domain.
// In: a PEM file's bytes, whose trust domain it is, the time. Out: the usable CAs of the file, and all that is wrong with it.
// Must not: hand on a certificate that Envoy would accept and then trust although it is no CA of this trust domain.

import type { FindingCode } from '../errors.ts';
import { endNotice } from './expiry.ts';
import { holdsPrivateKey } from './keys/key-marks.ts';
import { BROKEN_SIGNATURES, keyWeakness } from './keys/key-strength.ts';
import { isSelfSigned } from './keys/signers.ts';
import { caution, type Problem, problem } from './problem.ts';
import type { TrustDomain } from './spiffe.ts';
import { type Certificate, parseCertificate, sha256 } from './x509/certificate.ts';
import { DerError } from './x509/der.ts';
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
  readonly problems: readonly Problem[];
  /** When the certificates of the file begin and end, in milliseconds since the epoch. */
  readonly times: readonly number[];
  /** The file cannot be read as certificates, so that it neither trusts nor distrusts any CA; an empty file trusts none. */
  readonly saysNothing?: true;
}

/** Leaves out every certificate that has a problem. */
export function parseTrustBundle(bytes: Buffer, trustDomain: TrustDomain, now: number): ParsedBundle {
  const asks = `write a PEM file with the CA certificates of ${trustDomain}, and nothing else`;
  const { blocks, refusal } = readBlocks(bytes, asks);
  if (blocks === undefined) {
    return { problems: [refusal], times: [], ...(refusal.code === 'BUNDLE_EMPTY' ? {} : { saysNothing: true }) };
  }
  const problems: Problem[] = [];
  const usable: Certificate[] = [];
  const times: number[] = [];
  const seen = new Set<string>();
  blocks.forEach(({ body }, index) => {
    const what = `certificate ${index + 1} of the trust bundle`;
    const certificate = tryParse(body);
    if (typeof certificate === 'string') {
      problems.push(problem('BUNDLE_UNPARSABLE', `${what} ${certificate}`, asks));
      return;
    }
    if (seen.has(certificate.fingerprint)) {
      problems.push(caution('BUNDLE_DUPLICATE', `${what} stands there twice`, 'remove one'));
      return;
    }
    seen.add(certificate.fingerprint);
    times.push(certificate.notBefore, certificate.notAfter);
    const found = judge(certificate, what, trustDomain, now);
    problems.push(...found);
    if (!found.some(({ severity }) => severity === 'error')) usable.push(certificate);
  });
  if (usable.length === 0) return { problems, times };
  return { bundle: bundleOf(trustDomain, usable), problems: problems.map(leftOut), times };
}

export function bundleOf(trustDomain: TrustDomain, certificates: readonly Certificate[]): TrustBundle {
  const pem = certificates.map((certificate) => certificate.pem).join('');
  return { trustDomain, certificates, pem, fingerprint: sha256(Buffer.from(pem)) };
}

/** Beside a usable CA these are what rotation leaves behind or prepares; other problems are mistakes in the file. */
const HARMLESS_BESIDE_A_GOOD_ONE: ReadonlySet<FindingCode> = new Set([
  'BUNDLE_EXPIRED',
  'BUNDLE_NOT_YET_VALID',
  'BUNDLE_WEAK_KEY',
  'BUNDLE_FOREIGN',
]);

function leftOut(found: Problem): Problem {
  if (found.severity !== 'error') return found;
  const severity = HARMLESS_BESIDE_A_GOOD_ONE.has(found.code) ? 'warning' : 'error';
  return { ...found, severity, message: `${found.message}; it is left out` };
}

type Blocks =
  | { readonly blocks: readonly PemBlock[]; readonly refusal?: never }
  | { readonly blocks?: never; readonly refusal: Problem };

function readBlocks(bytes: Buffer, asks: string): Blocks {
  const refuse = (code: FindingCode, message: string, hint = asks): Blocks => ({
    refusal: problem(code, `the trust bundle ${message}`, hint),
  });
  const text = bytes.toString('latin1');
  // Anywhere, also in what is comment otherwise or in a block that does not end.
  if (holdsPrivateKey(text)) {
    const hint = `${asks}; a peer's key must never be here, ask it to replace that key`;
    return refuse('BUNDLE_HOLDS_KEY', 'holds a private key', hint);
  }
  const { blocks, fault } = readPem(text);
  if (fault !== undefined) return refuse('BUNDLE_UNPARSABLE', `${fault}; it is not a PEM file`);
  if (blocks.length === 0) return refuse('BUNDLE_EMPTY', 'holds no certificate');
  const foreign = blocks.find(({ type }) => type !== 'CERTIFICATE');
  if (foreign !== undefined) return refuse('BUNDLE_UNPARSABLE', `holds a ${foreign.type.slice(0, 40)}`);
  if (blocks.length > MAX_CERTIFICATES) {
    const message = `holds ${blocks.length} certificates, more than ${MAX_CERTIFICATES}`;
    return refuse('BUNDLE_TOO_LARGE', message, 'keep only the CAs that sign the gateways of this peer');
  }
  return { blocks };
}

/** Certificates that were read lately: many peers may name one file, and every turn reads all of them again. */
const MAX_PARSED = 16_384;
const parsed = new Map<string, Certificate>();

/** The certificate, or what is wrong with it. */
function tryParse(der: Buffer): Certificate | string {
  const key = sha256(der);
  const known = parsed.get(key);
  if (known !== undefined) return known;
  try {
    const certificate = parseCertificate(der);
    if (parsed.size >= MAX_PARSED) parsed.delete(parsed.keys().next().value ?? '');
    parsed.set(key, certificate);
    return certificate;
  } catch (error) {
    return error instanceof DerError ? error.message : 'cannot be read';
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
  } else {
    const notice = endNotice(certificate.notAfter, now);
    if (notice !== undefined) {
      problems.push(
        caution(
          'BUNDLE_EXPIRES_SOON',
          `${what} ${notice}, on ${day(certificate.notAfter)}`,
          'ask the peer for its next CA and add it to this file',
        ),
      );
    }
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
        'ask the peer for a CA with an RSA key of 2048 to 8192 bits, or P-256, P-384, P-521 or Ed25519',
      ),
    );
  }
  // The signature of a self-signed anchor is never checked, so it cannot weaken anything.
  if (BROKEN_SIGNATURES.has(certificate.signatureAlgorithm) && !isSelfSigned(certificate)) {
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
