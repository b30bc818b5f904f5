// Lets the streams of a server push a new snapshot in slices. node:http2 writes what is queued in the next round of the event loop:
// with one slice, the first of a thousand gateways would wait until the response of the last one is made.
// Must not: hold up a push for longer than the ones before it take.

import type { SnapshotCache } from '../../snapshot/cache.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';

/**
 * Streams per slice: a few, so that the first bytes leave at once, then as many as take some 10 ms. Each round also reads the
 * answers to the slices before it, and everybody who waits for a later slice waits for that too (docs/design.md, "Measured costs").
 */
const FIRST_SLICE = 16;
const SLICE = 1024;

export class PushQueue {
  private readonly cache: SnapshotCache;
  /** First come, first served. */
  private readonly waiting = new Set<() => void>();
  /** How many more pushes this round takes; 0 while others wait. */
  private room = FIRST_SLICE;
  private nextRound: NodeJS.Immediate | undefined;

  constructor(cache: SnapshotCache) {
    this.cache = cache;
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
    this.room = isOver ? FIRST_SLICE : SLICE;
    this.nextRound = isOver ? undefined : setImmediate(() => this.slice());
    for (const push of this.waiting) {
      if (this.room === 0) return;
      this.room -= 1;
      this.waiting.delete(push);
      push();
    }
  }
}
