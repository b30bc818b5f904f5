// Connections: which filter chain takes one, what its TLS and its network filters say, and where it leads.
// Must not: look past a chain that refuses; what Envoy tries next, if anything, is part of the listener.

import type { Any, Message } from '../envoy/draft.ts';
import type { ResourceJson } from '../envoy/proto/types.gen.ts';
import { type Decision, Trail } from './answer/decision.ts';
import type { Question } from './answer/question.ts';
import { judgeRequest } from './http/http-request.ts';
import { ownMetadata } from './matching/own-metadata.ts';
import { endpointsOf, type Listener, Resources } from './matching/resources.ts';
import { numberOf, only, present, unjudged } from './matching/unjudged.ts';
import { type Action, actionOf, type Inputs } from './matching/xds-matcher.ts';
import { matchingChain } from './tls/filter-chain-match.ts';
import { acceptedBy, refusalOf } from './tls/handshake.ts';
import { judgeUpstream, nameBreakers } from './tls/upstream.ts';

type FilterChain = Message<'envoy.config.listener.v3.FilterChain'>;

/** One connection on its way through the gateway. */
interface Passage {
  readonly question: Question;
  readonly resources: Resources;
  readonly trail: Trail;
  /** The URI names that TLS has verified; undefined before, and without TLS. */
  readonly identities: readonly string[] | undefined;
  /** What a chain tells the internal listener that it leads to. */
  readonly told: ReadonlyMap<string, string>;
  /** Absent before the first. */
  readonly listener?: Listener;
}

/** What a gateway with these resources would do. Errors: UNJUDGED. */
export function judge(resources: readonly ResourceJson[] | Resources, question: Question): Decision {
  const all = resources instanceof Resources ? resources : new Resources(resources);
  const trail = new Trail();
  const [listener, ...others] = all.listeners().filter((one) => listensFor(one, question));
  const port = question.port === undefined ? 'for peers' : `at port ${question.port}`;
  const gateway = question.port === undefined ? 'gateways.ingress' : 'gateways.egress';
  if (listener === undefined) return trail.no('NO_LISTENER', 'listener', '(none)', `nothing listens ${port}`, gateway);
  if (others.length > 0) throw unjudged(`more than one listener ${port}`);
  const { address = '', port_value: bound } = listener.address?.socket_address ?? {};
  trail.pass('listener', listener.name ?? '', `it listens at ${address}:${bound}`, gateway);
  return passListener(listener, { question, resources: all, trail, identities: undefined, told: new Map() });
}

function listensFor({ internal_listener: internal, address }: Listener, { port }: Question): boolean {
  return internal === undefined && (port === undefined || address?.socket_address?.port_value === port);
}

function passListener(listener: Listener, passage: Passage): Decision {
  only(
    listener,
    `the listener ${listener.name}`,
    ...['name', 'stat_prefix', 'address', 'enable_reuse_port', 'per_connection_buffer_limit_bytes', 'listener_filters'],
    ...['listener_filters_timeout', 'continue_on_listener_filters_timeout', 'access_log', 'filter_chains'],
    ...['filter_chain_matcher', 'internal_listener'],
  );
  for (const filter of listener.listener_filters ?? [])
    if (!filter.typed_config?.['@type'].endsWith('.TlsInspector')) throw unjudged(`the listener filter ${filter.name}`);
  const chain = chainOf(listener, passage);
  const { serverName, alpn = [] } = passage.question.hello ?? {};
  const asked = `server name ${serverName ?? '(none)'}, ALPN ${alpn.join(', ') || '(none)'}`;
  if (chain === undefined)
    return passage.trail.no('UNKNOWN_SERVER_NAME', 'filter chain', '(none)', `no filter chain takes ${asked}`);
  const { filter_chain_match: match } = chain;
  const isGate = listener.filter_chain_matcher !== undefined;
  const compared = isGate
    ? 'it is chosen by the identity that TLS has verified'
    : match === undefined
      ? 'it takes what comes'
      : `it takes ${asked}`;
  passage.trail.pass('filter chain', chain.name ?? '', compared, sourceOf(chain));
  return passChain(chain, listener, { ...passage, listener });
}

function chainOf(listener: Listener, { question, told }: Passage): FilterChain | undefined {
  const { filter_chains: chains = [], filter_chain_matcher: matcher, name } = listener;
  if (matcher === undefined) return matchingChain(chains, question);
  const action = actionOf(matcher, (input) => connectionInput(input, undefined, told));
  const chosen = action?.typed_config;
  if (chosen?.['@type'] !== 'type.googleapis.com/google.protobuf.StringValue') throw unjudged(`a chain of ${name}`);
  return present(
    chains.find((chain) => chain.name === chosen.value),
    `the chain ${chosen.value}`,
  );
}

