// Checks that a client's leaf certificate is an X509-SVID (X509-SVID sections 2, 3, 4, 5.2) and reads its SPIFFE ID.
// Must not: verify the chain (TLS has), or accept two URI names: a verifier could take either one.

import { parseSpiffeId, type SpiffeId } from './spiffe.ts';
import { parseCertificate } from './x509/certificate.ts';

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

export type SvidResult =
  | { readonly ok: true; readonly id: SpiffeId; readonly notAfter: number; readonly fingerprint: string }
  | { readonly ok: false; readonly reason: string };

export function readSvid(der: Buffer, now: number): SvidResult {
  let certificate: ReturnType<typeof parseCertificate>;
  try {
    certificate = parseCertificate(der);
  } catch {
    return { ok: false, reason: 'unreadable certificate' };
  }
  const [uri, ...more] = certificate.uris;
  const id = uri === undefined ? undefined : parseSpiffeId(uri);
  const usage = certificate.extendedKeyUsage;
  const reason =
    id === undefined
      ? 'no SPIFFE ID'
      : more.length > 0
        ? 'more than one URI name'
        : certificate.isCa || certificate.keyUsage?.keyCertSign || certificate.keyUsage?.crlSign
          ? 'a signing certificate'
          : certificate.keyUsage?.digitalSignature === false
            ? 'no digitalSignature key usage'
            : usage !== undefined && !(usage.includes(SERVER_AUTH) && usage.includes(CLIENT_AUTH))
              ? 'extended key usage without client and server authentication'
              : certificate.notAfter <= now || certificate.notBefore > now
                ? 'outside its validity'
                : undefined;
  if (reason !== undefined || id === undefined) return { ok: false, reason: reason ?? 'no SPIFFE ID' };
  return { ok: true, id, notAfter: certificate.notAfter, fingerprint: certificate.fingerprint };
}
