// Runs a postern command in the process of the test, from its words to its exit status: a process of its own costs half a
// second of CPU before it does anything, and a suite makes dozens of certificates and bootstraps.
// Must not: be used by tests of the command line itself; these start real processes (test/cli/postern.ts).

import { parseArguments } from '../../src/cli/arguments.ts';
import { COMMANDS } from '../../src/cli/commands/command-list.ts';

/** Returns the command's stdout. Errors: its exit status is not 0. */
export async function posternHere(...args: readonly string[]): Promise<string> {
  const [stdout, stderr]: [string[], string[]] = [[], []];
  const output = { stdout: (text: string) => void stdout.push(text), stderr: (text: string) => void stderr.push(text) };
  const parsed = parseArguments(args, COMMANDS, {}, output);
  if (parsed.kind !== 'run') throw new Error(`postern ${args.join(' ')} is no command to run`);
  const status = await (await parsed.command.load())(parsed.invocation);
  if (status !== 0) throw new Error(`postern ${args.join(' ')} ended with ${status}:\n${stderr.join('').trimEnd()}`);
  return stdout.join('');
}
