// biome-ignore-all lint/suspicious/noAssignInExpressions: a mutation is one assignment
// Mutations that add to good resources what no builder writes: a field, a filter, an extension, a log key, another value.
// Envoy accepts nearly all of them, so the boundary check is the last to see them.
// Must not: break another rule that is checked earlier.

import type { BoundaryRule } from '../../../../src/envoy/boundary/boundary-rules.ts';
import type { GatewayRole } from '../../../../src/federation/model.ts';
import type { Copy, Data, Mutation } from './mutation.ts';

const EGRESS_MANAGER = (c: Copy): Data => c.named('Listener', 'egress/8080').filter_chains[0].filters[0].typed_config;
const strip = (manager: Data): Data => manager.http_filters[2].typed_config.mutations;
const rules = (c: Copy): Data => c.policy.permissions[0].and_rules.rules;
/** What the host says of its rules for the log follows the mutation. */
function explained(c: Copy, methods: Readonly<Record<string, string>>): void {
  const said = c.host.metadata.filter_metadata.postern;
  [said.paths] = Object.values(methods);
  said.methods = methods;
}
const unexpectedBody = (c: Copy): Data => rules(c)[3].not_rule.and_rules.rules;
const pathPolicy = (c: Copy): Data =>
  c.filter('envoy.filters.http.rbac.paths').typed_config.extension_config.typed_config.rules.policies['unusual-path'];
const dialled = (c: Copy): Data => c.cluster.load_assignment.endpoints[0].lb_endpoints[0].endpoint;
const grant = (c: Copy): Data => c.resources.find(({ name }) => name.startsWith('export/'));
const certificate = (c: Copy): Data => c.named('Secret', 'cert/ingress/shop').tls_certificate;
const imported = (c: Copy): Data => c.named('RouteConfiguration', 'egress/8080').virtual_hosts[0];
const logFormat = (c: Copy): Data => c.manager.access_log[0].typed_config.log_format;
const mapper = (c: Copy): Data => c.manager.local_reply_config.mappers[0];

