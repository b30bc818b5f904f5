// Boundary rules for header names with an underscore: a filter removes them, and a later one refuses requests that had one.
// Must not: look at another resource, or trust the guard alone (Envoy lets a request pass whose script fails).

import type { Any, Messages } from '../../../proto/types.gen.ts';
import { configOf, isDigestOf } from './filter-rules.ts';

type Manager = Messages['envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'];
type VirtualHost = Messages['envoy.config.route.v3.VirtualHost'];
type Mutation = Messages['envoy.config.common.mutation_rules.v3.HeaderMutation'];
type Matcher = Messages['xds.type.matcher.v3.Matcher'];

/** The filter that a virtual host can switch off (`typed_per_filter_config`): its service has underscoreHeaders: drop. */
export const UNDERSCORE_GUARD = 'envoy.filters.http.lua.underscores';
const LUA = 'type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua';
const STATE = 'type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config';
const MATCHED = 'type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcher';
const INPUT = 'type.googleapis.com/envoy.extensions.matching.common_inputs.network.v3.FilterStateInput';
const SKIP = 'type.googleapis.com/envoy.extensions.filters.common.matcher.action.v3.SkipFilter';
const MUTATIONS = 'type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation';

/** SHA-256 of the script (envoy/http/headers/underscore-guard.ts). A change of it is reviewed with test/envoy/http/headers/header-choices.test.ts. */
const SCRIPT_DIGEST = 'a4132982592c3501261831d3cf93dbc65f0bb5b3e2a9d7502316ce461ffaec73';

const [BEFORE, AFTER, UNCHANGED] = [
  'postern.header_bytes',
  'postern.header_bytes_without_underscores',
  'postern.no_underscores',
];
const BYTES = '%REQUEST_HEADERS_BYTES%';
const COMPARISON = `%CEL(filter_state['${BEFORE}'] == filter_state['${AFTER}'])%`;

/**
 * The size of the headers is kept, those with an underscore are removed from requests and trailers, and the size is compared, with
 * nothing in between; the guard behind them is skipped only where the sizes are the same.
 */
export function guardsUnderscores({ http_filters: filters = [] }: Manager): boolean {
  const [before, removal, after, ...rest] = filters.map(configOf);
  const guard = configOf(filters.find(({ name }) => name === UNDERSCORE_GUARD));
  return (
    keeps(before, BEFORE, BYTES) &&
    removal?.['@type'] === MUTATIONS &&
    (removal.mutations?.request_mutations ?? []).some(removesUnderscores) &&
    (removal.mutations?.request_trailers_mutations ?? []).some(removesUnderscores) &&
    keeps(after, AFTER, BYTES) &&
    keeps(after, UNCHANGED, COMPARISON) &&
    rest.every((config) => !keepsAnyOf(config, [BEFORE, AFTER, UNCHANGED])) &&
    guard?.['@type'] === MATCHED &&
    guard.extension_config?.typed_config?.['@type'] === LUA &&
    isDigestOf(SCRIPT_DIGEST, guard.extension_config.typed_config.default_source_code?.inline_string ?? '') &&
    isSkippedOnlyWhenUnchanged(guard.xds_matcher)
  );
}

/** Exactly once, so that no later value takes the place of the first. */
function keeps(config: Any | undefined, key: string, text: string): boolean {
  if (config?.['@type'] !== STATE) return false;
  const values = (config.on_request_headers ?? []).filter(({ object_key: name }) => name === key);
  return values.length === 1 && values[0]?.format_string?.text_format_source?.inline_string === text;
}

function keepsAnyOf(config: Any | undefined, keys: readonly string[]): boolean {
  const inner = config?.['@type'] === MATCHED ? config.extension_config?.typed_config : config;
  return (
    inner?.['@type'] === STATE &&
    (inner.on_request_headers ?? []).some(({ object_key: key = '' }) => keys.includes(key))
  );
}

function isSkippedOnlyWhenUnchanged({
  matcher_list: list,
  matcher_tree: tree,
  on_no_match: otherwise,
}: Matcher = {}): boolean {
  const [only, ...more] = list?.matchers ?? [];
  const { input, value_match: value } = only?.predicate?.single_predicate ?? {};
  const state = input?.typed_config;
  return (
    more.length === 0 &&
    tree === undefined &&
    otherwise === undefined &&
    state?.['@type'] === INPUT &&
    state.key === UNCHANGED &&
    value?.exact === 'true' &&
    only?.on_match?.action?.typed_config?.['@type'] === SKIP
  );
}

function removesUnderscores({ remove_on_match: match }: Mutation): boolean {
  return match?.key_matcher?.contains === '_';
}

/** The domains of a host that switches the guard off. */
export function droppingOf(host: VirtualHost, prefix: string): readonly string[] {
  const isOff = host.typed_per_filter_config?.[UNDERSCORE_GUARD] !== undefined;
  return isOff ? (host.domains ?? []).map((domain) => `${prefix} ${domain}`) : [];
}
