// How fast connections and their gateways may open streams. A stream costs before it says anything, also one that is reset at
// once or that no service answers, so that it is counted when it is opened.
// Must not: let one gateway's connections take the time of the others.

import { Bucket, type Rate } from '../../token-bucket.ts';

export interface OpeningRates {
  readonly streamsPerConnection: Rate;
  /** Of all connections of a gateway; a connection counts like a stream. */
  readonly streamsPerGateway: Rate;
}

/** What one connection may open; false: it has opened too many, and is to be ended. */
export type Opening = (now: number) => boolean;

export class Openings {
  private readonly rates: OpeningRates;
  /** One for each gateway that ever connected; only registered ones do. */
  private readonly gateways = new Map<string, Bucket>();

  constructor(rates: OpeningRates) {
    this.rates = rates;
  }

  /** Undefined: the gateway has opened too many. Without a gateway, in plaintext, the connection alone is limited. */
  connection(gateway: string | undefined, now: number): Opening | undefined {
    const shared = gateway === undefined ? undefined : this.bucketOf(gateway, now);
    if (shared?.spend(1, now) === false) return undefined;
    const own = new Bucket(this.rates.streamsPerConnection, now);
    return (at) => own.spend(1, at) && shared?.spend(1, at) !== false;
  }

  private bucketOf(gateway: string, now: number): Bucket {
    const bucket = this.gateways.get(gateway) ?? new Bucket(this.rates.streamsPerGateway, now);
    this.gateways.set(gateway, bucket);
    return bucket;
  }
}
