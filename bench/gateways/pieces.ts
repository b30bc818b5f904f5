// The pieces of our configuration whose share is measured, each by an Envoy without it.
// Must not: leave out nothing: a piece that is not found is an error, not a share of zero.

import type { GatewayRole } from '../../src/federation/model.ts';
import type { Json, Static } from './hand-written.ts';

/** A gateway's whole configuration. */
export interface Whole {
  readonly resources: Static;
  readonly settings: Json;
}

export interface Piece {
  readonly name: string;
  readonly roles: readonly GatewayRole[];
  readonly without: (whole: Whole) => Whole;
}

const BOTH = ['ingress', 'egress'] as const;
const RBAC = 'envoy.filters.http.rbac';

/** In the order of the table. */
export const PIECES: readonly Piece[] = [
  { name: 'access log', roles: BOTH, without: (whole) => resources(whole, drop(['access_log'])) },
  {
    name: 'counter of verdicts',
    roles: BOTH,
    without: (whole) => resources(whole, dropLogs('envoy.access_loggers.stats')),
  },
  {
    name: 'facts kept for the log (authority, request id, workload)',
    roles: BOTH,
    without: (whole) => resources(whole, dropFilters(['set_filter_state', 'header_to_metadata'])),
  },
  {
    name: 'internal hosts in responses (Lua)',
    roles: ['ingress'],
    without: (whole) => resources(whole, dropFilters(['envoy.filters.http.lua'], true)),
  },
  {
    name: 'names with an underscore: the guard',
    roles: BOTH,
    without: (whole) => resources(whole, dropFilters([`${RBAC}.underscores`], true)),
  },
  {
    name: 'removal of headers: requests, before routing (without it no guard against underscores)',
    roles: BOTH,
    without: (whole) =>
      resources(whole, (json) =>
        dropFilters([`${RBAC}.underscores`], true)(drop(['early_header_mutation_extensions'])(json)),
      ),
  },
  {
    name: 'removal of headers: responses, trailers',
    roles: BOTH,
    without: (whole) => resources(whole, dropFilters(['header_mutation'])),
  },
  {
    name: 'removal of headers: routes',
    roles: BOTH,
    without: (whole) => resources(whole, drop(['request_headers_to_remove', 'request_headers_to_add'])),
  },
  {
    name: 'guard of paths',
    roles: ['ingress'],
    without: (whole) => resources(whole, dropFilters([`${RBAC}.paths`])),
  },
  {
    name: 'guard of bodies',
    roles: ['ingress'],
    without: (whole) => resources(whole, dropFilters(['envoy.filters.http.buffer'])),
  },
  {
    name: 'access control (also in the hand-written one)',
    roles: ['ingress'],
    without: (whole) => resources(whole, (json) => dropFilters([RBAC], true)(dropKeys(RBAC)(json))),
  },
  {
    name: 'slots of limits',
    roles: BOTH,
    without: (whole) => resources(whole, dropFilters(['filter_chain'])),
  },
  {
    name: 'retries, statistics and metadata of routes',
    roles: BOTH,
    without: (whole) => resources(whole, drop(['retry_policy', 'virtual_clusters'])),
  },
  {
    name: 'reading of requests: paths, ids, addresses, upgrades',
    roles: BOTH,
    without: (whole) => resources(whole, drop(READING)),
  },
  {
    name: 'answers of our own',
    roles: BOTH,
    without: (whole) => resources(whole, drop(['local_reply_config'])),
  },
  {
    name: 'windows, timeouts and limits of connections',
    roles: BOTH,
    without: (whole) => resources(whole, drop(CONNECTIONS)),
  },
  {
    name: 'bootstrap: overload manager',
    roles: BOTH,
    without: ({ resources, settings }) => ({ resources, settings: withoutKeys(settings, ['overload_manager']) }),
  },
];

const READING = [
  'normalize_path',
  'merge_slashes',
  'path_with_escaped_slashes_action',
  'strip_any_host_port',
  'use_remote_address',
  'skip_xff_append',
  'forward_client_cert_details',
  'set_current_client_cert_details',
  'preserve_external_request_id',
  'server_header_transformation',
  'scheme_header_transformation',
];
const CONNECTIONS = [
  'common_http_protocol_options',
  'per_connection_buffer_limit_bytes',
  'stream_idle_timeout',
  'request_headers_timeout',
  'circuit_breakers',
  'idle_timeout',
];

type Edit = (json: unknown) => unknown;

function resources({ resources, settings }: Whole, edit: Edit): Whole {
  const { listeners, clusters, secrets } = resources;
  const [before, after] = [
    { listeners, clusters },
    edit({ listeners, clusters }) as Pick<Static, 'listeners' | 'clusters'>,
  ];
  if (JSON.stringify(before) === JSON.stringify(after)) throw new Error('a piece that is not in the configuration');
  return { resources: { ...after, secrets }, settings };
}

function withoutKeys(settings: Json, keys: readonly string[]): Json {
  return Object.fromEntries(Object.entries(settings).filter(([key]) => !keys.includes(key)));
}

/** Without these fields, wherever they are; what a manager needs of its protocol stays. */
function drop(fields: readonly string[]): Edit {
  return everywhere((key) => !fields.includes(key));
}

/** Without the configuration that a virtual host has for a filter. */
function dropKeys(filter: string): Edit {
  return everywhere((key) => key !== filter);
}

function everywhere(keep: (key: string) => boolean): Edit {
  const edit: Edit = (json) => {
    if (Array.isArray(json)) return json.map(edit);
    if (typeof json !== 'object' || json === null) return json;
    return Object.fromEntries(
      Object.entries(json)
        .filter(([key]) => keep(key))
        .map(([key, item]) => [key, edit(item)]),
    );
  };
  return edit;
}

/** Without the logs of this name. */
function dropLogs(name: string): Edit {
  return (json) =>
    JSON.parse(JSON.stringify(json), (key, item) =>
      key === 'access_log' ? (item as { name: string }[]).filter((log) => log.name !== name) : item,
    );
}

/** Without the HTTP filters that name one of these, or with `exactly` are called so. */
function dropFilters(names: readonly string[], exactly = false): Edit {
  const isDropped = (filter: { readonly name: string }): boolean =>
    names.some((one) => (exactly ? filter.name === one : JSON.stringify(filter).includes(one)));
  const edit: Edit = (json) => {
    if (Array.isArray(json)) return json.map(edit);
    if (typeof json !== 'object' || json === null) return json;
    return Object.fromEntries(
      Object.entries(json).map(([key, item]) => [
        key,
        key === 'http_filters' ? (item as { name: string }[]).filter((filter) => !isDropped(filter)) : edit(item),
      ]),
    );
  };
  return edit;
}
