// Encodes responses: once for all streams that are sent the same, each with a nonce of its own.
// Must not: encode a resource (resource.ts did), keep a body longer than the batch that it encodes, or keep a response that
// only one client is sent.

import { areIdentical, memoizeByIdentity } from '../../memoize.ts';
import { bytesField, stringField, stringsField } from '../../snapshot/protobuf.ts';
import { entryField } from '../../snapshot/ttl.ts';
import type { Outgoing, Variant } from './messages.ts';
import type { SharedBatch } from './shared-batch.ts';

type Answerable = Pick<Outgoing, 'resources' | 'removed' | 'version' | 'form' | 'isShared'>;

/** gRPC's length-prefixed message: a flag and four bytes of length. */
export const FRAME_HEAD = 5;

interface Encoded extends Omit<Answerable, 'resources' | 'isShared'> {
  readonly variant: Variant;
  readonly typeUrl: string;
  readonly body: Buffer;
}

/** The bodies in which a batch was sent lately. */
const bodiesOf = memoizeByIdentity((_: SharedBatch): Encoded[] => []);
/** The same batch in more responses than these is encoded again: it may outlive the versions that it was sent with. */
const MAX_BODIES = 8;

/** The bytes of a reply without its nonce; the same buffer for all that are sent the same. */
export function responseBody(variant: Variant, typeUrl: string, reply: Answerable, controlPlane: string): Buffer {
  const { resources, removed, version, form, isShared } = reply;
  if (!isShared) return encode(variant, typeUrl, reply, controlPlane);
  const bodies = bodiesOf(resources);
  for (const kept of bodies) {
    if (kept.version !== version || kept.variant !== variant || kept.form !== form || kept.typeUrl !== typeUrl)
      continue;
    if (areIdentical(kept.removed, removed)) return kept.body;
  }
  const body = encode(variant, typeUrl, reply, controlPlane);
  if (bodies.length === MAX_BODIES) bodies.shift();
  bodies.push({ variant, typeUrl, removed, version, form, body });
  return body;
}

function encode(variant: Variant, typeUrl: string, reply: Answerable, controlPlane: string): Buffer {
  return variant === 'sotw' ? sotwBody(typeUrl, reply, controlPlane) : deltaBody(typeUrl, reply, controlPlane);
}

/** DiscoveryResponse: version_info 1, resources 2, type_url 4, control_plane 6. */
function sotwBody(typeUrl: string, reply: Answerable, controlPlane: string): Buffer {
  return Buffer.concat([
    stringField(1, reply.version),
    ...reply.resources.map((resource) => entryField(resource, 'sotw', reply.form)),
    stringField(4, typeUrl),
    bytesField(6, stringField(1, controlPlane)),
  ]);
}

/** DeltaDiscoveryResponse: system_version_info 1, resources 2, type_url 4, removed_resources 6, control_plane 7. */
function deltaBody(typeUrl: string, reply: Answerable, controlPlane: string): Buffer {
  return Buffer.concat([
    stringField(1, reply.version),
    ...reply.resources.map((resource) => entryField(resource, 'delta', reply.form)),
    stringField(4, typeUrl),
    // An empty name is a name too (rule 13).
    stringsField(6, reply.removed),
    bytesField(7, stringField(1, controlPlane)),
  ]);
}

/** Copying fewer bytes than these costs less than handing three pieces down to the socket. */
const COPIED_BYTES = 8 * 1024;
/** The tag and the length of the nonce: field 5 of both messages; fields may come in any order. */
const NONCE_HEAD = 2;

/**
 * The message on the wire: gRPC's head, the body, and the nonce, which is ASCII and shorter than 128 characters. A large
 * body is a piece of its own, the same buffer for every stream.
 */
export function frame(body: Buffer, nonce: string): readonly Buffer[] {
  const around = FRAME_HEAD + NONCE_HEAD + nonce.length;
  const whole = body.length <= COPIED_BYTES;
  const bytes = Buffer.allocUnsafe(whole ? around + body.length : around);
  bytes[0] = 0;
  bytes.writeUInt32BE(around - FRAME_HEAD + body.length, 1);
  if (whole) body.copy(bytes, FRAME_HEAD);
  const tail = whole ? FRAME_HEAD + body.length : FRAME_HEAD;
  bytes[tail] = 0x2a;
  bytes[tail + 1] = nonce.length;
  bytes.write(nonce, tail + NONCE_HEAD, 'latin1');
  return whole ? [bytes] : [bytes.subarray(0, FRAME_HEAD), body, bytes.subarray(FRAME_HEAD)];
}

/** As many messages as fit go down to the socket as one piece: a turn may be hundreds of small ones. */
const JOINED_BYTES = 64 * 1024;

/** The same bytes in fewer writes. Messages of several pieces keep them. */
export function joined(messages: readonly (readonly Buffer[])[]): readonly (readonly Buffer[])[] {
  if (messages.length < 2) return messages;
  const writes: (readonly Buffer[])[] = [];
  let small: Buffer[] = [];
  let bytes = 0;
  const flush = (): void => {
    if (small.length > 0) writes.push([small.length === 1 ? (small[0] as Buffer) : Buffer.concat(small, bytes)]);
    [small, bytes] = [[], 0];
  };
  for (const message of messages) {
    const [only] = message;
    if (message.length === 1 && only !== undefined && bytes + only.length <= JOINED_BYTES) {
      small.push(only);
      bytes += only.length;
      continue;
    }
    flush();
    if (message.length === 1 && only !== undefined) [small, bytes] = [[only], only.length];
    else writes.push(message);
  }
  flush();
  return writes;
}
