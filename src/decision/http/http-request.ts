// Requests: what the connection manager makes of one, its virtual host, the filters on the way, and the route at their end.
// Must not: judge the limits that the configuration sets; they are named.

import type { Message } from '../../envoy/draft.ts';
import { DENY_ALL } from '../../envoy/resource-names.ts';
import type { Decision, Trail } from '../answer/decision.ts';
import type { Question } from '../answer/question.ts';
import { codecAuthority, codecFault, codecPath } from '../matching/codec-rules.ts';
import { ownMetadata } from '../matching/own-metadata.ts';
import { normalAuthority, normalPath, withoutPort } from '../matching/path-normal-form.ts';
import { RequestView } from '../matching/request-view.ts';
import type { Resources, RouteConfiguration } from '../matching/resources.ts';
import { lowerCase, matches } from '../matching/text-match.ts';
import { only, present, unjudged } from '../matching/unjudged.ts';
import { judgeUpstream } from '../tls/upstream.ts';
import { headSize } from './head-size.ts';
import { passFilter } from './http-filters.ts';
import type { Hop } from './http-hop.ts';

type Manager = Message<'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'>;
type VirtualHost = Message<'envoy.config.route.v3.VirtualHost'>;
type Route = Message<'envoy.config.route.v3.Route'>;

export interface Connected {
  readonly question: Question;
  readonly resources: Resources;
  readonly trail: Trail;
  readonly identities: readonly string[] | undefined;
  /** The peer of the filter chain; absent for our own callers. */
  readonly peer?: string;
}

/** What the builders write there and does not decide about one well-formed request. */
const INERT = [
  ...['server_header_transformation', 'server_name', 'use_remote_address', 'xff_num_trusted_hops', 'skip_xff_append'],
  ...[
    'generate_request_id',
    'preserve_external_request_id',
    'always_set_request_id_in_response',
    'stream_idle_timeout',
  ],
  ...[
    'request_headers_timeout',
    'request_timeout',
    'drain_timeout',
    'delayed_close_timeout',
    'common_http_protocol_options',
  ],
  ...[
    'http_protocol_options',
    'http2_protocol_options',
    'stream_error_on_invalid_http_message',
    'access_log',
    'stat_prefix',
  ],
  ...[
    'forward_client_cert_details',
    'set_current_client_cert_details',
    'scheme_header_transformation',
    'local_reply_config',
  ],
  'max_request_headers_kb',
];

export function judgeRequest(manager: Manager, connected: Connected): Decision {
  only(
    manager,
    'the connection manager',
    ...INERT,
    ...['codec_type', 'rds', 'http_filters', 'early_header_mutation_extensions', 'normalize_path', 'merge_slashes'],
    ...['path_with_escaped_slashes_action', 'strip_any_host_port', 'strip_trailing_host_dot'],
  );
  if (
    !manager.normalize_path ||
    !manager.merge_slashes ||
    manager.path_with_escaped_slashes_action !== 'REJECT_REQUEST'
  )
    throw unjudged('a connection manager that takes paths as they are');
  const { question, resources, trail, identities } = connected;
  const { request } = question;
  const malformed = (what: string): Decision => trail.no('MALFORMED_REQUEST', 'request', request?.method ?? '', what);
  if (request === undefined) return malformed('the gateway takes HTTP here, and no request was asked about');
  if (manager.codec_type === 'HTTP2' && request.protocol !== 'h2') return malformed('the gateway takes HTTP/2 alone');
  const asked = { ...request, authority: codecAuthority(request), path: codecPath(request) };
  const fault = codecFault(asked);
  if (fault !== undefined) return malformed(fault);
  const size = headSize(manager, asked);
  if (size.fault !== undefined) return trail.no('HEADERS_TOO_LARGE', 'request', request.method, size.fault);
  const path = normalPath(asked.path);
  if (path === undefined) return malformed(`the path ${request.path} has a fragment, an escaped slash or a null`);
  const host = { stripPort: manager.strip_any_host_port ?? false, stripDot: manager.strip_trailing_host_dot ?? false };
  const authority = normalAuthority(asked.authority, host);
  const view = new RequestView({ ...request, path, authority }, identities);
  for (const { typed_config: early } of manager.early_header_mutation_extensions ?? []) {
    if (
      early?.['@type'] !==
      'type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation'
    )
      throw unjudged('an early header mutation');
    only(early, 'an early header mutation', 'mutations');
    view.mutate(early.mutations ?? []);
  }
  trail.pass(
    'request',
    `${request.method} ${authority} ${path}`,
    [
      request.path === path ? 'as it was asked' : `asked as ${request.path}`,
      ...(size.near === undefined ? [] : [size.near]),
    ].join('; '),
  );
  return routed(manager, resources.routes(present(manager.rds?.route_config_name, 'the routes')), view, connected);
}