/** The message that gets the field, by the name that the test's title has. */
const PLACES: Readonly<Record<string, readonly [role: GatewayRole, find: (c: Copy) => Data]>> = {
  'the ingress listener': ['ingress', (c) => c.named('Listener', 'ingress')],
  'a peer’s chain': ['ingress', (c) => c.chain],
  'a chain’s match': ['ingress', (c) => c.chain.filter_chain_match],
  'the downstream TLS context': ['ingress', (c) => c.tls],
  'the TLS parameters': ['ingress', (c) => c.tls.common_tls_context.tls_params],
  'the connection manager': ['ingress', (c) => c.manager],
  'the egress connection manager': ['egress', EGRESS_MANAGER],
  'what the filter of request ids keeps': [
    'ingress',
    (c) => c.manager.http_filters[1].typed_config.request_rules[0].on_header_present,
  ],
  'the filter of request ids': ['ingress', (c) => c.manager.http_filters[1].typed_config],
  'the first filter': ['ingress', (c) => c.manager.http_filters[0].typed_config],
  'what the first filter keeps': ['ingress', (c) => c.manager.http_filters[0].typed_config.on_request_headers[0]],
  'the path guard’s policy': ['ingress', pathPolicy],
  'the path guard’s matcher': ['ingress', (c) => pathPolicy(c).permissions[0].not_rule.or_rules.rules[0].url_path.path],
  'the filter that strips headers': ['ingress', (c) => strip(c.manager)],
  'the egress filter that strips headers': ['egress', (c) => strip(EGRESS_MANAGER(c))],
  'the router': ['ingress', (c) => c.manager.http_filters.at(-1).typed_config],
  'a local reply': ['ingress', mapper],
  'the local replies': ['ingress', (c) => c.manager.local_reply_config],
  'the status of the last local reply': [
    'ingress',
    (c) => c.manager.local_reply_config.mappers.at(-1).filter.status_code_filter.comparison.value,
  ],
  'the log’s keys': ['ingress', (c) => logFormat(c).json_format],
  'the routes': ['ingress', (c) => c.routes],
  'a virtual host': ['ingress', (c) => c.host],
  'an egress virtual host': ['egress', imported],
  'a route': ['ingress', (c) => c.host.routes[0]],
  'a route’s action': ['ingress', (c) => c.host.routes[0].route],
  'an egress route’s action': ['egress', (c) => imported(c).routes[0].route],
  'a retry policy': ['ingress', (c) => c.host.routes.at(-1).route.retry_policy],
  'the match for GET and HEAD': ['ingress', (c) => c.host.routes[0].match.headers[0]],
  'the answer of deny-all': ['ingress', (c) => c.routes.virtual_hosts.at(-1).routes[0].direct_response],
  'a virtual host’s RBAC': ['ingress', (c) => c.host.typed_per_filter_config['envoy.filters.http.rbac'].rbac],
  'a policy': ['ingress', (c) => c.policy],
  'a principal': ['ingress', (c) => c.policy.principals[0]],
  'a principal’s name': ['ingress', (c) => c.policy.principals[0].authenticated.principal_name],
  'the authority condition': ['ingress', (c) => rules(c)[2].header],
  'the method condition': ['ingress', (c) => rules(c)[0].header],
  'the path condition': ['ingress', (c) => rules(c)[1].url_path.path],
  'the condition on methods with bodies': ['ingress', (c) => unexpectedBody(c)[0].not_rule.or_rules.rules[0].header],
  'the condition that a content length is present': ['ingress', (c) => unexpectedBody(c)[1].header],
  'the condition that the content length is 0': ['ingress', (c) => unexpectedBody(c)[2].not_rule.header],
  'the cluster of a peer’s gateways': ['egress', (c) => c.cluster],
  'a gateway of a peer': ['egress', dialled],
  'the address of a gateway of a peer': ['egress', (c) => dialled(c).address.socket_address],
  'the upstream TLS context': ['egress', (c) => c.upstream],
  'the cluster of a grant': ['ingress', grant],
  'the protocol of a grant’s cluster': [
    'ingress',
    (c) => grant(c).typed_extension_protocol_options['envoy.extensions.upstreams.http.v3.HttpProtocolOptions'],
  ],
  'a tunnel': ['egress', (c) => c.tunnel],
  'a tunnel’s proxy': ['egress', (c) => c.tunnel.filter_chains[0].filters[0].typed_config],
  'a tunnel’s reports': [
    'egress',
    (c) => c.tunnel.filter_chains[0].filters[0].typed_config.access_log.at(-1).typed_config.common_config,
  ],
  'a tunnel’s chain': ['egress', (c) => c.tunnel.filter_chains[0]],
  'a bundle’s roots': ['ingress', (c) => c.named('Secret', 'bundle/shop').validation_context.trusted_ca],
  'a bundle': ['ingress', (c) => c.named('Secret', 'bundle/shop').validation_context],
  'a certificate': ['ingress', certificate],
};

