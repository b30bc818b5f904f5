// I/O: reports changes of the content of files, once for each burst of changes.
// Must not: watch a file itself: a Kubernetes volume swaps a symlink above it, and the watch would see that only once.

import { type FSWatcher, statSync, watch } from 'node:fs';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { foldersOf } from './folders.ts';
import { readAll } from './regular-file.ts';

export interface WatchOptions {
  /** A change is reported when nothing has changed for `debounceMs`, and after `maxDebounceMs` at the latest. */
  readonly debounceMs?: number;
  readonly maxDebounceMs?: number;
  /** Files are also compared at this interval, for file systems without change events (network file systems). */
  readonly pollMs?: number;
  /** Digests of what the caller has read (`LoadedConfig.digests`): a change since then is reported. */
  readonly seen?: ReadonlyMap<string, string>;
}

export interface Watching {
  /**
   * Replaces the watched files. Content that differs from the digest in `seen` is reported as a change; a file without a digest
   * is compared with its content at the first check.
   */
  update(paths: readonly string[], seen?: ReadonlyMap<string, string>): void;
  /** Resolves when every change that was made before the call has been reported. */
  settled(): Promise<void>;
  close(): void;
}

/** Larger files are compared by size and modification time. */
const MAX_BYTES = 8 * 1024 * 1024;
/** How often `settled` checks whether the debounce is over. */
const SETTLED_POLL_MS = 5;

interface Watched {
  readonly watcher: FSWatcher;
  /** Device, inode and birth time: the watch of a folder that was removed and created again reports nothing. */
  readonly identity: string;
}

export function watchFiles(paths: readonly string[], onChange: () => void, options: WatchOptions = {}): Watching {
  const { debounceMs = 100, maxDebounceMs = 1000, pollMs = 5000 } = options;
  /** By path; undefined until the first check. */
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
    // A folder or symbolic link on the way may have been replaced. Watch first, then read: no change in between is missed.
    rewatch();
    const current = await readAll(digests.keys(), MAX_BYTES, ({ digest }) => digest);
    if (closed) return;
    let changed = false;
    for (const [path, digest] of current) {
      if (!digests.has(path)) continue;
      const last = digests.get(path);
      if (last !== undefined && last !== digest) changed = true;
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
    // A turn that is still running when the process stops must not start watchers, which would keep the process alive.
    if (closed) return;
    digests = new Map(next.map((path) => [path, seen?.get(path) ?? digests.get(path)]));
    // Watch at once, so that no change until the first check is missed, and check soon for changes before that.
    rewatch();
    event();
  };
  const settled = async (): Promise<void> => {
    for (let checksBefore = -1; checksBefore !== checks && !closed; ) {
      checksBefore = checks;
      // The kernel's events are read between two turns of the event loop.
      await nextTurn();
      await nextTurn();
      while (timer !== undefined && !closed) await sleep(SETTLED_POLL_MS);
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

/** Keeps the existing watch if the folder is the same; otherwise begins a new one, or none if the folder is gone (polling continues). */
function watchFolder(folder: string, existing: Watched | undefined, event: () => void): Watched | undefined {
  try {
    const { dev, ino, birthtimeMs } = statSync(folder);
    const identity = `${dev} ${ino} ${birthtimeMs}`;
    if (existing?.identity === identity) return existing;
    const watcher = watch(folder, event);
    watcher.on('error', event);
    return { watcher, identity };
  } catch {
    return undefined;
  }
}
