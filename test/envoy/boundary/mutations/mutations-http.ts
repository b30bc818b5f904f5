// biome-ignore-all lint/suspicious/noAssignInExpressions: a mutation is one assignment
// For each boundary rule of chains, filters, policies and routes, mutations of good resources that break it.
// Must not: break another rule that is checked earlier.

import type { Copy, Data, Mutations } from './mutation.ts';

/** Of the only rule, which has a prefix: method, path, authority, no unexpected body, no bad place. */
const conditions = (c: Copy): Data => c.policy.permissions[0].and_rules.rules;

const chat = (c: Copy): Data => c.routes.virtual_hosts.find((host: Data) => host.name === 'shop/zchat');

const egressFilters = (c: Copy): Data =>
  c.named('Listener', 'egress/8080').filter_chains[0].filters[0].typed_config.http_filters;

const GUARD = 'envoy.filters.http.rbac.underscores';
const OFF = { '@type': 'type.googleapis.com/envoy.config.route.v3.FilterConfig', disabled: true };

const early = (manager: Data): Data => manager.early_header_mutation_extensions[0].typed_config.mutations;
const guard = (c: Copy): Data => c.filter(GUARD).typed_config.extension_config.typed_config.rules;
/** By which a guard is skipped. */
const question = (filter: Data): Data => filter.typed_config.xds_matcher.matcher_list.matchers[0];
const sizes = (filter: Data): Data => question(filter).predicate.and_matcher.predicate;
const PATHS = 'envoy.filters.http.rbac.paths';
const paths = (c: Copy): Data => c.filter(PATHS).typed_config.extension_config.typed_config.rules;

/** Changes the expression for the names that do not begin with an x. */
function expression(c: Copy, change: (regex: string) => string): void {
  const matcher = c.manager.early_header_mutation_extensions[0].typed_config.mutations[1].remove_on_match.key_matcher;
  matcher.safe_regex.regex = change(matcher.safe_regex.regex);
}

/** Takes a header out of the list of those that are removed. */
function remove(level: Data, name: string): void {
  const { request_headers_to_remove: all } = level;
  all.splice(all.indexOf(name), 1);
}

const GIVEN_ID = {
  header: { key: 'x-request-id', value: '%DYNAMIC_METADATA(postern:given_request_id)%' },
  append_action: 'OVERWRITE_IF_EXISTS_OR_ADD',
};

const peerRequestId = (c: Copy): Data => c.manager.http_filters[1].typed_config.request_rules[0];
const remembered = (c: Copy): Data => c.manager.http_filters[0].typed_config.on_request_headers;
const ofHost = (c: Copy): Data =>
  c.host.typed_per_filter_config['envoy.filters.http.set_filter_state'].on_request_headers;

function setText(state: Data, text: string): void {
  state.format_string.text_format_source.inline_string = text;
}