function routed(manager: Manager, config: RouteConfiguration, view: RequestView, connected: Connected): Decision {
  only(
    config,
    `the routes ${config.name}`,
    ...['name', 'virtual_hosts', 'request_headers_to_add', 'request_headers_to_remove', 'typed_per_filter_config'],
    ...['most_specific_header_mutations_wins', 'ignore_port_in_host_matching'],
  );
  const { trail, question, peer } = connected;
  const host = hostFor(config, view.header(':authority') ?? '');
  if (host === undefined) return trail.no('UNKNOWN_NAME', 'virtual host', '(none)', 'no virtual host has this name');
  only(
    host,
    `the virtual host ${host.name}`,
    ...['name', 'domains', 'metadata', 'typed_per_filter_config', 'routes', 'virtual_clusters'],
    ...['request_headers_to_add', 'request_headers_to_remove'],
  );
  const route = (host.routes ?? []).find((one) => isFor(one, view));
  const service = ownMetadata(route, 'service');
  const source = sourceOf(service, peer, `${localOf(host)}:${question.port}`);
  trail.pass('virtual host', host.name ?? '', `host ${view.header(':authority')}`, source);
  const denial = host.name !== DENY_ALL ? undefined : peer === undefined ? 'UNKNOWN_NAME' : 'NO_GRANT';
  const { upgrade } = question.request ?? {};
  // Without a route nobody looks at the upgrade: access control refuses first.
  if (upgrade !== undefined && route !== undefined && !isUpgradable(route, upgrade))
    return trail.no(denial ?? 'UPGRADE', 'route', route?.name ?? '(none)', `it does not become ${upgrade}`, source);
  const hop: Hop = {
    view,
    trail,
    perFilter: [host.typed_per_filter_config ?? {}, config.typed_per_filter_config ?? {}],
    ...(denial !== undefined && { denial }),
    ...(source !== undefined && { source }),
    ...(peer !== undefined && { peer }),
    routes: config.name ?? '',
  };
  let rule: string | undefined;
  for (const filter of manager.http_filters ?? []) {
    only(filter, 'an HTTP filter', 'name', 'typed_config', 'disabled');
    if (filter.disabled && !hop.perFilter.some((one) => Object.hasOwn(one, filter.name ?? ''))) continue;
    const outcome = passFilter(filter.name ?? '', present(filter.typed_config, filter.name ?? ''), hop);
    if (outcome?.refusal !== undefined) return outcome.refusal;
    rule = outcome?.rule ?? rule;
    if (outcome?.isLast && hop.view.overflow !== undefined)
      return trail.no('UNEXPECTED_BODY', 'request', view.header(':method') ?? '', hop.view.overflow, source);
    if (outcome?.isLast)
      return atRoute(route, rule ?? ownMetadata(host, 'rule'), view, {
        ...connected,
        ...(source !== undefined && { source }),
      });
  }
  throw unjudged('a connection manager without a router');
}

