// Access control: the network filter that admits exactly the peer, and an allow policy for each rule of an export.
// Must not: deny by a list. Everything is denied, and a policy allows; the lists of what is never allowed only narrow a policy.

import type { AllowRule, PathRule, Peer, RequestBodies } from '../../../federation/model.ts';
import { type Any, any, extension, type Message } from '../../draft.ts';
import { peerRule, statName } from '../../resource-names.ts';
import { BODY_METHODS } from './body-guard.ts';
import { BAD_PLACES } from './path-guard.ts';
import { isWorkload } from './workload-claim.ts';

type Permission = Message<'envoy.config.rbac.v3.Permission'>;
type NetworkFilter = Message<'envoy.config.listener.v3.Filter'>;
type HttpFilter = Message<'envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter'>;

/** What access control uses of a peer. */
export type ProvenPeer = Pick<Peer, 'name' | 'gatewayIdentities'>;

export const HTTP_RBAC = 'envoy.filters.http.rbac';

/** What a virtual host admits. */
export interface AllowedHost {
  readonly authority: string;
  /** Each rule with the name of its policy. */
  readonly allow: readonly { readonly name: string; readonly rule: AllowRule }[];
  readonly requestBodies: RequestBodies;
}

/**
 * Closes a connection whose certificate's URI SANs are not exactly one of the peer's gateway identities. TLS has
 * checked that one matches; a certificate with two would still pass there (the matcher sees them joined by a comma).
 */
export function peerOnly(peer: ProvenPeer): NetworkFilter {
  const allow = {
    action: extension('action', 'envoy.config.rbac.v3.Action', {
      name: peerRule(peer.name),
      action: 'ALLOW',
    }),
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

/** The filter of a chain. It has no policy, so it denies every request whose virtual host has none either. */
export function denyByDefault(): HttpFilter {
  return extension(HTTP_RBAC, 'envoy.extensions.filters.http.rbac.v3.RBAC', {
    rules: { action: 'ALLOW', policies: {} },
    track_per_rule_stats: true,
  });
}

/**
 * A policy for each rule, named as the configuration names it: this peer, and all conditions of the rule. Envoy compares in the
 * order of the list, so the few methods and paths come first, and a regular expression is only reached by what they admit.
 */
export function allowOnly(peer: ProvenPeer, host: AllowedHost): Any {
  const principals = peer.gatewayIdentities.map((id) => ({ authenticated: { principal_name: { exact: id } } }));
  const policies = Object.fromEntries(
    host.allow.map(({ name, rule }) => [name, { permissions: permissionsOf(rule, host), principals }]),
  );
  return any('envoy.extensions.filters.http.rbac.v3.RBACPerRoute', {
    rbac: { rules: { action: 'ALLOW', policies }, track_per_rule_stats: true },
  });
}

/**
 * Of one rule: for its exact paths, and for its prefixes. An exact rule admits what it says. A prefix admits paths that the
 * configuration does not spell out, so the path must be one that no backend reads as a path outside the prefix.
 */
function permissionsOf(
  { methods, paths, workloads }: AllowRule,
  { authority, requestBodies }: AllowedHost,
): readonly Permission[] {
  const method = anyOf(methods.map((one) => header(':method', { exact: one })));
  const rest = [
    ...(workloads === undefined ? [] : [anyOf(workloads.map(isWorkload))]),
    // A host name has no case (RFC 9110, 4.2.3), and the virtual host was chosen without regard to it.
    header(':authority', { exact: authority, ignore_case: true }),
    ...(requestBodies === 'any-method' || methods.every(takesBody) ? [] : [NO_UNEXPECTED_BODY]),
  ];
  const exact = paths.filter((path) => 'exact' in path).map(pathPermission);
  const prefixes = paths.filter((path) => 'prefix' in path).map(pathPermission);
  return [
    ...(exact.length === 0 ? [] : [allOf([method, anyOf(exact), ...rest])]),
    ...(prefixes.length === 0 ? [] : [allOf([method, anyOf(prefixes), ...rest, NO_BAD_PLACE])]),
  ];
}

function takesBody(method: string): boolean {
  return BODY_METHODS.includes(method);
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

function allOf(rules: readonly Permission[]): Permission {
  return { and_rules: { rules } };
}

/** At least one of the rules. An empty list would match nothing; the model has none. */
function anyOf(rules: readonly Permission[]): Permission {
  const [only] = rules;
  return only !== undefined && rules.length === 1 ? only : { or_rules: { rules } };
}

/**
 * Not a method without a defined body together with a content length other than 0. The filter before this one has counted the
 * body of a request that did not say how long it is (body-guard.ts).
 */
const NO_UNEXPECTED_BODY: Permission = {
  not_rule: allOf([
    { not_rule: anyOf(BODY_METHODS.map((method) => header(':method', { exact: method }))) },
    { header: { name: 'content-length', present_match: true } },
    { not_rule: header('content-length', { exact: '0' }) },
  ]),
};

const NO_BAD_PLACE: Permission = { not_rule: path({ safe_regex: { regex: BAD_PLACES } }) };
