// Heartbeats: a resource with a TTL is dropped by its client unless it hears of it again in time (rule 62).
// In: a subscription, the current state of its type. Out: which resources, and how often. Must not: wait for an ACK, or
// count as a change: a heartbeat has the version that the client has.

import type { Resource } from '../../snapshot/resource.ts';
import type { TypeSnapshot } from '../../snapshot/type-snapshot.ts';
import { covers } from './response-set.ts';
import type { Subscription } from './subscription.ts';

interface Ending {
  readonly resources: readonly Resource[];
  /** Milliseconds: half the shortest TTL, so that one heartbeat may be lost. */
  readonly every: number;
}

const NONE: Ending = { resources: [], every: Number.POSITIVE_INFINITY };
const endings = new WeakMap<TypeSnapshot, Ending>();

function endingOf(current: TypeSnapshot): Ending {
  const known = endings.get(current);
  if (known !== undefined) return known;
  const resources = [...current.resources.values()].filter(({ ttlMs }) => ttlMs !== undefined);
  const made =
    resources.length === 0 ? NONE : { resources, every: Math.min(...resources.map(({ ttlMs = 0 }) => ttlMs)) / 2 };
  endings.set(current, made);
  return made;
}

/** How often the resources of this type need a heartbeat, in milliseconds; Infinity when none does. */
export function heartbeatEvery(current: TypeSnapshot): number {
  return endingOf(current).every;
}

/** What the client has of them, and is to hear of. */
export function heartbeat(state: Subscription, current: TypeSnapshot): readonly Resource[] {
  const { resources } = endingOf(current);
  return resources.every(({ name }) => covers(state, name))
    ? resources
    : resources.filter(({ name }) => covers(state, name));
}
