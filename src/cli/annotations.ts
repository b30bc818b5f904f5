// Findings in the formats that code hosts show beside the lines of a change.
// Must not: print anything but findings; the reader of the output parses every line of it.

import { createHash } from 'node:crypto';
import { relative, resolve } from 'node:path';
import type { Diagnostic, Severity } from '../errors.ts';

/** A finding, or the error of a file that could not be read or judged. */
export interface Annotation extends Omit<Diagnostic, 'code' | 'severity'> {
  readonly code: string;
  /** `info`: nothing is wrong, but something was not checked. */
  readonly severity: Severity | 'info';
}

/**
 * GitHub's workflow commands (docs.github.com, "Workflow commands for GitHub Actions"): one line for each finding. The
 * escapes are those of its toolkit (github.com/actions/toolkit, package core).
 */
export function githubCommands(annotations: readonly Annotation[]): string {
  return annotations
    .map(({ severity, file, line, column, code, message, hint }) => {
      const properties = { file: inRepository(file), line, col: column, title: code };
      const list = Object.entries(properties).map(([name, value]) => `${name}=${escapedProperty(String(value))}`);
      return `::${severity === 'info' ? 'notice' : severity} ${list.join(',')}::${escapedData(withHint(message, hint, '\n'))}\n`;
    })
    .join('');
}

function escapedData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapedProperty(text: string): string {
  return escapedData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

const GITLAB_SEVERITY = { error: 'major', warning: 'minor', info: 'info' } as const;

/** GitLab's code quality report (docs.gitlab.com, "Code Quality report format"): one array, each finding with a stable fingerprint. */
export function gitlabReport(annotations: readonly Annotation[]): string {
  const seen = new Map<string, number>();
  const issues = annotations.map(({ severity, file, line, code, path, message, hint }) => {
    const where = inRepository(file);
    const content = JSON.stringify([code, where, path, message]);
    // The fingerprints of one report must differ. The line is no part of them: a finding that moves is not a new one.
    const count = (seen.get(content) ?? 0) + 1;
    seen.set(content, count);
    return {
      description: `${code} ${withHint(message, hint, '; ')}`,
      check_name: code,
      fingerprint: createHash('sha256').update(`${count} ${content}`).digest('hex'),
      severity: GITLAB_SEVERITY[severity],
      location: { path: where, lines: { begin: line } },
    };
  });
  return `${JSON.stringify(issues, null, 2)}\n`;
}

function withHint(message: string, hint: string, separator: string): string {
  return hint === '' ? message : `${message}${separator}${hint}`;
}

/** Code hosts name files from the root of the repository, which is where their jobs start. */
function inRepository(file: string): string {
  const path = relative(process.cwd(), resolve(file));
  return path.startsWith('..') ? file : path;
}
