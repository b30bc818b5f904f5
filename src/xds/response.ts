// Responses as bytes: what every stream shares is encoded once, and only the nonce is a stream's own.
// In: a reply. Out: the shared body, and the tail with the nonce. Must not: encode a resource (resource.ts did), or keep
// bodies that nobody can be sent any more: they are cached by the array of resources, and go with it.

import { bytesField, stringField } from '../snapshot/protobuf.ts';
import type { Resource } from '../snapshot/resource.ts';
import { entryField } from '../snapshot/ttl.ts';
import { nameKey } from './name-set.ts';
import type { Variant } from './subscription.ts';
import type { Outgoing } from './turn.ts';

type Answerable = Pick<Outgoing, 'resources' | 'removed' | 'version' | 'form'>;

/** gRPC's length-prefixed message: a flag and four bytes of length. */
export const FRAME_HEAD = 5;

const bodies = new WeakMap<readonly Resource[], Map<string, Buffer>>();

/** The bytes of a reply without its nonce; the same buffer for all that are sent the same. */
export function responseBody(variant: Variant, typeUrl: string, reply: Answerable, controlPlane: string): Buffer {
  const key = `${variant} ${reply.form} ${typeUrl} ${reply.version} ${reply.removed.length === 0 ? '' : nameKey(reply.removed)}`;
  const known = bodies.get(reply.resources) ?? new Map<string, Buffer>();
  bodies.set(reply.resources, known);
  const before = known.get(key);
  if (before !== undefined) return before;
  const body = variant === 'sotw' ? sotwBody(typeUrl, reply, controlPlane) : deltaBody(typeUrl, reply, controlPlane);
  known.set(key, body);
  return body;
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
    // An empty name is a name too (rule 13), so not stringField, which leaves it out.
    ...reply.removed.map((name) => bytesField(6, Buffer.from(name))),
    bytesField(7, stringField(1, controlPlane)),
  ]);
}

/** The frame around a body: head, and tail with the nonce (field 5 of both messages; fields may come in any order). */
export function frame(body: Buffer, nonce: string): { readonly head: Buffer; readonly tail: Buffer } {
  const tail = stringField(5, nonce);
  const head = Buffer.allocUnsafe(FRAME_HEAD);
  head[0] = 0;
  head.writeUInt32BE(body.length + tail.length, 1);
  return { head, tail };
}
