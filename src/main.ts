#!/usr/bin/env node
// argv → command → exit status: the only place that ends the process.
// In: the process. Out: output and an exit status. Must not: do a command's work.

import { parseArguments } from './cli/arguments.ts';
import type { Command } from './cli/command.ts';
import { bootstrap } from './cli/commands/bootstrap.ts';
import { certsDev, certsGateway } from './cli/commands/certs.ts';
import { drain } from './cli/commands/drain.ts';
import { peerShow } from './cli/commands/peer.ts';
import { run } from './cli/commands/run.ts';
import { schema } from './cli/commands/schema.ts';
import { status } from './cli/commands/status.ts';
import { translate } from './cli/commands/translate.ts';
import { validate } from './cli/commands/validate.ts';
import { commandHelp, overview } from './cli/help.ts';
import { EXIT, PosternError } from './errors.ts';
import { RejectedConfig } from './pipeline/identity-needs.ts';
import { VERSION } from './version.ts';

export const COMMANDS: readonly Command[] = [
  run,
  validate,
  translate,
  certsGateway,
  certsDev,
  bootstrap,
  peerShow,
  status,
  drain,
  schema,
];

const output = {
  stdout: (text: string): void => void process.stdout.write(text),
  stderr: (text: string): void => void process.stderr.write(text),
};

async function main(argv: readonly string[]): Promise<number> {
  const parsed = parseArguments(argv, COMMANDS, process.env, output);
  if ('version' in parsed) output.stdout(`postern ${VERSION}\n`);
  else if ('help' in parsed)
    output.stdout(parsed.help === undefined ? overview(COMMANDS, VERSION) : commandHelp(parsed.help));
  else return parsed.command.run(parsed.invocation);
  return EXIT.ok;
}

// A reader that goes away (`postern translate | head`) is no failure, and hides none: the command's own status stands.
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
    output.stderr(error instanceof RejectedConfig ? `${error.message}\n` : `postern: ${error.code} ${error.message}\n`);
    process.exitCode = error.exitStatus;
  },
);
