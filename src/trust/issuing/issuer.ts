// Reads the CA that signs our own gateways' certificates: its certificate, the chain above it, and its key.
// Must not: repeat key material in a finding. Everything in the certificate file but a root is sent to peers.

import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { type TrustFinding, trustError } from '../finding.ts';
import { keyWeakness } from '../keys/key-strength.ts';
import { spiffeId, type TrustDomain } from '../spiffe.ts';
import { type Certificate, isSignedBy, parseCertificate } from '../x509/certificate.ts';
import { type PemBlock, parsePem } from '../x509/pem.ts';
import { chainFindings, outsideValidity, type Sample } from './issuer-chain.ts';

export interface Issuer {
  readonly certificate: Certificate;
  /** The issuing CA and every CA above it that its file holds, roots included. */
  readonly chain: readonly Certificate[];
  /** What a leaf is sent with: the issuing CA and those above it, without self-signed roots, which peers have. */
  readonly intermediates: readonly Certificate[];
  /** Prints as an empty object; node:crypto keeps the key itself. */
  readonly privateKey: KeyObject;
}

/** What the issuer is used for. */
export interface IssuerUse {
  /** Our certificates that the chain must allow. */
  readonly samples?: readonly Sample[];
  /**
   * An expired CA is a warning: a process that runs with it keeps doing everything else (grants end, peers are removed),
   * and peers refuse what it signs.
   */
  readonly tolerateEnd?: boolean;
}

export interface IssuerFinding extends TrustFinding {
  /** Which of the two files it is about. */
  readonly about: 'certificate' | 'privateKey';
}

/**
 * Without a private key the certificates are judged as with one, and there is no issuer: nothing can be signed.
 * `chain` is present unless there is an error.
 */
export function parseIssuer(
  certificatePem: Buffer,
  privateKeyPem: Buffer | undefined,
  trustDomain: TrustDomain,
  now: number,
  use: IssuerUse = {},
): { readonly issuer?: Issuer; readonly chain?: readonly Certificate[]; readonly findings: readonly IssuerFinding[] } {
  const chain = readChain(certificatePem, privateKeyPem);
  const privateKey = privateKeyPem && readKey(privateKeyPem);
  const findings: IssuerFinding[] = [];
  const add = (about: IssuerFinding['about'], finding: TrustFinding): void => {
    const tolerated = use.tolerateEnd && finding.code === 'ISSUER_EXPIRED';
    findings.push({ ...finding, about, ...(tolerated && { severity: 'warning' as const }) });
  };
  if (typeof privateKey === 'string') {
    const hint = 'write an unencrypted PEM private key: PKCS#8, PKCS#1 or SEC1';
    add('privateKey', trustError('ISSUER_UNPARSABLE', privateKey, hint));
  }
  if (typeof chain === 'string') {
    const hint = 'write the PEM certificate of the issuing CA first, then those above it';
    add('certificate', trustError('ISSUER_UNPARSABLE', chain, hint));
    return { findings };
  }
  const [certificate] = chain;
  for (const finding of certificateFindings(certificate, trustDomain, now)) add('certificate', finding);
  if (typeof privateKey === 'object' && !matches(certificate, privateKey)) {
    const message = "the private key is not the issuing certificate's";
    const hint = 'write the key that belongs to the first certificate of the file';
    add('privateKey', trustError('ISSUER_KEY_MISMATCH', message, hint));
  }
  const samples = use.samples ?? [gatewaySample(trustDomain)];
  for (const finding of chainFindings(chain, samples, now)) add('certificate', finding);
  if (findings.some(({ severity }) => severity === 'error') || typeof privateKey === 'string') return { findings };
  if (privateKey === undefined) return { chain, findings };
  // A root is the peers' trust anchor: they have it. A certificate that only has its issuer's name is a link like any other.
  const intermediates = chain.filter((link) => !isSignedBy(link, link));
  return { issuer: { certificate, chain, intermediates, privateKey }, chain, findings };
}

function gatewaySample(trustDomain: TrustDomain): Sample {
  return { id: spiffeId(trustDomain, 'gateway/ingress'), purposes: ['server', 'client'] };
}

function certificateFindings(certificate: Certificate, trustDomain: TrustDomain, now: number): readonly TrustFinding[] {
  const findings: TrustFinding[] = [];
  if (!certificate.isCa || certificate.keyUsage?.keyCertSign === false) {
    const hint = 'write the certificate of a CA; `postern certs dev` makes one for trying things';
    findings.push(trustError('ISSUER_NOT_A_CA', 'the issuing certificate is not a CA', hint));
  }
  if (certificate.notAfter <= now || certificate.notBefore > now)
    findings.push(outsideValidity('the issuing certificate', certificate));
  const weakness = keyWeakness(certificate.publicKey);
  if (weakness !== undefined) {
    const hint = 'use RSA of 2048 to 8192 bits, P-256, P-384, P-521 or Ed25519';
    findings.push(trustError('ISSUER_WEAK_KEY', `the issuing CA has ${weakness}`, hint));
  }
  if (certificate.uris.some((uri) => uri.startsWith('spiffe:') && uri !== `spiffe://${trustDomain}`)) {
    const message = 'the issuing CA is that of another trust domain';
    findings.push(trustError('ISSUER_FOREIGN', message, `write the CA of ${trustDomain}`));
  }
  return findings;
}

type Chain = readonly [Certificate, ...Certificate[]];

/** The certificates of the file, or what is wrong with it. It may hold the key as well if it is also the key's file. */
function readChain(pem: Buffer, privateKeyPem: Buffer | undefined): Chain | string {
  const blocks = parsePem(pem.toString('latin1'));
  if (blocks === undefined) return 'the issuing certificate is not a PEM certificate';
  if (blocks.length === 0) return 'the file of the issuing certificate is empty';
  const others = blocks.filter(({ type }) => type !== 'CERTIFICATE');
  if (others.some(({ type }) => isKey(type)) && !(privateKeyPem && pem.equals(privateKeyPem)))
    return 'the file of the issuing certificate holds a private key, and is not the file that privateKey names';
  const foreign = others.find(({ type }) => !isKey(type));
  if (foreign !== undefined) return `the file of the issuing certificate holds a ${foreign.type.slice(0, 40)}`;
  try {
    const [first, ...above] = blocks
      .filter(({ type }) => type === 'CERTIFICATE')
      .map(({ body }) => parseCertificate(body));
    return first === undefined ? 'the file of the issuing certificate holds no certificate' : [first, ...above];
  } catch {
    return 'the issuing certificate, or one above it, cannot be read';
  }
}

/** The key, or what is wrong with it. node:crypto's own message may quote the input, and is not repeated. */
function readKey(pem: Buffer): KeyObject | string {
  const text = pem.toString('latin1');
  if (/ENCRYPTED/.test(text)) return 'the private key is encrypted';
  if (text.trim() === '') return 'the file of the private key is empty';
  const blocks = parsePem(text);
  if (blocks === undefined) return 'the file of the private key is not PEM';
  if (blocks.length === 0) return 'the file of the private key is empty';
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

function matches(certificate: Certificate, key: KeyObject): boolean {
  const theirs = certificate.publicKey.export({ type: 'spki', format: 'der' });
  return publicOf(key).equals(theirs);
}

function publicOf(key: KeyObject): Buffer {
  return createPublicKey(key).export({ type: 'spki', format: 'der' });
}
