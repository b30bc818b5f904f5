// What one request costs, charged to its stream and to its gateway: its size before it is parsed, its work afterwards.
// Must not: let a request be parsed that is over a limit.

import type { Outgoing, XdsRequest } from '../wire/messages.ts';
import type { RateLimiter } from './rate-limiter.ts';

/** This many bytes of a request are as much work as one name. */
const BYTES_PER_NAME = 64;
/** This much is covered by the charge for the request itself. */
const FREE_NAMES = 16;

export class RequestCost {
  private readonly stream: RateLimiter;
  private readonly gateway: () => RateLimiter;

  /** `gateway` is asked each time: in plaintext, a stream learns its gateway with its first request. */
  constructor(stream: RateLimiter, gateway: () => RateLimiter) {
    this.stream = stream;
    this.gateway = gateway;
  }

  /** Before a request of `bytes` is parsed. Errors: XdsError RESOURCE_EXHAUSTED. */
  admit(bytes: number, now: number): void {
    this.stream.chargeRequest(now);
    this.gateway().chargeRequest(now);
    this.charge(bytes / BYTES_PER_NAME, now);
  }

  /**
   * Before its responses are sent: `scanned` is how many names subscriptions had to go through; the names in the request and
   * the resources in the responses come on top. Errors: XdsError RESOURCE_EXHAUSTED.
   */
  settle(scanned: number, request: XdsRequest, responses: readonly Outgoing[], now: number): void {
    this.charge(scanned, now);
    this.charge(namesIn(request) + resourcesIn(responses), now);
  }

  private charge(names: number, now: number): void {
    if (names <= FREE_NAMES) return;
    this.stream.chargeNames(names, now);
    this.gateway().chargeNames(names, now);
  }
}

function namesIn({ names, subscribe, unsubscribe, initialVersions }: XdsRequest): number {
  return names.length + subscribe.length + unsubscribe.length + initialVersions.size;
}

function resourcesIn(responses: readonly Outgoing[]): number {
  let count = 0;
  for (const { resources } of responses) count += resources.length;
  return count;
}
