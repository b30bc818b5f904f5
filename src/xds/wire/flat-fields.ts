// Reads the fields of nested protobuf messages in one buffer with one cursor: numbers of varints, places of the rest.
// Must not: make an object or a slice for a field, however many a client sends.

import { XdsError } from '../stream-status.ts';

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

export class FlatFields {
  /** The number of the current field. */
  field = 0;
  /** Where the content of the field begins; it ends at `at`. */
  from = 0;
  /** Where the next field begins. */
  at: number;
  /** Of a varint; -1 for any other field. */
  value = -1;
  /** Whether the field is text or a message, which is read from `from` to `at`. */
  isDelimited = false;
  readonly buffer: Buffer;

  constructor(buffer: Buffer, at = 0) {
    this.buffer = buffer;
    this.at = at;
  }

  /** Moves to the next field of the message that ends at `end`; false when there is none. Errors: XdsError INVALID_ARGUMENT. */
  next(end: number): boolean {
    if (this.at >= end) return false;
    const tag = this.varint(end);
    const wireType = tag % 8;
    this.field = Math.floor(tag / 8);
    this.isDelimited = wireType === LENGTH_DELIMITED;
    this.value = wireType === VARINT ? this.varint(end) : -1;
    const length = wireType === VARINT ? 0 : this.lengthOf(wireType, end);
    if (length > end - this.at) throw malformed();
    this.from = this.at;
    this.at += length;
    return true;
  }

  /** Goes into the current field; returns where that message ends. */
  enter(): number {
    const end = this.at;
    this.at = this.from;
    return end;
  }

  /** At most the first `maxBytes` of the current field. */
  text(maxBytes: number): string {
    return this.buffer.toString('utf8', this.from, Math.min(this.at, this.from + maxBytes));
  }

  private lengthOf(wireType: number, end: number): number {
    if (wireType === LENGTH_DELIMITED) return this.varint(end);
    if (wireType === FIXED64) return 8;
    if (wireType === FIXED32) return 4;
    throw malformed();
  }

  private varint(end: number): number {
    let [value, scale] = [0, 1];
    for (let count = 0; count < 10 && this.at < end; count += 1) {
      const byte = this.buffer[this.at] ?? 0;
      this.at += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
    throw malformed();
  }
}

function malformed(): XdsError {
  return new XdsError('INVALID_ARGUMENT', 'the message is not one of an access log');
}
