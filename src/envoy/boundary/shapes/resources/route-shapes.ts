// The form of route configurations, their virtual hosts and their routes.
// Must not: repeat what route-rules.ts says of their values.

import { NEVER_FROM_EGRESS, NEVER_FROM_INGRESS, TRACE_CONTEXT } from '../../required-removals.ts';
import { LIMITED } from '../http/limit-shapes.ts';
import { CLIENTS_OF_HOST, POLICY_OF_HOST } from '../http/policy-shapes.ts';
import { PASS_REQUEST_ID, remembersHost } from '../http/request-fact-shapes.ts';
import {
  absent,
  amount,
  duration,
  either,
  extension,
  is,
  listOf,
  mapOf,
  matching,
  message,
  once,
  type Shape,
  sequence,
  text,
  typed,
  under,
} from '../shape.ts';

const ANY = message({ prefix: is('/') });
const GET_AND_HEAD = message({
  prefix: is('/'),
  headers: sequence(
    message({ name: is(':method'), string_match: message({ safe_regex: message({ regex: is('GET|HEAD') }) }) }),
  ),
});

/** The conditions are in route-rules.ts. */
const retry = (times: number): Shape =>
  message({
    retry_on: text,
    num_retries: is(times),
    retry_host_predicate: sequence(
      extension(
        'envoy.retry_host_predicates.previous_hosts',
        typed('envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate'),
      ),
    ),
    host_selection_retry_max_attempts: amount(3),
  });

const WEBSOCKET = sequence(message({ upgrade_type: is('websocket') }));

/** Of a route for GET and HEAD, or of one for all methods. */
function forward(rewrite: Readonly<Record<string, Shape>>, isSafe: boolean, retries: number): Shape {
  return message(
    {
      cluster: text,
      timeout: duration,
      // Zero would be no limit at all.
      idle_timeout: under('SILENCE', matching(/^(?:[1-9]\d{0,2}|[12]\d{3}|3[0-5]\d{2}|3600)s$/)),
      retry_policy: under('SAFE_RETRY', retry(retries)),
      ...rewrite,
    },
    {
      max_stream_duration: message({ grpc_timeout_header_max: duration }),
      upgrade_configs: isSafe ? under('UPGRADES', WEBSOCKET) : under('UPGRADES', absent),
    },
  );
}

function metadata(ours: Shape, more: Readonly<Record<string, Shape>> = {}): Shape {
  return message({ filter_metadata: message({ postern: ours, ...more }) });
}

/** One route, or before it one for GET and HEAD. */
function forwarding(rewrite: Readonly<Record<string, Shape>>, meta: Shape, safeRetries: number): Shape {
  const anyMethod = message({ name: text, match: ANY, route: forward(rewrite, false, 3), metadata: meta });
  const safe = message({ name: text, match: GET_AND_HEAD, route: forward(rewrite, true, safeRetries), metadata: meta });
  return (value) =>
    (Array.isArray(value) && value.length === 1 ? sequence(anyMethod) : sequence(safe, anyMethod))(value);
}

function answering(status: number): Shape {
  return message({ status: is(status) });
}

const COUNTED = sequence(
  message({
    name: text,
    headers: sequence(message({ name: is(':path'), string_match: message({ prefix: is('/') }) })),
  }),
);
const VERSION = matching(/^[0-9a-f]{12}$/);
/** For the log alone; the values are in policy-rules.ts. */
const RULES = { paths: text, methods: mapOf(/^/, text) };
const EXPORTED = metadata(message({ service: text, version: VERSION, ...RULES }, { bodies: is('any-method') }));

/** The values for the guard against bodies are in route-rules.ts. */
const BODIES = typed('envoy.extensions.filters.http.buffer.v3.BufferPerRoute', { disabled: is(true) });
const HOSTS = message({ hosts: listOf(text) });

const REMEMBERED = 'envoy.filters.http.set_filter_state';
const REQUEST_ID_FILTER = 'envoy.filters.http.header_to_metadata.request-id';

/** Where the header names with an underscore are dropped instead. */
const UNDERSCORE_GUARD = 'envoy.filters.http.rbac.underscores';
const OFF = typed('envoy.config.route.v3.FilterConfig', { disabled: is(true) });

/** The request id that came with the request, instead of a fresh one. */
const GIVEN_ID = message({
  header: message({ key: is('x-request-id'), value: is('%DYNAMIC_METADATA(postern:given_request_id)%') }),
  append_action: is('OVERWRITE_IF_EXISTS_OR_ADD'),
});

