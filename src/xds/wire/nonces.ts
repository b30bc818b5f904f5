// Nonces: unique on their stream (rule 14), and not to be guessed. Who could guess them would acknowledge what he never
// read, and have the server send more and more.
// In: nothing. Out: nonces of ASCII, shorter than 128 characters. Must not: cost a system call each.

import { randomBytes, randomFillSync } from 'node:crypto';

/** Nine random bytes: never twice, and short enough that a part of `text` is a copy, not a reference to all of it. */
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
