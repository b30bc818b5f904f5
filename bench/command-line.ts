// Reads the arguments of the programs of the bench. A wrong one is reported in one line, with the fix.
// Must not: start anything.

import { EXIT } from '../src/errors.ts';

export function commandLine<T>(usage: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\nusage: ${usage}`);
    return process.exit(EXIT.usage);
  }
}
