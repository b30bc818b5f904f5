// Boundary rules for the policies of a virtual host at ingress: what each rule of a grant admits, and to whom.
// Must not: look at another resource, or let a condition that it does not know count as one that narrows.

import { memoizeByIdentity } from '../../../../memoize.ts';
import type { Any, Messages } from '../../../proto/types.gen.ts';
import { enforce, type Subject } from '../../boundary-rules.ts';
import { exportOf } from '../../name-rules.ts';
import { BAD_PLACES } from '../../shapes/http/policy-shapes.ts';
import { trustDomainOf } from '../tls/tls-rules.ts';
import { BODY_GUARD, BODY_METHODS, UNDERSCORE_GUARD } from './filter-rules.ts';
import { HOST_SLOTS } from './limit-rules.ts';
import { REMEMBERED, remembersHost } from './log-rules.ts';
import { areOfDomain, workloadsOf } from './workload-rules.ts';

type VirtualHost = Messages['envoy.config.route.v3.VirtualHost'];
type Permission = Messages['envoy.config.rbac.v3.Permission'];
type Policy = Messages['envoy.config.rbac.v3.Policy'];

const PER_ROUTE = 'type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBACPerRoute';
/** The filter by which a virtual host gets its policies (`typed_per_filter_config`). */
const HTTP_RBAC = 'envoy.filters.http.rbac';
/** Methods that turn a server or a proxy into something else: no policy admits them. */
const NEVER_METHODS = ['TRACE', 'CONNECT', 'TRACK', 'DEBUG'];

/** The policies of a granted virtual host; returns the identities that they admit. */
export const checkPolicies = memoizeByIdentity(
  (host: VirtualHost, peer: string, subject: Subject): readonly string[] => {
    const [authority, ...further] = host.domains ?? [];
    enforce(authority !== undefined && further.length === 0 && !authority.includes('*'), 'POLICY', subject);
    const exported = exportOf(authority);
    const {
      [HTTP_RBAC]: config,
      [BODY_GUARD]: bodies,
      [UNDERSCORE_GUARD]: _guard,
      [REMEMBERED]: _remembered,
      ...switches
    } = host.typed_per_filter_config ?? {};
    const others = Object.keys(switches).filter((filter) => !HOST_SLOTS.includes(filter));
    enforce(others.length === 0, 'POLICY_NOT_OVERRIDDEN', subject);
    enforce(config?.['@type'] === PER_ROUTE && config.rbac?.matcher === undefined, 'POLICY', subject);
    const { action = 'ALLOW', policies = {} } = config.rbac?.rules ?? {};
    enforce(action === 'ALLOW' && Object.keys(policies).length > 0, 'POLICY', subject);
    for (const name of Object.keys(policies)) enforce(isRuleOf(name, exported, peer), 'POLICY', subject);
    const permissions = Object.values(policies).flatMap((policy) => permissionsOf(policy, subject));
    const isOpen = bodies !== undefined && takesBodies(bodies);
    enforce(isOpen || bodies === undefined, 'UNEXPECTED_BODY', subject);
    for (const permission of permissions) {
      enforce(narrows(permission, authority), 'POLICY', subject);
      // The guard and the policy agree: one without the other would let through what it does not see.
      enforce(isOpen ? !refusesBodies(permission) : hasNoOpenBody(permission), 'UNEXPECTED_BODY', subject);
      enforce(!hasLoosePrefix(permission), 'HARMLESS_PATHS', subject);
    }
    const principals = Object.values(policies).flatMap((policy) => principalsOf(policy, subject));
    const asked = permissions.flatMap(rulesOf).flatMap(workloadsOf);
    const said = host.metadata?.filter_metadata?.['postern'];
    const isSaid = explains(said, permissions) && (said?.['bodies'] !== undefined) === isOpen;
    const isLogged = config.rbac?.shadow_rules === undefined && isSaid;
    enforce(isLogged && (exported === undefined || remembersHost(host)), 'LOGGED_REQUEST', subject);
    for (const principal of principals)
      enforce(areOfDomain(asked, trustDomainOf(principal)), 'WORKLOAD_CLAIM', subject);
    return [...new Set(principals)];
  },
);

/** The name that the configuration has for a rule of this grant, or that of the health checks. */
function isRuleOf(name: string, exported: string | undefined, peer: string): boolean {
  if (exported === undefined) return name === `gateway-health/${peer}`;
  const grant = `exports.${exported}.consumers.${peer}`;
  return name === grant || (name.startsWith(`${grant}.allow[`) && /^\d+\]$/.test(name.slice(grant.length + 7)));
}

function permissionsOf({ permissions = [], condition }: Policy, subject: Subject): readonly Permission[] {
  enforce(permissions.length > 0 && condition === undefined, 'POLICY', subject);
  return permissions;
}

