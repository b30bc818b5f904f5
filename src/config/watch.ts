// I/O: tells when the content of files changed.
// In: paths. Out: one call for each burst of changes, only when some content is really another.
// Must not: watch a file itself: a Kubernetes volume swaps a symlink above it, and the watch would see that only once.

import { createHash } from 'node:crypto';
import { type FSWatcher, readFileSync, readlinkSync, realpathSync, watch } from 'node:fs';
import { dirname, resolve } from 'node:path';

export interface WatchOptions {
  /** How long nothing may happen before the change is reported, and how long it may be put off at most. */
  readonly debounceMs?: number;
  readonly maxDebounceMs?: number;
  /** The backstop for what the kernel does not tell (network file systems). */
  readonly pollMs?: number;
}

export interface Watching {
  /** Watches these files from now on. */
  update(paths: readonly string[]): void;
  close(): void;
}

export function watchFiles(paths: readonly string[], onChange: () => void, options: WatchOptions = {}): Watching {
  const { debounceMs = 100, maxDebounceMs = 1000, pollMs = 5000 } = options;
  let files: readonly string[] = [];
  let digest = '';
  let watchers = new Map<string, FSWatcher>();
  let timer: NodeJS.Timeout | undefined;
  let firstEvent = 0;

  const check = (): void => {
    timer = undefined;
    firstEvent = 0;
    const now = digestOf(files);
    if (now === digest) return;
    digest = now;
    // What the paths lead through may have changed with the content.
    rewatch();
    onChange();
  };
  const event = (): void => {
    const now = Date.now();
    firstEvent ||= now;
    clearTimeout(timer);
    timer = setTimeout(check, Math.max(0, Math.min(debounceMs, firstEvent + maxDebounceMs - now)));
  };
  const rewatch = (): void => {
    const wanted = new Set(files.flatMap(foldersOf));
    for (const [folder, watcher] of watchers) {
      if (!wanted.has(folder)) watcher.close();
    }
    watchers = new Map(
      [...wanted].flatMap((folder): [string, FSWatcher][] => {
        const before = watchers.get(folder);
        if (before !== undefined) return [[folder, before]];
        try {
          const watcher = watch(folder, event);
          // A folder that goes away ends its watch; the poll goes on.
          watcher.on('error', () => watchers.delete(folder));
          return [[folder, watcher]];
        } catch {
          return [];
        }
      }),
    );
  };
  const update = (next: readonly string[]): void => {
    files = [...next];
    digest = digestOf(files);
    rewatch();
  };
  update(paths);
  const poll = setInterval(check, pollMs);
  return {
    update,
    close: () => {
      clearInterval(poll);
      clearTimeout(timer);
      for (const watcher of watchers.values()) watcher.close();
    },
  };
}

/** The folders whose entries decide what a path leads to: its own, and those of every symlink on the way. */
function foldersOf(path: string): readonly string[] {
  const folders = new Set<string>();
  let current = resolve(path);
  for (let hops = 0; hops < 40; hops += 1) {
    const folder = dirname(current);
    folders.add(folder);
    try {
      folders.add(realpathSync(folder));
    } catch {
      // Not there yet: its parent is not watched, the poll will find it.
    }
    const target = linkTarget(current);
    if (target === undefined) break;
    current = resolve(folder, target);
  }
  return [...folders];
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function digestOf(files: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of files) {
    hash.update(file).update('\0');
    try {
      hash.update(createHash('sha256').update(readFileSync(file)).digest());
    } catch (error) {
      hash.update((error as NodeJS.ErrnoException).code ?? 'unreadable');
    }
  }
  return hash.digest('hex');
}
