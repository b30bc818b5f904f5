// The limits in the slots of a connection manager (envoy/http/limit-filters.ts), by the names of the configuration.
// A body whose length is stated is judged by its limit; what counts in time is not.
// Must not: judge whether any other limit is reached, or pass over a filter of a slot.

import type { Any } from '../../envoy/draft.ts';
import { LIMIT_SLOTS, type LimitSlot } from '../../envoy/http/limit-filters.ts';
import type { Limit, LimitReason } from '../answer/limit.ts';
import { numberOf, present, unjudged } from '../matching/unjudged.ts';
import type { Hop, Outcome } from './http-hop.ts';

const RATE: Readonly<Record<LimitSlot, LimitReason>> = {
  peer: 'PEER_RATE_LIMIT',
  consumer: 'CONSUMER_RATE_LIMIT',
  import: 'IMPORT_RATE_LIMIT',
};
const AT_ONCE: Readonly<Record<LimitSlot, LimitReason>> = {
  peer: 'PEER_REQUESTS_LIMIT',
  consumer: 'CONSUMER_REQUESTS_LIMIT',
  import: 'IMPORT_REQUESTS_LIMIT',
};

/** `override`: what the routes or the virtual host say of the slot. Errors: UNJUDGED. */
export function nameLimits(name: string, override: Any | undefined, hop: Hop): Outcome | undefined {
  if (override === undefined) return undefined;
  if (
    override['@type'] !== 'type.googleapis.com/envoy.extensions.filters.http.filter_chain.v3.FilterChainConfigPerRoute'
  )
    throw unjudged(`the entry ${override['@type']} for ${name}`);
  const slot = slotOf(name);
  for (const { typed_config: filter } of override.filter_chain?.filters ?? []) {
    const limit = limitOf(present(filter, `a filter in ${name}`), slot);
    if (limit === undefined) continue;
    const { key, ...more } = limit;
    const of = ownerOf(slot, hop);
    const named = of === undefined ? undefined : `${of}.limits.${key}`;
    hop.trail.limit({ ...(named !== undefined && { name: named }), ...more, resource: hop.routes });
    const { body } = hop.view.request;
    if (key !== 'requestBody' || !body?.hasLength || body.bytes <= more.value) continue;
    const compared = `a body of ${body.bytes} bytes is longer than ${more.value}`;
    return { refusal: hop.trail.no('BODY_LIMIT', 'limit', named ?? key, compared, named) };
  }
  return undefined;
}

function slotOf(name: string): LimitSlot {
  const slot = (Object.keys(LIMIT_SLOTS) as LimitSlot[]).find((one) => LIMIT_SLOTS[one] === name);
  return present(slot, `the slot ${name}`);
}

/** Absent for health checks of a peer, whose limits are the gateway's own: their virtual host is nobody's. */
function ownerOf(slot: LimitSlot, { source, peer, denial }: Hop): string | undefined {
  if (slot !== 'peer') return source;
  return source === undefined && denial === undefined ? undefined : `peers.${peer}`;
}

type Found = Omit<Limit, 'name' | 'resource'> & { readonly key: string };

function limitOf(filter: Any, slot: LimitSlot): Found | undefined {
  switch (filter['@type']) {
    case 'type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit': {
      const value = numberOf(filter.token_bucket?.max_tokens, 'a limit');
      return { key: 'requestsPerSecond', value, counts: 'requests per second', reason: RATE[slot] };
    }
    case 'type.googleapis.com/envoy.extensions.filters.http.adaptive_concurrency.v3.AdaptiveConcurrency': {
      const { gradient_controller_config: gradient } = filter;
      const value = numberOf(gradient?.concurrency_limit_params?.max_concurrency_limit, 'a limit');
      return { key: 'requests', value, counts: 'requests at a time', reason: AT_ONCE[slot] };
    }
    case 'type.googleapis.com/envoy.extensions.filters.http.body_size_limit.v3.BodySizeLimit': {
      const value = numberOf(filter.max_request_bytes, 'a limit');
      return { key: 'requestBody', value, counts: 'bytes of a request body', reason: 'BODY_LIMIT' };
    }
    case 'type.googleapis.com/envoy.extensions.filters.http.set_metadata.v3.Config':
      return undefined;
    default:
      throw unjudged(`a filter ${filter['@type']} in the slot of ${slot}`);
  }
}
