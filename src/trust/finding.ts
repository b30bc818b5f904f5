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
