// I/O: creates a folder and the missing folders above it.
// Must not: use mkdir's own recursion; for a path in /proc, Node 20 never returns.

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
    // Another process created it first.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
