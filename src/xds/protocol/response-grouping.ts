// Which resources share a response. A client may drop the whole of a response for one resource in it, so that secrets, which
// hold what peers chose, go alone, and so does what was rejected.
// Must not: make the client wait for as many round trips as there are responses, or let it have any number of them in flight.

import { memoizeByIdentity } from '../../memoize.ts';
import type { Resource } from '../../snapshot/resource.ts';
import { TYPE } from '../../snapshot/types.ts';
import type { Variant } from '../wire/messages.ts';
import { isCertificate, respelled } from '../wire/secret-facts.ts';
import type { RejectedResources } from './rejected-resources.ts';
import { alone, split } from './resource-subsets.ts';
import type { Subscription } from './subscription.ts';

/** Responses of one resource each that may be in flight; every answer is looked for among them. */
export const MAX_IN_FLIGHT = 512;

export interface Responses {
  /** At least one; the last may be empty. */
  readonly parts: readonly (readonly Resource[])[];
  /** The names of what has to wait for the next turn. */
  readonly later: readonly string[];
}

const NONE: readonly never[] = [];
const NOTHING: Responses = { parts: [NONE], later: NONE };
const alones = new WeakMap<readonly Resource[], Responses>();

/** The resources of one state, by the responses in which they go. */
export function responses(state: Subscription, resources: readonly Resource[], earlier: RejectedResources): Responses {
  const { variant, typeUrl, rejected, mark } = state;
  const isSecret = typeUrl === TYPE.secret;
  if (!isSecret && rejected.size === 0) return withoutOwn(resources, variant, earlier, earlier.changes);
  if (isSecret && rejected.size === 0 && mark === undefined) return eachAlone(resources);
  if (isSecret && resources.length === 0) return NOTHING;
  const isAlone = (resource: Resource): boolean => isSecret || rejected.has(resource.name) || earlier.has(resource);
  const together = isSecret ? NONE : resources.filter((resource) => !isAlone(resource));
  const single = isSecret ? certificatesFirst(resources) : resources.filter(isAlone);
  return grouped(
    split(together, variant),
    single.map((resource) => spelling(state, resource)),
  );
}

/** Without what this client rejected: the same for all that are sent the same resources. */
const withoutOwn = memoizeByIdentity(
  (resources: readonly Resource[], variant: Variant, earlier: RejectedResources, changes: number): Responses => {
    const single = changes === 0 ? NONE : resources.filter((resource) => earlier.has(resource));
    if (single.length === 0) return { parts: split(resources, variant), later: NONE };
    const together = resources.filter((resource) => !earlier.has(resource));
    return grouped(split(together, variant), single);
  },
);

/** An empty response only when there is no other. */
function grouped(together: Responses['parts'], single: readonly Resource[]): Responses {
  const parts = single.slice(0, MAX_IN_FLIGHT).map(alone);
  return {
    parts: parts.length > 0 && together[0]?.length === 0 ? parts : [...together, ...parts],
    later: single.length > MAX_IN_FLIGHT ? single.slice(MAX_IN_FLIGHT).map(({ name }) => name) : NONE,
  };
}

/** Without what this client rejected: the same for all that are sent the same resources. */
function eachAlone(resources: readonly Resource[]): Responses {
  const before = alones.get(resources);
  if (before !== undefined) return before;
  const ordered = certificatesFirst(resources);
  const made: Responses = {
    parts: ordered.length === 0 ? NOTHING.parts : ordered.slice(0, MAX_IN_FLIGHT).map(alone),
    later: ordered.length > MAX_IN_FLIGHT ? ordered.slice(MAX_IN_FLIGHT).map(({ name }) => name) : NONE,
  };
  alones.set(resources, made);
  return made;
}

/**
 * Envoy rebuilds every TLS context that a secret is part of, up to the first that fails. A certificate may be part of all, a
 * bundle only of its peer's; so a bad bundle comes when the certificates are there, and spoils its own context alone.
 */
function certificatesFirst(resources: readonly Resource[]): readonly Resource[] {
  if (resources.length === 1 || !resources.some(isCertificate)) return resources;
  return [...resources.filter(isCertificate), ...resources.filter((resource) => !isCertificate(resource))];
}

/**
 * A secret never comes in the bytes that the client rejected: Envoy compares it with the last one that it was sent, and would
 * acknowledge these unread. What it rejected on an earlier stream nobody knows any more, so that all that a returning client
 * asks for and does not say that it has comes in bytes that it has not seen. Anything else comes as it was.
 */
function spelling({ typeUrl, rejected, mark, sentState, forcedNames }: Subscription, resource: Resource): Resource {
  if (typeUrl !== TYPE.secret) return resource;
  const isUnsure = mark !== undefined && (sentState === undefined || forcedNames.has(resource.name));
  const wanted = isUnsure ? respelled(resource, mark) : resource;
  if (rejected.get(resource.name)?.version !== wanted.version) return wanted;
  return wanted === resource ? respelled(resource) : resource;
}
