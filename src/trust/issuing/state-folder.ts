// I/O: a folder and those above it.
// In: a path, a mode. Out: the folder is there. Must not: use mkdir's own recursion: for a path in /proc, Node 20 never returns.

import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/** Errors: those of mkdir. */
export function makeFolder(path: string, mode?: number): void {
  if (existsSync(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeFolder(parent, mode);
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    // Another process was quicker.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
