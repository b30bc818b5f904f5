// How much work the requests of one stream, or of all streams of one gateway, may cause.
// Must not: choose the rates (xds-server.ts does).

import { type Rate, TokenBucket } from '../../token-bucket.ts';
import { XdsError } from '../stream-status.ts';

/** Requests are limited by their number and by the names in them: 20,000 names are a thousand times the work of one. */
export interface Rates {
  readonly requests: Rate;
  readonly names: Rate;
}

export class RateLimiter {
  private readonly scope: 'stream' | 'gateway';
  private readonly requests: TokenBucket;
  private readonly names: TokenBucket;

  /** `scope` is named in the error. Times are in milliseconds. */
  constructor(scope: 'stream' | 'gateway', rates: Rates, now: number) {
    this.scope = scope;
    this.requests = new TokenBucket(rates.requests, now);
    this.names = new TokenBucket(rates.names, now);
  }

  /** Errors: XdsError RESOURCE_EXHAUSTED. */
  chargeRequest(now: number): void {
    if (!this.requests.spend(1, now))
      throw new XdsError('RESOURCE_EXHAUSTED', `too many requests of this ${this.scope}`);
  }

  /** Returns a part of a request that turned out to cost less than others. */
  refundRequest(part: number): void {
    this.requests.refund(part);
  }

  /** Errors: XdsError RESOURCE_EXHAUSTED. */
  chargeNames(names: number, now: number): void {
    if (!this.names.spend(names, now))
      throw new XdsError('RESOURCE_EXHAUSTED', `the requests of this ${this.scope} name too many resources`);
  }
}
