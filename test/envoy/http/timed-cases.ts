// Certificates and CAs whose lives are over, or begin later, for an ingress gateway that was configured an hour ago.
// Must not: say what a gateway makes of them; a gateway does.

import { generateKeyPairSync, type KeyObject, randomBytes, X509Certificate } from 'node:crypto';
import { parseCertificate, pemOf } from '../../../src/trust/x509/certificate.ts';
import { type CertificateFields, signCertificate } from '../../../src/trust/x509/certificate-writer.ts';
import type { ShownCase } from './shown-cases.ts';
import type { ShownPeer } from './shown-scene.ts';

export const HOUR = 3_600_000;

/** The openssl command knows no clock but the machine's; our own writer makes these. Times are from now. */
export function timedCases(): readonly ShownCase[] {
  const good = newCa('time', -2 * HOUR, HOUR);
  const [ended, renewed] = [newCa('renewed', -2 * HOUR, -HOUR / 2), newCa('renewed', -HOUR, HOUR)];
  const last = newCa('ended', -2 * HOUR, -HOUR / 2);
  const peer = (name: string, ...bundle: readonly TimedCa[]): ShownPeer => ({
    name,
    trustDomain: `${name}.example`,
    bundle: bundle.map(({ pem }) => pem).join(''),
  });
  const dated = (name: string, by: ShownPeer, ca: TimedCa, from: number, until: number, above = ''): ShownCase => {
    const { publicKey, privateKey } = keyPair();
    const id = `spiffe://${by.trustDomain}/gateway/ingress`;
    const pem = signed(ca, { commonName: 'gateway', publicKey, isCa: false, uris: [id] }, from, until);
    return {
      name,
      peer: by,
      cert: `${pem}${above}`,
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    };
  };
  const middle = (from: number, until: number): TimedCa => newCa('middle', from, until, good);
  const below = (name: string, ca: TimedCa, from = -HOUR, until = HOUR): ShownCase =>
    dated(name, peer('time', good), ca, from, until, ca.pem);
  return [
    dated('a life that is over', peer('time', good), good, -2 * HOUR, -HOUR / 2),
    dated('a life that begins later', peer('time', good), good, HOUR, 2 * HOUR),
    dated('a life that goes on', peer('time', good), good, -HOUR, HOUR),
    below('a CA between whose life is over', middle(-2 * HOUR, -HOUR / 2)),
    below('a CA between whose life begins later', middle(HOUR / 2, HOUR)),
    below(
      'a CA between whose life begins later, and an own one that is over',
      middle(HOUR / 2, HOUR),
      -HOUR,
      -HOUR / 2,
    ),
    below(
      'a CA between whose life is over, and an own one that begins later',
      middle(-HOUR, -HOUR / 2),
      HOUR,
      2 * HOUR,
    ),
    dated('a CA of the bundle whose life is over', peer('ended', last), last, -HOUR, HOUR),
    dated(
      'two CAs of one name in the bundle, of which the older one is over',
      peer('renewed', ended, renewed),
      renewed,
      -HOUR,
      HOUR,
    ),
    dated(
      'a CA that is over, beside one of its name that goes on',
      peer('renewed', ended, renewed),
      ended,
      -HOUR,
      HOUR,
    ),
  ];
}

interface TimedCa {
  readonly pem: string;
  readonly privateKey: KeyObject;
}

function keyPair(): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
}

function newCa(name: string, from: number, until: number, by?: TimedCa): TimedCa {
  const { publicKey, privateKey } = keyPair();
  const trustDomain = by === undefined ? name : 'time';
  const fields = { commonName: `CA ${name}`, publicKey, isCa: true, uris: [`spiffe://${trustDomain}.example`] };
  return { pem: signed(by ?? privateKey, fields, from, until), privateKey };
}

function signed(
  by: TimedCa | KeyObject,
  fields: Pick<CertificateFields, 'commonName' | 'publicKey' | 'isCa' | 'uris'>,
  from: number,
  until: number,
): string {
  const [notBefore, notAfter] = [Date.now() + from, Date.now() + until];
  const signer = 'pem' in by ? signerOf(by) : { privateKey: by };
  return pemOf(
    signCertificate({ serial: `4a${randomBytes(8).toString('hex')}`, notBefore, notAfter, ...fields, signer }),
  );
}

function signerOf({ pem, privateKey }: TimedCa): CertificateFields['signer'] {
  const { subject, subjectKeyId } = parseCertificate(new X509Certificate(pem).raw);
  return { privateKey, subject, subjectKeyId };
}
