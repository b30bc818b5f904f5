// What a command is: its words and flags as data, and what it does.
// In: nothing. Out: types, and settings read in one order: flag, POSTERN_<FLAG>, default. Must not: run anything.

import { PosternError } from '../errors.ts';
import { type HostPort, parseHostPort } from '../host-port.ts';

export interface Flag {
  readonly name: string;
  readonly short?: string;
  /** What follows it; absent for a switch, which is set in the environment only where it has a `variable`. */
  readonly value?: string;
  readonly summary: string;
  readonly default?: string;
  readonly required?: boolean;
  /** The environment's name for it, where POSTERN_<FLAG> means something else. */
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
  readonly env: NodeJS.ProcessEnv;
}

export interface Command {
  readonly name: string;
  /** Words after the name, such as `ingress|egress`. */
  readonly positionals?: readonly string[];
  readonly summary: string;
  readonly flags: readonly Flag[];
  /** Returns the exit status. */
  readonly run: (invocation: Invocation) => Promise<number>;
}

export const FILE: Flag = { name: 'file', short: 'f', value: 'FILE', summary: 'the configuration', required: true };
export const GROUP_KEYS: Flag = {
  name: 'group-keys',
  summary: "lets the group of key files and of the state folder use them (Kubernetes' fsGroup)",
  variable: 'POSTERN_GROUP_KEYS',
};
export const REQUIRE_STATE: Flag = {
  name: 'require-state',
  summary: 'fails when the state folder holds no CA, instead of making one',
  variable: 'POSTERN_REQUIRE_STATE',
};
/** POSTERN_ADMIN says where Postern answers; Envoy on the same address would not start, or be open to others. */
export const ENVOY_ADMIN: Flag = {
  name: 'admin',
  value: 'HOST:PORT',
  summary: "Envoy's own admin port",
  default: '127.0.0.1:9901',
  variable: 'POSTERN_ENVOY_ADMIN',
};
export const ADMIN = '127.0.0.1:19000';
export const XDS = '127.0.0.1:18000';

/** A flag that must be there; parsing has seen to that. */
export function required({ flag }: Invocation, name: string): string {
  const value = flag(name);
  if (value === undefined) throw new PosternError('USAGE', `--${name} is missing`);
  return value;
}

/** Whether a switch is given, or its variable says so. Errors: USAGE for a variable that says neither. */
export function isOn({ flag, env }: Invocation, { name, variable = '' }: Flag): boolean {
  if (flag(name) !== undefined) return true;
  const value = env[variable] ?? '';
  if (['', 'false', '0'].includes(value)) return false;
  if (['true', '1'].includes(value)) return true;
  throw new PosternError('USAGE', `${variable} is true or false, not ${value}`);
}

/** HOST:PORT; port 0, "any that is free", only for what listens. */
export function addressFlag(invocation: Invocation, name: string, { anyPort = false } = {}): HostPort {
  const text = required(invocation, name);
  const free = anyPort && text.endsWith(':0') ? parseHostPort(text.replace(/:0$/, ':1')) : undefined;
  const address = free === undefined ? parseHostPort(text) : { host: free.host, port: 0 };
  if (address === undefined) throw new PosternError('USAGE', `--${name} takes HOST:PORT, not ${text}`);
  return address;
}

export function oneOf<T extends string>(value: string | undefined, values: readonly T[], what: string): T {
  const found = values.find((known) => known === value);
  if (found === undefined)
    throw new PosternError('USAGE', `${what} is one of ${values.join(', ')}, not ${value ?? 'nothing'}`);
  return found;
}
