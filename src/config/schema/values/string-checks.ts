// A single text of the configuration: how the result of its check travels through zod, and how a value is quoted to people.
// Must not: know any key.

import * as z from 'zod';
import type { FindingCode } from '../../../errors.ts';
import { withoutKeys } from '../../../without-keys.ts';

// Before the first object of the schema is made. zod would compile a function for each of them, which costs a third of what
// checking a small file does, and gains nothing that can be measured for ten thousand exports.
z.config({ jitless: true });

/** What a failed check says; zod carries it as the `params` of a custom issue. */
export interface CheckParams {
  readonly finding: FindingCode;
  readonly hint: string;
}

/** What is wrong with a value; undefined when nothing is. */
export type CheckResult = { readonly code: FindingCode; readonly message: string; readonly hint: string } | undefined;

/** What JSON Schema can say of a text; `check` has the last word. */
export interface Shape {
  readonly pattern?: string;
  readonly enum?: string[];
  readonly maxLength?: number;
}

/** A text that must pass `check`. */
export function text(description: string, shape: Shape, check: (value: string) => CheckResult) {
  return z
    .string()
    .describe(description)
    .meta({ minLength: 1, ...shape })
    .superRefine((value, context) => {
      const result = value === '' ? EMPTY : check(value);
      if (result !== undefined) context.addIssue(issueOf(result));
    });
}

/** A finding on its way through zod. */
export function issueOf({ code, message, hint }: NonNullable<CheckResult>) {
  const params: CheckParams = { finding: code, hint };
  return { code: 'custom' as const, message, params: { ...params } };
}

const EMPTY: CheckResult = { code: 'EMPTY', message: 'an empty text', hint: 'write a value' };

/** Characters that a person does not see, or that change what is seen around them. */
export const HIDDEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\p{Zl}\p{Zp}]/u;

/** Somebody wrote the content of a file in the place of its name: it may be a private key, and is never repeated. */
export function holdsPem(value: string): boolean {
  return /-----\s*(BEGIN|END)|PRIVATE KEY/i.test(value);
}

/** A value may be a key, in base64 or hex and without its PEM lines; then no part of it is repeated, in whatever case. */
export function holdsKey(value: string): boolean {
  return withoutKeys(value) !== value;
}

/** A value as it may be repeated to a person: never a key, nor a control or bidirectional character. */
export function quote(value: string): string {
  if (holdsPem(value)) return '"-----BEGIN …"';
  const safe = [...withoutKeys(value).slice(0, 80)].map((char) =>
    /[\x21-\x7e …]/.test(char) ? char : `\\u{${char.codePointAt(0)?.toString(16)}}`,
  );
  return `"${safe.join('')}"`;
}
