// Boundary rules for route configurations: one policy for each authority, and nothing beside the exports and imports.
// In: one RouteConfiguration. Out: its facts, or BOUNDARY_VIOLATED. Must not: look at another resource.

import { memoizeByIdentity } from '../../memoize.ts';
import type { Any, Message } from '../draft.ts';
import { BODY_GUARD, BODY_METHODS } from '../http/bodies.ts';
import { BAD_PLACES } from '../http/paths.ts';
import { HTTP_RBAC } from '../http/rbac.ts';
import { DENY_ALL, PEER_HEADER } from '../resource-names.ts';
import { demand, type Facts, type Subject, type Target } from './boundary-rules.ts';
import { grantLabel, routesLabel } from './name-rules.ts';
import { retriesSafely } from './retry-rule.ts';

type RouteConfiguration = Message<'envoy.config.route.v3.RouteConfiguration'>;
type VirtualHost = Message<'envoy.config.route.v3.VirtualHost'>;
type Route = Message<'envoy.config.route.v3.Route'>;
type Permission = Message<'envoy.config.rbac.v3.Permission'>;

const PER_ROUTE = 'type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBACPerRoute';
const EXPORTED = /^(.+)\.exports\.[^/]+$/;

export function checkRoutes(config: RouteConfiguration, subject: Subject): Facts {
  const { name = '' } = config;
  const peer = routesLabel(name)?.peer;
  demand(peer !== undefined || /^egress\/\d+$/.test(name), 'KNOWN_NAME', subject);
  // Virtual hosts that come from elsewhere would never pass these rules.
  demand(config.vhds === undefined && config.typed_per_filter_config === undefined, 'POLICY_NOT_OVERRIDDEN', subject);
  const hosts = config.virtual_hosts ?? [];
  const last = hosts.at(-1);
  demand(last !== undefined && deniesEverything(last), 'DENY_ALL', subject);
  const granted = hosts.slice(0, -1);
  const targets = granted.flatMap((host) => checkTargets(host, `${subject}, virtual host ${host.name ?? ''}`));
  if (peer === undefined) {
    demand(
      granted.every(({ domains = [] }) => !domains.some((domain) => domain.includes('*'))),
      'DENY_ALL',
      subject,
    );
    return { subject, name, kind: 'routes', role: 'egress', targets };
  }
  checkPeerHeader(config, peer, subject);
  const principals = granted.flatMap((host) => checkPolicy(host, `${subject}, virtual host ${host.name ?? ''}`));
  demand(
    targets.every(({ cluster }) => grantLabel(cluster)?.peer === peer),
    'OWN_MESH',
    subject,
  );
  return { subject, name, kind: 'routes', role: 'ingress', targets, principals, peer };
}

function deniesEverything(host: VirtualHost): boolean {
  const denies = ({ direct_response: answer }: Route): boolean => (answer?.status ?? 0) >= 400;
  return (
    host.name === DENY_ALL &&
    host.domains?.join() === '*' &&
    host.typed_per_filter_config === undefined &&
    (host.routes ?? []).every(denies)
  );
}

/** Where a virtual host leads. A route goes to one cluster by name or is answered here; nothing else is looked at. */
const checkTargets = memoizeByIdentity((host: VirtualHost, subject: Subject): readonly Target[] => {
  demand(host.matcher === undefined && host.request_mirror_policies === undefined, 'OWN_EXPORT', subject);
  demand(retriesSafely(host), 'SAFE_RETRY', subject);
  return (host.routes ?? []).flatMap((route) => {
    demand(route.typed_per_filter_config === undefined, 'POLICY_NOT_OVERRIDDEN', subject);
    if (route.direct_response !== undefined) return [];
    const { cluster, request_mirror_policies: mirrors, weighted_clusters: weighted } = route.route ?? {};
    demand(cluster !== undefined && mirrors === undefined && weighted === undefined, 'OWN_EXPORT', subject);
    const authority = route.route?.host_rewrite_literal;
    return [{ cluster, ...(authority !== undefined && { authority }) }];
  });
});

function checkPeerHeader(config: RouteConfiguration, peer: string, subject: Subject): void {
  const added = (config.request_headers_to_add ?? []).filter(({ header }) => header?.key === PEER_HEADER);
  const [only] = added;
  const holds =
    added.length === 1 && only?.header?.value === peer && only.append_action === 'OVERWRITE_IF_EXISTS_OR_ADD';
  demand(holds, 'PEER_HEADER', subject);
}

