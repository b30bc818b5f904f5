// Limits the log lines of one kind: a client that causes them at will must not fill the disk, or hide other lines.
// Must not: keep the lines that it drops.

import { type Rate, TokenBucket } from '../token-bucket.ts';

/** How many keys have a limit of their own; the one that was seen first gives way to a new one. */
const MAX_KEYS = 1000;

/** Limits the lines of each key, and of all keys together: one client neither fills the log nor hides another. */
export class KeyedLogLimit {
  private readonly rateOfKey: Rate;
  private readonly all: TokenBucket;
  private readonly keys = new Map<string, TokenBucket>();
  private dropped = 0;

  constructor(rates: { readonly ofKey: Rate; readonly all: Rate }, now: number) {
    this.rateOfKey = rates.ofKey;
    this.all = new TokenBucket(rates.all, now);
  }

  /** As LogLimit.take; `dropped` counts the lines of all keys. */
  take(key: string, now: number): { readonly dropped?: number } | undefined {
    const own = this.limitOf(key, now);
    if (!own.has(1, now) || !this.all.has(1, now)) {
      this.dropped += 1;
      return undefined;
    }
    own.spend(1, now);
    this.all.spend(1, now);
    const { dropped } = this;
    this.dropped = 0;
    return dropped === 0 ? {} : { dropped };
  }

  private limitOf(key: string, now: number): TokenBucket {
    const known = this.keys.get(key);
    if (known !== undefined) return known;
    const [oldest] = this.keys.size < MAX_KEYS ? [] : this.keys.keys();
    if (oldest !== undefined) this.keys.delete(oldest);
    const limit = new TokenBucket(this.rateOfKey, now);
    this.keys.set(key, limit);
    return limit;
  }
}

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
