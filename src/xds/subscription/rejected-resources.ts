// The resources that a client of this server rejected and that none has accepted since. A stream forgets what its client
// rejected when it ends, so that without these the next stream would send the bad resource together with good ones again.
// Must not: keep a resource alive, or hold what a client may choose freely.

import type { Resource } from '../../snapshot/resource.ts';
import { isFullState, TYPE } from '../../snapshot/resource-types.ts';
import type { Variant } from '../wire/messages.ts';
import type { Pending } from './subscription.ts';

export class RejectedResources {
  private readonly rejected = new WeakSet<Resource>();
  /** How often an answer changed it. */
  changes = 0;

  has(resource: Resource): boolean {
    return this.changes > 0 && this.rejected.has(resource);
  }

  /** Takes an answer to responses of one type: a NACK rejects the last of them, and accepts those before it. */
  answered(variant: Variant, typeUrl: string, responses: readonly Pending[], answer: 'ack' | 'nack'): void {
    // Secrets go alone anyway, and a whole state cannot be divided.
    if (typeUrl === TYPE.secret || (variant === 'sotw' && isFullState(typeUrl))) return;
    for (const [index, { resources }] of responses.entries()) {
      const isRejected = answer === 'nack' && index === responses.length - 1;
      if (!isRejected && this.changes === 0) continue;
      for (const resource of resources) {
        if (this.rejected.has(resource) === isRejected) continue;
        if (isRejected) this.rejected.add(resource);
        else this.rejected.delete(resource);
        this.changes += 1;
      }
    }
  }
}

/**
 * The names of a rejected response that an Envoy may have lost beside the bad one: it hands routes and endpoints to one
 * subscription after the other, and stops at the first that fails. It takes clusters and listeners one by one, and so do
 * other clients with all types.
 */
export function lostResources(typeUrl: string, response: Pending | undefined): readonly string[] {
  if (typeUrl !== TYPE.route && typeUrl !== TYPE.endpoint) return [];
  if (response === undefined || response.resources.length < 2) return [];
  return response.resources.map(({ name }) => name);
}
