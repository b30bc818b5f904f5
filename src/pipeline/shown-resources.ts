// The resources of a snapshot as people and programs may see them: in the order of pushes, then by name, without private keys.
// Must not: print a private key, in whatever form it is.

import { decodeResource } from '../envoy/proto/codec.ts';
import { anyBody, type Resource } from '../snapshot/resource.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';

/** `placeholderPem`: the CA in the place of a bundle that is not here (cli/compile-once.ts). */
export function shownResources(snapshot: Snapshot | undefined, placeholderPem?: string): readonly unknown[] {
  return inOrder(snapshot).map((resource) => shownResource(resource.typeUrl, anyBody(resource), placeholderPem));
}

/** In the order in which they are shown. */
export function inOrder(snapshot: Snapshot | undefined): readonly Resource[] {
  return [...(snapshot?.types.values() ?? [])].flatMap((type) =>
    [...type.resources.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
  );
}

export function shownResource(typeUrl: string, body: Uint8Array, placeholderPem?: string): unknown {
  return redact(decodeResource(typeUrl, body), placeholderPem);
}

function redact(value: unknown, placeholderPem: string | undefined): unknown {
  if (placeholderPem !== undefined && value === placeholderPem) return '[trust bundle]';
  if (Array.isArray(value)) return value.map((item) => redact(item, placeholderPem));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      key === 'private_key' && isInline(item) ? '[redacted]' : redact(item, placeholderPem),
    ]),
  );
}

/** The name of a file on the gateway's disk is no secret. */
function isInline(source: unknown): boolean {
  return typeof source === 'object' && source !== null && !('filename' in source);
}
