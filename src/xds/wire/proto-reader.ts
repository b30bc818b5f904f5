// Reads the length-delimited fields of a protobuf message one by one; a discovery request has no others that matter.
// Must not: copy, or make an object for a field that is not read.

import { XdsError } from '../stream-status.ts';

const LENGTH_DELIMITED = 2;

export class Fields {
  /** The number of the current field. */
  field = 0;
  /** Where its tag begins. */
  head = 0;
  private readonly buffer: Buffer;
  private from = 0;
  private to = 0;

  constructor(buffer: Buffer) {
    this.buffer = buffer;
  }

  /** Moves to the next length-delimited field, past others; false when there is none. Errors: XdsError. */
  next(): boolean {
    const { buffer } = this;
    while (this.to < buffer.length) {
      this.from = this.to;
      this.head = this.from;
      const tag = this.varint();
      const wireType = tag % 8;
      if (wireType !== LENGTH_DELIMITED) {
        this.skip(wireType);
        continue;
      }
      const length = this.varint();
      this.to = this.from + length;
      if (this.to > buffer.length) throw malformed();
      this.field = Math.floor(tag / 8);
      return true;
    }
    return false;
  }

  /** Where the field ends. */
  get end(): number {
    return this.to;
  }

  /** Goes on at `end`, where a field must begin. */
  moveTo(end: number): void {
    this.to = end;
  }

  /** At most its first `maxBytes`, cut before decoding: a slice of a string would keep the whole string. */
  text(maxBytes = Number.POSITIVE_INFINITY): string {
    return this.buffer.toString('utf8', this.from, Math.min(this.to, this.from + maxBytes));
  }

  /** In bytes. */
  get length(): number {
    return this.to - this.from;
  }

  /** For text that is only compared with ASCII. */
  latin1(): string {
    return this.buffer.toString('latin1', this.from, this.to);
  }

  bytes(): Buffer {
    return this.buffer.subarray(this.from, this.to);
  }

  /** Reads at `from`, and moves it. */
  private varint(): number {
    const { buffer } = this;
    const first = buffer[this.from];
    if (first !== undefined && first < 0x80) {
      this.from += 1;
      return first;
    }
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 10; count += 1) {
      const byte = buffer[this.from];
      if (byte === undefined) break;
      this.from += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
    throw malformed();
  }

  private skip(wireType: number): void {
    if (wireType === 0) this.varint();
    else if (wireType === 1) this.from += 8;
    else if (wireType === 5) this.from += 4;
    else throw malformed();
    if (this.from > this.buffer.length) throw malformed();
    this.to = this.from;
  }
}

function malformed(): XdsError {
  return new XdsError('INVALID_ARGUMENT', 'the request is not a discovery request');
}
