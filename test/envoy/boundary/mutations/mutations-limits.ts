// biome-ignore-all lint/suspicious/noAssignInExpressions: a mutation is one assignment
// Mutations of the limits in good resources: each is a limit that the configuration does not have.
// Must not: break another rule that is checked earlier.

import type { Copy, Data, Mutation, Mutations } from './mutation.ts';

const SLOT = (of: string): string => `envoy.filters.http.filter_chain.${of}`;

type Place = (c: Copy) => Data;
/** The map with the filters of the peer, of a consumer, of an import. */
const ofPeer: Place = (c) => c.routes.typed_per_filter_config;
const ofConsumer: Place = (c) => c.host.typed_per_filter_config;
const ofHealth: Place = (c) => c.routes.virtual_hosts.at(-2).typed_per_filter_config;
const ofImport: Place = (c) => c.named('RouteConfiguration', 'egress/8080').virtual_hosts[1].typed_per_filter_config;

const filters = (place: Data, slot: string): Data[] => place[SLOT(slot)].filter_chain.filters;
const filter = (place: Data, slot: string, name: string): Data =>
  filters(place, slot).find((one) => one.name === name).typed_config;

const rate = (c: Copy): Data => filter(ofConsumer(c), 'consumer', 'requestsPerSecond');
const gradient = (c: Copy): Data => filter(ofConsumer(c), 'consumer', 'requests').gradient_controller_config;
const breakers = (c: Copy, name: string): Data => c.named('Cluster', name).circuit_breakers.thresholds[0];
const connections = (c: Copy): Data => c.chain.filters[1].typed_config;

const ofNoLimit: readonly Mutation[] = (
  [
    ['the peer', 'ingress', ofPeer, 'peer'],
    ['the consumer', 'ingress', ofConsumer, 'consumer'],
    ['the health checks', 'ingress', ofHealth, 'peer'],
    ['the import', 'egress', ofImport, 'import'],
  ] as const
).map(([what, role, place, slot]) => [`no limit of ${what}`, role, (c) => void delete place(c)[SLOT(slot)]]);

const RATE = 'envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit';

export const LIMIT_MUTATIONS: Mutations = {
  LIMITS: [
    ...ofNoLimit,
    ['a larger bucket', 'ingress', (c) => void (rate(c).token_bucket.max_tokens = 1000)],
    ['a faster fill', 'ingress', (c) => void (rate(c).token_bucket.tokens_per_fill = 11)],
    ['a shorter interval', 'ingress', (c) => void (rate(c).token_bucket.fill_interval = '0.1s')],
    ['enabled for a part', 'ingress', (c) => void (rate(c).filter_enabled.default_value.numerator = 50)],
    ['enforced for a part', 'ingress', (c) => void (rate(c).filter_enforced.default_value.denominator = 'MILLION')],
    ['switched by runtime', 'ingress', (c) => void (rate(c).filter_enforced.runtime_key = 'limits')],
    [
      'a bucket for each connection',
      'ingress',
      (c) => void (rate(c).local_rate_limit_per_downstream_connection = true),
    ],
    ['a header with the rest', 'ingress', (c) => void (rate(c).enable_x_ratelimit_headers = 'DRAFT_VERSION_03')],
    ['a time to wait', 'ingress', (c) => void (rate(c).enable_retry_after_header = true)],
    ['another answer', 'ingress', (c) => void (rate(c).status = { code: 'Forbidden' })],
    ['UNAVAILABLE for gRPC', 'ingress', (c) => void delete rate(c).rate_limited_as_resource_exhausted],
    ['more at once', 'ingress', (c) => void (gradient(c).concurrency_limit_params.max_concurrency_limit = 6)],
    ['fewer at once', 'ingress', (c) => void (gradient(c).concurrency_limit_params.min_concurrency_limit = 1)],
    ['another first limit', 'ingress', (c) => void (gradient(c).min_rtt_calc_params.min_concurrency = 1)],
    ['a larger body', 'egress', (c) => void (filter(ofImport(c), 'import', 'requestBody').max_request_bytes = 2097153)],
    ['another order', 'ingress', (c) => void filters(ofConsumer(c), 'consumer').reverse()],
    [
      'another reason in the log',
      'ingress',
      (c) => void (filter(ofPeer(c), 'peer', 'requests.reached').metadata[0].value.reached = 'consumer/requests'),
    ],
    [
      'a filter that is no limit',
      'ingress',
      (c) =>
        filters(ofConsumer(c), 'consumer').push({
          name: 'x',
          typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer' },
        }),
    ],
    [
      'a limit that nobody wrote',
      'ingress',
      (c) =>
        void (c.routes.virtual_hosts[1].typed_per_filter_config[SLOT('consumer')] = structuredClone(
          ofConsumer(c)[SLOT('consumer')],
        )),
    ],
    ['a consumer without the limit of its peer', 'ingress', (c) => void (ofConsumer(c)[SLOT('peer')] = OFF)],
    [
      'no limit of what is asked under the name of health checks',
      'ingress',
      (c) => void (ofHealth(c)[SLOT('peer')] = OFF),
    ],
    [
      'requests under the name of health checks without a route',
      'ingress',
      (c) => c.routes.virtual_hosts.at(-2).routes.pop(),
    ],
    ['more connections of a peer', 'ingress', (c) => void (connections(c).max_connections = 21)],
    ['connections that are closed late', 'ingress', (c) => void (connections(c).delay = '3600s')],
    ['no limit of connections', 'ingress', (c) => c.chain.filters.splice(1, 1)],
    ['no slot for the limits of a peer', 'ingress', (c) => void c.removeFilter(SLOT('peer'))],
    ['more connections to a backend', 'ingress', (c) => void (breakers(c, 'export/shop/accounts').max_connections = 8)],
    ['fewer requests to a backend', 'ingress', (c) => void (breakers(c, 'export/shop/accounts').max_requests = 1)],
    ['more TCP connections of a peer', 'ingress', (c) => void (breakers(c, 'export/shop/ledger').max_connections = 10)],
    ['fewer connections to a gate', 'ingress', (c) => void (breakers(c, 'gate/partner/ledger').max_connections = 1)],
    ['more TCP connections to a peer', 'egress', (c) => void (breakers(c, 'tcp/partner/queue').max_connections = 12)],
    ['no breakers', 'ingress', (c) => void delete c.named('Cluster', 'export/partner/accounts').circuit_breakers],
    ['fewer requests that wait', 'egress', (c) => void (breakers(c, 'import/partner').max_pending_requests = 1)],
    [
      'fewer requests to a peer than an import may have',
      'egress',
      (c) => void (breakers(c, 'import/partner').max_requests = 8192),
    ],
    ['fewer connections to a peer', 'egress', (c) => void (breakers(c, 'dial/shop').max_connections = 1)],
    [
      'another bucket before it',
      'ingress',
      (c) =>
        filters(ofPeer(c), 'peer').unshift({
          name: 'more',
          typed_config: { ...filter(ofPeer(c), 'peer', 'requestsPerSecond'), '@type': `type.googleapis.com/${RATE}` },
        }),
    ],
  ],
};

const OFF = { '@type': 'type.googleapis.com/envoy.config.route.v3.FilterConfig', disabled: true };
