// I/O: whether a client takes what it is sent, and the end of its stream; a stream that stands still is reset.
// In: an HTTP/2 stream and its writer, how long it may stand still. Out: resets. Must not: mistake slow for dead, or have a
// stream that has ended for us stay as long as its client likes: what it was sent is kept in our memory until it is closed.

import { constants, type ServerHttp2Stream } from 'node:http2';
import type { FrameWriter } from './frame-writer.ts';

export class Drain {
  private readonly stream: ServerHttp2Stream;
  private readonly writer: FrameWriter;
  private readonly drainMs: number;
  private readonly onCut: () => void;
  private timer: NodeJS.Timeout | undefined;
  private hasEnded = false;

  /** `onCut` is called before the stream is reset. */
  constructor(stream: ServerHttp2Stream, writer: FrameWriter, drainMs: number, onCut: () => void) {
    this.stream = stream;
    this.writer = writer;
    this.drainMs = drainMs;
    this.onCut = onCut;
  }

  /** After something was written. A client that reads nothing still answers pings; what it leaves in our memory is what tells. */
  watch(): void {
    if (this.timer !== undefined || !this.isOwed) return;
    const { progress } = this.writer;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      if (!this.isOwed) return;
      // Slow is not dead: as long as something is taken, there is more to wait for.
      if (this.writer.progress !== progress) this.watch();
      else this.cut();
    }, this.drainMs);
    this.timer.unref();
  }

  /** The stream has ended for us, or will when what it was sent is taken: its client has to let go of it as well. */
  conclude(): void {
    this.hasEnded = true;
    // RFC 9113 section 8.1: after a whole response, a client that has more to say is told that nobody listens.
    this.stream.once('wantTrailers', () =>
      // The trailers go at the next turn of the loop.
      setImmediate(() => setImmediate(() => this.stream.close(constants.NGHTTP2_NO_ERROR))),
    );
    this.watch();
  }

  /** Once the stream is closed. */
  release(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.hasEnded = false;
  }

  private get isOwed(): boolean {
    return this.hasEnded || this.writer.isBlocked;
  }

  private cut(): void {
    this.onCut();
    // Trailers would queue behind what is not read: the stream is reset, and what waits for it is freed.
    this.stream.close(constants.NGHTTP2_CANCEL);
    this.stream.destroy();
  }
}
