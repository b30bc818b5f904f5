// Boundary rules for the HTTP filters of an ingress chain: the claim, the guards, and access control.
// Must not: look at another resource, or accept a filter that can be switched off.

import { createHash } from 'node:crypto';
import type { Any, Messages } from '../../../proto/types.gen.ts';
import { enforce, type Subject } from '../../boundary-rules.ts';
import { PEER_SLOT } from './limit-rules.ts';
import { keepsOnlyClaims } from './workload-rules.ts';

type Manager = Messages['envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'];
type HttpFilter = Messages['envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter'];
type Permission = Messages['envoy.config.rbac.v3.Permission'];
type Predicate = Messages['xds.type.matcher.v3.Matcher.MatcherList.Predicate'];

const RBAC = 'type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC';
const MATCHED = 'type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcher';
const BUFFER = 'type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer';
const SKIP = 'type.googleapis.com/envoy.extensions.filters.common.matcher.action.v3.SkipFilter';
const REQUEST_HEADER = 'type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput';

/** The filter by which a virtual host can let bodies through (`typed_per_filter_config`). */
export const BODY_GUARD = 'envoy.filters.http.buffer';
/** The filter that a virtual host can switch off in the same way: its service has underscoreHeaders: drop. */
export const UNDERSCORE_GUARD = 'envoy.filters.http.rbac.underscores';
/** The methods whose body has a meaning (RFC 9110, 9.3). */
export const BODY_METHODS: readonly string[] = ['POST', 'PUT', 'PATCH'];

/**
 * SHA-256 of the regular expressions of the path guard (envoy/http/access-control/path-guard.ts), one a line. A change of them is reviewed with
 * test/envoy/http/access-control/paths.test.ts, and then this digest is changed as well.
 */
const HARMLESS_PATHS_DIGEST = '490c4560fd5cf675f8a3c6bdd530aa8d38df6697b39535833e12af7d01f4c247';

export function checkHttpFilters(
  { http_filters: filters = [] }: Manager,
  identities: readonly string[],
  subject: Subject,
): void {
  // Before these: what is kept for the log (log-rules.ts), and the removal of headers (header-rules.ts).
  const [claim, limits, paths, bodies, access, ...others] = filters.slice(3);
  enforce(keepsOnlyClaims(configOf(claim), identities), 'WORKLOAD_CLAIM', subject);
  enforce(limits?.name === PEER_SLOT, 'LIMITS', subject);
  enforce(guardsPaths(paths), 'HARMLESS_PATHS', subject);
  enforce(guardsBodies(bodies), 'UNEXPECTED_BODY', subject);
  enforce(deniesByDefault(access), 'HTTP_RBAC', subject);
  // The guard against underscores only denies (underscore-rules.ts).
  const isAccess = ({ name, typed_config: config }: HttpFilter): boolean =>
    config?.['@type'] === RBAC && name !== UNDERSCORE_GUARD;
  enforce(!others.some(isAccess), 'HTTP_RBAC', subject);
}

/** The configuration of a filter that always runs. */
export function configOf(filter: HttpFilter | undefined): Any | undefined {
  return filter?.is_optional === true || filter?.disabled === true ? undefined : filter?.typed_config;
}

/** The guard runs for every method but those that define a body. */
function guardsBodies(filter: HttpFilter | undefined): boolean {
  const config = configOf(filter);
  if (config?.['@type'] !== MATCHED || filter?.name !== BODY_GUARD) return false;
  const buffer = config.extension_config?.typed_config;
  const { matcher_tree: tree, matcher_list: list, on_no_match: otherwise } = config.xds_matcher ?? {};
  const input = tree?.input?.typed_config;
  return (
    buffer?.['@type'] === BUFFER &&
    buffer.max_request_bytes === 1 &&
    input?.['@type'] === REQUEST_HEADER &&
    input.header_name === ':method' &&
    tree?.prefix_match_map === undefined &&
    tree?.custom_match === undefined &&
    Object.entries(tree?.exact_match_map?.map ?? {}).every(
      ([method, { matcher }]) => BODY_METHODS.includes(method) || (method === 'GET' && isAboutWebSockets(matcher)),
    ) &&
    list === undefined &&
    otherwise === undefined
  );
}

