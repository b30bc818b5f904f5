// Findings about trust material, before it is known which key of the configuration names the file.
// Must not: know paths of the configuration; federation/ adds them.

import type { Finding, FindingCode } from '../errors.ts';

export type TrustFinding = Pick<Finding, 'code' | 'severity' | 'message' | 'hint'>;

export function trustError(code: FindingCode, message: string, hint: string): TrustFinding {
  return { code, severity: 'error', message, hint };
}

export function trustWarning(code: FindingCode, message: string, hint: string): TrustFinding {
  return { code, severity: 'warning', message, hint };
}

/** What one peer's file may cause, so that it fills neither the log nor the status. */
const MAX_FINDINGS = 10;

/**
 * At most ten findings, in their order, with errors before warnings where some have to go. The last one says how many are
 * missing.
 */
export function firstFindings<T extends Pick<Finding, 'severity' | 'message'>>(findings: readonly T[]): readonly T[] {
  if (findings.length <= MAX_FINDINGS) return findings;
  const errors = findings.filter(({ severity }) => severity === 'error');
  const others = findings.filter(({ severity }) => severity !== 'error');
  const kept = new Set([...errors, ...others].slice(0, MAX_FINDINGS));
  const more = ` (and ${findings.length - MAX_FINDINGS} more findings about this trust bundle)`;
  return findings
    .filter((finding) => kept.has(finding))
    .map((finding, index) =>
      index === MAX_FINDINGS - 1 ? { ...finding, message: `${finding.message}${more}` } : finding,
    );
}
