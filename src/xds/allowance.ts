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
  request(now: number): void {
    if (!this.requests.spend(1, now))
      throw new XdsError('RESOURCE_EXHAUSTED', `too many requests of this ${this.whose}`);
  }

  /** Errors: XdsError RESOURCE_EXHAUSTED. */
  work(names: number, now: number): void {
    if (!this.names.spend(names, now))
      throw new XdsError('RESOURCE_EXHAUSTED', `the requests of this ${this.whose} name too much`);
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
    if (now > this.at) this.left = Math.min(burst, this.left + ((now - this.at) / 1000) * perSecond);
    this.at = now;
    this.left -= cost;
    return this.left >= 0;
  }
}