const OVERWRITE_PATH = [
  { append: { header: { key: ':path', value: '/admin' }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' } },
];
const header = (key: string, value: string): Data => [{ header: { key, value } }];
const NEVER = { expr: { const_expr: { bool_value: false } } };
const INVERTED = { invert_match: true };
const file = (filename: string): Data => ({ body: { filename } });
const TEXT = (inline: string): Data => ({ text_format_source: { inline_string: inline } });

/** The place, the rule that finds it, and the fields that the place gets. */
const SET: readonly (readonly [place: string, rule: BoundaryRule, fields: Data])[] = [
  ['the ingress listener', 'KNOWN_FIELDS', { use_original_dst: true }],
  [
    'the ingress listener',
    'KNOWN_FIELDS',
    { additional_addresses: [{ address: { socket_address: { address: '0.0.0.0', port_value: 9999 } } }] },
  ],
  ['the ingress listener', 'KNOWN_FIELDS', { bind_to_port: false }],
  ['the ingress listener', 'KNOWN_FIELDS', { enable_reuse_port: true }],
  ['the ingress listener', 'KNOWN_FIELDS', { api_listener: {} }],
  ['a peer’s chain', 'KNOWN_FIELDS', { use_proxy_proto: true }],
  ['a chain’s match', 'CHAIN_MATCH', { source_prefix_ranges: [{ address_prefix: '10.0.0.0', prefix_len: 8 }] }],
  ['a chain’s match', 'SERVER_NAME', { server_names: ['shop.example.peers.other.example'] }],
  ['the downstream TLS context', 'TLS', { session_timeout: '100s' }],
  ['the downstream TLS context', 'TLS', { prefer_client_ciphers: true }],
  ['the TLS parameters', 'TLS', { ecdh_curves: ['P-224'] }],
  ['the connection manager', 'KNOWN_FIELDS', { tracing: { provider: { name: 'x' } } }],
  ['the connection manager', 'KNOWN_FIELDS', { set_current_client_cert_details: { cert: true } }],
  ['the connection manager', 'KNOWN_FIELDS', { set_current_client_cert_details: undefined }],
  ['the connection manager', 'KNOWN_FIELDS', { http2_protocol_options: {} }],
  ['the connection manager', 'KNOWN_FIELDS', { via: 'gateway-1.internal' }],
  ['the connection manager', 'KNOWN_FIELDS', { proxy_status_config: { set_recommended_response_code: true } }],
  ['the connection manager', 'KNOWN_FIELDS', { append_x_forwarded_port: true }],
  ['the connection manager', 'KNOWN_FIELDS', { strip_trailing_host_dot: true }],
  ['the connection manager', 'KNOWN_FIELDS', { http1_safe_max_connection_duration: true }],
  [
    'the connection manager',
    'KNOWN_FIELDS',
    {
      request_id_extension: {
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig',
          pack_trace_reason: true,
        },
      },
    },
  ],
  ['the connection manager', 'ACCESS_LOG', { access_log: undefined }],
  ['the egress connection manager', 'KNOWN_FIELDS', { add_user_agent: true, via: 'x' }],
  ['the egress connection manager', 'KNOWN_FIELDS', { scheme_header_transformation: { scheme_to_overwrite: 'http' } }],
  ['the ingress listener', 'ACCESS_LOG', { access_log: undefined }],
  ['the log’s keys', 'ACCESS_LOG', { secret: '%REQ(AUTHORIZATION)%' }],
  ['the log’s keys', 'ACCESS_LOG', { peer_request_id: '%REQ(X-POSTERN-GIVEN-REQUEST-ID)%' }],
  ['the log’s keys', 'ACCESS_LOG', { path: '%REQ(:PATH)%' }],
  ['a tunnel’s proxy', 'ACCESS_LOG', { access_log: undefined }],
  ['a tunnel’s reports', 'ACCESS_LOG', { filter_state_objects_to_log: ['postern.authority'] }],
  ['a tunnel’s reports', 'ACCESS_LOG', { grpc_service: { envoy_grpc: { cluster_name: 'export/shop/a' } } }],
  [
    'a tunnel’s reports',
    'ACCESS_LOG',
    { grpc_service: { google_grpc: { target_uri: 'logs.example:443', stat_prefix: 'a' } } },
  ],
  ['what the filter of request ids keeps', 'HTTP_FILTERS', { type: 'NUMBER' }],
  ['what the filter of request ids keeps', 'HTTP_FILTERS', { encode: 'BASE64' }],
  ['the filter of request ids', 'HTTP_FILTERS', { stat_prefix: 'facts' }],
  ['the first filter', 'LOGGED_REQUEST', { clear_route_cache: true }],
  ['what the first filter keeps', 'HTTP_FILTERS', { shared_with_upstream: 'ONCE' }],
  ['what the first filter keeps', 'HTTP_FILTERS', { read_only: true }],
  ['the path guard’s policy', 'HTTP_FILTERS', { checked_condition: NEVER }],
  ['the path guard’s matcher', 'HTTP_FILTERS', { ignore_case: true }],
  ['the filter that strips headers', 'HTTP_FILTERS', { request_mutations: OVERWRITE_PATH }],
  ['the egress filter that strips headers', 'HTTP_FILTERS', { request_mutations: OVERWRITE_PATH }],
  ['the router', 'HTTP_FILTERS', { start_child_span: true }],
  [
    'the router',
    'HTTP_FILTERS',
    {
      upstream_http_filters: [
        {
          name: 'u',
          typed_config: {
            '@type': 'type.googleapis.com/envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec',
          },
        },
      ],
    },
  ],
  ['a local reply', 'REFUSALS_ALIKE', { headers_to_add: header('x-up', '%UPSTREAM_HOST%') }],
  ['a local reply', 'REFUSALS_ALIKE', { body: { inline_string: 'x' } }],
  ['the local replies', 'REFUSALS_ALIKE', { body_format: TEXT('%UPSTREAM_HOST%') }],
  ['the status of the last local reply', 'REFUSALS_ALIKE', { runtime_key: 'x' }],
  ['the routes', 'KNOWN_FIELDS', { response_headers_to_add: header('server-ip', '%UPSTREAM_REMOTE_ADDRESS%') }],
  ['the routes', 'KNOWN_FIELDS', { ignore_path_parameters_in_path_matching: true }],
  ['a virtual host', 'KNOWN_FIELDS', { request_headers_to_remove: ['x-postern-peer'] }],
  ['a virtual host', 'KNOWN_FIELDS', { response_headers_to_add: header('x-envoy-upstream-host', '%UPSTREAM_HOST%') }],
  ['a virtual host', 'KNOWN_FIELDS', { require_tls: 'ALL' }],
  ['an egress virtual host', 'KNOWN_FIELDS', { response_headers_to_add: header('x', '%UPSTREAM_HOST%') }],
  ['an egress virtual host', 'TRACE_CONTEXT', { request_headers_to_remove: ['host'] }],
  [
    'an egress virtual host',
    'POLICY_NOT_OVERRIDDEN',
    {
      typed_per_filter_config: {
        'envoy.filters.http.header_mutation': {
          '@type': 'type.googleapis.com/envoy.config.route.v3.FilterConfig',
          disabled: true,
        },
      },
    },
  ],
  ['a route', 'KNOWN_FIELDS', { request_headers_to_remove: ['x-postern-peer'] }],
  ['a route', 'KNOWN_FIELDS', { route: undefined, direct_response: { status: 200, ...file('/certs/tls-key.pem') } }],
  ['a route', 'OWN_EXPORT', { route: undefined, redirect: { host_redirect: 'evil' } }],
  ['a route’s action', 'KNOWN_FIELDS', { prefix_rewrite: '/admin/' }],
  ['a route’s action', 'KNOWN_FIELDS', { regex_rewrite: { pattern: { regex: '.*' }, substitution: '/admin' } }],
  ['a route’s action', 'KNOWN_FIELDS', { auto_host_rewrite: undefined, host_rewrite_header: 'x-host' }],
  ['a route’s action', 'KNOWN_FIELDS', { internal_redirect_policy: { max_internal_redirects: 1 } }],
  ['a route’s action', 'UPGRADES', { upgrade_configs: [{ upgrade_type: 'websocket' }] }],
  ['a route’s action', 'KNOWN_FIELDS', { append_x_forwarded_host: true }],
  ['an egress route’s action', 'KNOWN_FIELDS', { prefix_rewrite: '/x' }],
  ['a retry policy', 'SAFE_RETRY', { retriable_status_codes: [503] }],
  ['a retry policy', 'SAFE_RETRY', { retriable_headers: [{ name: 'x', present_match: true }] }],
  ['a retry policy', 'SAFE_RETRY', { per_try_timeout: '1s' }],
  ['the match for GET and HEAD', 'KNOWN_FIELDS', { treat_missing_header_as_empty: true }],
  ['the answer of deny-all', 'DENY_ALL', file('/certs/tls-key.pem')],
  ['a virtual host’s RBAC', 'LOGGED_REQUEST', { shadow_rules: { action: 'ALLOW', policies: {} } }],
  ['a virtual host’s RBAC', 'KNOWN_FIELDS', { track_per_rule_stats: false }],
  ['a policy', 'KNOWN_FIELDS', { checked_condition: NEVER }],
  ['a principal', 'KNOWN_FIELDS', { or_ids: { ids: [{ any: true }] } }],
  ['a principal’s name', 'KNOWN_FIELDS', { ignore_case: true }],
  ['the authority condition', 'KNOWN_FIELDS', INVERTED],
  ['the method condition', 'KNOWN_FIELDS', INVERTED],
  ['the method condition', 'POLICY', { string_match: { safe_regex: { regex: 'GET|TRACE' } } }],
  ['the path condition', 'POLICY', { prefix: '/v1' }],
  ['the condition on methods with bodies', 'KNOWN_FIELDS', INVERTED],
  ['the condition that a content length is present', 'KNOWN_FIELDS', INVERTED],
  ['the condition that the content length is 0', 'KNOWN_FIELDS', INVERTED],
  [
    'the cluster of a peer’s gateways',
    'KNOWN_FIELDS',
    {
      health_checks: [{ http_health_check: { path: '/', request_headers_to_add: header('x-a', 'b') } }],
    },
  ],
  ['the cluster of a peer’s gateways', 'KNOWN_FIELDS', { lb_policy: 'CLUSTER_PROVIDED' }],
  ['the cluster of a peer’s gateways', 'KNOWN_FIELDS', { eds_cluster_config: { service_name: 'x' } }],
  [
    'a gateway of a peer',
    'KNOWN_FIELDS',
    { additional_addresses: [{ address: { socket_address: { address: '192.0.2.6', port_value: 1 } } }] },
  ],
  ['the address of a gateway of a peer', 'FIXED_DESTINATION', { address: '192.0.2.6' }],
  ['the upstream TLS context', 'TLS', { auto_host_sni: true }],
  ['the cluster of a grant', 'BACKEND_TLS', { transport_socket: { name: 'envoy.transport_sockets.raw_buffer' } }],
  ['the cluster of a grant', 'KNOWN_FIELDS', { filters: [{ name: 'x' }] }],
  ['the protocol of a grant’s cluster', 'KNOWN_FIELDS', { http_filters: [{ name: 'x' }] }],
  ['the protocol of a grant’s cluster', 'KNOWN_FIELDS', { upstream_http_protocol_options: { auto_sni: true } }],
  ['a tunnel’s proxy', 'TUNNEL', { proxy_protocol_tlvs: [] }],
  ['a tunnel’s chain', 'TUNNEL', { transport_socket: { name: 'envoy.transport_sockets.raw_buffer' } }],
  ['a bundle’s roots', 'KNOWN_FIELDS', { watched_directory: { path: '/' } }],
  ['a bundle', 'BUNDLE_ONLY_CA', { crl: { filename: '/crl' } }],
  ['a certificate', 'KNOWN_FIELDS', { private_key_provider: { provider_name: 'x' } }],
];

const LUA = {
  name: 'envoy.filters.http.lua',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua',
    default_source_code: { inline_string: 'function envoy_on_request(h) h:headers():replace(":path", "/admin") end' },
  },
};

