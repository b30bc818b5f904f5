// Boundary rules for TCP callers that prove who they are: the port of an import, its gate, and the cluster between them.
// Must not: believe the name of a chain; the matcher says which caller it admits.

import type { Messages } from '../../../proto/types.gen.ts';
import { enforce, type Facts, type Subject } from '../../boundary-rules.ts';
import { callersGateLabel, meshBundleKey, tcpImportLabel } from '../../name-rules.ts';
import { checkCallersChain, clientsText, ONE_ID } from '../http/client-rules.ts';
import { isBounded, isFixed, TCP_PROXY } from './network-rules.ts';
import { chainOf, closesAtOnce, DENY, IDENTITY, leadsInside, STATE_INPUT, tellsIdentity } from './tcp-rules.ts';

type Listener = Messages['envoy.config.listener.v3.Listener'];
type FilterChain = Messages['envoy.config.listener.v3.FilterChain'];
type Cluster = Messages['envoy.config.cluster.v3.Cluster'];
type Predicate = Messages['xds.type.matcher.v3.Matcher.MatcherList.Predicate'];
type StringMatch = Messages['xds.type.matcher.v3.StringMatcher'];

/** The port dials nothing but its own gate, once the handshake is done, and hands it the identity that TLS has verified. */
export function checkCallersTcpPort(listener: Listener, listensAt: string, subject: Subject): Facts {
  const { name = '', filter_chains: [chain, ...others] = [], listener_filters: before = [] } = listener;
  enforce(chain !== undefined && others.length === 0 && before.length === 0, 'CHAIN_MATCH', subject);
  const callers = checkCallersChain(chain, 'tcp', 1, subject);
  const [tell, , proxy, ...more] = chain.filters ?? [];
  enforce(more.length === 0 && tellsIdentity(tell), 'CALLERS_GATE', subject);
  const config = proxy?.typed_config;
  enforce(config?.['@type'] === TCP_PROXY && isFixed(config), 'CALLERS_GATE', subject);
  const { cluster = '' } = config;
  const gate = callersGateLabel(cluster);
  const [bundle = ''] = callers.secrets;
  const isOwn = gate !== undefined && name === `egress/${gate.port}` && gate.bundle === meshBundleKey(bundle);
  enforce(isOwn && chain.name === name, 'CALLERS_GATE', subject);
  const waits = config.upstream_connect_mode === 'ON_DOWNSTREAM_TLS_HANDSHAKE' && config.max_early_data_bytes === 0;
  enforce(waits, 'AFTER_HANDSHAKE', subject);
  enforce(isBounded(config.max_downstream_connection_duration), 'CONNECTION_AGE', subject);
  return {
    subject,
    name,
    kind: 'listener',
    role: 'egress',
    secrets: callers.secrets,
    dials: [cluster],
    callersGate: cluster,
    claims: { listensAt, callers: callers.trustDomain },
  };
}

export function checkCallersGate(listener: Listener, port: string, subject: Subject): Facts {
  const { name = '', filter_chains: chains = [], filter_chain_matcher: matcher } = listener;
  const inside = listener.internal_listener !== undefined && listener.address === undefined;
  enforce(inside && (listener.listener_filters ?? []).length === 0, 'CALLERS_GATE', subject);
  const admitted = (matcher?.matcher_list?.matchers ?? []).map(({ predicate, on_match: match }) => {
    const client = clientOf(predicate);
    enforce(client !== undefined && chainOf(match?.action) === chainName(client), 'CALLERS_GATE', subject);
    return client;
  });
  const isClosed = matcher?.matcher_tree === undefined && chainOf(matcher?.on_no_match?.action) === DENY;
  const closed = chains.at(-1);
  enforce(isClosed && closed?.name === DENY && closesAtOnce(closed), 'CALLERS_GATE', subject);
  const open = chains.slice(0, -1);
  const isEach = open.map((chain) => chain.name).join() === admitted.map(chainName).join();
  enforce(isEach && admitted.length > 0, 'CALLERS_GATE', subject);
  const [cluster = '', ...others] = new Set(open.map((chain) => clusterOf(chain, subject)));
  enforce(others.length === 0 && tcpImportLabel(cluster) !== undefined, 'CALLERS_GATE', subject);
  const clients = [[port, clientsText(admitted)]] as const;
  const claims = { clients, tcpPort: { port, cluster } };
  return { subject, name, kind: 'listener', role: 'egress', gate: {}, dials: [cluster], claims };
}

/** `=ID` or `<prefix`, as in clientsText; below a prefix the whole text is one ID. Undefined for any other condition. */
function clientOf(predicate: Predicate | undefined): string | undefined {
  const { exact, ...more } = stateOf(predicate) ?? {};
  if (exact !== undefined) return Object.keys(more).length === 0 ? `=${exact}` : undefined;
  const [first, second, ...others] = predicate?.and_matcher?.predicate ?? [];
  const { prefix } = stateOf(first) ?? {};
  const isOne = stateOf(second)?.safe_regex?.regex === ONE_ID && others.length === 0;
  return isOne && prefix?.endsWith('/') === true ? `<${prefix}` : undefined;
}

function stateOf(predicate: Predicate | undefined): StringMatch | undefined {
  const { input, value_match: match } = predicate?.single_predicate ?? {};
  const config = input?.typed_config;
  const isState = config?.['@type'] === STATE_INPUT && config.key === IDENTITY;
  return isState && match?.ignore_case !== true ? match : undefined;
}

function chainName(client: string): string {
  return client.startsWith('=') ? client.slice(1) : `${client.slice(1)}*`;
}

/** Of a chain that does nothing but carry bytes there. */
function clusterOf({ filters: [proxy, ...more] = [] }: FilterChain, subject: Subject): string {
  const config = proxy?.typed_config;
  enforce(more.length === 0 && config?.['@type'] === TCP_PROXY && isFixed(config), 'CALLERS_GATE', subject);
  enforce(isBounded(config.max_downstream_connection_duration), 'CONNECTION_AGE', subject);
  return config.cluster ?? '';
}

/** The cluster that leads to such a gate: inside the gateway, and so without TLS. */
export function checkCallersGateCluster(cluster: Cluster, subject: Subject): Facts {
  const { name = '' } = cluster;
  enforce(leadsInside(cluster), 'CALLERS_GATE', subject);
  return { subject, name, kind: 'cluster', role: 'egress', gate: {} };
}