function passChain(chain: FilterChain, listener: Listener, passage: Passage): Decision {
  only(
    chain,
    `the chain ${chain.name}`,
    'name',
    'metadata',
    'filter_chain_match',
    'transport_socket',
    'transport_socket_connect_timeout',
    'filters',
  );
  const { question, resources, trail } = passage;
  const { transport_socket: socket } = chain;
  if (socket === undefined) {
    const isOutside = listener.internal_listener === undefined;
    if (isOutside && question.hello !== undefined)
      return trail.no('MALFORMED_REQUEST', 'filter chain', chain.name ?? '', 'it speaks no TLS, and the client does');
    return passFilters(chain, passage);
  }
  const tls = socket.typed_config;
  if (tls?.['@type'] !== 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext')
    throw unjudged(`the transport socket of ${chain.name}`);
  only(
    tls,
    'a TLS context',
    'require_client_certificate',
    'common_tls_context',
    'disable_stateless_session_resumption',
    'disable_stateful_session_resumption',
  );
  if (tls.require_client_certificate !== true) throw unjudged('a TLS context that requires no certificate');
  if (question.hello === undefined)
    return trail.no(
      'NO_CERTIFICATE',
      'certificate',
      chain.name ?? '',
      'it speaks TLS, and the client does not',
      sourceOf(chain),
    );
  const accepts = acceptedBy(present(tls.common_tls_context, 'a TLS context'), resources);
  const { certificate } = question.hello;
  const peer = ownMetadata(chain, 'peer');
  const sources =
    peer === undefined
      ? { bundle: 'mesh.trustBundle', identities: 'mesh.trustDomain' }
      : { bundle: `peers.${peer}.trustBundle`, identities: `peers.${peer}.gatewayIdentities` };
  const refusal = refusalOf(accepts, { certificate, at: question.at, by: 'client', sources }, trail);
  return refusal ?? passFilters(chain, { ...passage, identities: certificate?.uris ?? [] });
}

function passFilters(chain: FilterChain, passage: Passage): Decision {
  const told = new Map(passage.told);
  const { trail, question } = passage;
  for (const { name = '', typed_config: config } of chain.filters ?? []) {
    switch (config?.['@type']) {
      case 'type.googleapis.com/envoy.extensions.filters.network.set_filter_state.v3.Config':
        for (const [key, value] of toldBy(config, passage.identities)) told.set(key, value);
        break;
      case 'type.googleapis.com/envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit':
        trail.limit({
          name: `peers.${ownMetadata(chain, 'peer')}.limits.connections`,
          value: numberOf(config.max_connections, name),
          counts: 'connections at a time',
          reason: 'CONNECTION_LIMIT',
          resource: passage.listener?.name ?? '',
        });
        break;
      case 'type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC': {
        only(config, name, 'stat_prefix', 'matcher');
        const action = actionOf(present(config.matcher, name), (input) =>
          connectionInput(input, passage.identities, told),
        );
        const refusal = refusalBy(action, chain, passage);
        if (refusal !== undefined) return refusal;
        break;
      }
      case 'type.googleapis.com/envoy.extensions.filters.network.direct_response.v3.Config':
        return closed(chain, passage);
      case 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy': {
        if (question.isConnectionAlone) return trail.yes([], undefined);
        const cluster = passage.resources.cluster(present(config.cluster, name));
        return passCluster(cluster.name ?? '', chain, { ...passage, told });
      }
      case 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager': {
        if (question.isConnectionAlone) return trail.yes([], undefined);
        const { resources, identities } = passage;
        const peer = ownMetadata(chain, 'peer');
        return judgeRequest(config, { question, resources, trail, identities, ...(peer !== undefined && { peer }) });
      }
      default:
        throw unjudged(`the network filter ${name}`);
    }
  }
  throw unjudged(`the chain ${chain.name}, which leads nowhere,`);
}

function refusalBy(
  action: Action | undefined,
  chain: FilterChain,
  { trail, identities = [] }: Passage,
): Decision | undefined {
  const rbac = action?.typed_config;
  if (rbac !== undefined && rbac['@type'] !== 'type.googleapis.com/envoy.config.rbac.v3.Action')
    throw unjudged(`an action of ${chain.name}`);
  const shown = identities.join(', ') || '(none)';
  const peer = ownMetadata(chain, 'peer');
  const source = peer === undefined ? 'mesh.trustDomain' : `peers.${peer}.gatewayIdentities`;
  if (rbac === undefined || (rbac.action ?? 'ALLOW') !== 'ALLOW')
    return trail.no('WRONG_IDENTITY', 'identity', shown, `network access control says ${rbac?.name ?? 'no'}`, source);
  trail.pass('access control', rbac.name ?? '', `it allows connections of ${shown}`, source);
  return undefined;
}

