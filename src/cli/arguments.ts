// From argv to an invocation of one command.
// In: words, environment. Out: the command and its settings, or a USAGE error. Must not: run the command.

import { parseArgs } from 'node:util';
import { PosternError } from '../errors.ts';
import type { Command, Flag, Invocation, Output } from './command.ts';

export interface Parsed {
  readonly command: Command;
  readonly invocation: Invocation;
}

export type ParsedArguments = Parsed | { readonly help: Command | undefined } | { readonly version: true };

export function parseArguments(
  argv: readonly string[],
  commands: readonly Command[],
  env: NodeJS.ProcessEnv,
  output: Output,
): ParsedArguments {
  const words = argv[0] === 'help' ? [...argv.slice(1), '--help'] : argv;
  if (words[0] === '--version') return { version: true };
  if (words.length === 0 || words[0] === '--help' || words[0] === '-h') return { help: undefined };
  // The longest name that fits: `certs gateway` before `certs`.
  const command = [...commands]
    .sort((a, b) => b.name.length - a.name.length)
    .find(({ name }) => name.split(' ').every((word, index) => words[index] === word));
  if (command === undefined) throw unknownCommand(words[0] ?? '', commands);
  const rest = words.slice(command.name.split(' ').length);
  if (rest.includes('--help') || rest.includes('-h')) return { help: command };
  return { command, invocation: invocationOf(command, rest, env, output) };
}

function unknownCommand(word: string, commands: readonly Command[]): PosternError {
  const longer = commands.filter(({ name }) => name.startsWith(`${word} `)).map(({ name }) => `postern ${name}`);
  const cure = longer.length === 0 ? 'see postern --help' : `there are ${longer.join(' and ')}`;
  return new PosternError('USAGE', `there is no command ${word}; ${cure}`);
}

function invocationOf(command: Command, words: readonly string[], env: NodeJS.ProcessEnv, output: Output): Invocation {
  const { values, positionals } = parseWords(command, words);
  const expected = command.positionals?.length ?? 0;
  if (positionals.length !== expected) {
    const usage = [command.name, ...(command.positionals ?? [])].join(' ');
    throw new PosternError(
      'USAGE',
      `postern ${usage}: ${positionals.length < expected ? 'a word is missing' : `unexpected ${positionals[expected]}`}; see postern ${command.name} --help`,
    );
  }
  const flag = (name: string): string | undefined => {
    const known = command.flags.find((one) => one.name === name);
    if (known === undefined) throw new Error(`${command.name} has no flag ${name}`);
    // An empty variable is one that is not set: that is how compose files and unit files leave one out.
    const variable = known.value === undefined ? undefined : env[variableOf(known)] || undefined;
    return values.get(name) ?? variable ?? known.default;
  };
  for (const { name, required } of command.flags) {
    if (required && flag(name) === undefined)
      throw new PosternError(
        'USAGE',
        `postern ${command.name}: --${name} is missing; see postern ${command.name} --help`,
      );
  }
  return { ...output, positionals, flag, env };
}

/** `--node-id` is POSTERN_NODE_ID. */
export function variableOf(flag: Flag): string {
  return flag.variable ?? `POSTERN_${flag.name.replaceAll('-', '_').toUpperCase()}`;
}

function parseWords(command: Command, words: readonly string[]) {
  const options = Object.fromEntries(
    command.flags.map((flag) => [
      flag.name,
      {
        type: flag.value === undefined ? ('boolean' as const) : ('string' as const),
        ...(flag.short !== undefined && { short: flag.short }),
      },
    ]),
  );
  try {
    const { values, positionals, tokens } = parseArgs({
      args: [...words],
      options,
      allowPositionals: true,
      strict: true,
      tokens: true,
    });
    const names = tokens.flatMap((token) => (token.kind === 'option' ? [token.name] : []));
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    // The last one would win, and whoever gave two would believe in both.
    if (twice !== undefined) throw new Error(`--${twice} stands twice`);
    return {
      values: new Map(Object.entries(values).map(([name, value]) => [name, value === true ? 'true' : String(value)])),
      positionals,
    };
  } catch (error) {
    const message = error instanceof Error ? (error.message.split('. ', 1)[0] ?? '') : 'bad arguments';
    throw new PosternError('USAGE', `postern ${command.name}: ${message}; see postern ${command.name} --help`);
  }
}
