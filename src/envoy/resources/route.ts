// Routes: what a peer may reach here (ingress), and which local names lead to which peer (egress).
// Must not: route anything that no grant or import names; the last virtual host of each configuration denies the rest.

import { digestOf } from '../../federation/meaning-digest.ts';
import type {
  Callers,
  HttpGrant,
  HttpImport,
  HttpProtocol,
  Mesh,
  MeshBundle,
  Peer,
  Timeouts,
} from '../../federation/model.ts';
import type { RetiredName } from '../../federation/transition/retired-names.ts';
import { memoizeByIdentity } from '../../memoize.ts';
import { type Draft, draft, type Message } from '../draft.ts';
import { BODIES_ALLOWED } from '../http/access-control/body-guard.ts';
import { clientsOnly } from '../http/access-control/client-policy.ts';
import { allowOnly, HTTP_RBAC, type ProvenPeer } from '../http/access-control/rbac.ts';
import { CLAIMED_WORKLOAD, TELL_CALLER } from '../http/access-control/workload-claim.ts';
import {
  REMOVE_FROM_EGRESS_REQUEST,
  REMOVE_FROM_INGRESS_REQUEST,
  TRACE_CONTEXT,
} from '../http/headers/header-mutations.ts';
import { LUA_METADATA, ownHosts } from '../http/headers/internal-hosts.ts';
import { GIVEN_REQUEST_ID, type HostFacts, PASS_REQUEST_ID, rememberHost } from '../http/headers/request-facts.ts';
import { UNDERSCORES_DROPPED } from '../http/headers/underscore-guard.ts';
import { limitedBy, limitedHealthChecks } from '../http/limit-filters.ts';
import { forReasons } from '../http/reason-facts.ts';
import { routesWithRetries } from '../http/retry.ts';
import { MAX_CONNECTION_AGE } from '../limits.ts';
import * as names from '../resource-names.ts';

type RouteConfiguration = Message<'envoy.config.route.v3.RouteConfiguration'>;
type VirtualHost = Message<'envoy.config.route.v3.VirtualHost'>;
type PerFilter = NonNullable<VirtualHost['typed_per_filter_config']>;
type Route = Message<'envoy.config.route.v3.Route'>;
type RouteAction = Message<'envoy.config.route.v3.RouteAction'>;
/** What routes use of a peer. */
type RoutedPeer = ProvenPeer & Pick<Peer, 'key' | 'domainKey' | 'limits'> & Partial<Pick<Peer, 'traceContext'>>;

/** What one peer may reach: a virtual host for each granted export. */
export function ingressRoutes(mesh: Mesh, peer: RoutedPeer, grants: readonly HttpGrant[]): Draft {
  const { name, domainKey, gatewayIdentities } = peer;
  const granted = (): readonly VirtualHost[] => [
    ...grants.map((grant) => grantedHost(grant, name, domainKey, gatewayIdentities)),
    // Also for a peer without a grant: its gateways would otherwise take us for dead, and answer 503 instead of our 403.
    healthHost(mesh, peer),
  ];
  return ingressDraft(peer, [mesh, gatewayIdentities, peer.limits, peer.traceContext, ...grants], granted);
}

/** Routes of names that are no longer in use, for filter chains that still drain: what both models admit, or nothing. */
export function retiredRoutes(mesh: Mesh, peers: readonly RetiredName[]): readonly Draft[] {
  return peers.map(({ name, key, meet }) =>
    meet === undefined
      ? ingressDraft({ name, key }, [], () => [])
      : ingressRoutes(mesh, { name, key, ...meet }, meet.grants),
  );
}

/** One route configuration for each port of the egress gateway. With callers that prove who they are, no import is without its clients. */
export function egressRoutes(
  ports: ReadonlyMap<number, readonly HttpImport[]>,
  peers: readonly (names.KeyedPeer & Pick<Peer, 'traceContext'>)[],
  callers: Callers | undefined,
  bundle: MeshBundle | undefined,
): readonly Draft[] {
  const clusters = new Map(peers.map((peer) => [peer.name, names.importCluster(peer)]));
  const choices = new Map(peers.map((peer) => [peer.name, peer.traceContext]));
  return [...ports].map(([port, all]) => {
    const imports = all.map((imported) => ({
      imported,
      cluster: imported.denied ? undefined : clusters.get(imported.peer),
      traceContext: choices.get(imported.peer) ?? 'drop',
    }));
    const inputs = [
      callers === undefined,
      ...imports.flatMap(({ imported, cluster, traceContext }) => [imported, cluster, traceContext]),
    ];
    return routes(names.egressRoutes(port, callers && bundle), inputs, () => ({
      virtual_hosts: [
        ...imports.map(({ imported, cluster, traceContext }) => importedHost(imported, cluster, traceContext)),
        denyAll('unknown-name', 404),
      ],
      ...(callers && { request_headers_to_add: [TELL_CALLER] }),
      request_headers_to_remove: REMOVE_FROM_EGRESS_REQUEST,
      ignore_port_in_host_matching: true,
    }));
  });
}

