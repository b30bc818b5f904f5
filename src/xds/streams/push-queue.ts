// Lets the streams of a server push a new snapshot in slices. node:http2 writes what is queued in the next round of the event loop:
// with one slice, the first of a thousand gateways would wait until the response of the last one is made.
// Must not: hold up a push for longer than the ones before it take.

import type { SnapshotCache } from '../../snapshot/cache.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';

/** Streams of the first slice, whose bytes leave at once. */
const FIRST_SLICE = 16;
/**
 * How long each further slice takes. Long enough for a thousand streams: each round also reads the answers to the slices before
 * it, and whoever waits for a later slice waits for that too (docs/design.md, "Measured costs").
 */
const SLICE_MS = 25;

export class PushQueue {
  private readonly cache: SnapshotCache;
  private readonly clock: () => number;
  /** First come, first served. */
  private readonly waiting = new Set<() => void>();
  /** How many more pushes are made at once; 0 after the first slice, until none waits. */
  private room = FIRST_SLICE;
  private nextRound: NodeJS.Immediate | undefined;

  constructor(cache: SnapshotCache, clock: () => number) {
    this.cache = cache;
    this.clock = clock;
  }

  /** Calls `push` with the newest snapshot after a change, if this round has room for it, else in one of the next. Returns a function that stops. */
  watch(gateway: string, push: (snapshot: Snapshot) => void): () => void {
    const pushNewest = (): void => {
      const snapshot = this.cache.get(gateway);
      if (snapshot !== undefined) push(snapshot);
    };
    const unwatch = this.cache.watch(gateway, () => this.add(pushNewest));
    return () => {
      unwatch();
      this.waiting.delete(pushNewest);
    };
  }

  private add(push: () => void): void {
    this.nextRound ??= setImmediate(() => this.slice());
    if (this.room === 0) this.waiting.add(push);
    else {
      this.room -= 1;
      push();
    }
  }

  private slice(): void {
    const isOver = this.waiting.size === 0;
    this.room = isOver ? FIRST_SLICE : 0;
    this.nextRound = isOver ? undefined : setImmediate(() => this.slice());
    const end = this.clock() + SLICE_MS;
    for (const push of this.waiting) {
      this.waiting.delete(push);
      push();
      if (this.clock() >= end) return;
    }
  }
}
