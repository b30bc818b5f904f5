// Reads DER (X.690, 8 to 11), for peers' CAs and for our issuer alike: every value has one encoding, and no other is taken.
// Envoy's TLS library refuses BER, and a reader that takes several encodings of a value can see another one than Envoy does.
// Must not: guess, recover, read without a bound on depth, or look into an OCTET STRING.

import { isBitString, isMinimalInteger, isOid, isText, TAG, timeOf } from './der-content.ts';

/** What is wrong with the bytes, as the end of a sentence that begins with what they are. */
export class DerError extends Error {}

export interface DerNode {
  /** The identifier octet: class, constructed bit and number. */
  readonly tag: number;
  readonly content: Buffer;
  /** Tag, length and content. */
  readonly bytes: Buffer;
  /** The values inside, if it is constructed. */
  readonly children: readonly DerNode[];
}

/** Certificates are no deeper than ten. */
const MAX_DEPTH = 32;

/** Reads bytes that are exactly one value. Errors: DerError. */
export function readDer(bytes: Buffer): DerNode {
  const node = readValue(bytes, 0, 0);
  if (node.bytes.length !== bytes.length) throw new DerError('has bytes behind its end');
  return node;
}

function readValue(bytes: Buffer, start: number, depth: number): DerNode {
  if (depth > MAX_DEPTH) throw new DerError('is nested too deeply');
  const tag = bytes[start];
  const first = bytes[start + 1];
  if (tag === undefined || first === undefined) throw new DerError('is cut off');
  if ((tag & 0x1f) === 0x1f) throw new DerError('has a tag of several bytes');
  const { length, size } = readLength(bytes, start + 1, first);
  const begin = start + 1 + size;
  if (begin + length > bytes.length) throw new DerError('is cut off, or has a length that is too large');
  const content = bytes.subarray(begin, begin + length);
  const children = (tag & 0x20) === 0 ? [] : readAll(content, depth + 1);
  const node = { tag, content, bytes: bytes.subarray(start, begin + length), children };
  checkUniversal(node);
  return node;
}

function readLength(bytes: Buffer, at: number, first: number): { readonly length: number; readonly size: number } {
  if (first < 0x80) return { length: first, size: 1 };
  const count = first & 0x7f;
  if (count === 0) throw new DerError('has an indefinite length (BER, not DER)');
  if (count > 4 || at + count >= bytes.length) throw new DerError('is cut off, or has a length that is too large');
  const length = bytes.readUIntBE(at + 1, count);
  if (length < 0x80 || length < 2 ** (8 * (count - 1)))
    throw new DerError('has a length that is not minimal (BER, not DER)');
  return { length, size: 1 + count };
}

function readAll(content: Buffer, depth: number): readonly DerNode[] {
  const nodes: DerNode[] = [];
  for (let at = 0; at < content.length; ) {
    const node = readValue(content, at, depth);
    nodes.push(node);
    at += node.bytes.length;
  }
  return nodes;
}

/** Checks what the tag alone says about a value; tags of other classes mean what their context says. */
function checkUniversal({ tag, content, children }: DerNode): void {
  if ((tag & 0xc0) !== 0) return;
  switch (tag) {
    case TAG.boolean:
      if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff))
        throw new DerError('has a BOOLEAN that is not DER');
      return;
    case TAG.integer:
      if (!isMinimalInteger(content)) throw new DerError('has an INTEGER that is not minimal');
      return;
    case TAG.bitString:
      if (!isBitString(content)) throw new DerError('has a BIT STRING whose unused bits are not zero');
      return;
    case TAG.null:
      if (content.length !== 0) throw new DerError('has a NULL that is not empty');
      return;
    case TAG.oid:
      if (!isOid(content)) throw new DerError('has an OBJECT IDENTIFIER that is not DER');
      return;
    case TAG.set:
      if (!isSorted(children)) throw new DerError('has a SET that is not sorted');
      return;
    case TAG.utcTime:
    case TAG.generalizedTime:
      if (timeOf(tag, content) === undefined)
        throw new DerError('has a time in a form that RFC 5280 forbids, or that the calendar does not have');
      return;
    case TAG.octetString:
    case TAG.sequence:
      return;
    default:
      if (!isText(tag, content)) throw new DerError(`has a value of the type ${tag} that is not valid`);
  }
}

/** X.690, 11.6: the encodings in ascending order. */
function isSorted(nodes: readonly DerNode[]): boolean {
  return nodes.every(({ bytes }, index) => Buffer.compare(nodes[index - 1]?.bytes ?? bytes, bytes) <= 0);
}

/** The dotted form of an OBJECT IDENTIFIER's content; a very long one keeps its bytes, in hex. */
export function oidText(content: Buffer): string {
  const numbers: bigint[] = [];
  let value = 0n;
  // Real identifiers have some ten bytes: a number of thousands of digits would cost the square of its length.
  if (content.length > 64) return `hex:${content.toString('hex')}`;
  for (const byte of content) {
    value = (value << 7n) | BigInt(byte & 0x7f);
    if (byte < 0x80) {
      if (numbers.length === 0) {
        const top = value < 40n ? 0n : value < 80n ? 1n : 2n;
        numbers.push(top, value - top * 40n);
      } else numbers.push(value);
      value = 0n;
    }
  }
  return numbers.join('.');
}
