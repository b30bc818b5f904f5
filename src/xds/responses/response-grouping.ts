// Decides which resources share a response. A client may drop a whole response for one resource in it, so each secret, which
// holds what a peer chose, has a response of its own, and so has each resource that was rejected.
// Must not: make the client wait for one round trip for each response, or put any number of responses in flight.

import { memoizeByIdentity } from '../../memoize.ts';
import type { Resource } from '../../snapshot/resource.ts';
import { TYPE } from '../../snapshot/resource-types.ts';
import type { RejectedResources } from '../subscription/rejected-resources.ts';
import type { Subscription } from '../subscription/subscription.ts';
import type { Variant } from '../wire/messages.ts';
import { isCertificate, respelled } from '../wire/secret-facts.ts';
import { type SharedBatch, sharedBatch } from '../wire/shared-batch.ts';
import { NO_RESOURCES, singleResource, split } from './resource-subsets.ts';

/** How many responses of one resource may be in flight; each answer is looked up among them. */
export const MAX_IN_FLIGHT = 512;

export interface Responses {
  /** At least one; the last may be empty. */
  readonly batches: readonly SharedBatch[];
  /** The names of the resources that have to wait until these responses are answered. */
  readonly deferred: readonly string[];
}

const NO_NAMES: readonly never[] = [];

/** Divides resources of one state into responses. `earlier` are those that clients rejected on other streams. */
export function groupIntoResponses(state: Subscription, resources: SharedBatch, earlier: RejectedResources): Responses {
  const { variant, typeUrl, rejected, mark } = state;
  if (typeUrl === TYPE.secret) {
    if (rejected.size === 0 && mark === undefined) return secretsAlone(resources);
    return grouped([NO_RESOURCES], certificatesFirst(resources), (secret) => spellingFor(state, secret));
  }
  if (rejected.size === 0) return withoutOwnRejections(resources, variant, earlier, earlier.changes);
  const isAlone = (resource: Resource): boolean => rejected.has(resource.name) || earlier.has(resource);
  const together = sharedBatch(resources.filter((resource) => !isAlone(resource)));
  return grouped(split(together, variant), resources.filter(isAlone));
}

/** For clients that rejected no secret, and had none on an earlier stream. */
const secretsAlone = memoizeByIdentity(
  (resources: SharedBatch): Responses => grouped([NO_RESOURCES], certificatesFirst(resources)),
);

/** For clients that rejected nothing on their stream. */
const withoutOwnRejections = memoizeByIdentity(
  (resources: SharedBatch, variant: Variant, earlier: RejectedResources, changes: number): Responses => {
    const alone = changes === 0 ? [] : resources.filter((resource) => earlier.has(resource));
    if (alone.length === 0) return { batches: split(resources, variant), deferred: NO_NAMES };
    const together = sharedBatch(resources.filter((resource) => !earlier.has(resource)));
    return grouped(split(together, variant), alone);
  },
);

/** The response of `together` is left out when it is empty and there are others. */
function grouped(
  together: readonly SharedBatch[],
  alone: readonly Resource[],
  spell: (resource: Resource) => Resource = (resource) => resource,
): Responses {
  const singles = alone.slice(0, MAX_IN_FLIGHT).map((resource) => singleResource(spell(resource)));
  return {
    batches: singles.length > 0 && together[0]?.length === 0 ? singles : [...together, ...singles],
    deferred: alone.length > MAX_IN_FLIGHT ? alone.slice(MAX_IN_FLIGHT).map(({ name }) => name) : NO_NAMES,
  };
}

/**
 * Envoy rebuilds every TLS context that uses a secret, up to the first one that fails. A certificate may be part of all
 * contexts, a bundle only of its peer's; so bundles are sent after the certificates, and a bad one fails its own context only.
 */
function certificatesFirst(resources: readonly Resource[]): readonly Resource[] {
  if (resources.length === 1 || !resources.some(isCertificate)) return resources;
  return [...resources.filter(isCertificate), ...resources.filter((resource) => !isCertificate(resource))];
}

/**
 * A secret is never sent in the bytes that the client rejected: Envoy compares it with the last one that it was sent, and
 * would acknowledge the same bytes unread. What a client rejected on an earlier stream is unknown, so a returning
 * client gets each secret that it asks for and does not report in bytes that it has not seen.
 */
function spellingFor({ rejected, mark, sentState, forcedNames }: Subscription, secret: Resource): Resource {
  const mayHaveRejected = mark !== undefined && (sentState === undefined || forcedNames.has(secret.name));
  const wanted = mayHaveRejected ? respelled(secret, mark) : secret;
  if (rejected.get(secret.name)?.version !== wanted.version) return wanted;
  return wanted === secret ? respelled(secret) : secret;
}
