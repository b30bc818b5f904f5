// Limits of requests: of a peer, of one consumer of an export, of an import. The filters of a limit are part of the routes, so
// that a changed limit ends no connection; the listener only has a slot for them.
// Must not: count for each connection by itself, nor let one bucket or counter belong to two peers, consumers or imports.

import type { ServiceLimits } from '../../federation/model.ts';
import { any, extension, type Message } from '../draft.ts';
import { statName } from '../resource-names.ts';

type HttpFilter = Message<'envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter'>;
type PerFilter = NonNullable<Message<'envoy.config.route.v3.VirtualHost'>['typed_per_filter_config']>;
type TypedConfig = ReturnType<typeof extension>;

/** Where a limit is counted: for a peer before all else, for a consumer only what access control has admitted. */
export const LIMIT_SLOTS = {
  peer: 'envoy.filters.http.filter_chain.peer',
  consumer: 'envoy.filters.http.filter_chain.consumer',
  import: 'envoy.filters.http.filter_chain.import',
} as const;

export type LimitSlot = keyof typeof LIMIT_SLOTS;

/** What requests can be limited by; connections are limited elsewhere. */
type HttpLimits = Omit<ServiceLimits, 'connections'>;

/** The namespace of the dynamic metadata that says which limit refused a request; the access log reads it (reason-expressions.ts). */
const NAMESPACE = 'postern.limit';

/** The filters of a route configuration or a virtual host run here; without any, the request passes. */
export function limitSlot(slot: LimitSlot): HttpFilter {
  return extension(LIMIT_SLOTS[slot], 'envoy.extensions.filters.http.filter_chain.v3.FilterChainConfig', {});
}

/** The filters of these limits in their slot; `of`: what they belong to, for statistics. */
export function limitedBy(slot: LimitSlot, limits: HttpLimits | undefined, ...of: readonly string[]): PerFilter {
  const filters = limits === undefined ? [] : filtersOf(slot, limits, statName('limit', slot, ...of));
  if (filters.length === 0) return {};
  const type = 'envoy.extensions.filters.http.filter_chain.v3.FilterChainConfigPerRoute';
  return { [LIMIT_SLOTS[slot]]: any(type, { filter_chain: { filters } }) };
}

/** For what a peer's gateways ask of ours by themselves, however many requests they carry. */
const HEALTH_CHECKS: HttpLimits = { requestsPerSecond: 100, requests: 100 };

/**
 * Health checks count for themselves: a peer that is at one of its limits would otherwise take our gateways for dead, and
 * answer all its callers with 503. They count in the peer's slot, before all else: a peer asks under their name whatever it
 * likes, and what is refused or never ends must count as well.
 */
export function limitedHealthChecks(peerLimits: HttpLimits | undefined, peer: string): PerFilter {
  if (Object.keys(limitedBy('peer', peerLimits)).length === 0) return {};
  return limitedBy('peer', HEALTH_CHECKS, peer, 'gateway-health');
}

function filtersOf(slot: LimitSlot, limits: HttpLimits, stats: string): readonly TypedConfig[] {
  const { requestsPerSecond, requests, requestBody } = limits;
  const counted = [
    ...(requestsPerSecond === undefined
      ? []
      : [reached(slot, 'requestsPerSecond'), rateLimit(requestsPerSecond, stats)]),
    ...(requests === undefined ? [] : [reached(slot, 'requests'), concurrencyLimit(requests)]),
  ];
  return [
    ...counted,
    ...(counted.length > 0 ? [PASSED] : []),
    ...(requestBody === undefined ? [] : [bodyLimit(requestBody)]),
  ];
}

/** Written before a limit is checked: what a refused request has in its log line is the limit that refused it. */
function reached(slot: LimitSlot, limit: keyof HttpLimits): TypedConfig {
  return written(`${limit}.reached`, `${slot}/${limit}`);
}

const PASSED = written('passed', null);

function written(name: string, value: string | null): TypedConfig {
  return extension(name, 'envoy.extensions.filters.http.set_metadata.v3.Config', {
    metadata: [{ metadata_namespace: NAMESPACE, allow_overwrite: true, value: { reached: value } }],
  });
}

const ALWAYS = { default_value: { numerator: 100 } };

/** The bucket holds what one second brings, and is filled continuously. All connections and threads of an Envoy share it. */
function rateLimit(perSecond: number, stats: string): TypedConfig {
  return extension('requestsPerSecond', 'envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit', {
    stat_prefix: stats,
    token_bucket: { max_tokens: perSecond, tokens_per_fill: perSecond, fill_interval: '1s' },
    filter_enabled: ALWAYS,
    filter_enforced: ALWAYS,
    rate_limited_as_resource_exhausted: true,
  });
}

/**
 * Envoy's filter adapts its limit to latencies between a least and a most; where the two are one number, it never does.
 * No circuit breaker can do this: a cluster would have to belong to the peer, or to the import, alone.
 */
function concurrencyLimit(most: number): TypedConfig {
  return extension('requests', 'envoy.extensions.filters.http.adaptive_concurrency.v3.AdaptiveConcurrency', {
    gradient_controller_config: {
      concurrency_limit_params: {
        max_concurrency_limit: most,
        min_concurrency_limit: most,
        concurrency_update_interval: '60s',
      },
      min_rtt_calc_params: { fixed_value: '1s', min_concurrency: most },
    },
  });
}

/** Counts the body on its way, and holds nothing back. */
function bodyLimit(bytes: number): TypedConfig {
  return extension('requestBody', 'envoy.extensions.filters.http.body_size_limit.v3.BodySizeLimit', {
    max_request_bytes: bytes,
  });
}
