// What the streams of one gateway may take of this process together: how many, how much memory, how many requests.
// In: gateways, limits. Out: places, each to be left once. Must not: let one gateway take what the others need.

import { XdsError } from '../stream-status.ts';
import { Allowance, type Rates } from './rate-limiter.ts';

/** The place of one stream. */
export interface Place {
  /** How many bytes it keeps because of its client. Errors: XdsError when it grows, and the gateway's streams keep too many. */
  hold(bytes: number): void;
  /** What all of the gateway's streams may ask for. */
  readonly allowance: Allowance;
  leave(): void;
}

export interface GatewayLimits {
  readonly streamsPerGateway: number;
  /** Of what the server keeps because of clients: the names that they subscribe to, and what they alone were sent and not read. */
  readonly bytesPerGateway: number;
  readonly ratesPerGateway: Rates;
}

interface Taken {
  streams: number;
  bytes: number;
  readonly allowance: Allowance;
}

export class Places {
  private readonly limits: GatewayLimits;
  private readonly taken = new Map<string, Taken>();

  constructor(limits: GatewayLimits) {
    this.limits = limits;
  }

  /** Errors: XdsError RESOURCE_EXHAUSTED. */
  admit(gateway: string, now: number): Place {
    const { streamsPerGateway, bytesPerGateway, ratesPerGateway } = this.limits;
    const taken = this.taken.get(gateway) ?? {
      streams: 0,
      bytes: 0,
      allowance: new Allowance('gateway', ratesPerGateway, now),
    };
    if (taken.streams >= streamsPerGateway)
      throw new XdsError('RESOURCE_EXHAUSTED', 'too many streams of this gateway');
    this.taken.set(gateway, taken);
    taken.streams += 1;
    let held = 0;
    return {
      hold: (bytes) => {
        const grows = bytes > held;
        taken.bytes += bytes - held;
        held = bytes;
        if (grows && taken.bytes > bytesPerGateway)
          throw new XdsError('RESOURCE_EXHAUSTED', 'the streams of this gateway subscribe to too many names');
      },
      allowance: taken.allowance,
      leave: () => {
        taken.bytes -= held;
        taken.streams -= 1;
        if (taken.streams === 0) this.taken.delete(gateway);
      },
    };
  }
}
