#!/usr/bin/env node
// Runs the command that argv names. It is the only file that ends the process.
// Must not: import what single commands need; a command's code is loaded when it runs.

import { parseArguments, strangeVariables } from './cli/arguments.ts';
import { COMMANDS } from './cli/commands/command-list.ts';
import { EXIT, PosternError } from './errors.ts';
import { oneLine } from './one-line.ts';

const output = {
  stdout: (text: string): void => void process.stdout.write(text),
  stderr: (text: string): void => void process.stderr.write(text),
};

async function main(argv: readonly string[]): Promise<number> {
  const parsed = parseArguments(argv, COMMANDS, process.env, output);
  if (parsed.kind === 'run')
    for (const line of strangeVariables(COMMANDS, process.env)) output.stderr(`${oneLine(line)}\n`);
  if (parsed.kind === 'run') return (await parsed.command.load())(parsed.invocation);
  const { VERSION } = await import('./version.ts');
  if (parsed.kind === 'version') output.stdout(`postern ${VERSION}\n`);
  else output.stdout((await import('./cli/help.ts')).helpText(parsed.commands, VERSION, parsed.group));
  return EXIT.ok;
}

// A reader that goes away (`postern translate | head`) is no failure, and hides none: the command's own status remains.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return;
    if (stream === process.stdout)
      process.stderr.write(`postern: cannot write to stdout: ${error.code ?? error.message}\n`);
    process.exit(EXIT.failed);
  });
}

main(process.argv.slice(2)).then(
  (exitStatus) => {
    process.exitCode = exitStatus;
  },
  (error: unknown) => {
    if (!(error instanceof PosternError)) throw error;
    // The findings of a rejected configuration are lines of their own.
    const { code, message } = error;
    output.stderr(code === 'CONFIG_INVALID' ? `${message}\n` : `postern: ${code} ${oneLine(message)}\n`);
    process.exitCode = error.exitStatus;
  },
);