/** Decides by the header `upgrade`, which in HTTP/2 only an extended CONNECT has, and by the one value that routes may enable. */
function isAboutWebSockets(matcher: Messages['xds.type.matcher.v3.Matcher'] | undefined): boolean {
  const { matcher_tree: tree, matcher_list: list, on_no_match: otherwise } = matcher ?? {};
  const [only, ...others] = list?.matchers ?? [];
  const { input, value_match: value } = only?.predicate?.single_predicate ?? {};
  const header = input?.typed_config;
  return (
    header?.['@type'] === REQUEST_HEADER &&
    header.header_name === 'upgrade' &&
    value?.exact === 'websocket' &&
    others.length === 0 &&
    tree === undefined &&
    otherwise === undefined
  );
}

/** Skipped only for what the first of its expressions allows, with a query or without. */
function guardsPaths(filter: HttpFilter | undefined): boolean {
  const { guard: config, skipped } = questionOf(configOf(filter)) ?? {};
  if (config?.['@type'] !== RBAC || config.matcher !== undefined) return false;
  const policies = Object.values(config.rules?.policies ?? {});
  const [permission, ...more] = policies[0]?.permissions ?? [];
  const anybody = policies[0]?.principals?.some(({ any }) => any === true) === true;
  const isOnePolicy = policies.length === 1 && policies[0]?.condition === undefined && more.length === 0 && anybody;
  const [ascii, beyond, ...rest] = permission?.not_rule?.or_rules?.rules ?? [];
  return (
    isOnePolicy &&
    config.rules?.action === 'DENY' &&
    rest.length === 0 &&
    regexOfHeader(skipped, ':path') === `${regexOf(ascii)}(?:\\?\\C*)?` &&
    isDigestOf(HARMLESS_PATHS_DIGEST, [ascii, ...(beyond?.and_rules?.rules ?? [])].map(regexOf).join('\n'))
  );
}

/** Whether this is the SHA-256 of the text. */
export function isDigestOf(digest: string, text: string): boolean {
  return createHash('sha256').update(text).digest('hex') === digest;
}

/** A filter behind a question: it is skipped when the predicate holds, and only then. */
export function questionOf(
  config: Any | undefined,
): { readonly guard: Any | undefined; readonly skipped: Predicate | undefined } | undefined {
  if (config?.['@type'] !== MATCHED) return undefined;
  const { matcher_list: list, matcher_tree: tree, on_no_match: otherwise } = config.xds_matcher ?? {};
  const [only, ...more] = list?.matchers ?? [];
  const isOne = more.length === 0 && tree === undefined && otherwise === undefined;
  if (!isOne || only?.on_match?.action?.typed_config?.['@type'] !== SKIP) return undefined;
  return { guard: config.extension_config?.typed_config, skipped: only.predicate };
}

/** What a predicate compares all of a request's header with; undefined when it does anything else. */
export function regexOfHeader(predicate: Predicate | undefined, name: string): string | undefined {
  const { input, value_match: value } = predicate?.single_predicate ?? {};
  const header = input?.typed_config;
  return header?.['@type'] === REQUEST_HEADER && header.header_name === name ? value?.safe_regex?.regex : undefined;
}

function regexOf(permission: Permission | undefined): string | undefined {
  return permission?.url_path?.path?.safe_regex?.regex;
}

/** Without policies RBAC denies everything: that is the answer wherever a virtual host has no policy of its own. */
export function deniesByDefault(filter: HttpFilter | undefined): boolean {
  const config = configOf(filter);
  if (config?.['@type'] !== RBAC) return false;
  const { action = 'ALLOW', policies = {} } = config.rules ?? {};
  return (
    config.rules !== undefined &&
    action === 'ALLOW' &&
    Object.keys(policies).length === 0 &&
    config.matcher === undefined
  );
}
