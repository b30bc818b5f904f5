// What a gateway's bootstrap says about statistics: the labels that name the configuration's objects, and the listener that
// Prometheus scrapes. docs/metrics.md has the labels.
// Must not: answer anything of Envoy's admin interface but its statistics, nor take a label from what a peer or caller sends.

import { isIP } from 'node:net';
import type { GatewayRole, HostPort } from '../../federation/model.ts';
import { any, extension, type Message } from '../draft.ts';
import { BUFFER_BYTES } from '../limits.ts';
import { listeningAddress } from './listen-address.ts';

type Listener = Message<'envoy.config.listener.v3.Listener'>;
type Cluster = Message<'envoy.config.cluster.v3.Cluster'>;
type Route = Message<'envoy.config.route.v3.Route'>;

/** The static resources of the listener that is scraped. `postern drain` does not wait for connections of a prefix that begins with `admin`. */
const NAME = 'admin_metrics';
/** Prometheus alone connects, once or twice for each server of it. A silent client gives its place back after `SILENCE`. */
const MOST_CONNECTIONS = 20;
const SILENCE = '3s';
/** Two Prometheus servers scrape as often as once per second; a person may look in between. */
const SCRAPES_PER_SECOND = 2;
/**
 * Envoy's main thread, which also takes the control plane's updates, writes all statistics for each scrape: seconds of work in a
 * large mesh, which does not end when the client goes. One scrape at a time leaves that thread to revocations in between.
 */
const SCRAPES_AT_ONCE = 1;
const MOST_WAITING = 2;
const PATH = '/stats/prometheus';

/** Answers `GET /stats/prometheus`, from Envoy's admin interface, and nothing else. */
export function metricsListener(address: HostPort): Listener {
  return {
    name: NAME,
    stat_prefix: NAME,
    address: listeningAddress(address.host, address.port),
    enable_reuse_port: false,
    per_connection_buffer_limit_bytes: BUFFER_BYTES,
    // Neither callers that hold all connections of the gateway nor a full heap hide themselves from who looks for them.
    bypass_overload_manager: true,
    filter_chains: [
      {
        filters: [
          extension(
            'envoy.filters.network.connection_limit',
            'envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit',
            { stat_prefix: NAME, max_connections: MOST_CONNECTIONS },
          ),
          extension(
            'envoy.filters.network.http_connection_manager',
            'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
            {
              stat_prefix: NAME,
              codec_type: 'HTTP1',
              use_remote_address: true,
              max_request_headers_kb: 8,
              request_headers_timeout: SILENCE,
              stream_idle_timeout: '10s',
              request_timeout: SILENCE,
              common_http_protocol_options: {
                idle_timeout: SILENCE,
                max_connection_duration: '60s',
                max_headers_count: 50,
                max_requests_per_connection: 10,
              },
              generate_request_id: false,
              route_config: {
                name: NAME,
                virtual_hosts: [{ name: NAME, domains: ['*'], routes: [SCRAPE, NOTHING_ELSE] }],
              },
              http_filters: [
                // Only the route has a bucket: 404 costs nothing.
                extension(RATE_FILTER, RATE_TYPE, { stat_prefix: NAME }),
                extension('envoy.filters.http.router', 'envoy.extensions.filters.http.router.v3.Router', {}),
              ],
            },
          ),
        ],
      },
    ],
  };
}

const ALWAYS = { default_value: { numerator: 100 } };
const RATE_TYPE = 'envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit';
const RATE_FILTER = 'envoy.filters.http.local_ratelimit';

/** All connections and threads of the Envoy share the bucket of the route; who finds it empty gets 429. */
const SCRAPE_RATE = {
  [RATE_FILTER]: any(RATE_TYPE, {
    stat_prefix: NAME,
    token_bucket: { max_tokens: SCRAPES_PER_SECOND, tokens_per_fill: SCRAPES_PER_SECOND, fill_interval: '1s' },
    filter_enabled: ALWAYS,
    filter_enforced: ALWAYS,
  }),
};

/** The whole `:path` is compared: with a query the admin interface would filter by a regular expression of the client. */
const SCRAPE: Route = {
  match: {
    path: PATH,
    headers: [
      { name: ':method', string_match: { exact: 'GET' } },
      { name: ':path', string_match: { exact: PATH } },
    ],
  },
  route: { cluster: NAME, timeout: '10s' },
  typed_per_filter_config: SCRAPE_RATE,
};

