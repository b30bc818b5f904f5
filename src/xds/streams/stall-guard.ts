// I/O: resets a stream whose client does not read what it was sent, or does not close its side after the server ended it.
// Must not: take a slow client for a stalled one, or keep an ended stream for as long as its client likes: what the client was
// sent stays in memory until the stream is closed.

import { constants, type ServerHttp2Stream } from 'node:http2';
import { XdsError } from '../stream-status.ts';
import type { FrameWriter } from './frame-writer.ts';

export class StallGuard {
  private readonly stream: ServerHttp2Stream;
  private readonly writer: FrameWriter;
  private readonly stallMs: number;
  private readonly onStall: (error: XdsError) => void;
  private timer: NodeJS.Timeout | undefined;
  private awaitsClose = false;

  /** `onStall` is called before the stream is reset. */
  constructor(stream: ServerHttp2Stream, writer: FrameWriter, stallMs: number, onStall: (error: XdsError) => void) {
    this.stream = stream;
    this.writer = writer;
    this.stallMs = stallMs;
    this.onStall = onStall;
  }

  /** After a write. A client that reads nothing still answers pings; only the bytes that it leaves in our memory show it. */
  watch(): void {
    if (this.timer !== undefined || !this.isWaiting) return;
    const { progress } = this.writer;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      if (!this.isWaiting) return;
      // A slow client makes progress, and gets more time.
      if (this.writer.progress !== progress) this.watch();
      else this.reset();
    }, this.stallMs);
    this.timer.unref();
  }

  /** The server has ended the stream, or will once the client has read what is on its way: the client has to close it too. */
  awaitClose(): void {
    this.awaitsClose = true;
    // RFC 9113 section 8.1: after a complete response, RST_STREAM with NO_ERROR tells a client that is still sending to stop.
    // Two turns of the event loop: grpc-js sends the trailers in a listener of the same event, and they leave in the next turn.
    this.stream.once('wantTrailers', () =>
      setImmediate(() => setImmediate(() => this.stream.close(constants.NGHTTP2_NO_ERROR))),
    );
    this.watch();
  }

  /** The stream is closed. */
  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.awaitsClose = false;
  }

  /** Whether the client has to read or to close something. */
  private get isWaiting(): boolean {
    return this.awaitsClose || this.writer.isBlocked;
  }

  private reset(): void {
    this.onStall(new XdsError('DEADLINE_EXCEEDED', 'the client reads nothing, or does not close its side'));
    // Trailers would queue behind the unread bytes; a reset frees them.
    this.stream.close(constants.NGHTTP2_CANCEL);
    this.stream.destroy();
  }
}
