// Boundary rules for headers: what no request brings in, and no response or trailer takes out.
// Must not: look at another resource, or be content with a part of a list.

import type { GatewayRole } from '../../federation/model.ts';
import type { Any, Message } from '../draft.ts';
import { STRIP_REQUEST, STRIP_REQUEST_TRAILERS, STRIP_RESPONSE } from '../http/headers.ts';
import { SCRIPT, WITH_HOSTS } from '../http/lua.ts';
import { demand, type Subject } from './boundary-rules.ts';
import { configOf } from './filter-rules.ts';

type Manager = Message<'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'>;
type Mutation = Message<'envoy.config.common.mutation_rules.v3.HeaderMutation'>;

const EARLY = 'type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation';
const MUTATIONS = 'type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation';
const MATCHED = 'type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcher';
const LUA = 'type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua';
const HEADER = 'type.googleapis.com/envoy.type.matcher.v3.HttpResponseHeaderMatchInput';

export function checkHeaders(manager: Manager, role: GatewayRole, subject: Subject): void {
  const early = (manager.early_header_mutation_extensions ?? []).map(({ typed_config: config }) => config);
  const cleans = early.some((config) => config?.['@type'] === EARLY && removesAll(config.mutations, STRIP_REQUEST));
  demand(cleans, 'CLEAN_REQUESTS', subject);
  const filters = (manager.http_filters ?? []).map(configOf);
  // Only the ingress has backends whose hosts it must not show.
  demand(filters.some(strips) && (role === 'egress' || filters.some(rewrites)), 'CLEAN_RESPONSES', subject);
}

function strips(config: Any | undefined): boolean {
  if (config?.['@type'] !== MUTATIONS) return false;
  const { mutations = {} } = config;
  return (
    removesAll(mutations.request_trailers_mutations, STRIP_REQUEST_TRAILERS) &&
    removesAll(mutations.response_mutations, STRIP_RESPONSE) &&
    removesAll(mutations.response_trailers_mutations, STRIP_RESPONSE) &&
    removesAll(
      mutations.response_trailers_mutations,
      Object.keys(WITH_HOSTS).map((remove) => ({ remove })),
    )
  );
}

/** Runs our script, and passes by only responses that have none of its headers. */
function rewrites(config: Any | undefined): boolean {
  if (config?.['@type'] !== MATCHED) return false;
  const script = config.extension_config?.typed_config;
  const { matcher_list: list, matcher_tree: tree, on_no_match: otherwise } = config.xds_matcher ?? {};
  const [only, ...more] = list?.matchers ?? [];
  const named = (only?.predicate?.not_matcher?.or_matcher?.predicate ?? []).map(({ single_predicate: single }) => {
    const input = single?.input?.typed_config;
    return input?.['@type'] === HEADER ? input.header_name : undefined;
  });
  return (
    script?.['@type'] === LUA &&
    script.default_source_code?.inline_string === SCRIPT &&
    more.length === 0 &&
    tree === undefined &&
    otherwise === undefined &&
    Object.keys(WITH_HOSTS).every((name) => named.includes(name))
  );
}

function removesAll(actual: readonly Mutation[] | undefined, wanted: readonly Mutation[]): boolean {
  if (actual === wanted) return true;
  const removed = new Set((actual ?? []).map(keyOf));
  return wanted.every((mutation) => removed.has(keyOf(mutation)));
}

function keyOf({ remove, remove_on_match: match }: Mutation): string {
  return remove ?? `${match?.key_matcher?.prefix ?? ''}*`;
}
