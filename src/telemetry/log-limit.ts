// How many lines of one kind a log takes: what others can cause at will must not fill the disk, or hide what else there is.
// In: when a line is due. Out: whether it is written, and how many were not since the last one. Must not: keep what it drops.

import { Bucket, type Rate } from '../token-bucket.ts';

export class LogLimit {
  private readonly lines: Bucket;
  private dropped = 0;

  /** `now` is in milliseconds, here and below. */
  constructor(rate: Rate, now: number) {
    this.lines = new Bucket(rate, now);
  }

  /** Fields for the line: how many were dropped before it, if any; undefined: this one is dropped as well. */
  take(now: number): { readonly dropped?: number } | undefined {
    // What is dropped takes no line from those that come later.
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
