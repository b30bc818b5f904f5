// What all streams of a server have in common: its limits, its clock, what it serves and whom it tells.
// Must not: hold anything of one stream.

import type { SnapshotCache } from '../../snapshot/cache.ts';
import type { XdsObserver } from '../admission/observer.ts';
import type { OwnerContext } from '../admission/stream-owner.ts';
import type { Rates } from '../limits/rate-limiter.ts';
import type { RejectedResources } from '../subscription/rejected-resources.ts';
import type { PushQueue } from './push-queue.ts';

export interface StreamLimits {
  readonly requestBytes: number;
  readonly namesPerType: number;
  readonly ratesPerStream: Rates;
  /** How long a client may read nothing of what it was sent. */
  readonly stallMs: number;
  /** How long a stream may wait for its first request. */
  readonly firstRequestMs: number;
}

export interface StreamContext extends OwnerContext {
  readonly cache: SnapshotCache;
  readonly pushes: PushQueue;
  readonly observer: XdsObserver;
  readonly limits: StreamLimits;
  readonly controlPlane: string;
  /** What clients of this server rejected. */
  readonly rejected: RejectedResources;
  readonly encrypted: boolean;
  readonly clock: () => number;
}
