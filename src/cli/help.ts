// Prints help from the list of commands.
// Must not: know a command by name.

import { EXIT, EXIT_MEANINGS } from '../errors.ts';
import { variableOf } from './arguments.ts';
import type { Command, Exit, Flag } from './command.ts';

/** Help of everything, of a group of commands such as `certs`, or of one command. */
export function helpText(commands: readonly Command[], version: string, group?: string): string {
  const [only, ...others] = commands;
  if (only !== undefined && others.length === 0 && group === undefined) return commandHelp(only);
  const all = Object.keys(EXIT) as Exit[];
  return [
    ...(group === undefined
      ? [`Postern ${version}: an Envoy xDS control plane for mesh federation gateways.`, '']
      : [`usage: postern ${group} COMMAND`, '']),
    ...columns(commands.map(({ name, summary }) => [`postern ${name}`, summary])),
    '',
    `Run postern ${group === undefined ? '' : `${group} `}COMMAND --help for the flags and examples of a command.`,
    ...(group === undefined
      ? [
          'postern --version prints the version.',
          'A flag that takes a value can also be set in the environment: --log-level is POSTERN_LOG_LEVEL.',
          ...differing(commands),
          '',
          'Exit status:',
          ...exits(all),
        ]
      : []),
    '',
  ].join('\n');
}

/** Variables that are not named like their flag. */
function differing(commands: readonly Command[]): readonly string[] {
  return commands.flatMap(({ name, flags }) =>
    flags.flatMap((flag) =>
      flag.variable === undefined || flag.value === undefined
        ? []
        : [`The exception is --${flag.name} of postern ${name}: ${flag.variable}.`],
    ),
  );
}

function commandHelp({ name, positionals = [], summary, flags, examples, exits: ends }: Command): string {
  const usage = ['postern', name, ...positionals, ...flags.map(usageOf)].join(' ');
  return [
    summary,
    '',
    `usage: ${usage}`,
    ...(flags.length === 0 ? [] : ['', 'Flags:', ...columns(flags.map((flag) => [headOf(flag), describe(flag)]))]),
    '',
    'Examples:',
    ...examples.map((example) => `  ${example}`),
    '',
    'Exit status:',
    ...exits(ends),
    '',
  ].join('\n');
}

function exits(ends: readonly Exit[]): readonly string[] {
  return columns(ends.map((exit) => [String(EXIT[exit]), EXIT_MEANINGS[exit]]));
}

function columns(rows: readonly (readonly [string, string])[]): readonly string[] {
  const width = Math.max(0, ...rows.map(([head]) => head.length));
  return rows.map(([head, text]) => `  ${head.padEnd(width)}  ${text}`);
}

function headOf({ name, short, value }: Flag): string {
  return `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`;
}

function describe(flag: Flag): string {
  const variable = variableOf(flag);
  const notes = [
    ...(flag.default === undefined ? [] : [`default ${flag.default}`]),
    ...(variable === undefined ? [] : [variable]),
  ];
  return `${flag.summary}${notes.length === 0 ? '' : ` (${notes.join('; ')})`}`;
}

function usageOf(flag: Flag): string {
  const name = flag.short === undefined || flag.value === undefined ? `--${flag.name}` : `-${flag.short}`;
  const text = flag.value === undefined ? name : `${name} ${flag.value}`;
  return flag.required ? text : `[${text}]`;
}
