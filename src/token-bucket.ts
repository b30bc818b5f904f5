// A token bucket, for limits on requests, streams and log lines.
// Must not: save up more than the burst, however long it is idle.

export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

export class TokenBucket {
  private readonly rate: Rate;
  private tokens: number;
  private refilledAt: number;

  /** Full at `now`. Times are in milliseconds. */
  constructor(rate: Rate, now: number) {
    this.rate = rate;
    this.tokens = rate.burst;
    this.refilledAt = now;
  }

  has(cost: number, now: number): boolean {
    const { burst, perSecond } = this.rate;
    if (now > this.refilledAt)
      this.tokens = Math.min(burst, this.tokens + ((now - this.refilledAt) / 1000) * perSecond);
    this.refilledAt = now;
    return this.tokens >= cost;
  }

  /** Always deducts the cost, possibly into debt; returns whether the tokens were available. */
  spend(cost: number, now: number): boolean {
    const isAvailable = this.has(cost, now);
    this.tokens -= cost;
    return isAvailable;
  }

  /** Returns a part of what was spent. */
  refund(cost: number): void {
    this.tokens = Math.min(this.rate.burst, this.tokens + cost);
  }
}
