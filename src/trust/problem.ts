// A finding about trust material, before it is known which key of the configuration names it.
// In: nothing. Out: the type, and two makers. Must not: know paths.

import type { FindingCode, Severity } from '../errors.ts';

export interface Problem {
  readonly code: FindingCode;
  readonly severity: Severity;
  readonly message: string;
  readonly hint: string;
}

export function problem(code: FindingCode, message: string, hint: string): Problem {
  return { code, severity: 'error', message, hint };
}

export function caution(code: FindingCode, message: string, hint: string): Problem {
  return { code, severity: 'warning', message, hint };
}
