// Boundary rules for listeners: filter chains, the network filter that admits exactly the peer, and the HTTP connection manager.
// Must not: look at another resource.

import type { GatewayRole } from '../../../federation/model.ts';
import type { Messages } from '../../proto/types.gen.ts';
import { enforce, type Facts, type Subject, type TlsUse } from '../boundary-rules.ts';
import {
  callersGateLabel,
  chainLabel,
  dialLabel,
  gateLabel,
  importLabel,
  type Label,
  labelText,
  meshBundleKey,
  tcpChainLabel,
} from '../name-rules.ts';
import { checkCallersChain } from './http/client-rules.ts';
import { checkHttpFilters, deniesByDefault } from './http/filter-rules.ts';
import { checkHeaders } from './http/header-rules.ts';
import { connectionsOf } from './http/limit-rules.ts';
import { namesPeer, remembersRequest } from './http/log-rules.ts';
import { guardsUnderscores } from './http/underscore-rules.ts';
import { checkCallersGate, checkCallersTcpPort } from './tcp/callers-gate-rules.ts';
import { checkNetworkRbac, isBounded, isFixed, seconds, TCP_PROXY } from './tcp/network-rules.ts';
import { checkGate, checkTcpChain, tcpPortTarget } from './tcp/tcp-rules.ts';
import { checkDownstream, domainOfServerName } from './tls/tls-rules.ts';

type Listener = Messages['envoy.config.listener.v3.Listener'];
type FilterChain = Messages['envoy.config.listener.v3.FilterChain'];
type Mapper = Messages['envoy.extensions.filters.network.http_connection_manager.v3.ResponseMapper'];
type Filter = NonNullable<Mapper['filter']>;
type Manager = Messages['envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'];

const MANAGER = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const ROUTER = 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router';
const TLS_INSPECTOR = 'type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector';
/** The bodies of a gateway's own answers; the second is for gRPC, where the body becomes the message. */
const REFUSAL_BODIES: readonly unknown[] = ['gateway: %RESPONSE_CODE%\n', 'gateway: %RESPONSE_CODE%'];

export function checkListener(listener: Listener, subject: Subject): Facts {
  const { name = '', filter_chains: chains = [] } = listener;
  enforce(listener.default_filter_chain === undefined, 'NO_DEFAULT_CHAIN', subject);
  const gate = gateLabel(name);
  if (gate !== undefined) return checkGate(listener, gate, subject);
  const inner = callersGateLabel(name);
  if (inner !== undefined) return checkCallersGate(listener, inner.port, subject);
  enforce(listener.filter_chain_matcher === undefined, 'NO_DEFAULT_CHAIN', subject);
  if (name === 'ingress') {
    const inspectors = (listener.listener_filters ?? []).map(({ typed_config: config }) => config?.['@type']);
    const waits = listener.continue_on_listener_filters_timeout !== true;
    enforce(waits && inspectors.join() === TLS_INSPECTOR, 'CHAIN_MATCH', subject);
    const tcp = chains.flatMap((chain) => {
      const label = tcpChainLabel(chain.name);
      return label === undefined ? [] : [checkTcpChain(chain, label, `${subject}, chain ${chain.name ?? ''}`)];
    });
    const http = chains
      .filter((chain) => tcpChainLabel(chain.name) === undefined)
      .map((chain) => checkPeerChain(chain, `${subject}, chain ${chain.name ?? ''}`));
    const names = chains.flatMap(({ filter_chain_match: match }) => match?.server_names ?? []);
    const limits = chains
      .filter(({ name: chain }) => chainLabel(chain) !== undefined)
      .map((chain) => [`connections of ${chain.name}`, connectionsOf(chain)] as const);
    const tcpExports = tcp.map(({ claim }) => claim);
    const claims = { listensAt: addressOf(listener), serves: names, tcpExports, limits };
    const dials = tcp.map(({ use }) => use.gate);
    return {
      subject,
      name,
      kind: 'listener',
      role: 'ingress',
      tls: [...http, ...tcp.map(({ use }) => use)],
      dials,
      claims,
    };
  }
  const tunnel = importLabel(name);
  if (tunnel !== undefined)
    return { subject, name, kind: 'listener', role: 'egress', tunnel, dials: [dialled(listener, tunnel, subject)] };
  enforce(/^egress\/\d+$/.test(name), 'KNOWN_NAME', subject);
  const listensAt = addressOf(listener);
  enforce(`egress/${listensAt.split(' ')[1]}` === name, 'LISTEN_ADDRESS', subject);
  if (chains.some((chain) => chain.name !== name)) {
    const cluster = tcpPortTarget(listener, subject);
    const tcpPort = { port: name.slice('egress/'.length), cluster };
    const dials = cluster === undefined ? [] : [cluster];
    // A closed port lets nobody in, whatever they prove.
    const claims = { listensAt, tcpPort, ...(cluster !== undefined && { callers: null }) };
    return { subject, name, kind: 'listener', role: 'egress', dials, claims };
  }
  if (chains.some(({ transport_socket: tls, filters }) => tls !== undefined && !endsInManager(filters)))
    return checkCallersTcpPort(listener, listensAt, subject);
  const [chain, ...others] = chains;
  enforce(chain !== undefined && others.length === 0, 'CHAIN_MATCH', subject);
  const callers = chain.transport_socket === undefined ? undefined : checkCallersChain(chain, 'http', 0, subject);
  const manager = managerOf(chain, subject, callers === undefined ? 0 : 1);
  checkManager(manager, 'egress', subject);
  enforce(callers === undefined || deniesByDefault(manager.http_filters?.[3]), 'HTTP_RBAC', subject);
  const { trustDomain = null, secrets = [] } = callers ?? {};
  // What proves the callers is part of the name, so that their list of clients goes with it.
  const routes = callers === undefined ? name : `${name}@${meshBundleKey(secrets[0] ?? '')}`;
  enforce(manager.rds?.route_config_name === routes, 'ROUTES_PRESENT', subject);
  const claims = { listensAt, callers: trustDomain };
  return { subject, name, kind: 'listener', role: 'egress', routes: [routes], secrets, claims };
}

