// The DER of a distinguished name that consists of a common name (RFC 5280, 4.1.2.4), without the certificate writer's library.
// Must not: differ from what certificate-writer.ts signs; test/trust/issue.test.ts compares them.

/** id-at-commonName, 2.5.4.3. */
const COMMON_NAME = Buffer.from([0x06, 0x03, 0x55, 0x04, 0x03]);

/** Errors: a name of more than 100 bytes; RFC 5280 allows 64 characters. */
export function commonNameDer(commonName: string): Buffer {
  const value = Buffer.from(commonName);
  if (value.length > 100) throw new Error('the common name is too long');
  const attribute = element(0x30, Buffer.concat([COMMON_NAME, element(0x0c, value)]));
  return element(0x30, element(0x31, attribute));
}

/** Tag, length and content; the lengths here fit into one byte. */
function element(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag, content.length]), content]);
}
