// Finds what makes encoded bytes BER but not DER (X.690, 10 and 11), where a certificate can have it.
// Must not: use any library, least of all the one that wrote the bytes.

const [BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, SEQUENCE, SET, UTC_TIME, GENERALIZED_TIME] = [
  1, 2, 3, 4, 0x30, 0x31, 0x17, 0x18,
];

/** Empty for strict DER. Extension values are looked into, too: they are DER inside an OCTET STRING. */
export function derFaults(der: Buffer): readonly string[] {
  const faults: string[] = [];
  const end = walk(der, 0, der.length, faults, '');
  if (end !== der.length) faults.push(`${der.length - end} bytes behind the end`);
  return faults;
}

/** Reads one value; the offset behind it. */
function walk(der: Buffer, start: number, limit: number, faults: string[], inside: string): number {
  const fault = (what: string): void => void faults.push(`${start}: ${what}`);
  const tag = der[start] ?? 0;
  const first = der[start + 1] ?? 0;
  const size = first < 0x80 ? 0 : first & 0x7f;
  const begin = start + 2 + size;
  const length = first < 0x80 ? first : der.readUIntBE(start + 2, Math.min(Math.max(size, 1), 6));
  if (first === 0x80) fault('an indefinite length');
  if (size > 0 && (length < 0x80 || der[start + 2] === 0)) fault('a length that is longer than need be');
  const end = begin + length;
  if (end > limit) {
    fault('a value that ends behind what holds it');
    return limit;
  }
  const content = der.subarray(begin, end);
  if ((tag & 0x20) !== 0) {
    for (let at = begin; at < end; ) at = walk(der, at, end, faults, tag === SEQUENCE ? 'sequence' : '');
    if (tag === SET && length === 0) fault('an empty set');
    return end;
  }
  if (tag === BOOLEAN && !content.equals(Buffer.of(0xff))) fault('a BOOLEAN that is not TRUE: FALSE is the default');
  if (tag === INTEGER && (length === 0 || isPadded(content))) fault('an INTEGER that is longer than need be');
  if (tag === BIT_STRING && !hasZeroPadding(content)) fault('a BIT STRING whose unused bits are not zero');
  if (tag === UTC_TIME && !/^\d{12}Z$/.test(content.toString('latin1'))) fault('a UTCTime without seconds or Z');
  if (tag === GENERALIZED_TIME && !/^\d{14}Z$/.test(content.toString('latin1')))
    fault('a GeneralizedTime in another form');
  if (tag === OCTET_STRING && inside === 'sequence') walk(der, begin, end, faults, '');
  return end;
}

function isPadded(content: Buffer): boolean {
  const [one = 0, two = 0] = content;
  return content.length > 1 && ((one === 0 && two < 0x80) || (one === 0xff && two >= 0x80));
}

function hasZeroPadding(content: Buffer): boolean {
  const unused = content[0] ?? 8;
  const last = content.at(-1) ?? 0;
  return unused < 8 && (content.length === 1 ? unused === 0 : (last & ((1 << unused) - 1)) === 0);
}
