// How fast connections and their gateways may open streams. Opening costs the server, even if the stream is reset at once or
// names a service that does not exist, so each stream is counted when it is opened.
// Must not: let the connections of one gateway take the time of the others.

import { type Rate, TokenBucket } from '../../token-bucket.ts';

export interface OpeningRates {
  readonly streamsPerConnection: Rate;
  /** Of all connections of a gateway; a connection counts like a stream. */
  readonly streamsPerGateway: Rate;
}

/** Whether a connection may open one more stream; false: it has opened too many and must be closed. */
export type StreamPermit = (now: number) => boolean;

export class OpeningLimiter {
  private readonly rates: OpeningRates;
  /** One for each gateway that ever connected; only registered gateways do. */
  private readonly gateways = new Map<string, TokenBucket>();

  constructor(rates: OpeningRates) {
    this.rates = rates;
  }

  /** Undefined: the gateway has opened too many. Without a gateway, in plaintext, only the connection is limited. */
  connect(gateway: string | undefined, now: number): StreamPermit | undefined {
    const shared = gateway === undefined ? undefined : this.bucketOf(gateway, now);
    if (shared?.spend(1, now) === false) return undefined;
    const own = new TokenBucket(this.rates.streamsPerConnection, now);
    return (at) => own.spend(1, at) && shared?.spend(1, at) !== false;
  }

  private bucketOf(gateway: string, now: number): TokenBucket {
    const bucket = this.gateways.get(gateway) ?? new TokenBucket(this.rates.streamsPerGateway, now);
    this.gateways.set(gateway, bucket);
    return bucket;
  }
}
