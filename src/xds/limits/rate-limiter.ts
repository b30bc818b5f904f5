// How much work a client may give us. In: what a request asks for, the time. Out: XdsError for what is too much.
// Must not: decide how much that is (server.ts does).

import { Bucket, type Rate } from '../../token-bucket.ts';
import { XdsError } from '../stream-status.ts';

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
