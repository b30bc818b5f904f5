// How much a client may ask for: so much at once, and so much more each second.
// In: what something costs, the time. Out: whether it may be had. Must not: let what was not used grow without end.

export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

export class Allowance {
  private readonly rate: Rate;
  private left: number;
  private at: number;

  /** `now` in milliseconds. */
  constructor(rate: Rate, now: number) {
    this.rate = rate;
    this.left = rate.burst;
    this.at = now;
  }

  /** False when it is more than there is; what is owed then has to come back before there is any more. */
  spend(cost: number, now: number): boolean {
    const { burst, perSecond } = this.rate;
    this.left = Math.min(burst, this.left + (Math.max(now - this.at, 0) / 1000) * perSecond) - cost;
    this.at = now;
    return this.left >= 0;
  }
}
