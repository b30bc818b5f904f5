// Nonces: unique on their stream (rule 14), and not to be guessed. Who could guess them would acknowledge what he never
// read, and have the server send more and more.
// In: how many there were on the stream. Out: a nonce of ASCII, shorter than 128 characters. Must not: cost a system call each.

import { randomFillSync } from 'node:crypto';

const BYTES = 9;
const pool = Buffer.alloc(BYTES * 512);
let used = pool.length;

export function unpredictable(count: number): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += BYTES;
  return `${count}.${pool.toString('base64url', used - BYTES, used)}`;
}
