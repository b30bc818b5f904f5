// The CA that signs our own gateways' certificates.
// In: PEM of its certificate (and the chain above it) and of its key. Out: an Issuer, or all that is wrong with the pair.
// Must not: print key material; only what is wrong with it. Everything of the certificate file but a root is sent to peers.

import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { keyWeakness } from '../keys/key-strength.ts';
import { type Problem, problem } from '../problem.ts';
import { spiffeId, type TrustDomain } from '../spiffe.ts';
import { type Certificate, isSignedBy, type PemBlock, parseCertificate, parsePem } from '../x509/certificate.ts';
import { chainProblems, outsideValidity, type Sample } from './issuer-chain.ts';

export interface Issuer {
  readonly certificate: Certificate;
  /** The issuing CA and every CA above it that its file holds, roots included. */
  readonly chain: readonly Certificate[];
  /** What stands between a leaf and the peers' trust anchor: the issuing CA and those above, without self-signed roots. */
  readonly intermediates: readonly Certificate[];
  /** Prints as an empty object; node:crypto keeps the key itself. */
  readonly privateKey: KeyObject;
}

/** What the issuer is for. */
export interface IssuerUse {
  /** Our certificates that the chain must let pass. */
  readonly samples?: readonly Sample[];
  /**
   * A CA that has ended is a warning: a process that runs with it goes on with everything else (grants end, peers are
   * removed), and what it signs has ended with it.
   */
  readonly tolerateEnd?: boolean;
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
  use: IssuerUse = {},
): { readonly issuer?: Issuer; readonly problems: readonly IssuerProblem[] } {
  const chain = readChain(certificatePem, privateKeyPem);
  const privateKey = readKey(privateKeyPem);
  const problems: IssuerProblem[] = [];
  const add = (about: IssuerProblem['about'], found: Problem): void => {
    const tolerated = use.tolerateEnd && found.code === 'ISSUER_EXPIRED';
    problems.push({ ...found, about, ...(tolerated && { severity: 'warning' as const }) });
  };
  if (typeof privateKey === 'string')
    add(
      'privateKey',
      problem('ISSUER_UNPARSABLE', privateKey, 'write an unencrypted PEM private key: PKCS#8, PKCS#1 or SEC1'),
    );
  if (typeof chain === 'string') {
    add(
      'certificate',
      problem('ISSUER_UNPARSABLE', chain, 'write the PEM certificate of the issuing CA first, then those above it'),
    );
    return { problems };
  }
  const [certificate] = chain;
  for (const found of certificateProblems(certificate, trustDomain, now)) add('certificate', found);
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
  for (const found of chainProblems(chain, use.samples ?? [gatewaySample(trustDomain)], now)) add('certificate', found);
  if (problems.some(({ severity }) => severity === 'error') || typeof privateKey === 'string') return { problems };
  // A root is the peers' trust anchor: they have it. One that is only named like its issuer is a link like any other.
  const intermediates = chain.filter((link) => !isSignedBy(link, link));
  return { issuer: { certificate, chain, intermediates, privateKey }, problems };
}

function gatewaySample(trustDomain: TrustDomain): Sample {
  return { id: spiffeId(trustDomain, 'gateway/ingress'), purposes: ['server', 'client'] };
}

function certificateProblems(certificate: Certificate, trustDomain: TrustDomain, now: number): readonly Problem[] {
  const problems: Problem[] = [];
  if (!certificate.isCa || certificate.keyUsage?.keyCertSign === false) {
    problems.push(
      problem(
        'ISSUER_NOT_A_CA',
        'the issuing certificate is not a CA',
        'write the certificate of a CA; `postern certs dev` makes one for trying things',
      ),
    );
  }
  if (certificate.notAfter <= now || certificate.notBefore > now)
    problems.push(outsideValidity('the issuing certificate', certificate));
  const weakness = keyWeakness(certificate.publicKey);
  if (weakness !== undefined)
    problems.push(
      problem(
        'ISSUER_WEAK_KEY',
        `the issuing CA has ${weakness}`,
        'use RSA of 2048 to 8192 bits, P-256, P-384, P-521 or Ed25519',
      ),
    );
  if (certificate.uris.some((uri) => uri.startsWith('spiffe:') && uri !== `spiffe://${trustDomain}`)) {
    problems.push(
      problem('ISSUER_FOREIGN', 'the issuing CA is that of another trust domain', `write the CA of ${trustDomain}`),
    );
  }
  return problems;
}

type Chain = readonly [Certificate, ...Certificate[]];

/** The certificates of the file, or what is wrong with it. A key beside them is fine where the file is named as the key's, too. */
function readChain(pem: Buffer, privateKeyPem: Buffer): Chain | string {
  const blocks = parsePem(pem.toString('latin1'));
  if (blocks === undefined) return 'the issuing certificate is not a PEM certificate';
  const others = blocks.filter(({ type }) => type !== 'CERTIFICATE');
  if (others.some(({ type }) => isKey(type)) && !pem.equals(privateKeyPem))
    return 'the file of the issuing certificate holds a private key, and is not the file that privateKey names';
  const foreign = others.find(({ type }) => !isKey(type));
  if (foreign !== undefined) return `the file of the issuing certificate holds a ${printable(foreign.type)}`;
  try {
    const [first, ...above] = blocks
      .filter(({ type }) => type === 'CERTIFICATE')
      .map(({ body }) => parseCertificate(body));
    return first === undefined ? 'the file of the issuing certificate holds no certificate' : [first, ...above];
  } catch {
    return 'the issuing certificate, or one above it, cannot be read';
  }
}

/** The key, or what is wrong with it. node:crypto's own message is not passed on: it may quote the input. */
function readKey(pem: Buffer): KeyObject | string {
  const text = pem.toString('latin1');
  if (/ENCRYPTED/.test(text)) return 'the private key is encrypted';
  const blocks = parsePem(text);
  if (blocks === undefined || blocks.length === 0) return 'the file of the private key is not PEM';
  const keys = blocks.filter(({ type }) => type.endsWith('PRIVATE KEY'));
  const [key] = keys;
  if (key === undefined) return 'the file of the private key holds no private key';
  if (keys.length > 1) return `the file of the private key holds ${keys.length} private keys`;
  return readKeyBlock(key) ?? 'the private key cannot be read';
}

function readKeyBlock({ type, body }: PemBlock): KeyObject | undefined {
  const form = ({ 'PRIVATE KEY': 'pkcs8', 'RSA PRIVATE KEY': 'pkcs1', 'EC PRIVATE KEY': 'sec1' } as const)[type];
  try {
    return form === undefined ? undefined : createPrivateKey({ key: body, format: 'der', type: form });
  } catch {
    return undefined;
  }
}

/** OpenSSL writes the parameters of a curve before its key. */
function isKey(type: string): boolean {
  return type.endsWith('PRIVATE KEY') || type === 'EC PARAMETERS';
}

/** The type of a PEM block is the file's text; only harmless characters of it are repeated. */
function printable(text: string): string {
  return text.slice(0, 40).replace(/[^A-Z0-9 ]/g, '?');
}

function matches(certificate: Certificate, key: KeyObject): boolean {
  const theirs = certificate.publicKey.export({ type: 'spki', format: 'der' });
  return publicOf(key).equals(theirs);
}

function publicOf(key: KeyObject): Buffer {
  return createPublicKey(key).export({ type: 'spki', format: 'der' });
}
