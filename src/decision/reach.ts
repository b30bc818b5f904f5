// Everything that the resources of one gateway allow, as a finite list: who may call what, by which method and path.
// It reads the same matchers as the judgement of one request does (connection.ts), and throws on what that does not know.
// Must not: leave out what somebody could reach.

import type { Any, Message } from '../envoy/draft.ts';
import type { ResourceJson } from '../envoy/proto/types.gen.ts';
import { effectiveRbac } from './http/access-control.ts';
import { alternativesOf, type Span } from './matching/alternatives.ts';
import { ownMetadata } from './matching/own-metadata.ts';
import { type Cluster, endpointsOf, type Listener, plainName, Resources } from './matching/resources.ts';
import { present, unjudged } from './matching/unjudged.ts';
import { actionOf } from './matching/xds-matcher.ts';
import { merged, type Reach } from './reach-set.ts';

type FilterChain = NonNullable<Listener['filter_chains']>[number];
type Manager = Message<'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'>;
type VirtualHost = Message<'envoy.config.route.v3.VirtualHost'>;
type RouteAction = Message<'envoy.config.route.v3.RouteAction'>;
type Matcher = Message<'xds.type.matcher.v3.Matcher'>;
type Predicate = Message<'xds.type.matcher.v3.Matcher.MatcherList.Predicate'>;
type PerFilter = Readonly<Record<string, Any>>;

/** Where a connection came in. */
interface Door {
  readonly all: Resources;
  /** The peer that calls; absent at an egress gateway. */
  readonly caller?: string;
  readonly port?: number;
}

/** Errors: UNJUDGED. */
export function reach(resources: readonly ResourceJson[]): readonly Reach[] {
  const all = new Resources(resources);
  const outside = all.listeners().filter(({ internal_listener: internal }) => internal === undefined);
  return merged(
    outside.flatMap((listener) =>
      (listener.filter_chains ?? []).flatMap((chain) => {
        const caller =
          listener.name === 'ingress' ? present(ownMetadata(chain, 'peer'), 'a chain of nobody') : undefined;
        const port = listener.address?.socket_address?.port_value;
        return ofChain(
          chain,
          caller === undefined ? { all, ...(port !== undefined && { port }) } : { all, caller },
          undefined,
        );
      }),
    ),
  );
}

function ofChain(chain: FilterChain, door: Door, workload: Span | undefined): readonly Reach[] {
  for (const { typed_config: config, name } of chain.filters ?? []) {
    switch (config?.['@type']) {
      case 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager':
        return ofManager(config, door);
      case 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy':
        return ofCluster(door.all.cluster(present(config.cluster, name ?? '')), chain, door, workload);
      case 'type.googleapis.com/envoy.extensions.filters.network.direct_response.v3.Config':
        return [];
      // They hand over what TLS has verified, limit, or refuse identities that TLS accepts: less may be reached, not more.
      case 'type.googleapis.com/envoy.extensions.filters.network.set_filter_state.v3.Config':
      case 'type.googleapis.com/envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit':
      case 'type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC':
        break;
      default:
        throw unjudged(`the network filter ${name}`);
    }
  }
  throw unjudged(`the chain ${chain.name}, which leads nowhere,`);
}

/** TCP: to the end of the gate's chains, each of which is for some of the callers. */
function ofCluster(cluster: Cluster, chain: FilterChain, door: Door, workload: Span | undefined): readonly Reach[] {
  const { internal } = endpointsOf(cluster);
  const [gate] = internal;
  if (gate === undefined) {
    const { caller, port } = door;
    const [peer, service] = [ownMetadata(chain, 'peer') ?? caller, ownMetadata(chain, 'service')];
    const named = { peer: present(peer, 'a peer'), service: present(service, 'a service') };
    leadsTo(cluster.name ?? '', `${caller === undefined ? 'tcp' : 'export'}/${named.peer}/${named.service}`);
    const rule =
      caller === undefined
        ? (ownMetadata(chain, 'rule') ?? `imports.:${port}`)
        : `exports.${service}.consumers.${peer}`;
    const at = { gateway: caller === undefined ? 'egress' : 'ingress', ...(port !== undefined && { port }) } as const;
    return [{ ...at, ...named, protocol: 'tcp', ...(workload && { workload }), conditions: [], rule }];
  }
  const listener = door.all.listener(gate);
  const matcher = present(listener.filter_chain_matcher, `the gate ${gate}`);
  return (listener.filter_chains ?? []).flatMap((one) =>
    callersOf(matcher, one.name ?? '', door).flatMap((caller) => ofChain(one, door, caller)),
  );
}

