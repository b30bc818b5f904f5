// What a resource limits, in words that can be compared with the model: requests of a peer, a consumer and an import,
// connections of a peer, and the breakers of clusters.
// Must not: be made of envoy/http/limit-filters.ts or envoy/limits.ts, which are what is checked here.

import type { ServiceLimits } from '../../../../federation/model.ts';
import { memoizeByIdentity } from '../../../../memoize.ts';
import type { Any, Messages } from '../../../proto/types.gen.ts';
import { gateLabel, grantLabel } from '../../name-rules.ts';

type PerFilter = NonNullable<Messages['envoy.config.route.v3.VirtualHost']['typed_per_filter_config']>;
type FilterChain = Messages['envoy.config.listener.v3.FilterChain'];
type Cluster = Messages['envoy.config.cluster.v3.Cluster'];

/** What a limit belongs to, and its text; an empty text is no limit. */
export type LimitClaim = readonly [of: string, text: string];

const SLOTS = {
  peer: 'envoy.filters.http.filter_chain.peer',
  consumer: 'envoy.filters.http.filter_chain.consumer',
  import: 'envoy.filters.http.filter_chain.import',
} as const;

export type Slot = keyof typeof SLOTS;

/** The slots that a virtual host of an ingress may fill, beside what admits requests. */
export const HOST_SLOTS: readonly string[] = [SLOTS.peer, SLOTS.consumer];
export const PEER_SLOT: string = SLOTS.peer;

/** What may pass of a peer's health checks, where the peer has limits. */
const HEALTH_CHECKS: ServiceLimits = { requestsPerSecond: 100, requests: 100 };
/** Connections, waiting requests and requests of one cluster. */
const BREAKERS = [4096, 8192, 8192] as const;

/** What the filters of these limits say. */
export function expectedText(slot: Slot, limits: ServiceLimits = {}): string {
  const { requestsPerSecond: rate, requests, requestBody } = limits;
  const counted = [
    ...(rate === undefined ? [] : [`at ${slot}/requestsPerSecond`, `${rate} of ${rate} in 1s`]),
    ...(requests === undefined ? [] : [`at ${slot}/requests`, `${requests} to ${requests}, then ${requests}`]),
  ];
  const size = requestBody === undefined ? [] : [`${requestBody} bytes`];
  return [...counted, ...(counted.length === 0 ? [] : ['passed']), ...size].join('; ');
}

/** Health checks count for themselves, where their peer has limits of requests. */
export function expectedHealthText(peerLimits: ServiceLimits | undefined): string {
  return expectedText('peer', peerLimits) === '' ? '' : expectedText('peer', HEALTH_CHECKS);
}

export function expectedBreakers({ connections = BREAKERS[0], requests = 0 }: ServiceLimits = {}): string {
  return breakersText(connections, Math.max(requests, BREAKERS[1]), Math.max(requests, BREAKERS[2]));
}

function breakersText(...figures: readonly number[]): string {
  const text = figures.join(' ');
  return text === BREAKERS.join(' ') ? '' : text;
}

export const limitsOf = memoizeByIdentity((config: PerFilter): string =>
  Object.values(SLOTS)
    .flatMap((filter) => {
      const filled = config[filter];
      return filled === undefined ? [] : filtersOf(filled).map(textOf);
    })
    .join('; '),
);

function filtersOf(config: Any): readonly (Any | undefined)[] {
  const type = 'type.googleapis.com/envoy.extensions.filters.http.filter_chain.v3.FilterChainConfigPerRoute';
  if (config['@type'] !== type) return [undefined];
  return (config.filter_chain?.filters ?? []).map(({ typed_config: filter }) => filter);
}

function textOf(filter: Any | undefined): string {
  switch (filter?.['@type']) {
    case 'type.googleapis.com/envoy.extensions.filters.http.set_metadata.v3.Config': {
      const reached = filter.metadata?.[0]?.value?.['reached'];
      return typeof reached === 'string' ? `at ${reached}` : 'passed';
    }
    case 'type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit': {
      const { tokens_per_fill: fill, max_tokens: most, fill_interval: interval } = filter.token_bucket ?? {};
      return `${fill} of ${most} in ${interval}`;
    }
    case 'type.googleapis.com/envoy.extensions.filters.http.adaptive_concurrency.v3.AdaptiveConcurrency': {
      const { concurrency_limit_params: limit, min_rtt_calc_params: first } = filter.gradient_controller_config ?? {};
      return `${limit?.min_concurrency_limit} to ${limit?.max_concurrency_limit}, then ${first?.min_concurrency}`;
    }
    case 'type.googleapis.com/envoy.extensions.filters.http.body_size_limit.v3.BodySizeLimit':
      return `${filter.max_request_bytes} bytes`;
    default:
      return 'unknown';
  }
}

/** The connections of one peer: the filters between its network RBAC and its connection manager. */
export function connectionsOf({ filters = [] }: FilterChain): string {
  return filters
    .slice(1, -1)
    .map(({ typed_config: config }) =>
      config?.['@type'] === 'type.googleapis.com/envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit'
        ? String(config.max_connections)
        : 'unknown',
    )
    .join('; ');
}

export function breakersOf({ name, circuit_breakers: breakers }: Cluster): readonly LimitClaim[] {
  const {
    max_connections: connections,
    max_pending_requests: waiting,
    max_requests: requests,
  } = breakers?.thresholds?.[0] ?? {};
  const text = breakersText(connections ?? 0, waiting ?? 0, requests ?? 0);
  const [grant, gate] = [grantLabel(name), gateLabel(name)];
  const { peer, exported } = grant ?? gate ?? {};
  const of =
    peer === undefined || exported === undefined
      ? `to ${name}`
      : `${grant === undefined ? 'to the gate' : 'to the backends'} of ${exported} for ${peer}`;
  return [[of, text]];
}

/** What the breakers of a grant's clusters belong to: those of its backends and, for TCP, of its gate. */
export function clustersOf(peer: string, exported: string): readonly string[] {
  return ['the backends', 'the gate'].map((where) => `to ${where} of ${exported} for ${peer}`);
}
