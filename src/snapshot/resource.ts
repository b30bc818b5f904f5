// One resource, encoded and hashed once for all streams that carry it.
// Must not: change once it is made.

import { createHash } from 'node:crypto';
import { fieldHead, stringField } from './protobuf.ts';

/** A resource that must exist for another one to work. */
export interface Reference {
  readonly typeUrl: string;
  readonly name: string;
  /**
   * What the client keys its subscription by, besides the name. When it changes, Envoy (delta) makes a new subscription and
   * sends no request, so the server has to send the resource again (envoy#47309).
   */
  readonly source: string;
  /** For secrets only: the other secrets of the same TLS contexts, which a client accepts or rejects together. */
  readonly together?: readonly string[];
}

export interface Resource {
  readonly typeUrl: string;
  readonly name: string;
  /** A content hash: the same bytes have the same version on every replica and after every restart. */
  readonly version: string;
  /** google.protobuf.Any, encoded. */
  readonly any: Buffer;
  /** Field 2 of a SotW DiscoveryResponse: the Any. Part of `deltaField`. */
  readonly sotwField: Buffer;
  /** Field 2 of a DeltaDiscoveryResponse: a discovery.v3.Resource with name, version and the Any. */
  readonly deltaField: Buffer;
  /** 256 bits of name and version. A type's version is made of their sum, so that a change costs what it changes. */
  readonly digest: bigint;
  readonly references: readonly Reference[];
  /** How long a client keeps the resource without a heartbeat, in milliseconds. */
  readonly ttlMs?: number;
}

/** `any` and `sotwField` are slices of `deltaField`: the Any is field 2 of both messages that hold it. */
export function createResource(
  typeUrl: string,
  name: string,
  body: Uint8Array,
  references: readonly Reference[] = [],
  ttlMs?: number,
): Resource {
  return encode({ typeUrl, name, version: hash(body), references, ...(ttlMs !== undefined && { ttlMs }) }, body);
}

/** The same resource in other bytes of the same meaning. Its version begins with the resource's own. */
export function respelledAs(resource: Resource, body: Uint8Array): Resource {
  const { typeUrl, name, references, ttlMs } = resource;
  const version = `${resource.version}${RESPELLED}${hash(body)}`;
  return encode({ typeUrl, name, version, references, ...(ttlMs !== undefined && { ttlMs }) }, body);
}

/** Whether `reported`, a version that a client reports, is this resource in any spelling. */
export function isVersionOf({ version }: Resource, reported: string | undefined): boolean {
  return reported === version || reported?.startsWith(`${version}${RESPELLED}`) === true;
}

const RESPELLED = '~';

function hash(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex').slice(0, 32);
}

type Described = Pick<Resource, 'typeUrl' | 'name' | 'version' | 'references' | 'ttlMs'>;

function encode(described: Described, body: Uint8Array): Resource {
  const { typeUrl, name, version } = described;
  const digest = createHash('sha256').update(`${name}\n${version}`).digest('hex');
  const any = [stringField(1, typeUrl), fieldHead(2, body.length), body];
  const anyLength = lengthOf(any);
  const sotw = [fieldHead(2, anyLength), ...any];
  const head = [stringField(3, name), stringField(1, version)];
  const deltaField = Buffer.concat([fieldHead(2, lengthOf(head) + lengthOf(sotw)), ...head, ...sotw]);
  const sotwField = deltaField.subarray(deltaField.length - lengthOf(sotw));
  return {
    ...described,
    any: sotwField.subarray(sotwField.length - anyLength),
    sotwField,
    deltaField,
    digest: BigInt(`0x${digest}`),
  };
}

/** A resource that is passed to another process: `deltaField` holds the bytes of the other fields. */
export interface PackedResource extends Omit<Resource, 'any' | 'sotwField'> {
  readonly anyLength: number;
  readonly sotwLength: number;
}

export function packResource({ any, sotwField, ...rest }: Resource): PackedResource {
  return { ...rest, anyLength: any.length, sotwLength: sotwField.length };
}

/** The same resource and bytes; nothing is encoded or hashed again. */
export function unpackResource({ anyLength, sotwLength, ...rest }: PackedResource): Resource {
  // Structured clone makes a Uint8Array of a Buffer.
  const { buffer, byteOffset, byteLength } = rest.deltaField;
  const deltaField = Buffer.from(buffer, byteOffset, byteLength);
  const last = (length: number): Buffer => deltaField.subarray(deltaField.length - length);
  return { ...rest, deltaField, sotwField: last(sotwLength), any: last(anyLength) };
}

/** The encoded message itself, out of its Any. */
export function anyBody({ typeUrl, any }: Resource): Buffer {
  const body = any.subarray(stringField(1, typeUrl).length + 1);
  // Past the length, a varint: its last byte is the first below 0x80.
  return body.subarray(body.findIndex((byte) => byte < 0x80) + 1);
}

function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}
