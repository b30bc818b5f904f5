// Boundary rules for the HTTP filters of an ingress chain: the guards that stand before access control, and access control.
// Must not: look at another resource, or accept a filter that can be switched off.

import type { Any, Message } from '../draft.ts';
import { BODY_GUARD, BODY_METHODS } from '../http/bodies.ts';
import { HARMLESS } from '../http/paths.ts';
import { demand, type Subject } from './boundary-rules.ts';

type Manager = Message<'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'>;
type HttpFilter = Message<'envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter'>;
type Permission = Message<'envoy.config.rbac.v3.Permission'>;

const RBAC = 'type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC';
const MATCHED = 'type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcher';
const BUFFER = 'type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer';
const METHOD = 'type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput';

export function checkHttpFilters({ http_filters: filters = [] }: Manager, subject: Subject): void {
  const [bodies, paths, access, ...others] = filters;
  demand(guardsBodies(bodies), 'UNEXPECTED_BODY', subject);
  demand(guardsPaths(paths), 'HARMLESS_PATHS', subject);
  demand(deniesByDefault(access), 'HTTP_RBAC', subject);
  demand(!others.some((other) => other.typed_config?.['@type'] === RBAC), 'HTTP_RBAC', subject);
}

/** The configuration of a filter that always runs. */
export function configOf(filter: HttpFilter | undefined): Any | undefined {
  return filter?.is_optional === true || filter?.disabled === true ? undefined : filter?.typed_config;
}

/** Only methods with a body pass the guard by. */
function guardsBodies(filter: HttpFilter | undefined): boolean {
  const config = configOf(filter);
  if (config?.['@type'] !== MATCHED || filter?.name !== BODY_GUARD) return false;
  const buffer = config.extension_config?.typed_config;
  const { matcher_tree: tree, matcher_list: list, on_no_match: otherwise } = config.xds_matcher ?? {};
  const input = tree?.input?.typed_config;
  return (
    buffer?.['@type'] === BUFFER &&
    buffer.max_request_bytes === 1 &&
    input?.['@type'] === METHOD &&
    input.header_name === ':method' &&
    tree?.prefix_match_map === undefined &&
    tree?.custom_match === undefined &&
    Object.keys(tree?.exact_match_map?.map ?? {}).every((method) => BODY_METHODS.includes(method)) &&
    list === undefined &&
    otherwise === undefined
  );
}

function guardsPaths(filter: HttpFilter | undefined): boolean {
  const config = configOf(filter);
  if (config?.['@type'] !== RBAC || config.matcher !== undefined) return false;
  const policies = Object.values(config.rules?.policies ?? {});
  const [permission, ...more] = policies[0]?.permissions ?? [];
  const anybody = policies[0]?.principals?.some(({ any }) => any === true) === true;
  const one = policies.length === 1 && policies[0]?.condition === undefined && more.length === 0 && anybody;
  const [ascii, beyond, ...rest] = permission?.not_rule?.or_rules?.rules ?? [];
  return (
    one &&
    config.rules?.action === 'DENY' &&
    rest.length === 0 &&
    regexOf(ascii) === HARMLESS.ascii &&
    beyond?.and_rules?.rules?.map(regexOf).join('\n') === HARMLESS.beyond.join('\n')
  );
}

function regexOf(permission: Permission | undefined): string | undefined {
  return permission?.url_path?.path?.safe_regex?.regex;
}

/** Empty policies deny everything, which is what a request meets that no virtual host has a policy for. */
function deniesByDefault(filter: HttpFilter | undefined): boolean {
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
