// The way from a cluster of one gateway to what it dials: backends, or the gateways of a peer with what they must prove.
// Must not: judge whether anybody answers there.

import type { Decision, Trail } from '../answer/decision.ts';
import type { Question } from '../answer/question.ts';
import { type Cluster, endpointsOf, type Resources } from '../matching/resources.ts';
import { asked } from '../matching/text-match.ts';
import { numberOf, only, present, unjudged } from '../matching/unjudged.ts';
import { acceptedBy, refusalOf } from './handshake.ts';

export interface Upstream {
  readonly question: Question;
  readonly resources: Resources;
  readonly trail: Trail;
  /** The rule that let the request through. */
  readonly rule: string | undefined;
  /** Of the addresses, as rules are named. */
  readonly source: string | undefined;
  readonly peer?: string;
  /** The authority that the request is sent with; undefined: the name of the backend. */
  readonly host: string | undefined;
  /** Whose limits the cluster carries, as rules are named; absent `by`: its connections are the gateway's own. Absent: nobody asks. */
  readonly limited?: Limited;
}

interface Limited {
  readonly by?: string;
  readonly isTcp: boolean;
}

/** HTTP waits for a connection, TCP does not. */
export function nameBreakers(cluster: Cluster, { by, isTcp }: Limited, trail: Trail): void {
  const resource = cluster.name ?? '';
  for (const { max_connections: connections, max_requests: requests } of cluster.circuit_breakers?.thresholds ?? []) {
    if (by !== undefined && connections !== undefined)
      trail.limit({
        name: `${by}.limits.connections`,
        value: numberOf(connections, resource),
        counts: 'connections at a time',
        ...(isTcp && { reason: 'CONNECTION_LIMIT' }),
        resource,
      });
    if (!isTcp && requests !== undefined)
      trail.limit({
        value: numberOf(requests, resource),
        counts: 'requests at a time',
        reason: 'OVERLOADED',
        resource,
      });
  }
}

export function judgeUpstream(cluster: Cluster, upstream: Upstream): Decision {
  const { trail, resources, rule, source, host, limited, ...others } = upstream;
  const name = cluster.name ?? '';
  if (limited !== undefined) nameBreakers(cluster, limited, trail);
  const { internal, addresses } = endpointsOf(cluster);
  const as = host === undefined ? '' : `, as ${host}`;
  if (internal.length === 0) {
    trail.pass(
      'cluster',
      name,
      `it has ${addresses.length} ${addresses.length === 1 ? 'address' : 'addresses'}${as}`,
      source,
    );
    return judgeDialled(cluster, addresses, upstream);
  }
  const [tunnel, ...tunnels] = internal;
  if (tunnel === undefined || tunnels.length > 0 || addresses.length > 0) throw unjudged(`the cluster ${name}`);
  trail.pass('cluster', name, `it leads into the tunnel ${tunnel}${as}`);
  const [chain, ...chains] = resources.listener(tunnel).filter_chains ?? [];
  const [filter, ...filters] = chain?.filters ?? [];
  const proxy = filter?.typed_config;
  if (
    chains.length > 0 ||
    filters.length > 0 ||
    proxy?.['@type'] !== 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy'
  )
    throw unjudged(`the tunnel ${tunnel}`);
  const dialled = resources.cluster(present(proxy.cluster, tunnel));
  return judgeUpstream(dialled, { ...others, trail, resources, rule, source, host: undefined });
}

/** The other end must prove who it is; of a backend that is judged where it is dialled. */
function judgeDialled(cluster: Cluster, addresses: readonly string[], upstream: Upstream): Decision {
  const { question, resources, trail, rule, source, peer } = upstream;
  const socket = cluster.transport_socket?.typed_config;
  if (socket === undefined) {
    trail.pass('backend', addresses.join(', '), 'without TLS', source);
    return trail.yes(addresses, rule);
  }
  if (socket['@type'] !== 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext')
    throw unjudged(`the transport socket of ${cluster.name}`);
  only(socket, 'a TLS context', 'sni', 'max_session_keys', 'common_tls_context');
  const context = present(socket.common_tls_context, 'a TLS context');
  const isPeer = !cluster.name?.startsWith('export/');
  const names = (context.combined_validation_context?.default_validation_context?.match_typed_subject_alt_names ?? [])
    .map(({ matcher }) => asked(present(matcher, 'a name')))
    .join(' or ');
  const bundle = context.combined_validation_context?.validation_context_sds_secret_config?.name ?? '';
  const expected = `it must prove to be ${names}, by ${bundle}; server name ${socket.sni ?? '(none)'}`;
  if (isPeer && question.peerGateway !== undefined) {
    const sources = { bundle: `peers.${peer}.trustBundle`, identities: `peers.${peer}.gatewayIdentities` };
    const shown = { certificate: question.peerGateway, at: question.at, by: 'server', sources } as const;
    const refusal = refusalOf(acceptedBy(context, resources), shown, trail);
    if (refusal !== undefined) return refusal;
  }
  trail.pass(isPeer ? 'peer gateway' : 'backend', addresses.join(', '), expected, source);
  return trail.yes(addresses, rule);
}