/** The one policy of a granted virtual host; returns whom it admits. */
const checkPolicy = memoizeByIdentity((host: VirtualHost, subject: Subject): readonly string[] => {
  const [authority, ...others] = host.domains ?? [];
  demand(authority !== undefined && others.length === 0 && !authority.includes('*'), 'POLICY', subject);
  const [, exported] = EXPORTED.exec(authority) ?? [];
  for (const { route } of host.routes ?? []) {
    if (route !== undefined)
      demand(exported !== undefined && grantLabel(route.cluster)?.exported === exported, 'OWN_EXPORT', subject);
  }
  const { [HTTP_RBAC]: config, [BODY_GUARD]: bodies, ...switches } = host.typed_per_filter_config ?? {};
  demand(Object.keys(switches).length === 0, 'POLICY_NOT_OVERRIDDEN', subject);
  demand(config?.['@type'] === PER_ROUTE && config.rbac?.matcher === undefined, 'POLICY', subject);
  const { action = 'ALLOW', policies = {} } = config.rbac?.rules ?? {};
  const [policy, ...more] = Object.values(policies);
  demand(config.rbac?.rules !== undefined && action === 'ALLOW' && more.length === 0, 'POLICY', subject);
  demand(policy !== undefined && policy.condition === undefined, 'POLICY', subject);
  const [permission, ...wider] = policy.permissions ?? [];
  demand(permission !== undefined && wider.length === 0 && narrows(permission, authority), 'POLICY', subject);
  // The guard and the policy agree: one without the other would let through what it does not see.
  const refusesBodies = (permission.and_rules?.rules ?? []).some(isAboutBodies);
  demand(bodies === undefined ? refusesBodies : takesBodies(bodies) && !refusesBodies, 'UNEXPECTED_BODY', subject);
  demand(!hasLoosePrefix(permission), 'HARMLESS_PATHS', subject);
  const principals = (policy.principals ?? []).map(({ authenticated }) => authenticated?.principal_name?.exact);
  demand(principals.length > 0, 'POLICY', subject);
  return principals.map((principal) => {
    demand(principal !== undefined, 'POLICY', subject);
    return principal;
  });
});

/** All of: this authority, exactly; a method; a path. The last two may be alternatives, but never "any". */
function narrows(permission: Permission, authority: string): boolean {
  const rules = permission.and_rules?.rules ?? [];
  const exact = rules.some(({ header }) => header?.name === ':authority' && header.string_match?.exact === authority);
  const conditions = rules.filter(
    ({ header, not_rule: never }) => header?.name !== ':authority' && never === undefined,
  );
  return exact && conditions.length === 1 && conditions.every(namesMethodAndPath);
}

function namesMethodAndPath(permission: Permission): boolean {
  const { and_rules: all, or_rules: any } = permission;
  if (any?.rules !== undefined) return any.rules.length > 0 && any.rules.every(namesMethodAndPath);
  // Beside alternatives there may be what narrows them further.
  const rules = (all?.rules ?? []).filter(({ not_rule: never }) => never === undefined);
  const [only] = rules;
  if (only !== undefined && rules.length === 1) return namesMethodAndPath(only);
  return rules.length === 2 && rules.some(namesMethod) && rules.some(namesPath);
}

/** A prefix that does not stand beside the rule against bad places, or below it. */
function hasLoosePrefix({ and_rules: all, or_rules: any, url_path: path }: Permission): boolean {
  const rules = all?.rules ?? any?.rules ?? [];
  const guarded =
    all !== undefined && rules.some((rule) => rule.not_rule?.url_path?.path?.safe_regex?.regex === BAD_PLACES);
  return path?.path?.prefix !== undefined || (!guarded && rules.some(hasLoosePrefix));
}

function takesBodies(config: Any): boolean {
  return config['@type'] === 'type.googleapis.com/envoy.extensions.filters.http.buffer.v3.BufferPerRoute';
}

/** Never all of: a method without a body, a content length, and another one than 0. */
function isAboutBodies({ not_rule: never }: Permission): boolean {
  const [method, present, zero, ...more] = never?.and_rules?.rules ?? [];
  const methods = method?.not_rule?.or_rules?.rules?.map(({ header }) => header?.string_match?.exact ?? '') ?? [];
  return (
    more.length === 0 &&
    methods.length > 0 &&
    methods.every((name) => BODY_METHODS.includes(name)) &&
    present?.header?.name === 'content-length' &&
    present.header.present_match === true &&
    zero?.not_rule?.header?.name === 'content-length' &&
    zero.not_rule.header.string_match?.exact === '0'
  );
}

function namesMethod({ header, or_rules: any }: Permission): boolean {
  if (any?.rules !== undefined) return any.rules.length > 0 && any.rules.every(namesMethod);
  return header?.name === ':method' && header.string_match?.exact !== undefined;
}

function namesPath({ url_path: path, or_rules: any }: Permission): boolean {
  if (any?.rules !== undefined) return any.rules.length > 0 && any.rules.every(namesPath);
  return (path?.path?.exact ?? path?.path?.prefix)?.startsWith('/') === true;
}
