// Connections of an egress gateway to a peer: which addresses they go to, and what the peer's gateway must prove there.
// Must not: judge whether a gateway answers.

import { type Decision, Trail } from '../answer/decision.ts';
import type { ShownCertificate } from '../answer/question.ts';
import { ownMetadata } from '../matching/own-metadata.ts';
import type { Resources } from '../matching/resources.ts';
import { present, unjudged } from '../matching/unjudged.ts';
import { acceptedBy, honestCertificate } from './handshake.ts';
import { judgeUpstream } from './upstream.ts';

export interface Dialled {
  readonly peer: string;
  /** What the gateway of the peer has shown of itself; undefined: nothing that is known. */
  readonly uris?: readonly string[] | undefined;
  /** The certificate itself, where it is known. */
  readonly certificate?: ShownCertificate;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

const PREFIX = 'import/';

/** One for each tunnel of the peer: a name that means something else now has two for a while. Errors: UNJUDGED. */
export function judgeTunnels(resources: Resources, { peer, uris, certificate, at }: Dialled): readonly Decision[] {
  return resources.listeners().flatMap(({ name = '', internal_listener: internal, filter_chains: [chain] = [] }) => {
    if (internal === undefined || !name.startsWith(PREFIX) || ownMetadata(chain, 'peer') !== peer) return [];
    const proxy = chain?.filters?.[0]?.typed_config;
    if (proxy?.['@type'] !== 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy')
      throw unjudged(`the tunnel ${name}`);
    const cluster = resources.cluster(present(proxy.cluster, name));
    const shown = certificate ?? (uris && namedBy(cluster.transport_socket, resources, uris, at));
    const trail = new Trail();
    trail.pass('listener', name, 'all connections to the peer pass it', `peers.${peer}`);
    const question = { at, ...(shown && { peerGateway: shown }) };
    const source = `peers.${peer}.addresses`;
    return [judgeUpstream(cluster, { question, resources, trail, rule: undefined, source, peer, host: undefined })];
  });
}

/** A certificate that is good but for its names, which alone are known. */
function namedBy(
  socket: ReturnType<Resources['cluster']>['transport_socket'],
  resources: Resources,
  uris: readonly string[],
  at: number,
): ShownCertificate {
  const tls = socket?.typed_config;
  if (tls?.['@type'] !== 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext')
    throw unjudged('the transport socket of a tunnel');
  return honestCertificate(acceptedBy(present(tls.common_tls_context, 'a TLS context'), resources), uris, at);
}
