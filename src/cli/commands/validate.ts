// `postern validate`: checks configuration files as far as that is possible without a gateway.
// Must not: write, or open a connection.

import { EXIT, formatDiagnostic, PosternError } from '../../errors.ts';
import { oneLine } from '../../one-line.ts';
import { withoutKeys } from '../../without-keys.ts';
import { type Annotation, githubCommands, gitlabReport } from '../annotations.ts';
import { type Invocation, isOn, outputFormat, type Run } from '../command.ts';
import { type ReadOptions, readConfiguration, STANDARD_INPUT } from '../configuration.ts';

const WORST_FIRST = [EXIT.failed, EXIT.badConfig, EXIT.findings];

/** The result for one file. */
interface Report {
  readonly file: string;
  readonly annotations: readonly Annotation[];
  /** Keys that name a file that does not exist; only with --without-keys. */
  readonly absentFiles: readonly string[];
  /** Why the file could not be read or judged. */
  readonly failure?: PosternError;
}

export const validate: Run = async (invocation) => {
  const format = outputFormat(invocation, ['text', 'json', 'github', 'gitlab'] as const, 'text');
  const options = {
    groupKeys: isOn(invocation, 'group-keys'),
    requireEnd: isOn(invocation, 'require-end'),
    withoutKeys: isOn(invocation, 'without-keys'),
  };
  const now = Date.now();
  const reports: Report[] = [];
  for (const file of filesOf(invocation)) reports.push(await reportOf(file, now, options));
  const annotations = reports.flatMap((report) => report.annotations);
  switch (format) {
    case 'json':
      invocation.stdout(`${JSON.stringify(jsonOf(reports), null, 2)}\n`);
      break;
    case 'github':
      invocation.stdout(githubCommands(annotations));
      break;
    case 'gitlab':
      invocation.stdout(gitlabReport(annotations));
      break;
    case 'text':
      for (const report of reports) printText(invocation, report);
  }
  const exits = new Set(reports.map(exitOf));
  return WORST_FIRST.find((exit) => exits.has(exit)) ?? EXIT.ok;
};

/** Every file once: those of --file and of the arguments, or the one of POSTERN_FILE. */
function filesOf({ flags, named, positionals }: Invocation): readonly string[] {
  // `--file`, not POSTERN_FILE.
  const isGiven = named('file').startsWith('-');
  const files = [...(isGiven || positionals.length === 0 ? flags('file') : []), ...positionals];
  if (files.length === 0)
    throw new PosternError(
      'USAGE',
      'postern validate: missing --file FILE (or set POSTERN_FILE); see postern validate --help',
    );
  return [...new Set(files)];
}

async function reportOf(file: string, now: number, options: ReadOptions): Promise<Report> {
  const shown = file === '-' ? STANDARD_INPUT : file;
  try {
    const { loaded, resolved, diagnostics } = await readConfiguration(file, now, options);
    // Loading the codec takes half of the time, so it is loaded only for a configuration that could be served.
    if (resolved !== undefined) await (await import('../compile-once.ts')).compileOnce(resolved, now);
    const absentFiles = loaded.absent.map(({ path }) => withoutKeys(path.join('.')));
    // A name that is mistyped looks like a file that is not here.
    const notices = loaded
      .diagnostics(loaded.absent.flatMap(({ notice = [] }) => notice))
      .map((notice) => ({ ...notice, severity: 'info' as const }));
    return { file: shown, annotations: [...diagnostics, ...notices], absentFiles };
  } catch (error) {
    if (!(error instanceof PosternError)) throw error;
    const { code, message } = error;
    const hint = code === 'CONFIG_UNREADABLE' ? 'write - for standard input' : '';
    const annotation = { severity: 'error', path: [], file: shown, line: 1, column: 1, code, message, hint } as const;
    return { file: shown, annotations: [annotation], absentFiles: [], failure: error };
  }
}

function exitOf(report: Report): number {
  if (report.failure !== undefined) return report.failure.exitStatus;
  const { errors, warnings } = countsOf(report);
  if (errors > 0) return EXIT.badConfig;
  return warnings > 0 ? EXIT.findings : EXIT.ok;
}

function countsOf({ annotations }: Report): { readonly errors: number; readonly warnings: number } {
  const count = (wanted: Annotation['severity']): number =>
    annotations.filter(({ severity }) => severity === wanted).length;
  return { errors: count('error'), warnings: count('warning') };
}

/** The same JSON for any number of files; `file` only for a single one. */
function jsonOf(reports: readonly Report[]): object {
  const files = reports.map((report) => ({
    file: report.file,
    ...countsOf(report),
    ...(report.absentFiles.length > 0 && { absentFiles: report.absentFiles }),
  }));
  const [only, ...others] = files;
  return {
    ...(only !== undefined && others.length === 0 && { file: only.file }),
    errors: files.reduce((sum, { errors }) => sum + errors, 0),
    warnings: files.reduce((sum, { warnings }) => sum + warnings, 0),
    files,
    diagnostics: reports.flatMap(({ annotations }) => annotations),
  };
}

function printText({ stdout, stderr }: Invocation, report: Report): void {
  const { file, annotations, absentFiles, failure } = report;
  if (failure !== undefined) {
    stderr(`postern: ${failure.code} ${oneLine(failure.message)}\n`);
    return;
  }
  const { errors, warnings } = countsOf(report);
  const verdict = errors + warnings === 0 ? 'fine' : `${plural(errors, 'error')}, ${plural(warnings, 'warning')}`;
  const absent = absentFiles.length === 0 ? '' : `; not here, and not checked: ${oneLine(absentFiles.join(', '))}`;
  stdout([...annotations.map(formatDiagnostic), `${oneLine(file)}: ${verdict}${absent}`, ''].join('\n'));
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
