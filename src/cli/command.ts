// What a command is: its words, flags and examples as data, and how to load the code that runs it.
// Must not: import what a command needs to run; every start of `postern` loads this file.

import { type EXIT, PosternError } from '../errors.ts';
import { type HostPort, parseHostPort, tooHighPort } from '../host-port.ts';
import type { LogLevel } from '../log.ts';

export interface Flag {
  readonly name: string;
  /** An older name that is still accepted. */
  readonly alias?: string;
  readonly short?: string;
  /** What the value is called; absent for a switch, which the environment sets only where it has a `variable`. */
  readonly value?: string;
  readonly summary: string;
  readonly default?: string;
  readonly required?: boolean;
  /** May be given more than once. */
  readonly multiple?: boolean;
  /** The environment variable, where it is not POSTERN_<FLAG>. */
  readonly variable?: string;
}

export interface Output {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
}

export interface Invocation extends Output {
  readonly positionals: readonly string[];
  /** A flag's value, from the command line or the environment, or its default. */
  readonly flag: (name: string) => string | undefined;
  /** Every value of a flag that may be given more than once. */
  readonly flags: (name: string) => readonly string[];
  /** Where the value comes from, for messages: `--xds`, or `POSTERN_XDS`. */
  readonly named: (name: string) => string;
  readonly env: NodeJS.ProcessEnv;
}

export type Exit = keyof typeof EXIT;

/** Returns the exit status. */
export type Run = (invocation: Invocation) => Promise<number>;

export interface Command {
  readonly name: string;
  /** Words after the name, such as `ingress|egress`; `[NAME...]` stands for any number of them. */
  readonly positionals?: readonly string[];
  /** One sentence that starts with a verb. */
  readonly summary: string;
  readonly flags: readonly Flag[];
  readonly examples: readonly string[];
  /** What it may end with. */
  readonly exits: readonly Exit[];
  readonly load: () => Promise<Run>;
}

export const LOG_LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent'];

/** A flag that must be there; parsing has seen to that. */
export function required({ flag }: Invocation, name: string): string {
  const value = flag(name);
  if (value === undefined) throw new PosternError('USAGE', `--${name} is missing`);
  return value;
}

/** Whether a switch is given, or its variable says so. Errors: USAGE for a variable that says neither. */
export function isOn({ flag, named }: Invocation, name: string): boolean {
  const value = flag(name) ?? 'false';
  if (['false', '0'].includes(value)) return false;
  if (['true', '1'].includes(value)) return true;
  throw new PosternError('USAGE', `${named(name)} takes true or false, not ${value}`);
}

/** HOST:PORT; port 0, "any that is free", only for what listens. */
export function addressFlag(
  invocation: Invocation,
  name: string,
  { anyPort = false, example = '127.0.0.1:18000' } = {},
): HostPort {
  const text = required(invocation, name);
  const free = anyPort && text.endsWith(':0') ? parseHostPort(text.replace(/:0$/, ':1')) : undefined;
  const address = free === undefined ? parseHostPort(text) : { host: free.host, port: 0 };
  if (address === undefined) {
    throw new PosternError(
      'USAGE',
      `${invocation.named(name)} takes HOST:PORT, such as ${example}, not ${text}${tooHighPort(text)}`,
    );
  }
  return address;
}

/** One of the values that a flag takes. */
export function choice<T extends string>(invocation: Invocation, name: string, values: readonly T[]): T {
  return oneOf(invocation.flag(name), values, invocation.named(name));
}

export function oneOf<T extends string>(value: string | undefined, values: readonly T[], what: string): T {
  const found = values.find((known) => known === value);
  if (found === undefined)
    throw new PosternError('USAGE', `${what} takes one of ${values.join(', ')}, not ${value ?? 'nothing'}`);
  return found;
}

/**
 * The format of `--output`. Every command has `json`, for programs, and `text`, which is its own format for people.
 * POSTERN_OUTPUT takes only these two, so that it means the same for all commands.
 */
export function outputFormat<T extends string>(invocation: Invocation, formats: readonly T[], forPeople: T): T {
  const source = invocation.named('output');
  const taken = source.startsWith('-') ? ['text', ...formats.filter((format) => format !== 'text')] : ['text', 'json'];
  const format = oneOf(invocation.flag('output'), taken, source);
  return formats.find((known) => known === format) ?? forPeople;
}
