// Boundary rules for route configurations: policies for each authority, and no route beside the exports and imports.
// Must not: look at another resource.

import { memoizeByIdentity } from '../../../memoize.ts';
import type { Messages } from '../../proto/types.gen.ts';
import { enforce, type Facts, type Subject, type Target } from '../boundary-rules.ts';
import { exportOf, grantLabel, labelText, routesLabel } from '../name-rules.ts';
import { NEVER_FROM_EGRESS, NEVER_FROM_INGRESS } from '../required-removals.ts';
import { admissionOf } from './http/admission-rules.ts';
import { clientsOf } from './http/client-rules.ts';
import { limitsOf, PEER_SLOT } from './http/limit-rules.ts';
import { PASSED_ON, takesRequestId } from './http/log-rules.ts';
import { checkPolicies } from './http/policy-rules.ts';
import { addsHeaders, forwardsTrace, isGivenId } from './http/trace-rules.ts';
import { droppingOf } from './http/underscore-rules.ts';
import { isBounded } from './tcp/network-rules.ts';

type RouteConfiguration = Messages['envoy.config.route.v3.RouteConfiguration'];
type VirtualHost = Messages['envoy.config.route.v3.VirtualHost'];
type Route = Messages['envoy.config.route.v3.Route'];

/** The header in which a backend learns the peer that called. */
const PEER_HEADER = 'x-postern-peer';
/** The header in which it learns the workload that counts, if one does. */
const WORKLOAD_HEADER = 'x-postern-workload';
/** Envoy's conditions that hold only when the request reached no application, listed once more: the builder's list proves nothing. */
const UNPROCESSED = new Set(['connect-failure', 'refused-stream', 'reset-before-request']);
const IDEMPOTENT = new Set(['GET', 'HEAD']);

export function checkRoutes(config: RouteConfiguration, subject: Subject): Facts {
  const { name = '' } = config;
  const label = routesLabel(name);
  const [, port = ''] = EGRESS.exec(name) ?? [];
  enforce(label !== undefined || port !== '', 'KNOWN_NAME', subject);
  // Virtual hosts that come from elsewhere would never pass these rules.
  const { [PEER_SLOT]: _limits, [PASSED_ON]: passed, ...more } = config.typed_per_filter_config ?? {};
  const ofAll = Object.keys(more);
  enforce(passed === undefined || takesRequestId(passed), 'LOGGED_REQUEST', subject);
  enforce(config.vhds === undefined && ofAll.length === 0, 'POLICY_NOT_OVERRIDDEN', subject);
  const hosts = config.virtual_hosts ?? [];
  const last = hosts.at(-1);
  enforce(last !== undefined && deniesEverything(last), 'DENY_ALL', subject);
  const granted = hosts.slice(0, -1);
  const targets = granted.flatMap((host) => checkTargets(host, `${subject}, virtual host ${host.name ?? ''}`));
  if (label === undefined) {
    enforce(
      granted.every(({ domains = [] }) => !domains.some((domain) => domain.includes('*'))),
      'DENY_ALL',
      subject,
    );
    const leads = granted.flatMap((host) => leadsOf(host, port));
    const limits = granted.map(
      (host) => [`${port} ${host.domains?.[0]}`, limitsOf(host.typed_per_filter_config ?? {})] as const,
    );
    const upgradable = granted.flatMap((host) => upgradableOf(host, port));
    const clients = granted.flatMap((host) => {
      const text = clientsOf(host, `${subject}, virtual host ${host.name ?? ''}`);
      return (host.domains ?? []).map((domain) => [`${port} ${domain}`, text] as const);
    });
    // Which workload calls is told only where each import has its clients.
    const tells = clients.every(([, text]) => text !== undefined);
    const removed = config.request_headers_to_remove ?? [];
    const cleans = NEVER_FROM_EGRESS.every((header) => removed.includes(header));
    enforce(cleans && addsNothingBut(tells ? CALLER : undefined, config), 'CLEAN_REQUESTS', subject);
    const dropping = granted.flatMap((host) => droppingOf(host, port));
    const traced = granted
      .filter(forwardsTrace)
      .flatMap(({ domains = [] }) => domains.map((name) => `${port} ${name}`));
    const claims = { leads, upgradable, dropping, traced, limits, clients };
    return { subject, name, kind: 'routes', role: 'egress', targets, claims };
  }
  const { peer } = label;
  const removed = config.request_headers_to_remove ?? [];
  enforce(
    NEVER_FROM_INGRESS.every((header) => removed.includes(header)),
    'CLEAN_REQUESTS',
    subject,
  );
  checkPeerHeader(config, peer, subject);
  const principals = granted.flatMap((host) =>
    checkPolicies(host, peer, `${subject}, virtual host ${host.name ?? ''}`),
  );
  for (const host of granted) checkGrantedRoutes(host, `${subject}, virtual host ${host.name ?? ''}`);
  enforce(
    targets.every(({ cluster }) => grantLabel(cluster)?.peer === peer),
    'OWN_MESH',
    subject,
  );
  const admits = { label: labelText(label), hosts: granted.map((host) => admissionOf(host)) };
  const limits = [
    [labelText(label), limitsOf(config.typed_per_filter_config ?? {})],
    ...granted.map(
      (host) => [`${labelText(label)} ${host.domains?.[0]}`, limitsOf(host.typed_per_filter_config ?? {})] as const,
    ),
  ] as const;
  const upgradable = granted.flatMap((host) => upgradableOf(host, labelText(label)));
  const dropping = granted.flatMap((host) => droppingOf(host, labelText(label)));
  const traced = forwardsTrace(config) || granted.some(addsHeaders) ? [labelText(label)] : [];
  const claims = { admits, upgradable, dropping, traced, limits };
  return { subject, name, kind: 'routes', role: 'ingress', targets, principals, peer, claims };
}

