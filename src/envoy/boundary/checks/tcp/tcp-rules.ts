// Boundary rules for TCP: the chain of an export, its gate, the port and the cluster of an import.
// Must not: look at another resource.

import { domainKey } from '../../../../federation/meaning-digest.ts';
import type { Any, Messages } from '../../../proto/types.gen.ts';
import { type Claims, enforce, type Facts, type Subject, type TlsUse } from '../../boundary-rules.ts';
import { type ExportLabel, grantLabel, labelText, tcpImportLabel } from '../../name-rules.ts';
import { checkDownstream, checkUpstream, domainOfServerName, trustDomainOf } from '../tls/tls-rules.ts';
import { checkNetworkRbac, isBounded, isFixed, seconds, TCP_PROXY } from './network-rules.ts';

type Listener = Messages['envoy.config.listener.v3.Listener'];
type FilterChain = Messages['envoy.config.listener.v3.FilterChain'];
type Filter = Messages['envoy.config.listener.v3.Filter'];
type Cluster = Messages['envoy.config.cluster.v3.Cluster'];
type OnMatch = Messages['xds.type.matcher.v3.Matcher.OnMatch'];

const FILTER_STATE = 'type.googleapis.com/envoy.extensions.filters.network.set_filter_state.v3.Config';
export const STATE_INPUT = 'type.googleapis.com/envoy.extensions.matching.common_inputs.network.v3.FilterStateInput';
const DIRECT_RESPONSE = 'type.googleapis.com/envoy.extensions.filters.network.direct_response.v3.Config';
const TEXT = 'type.googleapis.com/google.protobuf.StringValue';
/** Where a chain keeps what TLS has verified, for its gate. */
export const IDENTITY = 'postern.identity';
const HASHABLE = 'envoy.hashable_string';
export const DENY = 'deny-all';

interface TcpChain {
  readonly use: TlsUse & { readonly gate: string };
  readonly claim: NonNullable<Claims['tcpExports']>[number];
}

/** Access is decided by the TLS of the peer, and once more by the gate, to which the chain hands the identity that TLS has verified. */
export function checkTcpChain(chain: FilterChain, label: ExportLabel, subject: Subject): TcpChain {
  const {
    server_names: names = [],
    transport_protocol: transport,
    application_protocols: alpn = [],
  } = chain.filter_chain_match ?? {};
  const [name = '', ...others] = names;
  const isChosen = others.length === 0 && domainOfServerName(name) !== undefined && transport === 'tls';
  enforce(isChosen && alpn.join() === 'postern-tcp', 'CHAIN_MATCH', subject);
  enforce(name.startsWith(`${label.exported}.tcp.`), 'TCP_GRANT', subject);
  enforce(seconds(chain.transport_socket_connect_timeout) > 0, 'HANDSHAKE_TIMEOUT', subject);
  const use = checkDownstream(subject, chain.transport_socket, label, 'postern-tcp');
  const [tell, access, proxy, ...more] = chain.filters ?? [];
  enforce(more.length === 0 && tellsIdentity(tell), 'GATE', subject);
  checkNetworkRbac(access, use.identities, subject);
  const config = proxy?.typed_config;
  const exported = `${label.exported}@${label.meaning}`;
  const gate = `gate/${labelText(label)}/${exported}`;
  enforce(config?.['@type'] === TCP_PROXY && isFixed(config) && config.cluster === gate, 'GATE', subject);
  const waits = config.upstream_connect_mode === 'ON_DOWNSTREAM_TLS_HANDSHAKE' && config.max_early_data_bytes === 0;
  enforce(waits, 'AFTER_HANDSHAKE', subject);
  enforce(isBounded(config.max_downstream_connection_duration), 'CONNECTION_AGE', subject);
  return { use: { ...use, gate }, claim: [labelText(label), name, exported] };
}

/**
 * Only once the handshake is done: all URI SANs, as TLS has verified them. Beside them, the number of the connection: without
 * that, or if it is not hashable, a gate is told what an earlier connection has proven.
 */
export function tellsIdentity(filter: Filter | undefined): boolean {
  const config = filter?.typed_config;
  if (config?.['@type'] !== FILTER_STATE) return false;
  const { on_downstream_tls_handshake: kept = [], on_new_connection: early, on_downstream_data: late } = config;
  const [identity, ...others] = kept.filter(({ object_key: key }) => key === IDENTITY);
  const isAlone = kept.some(
    ({ factory_key: factory, shared_with_upstream: shared, format_string: format }) =>
      factory === HASHABLE && shared === 'ONCE' && format?.text_format_source?.inline_string === '%CONNECTION_ID%',
  );
  return (
    early === undefined &&
    late === undefined &&
    others.length === 0 &&
    isAlone &&
    identity?.factory_key === HASHABLE &&
    identity.format_string?.text_format_source?.inline_string === '%DOWNSTREAM_PEER_URI_SAN%' &&
    identity.shared_with_upstream === 'ONCE'
  );
}