export const HTTP_MUTATIONS: Mutations = {
  NO_DEFAULT_CHAIN: [['one', 'ingress', (c) => void (c.named('Listener', 'ingress').default_filter_chain = c.chain)]],
  CHAIN_MATCH: [
    ['no server name', 'ingress', (c) => void delete c.chain.filter_chain_match.server_names],
    ['any server name', 'ingress', (c) => void (c.chain.filter_chain_match.server_names = ['*.peers.bank.example'])],
    ['raw bytes', 'ingress', (c) => void (c.chain.filter_chain_match.transport_protocol = 'raw_buffer')],
    ['HTTP/1.1', 'ingress', (c) => c.chain.filter_chain_match.application_protocols.push('http/1.1')],
    ['no match', 'ingress', (c) => void delete c.chain.filter_chain_match],
    [
      'chosen before the server name is known',
      'ingress',
      (c) => void (c.named('Listener', 'ingress').continue_on_listener_filters_timeout = true),
    ],
    ['no look at the server name', 'ingress', (c) => void delete c.named('Listener', 'ingress').listener_filters],
  ],
  NETWORK_RBAC: [
    ['another filter first', 'ingress', (c) => void c.chain.filters.reverse()],
    [
      'one identity more',
      'ingress',
      (c) => {
        const { map } = c.chain.filters[0].typed_config.matcher.matcher_tree.exact_match_map;
        map['spiffe://shop.example/other'] = Object.values(map)[0];
      },
    ],
    ['nobody denied', 'ingress', (c) => void delete c.chain.filters[0].typed_config.matcher.on_no_match],
    [
      'all allowed',
      'ingress',
      (c) => void (c.chain.filters[0].typed_config.matcher.on_no_match.action.typed_config.action = 'ALLOW'),
    ],
    ['rules beside', 'ingress', (c) => void (c.chain.filters[0].typed_config.rules = {})],
  ],
  ROUTES_PRESENT: [
    ['none for a chain', 'ingress', (c) => c.remove('RouteConfiguration', 'ingress/shop')],
    ['another peer’s', 'ingress', (c) => void (c.manager.rds.route_config_name = `ingress/${c.label('partner')}`)],
    ['none for a port', 'egress', (c) => c.remove('RouteConfiguration', 'egress/8080')],
    [
      'in place',
      'ingress',
      (c) => {
        c.manager.route_config = c.routes;
        delete c.manager.rds;
      },
    ],
  ],
  HTTP_RBAC: [
    ['absent', 'ingress', (c) => void c.removeFilter('envoy.filters.http.rbac')],
    ['disabled', 'ingress', (c) => void (c.filter('envoy.filters.http.rbac').disabled = true)],
    ['without rules', 'ingress', (c) => void delete c.filter('envoy.filters.http.rbac').typed_config.rules],
    [
      'DENY with no policy, which allows everything',
      'ingress',
      (c) => void (c.filter('envoy.filters.http.rbac').typed_config.rules.action = 'DENY'),
    ],
    [
      'a policy for everybody',
      'ingress',
      (c) =>
        void (c.filter('envoy.filters.http.rbac').typed_config.rules.policies = {
          all: { permissions: [{ any: true }], principals: [{ any: true }] },
        }),
    ],
    ['two connection managers', 'ingress', (c) => c.chain.filters.push(c.chain.filters.at(-1))],
  ],
  UNEXPECTED_BODY: [
    ['no guard', 'ingress', (c) => void c.removeFilter('envoy.filters.http.buffer')],
    [
      'guard after access control',
      'ingress',
      (c) => c.manager.http_filters.splice(-1, 0, c.removeFilter('envoy.filters.http.buffer')),
    ],
    ['guard disabled', 'ingress', (c) => void (c.filter('envoy.filters.http.buffer').disabled = true)],
    [
      'GET passes the guard by',
      'ingress',
      (c) => {
        const { map } = c.filter('envoy.filters.http.buffer').typed_config.xds_matcher.matcher_tree.exact_match_map;
        map.GET = map.POST;
      },
    ],
    [
      'another upgrade passes the guard by',
      'ingress',
      (c) => {
        const { map } = c.filter('envoy.filters.http.buffer').typed_config.xds_matcher.matcher_tree.exact_match_map;
        const [websocket] = map.GET.matcher.matcher_list.matchers;
        const h2c = structuredClone(websocket);
        h2c.predicate.single_predicate.value_match.exact = 'h2c';
        map.GET.matcher.matcher_list.matchers.push(h2c);
      },
    ],
    [
      'any header passes the guard by',
      'ingress',
      (c) => {
        const { map } = c.filter('envoy.filters.http.buffer').typed_config.xds_matcher.matcher_tree.exact_match_map;
        const [websocket] = map.GET.matcher.matcher_list.matchers;
        websocket.predicate.single_predicate.input.typed_config.header_name = 'x-upgrade';
      },
    ],
    [
      'whatever begins with the name of WebSocket passes the guard by',
      'ingress',
      (c) => {
        const { map } = c.filter('envoy.filters.http.buffer').typed_config.xds_matcher.matcher_tree.exact_match_map;
        const [websocket] = map.GET.matcher.matcher_list.matchers;
        websocket.predicate.single_predicate.value_match = { prefix: 'websocket' };
      },
    ],
    [
      'more than a byte passes',
      'ingress',
      (c) =>
        void (c.filter('envoy.filters.http.buffer').typed_config.extension_config.typed_config.max_request_bytes = 100),
    ],
    [
      'guard switched off where the policy needs it',
      'ingress',
      (c) =>
        void (c.host.typed_per_filter_config['envoy.filters.http.buffer'] = {
          '@type': 'type.googleapis.com/envoy.extensions.filters.http.buffer.v3.BufferPerRoute',
          disabled: true,
        }),
    ],
    ['the policy takes a declared body', 'ingress', (c) => void conditions(c).splice(3, 1)],
    [
      'the policy takes one with DELETE',
      'ingress',
      (c) =>
        conditions(c)[3].not_rule.and_rules.rules[0].not_rule.or_rules.rules.push({
          header: { name: ':method', string_match: { exact: 'DELETE' } },
        }),
    ],
  ],
  HARMLESS_PATHS: [
    [
      'the guard that waits for the end of a body before the one that refuses CONNECT',
      'ingress',
      (c) => c.manager.http_filters.splice(5, 0, c.removeFilter('envoy.filters.http.buffer')),
    ],
    ['no guard', 'ingress', (c) => void c.removeFilter(PATHS)],
    ['guard disabled', 'ingress', (c) => void (c.filter(PATHS).disabled = true)],
    ['guard that allows', 'ingress', (c) => void delete paths(c).action],
    [
      'guard skipped for other paths',
      'ingress',
      (c) => void (question(c.filter(PATHS)).predicate.single_predicate.value_match.safe_regex.regex = '/\\C*'),
    ],
    [
      'guard skipped by another header',
      'ingress',
      (c) => void (question(c.filter(PATHS)).predicate.single_predicate.input.typed_config.header_name = ':authority'),
    ],
    [
      'guard skipped for what is not harmless',
      'ingress',
      (c) => void (question(c.filter(PATHS)).predicate = { not_matcher: question(c.filter(PATHS)).predicate }),
    ],
    [
      'guard skipped otherwise as well',
      'ingress',
      (c) => void (c.filter(PATHS).typed_config.xds_matcher.on_no_match = question(c.filter(PATHS)).on_match),
    ],
    [
      'guard with any character beyond ASCII',
      'ingress',
      (c) => {
        const { policies } = paths(c);
        (Object.values(policies) as Data[])[0].permissions[0].not_rule.or_rules.rules[1].and_rules.rules.pop();
      },
    ],
    [
      'guard for some callers',
      'ingress',
      (c) => {
        const { policies } = paths(c);
        (Object.values(policies) as Data[])[0].principals = c.policy.principals;
      },
    ],
    ['a prefix without the rule against bad places', 'ingress', (c) => void conditions(c).pop()],
  ],
  CLEAN_RESPONSES: [
    ['internal hosts kept', 'ingress', (c) => void c.removeFilter('envoy.filters.http.lua')],
    [
      'a header skipped',
      'ingress',
      (c) =>
        c
          .filter('envoy.filters.http.lua')
          .typed_config.xds_matcher.matcher_list.matchers[0].predicate.not_matcher.or_matcher.predicate.pop(),
    ],
    [
      'another script',
      'ingress',
      (c) =>
        void (c.filter(
          'envoy.filters.http.lua',
        ).typed_config.extension_config.typed_config.default_source_code.inline_string =
          'function envoy_on_response(handle) end'),
    ],
    [
      'one name kept',
      'egress',
      (c) =>
        c
          .named('Listener', 'egress/8080')
          .filter_chains[0].filters[0].typed_config.http_filters[2].typed_config.mutations.response_mutations.pop(),
    ],
    [
      'skipped by a value',
      'ingress',
      (c) =>
        void (c.filter(
          'envoy.filters.http.lua',
        ).typed_config.xds_matcher.matcher_list.matchers[0].predicate.not_matcher.or_matcher.predicate[0].single_predicate.value_match.safe_regex.regex =
          'http:.*'),
    ],
    [
      'a header written into responses',
      'ingress',
      (c) =>
        c.filter('envoy.filters.http.header_mutation').typed_config.mutations.response_mutations.push({
          append: { header: { key: 'x-upstream', value: '%UPSTREAM_HOST%' } },
        }),
    ],
    [
      'Envoy’s name',
      'egress',
      (c) => void delete c.named('Listener', 'egress/8080').filter_chains[0].filters[0].typed_config.server_name,
    ],
    [
      'Envoy’s headers',
      'ingress',
      (c) => void delete c.manager.http_filters.at(-1).typed_config.suppress_envoy_headers,
    ],
    ['rewriting disabled', 'ingress', (c) => void (c.filter('envoy.filters.http.lua').disabled = true)],
    [
      'nothing stripped',
      'ingress',
      (c) => void delete c.filter('envoy.filters.http.header_mutation').typed_config.mutations.response_mutations,
    ],
    [
      'one family of request trailers kept',
      'ingress',
      (c) => c.filter('envoy.filters.http.header_mutation').typed_config.mutations.request_trailers_mutations.shift(),
    ],
    [
      'nothing stripped from trailers',
      'egress',
      (c) =>
        void delete c.named('Listener', 'egress/8080').filter_chains[0].filters[0].typed_config.http_filters[2]
          .typed_config.mutations.response_trailers_mutations,
    ],
  ],
  CLEAN_REQUESTS: [
    ['no normalization', 'ingress', (c) => void delete c.manager.normalize_path],
    ['escaped slashes kept', 'ingress', (c) => void (c.manager.path_with_escaped_slashes_action = 'KEEP_UNCHANGED')],
    [
      'slashes not merged',
      'egress',
      (c) => void (c.named('Listener', 'egress/8080').filter_chains[0].filters[0].typed_config.merge_slashes = false),
    ],
    ['XFCC forwarded', 'ingress', (c) => void (c.manager.forward_client_cert_details = 'ALWAYS_FORWARD_ONLY')],
    [
      'caller’s address appended',
      'egress',
      (c) => void delete c.named('Listener', 'egress/8080').filter_chains[0].filters[0].typed_config.skip_xff_append,
    ],
    ['a hop trusted', 'ingress', (c) => void (c.manager.xff_num_trusted_hops = 1)],
    ['spoofed headers kept', 'ingress', (c) => void early(c.manager).splice(0, early(c.manager).length - 5)],
    ['one family kept', 'ingress', (c) => expression(c, (regex) => regex.replace('|access-[!-~]*', ''))],
    [
      'one name of a family kept',
      'ingress',
      (c) => expression(c, (regex) => regex.replace('|access-[!-~]*', '|access-')),
    ],
    ['one name kept', 'ingress', (c) => expression(c, (regex) => regex.replace('|baggage|', '|'))],
    [
      'an expression that nobody can read',
      'ingress',
      (c) => expression(c, (regex) => regex.replace('|access-[!-~]*', '|access-(?i:.*)')),
    ],
    ['HTTP/1', 'ingress', (c) => void (c.manager.codec_type = 'AUTO')],
    ['WebSockets', 'ingress', (c) => void (c.manager.upgrade_configs = [{ upgrade_type: 'websocket' }])],
    [
      'a header written before all filters',
      'ingress',
      (c) =>
        early(c.manager).splice(-5, 0, {
          append: { header: { key: 'x-remote-user', value: 'root' } },
        }),
    ],
    ['Envoy’s own to a backend', 'ingress', (c) => void delete c.routes.request_headers_to_remove],
    [
      'Envoy’s own to a peer',
      'egress',
      (c) => void c.named('RouteConfiguration', 'egress/8080').request_headers_to_remove.pop(),
    ],
    [
      'a header for peers',
      'egress',
      (c) =>
        void (c.named('RouteConfiguration', 'egress/8080').request_headers_to_add = [
          { header: { key: 'x-from', value: '%DOWNSTREAM_REMOTE_ADDRESS%' } },
        ]),
    ],
  ],
  NO_INTERNAL_ADDRESSES: [['even empty', 'ingress', (c) => void (c.manager.internal_address_config = {})]],
  TUNNEL: [
    [
      'open to the network',
      'egress',
      (c) => void (c.tunnel.address = { socket_address: { address: '0.0.0.0', port_value: 1 } }),
    ],
    ['a second filter', 'egress', (c) => c.tunnel.filter_chains[0].filters.push(c.tunnel.filter_chains[0].filters[0])],
    [
      'to two clusters',
      'egress',
      (c) => void (c.tunnel.filter_chains[0].filters[0].typed_config.weighted_clusters = {}),
    ],
    [
      'to another peer',
      'egress',
      (c) => {
        const other = c.named('Cluster', 'dial/partner').name;
        c.tunnel.filter_chains[0].name = other;
        c.tunnel.filter_chains[0].filters[0].typed_config.cluster = other;
      },
    ],
    [
      'a chain that keeps its name when its cluster changes',
      'egress',
      (c) => void (c.tunnel.filter_chains[0].name = 'chain'),
    ],
    [
      'requests that leave the gateway without TLS',
      'egress',
      (c) => void (c.tunnelled.load_assignment = c.cluster.load_assignment),
    ],
    [
      'requests into another peer’s tunnel',
      'egress',
      (c) => void (c.tunnelled.load_assignment = c.named('Cluster', 'import/partner').load_assignment),
    ],
  ],
  TUNNEL_PRESENT: [['no listener', 'egress', (c) => c.resources.splice(c.resources.indexOf(c.tunnel), 1)]],
  REFUSALS_ALIKE: [
    ['Envoy’s own words', 'ingress', (c) => void delete c.manager.local_reply_config],
    [
      'the status says why to gRPC',
      'ingress',
      (c) => void delete c.manager.local_reply_config.mappers.at(-2).status_code,
    ],
    [
      'the words say why',
      'ingress',
      (c) =>
        void (c.manager.local_reply_config.mappers.at(-1).body_format_override.text_format_source.inline_string =
          '%RESPONSE_CODE_DETAILS%'),
    ],
    [
      'some refusals only',
      'egress',
      (c) =>
        void (c
          .named('Listener', 'egress/8080')
          .filter_chains[0].filters[0].typed_config.local_reply_config.mappers.at(
            -1,
          ).filter.status_code_filter.comparison.value.default_value = 404),
    ],
    [
      'gRPC calls are told the status of a success',
      'egress',
      (c) =>
        void (c.named(
          'Listener',
          'egress/8080',
        ).filter_chains[0].filters[0].typed_config.local_reply_config.mappers[0].headers_to_add[0].header.value = '0'),
    ],
    ['the status says why', 'ingress', (c) => void delete c.manager.local_reply_config.mappers.at(-1).status_code],
  ],
  POLICY: [
    ['absent', 'ingress', (c) => void delete c.host.typed_per_filter_config],
    [
      'DENY',
      'ingress',
      (c) => void (c.host.typed_per_filter_config['envoy.filters.http.rbac'].rbac.rules.action = 'DENY'),
    ],
    ['no rules', 'ingress', (c) => void delete c.host.typed_per_filter_config['envoy.filters.http.rbac'].rbac.rules],
    [
      'no rbac at all, which switches the filter off',
      'ingress',
      (c) => void delete c.host.typed_per_filter_config['envoy.filters.http.rbac'].rbac,
    ],
    ['any principal', 'ingress', (c) => void (c.policy.principals = [{ any: true }])],
    ['no principal', 'ingress', (c) => void (c.policy.principals = [])],
    [
      'principals by prefix',
      'ingress',
      (c) => void (c.policy.principals = [{ authenticated: { principal_name: { prefix: 'spiffe://' } } }]),
    ],
    ['TRACE', 'ingress', (c) => void (conditions(c)[0].header.string_match.exact = 'TRACE')],
    [
      'TRACE beside another method',
      'ingress',
      (c) => {
        const [method] = conditions(c);
        const trace = structuredClone(method);
        trace.header.string_match.exact = 'TRACE';
        conditions(c)[0] = { or_rules: { rules: [method, trace] } };
      },
    ],
    ['every method but one', 'ingress', (c) => void (conditions(c)[0] = { not_rule: conditions(c)[0] })],
    [
      'the name of another rule',
      'ingress',
      (c) => {
        const { rules } = c.host.typed_per_filter_config['envoy.filters.http.rbac'].rbac;
        rules.policies = { 'exports.loans.consumers.shop': c.policy };
      },
    ],
    [
      'the name of a rule that is no place',
      'ingress',
      (c) => {
        const { rules } = c.host.typed_per_filter_config['envoy.filters.http.rbac'].rbac;
        rules.policies = { 'exports.accounts.consumers.shop.allow[]': c.policy };
      },
    ],
    [
      'a policy more for everything',
      'ingress',
      (c) => {
        const { policies } = c.host.typed_per_filter_config['envoy.filters.http.rbac'].rbac.rules;
        policies['exports.accounts.consumers.shop.allow[7]'] = { ...c.policy, permissions: [{ any: true }] };
      },
    ],
    [
      'no policy',
      'ingress',
      (c) => void delete c.host.typed_per_filter_config['envoy.filters.http.rbac'].rbac.rules.policies,
    ],
    ['any permission', 'ingress', (c) => void (c.policy.permissions = [{ any: true }])],
    ['a second permission', 'ingress', (c) => c.policy.permissions.push({ any: true })],
    ['no authority', 'ingress', (c) => void conditions(c).splice(2, 1)],
    [
      'another authority',
      'ingress',
      (c) => void (conditions(c)[2].header.string_match.exact = 'loans.exports.bank.example'),
    ],
    ['no method', 'ingress', (c) => void conditions(c).shift()],
    ['no path', 'ingress', (c) => void conditions(c).splice(1, 1)],
    ['an empty list of alternatives', 'ingress', (c) => void (conditions(c)[0] = { or_rules: { rules: [] } })],
    ['a second domain', 'ingress', (c) => c.host.domains.push('other.example')],
    ['any domain', 'ingress', (c) => void (c.host.domains = ['*.exports.bank.example'])],
  ],
  POLICY_NOT_OVERRIDDEN: [
    ['by a route', 'ingress', (c) => void (c.host.routes[0].typed_per_filter_config = c.host.typed_per_filter_config)],
    ['by all routes', 'ingress', (c) => void (c.routes.typed_per_filter_config = c.host.typed_per_filter_config)],
    ['another filter switched', 'ingress', (c) => void (c.host.typed_per_filter_config['envoy.filters.http.lua'] = {})],
  ],
  PRINCIPALS: [
    [
      'another peer’s',
      'ingress',
      (c) =>
        void (c.policy.principals = [
          { authenticated: { principal_name: { exact: 'spiffe://partner.example/gateway/egress' } } },
        ]),
    ],
    [
      'somebody without a chain',
      'ingress',
      (c) => {
        const host = { ...structuredClone(c.host), routes: [] };
        const { rules } = host.typed_per_filter_config['envoy.filters.http.rbac'].rbac;
        rules.policies = { 'exports.accounts.consumers.gone': c.policy };
        c.named('RouteConfiguration', 'ingress/gone').virtual_hosts = [host, c.routes.virtual_hosts.at(-1)];
      },
    ],
  ],
  DENY_ALL: [
    ['absent', 'ingress', (c) => void c.routes.virtual_hosts.pop()],
    ['served', 'ingress', (c) => void (c.routes.virtual_hosts.at(-1).routes[0].direct_response.status = 200)],
    [
      'routed',
      'egress',
      (c) => {
        const route = c.named('RouteConfiguration', 'egress/8080').virtual_hosts.at(-1).routes[0];
        route.route = { cluster: c.tunnelled.name };
        delete route.direct_response;
      },
    ],
    [
      'a wildcard among the imports',
      'egress',
      (c) => c.named('RouteConfiguration', 'egress/8080').virtual_hosts[0].domains.push('*.local'),
    ],
  ],
  OWN_EXPORT: [
    [
      'another export’s cluster',
      'ingress',
      (c) => void (c.host.routes[0].route.cluster = c.named('Cluster', 'export/shop/loans').name),
    ],
    [
      'a mirror',
      'ingress',
      (c) =>
        void (c.host.routes[0].route.request_mirror_policies = [
          { cluster: c.named('Cluster', 'export/shop/loans').name },
        ]),
    ],
    ['what the request names', 'ingress', (c) => void (c.host.routes[0].route = { cluster_header: 'x' })],
    [
      'another mesh’s service through this peer',
      'egress',
      (c) =>
        void (c
          .named('RouteConfiguration', 'egress/8080')
          .virtual_hosts.find(
            (host: Data) => host.routes[0].route.cluster === c.tunnelled.name,
          ).routes[0].route.host_rewrite_literal = 'cart.exports.partner.example'),
    ],
    [
      'this peer’s service at another peer',
      'egress',
      (c) => {
        const [first, second] = c.named('RouteConfiguration', 'egress/8080').virtual_hosts;
        const [one, other] = [first.routes[0].route, second.routes[0].route];
        [one.cluster, other.cluster] = [other.cluster, one.cluster];
      },
    ],
    [
      'what the caller asked for',
      'egress',
      (c) =>
        void delete c.named('RouteConfiguration', 'egress/8080').virtual_hosts[0].routes[0].route.host_rewrite_literal,
    ],
  ],
  OWN_MESH: [
    [
      'the same export’s cluster of another peer',
      'ingress',
      (c) => void (c.host.routes[0].route.cluster = c.named('Cluster', 'export/partner/accounts').name),
    ],
    [
      'the cluster of another mesh that had its name',
      'ingress',
      (c) => {
        const cluster = c.named('Cluster', 'export/shop/accounts');
        cluster.name = cluster.name.replace(/@[0-9a-f]{16}/, `@${'0'.repeat(16)}`);
        for (const { route } of c.host.routes) route.cluster = cluster.name;
      },
    ],
    [
      'a tunnel that is named after other trust',
      'egress',
      (c) => {
        const name = `import/shop@${'0'.repeat(16)}`;
        for (const host of c.named('RouteConfiguration', 'egress/8080').virtual_hosts)
          for (const { route } of host.routes) if (route?.cluster === c.tunnelled.name) route.cluster = name;
        const { tunnelled, tunnel } = c;
        tunnelled.load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.envoy_internal_address.server_listener_name =
          name;
        tunnelled.name = tunnel.name = name;
      },
    ],
  ],
  UPGRADES: [
    [
      'of a service that says nothing of it',
      'ingress',
      (c) => void (c.host.routes[0].route.upgrade_configs = [{ upgrade_type: 'websocket' }]),
    ],
    [
      'of an import that says nothing of it',
      'egress',
      (c) =>
        void (c.named('RouteConfiguration', 'egress/8080').virtual_hosts[0].routes[0].route.upgrade_configs = [
          { upgrade_type: 'websocket' },
        ]),
    ],
    ['to CONNECT', 'ingress', (c) => void (chat(c).routes[0].route.upgrade_configs[0].upgrade_type = 'CONNECT')],
    ['to one more', 'ingress', (c) => chat(c).routes[0].route.upgrade_configs.push({ upgrade_type: 'h2c' })],
    [
      'of every method',
      'ingress',
      (c) => void (chat(c).routes[1].route.upgrade_configs = chat(c).routes[0].route.upgrade_configs),
    ],
    [
      'with a tunnel of CONNECT',
      'ingress',
      (c) => void (chat(c).routes[0].route.upgrade_configs[0].connect_config = {}),
    ],
  ],
  UNDERSCORES: [
    [
      'no guard',
      'ingress',
      (c) => void c.manager.http_filters.splice(c.manager.http_filters.indexOf(c.filter(GUARD)), 1),
    ],
    ['no guard', 'egress', (c) => void egressFilters(c).splice(2, 1)],
    ['guard disabled', 'ingress', (c) => void (c.filter(GUARD).disabled = true)],
    ['a guard that allows', 'ingress', (c) => void (guard(c).action = 'ALLOW')],
    ['a guard for nobody', 'ingress', (c) => void (guard(c).policies['underscore-header'].principals = [{}])],
    ['a guard for some', 'ingress', (c) => void (guard(c).policies['underscore-header'].permissions = [{}])],
    ['two digits less compared', 'ingress', (c) => sizes(c.filter(GUARD)).pop()],
    [
      'digits that are never compared',
      'ingress',
      (c) => void (sizes(c.filter(GUARD))[2].not_matcher.single_predicate.value_match.safe_regex.regex = ''),
    ],
    [
      'skipped when sizes differ',
      'ingress',
      (c) => void (sizes(c.filter(GUARD))[1] = sizes(c.filter(GUARD))[1].not_matcher),
    ],
    [
      'skipped when the sizes are in no form',
      'egress',
      (c) => void (sizes(egressFilters(c)[3])[0] = { not_matcher: sizes(egressFilters(c)[3])[0] }),
    ],
    [
      'skipped when any of it holds',
      'ingress',
      (c) =>
        void (question(c.filter(GUARD)).predicate = { or_matcher: question(c.filter(GUARD)).predicate.and_matcher }),
    ],
    [
      'skipped otherwise as well',
      'ingress',
      (c) => void (c.filter(GUARD).typed_config.xds_matcher.on_no_match = question(c.filter(GUARD)).on_match),
    ],
    [
      'another header',
      'egress',
      (c) => void (sizes(egressFilters(c)[3])[0].single_predicate.input.typed_config.header_name = 'x-bytes'),
    ],
    ['no mutation at all', 'ingress', (c) => void delete c.manager.early_header_mutation_extensions],
    ['passed on in requests', 'ingress', (c) => void early(c.manager).splice(-2, 1)],
    [
      'compared before they are removed',
      'ingress',
      (c) => void early(c.manager).push(early(c.manager).splice(-2, 1)[0]),
    ],
    [
      'passed on in trailers',
      'ingress',
      (c) =>
        void c.filter('envoy.filters.http.header_mutation').typed_config.mutations.request_trailers_mutations.pop(),
    ],
    [
      'only some removed',
      'ingress',
      (c) => void (early(c.manager).at(-2).remove_on_match.key_matcher = { prefix: 'x_' }),
    ],
    [
      'the size of something else',
      'ingress',
      (c) => void (early(c.manager).at(-3).append.header.value = '%BYTES_RECEIVED%'),
    ],
    ['the same size twice', 'ingress', (c) => void (early(c.manager).at(-1).append.header.value = '1,1')],
    [
      'a size that a caller may write',
      'ingress',
      (c) => void (early(c.manager).at(-1).append.append_action = 'ADD_IF_ABSENT'),
    ],
    ['dropped where they are refused', 'ingress', (c) => void (c.host.typed_per_filter_config[GUARD] = OFF)],
    [
      'dropped where they are refused',
      'egress',
      (c) => void (c.named('RouteConfiguration', 'egress/8080').virtual_hosts[0].typed_per_filter_config[GUARD] = OFF),
    ],
  ],
  TRACE_CONTEXT: [
    ['from a peer', 'ingress', (c) => void remove(c.routes, 'traceparent')],
    ['B3 from a peer', 'ingress', (c) => void remove(c.routes, 'x-b3-traceid')],
    ['the request id of a peer', 'ingress', (c) => void c.routes.request_headers_to_add.push(GIVEN_ID)],
    [
      'to a peer',
      'egress',
      (c) => void remove(c.named('RouteConfiguration', 'egress/8080').virtual_hosts[0], 'tracestate'),
    ],
    [
      'all of it to a peer',
      'egress',
      (c) => void delete c.named('RouteConfiguration', 'egress/8080').virtual_hosts[0].request_headers_to_remove,
    ],
    [
      'the request id to a peer',
      'egress',
      (c) => void (c.named('RouteConfiguration', 'egress/8080').virtual_hosts[0].request_headers_to_add = [GIVEN_ID]),
    ],
  ],
  SILENCE: [
    ['without a limit', 'ingress', (c) => void (c.host.routes[0].route.idle_timeout = '0s')],
    ['no time-out', 'ingress', (c) => void delete c.host.routes[0].route.idle_timeout],
    [
      'two hours',
      'egress',
      (c) =>
        void (c.named('RouteConfiguration', 'egress/8080').virtual_hosts[0].routes[1].route.idle_timeout = '7200s'),
    ],
  ],
  SAFE_RETRY: [
    [
      'a POST after a reset',
      'ingress',
      (c) => void (c.host.routes.at(-1).route.retry_policy.retry_on = 'connect-failure,reset'),
    ],
    [
      'every method on the route of GET',
      'egress',
      (c) => void delete c.named('RouteConfiguration', 'egress/8080').virtual_hosts[0].routes[0].match.headers,
    ],
    ['all methods but GET', 'ingress', (c) => void (c.host.routes[0].match.headers[0].invert_match = true)],
    ['by the virtual host', 'ingress', (c) => void (c.host.retry_policy = { retry_on: '5xx' })],
    ['hedged', 'ingress', (c) => void (c.host.routes[0].route.hedge_policy = { hedge_on_per_try_timeout: true })],
  ],
  LOGGED_REQUEST: [
    ['no authority', 'ingress', (c) => void c.manager.http_filters.shift()],
    [
      'an id of any form',
      'ingress',
      (c) => void (peerRequestId(c).on_header_present.regex_value_rewrite.pattern.regex = '^(.*)$'),
    ],
    ['an id from another header', 'ingress', (c) => void (peerRequestId(c).header = 'x-id')],
    [
      'an id in the place of the authority',
      'ingress',
      (c) => void (remembered(c)[0].format_string = remembered(c)[1].format_string),
    ],
    ['an id in the place of a workload', 'ingress', (c) => void (peerRequestId(c).on_header_present.key = 'workload')],
    ['a header more', 'ingress', (c) => remembered(c).push({ ...remembered(c)[0], object_key: 'postern.service' })],
    ['state of Envoy', 'ingress', (c) => void (remembered(c)[1].object_key = 'envoy.upstream.server_name')],
    ['an id of any length', 'ingress', (c) => setText(remembered(c)[1], '%REQ(X-POSTERN-GIVEN-REQUEST-ID)%')],
    ['an id passed on for everybody', 'ingress', (c) => void delete c.manager.http_filters[1].disabled],
    ['another export in the log', 'ingress', (c) => setText(ofHost(c)[0], 'any')],
    ['a header in the place of the export', 'ingress', (c) => setText(ofHost(c)[0], '%REQ(X-SERVICE)%')],
    ['another version in the log', 'ingress', (c) => setText(ofHost(c)[1], '000000000000')],
    ['no export in the log', 'ingress', (c) => ofHost(c).shift()],
    [
      'a text in the place of the id',
      'ingress',
      (c) => void (peerRequestId(c).on_header_missing = { metadata_namespace: 'postern', key: 'workload', value: 'x' }),
    ],
  ],
  PEER_HEADER: [
    ['absent', 'ingress', (c) => void delete c.routes.request_headers_to_add],
    ['another peer', 'ingress', (c) => void (c.routes.request_headers_to_add[0].header.value = 'partner')],
    [
      'in another case',
      'ingress',
      (c) => c.routes.request_headers_to_add.push({ header: { key: 'X-Postern-Peer', value: 'partner' } }),
    ],
    [
      'by a virtual host',
      'ingress',
      (c) => void (c.host.request_headers_to_add = [{ header: { key: 'x-postern-peer', value: 'partner' } }]),
    ],
    [
      'by a route',
      'ingress',
      (c) => void (c.host.routes[0].request_headers_to_add = [{ header: { key: 'x-postern-peer', value: 'partner' } }]),
    ],
    ['beside the caller’s', 'ingress', (c) => void delete c.routes.request_headers_to_add[0].append_action],
  ],
};
