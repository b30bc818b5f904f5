// The current snapshot of each gateway, and who wants to know when it changes.
// In: snapshots by gateway. Out: the current one; calls to those that watch. Must not: know streams or resources.

import type { Snapshot } from './snapshot.ts';

type Watcher = (snapshot: Snapshot) => void;

export class SnapshotCache {
  private readonly snapshots = new Map<string, Snapshot>();
  private readonly watchers = new Map<string, Set<Watcher>>();

  get(gateway: string): Snapshot | undefined {
    return this.snapshots.get(gateway);
  }

  /** Watchers are told only of another snapshot, each once, in the order in which they came. */
  set(gateway: string, snapshot: Snapshot): void {
    if (this.snapshots.get(gateway)?.version === snapshot.version) return;
    this.snapshots.set(gateway, snapshot);
    for (const watcher of [...(this.watchers.get(gateway) ?? [])]) watcher(snapshot);
  }

  entries(): Iterable<[string, Snapshot]> {
    return this.snapshots.entries();
  }

  /** Returns how to stop watching. */
  watch(gateway: string, watcher: Watcher): () => void {
    const watchers = this.watchers.get(gateway) ?? new Set();
    this.watchers.set(gateway, watchers.add(watcher));
    return () => {
      watchers.delete(watcher);
      if (watchers.size === 0) this.watchers.delete(gateway);
    };
  }
}
