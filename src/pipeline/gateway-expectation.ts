// The values of the model that the boundary check compares a gateway's resources with.
// Must not: ask a builder for any of them.

import type { Expectation } from '../envoy/boundary/checks/expectation.ts';
import { admissionText, workloadsText } from '../envoy/boundary/checks/http/admission-rules.ts';
import { clientsText } from '../envoy/boundary/checks/http/client-rules.ts';
import { backendText } from '../envoy/boundary/checks/tls/backend-rules.ts';
import {
  type Export,
  type Federation,
  type GatewayRole,
  type Grant,
  type HttpExport,
  type HttpGrant,
  type HttpImport,
  type Import,
  isHttpGrant,
  isHttpImport,
  isTcpGrant,
  isTcpImport,
  type Peer,
  type TcpGrant,
} from '../federation/model.ts';
import { labelOf } from '../federation/transition/history.ts';
import type { RetiredName } from '../federation/transition/retired-names.ts';
import { byPeer } from '../federation/transition/served-state.ts';
import { memoizeByIdentity } from '../memoize.ts';
import { expectedLimits } from './limit-expectation.ts';

export interface Expected {
  readonly federation: Federation;
  readonly retired: readonly RetiredName[];
  readonly throwawayRootPem: string;
}

export function expectationOf({ federation, retired, throwawayRootPem }: Expected, role: GatewayRole): Expectation {
  const { mesh, peers } = federation;
  const grants = grantsByPeer(federation.grants);
  const tcp = tcpImports(federation);
  const health = `health.gateway.${mesh.trustDomain}`;
  const admits = (all: readonly HttpGrant[]): ReadonlyMap<string, string> =>
    new Map([...all.map((grant) => [grant.export.authority, grantText(grant)] as const), [health, HEALTH]]);
  const { address = '', port } = federation[role] ?? {};
  const forwarding = peers.filter(({ traceContext }) => traceContext === 'forward');
  const hostsWhere = (chosen: (service: HttpExport | HttpImport) => boolean): ReadonlySet<string> => {
    const of = (label: string, all: readonly HttpGrant[]): readonly string[] =>
      all.filter((grant) => chosen(grant.export)).map((grant) => `${label} ${grant.export.authority}`);
    return new Set([
      ...retired.flatMap((name) => of(labelOf(name), name.meet?.grants ?? [])),
      ...peers.flatMap((peer) => of(labelOf(peer), (grants.get(peer.name) ?? []).filter(isHttpGrant))),
      ...federation.imports
        .filter(isHttpImport)
        .filter(chosen)
        .flatMap(({ port: own, localNames }) => localNames.map((name) => `${own} ${name}`)),
    ]);
  };
  return {
    trustDomain: mesh.trustDomain,
    address,
    ...(port !== undefined && { port }),
    bundles: new Map([
      ...retired.map((name) => [labelOf(name), name.meet?.roots || throwawayRootPem] as const),
      // A peer that has come back under its old name and key has its own bundle again.
      ...peers.map((peer) => [labelOf(peer), peer.bundle.pem] as const),
    ]),
    ...(mesh.bundle && { meshBundle: { key: mesh.bundle.key, pem: mesh.bundle.pem } }),
    backendCas: new Map(federation.backendCas.map(({ key, pem }) => [key, pem])),
    backends: backendTexts(federation.exports),
    admits: new Map([
      ...retired.flatMap((name) => (name.meet ? [[labelOf(name), admits(name.meet.grants)] as const] : [])),
      ...peers.map((peer) => [labelOf(peer), admits((grants.get(peer.name) ?? []).filter(isHttpGrant))] as const),
    ]),
    imports: authorities(federation.imports),
    upgradable: hostsWhere(({ upgrades }) => upgrades.includes('websocket')),
    dropping: hostsWhere(({ underscoreHeaders }) => underscoreHeaders === 'drop'),
    traced: new Set([
      ...forwarding.map(labelOf),
      ...federation.imports
        .filter(({ peer }) => forwarding.some(({ name }) => name === peer))
        .flatMap(({ port: own, localNames }) => localNames.map((name) => `${own} ${name}`)),
    ]),
    tcpExports: new Map(
      peers.map((peer) => [labelOf(peer), tcpExports(peer, (grants.get(peer.name) ?? []).filter(isTcpGrant))]),
    ),
    tcpPorts: new Map(tcp.map(({ port, cluster }) => [port, cluster])),
    tcpServerNames: new Map(
      tcp.flatMap(({ cluster, serverName }) => (cluster === undefined ? [] : [[cluster, serverName]])),
    ),
    limits: expectedLimits(federation, retired, health),
    ...(federation.callers && { clients: clientTexts(federation.imports) }),
    gateways: new Map(
      peers.map((peer) => [labelOf(peer), peer.addresses.map(({ host, port: own }) => `${host} ${own}`)]),
    ),
  };
}

