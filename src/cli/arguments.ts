// Turns the words of a command line and the environment into an invocation of one command.
// Must not: run the command, or load it.

import { parseArgs } from 'node:util';
import { PosternError } from '../errors.ts';
import { nearestName } from '../nearest-name.ts';
import type { Command, Flag, Invocation, Output } from './command.ts';

export type ParsedArguments =
  | { readonly kind: 'run'; readonly command: Command; readonly invocation: Invocation }
  /** Of one command, or of a group of commands (`certs`), or of all. */
  | { readonly kind: 'help'; readonly commands: readonly Command[]; readonly group?: string }
  | { readonly kind: 'version' };

export function parseArguments(
  argv: readonly string[],
  commands: readonly Command[],
  env: NodeJS.ProcessEnv,
  output: Output,
): ParsedArguments {
  const words = argv[0] === 'help' ? [...argv.slice(1), '--help'] : argv;
  const [first = '--help', second = ''] = words;
  if (first === '--version') return { kind: 'version' };
  if (isHelp(first)) return { kind: 'help', commands };
  // The longest name that fits.
  const command = [...commands]
    .sort((a, b) => b.name.length - a.name.length)
    .find(({ name }) => name.split(' ').every((word, index) => words[index] === word));
  if (command === undefined) {
    const group = commands.filter(({ name }) => name.startsWith(`${first} `));
    if (group.length > 0 && isHelp(second)) return { kind: 'help', commands: group, group: first };
    throw unknownCommand(first, second, group, commands);
  }
  const rest = words.slice(command.name.split(' ').length);
  if (rest.some(isHelp)) return { kind: 'help', commands: [command] };
  return { kind: 'run', command, invocation: invocationOf(command, rest, env, output) };
}

function isHelp(word: string): boolean {
  return word === '--help' || word === '-h';
}

function unknownCommand(
  first: string,
  second: string,
  group: readonly Command[],
  commands: readonly Command[],
): PosternError {
  if (group.length > 0) {
    const list = group.map(({ name }) => `postern ${name}`).join(', ');
    const problem = second === '' ? `${first} is not a whole command` : `unknown command ${first} ${second}`;
    return new PosternError('USAGE', `${problem}; write one of: ${list}`);
  }
  if (first === 'version') return new PosternError('USAGE', 'unknown command version; did you mean postern --version?');
  const names = commands.map(({ name }) => name);
  const near =
    nearestName(first, names) ??
    nearestName(
      first,
      names.map((name) => name.split(' ', 1)[0] ?? ''),
    ) ??
    nearestName(`${first} ${second}`, names);
  const hint = near === undefined ? 'see postern --help' : `did you mean postern ${near}? See postern --help`;
  return new PosternError('USAGE', `unknown command ${first}; ${hint}`);
}

function invocationOf(command: Command, words: readonly string[], env: NodeJS.ProcessEnv, output: Output): Invocation {
  const { values, positionals } = parseWords(command, words);
  demandPositionals(command, positionals);
  const flagOf = (name: string): Flag => {
    const flag = command.flags.find((one) => one.name === name);
    if (flag === undefined) throw new Error(`${command.name} has no flag ${name}`);
    return flag;
  };
  const fromEnvironment = (flag: Flag): string | undefined => {
    const variable = variableOf(flag);
    // An empty variable counts as unset: that is how compose files and unit files leave one out.
    return variable === undefined ? undefined : env[variable] || undefined;
  };
  const flags = (name: string): readonly string[] => {
    const flag = flagOf(name);
    const given = values.get(name) ?? [];
    const value = fromEnvironment(flag) ?? flag.default;
    return given.length > 0 || value === undefined ? given : [value];
  };
  const named = (name: string): string => {
    const flag = flagOf(name);
    const isGiven = values.has(name) || fromEnvironment(flag) === undefined;
    return (isGiven ? undefined : variableOf(flag)) ?? `--${name}`;
  };
  for (const flag of command.flags) {
    if (!flag.required || flags(flag.name).length > 0) continue;
    const variable = variableOf(flag);
    const other = variable === undefined ? '' : ` (or set ${variable})`;
    throw usage(command, `missing ${shape(flag)}${other}`);
  }
  return { ...output, positionals, flag: (name) => flags(name)[0], flags, named, env };
}

