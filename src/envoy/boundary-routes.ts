// Boundary rules for route configurations: one policy for each authority, and nothing beside the exports and imports.
// In: one RouteConfiguration. Out: its facts, or BOUNDARY_VIOLATED. Must not: look at another resource.

import { demand, type Facts, type Subject } from './boundary.ts';
import { retriesSafely } from './boundary-retry.ts';
import type { Message } from './draft.ts';
import { DENY_ALL, exportCluster, PEER_HEADER } from './names.ts';
import { remembered } from './part.ts';
import { HTTP_RBAC } from './rbac.ts';

type RouteConfiguration = Message<'envoy.config.route.v3.RouteConfiguration'>;
type VirtualHost = Message<'envoy.config.route.v3.VirtualHost'>;
type Route = Message<'envoy.config.route.v3.Route'>;
type Permission = Message<'envoy.config.rbac.v3.Permission'>;

const PER_ROUTE = 'type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBACPerRoute';
const EXPORTED = /^(.+)\.exports\.[^/]+$/;

export function checkRoutes(config: RouteConfiguration, subject: Subject): Facts {
  const { name = '' } = config;
  const [, peer] = /^ingress\/([^/]+)$/.exec(name) ?? [];
  demand(peer !== undefined || /^egress\/\d+$/.test(name), 'KNOWN_NAME', subject);
  // Virtual hosts that come from elsewhere would never pass these rules.
  demand(config.vhds === undefined && config.typed_per_filter_config === undefined, 'POLICY_NOT_OVERRIDDEN', subject);
  const hosts = config.virtual_hosts ?? [];
  const last = hosts.at(-1);
  demand(last !== undefined && deniesEverything(last), 'DENY_ALL', subject);
  const granted = hosts.slice(0, -1);
  const clusters = granted.flatMap((host) => checkTargets(host, `${subject}, virtual host ${host.name ?? ''}`));
  if (peer === undefined) {
    demand(
      granted.every(({ domains = [] }) => !domains.some((domain) => domain.includes('*'))),
      'DENY_ALL',
      subject,
    );
    return { subject, name, kind: 'routes', role: 'egress', clusters };
  }
  checkPeerHeader(config, peer, subject);
  const principals = granted.flatMap((host) => checkPolicy(host, `${subject}, virtual host ${host.name ?? ''}`));
  return { subject, name, kind: 'routes', role: 'ingress', clusters, principals };
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

/** The clusters of a virtual host. A route goes to one cluster by name or is answered here; nothing else is looked at. */
const checkTargets = remembered((host: VirtualHost, subject: Subject): readonly string[] => {
  demand(host.matcher === undefined && host.request_mirror_policies === undefined, 'OWN_EXPORT', subject);
  demand(retriesSafely(host), 'SAFE_RETRY', subject);
  return (host.routes ?? []).flatMap((route) => {
    demand(route.typed_per_filter_config === undefined, 'POLICY_NOT_OVERRIDDEN', subject);
    if (route.direct_response !== undefined) return [];
    const { cluster, request_mirror_policies: mirrors, weighted_clusters: weighted } = route.route ?? {};
    demand(cluster !== undefined && mirrors === undefined && weighted === undefined, 'OWN_EXPORT', subject);
    return [cluster];
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
const checkPolicy = remembered((host: VirtualHost, subject: Subject): readonly string[] => {
  const [authority, ...others] = host.domains ?? [];
  demand(authority !== undefined && others.length === 0 && !authority.includes('*'), 'POLICY', subject);
  const [, exported] = EXPORTED.exec(authority) ?? [];
  for (const { route } of host.routes ?? []) {
    if (route !== undefined)
      demand(exported !== undefined && route.cluster === exportCluster(exported), 'OWN_EXPORT', subject);
  }
  const { [HTTP_RBAC]: config, ...switches } = host.typed_per_filter_config ?? {};
  demand(Object.keys(switches).length === 0, 'POLICY_NOT_OVERRIDDEN', subject);
  demand(config?.['@type'] === PER_ROUTE && config.rbac?.matcher === undefined, 'POLICY', subject);
  const { action = 'ALLOW', policies = {} } = config.rbac?.rules ?? {};
  const [policy, ...more] = Object.values(policies);
  demand(config.rbac?.rules !== undefined && action === 'ALLOW' && more.length === 0, 'POLICY', subject);
  demand(policy !== undefined && policy.condition === undefined, 'POLICY', subject);
  const [permission, ...wider] = policy.permissions ?? [];
  demand(permission !== undefined && wider.length === 0 && narrows(permission, authority), 'POLICY', subject);
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
  const rules = all?.rules ?? [];
  return rules.length === 2 && rules.some(namesMethod) && rules.some(namesPath);
}

function namesMethod({ header, or_rules: any }: Permission): boolean {
  if (any?.rules !== undefined) return any.rules.length > 0 && any.rules.every(namesMethod);
  return header?.name === ':method' && header.string_match?.exact !== undefined;
}

function namesPath({ url_path: path, or_rules: any }: Permission): boolean {
  if (any?.rules !== undefined) return any.rules.length > 0 && any.rules.every(namesPath);
  return (path?.path?.exact ?? path?.path?.prefix)?.startsWith('/') === true;
}
