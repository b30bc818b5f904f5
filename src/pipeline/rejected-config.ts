// The error of a configuration that cannot be served.
// Must not: lose the places; the running process and the one-shot commands print the same diagnostics.

import { type Diagnostic, formatDiagnostic, PosternError } from '../errors.ts';

export class RejectedConfig extends PosternError {
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[]) {
    super('CONFIG_INVALID', diagnostics.map(formatDiagnostic).join('\n'));
    this.diagnostics = diagnostics;
  }
}
