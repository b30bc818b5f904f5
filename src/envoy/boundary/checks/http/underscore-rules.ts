// Boundary rules for header names with an underscore: a filter refuses them, and the one after it removes what is left.
// Must not: look at another resource, or trust the first filter alone (Envoy lets a request pass whose script fails).

import type { Messages } from '../../../proto/types.gen.ts';
import { configOf, isDigestOf } from './filter-rules.ts';

type Manager = Messages['envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'];
type VirtualHost = Messages['envoy.config.route.v3.VirtualHost'];
type Mutation = Messages['envoy.config.common.mutation_rules.v3.HeaderMutation'];

/** The filter that a virtual host can switch off (`typed_per_filter_config`): its service has underscoreHeaders: drop. */
export const UNDERSCORE_GUARD = 'envoy.filters.http.lua.underscores';
const LUA = 'type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua';
const MUTATIONS = 'type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation';

/** SHA-256 of the script (envoy/http/headers/underscore-guard.ts). A change of it is reviewed with test/envoy/http/headers/header-choices.test.ts. */
const SCRIPT_DIGEST = 'b9cef92566e3d324a7256b442ed42b93f1a1b795c305c6e2c6190872302be5a2';

/** The guard, and after it the removal from requests and their trailers. */
export function guardsUnderscores({ http_filters: filters = [] }: Manager): boolean {
  const guard = filters.findIndex(({ name }) => name === UNDERSCORE_GUARD);
  const config = configOf(filters[guard]);
  return (
    config?.['@type'] === LUA &&
    isDigestOf(SCRIPT_DIGEST, config.default_source_code?.inline_string ?? '') &&
    filters.slice(guard + 1).some((filter) => {
      const after = configOf(filter);
      if (after?.['@type'] !== MUTATIONS) return false;
      const { request_mutations: headers = [], request_trailers_mutations: trailers = [] } = after.mutations ?? {};
      return headers.some(removesUnderscores) && trailers.some(removesUnderscores);
    })
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