const early = (key: string): Data => ({
  name: 'envoy.http.early_header_mutation.header_mutation',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation',
    mutations: [{ append: { header: { key, value: '192.0.2.4' } } }],
  },
});

const OTHERS: readonly (readonly [rule: BoundaryRule, ...Mutation])[] = [
  [
    'LISTEN_ADDRESS',
    'all addresses for callers',
    'egress',
    (c) => listenAt(c.named('Listener', 'egress/8080'), '0.0.0.0', 8080),
  ],
  [
    'LISTEN_ADDRESS',
    'another port for callers',
    'egress',
    (c) => listenAt(c.named('Listener', 'egress/8080'), '127.0.0.1', 8081),
  ],
  [
    'LISTEN_ADDRESS',
    'another address for peers',
    'ingress',
    (c) => listenAt(c.named('Listener', 'ingress'), '127.0.0.2', 15443),
  ],
  [
    'LISTEN_ADDRESS',
    'another port for peers',
    'ingress',
    (c) => listenAt(c.named('Listener', 'ingress'), '127.0.0.1', 15444),
  ],
  ['HTTP_FILTERS', 'a script after access control', 'ingress', (c) => c.manager.http_filters.splice(-1, 0, LUA)],
  ['HTTP_FILTERS', 'a script at the egress', 'egress', (c) => EGRESS_MANAGER(c).http_filters.splice(5, 0, LUA)],
  [
    'HTTP_FILTERS',
    'a second filter that mutates headers',
    'ingress',
    (c) =>
      c.manager.http_filters.splice(-1, 0, {
        ...c.filter('envoy.filters.http.header_mutation'),
        typed_config: {
          ...c.filter('envoy.filters.http.header_mutation').typed_config,
          mutations: { request_mutations: OVERWRITE_PATH },
        },
      }),
  ],
  [
    'CLEAN_REQUESTS',
    'a second early mutation',
    'ingress',
    (c) => c.manager.early_header_mutation_extensions.push(early('x-real-ip')),
  ],
  [
    'CLEAN_REQUESTS',
    'a second early mutation at the egress',
    'egress',
    (c) => EGRESS_MANAGER(c).early_header_mutation_extensions.push(early('x-real-ip')),
  ],
  [
    'CLEAN_REQUESTS',
    'the name of the peer removed',
    'ingress',
    (c) => c.routes.request_headers_to_remove.push('x-postern-peer'),
  ],
  [
    'ACCESS_LOG',
    'text, which a value can break',
    'ingress',
    (c) => void (c.manager.access_log[0].typed_config.log_format = TEXT('%REQ(:PATH)%')),
  ],
  [
    'CHAIN_MATCH',
    'the server name of another peer',
    'ingress',
    (c) => {
      const [first, second] = c.named('Listener', 'ingress').filter_chains;
      first.filter_chain_match.server_names = second.filter_chain_match.server_names;
    },
  ],
  [
    'POLICY',
    'every path',
    'ingress',
    (c) => {
      rules(c)[1].url_path.path = { prefix: '/' };
      explained(c, { GET: '^(?:/.*)$' });
    },
  ],
  [
    'POLICY',
    'another method',
    'ingress',
    (c) => {
      rules(c)[0].header.string_match = { exact: 'DELETE' };
      explained(c, { DELETE: '^(?:/v1/.*)$' });
    },
  ],
  [
    'OWN_EXPORT',
    'a local name that leads to another export of its peer',
    'egress',
    (c) => {
      for (const { route } of imported(c).routes)
        route.host_rewrite_literal = route.host_rewrite_literal.replace('cart', 'admin');
    },
  ],
  [
    'OWN_BUNDLE',
    'the CA of another peer',
    'ingress',
    (c) =>
      void (c.named('Secret', 'bundle/shop').validation_context = c.named(
        'Secret',
        'bundle/partner',
      ).validation_context),
  ],
  [
    'OWN_BUNDLE',
    'the CA of another peer as well',
    'egress',
    (c) =>
      void (c.named('Secret', 'bundle/shop').validation_context.trusted_ca.inline_string += c.named(
        'Secret',
        'bundle/partner',
      ).validation_context.trusted_ca.inline_string),
  ],
];

function listenAt(listener: Data, address: string, port: number): void {
  listener.address = { socket_address: { address, port_value: port } };
}

const FIELDS = SET.map(([place, rule, fields]): readonly [BoundaryRule, ...Mutation] => {
  const [role, find] = PLACES[place] ?? ['ingress', () => undefined];
  const set = (c: Copy): void => {
    const target = find(c);
    for (const [field, value] of Object.entries(fields)) {
      if (value === undefined) delete target[field];
      else target[field] = value;
    }
  };
  return [rule, `${place} with ${JSON.stringify(fields)}`, role, set];
});

export const FIELD_MUTATIONS: readonly (readonly [rule: BoundaryRule, ...Mutation])[] = [...FIELDS, ...OTHERS];