/** Who gets to a chain of a gate; at ingress all gateways of the peer, which say nothing of workloads. */
function callersOf(matcher: Matcher, chain: string, { caller }: Door): readonly (Span | undefined)[] {
  if (caller !== undefined) return [undefined];
  return (matcher.matcher_list?.matchers ?? []).flatMap(({ predicate, on_match: match }) => {
    const config = match?.action?.typed_config;
    const isThis = config?.['@type'] === 'type.googleapis.com/google.protobuf.StringValue' && config.value === chain;
    return isThis ? spansOf(predicate ?? {}) : [];
  });
}

function ofManager(manager: Manager, door: Door): readonly Reach[] {
  const config = door.all.routes(present(manager.rds?.route_config_name, 'the routes'));
  return (config.virtual_hosts ?? []).flatMap((host) => {
    const [first] = host.routes ?? [];
    const service = ownMetadata(first, 'service');
    const isServed = (host.routes ?? []).some(({ route }) => route !== undefined);
    if (service === undefined || !isServed) return [];
    const perFilter = [host.typed_per_filter_config ?? {}, config.typed_per_filter_config ?? {}];
    const { caller, port } = door;
    const peer = present(ownMetadata(first, 'peer'), 'a peer');
    for (const { route } of host.routes ?? []) if (route !== undefined) checkRoute(route, peer, service, door);
    // As the access log has it.
    const source =
      caller === undefined
        ? present(ownMetadata(host, 'rule'), `the rule of ${host.name}`)
        : `exports.${service}.consumers.${peer}`;
    const at = { gateway: caller === undefined ? 'egress' : 'ingress', ...(port !== undefined && { port }) } as const;
    const allowed = allowedBy(manager, perFilter, source);
    return (host.domains ?? []).flatMap((domain) =>
      allowed.flatMap((one) => {
        const entry: Reach = { ...at, peer, service, host: domain, protocol: 'http', ...one };
        return [entry, ...upgradesOf(host, entry)];
      }),
    );
  });
}

/** The log and the rules speak of a service; a route must lead to that one. */
function checkRoute(route: RouteAction, peer: string, service: string, { caller }: Door): void {
  leadsTo(route.cluster ?? '', caller === undefined ? `import/${peer}` : `export/${peer}/${service}`);
  const { host_rewrite_literal: host } = route;
  if (caller === undefined && host?.startsWith(`${service}.exports.`) !== true)
    throw unjudged(`the route to ${service}, which asks for ${host ?? 'what the caller says'},`);
}

function leadsTo(cluster: string, expected: string): void {
  if (plainName(cluster) !== expected) throw unjudged(`${expected}, which leads to ${cluster},`);
}

function upgradesOf(host: VirtualHost, entry: Reach): readonly Reach[] {
  if (entry.method !== undefined && entry.method !== 'GET') return [];
  const upgrades = new Set(
    (host.routes ?? []).flatMap(({ route }) =>
      (route?.upgrade_configs ?? []).map(({ upgrade_type: type = '' }) => type),
    ),
  );
  return [...upgrades].map((upgrade) => ({ ...entry, method: 'GET', upgrade }));
}

type Allowed = Pick<Reach, 'method' | 'path' | 'workload' | 'conditions' | 'rule'>;

