// One subscription of a stream as it changes over time, its status, and what steps of it cost.
// Must not: decide what is sent.

import { shortName } from '../../snapshot/resource-types.ts';
import type { TypeSnapshot } from '../../snapshot/type-snapshot.ts';
import { MAX_IN_FLIGHT } from '../responses/response-grouping.ts';
import type { TypeStatus } from '../stream-status.ts';
import type { Answer } from '../subscription/handle-request.ts';
import { isSettled, type Subscription } from '../subscription/subscription.ts';
import type { Outgoing } from '../wire/messages.ts';
import type { TypeTiming } from './ordering.ts';
import type { StepContext } from './step.ts';

export interface Entry extends TypeTiming {
  state: Subscription;
  sentAt: number;
  removalsPendingSince: number | undefined;
  /** Made once; see StepContext. */
  readonly turn: StepContext;
  /** When the last heartbeat was sent. */
  heartbeatAt: number;
  nackedAt: number;
  ackedAt: number;
  /** When transiently rejected resources are sent again, and how often in a row they were rejected. */
  retryAt: number | undefined;
  attempts: number;
  /** The state for which nothing was due at its last step, and the snapshot of the type at that time. */
  idleState: Subscription | undefined;
  idleSnapshot: TypeSnapshot | undefined;
}

/** What came of a request. */
export interface Handled {
  readonly answer: Answer;
  readonly replies: readonly Outgoing[];
  /** How many names were looked through. */
  readonly scanned: number;
  /** When the last response of the type was sent before this request. */
  readonly sentAt?: number | undefined;
}

export function newEntry(state: Subscription, now: number, turn: StepContext): Entry {
  return {
    state,
    typeUrl: state.typeUrl,
    turn,
    openedAt: now,
    heartbeatAt: now,
    sentAt: now,
    removalsPendingSince: undefined,
    nackedAt: 0,
    ackedAt: now,
    retryAt: undefined,
    attempts: 0,
    idleState: undefined,
    idleSnapshot: undefined,
  };
}

export function statusOf({ typeUrl, state, nackedAt, ackedAt }: Entry, current: TypeSnapshot | undefined): TypeStatus {
  const settled = current !== undefined && isSettled(state, current);
  const { nack, sentVersion, ackedVersion } = state;
  return {
    type: shortName(typeUrl),
    state: nack !== undefined ? 'NACKED' : sentVersion === undefined ? 'NOT SENT' : settled ? 'SYNCED' : 'STALE',
    ...(sentVersion !== undefined && { sentVersion }),
    ...(ackedVersion !== undefined && { ackedVersion, ackedAt }),
    ...(nack !== undefined && { nack: { ...nack, at: nackedAt } }),
  };
}

/** How many names a step of this subscription may have to look through. */
export function scanCost({ pendingRemovals, rejected, reportedVersions, forcedNames }: Subscription): number {
  const waiting = forcedNames.size > MAX_IN_FLIGHT ? forcedNames.size : 0;
  return pendingRemovals.size + rejected.size + (reportedVersions?.size ?? 0) + waiting;
}

/**
 * How many names were looked through for a request that changed a subscription. A set that is rebuilt costs a quarter of what
 * its names cost when they were received.
 */
export function rebuildCost(before: Subscription, after: Subscription): number {
  const names = after.names.isOf(before.names) ? 0 : after.names.size;
  const forcedNames =
    after.forcedNames.isOf(before.forcedNames) || after.forcedNames === after.names ? 0 : after.forcedNames.size;
  const rejected = after.rejected === before.rejected ? 0 : before.rejected.size;
  return before.pendingRemovals.size + (before.reportedVersions?.size ?? 0) + rejected + (names + forcedNames) / 4;
}
