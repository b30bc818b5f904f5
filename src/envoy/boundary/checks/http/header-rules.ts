// Boundary rules for headers: what no request brings in, and what no response or trailer takes out.
// Must not: look at another resource, or accept a list that lacks one name.

import type { GatewayRole } from '../../../../federation/model.ts';
import { memoizeByIdentity } from '../../../../memoize.ts';
import type { Any, Messages } from '../../../proto/types.gen.ts';
import { enforce, type Subject } from '../../boundary-rules.ts';
import {
  HOST_HEADERS,
  NEVER_IN_REQUEST_TRAILERS,
  NEVER_IN_REQUESTS,
  NEVER_IN_RESPONSE_TRAILERS,
  NEVER_IN_RESPONSES,
  removesAll,
} from '../../required-removals.ts';
import { configOf, isDigestOf } from './filter-rules.ts';
import { GIVEN_REQUEST_ID_HEADER } from './log-rules.ts';
import { beforeComparison } from './underscore-rules.ts';
import { PEER_CLAIM_HEADER } from './workload-rules.ts';

type Manager = Messages['envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'];

type Mutation = Messages['envoy.config.common.mutation_rules.v3.HeaderMutation'];

const EARLY = 'type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation';
const MUTATIONS = 'type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation';
const MATCHED = 'type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcher';
const LUA = 'type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua';
const HEADER = 'type.googleapis.com/envoy.type.matcher.v3.HttpResponseHeaderMatchInput';
const SKIP = 'type.googleapis.com/envoy.extensions.filters.common.matcher.action.v3.SkipFilter';

/**
 * SHA-256 of the script that rewrites internal host names (envoy/http/headers/internal-hosts.ts). A change of the script is reviewed with
 * test/envoy/http/headers/lua-patterns.test.ts and test/envoy/http/headers/responses.test.ts, and then this digest is changed as well.
 */
const SCRIPT_DIGEST = 'e4996dd0a2f5a99dd702fa0be228438d0583d126a0fde131b7014438672f51b6';
/** Matches any value. */
const ANY_BYTES = '\\C*';

export function checkHeaders(manager: Manager, role: GatewayRole, subject: Subject): void {
  const early = (manager.early_header_mutation_extensions ?? []).map(({ typed_config: config }) => config);
  const cleans = early.some((config) => config?.['@type'] === EARLY && cleansRequests(config.mutations ?? [], role));
  enforce(cleans, 'CLEAN_REQUESTS', subject);
  const filters = (manager.http_filters ?? []).map(configOf);
  // Only the ingress has backends whose hosts it must not show.
  enforce(filters.some(strips) && (role === 'egress' || filters.some(rewrites)), 'CLEAN_RESPONSES', subject);
}

/** What a gateway copies of a caller's headers, and where; the headers themselves are removed after that, by name or family. */
const ID_COPY = { from: '%REQ(X-REQUEST-ID)%', to: GIVEN_REQUEST_ID_HEADER, remove: 'x-request-id' };
const CLAIM_COPY = { from: '%REQ(X-FORWARDED-CLIENT-CERT)%', to: PEER_CLAIM_HEADER, remove: 'x-forwarded-*' };

/** The last removals are of what was copied, after the only headers that are written: the copies. Only a peer has a claim. */
const cleansRequests = memoizeByIdentity((all: readonly Mutation[], role: GatewayRole): boolean => {
  const mutations = beforeComparison(all) ?? [];
  const expected = role === 'ingress' ? [ID_COPY, CLAIM_COPY] : [ID_COPY];
  const removals = mutations.slice(0, -2 * expected.length);
  const [copies, last] = [mutations.slice(removals.length, -expected.length), mutations.slice(-expected.length)];
  const copied = copies.map(({ append: { header, append_action: action } = {} }) =>
    [header?.key, header?.value, action].join(),
  );
  return (
    expected.every(({ from, to }, index) => copied[index] === [to, from, 'OVERWRITE_IF_EXISTS_OR_ADD'].join()) &&
    removesAll(
      last,
      expected.map(({ remove }) => remove),
    ) &&
    removesAll([...removals, ...last], NEVER_IN_REQUESTS)
  );
});

function strips(config: Any | undefined): boolean {
  if (config?.['@type'] !== MUTATIONS) return false;
  const {
    request_trailers_mutations: requestTrailers = [],
    response_mutations: responses = [],
    response_trailers_mutations: responseTrailers = [],
  } = config.mutations ?? {};
  return (
    removesAll(requestTrailers, NEVER_IN_REQUEST_TRAILERS) &&
    removesAll(responses, NEVER_IN_RESPONSES) &&
    removesAll(responseTrailers, NEVER_IN_RESPONSE_TRAILERS)
  );
}

/** Runs the known script, and skips only responses that have none of the headers that it rewrites. */
function rewrites(config: Any | undefined): boolean {
  if (config?.['@type'] !== MATCHED) return false;
  const script = config.extension_config?.typed_config;
  const { matcher_list: list, matcher_tree: tree, on_no_match: otherwise } = config.xds_matcher ?? {};
  const [only, ...more] = list?.matchers ?? [];
  const named = (only?.predicate?.not_matcher?.or_matcher?.predicate ?? []).map(({ single_predicate: single }) => {
    const input = single?.input?.typed_config;
    const isPresent = input?.['@type'] === HEADER && single?.value_match?.safe_regex?.regex === ANY_BYTES;
    return isPresent ? input.header_name : undefined;
  });
  return (
    script?.['@type'] === LUA &&
    isDigestOf(SCRIPT_DIGEST, script.default_source_code?.inline_string ?? '') &&
    only?.on_match?.action?.typed_config?.['@type'] === SKIP &&
    more.length === 0 &&
    tree === undefined &&
    otherwise === undefined &&
    HOST_HEADERS.every((name) => named.includes(name))
  );
}
