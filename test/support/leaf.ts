// Client certificates of every kind, right and wrong, signed by a CA of a test.
// Must not: be used by the product.

import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Credentials } from '../../deploy/demo/calls.ts';
import { parseIssuer } from '../../src/trust/issuing/issuer.ts';
import type { TrustDomain } from '../../src/trust/spiffe.ts';
import { pemOf } from '../../src/trust/x509/certificate.ts';
import { signCertificate } from '../../src/trust/x509/certificate-writer.ts';

export type KeyKind = 'p256' | 'p384' | 'ed25519' | 'rsa2048' | 'rsa1024';

export interface Leaf {
  /** The folder with ca.pem and ca-key.pem, and the trust domain of that CA. */
  readonly ca: string;
  readonly caTrustDomain: string;
  readonly uris: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly key?: KeyKind;
  /** Milliseconds from now; an hour unless said otherwise. */
  readonly expiresIn?: number;
  /** The same; a day ago unless said otherwise. */
  readonly validIn?: number;
}

const HOUR = 60 * 60 * 1000;

export function leaf(wanted: Leaf): Credentials {
  const now = Date.now();
  const read = (name: string): Buffer => readFileSync(join(wanted.ca, name));
  const trustDomain = wanted.caTrustDomain as TrustDomain;
  const { issuer } = parseIssuer(read('ca.pem'), read('ca-key.pem'), trustDomain, now);
  if (issuer === undefined) throw new Error(`no CA in ${wanted.ca}`);
  const { publicKey, privateKey } = keyPair(wanted.key ?? 'p256');
  const der = signCertificate({
    serial: `4a${randomBytes(8).toString('hex')}`,
    commonName: 'a gateway',
    notBefore: now + (wanted.validIn ?? -24 * HOUR),
    notAfter: now + (wanted.expiresIn ?? HOUR),
    publicKey,
    isCa: false,
    uris: wanted.uris,
    ...(wanted.dnsNames && { dnsNames: wanted.dnsNames }),
    signer: {
      privateKey: issuer.privateKey,
      subject: issuer.certificate.subject,
      subjectKeyId: issuer.certificate.subjectKeyId,
    },
  });
  return { cert: pemOf(der), key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string };
}

/** A CA with an RSA key, in the files that `postern certs dev` would write. */
export function rsaCa(folder: string, trustDomain: string): void {
  const now = Date.now();
  const { publicKey, privateKey } = keyPair('rsa2048');
  const der = signCertificate({
    serial: `4a${randomBytes(8).toString('hex')}`,
    commonName: `${trustDomain} RSA CA`,
    notBefore: now - 48 * HOUR,
    notAfter: now + 48 * HOUR,
    publicKey,
    isCa: true,
    uris: [`spiffe://${trustDomain}`],
    signer: { privateKey },
  });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'ca.pem'), pemOf(der));
  writeFileSync(join(folder, 'ca-key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
}

function keyPair(kind: KeyKind): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  switch (kind) {
    case 'p256':
      return generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    case 'p384':
      return generateKeyPairSync('ec', { namedCurve: 'secp384r1' });
    case 'ed25519':
      return generateKeyPairSync('ed25519');
    case 'rsa2048':
      return generateKeyPairSync('rsa', { modulusLength: 2048 });
    case 'rsa1024':
      return generateKeyPairSync('rsa', { modulusLength: 1024 });
  }
}
