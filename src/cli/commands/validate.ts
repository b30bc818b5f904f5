// `postern validate`: everything that can be known without a gateway.
// In: a file. Out: diagnostics on stdout, the exit status. Must not: write, or dial anybody.

import { EXIT, formatDiagnostic } from '../../errors.ts';
import { isOn, outputFormat, type Run, required } from '../command.ts';
import { readConfiguration } from '../configuration.ts';

export const validate: Run = async (invocation) => {
  const output = outputFormat(invocation, ['text', 'json'] as const, 'text');
  const file = required(invocation, 'file');
  const now = Date.now();
  const { resolved, diagnostics } = await readConfiguration(file, now, isOn(invocation, 'group-keys'));
  // The codec is half of the time: it is loaded for what could be served only.
  if (resolved !== undefined) (await import('../compile-once.ts')).compileOnce(resolved);
  const errors = diagnostics.filter(({ severity }) => severity === 'error').length;
  const warnings = diagnostics.length - errors;
  if (output === 'json') invocation.stdout(`${JSON.stringify({ file, errors, warnings, diagnostics }, null, 2)}\n`);
  else invocation.stdout([...diagnostics.map(formatDiagnostic), summary(file, errors, warnings), ''].join('\n'));
  return errors > 0 ? EXIT.badConfig : warnings > 0 ? EXIT.findings : EXIT.ok;
};

function summary(file: string, errors: number, warnings: number): string {
  if (errors + warnings === 0) return `${file}: fine`;
  return `${file}: ${errors} error${errors === 1 ? '' : 's'}, ${warnings} warning${warnings === 1 ? '' : 's'}`;
}
