// Limits what all streams of one gateway use together: streams, memory, requests.
// Must not: let one gateway use up what the others need.

import { XdsError } from '../stream-status.ts';
import { RateLimiter, type Rates } from './rate-limiter.ts';

export interface GatewayLimits {
  readonly streamsPerGateway: number;
  /** Of what the server retains because of clients: the names they subscribe to, and unread responses that no other stream shares. */
  readonly bytesPerGateway: number;
  readonly ratesPerGateway: Rates;
}

/** One stream's share of its gateway's quota. */
export interface Slot {
  /** Sets how many bytes the stream retains. Errors: XdsError when that grows beyond what the gateway's streams may retain. */
  retain(bytes: number): void;
  /** The limiter that all streams of the gateway share. */
  readonly limiter: RateLimiter;
  /** Once. */
  release(): void;
}

interface Usage {
  streams: number;
  bytes: number;
  readonly limiter: RateLimiter;
}

/** The quotas of all gateways. */
export class GatewayQuota {
  private readonly limits: GatewayLimits;
  /** One for each gateway that ever connected: what it has spent is not forgotten when it closes its last stream. */
  private readonly gateways = new Map<string, Usage>();

  constructor(limits: GatewayLimits) {
    this.limits = limits;
  }

  /** Errors: XdsError RESOURCE_EXHAUSTED when the gateway has too many streams. */
  reserve(gateway: string, now: number): Slot {
    const { streamsPerGateway, bytesPerGateway, ratesPerGateway } = this.limits;
    const usage = this.gateways.get(gateway) ?? {
      streams: 0,
      bytes: 0,
      limiter: new RateLimiter('gateway', ratesPerGateway, now),
    };
    if (usage.streams >= streamsPerGateway)
      throw new XdsError('RESOURCE_EXHAUSTED', 'this gateway has too many streams');
    this.gateways.set(gateway, usage);
    usage.streams += 1;
    let retained = 0;
    return {
      retain: (bytes) => {
        const grows = bytes > retained;
        usage.bytes += bytes - retained;
        retained = bytes;
        if (grows && usage.bytes > bytesPerGateway)
          throw new XdsError('RESOURCE_EXHAUSTED', 'the streams of this gateway subscribe to too many names');
      },
      limiter: usage.limiter,
      release: () => {
        usage.bytes -= retained;
        usage.streams -= 1;
      },
    };
  }
}
