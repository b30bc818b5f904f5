// Reads from /proc the children of a process, and whether a process still runs.
// Must not: end a process; the tests do.

import { readdirSync, readFileSync } from 'node:fs';

interface Stat {
  readonly state: string;
  readonly parent: number;
}

/** The command's name stands in brackets and may hold anything. */
function statOf(pid: number): Stat | undefined {
  try {
    const [state = '', parent] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return { state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}

/** One that ended and that nobody asked after is gone as well. */
export function isGone(pid: number): boolean {
  return ['Z', 'X', undefined].includes(statOf(pid)?.state);
}

/** The oldest first. */
export function childrenOf(pid: number): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((child) => statOf(child)?.parent === pid && !isGone(child))
    .sort((a, b) => a - b);
}