const GRANTED = message({
  name: text,
  domains: sequence(text),
  metadata: EXPORTED,
  typed_per_filter_config: message(
    { 'envoy.filters.http.rbac': POLICY_OF_HOST, [REMEMBERED]: remembersHost('service', 'version') },
    {
      'envoy.filters.http.buffer': BODIES,
      'envoy.filters.http.filter_chain.consumer': LIMITED,
      [UNDERSCORE_GUARD]: OFF,
    },
  ),
  routes: forwarding(
    { auto_host_rewrite: is(true) },
    metadata(message({ service: text, peer: text }), { 'envoy.filters.http.lua': HOSTS }),
    3,
  ),
  virtual_clusters: COUNTED,
});

const HEALTH = message({
  name: text,
  domains: sequence(text),
  metadata: metadata(message(RULES)),
  typed_per_filter_config: message(
    { 'envoy.filters.http.rbac': POLICY_OF_HOST },
    { 'envoy.filters.http.filter_chain.peer': LIMITED },
  ),
  // Limits are those of the route: without one for the rest, a refused request would not count.
  routes: under(
    'LIMITS',
    sequence(
      message({ name: text, match: message({ path: is('/healthz') }), direct_response: answering(200) }),
      message({ name: is('deny-all'), match: ANY, direct_response: answering(403) }),
    ),
  ),
});

const SERVICE = metadata(message({ service: text, peer: text }));

const IMPORTED = message(
  {
    name: text,
    domains: listOf(text),
    metadata: metadata(message({ service: text, peer: text, rule: text, version: VERSION })),
    routes: either(
      sequence(message({ name: text, match: ANY, direct_response: answering(503), metadata: SERVICE })),
      forwarding({ host_rewrite_literal: text }, SERVICE, 1),
    ),
    virtual_clusters: COUNTED,
  },
  {
    typed_per_filter_config: message(
      { [REMEMBERED]: remembersHost('peer', 'service', 'rule', 'version') },
      {
        [REQUEST_ID_FILTER]: PASS_REQUEST_ID,
        'envoy.filters.http.rbac': CLIENTS_OF_HOST,
        'envoy.filters.http.filter_chain.import': LIMITED,
        [UNDERSCORE_GUARD]: OFF,
      },
    ),
    request_headers_to_add: sequence(GIVEN_ID),
    request_headers_to_remove: under('TRACE_CONTEXT', listOf(is(...TRACE_CONTEXT))),
  },
);

function denying(status: number, reason: string): Shape {
  const why = metadata(message({ service: is('-'), reason: is(reason) }));
  const host = message({
    name: is('deny-all'),
    domains: sequence(is('*')),
    routes: sequence(message({ name: text, match: ANY, direct_response: answering(status), metadata: why })),
  });
  return under('DENY_ALL', host);
}

/** Of a peer with many exports, only the changed hosts are looked at again. */
function hosts(granted: Shape, last: Shape): Shape {
  const [one, end] = [once(granted), once(last)];
  return (value) => {
    if (!Array.isArray(value)) return 'DENY_ALL';
    for (const host of value.slice(0, -1)) {
      const fault = one(host);
      if (fault !== undefined) return fault;
    }
    return end(value.at(-1));
  };
}

const ROUTES = 'envoy.config.route.v3.RouteConfiguration';

function added(key: string, value: Shape): Shape {
  return message({ header: message({ key: is(key), value }), append_action: is('OVERWRITE_IF_EXISTS_OR_ADD') });
}

const CALLER = [added('x-postern-peer', text), added('x-postern-workload', is('%DYNAMIC_METADATA(postern:workload)%'))];

export const INGRESS_ROUTES = typed(
  ROUTES,
  {
    name: text,
    virtual_hosts: hosts((host) => (isAnswered(host) ? HEALTH : GRANTED)(host), denying(403, 'not-exported')),
    request_headers_to_add: either(sequence(...CALLER), sequence(...CALLER, GIVEN_ID)),
    request_headers_to_remove: under('CLEAN_REQUESTS', listOf(is(...NEVER_FROM_INGRESS, ...TRACE_CONTEXT))),
    most_specific_header_mutations_wins: is(true),
  },
  {
    typed_per_filter_config: message(
      {},
      { 'envoy.filters.http.filter_chain.peer': LIMITED, [REQUEST_ID_FILTER]: PASS_REQUEST_ID },
    ),
  },
);

export const EGRESS_ROUTES = typed(
  ROUTES,
  {
    name: text,
    virtual_hosts: hosts(IMPORTED, denying(404, 'unknown-name')),
    request_headers_to_remove: under('CLEAN_REQUESTS', listOf(is(...NEVER_FROM_EGRESS))),
    ignore_port_in_host_matching: is(true),
  },
  // Which value, and when, is in route-rules.ts.
  { request_headers_to_add: under('CLEAN_REQUESTS', sequence(added('x-forwarded-client-cert', text))) },
);

/** A host of the gateway itself has one route, which it answers. */
function isAnswered(host: unknown): boolean {
  const { routes = [] } = host as { readonly routes?: readonly { readonly direct_response?: unknown }[] };
  return Array.isArray(routes) && routes.some((route) => route?.direct_response !== undefined);
}
