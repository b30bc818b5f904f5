// Charges the cost of a request to its stream and its gateway: its size before it is parsed, its work afterwards.
// Must not: let a request be parsed that is over a limit.

import type { Outgoing, XdsRequest } from '../wire/messages.ts';
import type { RateLimiter } from './rate-limiter.ts';

/** This many bytes of a request are as much work as one name. */
const BYTES_PER_NAME = 64;
/** This much is covered by the charge for the request itself. */
const FREE_NAMES = 16;

/**
 * A client sends one answer for each response, and a SotW client repeats its whole list in each answer. So an
 * answer that changes no names costs less than other requests, and the bytes of its list only what receiving them costs.
 */
const REQUESTS_PER_ANSWER = 1 / 8;
const REPEATED_BYTES_PER_NAME = 1024;

/** The outcome of a request in its session. */
interface Settled {
  readonly answer: 'ack' | 'nack' | undefined;
  /** How many names were looked through. */
  readonly scanned: number;
  readonly replies: readonly Outgoing[];
}

export class RequestCost {
  private readonly stream: RateLimiter;
  private readonly gateway: () => RateLimiter;

  /** `gateway` is asked each time: in plaintext, a stream learns its gateway with its first request. */
  constructor(stream: RateLimiter, gateway: () => RateLimiter) {
    this.stream = stream;
    this.gateway = gateway;
  }

  /** Before a request is parsed, of which `bytes` have to be read. Errors: XdsError RESOURCE_EXHAUSTED. */
  admit(bytes: number, now: number): void {
    this.stream.chargeRequest(now);
    this.gateway().chargeRequest(now);
    this.charge(bytes / BYTES_PER_NAME, now);
  }

  /**
   * Before its responses are sent: for the names that subscriptions went through, the resources in the responses, and the
   * bytes of a repeated list. Errors: XdsError RESOURCE_EXHAUSTED.
   */
  settle(request: XdsRequest, { answer, scanned, replies }: Settled, now: number): void {
    const isPureAnswer = answer !== undefined && changesNoNames(request);
    this.charge(scanned + request.repeatedBytes / (isPureAnswer ? REPEATED_BYTES_PER_NAME : BYTES_PER_NAME), now);
    this.charge(resourcesIn(replies), now);
    if (!isPureAnswer) return;
    this.stream.refundRequest(1 - REQUESTS_PER_ANSWER);
    this.gateway().refundRequest(1 - REQUESTS_PER_ANSWER);
  }

  private charge(names: number, now: number): void {
    if (names <= FREE_NAMES) return;
    this.stream.chargeNames(names, now);
    this.gateway().chargeNames(names, now);
  }
}

/** A short SotW list is parsed each time, so such an answer costs as much as any other request. */
function changesNoNames({ names, repeatsNames, subscribe, unsubscribe }: XdsRequest): boolean {
  return subscribe.length + unsubscribe.length === 0 && (repeatsNames || names.length === 0);
}

function resourcesIn(responses: readonly Outgoing[]): number {
  let count = 0;
  for (const { resources } of responses) count += resources.length;
  return count;
}
