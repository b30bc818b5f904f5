// The current snapshot of each gateway, and the watchers of its changes.
// Must not: know streams or resources.

import type { Snapshot } from './snapshot.ts';

type Watcher = (snapshot: Snapshot) => void;

export class SnapshotCache {
  private readonly snapshots = new Map<string, Snapshot>();
  private readonly watchers = new Map<string, Set<Watcher>>();

  get(gateway: string): Snapshot | undefined {
    return this.snapshots.get(gateway);
  }

  /** Calls each watcher once, in the order of subscription, if the snapshot differs. */
  set(gateway: string, snapshot: Snapshot): void {
    if (this.snapshots.get(gateway)?.version === snapshot.version) return;
    this.snapshots.set(gateway, snapshot);
    for (const watcher of [...(this.watchers.get(gateway) ?? [])]) watcher(snapshot);
  }

  entries(): Iterable<[string, Snapshot]> {
    return this.snapshots.entries();
  }

  /** Returns a function that stops watching. */
  watch(gateway: string, watcher: Watcher): () => void {
    const watchers = this.watchers.get(gateway) ?? new Set();
    this.watchers.set(gateway, watchers.add(watcher));
    return () => {
      watchers.delete(watcher);
      if (watchers.size === 0) this.watchers.delete(gateway);
    };
  }
}
