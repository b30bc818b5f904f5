// Each kind of Envoy's validation rules, with a message that breaks it and one that just does not.
// Must not: hold a case that breaks more than its own field.

export interface Case {
  readonly type: string;
  /** The field that is at fault. */
  readonly path: string;
  readonly bad: unknown;
  readonly good: unknown;
}

type Row = readonly [type: string, path: string, bad: unknown, good: unknown];

const CORE = 'envoy.config.core.v3';
export const CLUSTER = 'envoy.config.cluster.v3.Cluster';
const ROUTE = 'envoy.config.route.v3';
const LOG = 'envoy.config.accesslog.v3';
const METRICS = 'envoy.config.metrics.v3';
const TLS = 'envoy.extensions.transport_sockets.tls.v3';
export const BOOTSTRAP = 'envoy.config.bootstrap.v3.Bootstrap';
const HTTP_CHECK = `${CORE}.HealthCheck.HttpHealthCheck`;
const header = (value: object): unknown => ({ key: 'a', ...value });
const data = { '@type': `type.googleapis.com/${CORE}.DataSource`, filename: 'x' };
const matcher = { exact: 'a' };
const filter = { not_health_check_filter: {} };
const chainMatch = 'envoy.config.listener.v3.FilterChainMatch';
const buckets = (list: readonly number[]): unknown => ({ match: { exact: 'a' }, buckets: list });
const route = (more: object): unknown => ({ match: { prefix: '/' }, route: { cluster: 'a' }, ...more });

