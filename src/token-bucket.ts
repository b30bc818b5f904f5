// So much at once, and so much more each second. In: costs, the time in milliseconds. Out: whether there is that much left.
// Must not: let what was not used grow without end.

export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

export class Bucket {
  private readonly rate: Rate;
  private left: number;
  private at: number;

  constructor(rate: Rate, now: number) {
    this.rate = rate;
    this.left = rate.burst;
    this.at = now;
  }

  has(cost: number, now: number): boolean {
    const { burst, perSecond } = this.rate;
    if (now > this.at) this.left = Math.min(burst, this.left + ((now - this.at) / 1000) * perSecond);
    this.at = now;
    return this.left >= cost;
  }

  /** Also what there is not: then false, and it has to be made up for first. */
  spend(cost: number, now: number): boolean {
    const isLeft = this.has(cost, now);
    this.left -= cost;
    return isLeft;
  }
}
