// The connections that an honest client would make: what the resources themselves expect of a peer, or of a workload of ours.
// Must not: judge; a question about such a client is judged like any other.

import type { ResourceJson } from '../../envoy/proto/types.gen.ts';
import type { Hello, ShownCertificate } from '../answer/question.ts';
import { ownMetadata } from '../matching/own-metadata.ts';
import { type Listener, Resources } from '../matching/resources.ts';
import { asked, lowerCase } from '../matching/text-match.ts';
import { present, unjudged } from '../matching/unjudged.ts';
import { acceptedBy, honestCertificate } from './handshake.ts';

type FilterChain = NonNullable<Listener['filter_chains']>[number];

/** How a gateway of the peer connects for HTTP, or to one TCP export; undefined when no filter chain is the peer's. */
export function peerHello(
  resources: readonly ResourceJson[],
  peer: string,
  at: number,
  tcpExport?: string,
): Hello | undefined {
  const all = new Resources(resources);
  for (const { filter_chains: chains = [], internal_listener: internal } of all.listeners()) {
    const chain = chains.find((one) => internal === undefined && isOf(one, peer, tcpExport));
    if (chain === undefined) continue;
    const { server_names: [serverName] = [], application_protocols: alpn = [] } = chain.filter_chain_match ?? {};
    const certificate = acceptedCertificate(chain, all, at, undefined);
    return { alpn, ...(serverName !== undefined && { serverName }), ...(certificate && { certificate }) };
  }
  return undefined;
}

/** How a workload of our own connects at a port of the egress gateway; undefined where callers speak no TLS. */
export function workloadHello(
  resources: readonly ResourceJson[],
  port: number,
  workload: string | undefined,
  protocol: 'http/1.1' | 'h2' | 'tcp',
  at: number,
): Hello | undefined {
  const all = new Resources(resources);
  const listener = all.listeners().find((one) => one.address?.socket_address?.port_value === port);
  const [chain] = listener?.filter_chains ?? [];
  if (chain?.transport_socket === undefined) return undefined;
  const certificate = workload === undefined ? undefined : acceptedCertificate(chain, all, at, workload);
  return { alpn: protocol === 'tcp' ? [] : [protocol], ...(certificate && { certificate }) };
}

function isOf(chain: FilterChain, peer: string, tcpExport: string | undefined): boolean {
  return ownMetadata(chain, 'peer') === peer && ownMetadata(chain, 'service') === tcpExport;
}

/** Of the first CA and the first name that the chain accepts. */
function acceptedCertificate(
  chain: FilterChain,
  resources: Resources,
  at: number,
  workload: string | undefined,
): ShownCertificate | undefined {
  const tls = chain.transport_socket?.typed_config;
  if (tls?.['@type'] !== 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext')
    throw unjudged(`the transport socket of ${chain.name}`);
  const accepts = acceptedBy(present(tls.common_tls_context, 'a TLS context'), resources);
  const [name] = accepts.names;
  if (name?.matcher === undefined) throw unjudged(`what ${chain.name} accepts`);
  return honestCertificate(accepts, [workload ?? asked(name.matcher)], at);
}

/** What a gateway of a peer writes about its caller. */
export function claimHeader(gateway: string, workload: string): readonly [name: string, value: string] {
  return ['x-forwarded-client-cert', `By=${gateway};Hash=${'0'.repeat(64)};URI=${workload}`];
}

/** Whether the port of an egress gateway has the name, in any of its spellings. */
export function hasName(resources: readonly ResourceJson[], port: number, name: string): boolean {
  const routes = resources.filter(
    (one) =>
      one['@type'].endsWith('.RouteConfiguration') && 'name' in one && one.name?.split('@')[0] === `egress/${port}`,
  );
  return routes.some(
    (one) =>
      'virtual_hosts' in one &&
      (one.virtual_hosts ?? []).some(({ domains = [] }) =>
        domains.some((domain) => lowerCase(domain) === lowerCase(name)),
      ),
  );
}
