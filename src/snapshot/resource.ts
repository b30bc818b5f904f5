// One resource, encoded and hashed once for every stream that will ever carry it.
// In: type, name, encoded body, what it refers to. Out: a Resource. Must not: be changed once made.

import { createHash } from 'node:crypto';
import { bytesField, stringField } from './protobuf.ts';
import type { Reference } from './references.ts';

export interface Resource {
  readonly typeUrl: string;
  readonly name: string;
  /** Content hash: the same bytes have the same version, on every replica and after every restart. */
  readonly version: string;
  /** google.protobuf.Any, encoded. */
  readonly any: Buffer;
  /** Fields 3 and 1 of discovery.v3.Resource, name and version: what delta puts before the Any. */
  readonly deltaHead: Buffer;
  readonly references: readonly Reference[];
  /** How long a client keeps it without hearing of it again, in milliseconds. */
  readonly ttlMs?: number;
}

export function createResource(
  typeUrl: string,
  name: string,
  body: Uint8Array,
  references: readonly Reference[] = [],
  ttlMs?: number,
): Resource {
  const version = createHash('sha256').update(body).digest('hex').slice(0, 32);
  return {
    typeUrl,
    name,
    version,
    any: Buffer.concat([stringField(1, typeUrl), bytesField(2, body)]),
    deltaHead: Buffer.concat([stringField(3, name), stringField(1, version)]),
    references,
    ...(ttlMs !== undefined && { ttlMs }),
  };
}

/** The encoded message itself, out of its Any. */
export function anyBody({ typeUrl, any }: Resource): Buffer {
  const body = any.subarray(stringField(1, typeUrl).length + 1);
  // Past the length, a varint: its last byte is the first below 0x80.
  return body.subarray(body.findIndex((byte) => byte < 0x80) + 1);
}