/** The metadata of such a chain says why. */
function closed(chain: FilterChain, { trail, question, listener }: Passage): Decision {
  const imported = importAt(question);
  const reason = ownMetadata(chain, 'reason');
  const peer = ownMetadata(chain, 'peer');
  const says = `it closes every connection: ${reason}`;
  if (reason === 'CLIENT') {
    // As the access log has it; an import has its line by its port.
    const rule = ownMetadata(chain, 'rule') ?? `${imported}.clients`;
    const nearest = { rule, needs: [`the certificate of ${chosenChains(listener).join(' or ')}`] };
    return trail.no('CLIENT', 'rule', rule, says, `${imported}.clients`, nearest);
  }
  if (reason === 'PEER_DENIED') return trail.no('PEER_DENIED', 'rule', imported, says, `peers.${peer}.trustBundle`);
  return trail.no('WRONG_IDENTITY', 'identity', chain.name ?? '', says, `peers.${peer}.gatewayIdentities`);
}

/** The chains of a gate, which are named after the identities that they are for. */
function chosenChains(listener: Listener | undefined): readonly string[] {
  return (listener?.filter_chain_matcher?.matcher_list?.matchers ?? []).flatMap(({ on_match: match }) => {
    const chain = match?.action?.typed_config;
    return chain?.['@type'] === 'type.googleapis.com/google.protobuf.StringValue' ? [chain.value ?? ''] : [];
  });
}

/** A TCP import has its port for itself. */
function importAt({ port }: Question): string {
  return `imports.:${port}`;
}

/** A connection of TCP goes on to the cluster: an internal listener, or the end of what this gateway decides. */
function passCluster(name: string, chain: FilterChain, passage: Passage): Decision {
  const { trail, resources } = passage;
  const cluster = resources.cluster(name);
  const { internal, addresses } = endpointsOf(cluster);
  const [peer, service] = [ownMetadata(chain, 'peer'), ownMetadata(chain, 'service')];
  const isIngress = passage.question.port === undefined;
  const place = isIngress ? `exports.${service}.consumers.${peer}` : importAt(passage.question);
  nameBreakers(cluster, { by: place, isTcp: true }, trail);
  if (internal.length > 0) {
    const [listener, ...others] = internal;
    if (listener === undefined || others.length > 0 || addresses.length > 0) throw unjudged(`the cluster ${name}`);
    trail.pass('cluster', name, `it leads to the internal listener ${listener}`);
    return passListener(resources.listener(listener), passage);
  }
  const isExport = name.startsWith('export/');
  const source = isExport ? `exports.${service}.backend` : `peers.${peer}.addresses`;
  // As the access log has it; an import has its line by its port.
  const rule = ownMetadata(chain, 'rule') ?? place;
  trail.pass('rule', rule, 'TCP: the gateway sees no requests', place);
  return judgeUpstream(cluster, { ...passage, rule, source, host: undefined, ...(peer !== undefined && { peer }) });
}

function toldBy(
  config: Message<'envoy.extensions.filters.network.set_filter_state.v3.Config'>,
  identities: readonly string[] | undefined,
): readonly (readonly [string, string])[] {
  only(config, 'set_filter_state', 'on_downstream_tls_handshake');
  return (config.on_downstream_tls_handshake ?? []).map(({ object_key: key = '', format_string: format }) => {
    const text = format?.text_format_source?.inline_string;
    if (text === '%DOWNSTREAM_PEER_URI_SAN%') return [key, (identities ?? []).join(',')] as const;
    if (text === '%CONNECTION_ID%') return [key, 'a number'] as const;
    if (text === '%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%') return [key, 'an address'] as const;
    throw unjudged(`the filter state ${key}`);
  });
}

function connectionInput(
  input: Any,
  identities: readonly string[] | undefined,
  told: ReadonlyMap<string, string>,
): ReturnType<Inputs> {
  switch (input['@type']) {
    case 'type.googleapis.com/envoy.extensions.matching.common_inputs.ssl.v3.UriSanInput':
      return identities === undefined || identities.length === 0 ? undefined : identities.join(',');
    case 'type.googleapis.com/envoy.extensions.matching.common_inputs.network.v3.FilterStateInput':
      return told.get(present(input.key, 'a key of the filter state'));
    default:
      throw unjudged(`the input ${input['@type']}`);
  }
}

function sourceOf(chain: FilterChain): string | undefined {
  const [peer, service] = [ownMetadata(chain, 'peer'), ownMetadata(chain, 'service')];
  if (peer === undefined) return undefined;
  return service === undefined
    ? `peers.${peer}`
    : chain.name?.startsWith('tcp/') && chain.transport_socket
      ? `exports.${service}`
      : `peers.${peer}`;
}
