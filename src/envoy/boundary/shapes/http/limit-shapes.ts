// The form of the filters that limit requests and connections.
// Must not: repeat what limit-rules.ts says of their figures.

import {
  either,
  extension,
  is,
  listOf,
  matching,
  message,
  number,
  type Shape,
  sequence,
  text,
  typed,
  under,
} from '../shape.ts';

const SLOT = 'envoy.extensions.filters.http.filter_chain.v3.FilterChainConfig';

/** Without filters of its own: those of the routes are what runs there. */
export function limitSlot(of: 'peer' | 'consumer' | 'import'): Shape {
  return extension(`envoy.filters.http.filter_chain.${of}`, typed(SLOT));
}

const ALWAYS = message({ default_value: message({ numerator: is(100) }, { denominator: is('HUNDRED') }) });

const MARK = typed('envoy.extensions.filters.http.set_metadata.v3.Config', {
  metadata: sequence(
    message({
      metadata_namespace: is('postern.limit'),
      allow_overwrite: is(true),
      value: message({ reached: either(is(null), matching(/^(?:peer|consumer|import)\/requests(?:PerSecond)?$/)) }),
    }),
  ),
});

/** One bucket for all connections, with no header that tells a caller how full it is. */
const RATE = typed('envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit', {
  stat_prefix: text,
  token_bucket: message({ max_tokens: number, tokens_per_fill: number, fill_interval: is('1s') }),
  filter_enabled: ALWAYS,
  filter_enforced: ALWAYS,
  rate_limited_as_resource_exhausted: is(true),
});

const CONCURRENCY = typed('envoy.extensions.filters.http.adaptive_concurrency.v3.AdaptiveConcurrency', {
  gradient_controller_config: message({
    concurrency_limit_params: message({
      max_concurrency_limit: number,
      min_concurrency_limit: number,
      concurrency_update_interval: is('60s'),
    }),
    min_rtt_calc_params: message({ fixed_value: is('1s'), min_concurrency: number }),
  }),
});

const SIZE = typed('envoy.extensions.filters.http.body_size_limit.v3.BodySizeLimit', { max_request_bytes: number });

const LIMIT = message({ name: text, typed_config: either(MARK, RATE, CONCURRENCY, SIZE) });

/** What a route configuration or a virtual host puts into a slot. */
export const LIMITED = under(
  'LIMITS',
  typed('envoy.extensions.filters.http.filter_chain.v3.FilterChainConfigPerRoute', {
    filter_chain: message({ filters: listOf(LIMIT) }),
  }),
);

export const CONNECTIONS = under(
  'LIMITS',
  extension(
    'envoy.filters.network.connection_limit',
    typed('envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit', {
      stat_prefix: text,
      max_connections: number,
    }),
  ),
);
