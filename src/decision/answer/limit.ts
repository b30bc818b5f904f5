// A limit on the way of a request or a connection: what it counts, how high it is, and what carries it.
// Must not: judge whether it is reached.

import type { ReasonCode } from '../../envoy/reasons.ts';

export interface Limit {
  /** As the configuration has it: `peers.shop.limits.requests`; absent: the gateways' own, which no key sets. */
  readonly name?: string;
  readonly value: number;
  readonly counts: 'requests per second' | 'requests at a time' | 'bytes of a request body' | 'connections at a time';
  /** What the log says of what is beyond it; absent: it waits, or no line says so. */
  readonly reason?: LimitReason;
  /** The listener, the routes or the cluster that carries it. */
  readonly resource: string;
}

export type LimitReason = Extract<ReasonCode, `${string}_LIMIT` | 'OVERLOADED'>;

/** Such as `20 requests at a time`. */
export function limitText({ value, counts }: Pick<Limit, 'value' | 'counts'>): string {
  return `${value} ${value === 1 ? counts.replace(/^(\w+)s\b/, '$1') : counts}`;
}
