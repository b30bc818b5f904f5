// Log lines and metrics of the configuration: what was applied and what that changed, or why it was rejected.
// Must not: log again in each turn what the last turn has logged.

import { createHash } from 'node:crypto';
import type { Rejected } from '../../admin/status-view.ts';
import { formatDiagnostic, PosternError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { changesBetween, type Described } from '../../pipeline/changes.ts';
import type { Applied, Publisher } from '../../pipeline/publisher.ts';
import { RejectedConfig } from '../../pipeline/rejected-config.ts';
import type { Histogram, Metrics } from '../../telemetry/metrics-registry.ts';

/** From the start of reading the file to its data, and from there to published snapshots. */
export interface ReloadTime {
  readonly parseMs: number;
  readonly applyMs: number;
}

export class ConfigLog {
  private readonly logger: Logger;
  private readonly count: (result: 'applied' | 'rejected') => void;

  private readonly reloadTime: ReturnType<Histogram['series']>;

  constructor(logger: Logger, metrics: Metrics) {
    this.logger = logger;
    const reloads = metrics.counter('postern_config_reloads_total', 'Configurations read, by result.');
    const wasSuccessful = metrics.gauge(
      'postern_config_last_reload_successful',
      'Whether the configuration that was read last is served (1), or was rejected (0).',
    );
    const took = metrics.histogram(
      'postern_config_reload_seconds',
      'How long it took to read, check and publish a configuration that was applied after the start.',
      [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    );
    this.reloadTime = took.series({});
    this.count = (result) => {
      reloads.add({ result });
      wasSuccessful.set({}, result === 'applied' ? 1 : 0);
    };
  }

  /** The first configuration, which the line of the start reports. */
  started(): void {
    this.count('applied');
  }

  applied(publisher: Publisher, before: Applied | undefined, took: ReloadTime): void {
    const { applied } = publisher;
    if (applied === undefined) return;
    this.count('applied');
    this.reloadTime.observe((took.parseMs + took.applyMs) / 1000);
    this.logger.info(
      {
        file: applied.loaded.file,
        sha256: sha256Of(applied),
        changes: changesBetween(before && described(before), described(applied)),
        ...took,
        snapshots: versionsOf(publisher),
      },
      'configuration applied',
    );
    this.warnings(applied, before);
  }

  rejected(file: string, error: unknown): Rejected {
    this.count('rejected');
    const rejected = rejection(error);
    const fields = { file, reason: rejected.reason, diagnostics: rejected.diagnostics.map(formatDiagnostic) };
    this.logger.error(
      error instanceof PosternError ? fields : { ...fields, err: error },
      'configuration rejected; what was served is still served',
    );
    return rejected;
  }

  /** The findings that the last turn has not logged; otherwise each refresh would repeat them all. */
  warnings({ warnings }: Applied, before?: Applied): void {
    const logged = new Set(before?.warnings.map(formatDiagnostic));
    for (const warning of warnings) {
      const fields = { diagnostic: formatDiagnostic(warning) };
      if (logged.has(fields.diagnostic)) continue;
      if (warning.severity === 'warning') this.logger.warn(fields, 'configuration warning');
      else
        this.logger.error(
          warning.concernsPeer === undefined ? fields : { ...fields, peer: warning.concernsPeer },
          'one trust bundle has an error; what does not need it is served',
        );
    }
  }
}

function described({ resolved, loaded }: Applied): Described {
  return { ...resolved, config: loaded.parsed.config };
}

/** Of the file's text, hex. */
export function sha256Of({ loaded }: Applied): string {
  return createHash('sha256').update(loaded.text).digest('hex');
}

export function versionsOf({ cache }: Publisher): Readonly<Record<string, string>> {
  return Object.fromEntries([...cache.entries()].map(([gateway, { version }]) => [gateway, version]));
}

function rejection(error: unknown): Rejected {
  const at = new Date().toISOString();
  if (error instanceof RejectedConfig) return { at, reason: error.code, diagnostics: error.diagnostics };
  if (error instanceof PosternError) return { at, reason: `${error.code} ${error.message}`, diagnostics: [] };
  return { at, reason: 'internal error', diagnostics: [] };
}