function hostFor(config: RouteConfiguration, authority: string): VirtualHost | undefined {
  const asked = config.ignore_port_in_host_matching ? withoutPort(authority) : authority;
  const hosts = config.virtual_hosts ?? [];
  for (const { domains = [] } of hosts)
    if (domains.some((domain) => domain !== '*' && domain.includes('*'))) throw unjudged('a domain with an asterisk');
  const exact = hosts.find(({ domains = [] }) => domains.some((domain) => lowerCase(domain) === lowerCase(asked)));
  return exact ?? hosts.find(({ domains = [] }) => domains.includes('*'));
}

function isFor({ match = {} }: Route, view: RequestView): boolean {
  only(match, 'a route match', 'prefix', 'path', 'headers');
  const [path = ''] = (view.header(':path') ?? '').split('?', 1);
  const isPath =
    match.path === undefined ? path.startsWith(present(match.prefix, 'a route match')) : path === match.path;
  return (
    isPath &&
    (match.headers ?? []).every((header) => {
      only(header, 'a header matcher', 'name', 'string_match');
      const value = view.header(header.name ?? '');
      return value !== undefined && matches(present(header.string_match, 'a header matcher'), value);
    })
  );
}

function isUpgradable(route: Route | undefined, upgrade: string): boolean {
  return (route?.route?.upgrade_configs ?? []).some((config) => {
    only(config, 'an upgrade', 'upgrade_type');
    return lowerCase(config.upgrade_type ?? '') === lowerCase(upgrade);
  });
}

/** What the virtual host is for, as rules are named: an import by its local name and port. */
function sourceOf(service: string | undefined, peer: string | undefined, local: string): string | undefined {
  if (service === undefined) return undefined;
  return peer === undefined ? `imports.${local}` : `exports.${service}.consumers.${peer}`;
}

/** The local name of an import, as the file has it: its other spellings come after it. */
function localOf({ domains: [local = ''] = [] }: VirtualHost): string {
  return local;
}

function atRoute(
  route: Route | undefined,
  rule: string | undefined,
  view: RequestView,
  { source, ...connected }: Connected & { readonly source?: string },
): Decision {
  const { trail, peer, resources } = connected;
  if (route === undefined) return trail.no('UNKNOWN_NAME', 'route', '(none)', 'no route fits', source);
  only(route, `the route ${route.name}`, 'name', 'match', 'route', 'direct_response', 'metadata');
  const { name = '', direct_response: direct, route: action } = route;
  if (direct !== undefined) {
    const [reason, called] = [ownMetadata(route, 'reason'), ownMetadata(route, 'peer')];
    const says = `the gateway answers ${direct.status} itself`;
    if (direct.status === 200) {
      trail.pass('route', name, says, source);
      return trail.yes([], rule);
    }
    if (reason === undefined) return trail.no('PEER_DENIED', 'route', name, says, `peers.${called}.trustBundle`);
    return trail.no(reason === 'unknown-name' ? 'UNKNOWN_NAME' : 'NO_GRANT', 'route', name, says, source);
  }
  const forwarded = present(action, `the route ${name}`);
  only(
    forwarded,
    `the route ${name}`,
    ...['cluster', 'timeout', 'idle_timeout', 'max_stream_duration', 'auto_host_rewrite', 'host_rewrite_literal'],
    ...['retry_policy', 'upgrade_configs'],
  );
  trail.pass('route', name, `${view.header(':method')} ${view.header(':path')}`, source);
  const called = ownMetadata(route, 'peer');
  const cluster = resources.cluster(present(forwarded.cluster, `the route ${name}`));
  const service = ownMetadata(route, 'service');
  return judgeUpstream(cluster, {
    ...connected,
    rule: rule ?? source,
    source: peer === undefined ? `peers.${called}.addresses` : `exports.${service}.backend`,
    host: forwarded.host_rewrite_literal,
    limited: { ...(peer !== undefined && { by: `exports.${service}.consumers.${peer}` }), isTcp: false },
    ...(called !== undefined && { peer: called }),
  });
}
