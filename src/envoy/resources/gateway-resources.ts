// From the resolved model to the drafts of all resources of one gateway: the table of contents of this folder.
// Must not: build a resource here (drafts do, and only when their inputs changed), encode, or check.

import {
  type Federation,
  type Gateway,
  type GatewayRole,
  type Import,
  isHttpGrant,
  isHttpImport,
  isTcpGrant,
  isTcpImport,
  type Peer,
} from '../../federation/model.ts';
import type { RetiredName } from '../../federation/transition/retired-names.ts';
import type { GatewayIdentity } from '../../trust/issuing/identities.ts';
import type { Draft } from '../draft.ts';
import { peerChain } from '../resource-names.ts';
import { grantClusters, importClusters, tcpImportClusters } from './cluster.ts';
import { egressListeners, tcpEgressListeners } from './egress-listener.ts';
import { ingressListener } from './ingress-listener.ts';
import { egressRoutes, ingressRoutes, retiredRoutes } from './route.ts';
import { callersGates } from './tcp/callers-gate.ts';
import { gates } from './tcp/gate.ts';
import {
  backendSecrets,
  bundleSecrets,
  callersCertificate,
  certificateSecrets,
  meshBundleSecret,
  retiredBundles,
} from './tls/secret.ts';
import { tunnels } from './tunnel.ts';

export type { Draft } from '../draft.ts';

export interface TranslateInput {
  readonly federation: Federation;
  readonly role: GatewayRole;
  /** The certificate and key that this gateway shows to a peer, or to our own callers; called only when `identitySource` is the issuer. */
  readonly identity: (peer?: string) => GatewayIdentity | undefined;
  /** Names that are no longer in use: their routes and bundles hold what both models admit, or deny. */
  readonly retired: readonly RetiredName[];
  /** The certificate (PEM) of a root that nobody has the key of, for the bundles of removed peers. */
  readonly throwawayRootPem: string;
}

/** The drafts of every resource of one gateway; none when the model has no such gateway. */
export function translate(input: TranslateInput): readonly Draft[] {
  const gateway = input.federation[input.role];
  if (gateway === undefined) return [];
  return input.role === 'ingress' ? translateIngress(input, gateway) : translateEgress(input, gateway);
}

function translateIngress({ federation, identity, ...input }: TranslateInput, gateway: Gateway): readonly Draft[] {
  const { mesh, peers, identitySource } = federation;
  const grants = groupBy(federation.grants.filter(isHttpGrant), (grant) => grant.peer);
  const tcpGrants = federation.grants.filter(isTcpGrant);
  const chains = new Set(peers.map(peerChain));
  const retired = input.retired.filter((peer) => !chains.has(peerChain(peer)));
  return [
    ...grantClusters(identitySource, peers, federation.grants),
    ...certificateSecrets('ingress', identitySource, peers, identity),
    ...backendSecrets(
      federation,
      federation.grants.map((grant) => grant.export),
      () => identity(),
    ),
    ...bundleSecrets(peers),
    ...retiredBundles(retired, input.throwawayRootPem),
    ...peers.map((peer) => ingressRoutes(mesh, peer, grants.get(peer.name) ?? [])),
    ...retiredRoutes(mesh, retired),
    ...gates(mesh, peers, tcpGrants),
    ...ingressListener(
      mesh,
      gateway,
      identitySource,
      peers,
      groupBy(tcpGrants, (grant) => grant.peer),
    ),
  ];
}

function translateEgress({ federation, identity }: TranslateInput, gateway: Gateway): readonly Draft[] {
  const { mesh, imports, identitySource, callers } = federation;
  const tcpImports = imports.filter(isTcpImport);
  const httpImports = imports.filter(isHttpImport);
  const ports = groupBy(httpImports, (imported) => imported.port);
  const peers = peersOf(federation, imports);
  const httpPeers = peersOf(federation, httpImports);
  return [
    ...importClusters(identitySource, httpPeers, httpImports),
    ...tcpImportClusters(identitySource, peers, tcpImports),
    ...certificateSecrets('egress', identitySource, peers, identity),
    ...bundleSecrets(peers),
    ...(callers === undefined ? [] : callersSecrets(federation, peers, identity)),
    ...egressRoutes(ports, httpPeers, callers, mesh.bundle),
    ...egressListeners({ mesh, gateway, source: identitySource, callers, ports }),
    ...(callers === undefined || mesh.bundle === undefined ? [] : callersGates(mesh, mesh.bundle, peers, tcpImports)),
    ...tcpEgressListeners({ mesh, gateway, source: identitySource, callers }, peers, tcpImports),
    ...tunnels(mesh, httpPeers),
  ];
}

/** The peers that are called. */
function peersOf({ peers }: Federation, imports: readonly Import[]): readonly Peer[] {
  const wanted = new Set(imports.filter(({ denied }) => !denied).map((imported) => imported.peer));
  return peers.filter(({ name }) => wanted.has(name));
}

/** None without the CAs of our own workloads, when there is no listener either. */
function callersSecrets(
  { mesh, identitySource, imports }: Federation,
  peers: readonly Peer[],
  identity: TranslateInput['identity'],
): readonly Draft[] {
  if (mesh.bundle === undefined || imports.length === 0) return [];
  if (identitySource.kind === 'issuer')
    return [callersCertificate(identitySource, identity()), meshBundleSecret(mesh.bundle)];
  // The files are those that peers are shown, so they are in a secret already, unless no peer is called.
  const certificate = peers.length === 0 ? [callersCertificate(identitySource, undefined)] : [];
  return [...certificate, meshBundleSecret(mesh.bundle)];
}

function groupBy<T, K>(items: readonly T[], keyOf: (item: T) => K): ReadonlyMap<K, readonly T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}
