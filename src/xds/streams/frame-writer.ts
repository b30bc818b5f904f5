// I/O: writes the messages of one stream to HTTP/2 in their order, in pieces that many streams share.
// Must not: copy a piece, or let TLS hold the ciphertext of a whole large one.

import type { ServerHttp2Stream } from 'node:http2';

/**
 * TLS keeps the ciphertext of a write until the client has read it: 700 kB per stream for a body of 700 kB. A large body is
 * written in pieces, each when the last one has left (docs/design.md, "Measured costs").
 */
const PIECE_BYTES = 64 * 1024;

export class FrameWriter {
  private readonly stream: ServerHttp2Stream;
  private readonly encrypted: boolean;
  private readonly queue: Buffer[] = [];
  private isWriting = false;
  private writesTaken = 0;
  private onEmpty: (() => void) | undefined;

  constructor(stream: ServerHttp2Stream, encrypted: boolean) {
    this.stream = stream;
    this.encrypted = encrypted;
  }

  /** Whether written bytes wait for the client to read. */
  get isBlocked(): boolean {
    return this.isWriting || this.stream.writableNeedDrain;
  }

  /**
   * Grows as long as the client reads, with each write that it has taken. Without TLS a large body is one write, so there the
   * bytes sent on the connection count too.
   */
  get progress(): number {
    if (this.encrypted) return this.writesTaken;
    return this.writesTaken + Math.floor((this.stream.session?.socket.bytesWritten ?? 0) / PIECE_BYTES);
  }

  /** The pieces of one message. */
  write(message: readonly Buffer[]): void {
    const [only] = message;
    if (only === undefined) return;
    if (this.isWriting || (this.encrypted && message.some((piece) => piece.length > PIECE_BYTES))) {
      for (const piece of message)
        for (let at = 0; at < piece.length; at += PIECE_BYTES) this.queue.push(piece.subarray(at, at + PIECE_BYTES));
      this.next();
    } else if (message.length === 1) this.stream.write(only, this.taken);
    else {
      this.stream.cork();
      for (const piece of message) this.stream.write(piece, this.taken);
      this.stream.uncork();
    }
  }

  /** Calls back when everything is written to the stream; at once if it is. */
  whenEmpty(done: () => void): void {
    if (this.isWriting) this.onEmpty = done;
    else done();
  }

  /** Drops the messages that are not written yet, because the stream ends with an error. */
  discard(): void {
    this.queue.length = 0;
  }

  private readonly taken = (): void => {
    this.writesTaken += 1;
  };

  private next(): void {
    if (this.isWriting || this.stream.destroyed || this.stream.writableEnded) return;
    if (this.queue.length === 0) {
      this.onEmpty?.();
      return;
    }
    this.isWriting = true;
    this.stream.cork();
    let bytes = 0;
    let last: Buffer | undefined;
    for (let piece = this.queue[0]; piece !== undefined && bytes < PIECE_BYTES; piece = this.queue[0]) {
      if (last !== undefined) this.stream.write(last);
      last = this.queue.shift();
      bytes += piece.length;
    }
    this.stream.write(last ?? Buffer.alloc(0), (error) => {
      this.isWriting = false;
      this.taken();
      if (error) this.queue.length = 0;
      else this.next();
    });
    this.stream.uncork();
  }
}
