// The subject of the certificates that we sign: one rule for signing them, and for judging whether a CA allows it.
// Must not: be empty or the issuer's name; a leaf that is named like its CA looks self-signed to OpenSSL.

import type { SpiffeId } from '../spiffe.ts';

export function leafCommonName(id: SpiffeId): string {
  return `gateway ${id.slice(id.indexOf('/', 9) + 1)}`.slice(0, 64);
}
