// I/O: finds the folders to watch for a path: the one of the file, and the one of every symbolic link on the way.
// Must not: read the files.

import { existsSync, readlinkSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

interface Trail {
  /** The path without symbolic links. */
  readonly real: string;
  /** The folders of the symbolic links on the way. */
  readonly links: ReadonlySet<string>;
}

/** The limit of Linux (ELOOP). */
const MAX_LINKS = 40;

/** Two for a Kubernetes volume: the folder of the link `..data`, and the one that it leads to. */
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
  const knownTrail = known.get(path);
  if (knownTrail !== undefined) return knownTrail;
  const parent = dirname(path);
  if (parent === path) return { real: path, links: new Set() };
  const above = trail(parent, known, linksLeft);
  const here = join(above.real, basename(path));
  const target = linksLeft > 0 ? linkTarget(here) : undefined;
  let result: Trail = { real: here, links: above.links };
  if (target !== undefined) {
    const { real, links } = trail(resolve(above.real, target), known, linksLeft - 1);
    result = { real, links: new Set([...above.links, above.real, ...links]) };
  }
  known.set(path, result);
  return result;
}

/** The creation of a missing folder is a change of the one above it. */
function nearestExisting(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : nearestExisting(dirname(folder));
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    // Not a link, or missing.
    return undefined;
  }
}
