// Issues leaf certificates for our gateways, and CAs for the control channel, for development and for cutting off peers.
// Must not: read files or the clock; issue a leaf that outlives its issuer; reuse a key.

import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { PrivateKeyPem } from '../keys/private-key.ts';
import type { SpiffeId, TrustDomain } from '../spiffe.ts';
import { parseCertificate, pemOf } from '../x509/certificate.ts';
import { signCertificate } from '../x509/certificate-writer.ts';
import type { Issuer } from './issuer.ts';
import { leafCommonName } from './issuer-chain.ts';

export interface Issued {
  /** PEM: the leaf, then the CAs between it and the trust anchor. */
  readonly certificateChain: string;
  readonly privateKey: PrivateKeyPem;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly fingerprint: string;
}

export interface LeafRequest {
  readonly issuer: Issuer;
  readonly id: SpiffeId;
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly lifetimeSeconds: number;
}

/** The clocks of two organisations differ: a certificate is valid from a little before it is issued. */
const BACKDATE = 5 * 60 * 1000;

/**
 * A new P-256 key and its certificate, with one URI name. It is valid only while the issuer is: an expired issuer signs an
 * expired certificate, which every peer refuses.
 */
export function issueLeaf(request: LeafRequest): Issued {
  const { issuer } = request;
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const { notBefore, notAfter } = leafValidity(issuer, request.now, request.lifetimeSeconds);
  const der = signCertificate({
    serial: randomSerial(),
    commonName: leafCommonName(request.id),
    notBefore,
    notAfter,
    publicKey,
    isCa: false,
    uris: [request.id],
    ...(request.dnsNames && { dnsNames: request.dnsNames }),
    ...(request.ipAddresses && { ipAddresses: request.ipAddresses }),
    signer: {
      privateKey: issuer.privateKey,
      subject: issuer.certificate.subject,
      subjectKeyId: issuer.certificate.subjectKeyId,
    },
  });
  const certificate = parseCertificate(der);
  return {
    certificateChain: [certificate.pem, ...issuer.intermediates.map((link) => link.pem)].join(''),
    privateKey: exported(privateKey),
    notBefore,
    notAfter,
    fingerprint: certificate.fingerprint,
  };
}

/** The validity of a leaf that is issued now. */
export function leafValidity(
  { certificate }: Issuer,
  now: number,
  lifetimeSeconds: number,
): { readonly notBefore: number; readonly notAfter: number } {
  const begin = Math.min(Math.max(now, certificate.notBefore), certificate.notAfter);
  return {
    notBefore: Math.max(begin - BACKDATE, certificate.notBefore),
    notAfter: Math.min(begin + lifetimeSeconds * 1000, certificate.notAfter),
  };
}

export interface NewCa {
  readonly commonName: string;
  readonly trustDomain: TrustDomain;
  readonly now: number;
  readonly lifetimeSeconds: number;
}

/** A self-signed P-256 CA; its SPIFFE ID is the trust domain itself (X509-SVID 3.2). */
export function createCa(request: NewCa): { readonly certificate: string; readonly privateKey: PrivateKeyPem } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const der = signCertificate({
    serial: randomSerial(),
    commonName: request.commonName,
    notBefore: request.now - BACKDATE,
    notAfter: request.now + request.lifetimeSeconds * 1000,
    publicKey,
    isCa: true,
    uris: [`spiffe://${request.trustDomain}`],
    signer: { privateKey },
  });
  return { certificate: pemOf(der), privateKey: exported(privateKey) };
}

/** A CA certificate whose key is dropped at once: it replaces the bundle of a removed peer, so that no certificate verifies. */
export function createThrowawayRoot(now: number): string {
  const lifetimeSeconds = 10 * 365 * 24 * 60 * 60;
  return createCa({ commonName: 'nobody', trustDomain: 'nobody.invalid' as TrustDomain, now, lifetimeSeconds })
    .certificate;
}

function exported(key: KeyObject): PrivateKeyPem {
  return new PrivateKeyPem(key.export({ type: 'pkcs8', format: 'pem' }) as string);
}

/** RFC 5280, 4.1.2.2: positive, at most 20 bytes; here 127 random bits behind a byte that is never zero. */
function randomSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString('hex');
}
