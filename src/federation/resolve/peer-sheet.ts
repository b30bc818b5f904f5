// The sheet that two teams exchange, as data: what a peer writes into its file about us, and what it is granted.
// Must not: name another peer, a backend, a private key, or anything else that the peer does not need.

import type {
  AllowRuleConfig,
  Config,
  ConsumerConfig,
  HttpConsumerConfig,
  HttpProtocol,
  Upgrade,
} from '../../config/schema/config.ts';
import type { HostPort } from '../../host-port.ts';
import type { TrustDomain } from '../../trust/spiffe.ts';
import type { Certificate } from '../../trust/x509/certificate.ts';
import { type Grant, isTcpGrant } from '../model.ts';
import { serverName, tcpServerName } from '../wire-names.ts';
import type { Resolved } from './resolve.ts';

export interface PeerSheet {
  readonly mesh: string;
  readonly trustDomain: string;
  /** Absent with `identity.files`: Postern does not know the CA that signs there. */
  readonly trustBundle?: {
    readonly pem: string;
    /** SHA-256 of the certificate, hex, to compare over another channel. */
    readonly fingerprint: string;
    readonly notAfter: string;
  };
  /** SPIFFE paths of our gateways. */
  readonly gatewayIdentities: readonly string[];
  /** HOST:PORT; empty when the configuration does not say what peers dial. */
  readonly addresses: readonly string[];
  /** Present with `--to`. */
  readonly to?: {
    readonly peer: string;
    readonly trustDomain: string;
    /** The label, if it is not the trust domain of the caller; both files have the same. */
    readonly sni?: string;
    /** The server name that the peer sends to us, and the one that we send to the peer. */
    readonly serverNames: { readonly inbound: string; readonly outbound: string };
    readonly exports: readonly OfferedExport[];
  };
}

export type OfferedExport = OfferedHttpExport | OfferedTcpExport;

interface AnyOfferedExport {
  readonly name: string;
  /** The last day of the grant (UTC). */
  readonly expires?: string;
}

interface OfferedHttpExport extends AnyOfferedExport {
  readonly protocol: HttpProtocol;
  readonly authority: string;
  readonly upgrades: readonly Upgrade[];
  readonly allow: readonly AllowRuleConfig[];
}

interface OfferedTcpExport extends AnyOfferedExport {
  readonly protocol: 'tcp';
  /** The server name (SNI) of its connections. */
  readonly serverName: string;
}

/** Without `to`, what every peer may know. `undefined` when there is no peer of that name. */
export function peerSheet(config: Config, resolved: Resolved, to: string | undefined): PeerSheet | undefined {
  const { mesh, gateways } = config;
  const recipient = to === undefined ? undefined : offeredTo(config, resolved, to);
  if (to !== undefined && recipient === undefined) return undefined;
  const anchor = resolved.issuer?.chain.at(-1);
  return {
    mesh: mesh.name,
    trustDomain: mesh.trustDomain,
    ...(anchor !== undefined && { trustBundle: bundleOf(anchor) }),
    gatewayIdentities: [gateways.ingress, gateways.egress].flatMap((gateway) => gateway?.identity ?? []),
    addresses: addressesOf(gateways.ingress).map(shown),
    ...(recipient !== undefined && { to: recipient }),
  };
}

/** The last CA of the issuer's file: everything below it comes with each certificate. */
function bundleOf({ pem, fingerprint, notAfter }: Certificate): NonNullable<PeerSheet['trustBundle']> {
  return { pem, fingerprint, notAfter: new Date(notAfter).toISOString() };
}

function addressesOf(ingress: Config['gateways']['ingress']): readonly HostPort[] {
  if (ingress === undefined) return [];
  if (ingress.advertise.length > 0) return ingress.advertise;
  // Peers cannot dial a wildcard.
  return /^[0:.]*$/.test(ingress.address.host) ? [] : [ingress.address];
}

function shown({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function offeredTo(config: Config, { federation }: Resolved, name: string): PeerSheet['to'] {
  const peer = config.peers.find((one) => one.name === name);
  if (peer === undefined) return undefined;
  const { trustDomain, sni } = peer;
  const ours = federation.mesh.trustDomain;
  const inbound = serverName(sni ?? trustDomain, ours);
  return {
    peer: name,
    trustDomain,
    ...(sni !== undefined && { sni }),
    serverNames: {
      inbound,
      outbound: serverName(sni ?? ours, trustDomain as TrustDomain),
    },
    exports: federation.grants.filter((grant) => grant.peer === name).map((grant) => offered(config, grant, inbound)),
  };
}

function offered(config: Config, grant: Grant, inbound: string): OfferedExport {
  const { name } = grant.export;
  const consumers: readonly (ConsumerConfig | HttpConsumerConfig)[] =
    config.exports.find((one) => one.name === name)?.consumers ?? [];
  const consumer = consumers.find((one) => one.peer === grant.peer);
  const expires = consumer?.expires === undefined ? {} : { expires: consumer.expires };
  if (isTcpGrant(grant)) return { name, protocol: 'tcp', serverName: tcpServerName(name, inbound), ...expires };
  const { authority, protocol, upgrades } = grant.export;
  const allow = consumer && 'allow' in consumer ? consumer.allow : [];
  return { name, authority, protocol, upgrades, allow, ...expires };
}
