// Distinguished names as verifiers compare them: by their text, not by the bytes of its encoding.
// The canonical form is OpenSSL's and BoringSSL's (x509_name_canon): UTF-8, lower-case ASCII, spaces trimmed and collapsed.
// Must not: compare bytes; one name has several encodings.

import { DerError, type DerNode, oidText } from './der.ts';
import { TAG } from './der-content.ts';

/** One string for each RDN, in order: two names are equal when all are, and one begins another when its RDNs do. */
export function canonicalName(name: DerNode): readonly string[] {
  return name.children.map((rdn) =>
    attributesOf(rdn)
      .map(({ type, value }) => `${type}=${canonicalValue(value)}`)
      .sort()
      .join('+'),
  );
}

/** The e-mail addresses of a name: verifiers apply constraints to them as well. */
export function emailsOf(name: DerNode): readonly string[] {
  const attributes = name.children.flatMap(attributesOf);
  return attributes.flatMap(({ type, value }) => (type === EMAIL_ADDRESS ? [textOf(value) ?? ''] : []));
}

const EMAIL_ADDRESS = '1.2.840.113549.1.9.1';
const SHORT: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
};

/** For messages. */
export function printableName(name: DerNode): string {
  const attributes = name.children.flatMap(attributesOf);
  const text = attributes.map(({ type, value }) => `${SHORT[type] ?? type}=${textOf(value) ?? '?'}`).join(', ');
  return text === '' ? 'without a name' : printable(text);
}

/** Text of a certificate, which is not ours to trust, for a message: only harmless characters, and at most 120. */
export function printable(text: string): string {
  return text.slice(0, 120).replace(/[^\x20-\x7e]/g, '?');
}

interface Attribute {
  readonly type: string;
  readonly value: DerNode;
}

function attributesOf(rdn: DerNode): readonly Attribute[] {
  return rdn.children.map(({ children: [type, value] }) => {
    if (type === undefined || value === undefined) throw new DerError('has a name with an incomplete attribute');
    return { type: oidText(type.content), value };
  });
}

function canonicalValue(value: DerNode): string {
  const text = textOf(value);
  if (text === undefined) return `#${value.bytes.toString('hex')}`;
  const lower = text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  const collapsed = lower.replace(/[ \t\n\v\f\r]+/g, ' ').replace(/^ | $/g, '');
  return JSON.stringify(collapsed);
}

/** The text of the string types that are compared as text; the others are compared by their bytes. */
function textOf({ tag, content }: DerNode): string | undefined {
  switch (tag) {
    case TAG.utf8String:
      return content.toString('utf8');
    case TAG.printableString:
    case TAG.ia5String:
    case TAG.visibleString:
    // OpenSSL and BoringSSL read it as Latin-1.
    case TAG.t61String:
      return content.toString('latin1');
    case TAG.bmpString:
      return Buffer.from(content).swap16().toString('utf16le');
    case TAG.universalString:
      return String.fromCodePoint(...codePoints(content));
    default:
      return undefined;
  }
}

function codePoints(content: Buffer): readonly number[] {
  return Array.from({ length: content.length / 4 }, (_, index) => content.readUInt32BE(4 * index));
}

/** id-at-commonName, 2.5.4.3. */
const COMMON_NAME = Buffer.from([0x06, 0x03, 0x55, 0x04, 0x03]);

/**
 * The DER of a name that consists of a common name (RFC 5280, 4.1.2.4), as certificate-writer.ts writes it, without loading its
 * library; test/trust/issuing/issue.test.ts compares them. Errors: a name of more than 100 bytes; RFC 5280 allows 64 characters.
 */
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
