// The resolved model: what this mesh grants to which peers, and what it imports from them. Translation reads only this.
// Must not: hold configuration syntax, files, or Envoy's names.

import type {
  HttpProtocol,
  LeafKey,
  RequestBodies,
  Timeouts,
  TraceContext,
  UnderscoreHeaders,
  Upgrade,
} from '../config/schema/config.ts';
import type { GatewayLimits, PeerLimits, ServiceLimits } from '../config/schema/values/limit-values.ts';
import type { HostPort } from '../host-port.ts';
import type { CaFile, TrustBundle } from '../trust/bundle.ts';
import type { SpiffeId, TrustDomain } from '../trust/spiffe.ts';

/** Our own mesh: the one that this process serves. */
export interface Mesh {
  readonly name: string;
  readonly trustDomain: TrustDomain;
  /** The CAs of our own workloads. Absent: the configuration names none, or none is usable; then what needs them is denied. */
  readonly bundle?: MeshBundle;
}

export interface MeshBundle extends TrustBundle {
  /** A digest of its trust domain and all of its roots (meaning-digest.ts): part of the name of everything that trusts it. */
  readonly key: string;
}

export type {
  HttpProtocol,
  LeafKey,
  RequestBodies,
  Timeouts,
  TraceContext,
  UnderscoreHeaders,
  Upgrade,
} from '../config/schema/config.ts';
export type { PeerLimits, ServiceLimits } from '../config/schema/values/limit-values.ts';
export type { HostPort } from '../host-port.ts';

/** One remote mesh: trusted only by its own bundle, only as its own trust domain. */
export interface Peer {
  readonly name: string;
  /** A digest of what its connections were authenticated with (meaning-digest.ts): part of the name of everything that trusts it. */
  readonly key: string;
  /** A digest of its trust domain alone. */
  readonly domainKey: string;
  /** Part of its filter chains, so that connections of another generation end (transition.ts); absent in what is only shown. */
  readonly generation?: string;
  readonly trustDomain: TrustDomain;
  readonly bundle: TrustBundle;
  /** Their identities that we accept, in either direction; never empty. */
  readonly gatewayIdentities: readonly SpiffeId[];
  /** Where their ingress gateways listen; empty when we import nothing from them. */
  readonly addresses: readonly HostPort[];
  readonly leafKeys: readonly LeafKey[];
  /** The SNI that they send to our ingress gateway: `<label>.peers.<our trust domain>`. */
  readonly inboundServerName: string;
  /** The SNI that we send to theirs: `<label>.peers.<their trust domain>`. */
  readonly outboundServerName: string;
  /** What becomes of trace context and request IDs, in both directions. */
  readonly traceContext: TraceContext;
  readonly limits?: PeerLimits;
}

/** A configured peer without a usable trust bundle: no connection can prove to be from it, and nothing is sent to it. */
export interface DeniedPeer {
  readonly name: string;
  readonly trustDomain: TrustDomain;
}

/** A path rule: the path itself, or everything below a prefix that ends in a slash. */
export type PathRule = { readonly exact: string } | { readonly prefix: string };

/** A workload of one mesh, or every one below a prefix that ends in a slash; with the trust domain. */
export type Workload = { readonly exact: SpiffeId } | { readonly prefix: string };

/** One allow rule: a request passes when its method, its path and its workload are all listed. No list is ever empty. */
export interface AllowRule {
  /** Its place in `allow` of the file, from 0; absent: the consumer is the rule. */
  readonly at?: number;
  readonly methods: readonly string[];
  readonly paths: readonly PathRule[];
  /** Who may call, as claimed by the peer's gateway; absent: nobody needs a claim. */
  readonly workloads?: readonly Workload[];
}

/** One export granted to one peer, now. */
export type Grant = HttpGrant | TcpGrant;

export interface HttpGrant {
  readonly peer: string;
  readonly export: HttpExport;
  readonly allow: readonly AllowRule[];
  readonly limits?: ServiceLimits;
}

/** A gateway sees no requests in it: the peer may send and receive what it likes. */
export interface TcpGrant {
  readonly peer: string;
  readonly export: TcpExport;
  /** Of connections alone. */
  readonly limits?: ServiceLimits;
}

/** A local service that is offered across the boundary. */
export type Export = HttpExport | TcpExport;

interface AnyExport {
  /** The name in the contract with the peers. */
  readonly name: string;
  /** A digest of protocol, backends and their TLS: part of the name of every cluster that leads there. */
  readonly key: string;
  /** Never empty. */
  readonly backends: readonly HostPort[];
  /** Absent: they are dialled without TLS. */
  readonly tls?: BackendTls;
}

