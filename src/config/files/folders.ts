// I/O: which folders decide what a path leads to: the last one, and that of every symbolic link on the way.
// Must not: look at what the files hold.

import { existsSync, readlinkSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

interface Trail {
  /** Where the path leads to. */
  readonly real: string;
  /** The folders that hold the links on the way. */
  readonly links: ReadonlySet<string>;
}

/** Linux gives up after as many. */
const MAX_LINKS = 40;

/** A Kubernetes volume has two: that of the link `..data`, and the one that it leads to. */
export function foldersOf(paths: readonly string[]): ReadonlySet<string> {
  const known = new Map<string, Trail>();
  const folders = new Set<string>();
  for (const path of paths) {
    const { real, links } = trail(resolve(path), known, MAX_LINKS);
    for (const folder of links) folders.add(folder);
    folders.add(nearestExisting(dirname(real)));
  }
  return folders;
}

function trail(path: string, known: Map<string, Trail>, linksLeft: number): Trail {
  const before = known.get(path);
  if (before !== undefined) return before;
  const parent = dirname(path);
  if (parent === path) return { real: path, links: new Set() };
  const above = trail(parent, known, linksLeft);
  const here = join(above.real, basename(path));
  const target = linksLeft > 0 ? linkTarget(here) : undefined;
  let found: Trail = { real: here, links: above.links };
  if (target !== undefined) {
    const { real, links } = trail(resolve(above.real, target), known, linksLeft - 1);
    found = { real, links: new Set([...above.links, above.real, ...links]) };
  }
  known.set(path, found);
  return found;
}

/** A folder that is still to come announces itself in the one above it. */
function nearestExisting(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : nearestExisting(dirname(folder));
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    // No link, or nothing at all.
    return undefined;
  }
}