const NOTHING_ELSE: Route = { match: { prefix: '/' }, direct_response: { status: 404 } };

/** Envoy's own admin interface, where it listens on every address by way of loopback. */
export function metricsCluster({ host, port }: HostPort): Cluster {
  const address = /^[0:.]+$/.test(host) ? (isIP(host) === 6 ? '::1' : '127.0.0.1') : host;
  return {
    name: NAME,
    type: 'STATIC',
    connect_timeout: '1s',
    circuit_breakers: {
      thresholds: [
        {
          max_connections: SCRAPES_AT_ONCE,
          max_pending_requests: MOST_WAITING,
          max_requests: SCRAPES_AT_ONCE + MOST_WAITING,
        },
      ],
    },
    load_assignment: {
      cluster_name: NAME,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address, port_value: port } } } }] }],
    },
  };
}

/** A name without dots, as those of peers. */
const PEER = '[a-z0-9-]+';
/** A dotted name, as `statName` writes it. */
const DOTTED = '[a-z0-9_-]+';
/** Envoy adds one called `other` to each virtual host. It belongs to nobody, and has no underscore. */
const VIRTUAL_CLUSTER = String.raw`vhost\.[^.]+\.vcluster\.`;

/** A bundle, or our own certificate for a peer. */
const LISTENER_CERTIFICATE = String.raw`listener\.ingress\.ssl\.certificate\.(?:bundle|cert/ingress)/`;

interface Label {
  readonly name: string;
  /** What stands before the value, at the beginning of a statistic's name, and after it. */
  readonly after: readonly string[];
  readonly value: string;
  readonly before: string;
}

/** The builders and resource-names.ts make the names that these read. */
const LABELS: Readonly<Record<GatewayRole, readonly Label[]>> = {
  ingress: [
    {
      name: 'peer',
      after: [
        String.raw`(?:listener\.ingress\.)?http\.ingress_`,
        'peer_',
        String.raw`(?:connection_limit\.)?limit_peer_`,
      ],
      value: PEER,
      before: String.raw`\.`,
    },
    { name: 'peer', after: [LISTENER_CERTIFICATE], value: PEER, before: '@' },
    {
      name: 'peer',
      after: [String.raw`(?:cluster\.export|cluster\.gate|tcp\.tcp|tcp\.gate|limit_consumer)_`, VIRTUAL_CLUSTER],
      value: PEER,
      before: '_',
    },
    {
      name: 'export',
      after: [
        String.raw`(?:cluster\.export|cluster\.gate|tcp\.tcp|tcp\.gate|limit_consumer)_${PEER}_`,
        `${VIRTUAL_CLUSTER}${PEER}_`,
      ],
      value: DOTTED,
      before: String.raw`\.`,
    },
  ],
  egress: [
    {
      name: 'peer',
      after: [String.raw`(?:cluster\.dial|cluster\.import|tcp\.tunnel)_`],
      value: PEER,
      before: String.raw`\.`,
    },
    { name: 'peer', after: [String.raw`(?:cluster\.tcp|limit_import)_`, VIRTUAL_CLUSTER], value: PEER, before: '_' },
    {
      name: 'import',
      after: [String.raw`(?:cluster\.tcp|limit_import)_${PEER}_`, `${VIRTUAL_CLUSTER}${PEER}_`],
      value: DOTTED,
      before: String.raw`\.`,
    },
  ],
};

/** The policy of access control that admitted a request. Its name has dots, as the configuration writes it. */
const RULE = String.raw`^http\.[^.]+\.rbac\.policy\.((.+)\.)(?:shadow_)?(?:allowed|denied)$`;

/**
 * Envoy reads the name of each statistic once, when the statistic comes into being. What the first group matches is taken out of
 * the metric's name, the second is the label's value.
 */
export function labels(role: GatewayRole): Message<'envoy.config.metrics.v3.StatsConfig'> {
  return {
    stats_tags: [
      { tag_name: 'gateway', fixed_value: role },
      ...LABELS[role].map(({ name, after, value, before }) => ({
        tag_name: name,
        regex: `^(?:${after.join('|')})((${value}))${before}`,
      })),
      { tag_name: 'rule', regex: RULE },
    ],
  };
}