/** In the place of the fresh one that Envoy gives each request, which stays when the caller sent none. */
const GIVEN_ID: Message<'envoy.config.core.v3.HeaderValueOption'> = {
  header: { key: 'x-request-id', value: GIVEN_REQUEST_ID },
  append_action: 'OVERWRITE_IF_EXISTS_OR_ADD',
};

function ingressDraft(
  peer: names.KeyedPeer & Pick<Peer, 'limits'> & Partial<Pick<Peer, 'traceContext'>>,
  inputs: readonly unknown[],
  hosts: () => readonly VirtualHost[],
): Draft {
  return routes(names.ingressRoutes(peer), inputs, () => ({
    ...perFilter({
      ...limitedBy('peer', peer.limits, peer.name),
      ...(peer.traceContext === 'forward' && PASS_REQUEST_ID),
    }),
    virtual_hosts: [...hosts(), denyAll('not-exported', 403)],
    request_headers_to_add: [
      { header: { key: names.PEER_HEADER, value: peer.name }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' },
      // Not sent when no claim counts: Envoy adds no empty header.
      { header: { key: names.WORKLOAD_HEADER, value: CLAIMED_WORKLOAD }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' },
      ...(peer.traceContext === 'forward' ? [GIVEN_ID] : []),
    ],
    request_headers_to_remove: [
      ...REMOVE_FROM_INGRESS_REQUEST,
      ...(peer.traceContext === 'forward' ? [] : TRACE_CONTEXT),
    ],
    most_specific_header_mutations_wins: true,
  }));
}

function routes(name: string, inputs: readonly unknown[], content: () => RouteConfiguration): Draft {
  return draft('envoy.config.route.v3.RouteConfiguration', name, inputs, () => ({ name, ...content() }));
}

const grantedHost = memoizeByIdentity(
  (
    { export: exported, allow, limits }: HttpGrant,
    peerName: string,
    domainKey: RoutedPeer['domainKey'],
    gatewayIdentities: RoutedPeer['gatewayIdentities'],
  ): VirtualHost => {
    const peer = { name: peerName, domainKey, gatewayIdentities };
    const { name, authority, protocol, backends, requestBodies, underscoreHeaders, timeouts } = exported;
    const rules = allow.map((rule) => ({ name: names.exportRule(peer.name, name, rule.at), rule }));
    const host: VirtualHost = {
      name: `${peer.name}/${names.statName(name)}`,
      domains: [authority],
      metadata: says({ service: name, ...forReasons(allow, requestBodies) }),
      typed_per_filter_config: {
        [HTTP_RBAC]: allowOnly(peer, { authority, allow: rules, requestBodies }),
        ...(requestBodies === 'any-method' && BODIES_ALLOWED),
        ...(underscoreHeaders === 'drop' && UNDERSCORES_DROPPED),
        ...limitedBy('consumer', limits, peer.name, name),
      },
      routes: routesWithRetries('ingress', exported, {
        name: names.exportRoute(name),
        // The endpoint's hostname becomes the authority: the backend's own name.
        route: {
          ...forward(names.grantCluster(peer, exported), protocol, timeouts, MAX_CONNECTION_AGE),
          auto_host_rewrite: true,
        },
        metadata: {
          filter_metadata: {
            [names.METADATA]: { service: name, peer: peer.name },
            [LUA_METADATA]: { hosts: ownHosts(backends) },
          },
        },
      }),
      virtual_clusters: [countedAs(peer.name, name)],
    };
    return versioned(host, { service: name });
  },
);

/** The same host with the digest of its content: the access log has it, so that a line leads to what decided. */
function versioned(host: VirtualHost, facts: HostFacts): VirtualHost {
  const { [names.METADATA]: said } = host.metadata?.filter_metadata ?? {};
  const version = digestOf(host).slice(0, 12);
  return {
    ...host,
    metadata: says({ ...said, version }),
    typed_per_filter_config: { ...host.typed_per_filter_config, ...rememberHost({ ...facts, version }) },
  };
}

function says(said: Readonly<Record<string, unknown>>): NonNullable<VirtualHost['metadata']> {
  return { filter_metadata: { [names.METADATA]: said } };
}

function healthHost(mesh: Mesh, peer: RoutedPeer): VirtualHost {
  const authority = names.healthAuthority(mesh.trustDomain);
  const policy = names.healthPolicy(peer.name);
  const allow = [{ name: policy, rule: { methods: ['GET'], paths: [{ exact: names.HEALTH_PATH }] } }];
  return {
    name: `${peer.name}/gateway-health`,
    domains: [authority],
    metadata: says(
      forReasons(
        allow.map(({ rule }) => rule),
        'standard',
      ),
    ),
    typed_per_filter_config: {
      [HTTP_RBAC]: allowOnly(peer, { authority, allow, requestBodies: 'standard' }),
      ...limitedHealthChecks(peer.limits, peer.name),
    },
    // The second is for what access control refuses: a request without a route would have no limit.
    routes: [
      { name: policy, match: { path: names.HEALTH_PATH }, direct_response: { status: 200 } },
      { name: names.DENY_ALL, match: { prefix: '/' }, direct_response: { status: 403 } },
    ],
  };
}

const importedHost = memoizeByIdentity(
  (imported: HttpImport, cluster: string | undefined, traceContext: Peer['traceContext']): VirtualHost => {
    const { peer, name, authority, localNames, protocol, timeouts, limits, clients } = imported;
    const route = names.importRoute(peer, name);
    const [local = name] = localNames;
    const metadata = { filter_metadata: { [names.METADATA]: { service: name, peer } } };
    const facts = { peer, service: name, rule: names.importRule(name, clients !== undefined) };
    const host: VirtualHost = {
      name: `import/${names.statName(local)}`,
      domains: localNames,
      metadata: says(facts),
      ...perFilter({
        ...(traceContext === 'forward' && PASS_REQUEST_ID),
        ...(clients && { [HTTP_RBAC]: clientsOnly(names.importRule(name, true), clients) }),
        ...(imported.underscoreHeaders === 'drop' && UNDERSCORES_DROPPED),
        ...limitedBy('import', limits, peer, name),
      }),
      ...(traceContext === 'forward'
        ? { request_headers_to_add: [GIVEN_ID] }
        : { request_headers_to_remove: TRACE_CONTEXT }),
      // A denied peer has no cluster. Its names stay, so that callers get 503 instead of 404 (unknown name).
      routes:
        cluster === undefined
          ? [{ name: route, match: { prefix: '/' }, direct_response: { status: 503 }, metadata }]
          : routesWithRetries('egress', imported, {
              name: route,
              route: { ...forward(cluster, protocol, longer(timeouts), '0s'), host_rewrite_literal: authority },
              metadata,
            }),
      virtual_clusters: [countedAs(peer, name)],
    };
    return versioned(host, facts);
  },
);

/** An empty map is not the same as an absent one before it is encoded. */
function perFilter(config: PerFilter): { readonly typed_per_filter_config?: PerFilter } {
  return Object.keys(config).length === 0 ? {} : { typed_per_filter_config: config };
}

function denyAll(reason: string, status: number): VirtualHost {
  const route: Route = {
    name: names.DENY_ALL,
    match: { prefix: '/' },
    direct_response: { status },
    metadata: { filter_metadata: { [names.METADATA]: { service: '-', reason } } },
  };
  return {
    name: names.DENY_ALL,
    domains: ['*'],
    routes: [route],
  };
}

/**
 * There is no limit on the whole exchange by default, so that long downloads work, but one on silence: a hung backend would
 * otherwise hold the request for ever. A gRPC call's own deadline (grpc-timeout) applies at every hop. It takes the place of
 * the age that the connection manager allows a request, so `longest` bounds it (0: nothing does).
 */
function forward(
  cluster: string,
  protocol: HttpProtocol,
  { idleSeconds, requestSeconds = 0 }: Timeouts,
  longest: string,
): RouteAction {
  return {
    cluster,
    timeout: `${requestSeconds}s`,
    idle_timeout: `${idleSeconds}s`,
    ...(protocol === 'grpc' && { max_stream_duration: { grpc_timeout_header_max: longest } }),
  };
}

/** The caller's side waits a little longer, so that the callee, which knows the reason, answers. */
function longer({ idleSeconds, requestSeconds }: Timeouts): Timeouts {
  const afterwards = (seconds: number): number =>
    Math.min(seconds + Math.min(Math.ceil(seconds / 6), 10), LONGEST_SECONDS);
  return {
    idleSeconds: afterwards(idleSeconds),
    ...(requestSeconds !== undefined && { requestSeconds: afterwards(requestSeconds) }),
  };
}

/** A connection between gateways ends after an hour. */
const LONGEST_SECONDS = 3600;

function countedAs(peer: string, service: string): Message<'envoy.config.route.v3.VirtualCluster'> {
  return { name: names.statName(peer, service), headers: [{ name: ':path', string_match: { prefix: '/' } }] };
}