function principalsOf({ principals = [] }: Policy, subject: Subject): readonly string[] {
  enforce(principals.length > 0, 'POLICY', subject);
  return principals.map(({ authenticated }) => {
    const exact = authenticated?.principal_name?.exact;
    enforce(exact !== undefined, 'POLICY', subject);
    return exact;
  });
}

function rulesOf({ and_rules: all }: Permission): readonly Permission[] {
  return all?.rules ?? [];
}

/** The permission requires this authority, a method, a path and perhaps a workload, and nothing that these rules do not know. */
function narrows(permission: Permission, authority: string): boolean {
  const rules = rulesOf(permission);
  const isAuthority = ({ header }: Permission): boolean =>
    header?.name === ':authority' && header.string_match?.exact === authority;
  const asksWorkload = (rule: Permission): boolean => workloadsOf(rule).length > 0;
  const isProhibition = ({ not_rule: never }: Permission): boolean => never !== undefined;
  const counts = [isAuthority, namesMethod, namesPath, asksWorkload, isProhibition].map(
    (is) => rules.filter((rule) => is(rule)).length,
  );
  const [authorities, methods, paths, workloads = 0, prohibitions = 0] = counts;
  const isEach = authorities === 1 && methods === 1 && paths === 1 && workloads <= 1;
  return isEach && rules.length === 3 + workloads + prohibitions;
}

/** Whether a prefix is admitted without the rule against bad places. */
function hasLoosePrefix(permission: Permission): boolean {
  const isGuard = ({ not_rule: never }: Permission): boolean => never?.url_path?.path?.safe_regex?.regex === BAD_PLACES;
  return !rulesOf(permission).some(isGuard) && rulesOf(permission).some(namesPrefix);
}

function namesPrefix({ url_path: path, or_rules: any }: Permission): boolean {
  return path?.path?.prefix !== undefined || (any?.rules ?? []).some(namesPrefix);
}

function takesBodies(config: Any): boolean {
  return config['@type'] === 'type.googleapis.com/envoy.extensions.filters.http.buffer.v3.BufferPerRoute';
}

function refusesBodies(permission: Permission): boolean {
  return rulesOf(permission).some(isAboutBodies);
}

/** A body passes only with a method that defines one. */
function hasNoOpenBody(permission: Permission): boolean {
  const methods = rulesOf(permission).flatMap(methodsOf);
  return refusesBodies(permission) || methods.every((method) => BODY_METHODS.includes(method));
}

/** The rule that refuses a method without a body together with a content length other than 0. */
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

/** What a refused request is compared with, for the reason in the log: all paths, and those of each method. */
function explains(said: Readonly<Record<string, unknown>> | undefined, permissions: readonly Permission[]): boolean {
  const pathsBy = new Map<string, string[]>();
  for (const rules of permissions.map(rulesOf))
    for (const method of rules.flatMap(methodsOf))
      pathsBy.set(method, [...(pathsBy.get(method) ?? []), ...rules.flatMap(pathsOf)]);
  const expression = (paths: readonly string[]): string => `^(?:${[...new Set(paths)].sort().join('|')})$`;
  const methods = (said?.['methods'] ?? {}) as Readonly<Record<string, unknown>>;
  return (
    said?.['paths'] === expression([...pathsBy.values()].flat()) &&
    Object.keys(methods).length === pathsBy.size &&
    [...pathsBy].every(([method, paths]) => methods[method] === expression(paths))
  );
}

function pathsOf({ url_path: path, or_rules: any }: Permission): readonly string[] {
  if (any?.rules !== undefined) return any.rules.flatMap(pathsOf);
  const { exact, prefix } = path?.path ?? {};
  const literally = (text: string): string =>
    text.replace(/[^A-Za-z0-9/_~-]/g, (one) => (one === '^' ? '\\^' : `[${one}]`));
  return [
    ...(exact === undefined ? [] : [literally(exact)]),
    ...(prefix === undefined ? [] : [`${literally(prefix)}.*`]),
  ];
}

function methodsOf({ header, or_rules: any }: Permission): readonly string[] {
  if (any?.rules !== undefined) return any.rules.flatMap(methodsOf);
  return header?.name === ':method' ? [header.string_match?.exact ?? ''] : [];
}

function namesMethod({ header, or_rules: any }: Permission): boolean {
  if (any?.rules !== undefined) return any.rules.length > 0 && any.rules.every(namesMethod);
  const method = header?.name === ':method' ? header.string_match?.exact : undefined;
  return method !== undefined && !NEVER_METHODS.includes(method);
}

function namesPath({ url_path: path, or_rules: any }: Permission): boolean {
  if (any?.rules !== undefined) return any.rules.length > 0 && any.rules.every(namesPath);
  const { exact, prefix } = path?.path ?? {};
  // Without the slash at its end, `/v1` would admit `/v1-internal`.
  return exact?.startsWith('/') === true || (prefix?.startsWith('/') === true && prefix.endsWith('/'));
}