/** The gateways of a peer may ask whether this gateway is alive. */
const HEALTH = 'GET =/healthz';

const backendTexts = memoizeByIdentity(
  (exports: readonly Export[]): ReadonlyMap<string, string> =>
    new Map(
      exports.map(({ name, key, tls, backends }) => [
        `${name}@${key}`,
        backendText(
          tls,
          backends.map(({ host }) => host),
        ),
      ]),
    ),
);

const grantText = memoizeByIdentity(({ allow, export: { requestBodies } }: HttpGrant): string => {
  const pairs = allow.flatMap(({ methods, paths, workloads = [] }) => {
    const callers = workloadsText(workloads.map(comparable));
    return methods.flatMap((method) => paths.map((path) => `${method} ${comparable(path)}${callers}`));
  });
  return admissionText(pairs, requestBodies === 'any-method');
});

function comparable(rule: { readonly exact: string } | { readonly prefix: string }): string {
  return 'exact' in rule ? `=${rule.exact}` : `<${rule.prefix}`;
}

const grantsByPeer = memoizeByIdentity((grants: readonly Grant[]) => byPeer(grants));

const clientTexts = memoizeByIdentity(
  (imports: readonly Import[]): ReadonlyMap<string, string> =>
    new Map(
      imports.flatMap(({ protocol, port, localNames, clients = [] }) => {
        const text = clientsText(clients.map((one) => ('exact' in one ? `=${one.exact}` : `<${one.prefix}`)));
        // A TCP import has its port for itself, and a caller names no host.
        if (protocol === 'tcp') return [[String(port), text] as const];
        return localNames.map((name) => [`${port} ${name}`, text] as const);
      }),
    ),
);

const authorities = memoizeByIdentity(
  (imports: readonly Import[]): ReadonlyMap<string, string> =>
    new Map(
      imports
        .filter(isHttpImport)
        .flatMap(({ port, localNames, authority }) => localNames.map((name) => [`${port} ${name}`, authority])),
    ),
);

function tcpExports({ inboundServerName: server }: Peer, grants: readonly TcpGrant[]): ReadonlyMap<string, string> {
  return new Map(grants.map(({ export: { name, key } }) => [`${name}.tcp.${server}`, `${name}@${key}`]));
}

interface ExpectedTcpImport {
  readonly port: string;
  /** Undefined: its peer is denied. */
  readonly cluster: string | undefined;
  readonly serverName: string;
}

function tcpImports({ peers, imports }: Federation): readonly ExpectedTcpImport[] {
  const byName = new Map(peers.map((peer) => [peer.name, peer]));
  return imports.filter(isTcpImport).map(({ port, name, peer: owner, denied }) => {
    const peer = denied ? undefined : byName.get(owner);
    const cluster = peer && `tcp/${labelOf(peer)}/${name}`;
    return { port: String(port), cluster, serverName: `${name}.tcp.${peer?.outboundServerName}` };
  });
}
