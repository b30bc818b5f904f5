// The part of Protobuf's wire format that the hot path writes: lengths and length-delimited fields.
// Must not: know messages; the codec encodes resources.

const LENGTH_DELIMITED = 2;

export function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) length += 1;
  return length;
}

export function writeVarint(target: Buffer, offset: number, value: number): number {
  let at = offset;
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) {
    target[at] = (rest % 0x80) | 0x80;
    at += 1;
  }
  target[at] = rest;
  return at + 1;
}

/** The tag and length that go before `length` bytes of a field (field numbers below 16). */
export function fieldHead(field: number, length: number): Buffer {
  const head = Buffer.allocUnsafe(1 + varintLength(length));
  head[0] = (field << 3) | LENGTH_DELIMITED;
  writeVarint(head, 1, length);
  return head;
}

export function bytesField(field: number, content: Uint8Array): Buffer {
  return Buffer.concat([fieldHead(field, content.length), content]);
}

/** A string field; no bytes for the empty string, which is proto3's default. */
export function stringField(field: number, content: string): Buffer {
  return content === '' ? Buffer.alloc(0) : bytesField(field, Buffer.from(content));
}

/** A repeated string field, in one piece; an empty string is an element too. */
export function stringsField(field: number, contents: readonly string[]): Buffer {
  let total = 0;
  const lengths = contents.map((content) => Buffer.byteLength(content));
  for (const length of lengths) total += 1 + varintLength(length) + length;
  const bytes = Buffer.allocUnsafe(total);
  let at = 0;
  for (const [index, length] of lengths.entries()) {
    bytes[at] = (field << 3) | LENGTH_DELIMITED;
    at = writeVarint(bytes, at + 1, length);
    at += bytes.write(contents[index] ?? '', at);
  }
  return bytes;
}

/** An unsigned number; no bytes for zero, which is proto3's default. */
export function varintField(field: number, value: number): Buffer {
  if (value === 0) return Buffer.alloc(0);
  const bytes = Buffer.allocUnsafe(1 + varintLength(value));
  bytes[0] = field << 3;
  writeVarint(bytes, 1, value);
  return bytes;
}