/** By the rule's name in the protos; the modifiers (`strict`, `ignore_empty`, `skip`) with what they change. */
const ROWS: Readonly<Record<string, Row>> = {
  'oneof.required': [`${CORE}.DataSource`, 'specifier', {}, { filename: 'x' }],
  'message.required': [
    `${CORE}.HeaderValueOption`,
    'header',
    { append_action: 'ADD_IF_ABSENT' },
    { header: header({}) },
  ],
  'message.skip': [
    `${CORE}.KeyValueAppend`,
    'record.key',
    { record: { key: '', value: 'v' }, entry: { key: 'k', value: '' } },
    { record: { key: 'k', value: 'v' }, entry: { key: '', value: '' } },
  ],
  'any.required': [`${CORE}.TypedExtensionConfig`, 'typed_config', { name: 'x' }, { name: 'x', typed_config: data }],
  'string.min_len': [`${CORE}.HeaderValue`, 'key', { value: 'v' }, { key: 'k' }],
  'string.max_bytes': [`${CORE}.HeaderValue`, 'key', { key: 'ä'.repeat(8193) }, { key: 'a'.repeat(16384) }],
  'string.prefix': [`${ROUTE}.RateLimit.HitsAddend`, 'format', { format: 'a%' }, { format: '%a%' }],
  'string.suffix': [`${ROUTE}.RateLimit.HitsAddend`, 'format', { format: '%a' }, { format: '%a%' }],
  'string.ignore_empty': [`${ROUTE}.RateLimit.HitsAddend`, 'format', { format: 'a' }, { format: '' }],
  'string.pattern': [
    `${ROUTE}.RouteMatch`,
    'path_separated_prefix',
    { path_separated_prefix: '/a/' },
    { path_separated_prefix: '/a' },
  ],
  'string.in': [
    `${CORE}.SchemeHeaderTransformation`,
    'scheme_to_overwrite',
    { scheme_to_overwrite: 'ftp' },
    { scheme_to_overwrite: 'https' },
  ],
  'string.well_known_regex': [HTTP_CHECK, 'path', { path: '/a\u0001' }, { path: '/a b' }],
  'string.strict': [`${CORE}.HeaderValue`, 'value', header({ value: 'a\nb' }), header({ value: 'a\u0001b' })],
  'bytes.min_len': [
    'envoy.config.common.matcher.v3.HttpGenericBodyMatch.GenericTextMatch',
    'binary_match',
    { binary_match: '' },
    { binary_match: 'AA==' },
  ],
  'bytes.max_len': [
    `${CORE}.HeaderValue`,
    'raw_value',
    header({ raw_value: Buffer.alloc(16385).toString('base64') }),
    header({ raw_value: Buffer.alloc(16384).toString('base64') }),
  ],
  'bool.const': [BOOTSTRAP, 'stats_flush_on_admin', { stats_flush_on_admin: false }, { stats_flush_on_admin: true }],
  'enum.defined_only': [CLUSTER, 'lb_policy', { name: 'a', lb_policy: 99 }, { name: 'a', lb_policy: 'MAGLEV' }],
  'enum.not_in': [`${TLS}.SubjectAltNameMatcher`, 'san_type', { matcher }, { san_type: 'URI', matcher }],
  'double.gt': [`${CORE}.RateLimitSettings`, 'fill_rate', { fill_rate: 0 }, { fill_rate: 0.01 }],
  'double.gte': [
    `${CLUSTER}.PreconnectPolicy`,
    'per_upstream_preconnect_ratio',
    { per_upstream_preconnect_ratio: 0.99 },
    { per_upstream_preconnect_ratio: 1 },
  ],
  'double.lte': [
    `${CLUSTER}.PreconnectPolicy`,
    'per_upstream_preconnect_ratio',
    { per_upstream_preconnect_ratio: 3.01 },
    { per_upstream_preconnect_ratio: 3 },
  ],
  'int32.gt': [
    'envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig',
    'update_frequency',
    {},
    { update_frequency: 1 },
  ],
  'int64.gt': [
    'envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig',
    'max_active_downstream_connections',
    { max_active_downstream_connections: '-9223372036854775808' },
    { max_active_downstream_connections: '9223372036854775807' },
  ],
  'uint32.gt': [
    `${CORE}.AlternateProtocolsCacheOptions.AlternateProtocolsCacheEntry`,
    'port',
    { hostname: 'a' },
    { hostname: 'a', port: 1 },
  ],
  'uint32.gte': [
    `${CORE}.QuicProtocolOptions`,
    'max_concurrent_streams',
    { max_concurrent_streams: 0 },
    { max_concurrent_streams: 1 },
  ],
  'uint32.lt': [`${CORE}.TlvEntry`, 'type', { type: 256 }, { type: 255 }],
  'uint32.lte': [
    `${CORE}.SocketAddress`,
    'port_value',
    { address: 'a', port_value: 65536 },
    { address: 'a', port_value: 65535 },
  ],
  'uint64.gt': [
    `${CORE}.UdpSocketConfig`,
    'max_rx_datagram_size',
    { max_rx_datagram_size: 0 },
    { max_rx_datagram_size: 1 },
  ],
  'uint64.lt': [
    `${CORE}.UdpSocketConfig`,
    'max_rx_datagram_size',
    { max_rx_datagram_size: 65536 },
    { max_rx_datagram_size: 65535 },
  ],
  'uint64.lte': [
    `${CLUSTER}.RingHashLbConfig`,
    'minimum_ring_size',
    { minimum_ring_size: 8388609 },
    { minimum_ring_size: 8388608 },
  ],
  'duration.required': [`${CORE}.BackoffStrategy`, 'base_interval', {}, { base_interval: '1s' }],
  'duration.gt': [
    CLUSTER,
    'connect_timeout',
    { name: 'a', connect_timeout: '0s' },
    { name: 'a', connect_timeout: '0.000000001s' },
  ],
  'duration.gte': [
    `${CORE}.BackoffStrategy`,
    'base_interval',
    { base_interval: '0.000999999s' },
    { base_interval: '0.001s' },
  ],
  'duration.lt': [
    BOOTSTRAP,
    'stats_flush_interval',
    { stats_flush_interval: '300s' },
    { stats_flush_interval: '299.999s' },
  ],
  'duration.lte': [
    `${CORE}.QuicKeepAliveSettings`,
    'initial_interval',
    { initial_interval: '0.0005s' },
    { initial_interval: '0s' },
  ],
  'repeated.min_items': [`${LOG}.AndFilter`, 'filters', { filters: [filter] }, { filters: [filter, filter] }],
  'repeated.max_items': [
    HTTP_CHECK,
    'request_headers_to_add',
    { path: '/', request_headers_to_add: Array.from({ length: 1001 }, () => ({ header: header({}) })) },
    { path: '/', request_headers_to_add: Array.from({ length: 1000 }, () => ({ header: header({}) })) },
  ],
  'repeated.unique': [
    `${ROUTE}.InternalRedirectPolicy`,
    'response_headers_to_copy',
    { response_headers_to_copy: ['a', 'b', 'a'] },
    { response_headers_to_copy: ['a', 'b', 'A'] },
  ],
  'repeated.items.double.gt': [`${METRICS}.HistogramBucketSettings`, 'buckets', buckets([1, 0]), buckets([1, 0.1])],
  'repeated.items.enum.defined_only': [`${LOG}.LogTypeFilter`, 'types', { types: [1, 99] }, { types: [1, 2] }],
  'repeated.items.string.in': [`${LOG}.ResponseFlagFilter`, 'flags', { flags: ['LH', 'lh'] }, { flags: ['LH', 'UH'] }],
  'repeated.items.string.max_bytes': [
    `${TLS}.CertificateValidationContext`,
    'verify_certificate_spki',
    { verify_certificate_spki: ['a'.repeat(45)] },
    { verify_certificate_spki: ['a'.repeat(44)] },
  ],
  'repeated.items.string.min_len': [
    `${ROUTE}.Route`,
    'request_headers_to_remove',
    route({ request_headers_to_remove: ['a', ''] }),
    route({ request_headers_to_remove: ['a'] }),
  ],
  'repeated.items.string.well_known_regex': [
    `${ROUTE}.Route`,
    'request_headers_to_remove',
    route({ request_headers_to_remove: ['a\rb'] }),
    route({ request_headers_to_remove: ['a'] }),
  ],
  'repeated.items.string.strict': [
    `${ROUTE}.Route`,
    'request_headers_to_remove',
    route({ request_headers_to_remove: ['a\0'] }),
    route({ request_headers_to_remove: ['a b'] }),
  ],
  'repeated.items.uint32.gte': [chainMatch, 'source_ports', { source_ports: [1, 0] }, { source_ports: [1] }],
  'repeated.items.uint32.lte': [chainMatch, 'source_ports', { source_ports: [65536] }, { source_ports: [65535] }],
  'repeated.items.uint32.lt': [
    `${CORE}.ProxyProtocolPassThroughTLVs`,
    'tlv_type',
    { tlv_type: [256] },
    { tlv_type: [255] },
  ],
  'map.min_pairs': [
    'xds.type.matcher.v3.Matcher.MatcherTree.MatchMap',
    'map',
    {},
    { map: { a: { action: { name: 'x', typed_config: data } } } },
  ],
  'map.keys.string.min_len': [
    `${CORE}.Metadata`,
    'filter_metadata',
    { filter_metadata: { '': {} } },
    { filter_metadata: { a: {} } },
  ],
};

export const CASES: ReadonlyMap<string, Case> = new Map(
  Object.entries(ROWS).map(([rule, [type, path, bad, good]]) => [rule, { type, path, bad, good }]),
);

/** No value breaks these: an unsigned number is never below zero. */
export const UNBREAKABLE: ReadonlySet<string> = new Set(['uint64.gte']);