function endsInManager(filters: FilterChain['filters'] = []): boolean {
  return filters.at(-1)?.typed_config?.['@type'] === MANAGER;
}

function addressOf({ address }: Listener): string {
  const { address: host, port_value: port } = address?.socket_address ?? {};
  return `${host} ${port}`;
}

function checkPeerChain(chain: FilterChain, subject: Subject): TlsUse {
  const label = chainLabel(chain.name);
  enforce(label !== undefined, 'KNOWN_NAME', subject);
  const {
    server_names: names = [],
    transport_protocol: transport,
    application_protocols: alpn = [],
  } = chain.filter_chain_match ?? {};
  enforce(
    names.length > 0 &&
      names.every((name) => domainOfServerName(name) !== undefined) &&
      transport === 'tls' &&
      alpn.join() === 'h2',
    'CHAIN_MATCH',
    subject,
  );
  enforce(seconds(chain.transport_socket_connect_timeout) > 0, 'HANDSHAKE_TIMEOUT', subject);
  const use = checkDownstream(subject, chain.transport_socket, label, 'h2');
  checkNetworkRbac(chain.filters?.[0], use.identities, subject);
  const manager = managerOf(chain, subject, /^\d+$/.test(connectionsOf(chain)) ? 2 : 1);
  checkManager(manager, 'ingress', subject);
  checkHttpFilters(manager, use.identities, subject);
  enforce(namesPeer(manager, label.peer), 'ACCESS_LOG', subject);
  const routes = `ingress/${labelText(label)}`;
  enforce(manager.rds?.route_config_name === routes, 'ROUTES_PRESENT', subject);
  return { ...use, routes };
}

/** The cluster of a tunnel: exactly one, fixed by its name, and of the same peer. */
function dialled(listener: Listener, { peer }: Label, subject: Subject): string {
  const [chain, ...others] = listener.filter_chains ?? [];
  const [filter, ...more] = chain?.filters ?? [];
  const config = filter?.typed_config;
  const alone = others.length === 0 && more.length === 0 && (listener.listener_filters ?? []).length === 0;
  const inside = listener.internal_listener !== undefined && listener.address === undefined;
  enforce(alone && inside && config?.['@type'] === TCP_PROXY, 'TUNNEL', subject);
  const { cluster } = config;
  enforce(isBounded(config.max_downstream_connection_duration), 'CONNECTION_AGE', subject);
  // The chain has the cluster's name: a new cluster makes a new chain, and Envoy ends the connections of the old one.
  enforce(isFixed(config) && dialLabel(cluster)?.peer === peer && chain?.name === cluster, 'TUNNEL', subject);
  return cluster ?? '';
}

/** The connection manager at the end of a chain, after exactly `others` other filters. */
function managerOf(chain: FilterChain, subject: Subject, others: number): Manager {
  const filters = chain.filters ?? [];
  const config = filters.at(-1)?.typed_config;
  enforce(filters.length === others + 1 && config?.['@type'] === MANAGER, 'HTTP_RBAC', subject);
  return config;
}

