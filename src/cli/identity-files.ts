// Whether the certificate of `identity.files` is valid, where this machine has the file: it is meant for the gateway's disk.
// Must not: take a file that is not here for a fault, or read the key.

import { MAX_FILE_BYTES } from '../config/files/load.ts';
import { readRegular } from '../config/files/regular-file.ts';
import { quote } from '../config/schema/values/string-checks.ts';
import { type Finding, warningAt } from '../errors.ts';
import { dayOf } from '../trust/expiry.ts';
import { type Certificate, parseCertificate } from '../trust/x509/certificate.ts';
import { parsePem } from '../trust/x509/pem.ts';

/** IDENTITY_EXPIRED, for the first certificate of the chain that is not valid at `now`. */
export async function identityFileFindings(
  { certificate: name }: { readonly certificate: string },
  now: number,
): Promise<readonly Finding[]> {
  const { bytes } = await readRegular(name, MAX_FILE_BYTES);
  const chain = bytes === undefined ? [] : certificatesIn(bytes.toString('latin1'));
  const index = chain.findIndex(({ notBefore, notAfter }) => notAfter <= now || notBefore > now);
  const found = chain[index];
  if (found === undefined) return [];
  const what = index === 0 ? `the certificate in ${quote(name)}` : `certificate ${index + 1} in ${quote(name)}`;
  const when =
    found.notAfter <= now ? `expired on ${dayOf(found.notAfter)}` : `is not valid before ${dayOf(found.notBefore)}`;
  const hint = 'renew it before gateways show it: every handshake with a peer fails; this is the file of this machine';
  return [warningAt('IDENTITY_EXPIRED', ['identity', 'files', 'certificate'], `${what} ${when}`, hint)];
}

/** As far as they can be read: what Envoy makes of the rest is the gateway's affair. */
function certificatesIn(text: string): readonly Certificate[] {
  return (parsePem(text) ?? []).flatMap(({ type, body }) => {
    if (type !== 'CERTIFICATE') return [];
    try {
      return [parseCertificate(body)];
    } catch {
      return [];
    }
  });
}
