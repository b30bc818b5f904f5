// I/O: reports when the content of files changed: one call for each burst of changes, only when some content is different.
// Must not: watch a file itself: a Kubernetes volume swaps a symlink above it, and the watch would see that only once.

import { type FSWatcher, statSync, watch } from 'node:fs';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { foldersOf } from './folders.ts';
import { readAll } from './regular-file.ts';

export interface WatchOptions {
  /** How long nothing may change before the change is reported, and how long the report may be put off at most. */
  readonly debounceMs?: number;
  readonly maxDebounceMs?: number;
  /** The backstop for what the kernel does not tell (network file systems). */
  readonly pollMs?: number;
  /** Digests of what the caller has read already (`LoadedConfig.digests`): a change since then counts. */
  readonly seen?: ReadonlyMap<string, string>;
}

export interface Watching {
  /**
   * Watches these files from now on. What the caller has just `seen` is no change any more, and what differs from it is one;
   * a file that was not seen yet counts as seen with what it holds at the first look.
   */
  update(paths: readonly string[], seen?: ReadonlyMap<string, string>): void;
  /** Fulfilled when whatever has happened to the files until now has been looked at, and reported if it is a change. */
  settled(): Promise<void>;
  close(): void;
}

/** What is larger is told apart by its size and time. */
const MAX_BYTES = 8 * 1024 * 1024;
/** How often `settled` looks whether the debounce is over. */
const SETTLE_MS = 5;

interface Watched {
  readonly watcher: FSWatcher;
  /** Which folder it is: the watch of a folder that was removed and made again reports nothing. */
  readonly identity: string;
}

export function watchFiles(paths: readonly string[], onChange: () => void, options: WatchOptions = {}): Watching {
  const { debounceMs = 100, maxDebounceMs = 1000, pollMs = 5000 } = options;
  /** By path; undefined until the first look. */
  let digests = new Map<string, string | undefined>();
  let folders = new Map<string, Watched>();
  let timer: NodeJS.Timeout | undefined;
  let firstEvent: number | undefined;
  let closed = false;
  let checking: Promise<void> = Promise.resolve();
  let checks = 0;

  const check = async (): Promise<void> => {
    if (closed) return;
    checks += 1;
    // What the paths lead through may have changed, even if what they hold has not; what happens from here on is told.
    rewatch();
    const now = await readAll(digests.keys(), MAX_BYTES, ({ digest }) => digest);
    if (closed) return;
    let changed = false;
    for (const [path, digest] of now) {
      if (!digests.has(path)) continue;
      const before = digests.get(path);
      if (before !== undefined && before !== digest) changed = true;
      digests.set(path, digest);
    }
    if (changed) onChange();
  };
  const checkNext = (): void => {
    clearTimeout(timer);
    timer = undefined;
    firstEvent = undefined;
    checking = checking.then(check);
  };
  const event = (): void => {
    if (closed) return;
    const now = performance.now();
    firstEvent ??= now;
    clearTimeout(timer);
    timer = setTimeout(checkNext, Math.max(0, Math.min(debounceMs, firstEvent + maxDebounceMs - now)));
  };
  const rewatch = (): void => {
    const wanted = foldersOf([...digests.keys()]);
    const next = new Map<string, Watched>();
    for (const folder of wanted) {
      const watched = watchFolder(folder, folders.get(folder), event);
      if (watched !== undefined) next.set(folder, watched);
    }
    for (const [folder, { watcher }] of folders) {
      if (next.get(folder)?.watcher !== watcher) watcher.close();
    }
    folders = next;
  };
  const update = (next: readonly string[], seen?: ReadonlyMap<string, string>): void => {
    // A turn that is still running when the process stops must not keep it alive by new watchers.
    if (closed) return;
    digests = new Map(next.map((path) => [path, seen?.get(path) ?? digests.get(path)]));
    // Now, so that nothing is missed until the first look; which is soon, for what happened before.
    rewatch();
    event();
  };
  const settled = async (): Promise<void> => {
    for (let before = -1; before !== checks && !closed; ) {
      before = checks;
      // The kernel's events are read between two turns of the event loop.
      await nextTurn();
      await nextTurn();
      while (timer !== undefined && !closed) await sleep(SETTLE_MS);
      await checking;
    }
  };
  update(paths, options.seen);
  const poll = setInterval(checkNext, pollMs);
  return {
    update,
    settled,
    close: () => {
      closed = true;
      clearInterval(poll);
      clearTimeout(timer);
      for (const { watcher } of folders.values()) watcher.close();
    },
  };
}

/** The watch that is there, if it is of the same folder still; else a new one, or none if the folder is gone (the poll goes on). */
function watchFolder(folder: string, before: Watched | undefined, event: () => void): Watched | undefined {
  try {
    const { dev, ino, birthtimeMs } = statSync(folder);
    const identity = `${dev} ${ino} ${birthtimeMs}`;
    if (before?.identity === identity) return before;
    const watcher = watch(folder, event);
    watcher.on('error', event);
    return { watcher, identity };
  } catch {
    return undefined;
  }
}
