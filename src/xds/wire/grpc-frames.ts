// Splits the bytes of a stream into gRPC's length-prefixed messages, however they were cut into chunks.
// Must not: hold more bytes than were received, copy a message that arrived whole, or cost more for many small chunks than for
// few large ones.

import { XdsError } from '../stream-status.ts';
import { FRAME_HEAD } from './discovery-response.ts';

const FIRST_ALLOCATION = 1024;

export class RequestFrames {
  private readonly maxBytes: number;
  /** The beginning of a message that is not complete, head included: `filled` bytes of `buffer`. */
  private buffer: Buffer = NOTHING;
  private filled = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** Bytes retained of an incomplete message. */
  get held(): number {
    return this.buffer.length;
  }

  /** Errors: XdsError; nothing more can be read from the stream then. */
  push(chunk: Buffer, onMessage: (message: Buffer) => void): void {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.filled === 0 && rest.length >= FRAME_HEAD) {
        const end = FRAME_HEAD + this.length(rest);
        if (rest.length >= end) {
          onMessage(rest.subarray(FRAME_HEAD, end));
          rest = rest.subarray(end);
          continue;
        }
      }
      rest = this.gather(rest, onMessage);
    }
  }

  /** Takes the bytes of the incomplete message; returns those after it. */
  private gather(chunk: Buffer, onMessage: (message: Buffer) => void): Buffer {
    const missingHead = FRAME_HEAD - this.filled;
    if (missingHead > 0) {
      this.append(chunk.subarray(0, missingHead));
      if (this.filled === FRAME_HEAD && this.length(this.buffer) === 0) this.finish(onMessage);
      return chunk.subarray(Math.min(missingHead, chunk.length));
    }
    const missing = FRAME_HEAD + this.length(this.buffer) - this.filled;
    this.append(chunk.subarray(0, missing));
    if (chunk.length >= missing) this.finish(onMessage);
    return chunk.subarray(Math.min(missing, chunk.length));
  }

  private append(bytes: Buffer): void {
    const needed = this.filled + bytes.length;
    if (needed > this.buffer.length) {
      const doubled = Math.max(FIRST_ALLOCATION, needed, 2 * this.buffer.length);
      const most = this.filled < FRAME_HEAD ? doubled : FRAME_HEAD + this.length(this.buffer);
      const larger = Buffer.allocUnsafe(Math.min(doubled, Math.max(most, needed)));
      this.buffer.copy(larger, 0, 0, this.filled);
      this.buffer = larger;
    }
    bytes.copy(this.buffer, this.filled);
    this.filled = needed;
  }

  private finish(onMessage: (message: Buffer) => void): void {
    const message = this.buffer.subarray(FRAME_HEAD, this.filled);
    this.buffer = NOTHING;
    this.filled = 0;
    onMessage(message);
  }

  private length(head: Buffer): number {
    if (head[0] !== 0) throw new XdsError('INTERNAL', 'a compressed request on a stream without grpc-encoding');
    const length = head.readUInt32BE(1);
    if (length > this.maxBytes)
      throw new XdsError('RESOURCE_EXHAUSTED', `a request of ${length} bytes, more than ${this.maxBytes}`);
    return length;
  }
}

const NOTHING: Buffer = Buffer.alloc(0);