export function checkGate(listener: Listener, label: ExportLabel, subject: Subject): Facts {
  const { name = '', filter_chains: chains = [], filter_chain_matcher: matcher } = listener;
  const inside = listener.internal_listener !== undefined && listener.address === undefined;
  enforce(inside && (listener.listener_filters ?? []).length === 0, 'GATE', subject);
  const { input, exact_match_map: exact } = matcher?.matcher_tree ?? {};
  const state = input?.typed_config;
  const admits = Object.entries(exact?.map ?? {}).map(([identity, { action }]) => {
    enforce(chainOf(action) === name && trustDomainOf(identity) !== undefined, 'GATE', subject);
    return identity;
  });
  const isExact = state?.['@type'] === STATE_INPUT && state.key === IDENTITY && matcher?.matcher_list === undefined;
  enforce(isExact && admits.length > 0 && chainOf(matcher?.on_no_match?.action) === DENY, 'GATE', subject);
  const [open, closed, ...others] = chains;
  const isClosed = closed?.name === DENY && closesAtOnce(closed);
  const [proxy, ...more] = open?.filters ?? [];
  const config = proxy?.typed_config;
  enforce(isClosed && others.length === 0 && more.length === 0 && open?.name === name, 'GATE', subject);
  enforce(config?.['@type'] === TCP_PROXY && isFixed(config), 'GATE', subject);
  enforce(isBounded(config.max_downstream_connection_duration), 'CONNECTION_AGE', subject);
  const target = grantLabel(config.cluster);
  const isOwn = target?.exported === label.exported && target.meaning === label.meaning;
  enforce(isOwn, 'OWN_EXPORT', subject);
  const mesh = domainKey(trustDomainOf(admits[0]) ?? '');
  enforce(target.peer === label.peer && target.key === mesh, 'OWN_MESH', subject);
  return { subject, name, kind: 'listener', role: 'ingress', gate: { admits }, dials: [config.cluster ?? ''] };
}

export function chainOf(action: OnMatch['action']): string | undefined {
  const config: Any | undefined = action?.typed_config;
  return config?.['@type'] === TEXT ? config.value : undefined;
}

/** The chain sends no byte and dials nothing. */
export function closesAtOnce({ filters: [filter, ...others] = [] }: FilterChain): boolean {
  const config = filter?.typed_config;
  return config?.['@type'] === DIRECT_RESPONSE && config.response === undefined && others.length === 0;
}

/** The cluster of a port that one TCP import has for itself; undefined when the port closes every connection. */
export function tcpPortTarget(
  { filter_chains: chains = [], ...listener }: Listener,
  subject: Subject,
): string | undefined {
  const [chain, ...others] = chains;
  enforce(others.length === 0 && (listener.listener_filters ?? []).length === 0, 'TCP_GRANT', subject);
  if (chain?.name === DENY) {
    enforce(closesAtOnce(chain), 'TCP_GRANT', subject);
    return undefined;
  }
  const [proxy, ...more] = chain?.filters ?? [];
  const config = proxy?.typed_config;
  enforce(more.length === 0 && config?.['@type'] === TCP_PROXY && isFixed(config), 'TCP_GRANT', subject);
  // The chain has the cluster's name: a new cluster makes a new chain, and Envoy ends the connections of the old one.
  enforce(tcpImportLabel(config.cluster) !== undefined && chain?.name === config.cluster, 'TCP_GRANT', subject);
  enforce(isBounded(config.max_downstream_connection_duration), 'CONNECTION_AGE', subject);
  return config.cluster;
}

/** The cluster that leads to a gate: inside the gateway, and so without TLS. */
export function checkGateCluster(cluster: Cluster, subject: Subject): Facts {
  const { name = '' } = cluster;
  enforce(leadsInside(cluster), 'GATE', subject);
  return { subject, name, kind: 'cluster', role: 'ingress', gate: {} };
}

/** Whether a cluster leads into the internal listener of its own name, and nowhere else. */
export function leadsInside({ name, type, load_assignment: assignment }: Cluster): boolean {
  const endpoints = (assignment?.endpoints ?? []).flatMap((group) => group.lb_endpoints ?? []);
  const inside = endpoints.every(
    ({ endpoint }) => endpoint?.address?.envoy_internal_address?.server_listener_name === (name ?? ''),
  );
  return inside && type === 'STATIC';
}

/** The cluster of a TCP import. */
export function checkTcpImport(
  cluster: Cluster,
  label: NonNullable<ReturnType<typeof tcpImportLabel>>,
  hosts: readonly string[],
  subject: Subject,
): Facts {
  const { name = '', transport_socket: socket } = cluster;
  const tls = [checkUpstream(subject, socket, label, 'postern-tcp')];
  const context = socket?.typed_config as { readonly sni?: string } | undefined;
  const serverName = context?.sni ?? '';
  enforce(serverName.startsWith(`${label.imported}.tcp.`), 'TCP_GRANT', subject);
  const claims = { dials: { label: labelText(label), hosts }, asks: { cluster: name, serverName } };
  return { subject, name, kind: 'cluster', role: 'egress', tls, claims };
}
