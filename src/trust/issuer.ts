// The CA that signs our own gateways' certificates.
// In: PEM of its certificate (and the chain above it) and of its key. Out: an Issuer, or all that is wrong with the pair.
// Must not: print key material; only what is wrong with it.

import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { type Certificate, parseCertificate, parsePem } from './certificate.ts';
import { keyWeakness } from './keys.ts';
import { type Problem, problem } from './problem.ts';
import type { TrustDomain } from './spiffe.ts';

export interface Issuer {
  readonly certificate: Certificate;
  /** What stands between a leaf and the peers' trust anchor: the issuing CA and those above, without self-signed roots. */
  readonly intermediates: readonly Certificate[];
  /** Prints as an empty object; node:crypto keeps the key itself. */
  readonly privateKey: KeyObject;
}

/** Which of the two files a problem is about. */
export interface IssuerProblem extends Problem {
  readonly about: 'certificate' | 'privateKey';
}

export function parseIssuer(
  certificatePem: Buffer,
  privateKeyPem: Buffer,
  trustDomain: TrustDomain,
  now: number,
): { readonly issuer?: Issuer; readonly problems: readonly IssuerProblem[] } {
  const chain = readChain(certificatePem);
  const privateKey = readKey(privateKeyPem);
  const problems: IssuerProblem[] = [];
  const add = (about: IssuerProblem['about'], found: Problem): void => void problems.push({ ...found, about });
  if (typeof privateKey === 'string')
    add(
      'privateKey',
      problem('ISSUER_UNPARSABLE', privateKey, 'write an unencrypted PEM private key: PKCS#8, PKCS#1 or SEC1'),
    );
  const [certificate] = chain ?? [];
  if (chain === undefined || certificate === undefined) {
    add(
      'certificate',
      problem(
        'ISSUER_UNPARSABLE',
        'the issuing certificate is not a PEM certificate',
        'write the PEM certificate of the issuing CA first, then those above it',
      ),
    );
    return { problems };
  }
  if (!certificate.isCa || certificate.keyUsage?.keyCertSign === false) {
    add(
      'certificate',
      problem(
        'ISSUER_NOT_A_CA',
        'the issuing certificate is not a CA',
        'write the certificate of a CA; `postern certs dev` makes one for trying things',
      ),
    );
  }
  if (certificate.notAfter <= now || certificate.notBefore > now) {
    add(
      'certificate',
      problem(
        'ISSUER_EXPIRED',
        `the issuing certificate is valid from ${iso(certificate.notBefore)} to ${iso(certificate.notAfter)}`,
        'renew the CA, or check the clock of this machine',
      ),
    );
  }
  const weakness = keyWeakness(certificate.publicKey);
  if (weakness !== undefined)
    add(
      'certificate',
      problem(
        'ISSUER_WEAK_KEY',
        `the issuing CA has ${weakness}`,
        'use RSA of 2048 bits or more, P-256, P-384, P-521 or Ed25519',
      ),
    );
  if (certificate.uris.some((uri) => uri.startsWith('spiffe:') && uri !== `spiffe://${trustDomain}`)) {
    add(
      'certificate',
      problem('ISSUER_FOREIGN', 'the issuing CA is that of another trust domain', `write the CA of ${trustDomain}`),
    );
  }
  if (typeof privateKey !== 'string' && !matches(certificate, privateKey)) {
    add(
      'privateKey',
      problem(
        'ISSUER_KEY_MISMATCH',
        "the private key is not the issuing certificate's",
        'write the key that belongs to the first certificate of the file',
      ),
    );
  }
  if (problems.length > 0 || typeof privateKey === 'string') return { problems };
  const intermediates = chain.filter((link) => link.subject !== link.issuer);
  return { issuer: { certificate, intermediates, privateKey }, problems };
}

function readChain(pem: Buffer): readonly Certificate[] | undefined {
  const blocks = parsePem(pem.toString('latin1'));
  if (blocks === undefined || blocks.some(({ type }) => type !== 'CERTIFICATE')) return undefined;
  try {
    return blocks.map(({ body }) => parseCertificate(body));
  } catch {
    return undefined;
  }
}

/** The key, or what is wrong with it. node:crypto's own message is not passed on: it may quote the input. */
function readKey(pem: Buffer): KeyObject | string {
  const text = pem.toString('latin1');
  if (/ENCRYPTED/.test(text)) return 'the private key is encrypted';
  try {
    return createPrivateKey(pem);
  } catch {
    return 'the private key cannot be read';
  }
}

function matches(certificate: Certificate, key: KeyObject): boolean {
  const theirs = certificate.publicKey.export({ type: 'spki', format: 'der' });
  return publicOf(key).equals(theirs);
}

function publicOf(key: KeyObject): Buffer {
  return createPublicKey(key).export({ type: 'spki', format: 'der' });
}

function iso(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}
