// How much work a client may give us: so much at once, and so much more each second.
// In: what a request asks for, the time. Out: XdsError for what is too much. Must not: let what was not used grow without end.

import { XdsError } from './status.ts';

export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

/** Requests cost by their number, and by what they name: a list of 20,000 names is a thousand times the work of one. */
export interface Rates {
  readonly requests: Rate;
  readonly names: Rate;
}

export class Allowance {
  private readonly whose: string;
  private readonly requests: Bucket;
  private readonly names: Bucket;

  /** `whose` allowance it is, for the error. Times are in milliseconds. */
  constructor(whose: string, rates: Rates, now: number) {
    this.whose = whose;
    this.requests = new Bucket(rates.requests, now);
    this.names = new Bucket(rates.names, now);
  }

  /** Errors: XdsError RESOURCE_EXHAUSTED. */
  spend(requests: number, names: number, now: number): void {
    if (this.requests.spend(requests, now) && this.names.spend(names, now)) return;
    throw new XdsError('RESOURCE_EXHAUSTED', `too many requests of this ${this.whose}, or too many names in them`);
  }
}

class Bucket {
  private readonly rate: Rate;
  private left: number;
  private at: number;

  constructor(rate: Rate, now: number) {
    this.rate = rate;
    this.left = rate.burst;
    this.at = now;
  }

  spend(cost: number, now: number): boolean {
    const { burst, perSecond } = this.rate;
    this.left = Math.min(burst, this.left + (Math.max(now - this.at, 0) / 1000) * perSecond) - cost;
    this.at = now;
    return this.left >= 0;
  }
}
