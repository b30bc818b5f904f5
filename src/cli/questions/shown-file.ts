// I/O: a certificate that somebody may show, from a PEM file: the leaf, then what comes with it.
// Must not: read a private key, or guess at what Postern's own reader does not take.

import { MAX_FILE_BYTES } from '../../config/files/load.ts';
import { readRegular } from '../../config/files/regular-file.ts';
import type { ShownCertificate } from '../../decision/answer/question.ts';
import { shownBy } from '../../decision/tls/shown-certificate.ts';
import { PosternError } from '../../errors.ts';
import { oneLine } from '../../one-line.ts';
import { holdsPrivateKey } from '../../trust/keys/private-key.ts';
import { type Certificate, parseCertificate } from '../../trust/x509/certificate.ts';
import { DerError } from '../../trust/x509/der.ts';
import { readPem } from '../../trust/x509/pem.ts';

/** The leaf and the 100 above it that the TLS library follows at most; what comes with them is no chain. */
const MOST_CERTIFICATES = 101;

/** Errors: USAGE for a file that is no list of certificates, UNJUDGED for a certificate that is not read here. */
export async function shownCertificate(file: string, flag: string): Promise<ShownCertificate> {
  const { bytes, reason } = await readRegular(file, MAX_FILE_BYTES);
  if (bytes === undefined) throw usage(`${flag} ${file} cannot be read: ${reason}`);
  const text = bytes.toString('latin1');
  if (holdsPrivateKey(text))
    throw usage(`${flag} ${file} holds a private key; give a file with the certificates alone`);
  const { blocks = [], fault } = readPem(text);
  const other = blocks.find(({ type }) => type !== 'CERTIFICATE');
  if (fault !== undefined) throw usage(`${flag} ${file} ${fault}; it is not a PEM file`);
  if (other !== undefined) throw usage(`${flag} ${file} holds a ${other.type.slice(0, 40)}; give certificates alone`);
  // Before any of them is read.
  if (blocks.length > MOST_CERTIFICATES)
    throw usage(`${flag} ${file} has ${blocks.length} certificates; at most ${MOST_CERTIFICATES} are read`);
  const [leaf, ...above] = blocks.map(({ body }, index) => certificateOf(body, `certificate ${index + 1} of ${file}`));
  if (leaf === undefined) throw usage(`${flag} ${file} has no certificate; write the leaf first, then those above it`);
  return shownBy([leaf, ...above]);
}

function certificateOf(der: Buffer, what: string): Certificate {
  try {
    return parseCertificate(der);
  } catch (error) {
    const why = error instanceof DerError ? error.message : 'cannot be read';
    throw new PosternError('UNJUDGED', oneLine(`${what} ${why}: what a gateway makes of it is not known here`));
  }
}

function usage(message: string): PosternError {
  return new PosternError('USAGE', oneLine(message));
}