function checkManager(manager: Manager, role: GatewayRole, subject: Subject): void {
  enforce(manager.internal_address_config === undefined, 'NO_INTERNAL_ADDRESSES', subject);
  enforce(manager.rds?.config_source?.ads !== undefined, 'ROUTES_PRESENT', subject);
  const router = manager.http_filters?.at(-1)?.typed_config;
  enforce(router?.['@type'] === ROUTER, 'HTTP_RBAC', subject);
  const { common_http_protocol_options: http = {}, http2_protocol_options: http2 = {} } = manager;
  // At its age a connection takes no more requests, but those that are open hold it; those of callers end with a tunnel.
  const endsRequests = role === 'egress' || isBounded(http.max_stream_duration);
  enforce(isBounded(http.max_connection_duration) && endsRequests, 'CONNECTION_AGE', subject);
  const isClean =
    manager.use_remote_address === true &&
    manager.skip_xff_append === true &&
    (manager.xff_num_trusted_hops ?? 0) === 0 &&
    manager.original_ip_detection_extensions === undefined &&
    manager.strip_any_host_port === true &&
    manager.generate_request_id === true &&
    manager.preserve_external_request_id !== true &&
    (role === 'ingress' || http2.allow_connect !== true) &&
    manager.upgrade_configs === undefined &&
    (manager.forward_client_cert_details ?? 'SANITIZE') === (role === 'ingress' ? 'SANITIZE_SET' : 'SANITIZE') &&
    manager.normalize_path === true &&
    manager.merge_slashes === true &&
    manager.path_with_escaped_slashes_action === 'REJECT_REQUEST' &&
    (role === 'egress' ? readsPlainHttp1(manager) : manager.codec_type === 'HTTP2');
  enforce(isClean, 'CLEAN_REQUESTS', subject);
  enforce(remembersRequest(manager), 'LOGGED_REQUEST', subject);
  enforce(guardsUnderscores(manager), 'UNDERSCORES', subject);
  checkHeaders(manager, role, subject);
  const isAnonymous =
    (manager.server_header_transformation ?? 'OVERWRITE') === 'OVERWRITE' &&
    manager.server_name === 'gateway' &&
    manager.always_set_request_id_in_response !== true &&
    router.suppress_envoy_headers === true;
  enforce(isAnonymous, 'CLEAN_RESPONSES', subject);
  const mappers = manager.local_reply_config?.mappers ?? [];
  const haveKnownBodies = mappers.every(({ body_format_override: body }) =>
    REFUSAL_BODIES.includes(body?.text_format_source?.inline_string),
  );
  const areAlike = mappers.every((mapper) => mapper.status_code === 403 || isForErrors(mapper) || isForLimits(mapper));
  enforce(
    haveKnownBodies && isForAllRefusals(mappers.at(-1)) && (role === 'egress' || areAlike),
    'REFUSALS_ALIKE',
    subject,
  );
}

/** No absolute URLs (a gateway is no forward proxy), no HTTP/1.0, and no trailers. */
function readsPlainHttp1({ http_protocol_options: http1 = {} }: Manager): boolean {
  return http1.allow_absolute_url === false && http1.accept_http_10 !== true && http1.enable_trailers !== true;
}

/** Envoy takes the first mapper whose filter matches, so the last one must match every refusal that is left. */
function isForAllRefusals(mapper: Mapper | undefined): boolean {
  const { op = 'EQ', value } = mapper?.filter?.status_code_filter?.comparison ?? {};
  return op === 'GE' && value?.default_value === 400;
}

/** Errors from 500 on keep their status, on which the caller's retries depend. */
function isForErrors(mapper: Mapper | undefined): boolean {
  const filters = [mapper?.filter, ...(mapper?.filter?.and_filter?.filters ?? [])];
  return filters.some((filter) => (filter?.status_code_filter?.comparison?.value?.default_value ?? 0) >= 500);
}

/** A limit that was reached: 429, or 413 of a request that access control has admitted. */
function isForLimits(mapper: Mapper): boolean {
  const filters = allOf(mapper.filter);
  const codes = filters.flatMap(({ status_code_filter: code }) => code?.comparison ?? []);
  const [only, ...others] = codes;
  if (only === undefined || others.length > 0 || (only.op ?? 'EQ') !== 'EQ') return false;
  const isAdmitted = filters.some(
    ({ metadata_filter: log }) =>
      log?.matcher?.filter === 'envoy.filters.http.rbac' &&
      log.matcher.path?.[0]?.key === 'enforced_engine_result' &&
      log.matcher.value?.string_match?.exact === 'allowed' &&
      log.match_if_key_not_found === false,
  );
  return only.value?.default_value === 429 || (only.value?.default_value === 413 && isAdmitted);
}

function allOf(filter: Filter | undefined): readonly Filter[] {
  return filter === undefined ? [] : [filter, ...(filter.and_filter?.filters ?? []).flatMap(allOf)];
}
