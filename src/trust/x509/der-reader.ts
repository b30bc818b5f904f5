// Reading DER by hand, for what node:crypto does not tell: nested values with their tags and exact bytes.
// Must not: accept a length that is indefinite, not minimal, or longer than what follows.

export interface DerValue {
  /** The identifier octet; a tag number above 30 does not occur in certificates and is refused. */
  readonly tag: number;
  readonly content: Buffer;
  /** Tag, length and content. */
  readonly raw: Buffer;
}

export const DER = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  sequence: 0x30,
  set: 0x31,
} as const;

/** The tag [n] of a context, of a primitive or of a constructed value. */
export function contextTag(number: number, constructed: boolean): number {
  return (constructed ? 0xa0 : 0x80) | number;
}

/** The one value that the bytes are. Errors: a plain Error. */
export function readDer(bytes: Buffer): DerValue {
  const [value, ...more] = readValues(bytes);
  if (value === undefined || more.length > 0) throw new Error('not one DER value');
  return value;
}

/** The values inside a constructed one. Errors: a plain Error. */
export function childrenOf(value: DerValue): readonly DerValue[] {
  return readValues(value.content);
}

function readValues(bytes: Buffer): readonly DerValue[] {
  const values: DerValue[] = [];
  for (let rest = bytes; rest.length > 0; ) {
    const value = readOne(rest);
    values.push(value);
    rest = rest.subarray(value.raw.length);
  }
  return values;
}

function readOne(bytes: Buffer): DerValue {
  const [tag = 0, first] = bytes;
  if (first === undefined || (tag & 0x1f) === 0x1f) throw new Error('a DER value that is cut or has a long tag');
  let [start, length] = [2, first];
  if (first >= 0x80) {
    const size = first & 0x7f;
    if (size === 0 || size > 4 || bytes.length < 2 + size) throw new Error('a DER length that cannot be read');
    length = bytes.readUIntBE(2, size);
    start += size;
    if (length < 0x80 || length < 2 ** (8 * (size - 1))) throw new Error('a DER length that is not minimal');
  }
  if (bytes.length < start + length) throw new Error('a DER value that is cut');
  return { tag, content: bytes.subarray(start, start + length), raw: bytes.subarray(0, start + length) };
}

/** An object identifier in dotted form. */
export function oidOf({ content }: DerValue): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of content) {
    arc = arc * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      arcs.push(arc);
      arc = 0;
    }
  }
  const [first = 0, ...rest] = arcs;
  const top = Math.min(2, Math.floor(first / 40));
  return [top, first - 40 * top, ...rest].join('.');
}
