// How a program of the bench reads its arguments: who gets them wrong is told in one line, with the cure.
// In: what reads them; how they are written. Out: what it read, or the end of the process (exit 64). Must not: start anything.

import { EXIT } from '../src/errors.ts';

export function commandLine<T>(usage: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\nusage: ${usage}`);
    return process.exit(EXIT.usage);
  }
}