/** What the filters let through: all of them together. */
function allowedBy(manager: Manager, perFilter: readonly PerFilter[], source: string): readonly Allowed[] {
  let allowed: readonly Allowed[] = [{ conditions: [], rule: source }];
  const guards = new Map<string, Matcher>();
  for (const { name = '', typed_config: config } of manager.http_filters ?? []) {
    const override = perFilter.find((one) => Object.hasOwn(one, name))?.[name];
    const filter = unwrapped(config);
    if (isOff(override)) continue;
    switch (filter?.['@type']) {
      case 'type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC': {
        const rbac = effectiveRbac(filter, override, name);
        if (rbac.matcher !== undefined) allowed = both(allowed, clientsOf(rbac.matcher));
        else if (present(rbac.rules, name).action === 'DENY')
          allowed = conditional(allowed, JSON.stringify([rbac.rules, questionOf(config)]));
        else
          allowed = both(
            allowed,
            Object.entries(rbac.rules?.policies ?? {}).flatMap(([rule, policy]) =>
              alternativesOf(policy).map((one) => ({ ...one, rule })),
            ),
          );
        break;
      }
      // What these guards refuse, they refuse everybody.
      case 'type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer':
      case 'type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua':
        allowed = conditional(allowed, name);
        if (config?.['@type'] === WITH_MATCHER) guards.set(name, present(config.xds_matcher, name));
        break;
      // They change what is seen of a request, limit, or send it on.
      case 'type.googleapis.com/envoy.extensions.filters.http.header_to_metadata.v3.Config':
      case 'type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config':
      case 'type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation':
      case 'type.googleapis.com/envoy.extensions.filters.http.filter_chain.v3.FilterChainConfig':
      case 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router':
        break;
      default:
        throw unjudged(`the HTTP filter ${name}`);
    }
  }
  return allowed.map((one) => ({
    ...one,
    conditions: one.conditions.filter((condition) => !isSkippedFor(guards.get(condition), one.method)),
  }));
}

const WITH_MATCHER = 'type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcher';

function unwrapped(config: Any | undefined): Any | undefined {
  return config?.['@type'] === WITH_MATCHER ? config.extension_config?.typed_config : config;
}

/** By what a filter is skipped. */
function questionOf(config: Any | undefined): Matcher | undefined {
  return config?.['@type'] === WITH_MATCHER ? config.xds_matcher : undefined;
}

/** Whether no request of the method gets to the filter: by the method alone. */
function isSkippedFor(matcher: Matcher | undefined, method: string | undefined): boolean {
  if (matcher === undefined || method === undefined) return false;
  let isByMethodAlone = true;
  const action = actionOf(matcher, (input) => {
    if ('header_name' in input && input.header_name === ':method') return method;
    isByMethodAlone = false;
    return undefined;
  });
  return isByMethodAlone && action?.typed_config?.['@type'].endsWith('.SkipFilter') === true;
}

function isOff(override: Any | undefined): boolean {
  return override !== undefined && 'disabled' in override && override.disabled === true;
}

function conditional(allowed: readonly Allowed[], condition: string): readonly Allowed[] {
  return allowed.map((one) => ({ ...one, conditions: [...one.conditions, condition].sort() }));
}

/** A chain has one filter that names methods, paths or callers; a second would have to be intersected. */
function both(allowed: readonly Allowed[], more: readonly Allowed[]): readonly Allowed[] {
  return allowed.flatMap(({ conditions, method, path, workload }) => {
    if (method !== undefined || path !== undefined || workload !== undefined)
      throw unjudged('two filters of access control');
    return more.map((one) => ({ ...one, conditions: [...new Set([...one.conditions, ...conditions])].sort() }));
  });
}

function clientsOf(matcher: Matcher): readonly Allowed[] {
  return (matcher.matcher_list?.matchers ?? []).flatMap(({ predicate, on_match: match }) => {
    const action = match?.action?.typed_config;
    if (action?.['@type'] !== 'type.googleapis.com/envoy.config.rbac.v3.Action')
      throw unjudged('an action of access control');
    if ((action.action ?? 'ALLOW') !== 'ALLOW') return [];
    return spansOf(predicate ?? {}).map((workload) => ({ workload, conditions: [], rule: action.name ?? '' }));
  });
}

/** Names and prefixes; a prefix may stand beside an expression for the form of a SPIFFE ID. */
function spansOf(predicate: Predicate): readonly Span[] {
  const { single_predicate: single, or_matcher: or, and_matcher: and } = predicate;
  if (or !== undefined) return (or.predicate ?? []).flatMap(spansOf);
  if (and !== undefined) return (and.predicate ?? []).flatMap(spansOf);
  const { exact, prefix, safe_regex: regex } = present(single?.value_match, 'a predicate');
  if (exact !== undefined) return [{ exact }];
  if (prefix !== undefined) return [{ prefix }];
  if (regex === undefined) throw unjudged('a predicate of another kind');
  return [];
}