/** How the ingress gateway proves that it has reached the backend of an export. */
export type BackendTls =
  | {
      /** A workload of our own mesh: the gateway proves its own identity too. */
      readonly mode: 'mtls';
      readonly identity: SpiffeId;
      /** The key of the mesh's bundle; empty: there is none, and the export is denied. */
      readonly trust: string;
    }
  | {
      readonly mode: 'simple';
      /** A DNS name of its certificate. */
      readonly serverName: string;
      /** The key of a BackendCa; empty: there is none, and the export is denied. */
      readonly trust: string;
    };

/** The CA certificates of one file that an export names for its backend. */
export interface BackendCa extends CaFile {
  /** A digest of all of them: part of the name of everything that trusts them. */
  readonly key: string;
}

export interface HttpExport extends AnyExport {
  readonly protocol: HttpProtocol;
  /** `<name>.exports.<our trust domain>`. */
  readonly authority: string;
  readonly requestBodies: RequestBodies;
  /** What a request may turn its stream into. */
  readonly upgrades: readonly Upgrade[];
  readonly underscoreHeaders: UnderscoreHeaders;
  readonly timeouts: Timeouts;
}

/** Its server name is that of the peer behind `<name>.tcp.` (wire-names.ts). */
export interface TcpExport extends AnyExport {
  readonly protocol: 'tcp';
}

/** A peer's export made reachable here under a local name. */
export type Import = HttpImport | TcpImport;

interface AnyImport {
  readonly peer: string;
  readonly name: string;
  /** Every host name by which local callers ask for it; the first is the one in the configuration. */
  readonly localNames: readonly string[];
  readonly port: number;
  readonly limits?: ServiceLimits;
  /** Present when callers prove who they are (Federation.callers): who may use it, never empty, in the order of the file. */
  readonly clients?: readonly Workload[];
  /** Its peer is denied: callers reach the port, and get a 503 or a closed connection. */
  readonly denied?: true;
}

export interface HttpImport extends AnyImport {
  readonly protocol: HttpProtocol;
  readonly upgrades: readonly Upgrade[];
  readonly underscoreHeaders: UnderscoreHeaders;
  /** As configured; the gateway waits a little longer. */
  readonly timeouts: Timeouts;
  /** `<name>.exports.<their trust domain>`. */
  readonly authority: string;
}

/** The only import at its port. */
export interface TcpImport extends AnyImport {
  readonly protocol: 'tcp';
}

export function isTcpGrant(grant: Grant): grant is TcpGrant {
  return grant.export.protocol === 'tcp';
}

export function isHttpGrant(grant: Grant): grant is HttpGrant {
  return !isTcpGrant(grant);
}

export function isTcpImport(imported: Import): imported is TcpImport {
  return imported.protocol === 'tcp';
}

export function isHttpImport(imported: Import): imported is HttpImport {
  return !isTcpImport(imported);
}

/** Callers of the egress gateway prove with a certificate of `Mesh.bundle` who they are; without that bundle nobody is admitted. */
export interface Callers {
  /** The local names of all imports, sorted: the names in the certificate that callers are shown. */
  readonly names: readonly string[];
}

export type GatewayRole = 'ingress' | 'egress';

/** A set of identical Envoys with one role. */
export interface Gateway {
  readonly role: GatewayRole;
  readonly identity: SpiffeId;
  /** The IP address to bind; egress ports come from the imports. */
  readonly address: string;
  /** The port that peers dial; ingress only. */
  readonly port?: number;
  /** Part of the bootstrap, not of any resource. */
  readonly limits?: GatewayLimits;
}

/** Our own mesh, where a mesh is named by the name of its peer. No peer has this name. */
export const OUR_MESH = '';

/** How our gateways prove who they are. */
export type IdentitySource =
  | { readonly kind: 'issuer' }
  /** Files on the gateway's own disk: the key never enters the control plane. */
  | { readonly kind: 'files'; readonly certificate: string; readonly privateKey: string };

/** The whole model, at one moment. */
export interface Federation {
  readonly mesh: Mesh;
  readonly identitySource: IdentitySource;
  readonly ingress?: Gateway;
  readonly egress?: Gateway;
  /** Absent: the egress gateway takes plaintext, from every client that reaches it. */
  readonly callers?: Callers;
  /** Those with a usable trust bundle; sorted by name. */
  readonly peers: readonly Peer[];
  /** The other configured peers; sorted by name. */
  readonly deniedPeers: readonly DeniedPeer[];
  /** Sorted by name; each once, however many peers may use it. */
  readonly exports: readonly Export[];
  /** Each once, however many exports need it, in the order of their names. */
  readonly backendCas: readonly BackendCa[];
  /** Grants that have not expired, to peers that are not denied; sorted by peer, then export. */
  readonly grants: readonly Grant[];
  /** Sorted by port, then local name. */
  readonly imports: readonly Import[];
  /** When the next grant expires (milliseconds since the epoch), if one does. */
  readonly nextExpiry?: number;
}
