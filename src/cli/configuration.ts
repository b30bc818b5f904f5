// Reads and resolves the configuration, which is what several commands do first.
// Must not: serve, write anything, or load the codec (compile-once.ts does).

import { dirname, join, parse } from 'node:path';
import { type LoadedConfig, loadConfig } from '../config/files/load.ts';
import { type Diagnostic, hasBlockingErrors } from '../errors.ts';
import { findingsOf, type Resolved, resolve } from '../federation/resolve.ts';
import { RejectedConfig } from '../pipeline/rejected-config.ts';
import type { Invocation } from './command.ts';

export interface ReadConfiguration {
  readonly loaded: LoadedConfig;
  /** Absent when the diagnostics hold an error that concerns more than the trust of one peer. */
  readonly resolved?: Resolved;
  readonly diagnostics: readonly Diagnostic[];
}

export async function readConfiguration(file: string, now: number, groupKeys = false): Promise<ReadConfiguration> {
  const loaded = await loadConfig(file, { inline: true, groupKeys });
  const { config, outline = config } = loaded.parsed;
  const around = { files: loaded.files, loadFindings: loaded.findings, now };
  if (config === undefined || hasBlockingErrors(loaded.findings)) {
    const findings = outline && findingsOf({ config: outline, ...around });
    return { loaded, diagnostics: loaded.diagnostics(findings) };
  }
  const { resolved, findings } = resolve({ config, ...around });
  return { loaded, ...(resolved !== undefined && { resolved }), diagnostics: loaded.diagnostics(findings) };
}

/** Errors: RejectedConfig when `run` would not serve it. */
export async function resolvedConfiguration(file: string, now: number): Promise<Resolved & ReadConfiguration> {
  const read = await readConfiguration(file, now);
  if (read.resolved === undefined) throw new RejectedConfig(read.diagnostics);
  return { ...read, ...read.resolved };
}

/** --state, or a folder beside the configuration: `bank.yaml` has `bank.state/`. */
export function stateFolder({ flag }: Invocation, file: string): string {
  return flag('state') ?? join(dirname(file), `${parse(file).name}.state`);
}
