// `postern validate`: everything that can be known without a gateway.
// In: a file. Out: diagnostics on stdout, the exit status. Must not: write, or dial anybody.

import { EXIT, formatDiagnostic } from '../../errors.ts';
import { type Command, FILE, GROUP_KEYS, isOn, oneOf, required } from '../command.ts';
import { compileOnce, readConfiguration } from '../configuration.ts';

export const validate: Command = {
  name: 'validate',
  summary: 'says all that is wrong with a configuration, offline',
  flags: [
    FILE,
    GROUP_KEYS,
    { name: 'output', short: 'o', value: 'text|json', summary: 'how to print', default: 'text' },
  ],
  run: async (invocation) => {
    const output = oneOf(invocation.flag('output'), ['text', 'json'], '--output');
    const file = required(invocation, 'file');
    const now = Date.now();
    const { resolved, diagnostics } = await readConfiguration(file, now, isOn(invocation, GROUP_KEYS));
    if (resolved !== undefined) compileOnce(resolved);
    const errors = diagnostics.filter(({ severity }) => severity === 'error').length;
    const warnings = diagnostics.length - errors;
    if (output === 'json') invocation.stdout(`${JSON.stringify({ file, errors, warnings, diagnostics }, null, 2)}\n`);
    else invocation.stdout([...diagnostics.map(formatDiagnostic), summary(file, errors, warnings), ''].join('\n'));
    return errors > 0 ? EXIT.badConfig : warnings > 0 ? EXIT.findings : EXIT.ok;
  },
};

function summary(file: string, errors: number, warnings: number): string {
  if (errors + warnings === 0) return `${file}: fine`;
  return `${file}: ${errors} error${errors === 1 ? '' : 's'}, ${warnings} warning${warnings === 1 ? '' : 's'}`;
}
