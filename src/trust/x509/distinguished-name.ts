// Distinguished names as verifiers compare them: not by their bytes, but after the preparation of their strings.
// In: the DER of a Name. Out: a canonical form of each RDN, and a text for people.
// The form is OpenSSL's and BoringSSL's (x509_name_canon): UTF-8, lower-case ASCII, spaces trimmed and collapsed.

import { childrenOf, type DerValue, oidOf, readDer } from './der-reader.ts';

/** One string for each RDN, in order: two names are equal when all are, and one begins another when its RDNs do. */
export function canonicalName(der: Buffer): readonly string[] {
  return childrenOf(readDer(der)).map((rdn) =>
    childrenOf(rdn)
      .map((attribute) => {
        const [type, value] = childrenOf(attribute);
        if (type === undefined || value === undefined) throw new Error('a name with an incomplete attribute');
        return `${oidOf(type)}=${canonicalValue(value)}`;
      })
      .sort()
      .join('+'),
  );
}

/** The e-mail addresses of a name: verifiers apply constraints to them as well. */
export function emailsOf(der: Buffer): readonly string[] {
  return attributesOf(der).flatMap(({ type, value }) => (type === '1.2.840.113549.1.9.1' ? [textOf(value) ?? ''] : []));
}

const SHORT: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
};

/** What a person reads. A certificate's content is a stranger's: only harmless characters of it, and not many. */
export function printableName(der: Buffer): string {
  const text = attributesOf(der)
    .map(({ type, value }) => `${SHORT[type] ?? type}=${textOf(value) ?? '?'}`)
    .join(', ');
  return text === '' ? 'without a name' : text.slice(0, 120).replace(/[^\x20-\x7e]/g, '?');
}

function attributesOf(der: Buffer): readonly { readonly type: string; readonly value: DerValue }[] {
  return childrenOf(readDer(der)).flatMap((rdn) =>
    childrenOf(rdn).flatMap((attribute) => {
      const [type, value] = childrenOf(attribute);
      return type === undefined || value === undefined ? [] : [{ type: oidOf(type), value }];
    }),
  );
}

function canonicalValue(value: DerValue): string {
  const text = textOf(value);
  if (text === undefined) return `#${value.raw.toString('hex')}`;
  const lower = text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  const collapsed = lower.replace(/[ \t\n\v\f\r]+/g, ' ').replace(/^ | $/g, '');
  return JSON.stringify(collapsed);
}

/** The text of the string types that are compared as text; the others are compared by their bytes. */
function textOf({ tag, content }: DerValue): string | undefined {
  switch (tag) {
    case 0x0c: // UTF8String
      return content.toString('utf8');
    case 0x13: // PrintableString
    case 0x14: // T61String, which OpenSSL and BoringSSL read as Latin-1
    case 0x16: // IA5String
    case 0x1a: // VisibleString
      return content.toString('latin1');
    case 0x1e: // BMPString
      return content.length % 2 === 0 ? Buffer.from(content).swap16().toString('utf16le') : undefined;
    case 0x1c: // UniversalString
      return content.length % 4 === 0 ? universal(content) : undefined;
    default:
      return undefined;
  }
}

function universal(content: Buffer): string {
  const points = Array.from({ length: content.length / 4 }, (_, index) => content.readUInt32BE(4 * index));
  return points.map((point) => (point > 0x10ffff ? '\ufffd' : String.fromCodePoint(point))).join('');
}
