// Who may pass: the network filter that wants exactly the peer, and one allow policy for each export.
// In: identities, authorities, allow rules. Out: RBAC filters and per-route policies.
// Must not: deny by a list. Everything is denied, and a policy allows; the two lists of "never" only narrow a policy.

import type { AllowRule, PathRule, Peer } from '../federation/model.ts';
import { type Any, any, extension, type Message } from './draft.ts';
import { peerChain, statName } from './names.ts';

type Permission = Message<'envoy.config.rbac.v3.Permission'>;
type NetworkFilter = Message<'envoy.config.listener.v3.Filter'>;
type HttpFilter = Message<'envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter'>;

/** What access control needs to know of a peer. */
export type ProvenPeer = Pick<Peer, 'name' | 'gatewayIdentities'>;

export const HTTP_RBAC = 'envoy.filters.http.rbac';

/** Methods that nobody can be granted: they turn a server or a proxy into something else. */
const NEVER_METHODS = 'TRACE|CONNECT|TRACK|DEBUG';

/**
 * Paths that some backends read as another path than Envoy does, so that a prefix rule would let them out of it: `..;`
 * (Tomcat drops what follows the semicolon), a second or third encoding of `.`, `/` or `\`, IIS' `%u`, overlong UTF-8, an encoded NUL.
 * Plain `..`, `//` and `%2f` never get here: Envoy resolves or refuses them before.
 */
const NEVER_PATHS = '(?i).*(/(\\.|%2e){1,2}(;|%3b)|%25(25)*(2e|2f|5c)|%u|%c[01]|%e0%[89]|%f0%8|%f[89a-f]|%00).*';

/**
 * Closes a connection whose certificate's URI SANs are not exactly one of the peer's gateway identities. TLS has
 * checked that one matches; a certificate with two would still pass there (the matcher sees them joined by a comma).
 */
export function peerOnly(peer: ProvenPeer): NetworkFilter {
  const allow = {
    action: extension('action', 'envoy.config.rbac.v3.Action', { name: peerChain(peer.name), action: 'ALLOW' }),
  };
  const deny = extension('action', 'envoy.config.rbac.v3.Action', { name: 'not-exactly-the-peer', action: 'DENY' });
  return extension('envoy.filters.network.rbac', 'envoy.extensions.filters.network.rbac.v3.RBAC', {
    stat_prefix: statName('peer', peer.name),
    matcher: {
      matcher_tree: {
        input: extension(
          'envoy.matching.inputs.uri_san',
          'envoy.extensions.matching.common_inputs.ssl.v3.UriSanInput',
          {},
        ),
        exact_match_map: { map: Object.fromEntries(peer.gatewayIdentities.map((id) => [id, allow])) },
      },
      on_no_match: { action: deny },
    },
  });
}

/** The filter of a chain: no policy at all, so that it denies whatever has no policy of its own in the routes. */
export function denyByDefault(): HttpFilter {
  return extension(HTTP_RBAC, 'envoy.extensions.filters.http.rbac.v3.RBAC', {
    rules: { action: 'ALLOW', policies: {} },
    track_per_rule_stats: true,
  });
}

/** The one policy of a virtual host: this peer, this authority, and one of these rules. */
export function allowOnly(policy: string, peer: ProvenPeer, authority: string, allow: readonly AllowRule[]): Any {
  const permission = all([
    header(':authority', { exact: authority }),
    { not_rule: header(':method', { safe_regex: { regex: NEVER_METHODS } }) },
    { not_rule: path({ safe_regex: { regex: NEVER_PATHS } }) },
    one(allow.map(rulePermission)),
  ]);
  const principals = peer.gatewayIdentities.map((id) => ({ authenticated: { principal_name: { exact: id } } }));
  return any('envoy.extensions.filters.http.rbac.v3.RBACPerRoute', {
    rbac: {
      rules: { action: 'ALLOW', policies: { [policy]: { permissions: [permission], principals } } },
      track_per_rule_stats: true,
    },
  });
}

function rulePermission({ methods, paths }: AllowRule): Permission {
  return all([one(methods.map((method) => header(':method', { exact: method }))), one(paths.map(pathPermission))]);
}

function pathPermission(rule: PathRule): Permission {
  return path('exact' in rule ? { exact: rule.exact } : { prefix: rule.prefix });
}

type StringMatcher = Message<'envoy.type.matcher.v3.StringMatcher'>;

function header(name: string, match: StringMatcher): Permission {
  return { header: { name, string_match: match } };
}

/** The path without its query. */
function path(match: StringMatcher): Permission {
  return { url_path: { path: match } };
}

function all(rules: readonly Permission[]): Permission {
  return { and_rules: { rules } };
}

/** At least one of them. An empty list would be a policy that matches nothing; the model has none. */
function one(rules: readonly Permission[]): Permission {
  const [only] = rules;
  return only !== undefined && rules.length === 1 ? only : { or_rules: { rules } };
}
