// What the evaluator says of a resource that it does not know in full: nothing, by an error.
// Must not: have a default that passes. A field that is not named here could decide.

import { PosternError } from '../../errors.ts';

export function unjudged(what: string): PosternError {
  const hint =
    'the evaluator of this version does not know it; ask a gateway, or use the version that wrote the resources';
  return new PosternError('UNJUDGED', `${what} cannot be judged: ${hint}`);
}

/** The message holds no other fields than these. Errors: UNJUDGED. */
export function only(message: object, what: string, ...known: readonly string[]): void {
  for (const [key, value] of Object.entries(message))
    if (!known.includes(key) && key !== '@type' && value !== undefined) throw unjudged(`${what}: ${key}`);
}

/** A value that must be there. Errors: UNJUDGED. */
export function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw unjudged(`${what} is missing, which`);
  return value;
}

/** A number as ProtoJSON has it, which is a text for 64 bits. Errors: UNJUDGED. */
export function numberOf(value: number | string | undefined, what: string): number {
  const number = Number(present(value, what));
  if (!Number.isFinite(number)) throw unjudged(`${what}: ${value}`);
  return number;
}
