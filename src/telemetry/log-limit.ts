// Limits the log lines of one kind: a client that causes them at will must not fill the disk, or hide other lines.
// Must not: keep the lines that it drops.

import { type Rate, TokenBucket } from '../token-bucket.ts';

export class LogLimit {
  private readonly lines: TokenBucket;
  private dropped = 0;

  /** `now` is in milliseconds, here and below. */
  constructor(rate: Rate, now: number) {
    this.lines = new TokenBucket(rate, now);
  }

  /** Fields for the line: how many were dropped before it, if any. Undefined: this line is dropped too. */
  take(now: number): { readonly dropped?: number } | undefined {
    // A dropped line costs no token, or a flood would silence the log for long after it.
    if (!this.lines.has(1, now)) {
      this.dropped += 1;
      return undefined;
    }
    this.lines.spend(1, now);
    const { dropped } = this;
    this.dropped = 0;
    return dropped === 0 ? {} : { dropped };
  }
}
