// Nonces, each unique on its stream (rule 14). A client that can predict nonces could acknowledge responses that it never
// read, and make the server buffer without limit.
// Must not: cost a system call each, or be longer than 127 ASCII characters.

import { randomBytes, randomFillSync } from 'node:crypto';

/** Nine random bytes: never twice, and short enough that a slice of `text` is a copy and does not keep all of it. */
const CHARACTERS = 12;
const pool = Buffer.alloc((CHARACTERS / 4) * 3 * 512);
let text = '';
let used = 0;

export function unpredictable(): string {
  if (used === text.length) {
    text = randomFillSync(pool).toString('base64url');
    used = 0;
  }
  used += CHARACTERS;
  return text.slice(used - CHARACTERS, used);
}

/** Eight hexadecimal digits. */
export function randomMark(): string {
  return randomBytes(4).toString('hex');
}

/** Sequential nonces, for tests and benchmarks. The server uses random ones. */
export function sequentialNonces(): () => string {
  let count = 0;
  return () => {
    count += 1;
    return String(count);
  };
}
