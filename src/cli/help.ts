// Help, printed from the command table.
// In: commands. Out: text. Must not: know a command by name.

import { variableOf } from './arguments.ts';
import type { Command, Flag } from './command.ts';

export function overview(commands: readonly Command[], version: string): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  return [
    `Postern ${version}: an Envoy xDS control plane for mesh federation gateways.`,
    '',
    ...commands.map(({ name, summary }) => `  postern ${name.padEnd(width)}  ${summary}`),
    '',
    'postern COMMAND --help tells more. Each flag that takes a value can also be set in the environment, as POSTERN_<FLAG>.',
    'Exit status: 0 fine, 1 failed, 64 usage, 65 bad configuration, 69 the running process cannot be reached, 79 warnings only.',
    '',
  ].join('\n');
}

export function commandHelp(command: Command): string {
  const usage = ['postern', command.name, ...(command.positionals ?? []), ...command.flags.map(usageOf)].join(' ');
  const heads = command.flags.map(
    (flag) =>
      `${flag.short === undefined ? '' : `-${flag.short}, `}--${flag.name}${flag.value === undefined ? '' : ` ${flag.value}`}`,
  );
  const width = Math.max(0, ...heads.map((head) => head.length));
  return [
    command.summary,
    '',
    `usage: ${usage}`,
    '',
    ...command.flags.map((flag, index) => {
      const more = [
        flag.default === undefined ? '' : `default ${flag.default}`,
        flag.value === undefined && flag.variable === undefined ? '' : variableOf(flag),
      ].filter((part) => part !== '');
      return `  ${(heads[index] ?? '').padEnd(width)}  ${flag.summary}${more.length === 0 ? '' : ` (${more.join('; ')})`}`;
    }),
    '',
  ].join('\n');
}

function usageOf(flag: Flag): string {
  const text =
    flag.value === undefined
      ? `--${flag.name}`
      : `${flag.short === undefined ? `--${flag.name}` : `-${flag.short}`} ${flag.value}`;
  return flag.required ? text : `[${text}]`;
}