/** The domains of a host with a route that enables an upgrade, whichever. */
const upgradableOf = memoizeByIdentity((host: VirtualHost, prefix: string): readonly string[] =>
  (host.routes ?? []).some(({ route }) => route?.upgrade_configs !== undefined)
    ? (host.domains ?? []).map((domain) => `${prefix} ${domain}`)
    : [],
);

const leadsOf = memoizeByIdentity((host: VirtualHost, port: string) =>
  (host.routes ?? []).flatMap(({ route }) =>
    route === undefined
      ? []
      : (host.domains ?? []).map((domain) => [`${port} ${domain}`, route.host_rewrite_literal] as const),
  ),
);

function deniesEverything(host: VirtualHost): boolean {
  const denies = ({ direct_response: answer }: Route): boolean => (answer?.status ?? 0) >= 400;
  return (
    host.name === 'deny-all' &&
    host.domains?.join() === '*' &&
    host.typed_per_filter_config === undefined &&
    (host.routes ?? []).every(denies)
  );
}

/** The clusters of a virtual host. Each route names one cluster or answers by itself; every other kind of route is refused. */
const checkTargets = memoizeByIdentity((host: VirtualHost, subject: Subject): readonly Target[] => {
  enforce(host.matcher === undefined && host.request_mirror_policies === undefined, 'OWN_EXPORT', subject);
  enforce((host.request_headers_to_add ?? []).every(isGivenId), 'PEER_HEADER', subject);
  enforce(retriesSafely(host), 'SAFE_RETRY', subject);
  return (host.routes ?? []).flatMap((route) => {
    enforce(route.typed_per_filter_config === undefined, 'POLICY_NOT_OVERRIDDEN', subject);
    enforce(route.request_headers_to_add === undefined, 'PEER_HEADER', subject);
    if (route.direct_response !== undefined) return [];
    const { cluster, request_mirror_policies: mirrors, weighted_clusters: weighted } = route.route ?? {};
    enforce(cluster !== undefined && mirrors === undefined && weighted === undefined, 'OWN_EXPORT', subject);
    const authority = route.route?.host_rewrite_literal;
    return [{ cluster, ...(authority !== undefined && { authority }) }];
  });
});

/** Each route of a grant leads to the export that the authority names. */
const checkGrantedRoutes = memoizeByIdentity((host: VirtualHost, subject: Subject): undefined => {
  const exported = exportOf(host.domains?.[0] ?? '');
  for (const { route } of host.routes ?? []) {
    if (route === undefined) continue;
    enforce(exported !== undefined && grantLabel(route.cluster)?.exported === exported, 'OWN_EXPORT', subject);
    // A call's own deadline takes the place of the age that the connection manager allows it.
    const { max_stream_duration: age } = route;
    enforce(age === undefined || isBounded(age.grpc_timeout_header_max), 'CONNECTION_AGE', subject);
  }
});

/** With the CAs of our own workloads, where callers prove who they are. */
const EGRESS = /^egress\/(\d+)(?:@[0-9a-f]{16})?$/;

/** Of the caller its one ID, and nothing of its certificate. */
const CALLER = `By=%DOWNSTREAM_LOCAL_URI_SAN%;Hash=${'0'.repeat(64)};URI=%DOWNSTREAM_PEER_URI_SAN%`;

function addsNothingBut(caller: string | undefined, { request_headers_to_add: added }: RouteConfiguration): boolean {
  if (caller === undefined) return added === undefined;
  const [{ header, append_action: action } = {}, ...others] = added ?? [];
  const isCaller = header?.key === 'x-forwarded-client-cert' && header.value === caller;
  return isCaller && action === 'OVERWRITE_IF_EXISTS_OR_ADD' && others.length === 0;
}

function checkPeerHeader(config: RouteConfiguration, peer: string, subject: Subject): void {
  const added = (config.request_headers_to_add ?? [])
    .filter((one) => !isGivenId(one))
    .map(({ header, append_action: action }) => [header?.key, header?.value, action].join());
  const says = [
    [PEER_HEADER, peer, 'OVERWRITE_IF_EXISTS_OR_ADD'].join(),
    [WORKLOAD_HEADER, '%DYNAMIC_METADATA(postern:workload)%', 'OVERWRITE_IF_EXISTS_OR_ADD'].join(),
  ];
  enforce(added.length === says.length && says.every((one) => added.includes(one)), 'PEER_HEADER', subject);
}

/**
 * A request that an application may have processed is sent again only when that is safe: only routes have a retry policy, and one with conditions beyond those above is on a
 * route for GET and HEAD alone.
 */
function retriesSafely(host: VirtualHost): boolean {
  const elsewhere = host.retry_policy ?? host.retry_policy_typed_config ?? host.hedge_policy;
  return elsewhere === undefined && (host.routes ?? []).every(routeRetriesSafely);
}

function routeRetriesSafely({ route, match }: Route): boolean {
  if (route === undefined) return true;
  const { retry_policy: policy, retry_policy_typed_config: typed, hedge_policy: hedge } = route;
  if (typed !== undefined || hedge !== undefined) return false;
  const conditions = policy?.retry_on?.split(',') ?? [];
  const methods = (match?.headers ?? [])
    .filter(({ name, invert_match: inverted }) => name === ':method' && inverted !== true)
    .flatMap(({ string_match: method }) => method?.safe_regex?.regex?.split('|') ?? []);
  const isSafe = methods.length > 0 && methods.every((method) => IDEMPOTENT.has(method));
  return isSafe || conditions.every((condition) => UNPROCESSED.has(condition.trim()));
}