function demandPositionals(command: Command, positionals: readonly string[]): void {
  const expected = command.positionals ?? [];
  if (expected.some((word) => word.endsWith('...]'))) return;
  const needed = expected.filter((word) => !word.startsWith('['));
  const missing = needed[positionals.length];
  const unexpected = positionals[expected.length];
  if (missing !== undefined) throw usage(command, `missing argument ${missing}`);
  if (unexpected !== undefined) throw usage(command, `unexpected argument ${unexpected}`);
}

/** `--node-id` is POSTERN_NODE_ID; a switch has a variable only where it says so. */
export function variableOf({ name, value, variable }: Flag): string | undefined {
  return variable ?? (value === undefined ? undefined : `POSTERN_${name.replaceAll('-', '_').toUpperCase()}`);
}

/** Set by others: the services of a Kubernetes namespace (`POSTERN_SERVICE_HOST`, `POSTERN_PORT_…`), and deploy/. */
const NOT_OURS = /^POSTERN_(HOME$|PORT|SERVICE_)|_(SERVICE_(HOST|PORT)|PORT_\d)/;

/** A line for each variable that looks like a setting and is none of any command: a typing mistake would pass unnoticed. */
export function strangeVariables(commands: readonly Command[], env: NodeJS.ProcessEnv): readonly string[] {
  const known = new Set(commands.flatMap(({ flags }) => flags.flatMap((flag) => variableOf(flag) ?? [])));
  return Object.keys(env)
    .filter((name) => name.startsWith('POSTERN_') && !known.has(name) && !NOT_OURS.test(name))
    .map((name) => {
      const near = nearestName(name, [...known]);
      const hint = near === undefined ? 'see postern --help' : `did you mean ${near}?`;
      return `postern: warning: the variable ${name} sets nothing; ${hint}`;
    });
}

function parseWords(command: Command, words: readonly string[]) {
  const options = Object.fromEntries(
    command.flags.flatMap(({ name, alias, short, value }) => {
      const type = value === undefined ? ('boolean' as const) : ('string' as const);
      const option = { type, ...(short !== undefined && { short }) };
      return [[name, option] as const, ...(alias === undefined ? [] : [[alias, { type }] as const])];
    }),
  );
  const { tokens } = parseArgs({ args: [...words], options, allowPositionals: true, strict: false, tokens: true });
  const values = new Map<string, string[]>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const flag = command.flags.find(({ name, alias }) => token.name === name || token.name === alias);
    if (flag === undefined) throw unknownFlag(command, token.rawName);
    const given = values.get(flag.name) ?? [];
    // The last of two would win, and the caller would believe in both.
    if (given.length > 0 && !flag.multiple) throw usage(command, `--${flag.name} is given more than once`);
    values.set(flag.name, [...given, flagValue(command, flag, token)]);
  }
  return { values, positionals };
}

function flagValue(
  command: Command,
  flag: Flag,
  { value, inlineValue }: { readonly value: string | undefined; readonly inlineValue: boolean | undefined },
): string {
  if (flag.value === undefined) {
    if (value !== undefined) throw usage(command, `--${flag.name} takes no value`);
    return 'true';
  }
  // `--file --output json` has forgotten a value; `-` alone is standard input, and `-1` a number.
  const isFlag = inlineValue !== true && value !== undefined && /^-[^\d]/.test(value);
  if (value === undefined || value === '' || isFlag) throw usage(command, `missing value of ${shape(flag)}`);
  return value;
}

function unknownFlag(command: Command, given: string): PosternError {
  const names = command.flags.flatMap(({ name, alias }) => [name, ...(alias === undefined ? [] : [alias])]);
  const near = given.startsWith('--') ? nearestName(given.slice(2), names) : undefined;
  return usage(command, `unknown flag ${given}${near === undefined ? '' : `; did you mean --${near}?`}`);
}

function shape({ name, value }: Flag): string {
  return value === undefined ? `--${name}` : `--${name} ${value}`;
}

function usage({ name }: Command, problem: string): PosternError {
  const link = problem.endsWith('?') ? ' See' : '; see';
  return new PosternError('USAGE', `postern ${name}: ${problem}${link} postern ${name} --help`);
}
