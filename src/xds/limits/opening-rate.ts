// How fast connections and their gateways may open streams. Opening costs the server, even if the stream is reset at once or
// names a service that does not exist, so each stream is counted when it is opened. Streams of reports are counted on their own:
// an Envoy opens a refused one again every second, for each worker thread, and that takes nothing of what its resources need.
// Must not: let the connections of one gateway take the time of the others.

import { type Rate, TokenBucket } from '../../token-bucket.ts';

export interface OpeningRates {
  readonly streamsPerConnection: Rate;
  /** Of all connections of a gateway; a connection counts like a stream. */
  readonly streamsPerGateway: Rate;
}

export type StreamPurpose = 'resources' | 'reports';

/** Whether a connection may open one more stream; false: it has opened too many and must be closed. */
export type StreamPermit = (now: number, purpose: StreamPurpose) => boolean;

export class OpeningLimiter {
  private readonly rates: OpeningRates;
  /** One for each gateway that ever connected; only registered gateways do. */
  private readonly gateways = new Map<string, Readonly<Record<StreamPurpose, TokenBucket>>>();

  constructor(rates: OpeningRates) {
    this.rates = rates;
  }

  /** Undefined: the gateway has opened too many. Without a gateway, in plaintext, only the connection is limited. */
  connect(gateway: string | undefined, now: number): StreamPermit | undefined {
    const shared = gateway === undefined ? undefined : this.bucketsOf(gateway, now);
    if (shared?.resources.spend(1, now) === false) return undefined;
    const own = forEach(this.rates.streamsPerConnection, now);
    return (at, purpose) => own[purpose].spend(1, at) && shared?.[purpose].spend(1, at) !== false;
  }

  private bucketsOf(gateway: string, now: number): Readonly<Record<StreamPurpose, TokenBucket>> {
    const buckets = this.gateways.get(gateway) ?? forEach(this.rates.streamsPerGateway, now);
    this.gateways.set(gateway, buckets);
    return buckets;
  }
}

function forEach(rate: Rate, now: number): Readonly<Record<StreamPurpose, TokenBucket>> {
  return { resources: new TokenBucket(rate, now), reports: new TokenBucket(rate, now) };
}
