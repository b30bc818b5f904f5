// Sends heartbeats: a client drops a resource with a TTL unless a heartbeat arrives in time (rule 62).
// Must not: wait for an ACK, or count as a change: a heartbeat has the version that the client has.

import { memoizeByIdentity } from '../../memoize.ts';
import type { TypeSnapshot } from '../../snapshot/type-snapshot.ts';
import type { Subscription } from '../subscription/subscription.ts';
import { type SharedBatch, sharedBatch } from '../wire/shared-batch.ts';
import { NO_RESOURCES } from './resource-subsets.ts';
import { covers } from './response-set.ts';

interface Ending {
  readonly resources: SharedBatch;
  /** Milliseconds: half the shortest TTL, so that one heartbeat may be lost. */
  readonly every: number;
}

const NONE: Ending = { resources: NO_RESOURCES, every: Number.POSITIVE_INFINITY };
const endingOf = memoizeByIdentity((current: TypeSnapshot): Ending => {
  const resources = [...current.resources.values()].filter(({ ttlMs }) => ttlMs !== undefined);
  if (resources.length === 0) return NONE;
  const shortest = Math.min(...resources.map(({ ttlMs = 0 }) => ttlMs));
  return { resources: sharedBatch(resources), every: shortest / 2 };
});

/** How often the resources of this type need a heartbeat, in milliseconds; Infinity when none does. */
export function heartbeatEvery(current: TypeSnapshot): number {
  return endingOf(current).every;
}

/** The resources with a TTL that the client has. */
export function heartbeat(state: Subscription, current: TypeSnapshot): SharedBatch {
  const { resources } = endingOf(current);
  const covered = resources.filter(({ name }) => covers(state, name));
  return covered.length === resources.length ? resources : sharedBatch(covered);
}
