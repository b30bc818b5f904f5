// Encodes resources that have a TTL (xDS protocol, "TTL"): with the TTL, and as heartbeats.
// Must not: be used for a client that does not know TTLs.

import { memoizeByIdentity } from '../memoize.ts';
import { bytesField, stringField, varintField } from './protobuf.ts';
import type { Resource } from './resource.ts';

const WRAPPER = 'type.googleapis.com/envoy.service.discovery.v3.Resource';

/** `resource`: without a TTL; `ttl`: with its TTL; `heartbeat`: the TTL again, without the content. */
export type Form = 'resource' | 'ttl' | 'heartbeat';

const fieldsOf = memoizeByIdentity((_: Resource) => new Map<string, Buffer>());

/** Field 2 of a response. In SotW, only a discovery.v3.Resource in the place of the resource can hold a TTL. */
export function entryField(resource: Resource, variant: 'sotw' | 'delta', form: Form): Buffer {
  const { ttlMs, sotwField, deltaField } = resource;
  if (form === 'resource' || ttlMs === undefined) return variant === 'sotw' ? sotwField : deltaField;
  const fields = fieldsOf(resource);
  const key = `${variant} ${form}`;
  const field = fields.get(key) ?? bytesField(2, content(resource, ttlMs, variant, form));
  fields.set(key, field);
  return field;
}

function content(resource: Resource, ttlMs: number, variant: 'sotw' | 'delta', form: Form): Buffer {
  const whole = Buffer.concat([
    stringField(3, resource.name),
    stringField(1, resource.version),
    ...(form === 'heartbeat' ? [] : [bytesField(2, resource.any)]),
    bytesField(6, duration(ttlMs)),
  ]);
  return variant === 'delta' ? whole : Buffer.concat([stringField(1, WRAPPER), bytesField(2, whole)]);
}

/** google.protobuf.Duration: seconds 1, nanos 2. */
function duration(milliseconds: number): Buffer {
  const nanos = (milliseconds % 1000) * 1_000_000;
  return Buffer.concat([varintField(1, Math.floor(milliseconds / 1000)), varintField(2, nanos)]);
}
