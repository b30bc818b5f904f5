// Random configurations of one mesh, as values and as text. An edit can change everything; most change little.
// Must not: judge what a configuration allows (flip-oracle.ts).

import { formatHostPort, type HostPort } from '../../../src/host-port.ts';
import type { Random } from '../../support/random.ts';
import {
  BACKENDS,
  CLIENTS,
  DOMAINS,
  type Domain,
  EVERYBODY,
  EXPORTS,
  IDENTITIES,
  LOCAL_NAMES,
  labelOf,
  METHODS,
  OWN_ROOTS,
  PATHS,
  type Places,
  ROOTS,
  type Tls,
  type Who,
} from './flip-values.ts';

export interface PeerChoice {
  readonly name: string;
  readonly domain: Domain;
  readonly roots: readonly number[];
  readonly identities: readonly string[];
  readonly sni: string | undefined;
  /** Whose gateways are dialled; an edit may name the wrong ones. */
  readonly gateways: readonly Who[];
}

export interface Rule {
  readonly peer: string;
  readonly method: string;
  readonly path: string;
  readonly isExpired: boolean;
}

export interface ExportChoice {
  readonly name: string;
  readonly backends: readonly number[];
  readonly protocol: 'http' | 'grpc' | 'tcp';
  readonly tls: Tls | undefined;
  readonly rules: readonly Rule[];
}

export interface ImportChoice {
  readonly peer: string;
  readonly name: string;
  readonly as: string;
  readonly port: number;
  readonly protocol: 'http' | 'tcp';
  /** Written only where callers prove who they are. */
  readonly clients: readonly string[];
}

export interface Choice {
  readonly ingress: number;
  /** The CAs of our own workloads. */
  readonly ownRoots: readonly number[];
  readonly callers: 'plaintext' | 'mtls';
  readonly peers: readonly PeerChoice[];
  readonly exports: readonly ExportChoice[];
  readonly imports: readonly ImportChoice[];
}

/** What is not chosen anew stays as it was. */
export function chooseAfter(random: Random, before: Choice | undefined, places: Places): Choice {
  const keeps = (of = 0.5): boolean => before !== undefined && random.chance(of);
  const peers = before !== undefined && keeps() ? before.peers : choosePeers(random, before);
  const names = peers.map(({ name }) => name);
  const kept = (peer: string): boolean => names.includes(peer);
  const exports = EXPORTS.map((name, index): ExportChoice => {
    const old = before?.exports[index];
    return old !== undefined && keeps(0.6)
      ? { ...old, rules: old.rules.filter(({ peer }) => kept(peer)) }
      : chooseExport(random, name, names);
  });
  const imports = places.egressPorts.flatMap((port) => {
    const old = before?.imports.filter((one) => one.port === port && kept(one.peer));
    return old !== undefined && keeps(0.6) ? old : chooseImports(random, port, names);
  });
  return {
    ingress: random.chance(0.85) ? (before?.ingress ?? 0) : random.one([0, 1]),
    ownRoots: keeps(0.7) ? (before?.ownRoots ?? []) : random.some(OWN_ROOTS, 0.7),
    callers: keeps(0.7) ? (before?.callers ?? 'mtls') : random.one(['plaintext', 'mtls']),
    peers,
    exports,
    imports,
  };
}

function chooseExport(random: Random, name: string, peers: readonly string[]): ExportChoice {
  const backends = random.some([0, 1, 2], 0.3);
  return {
    name,
    backends,
    protocol: random.one(['http', 'http', 'grpc', 'tcp', 'tcp']),
    tls: random.chance(0.4) ? undefined : chooseTls(random, backends),
    rules: peers.flatMap((peer) => chooseRules(random, peer)),
  };
}

/** Mostly what the first of the backends can prove. */
function chooseTls(random: Random, [first = 0]: readonly number[]): Tls {
  const { identity, serverName, root } = (random.chance(0.85) ? BACKENDS[first] : undefined) ?? random.one(BACKENDS);
  return random.chance(0.5) ? { mode: 'mtls', identity } : { mode: 'simple', serverName, ca: root };
}

function chooseImports(random: Random, port: number, peers: readonly string[]): readonly ImportChoice[] {
  const one = (as: string, protocol: 'http' | 'tcp'): ImportChoice => ({
    peer: random.one(peers),
    name: random.one(protocol === 'tcp' ? ['t0', 't1'] : ['i0', 'i1']),
    as,
    port,
    protocol,
    clients: random.one<readonly string[]>([CLIENTS, ['ns/a/*'], [CLIENTS[0]], [CLIENTS[1]], [CLIENTS[0], 'ns/a/*']]),
  });
  if (random.chance(0.1)) return [];
  return random.chance(0.4) ? [one(LOCAL_NAMES[0], 'tcp')] : random.some(LOCAL_NAMES, 0.9).map((as) => one(as, 'http'));
}

function choosePeers(random: Random, before: Choice | undefined): readonly PeerChoice[] {
  const swapped = random.chance(0.5);
  const labels = random.one([[], ['s0', 's1'], ['s1', 's0'], ['s0']]);
  return random.some(DOMAINS, 0.85).map((domain) => {
    const old = before?.peers.find((one) => one.domain === domain);
    const [roots, identities] =
      old !== undefined && random.chance(0.3)
        ? [old.roots, old.identities]
        : [random.some(ROOTS), random.some(IDENTITIES, 0.6)];
    const right = EVERYBODY.filter((who) => who.domain === domain && roots.includes(who.root));
    return {
      name: (domain === 'x.example') !== swapped ? 'p' : 'q',
      domain,
      roots,
      identities,
      sni: labels[DOMAINS.indexOf(domain)],
      gateways: random.some(random.chance(0.85) ? right : EVERYBODY, 0.25).slice(0, 3),
    };
  });
}

function chooseRules(random: Random, peer: string): readonly Rule[] {
  if (random.chance(0.25)) return [];
  const isExpired = random.chance(0.12);
  return random
    .some(METHODS, 0.6)
    .flatMap((method) => random.some(PATHS, 0.6).map((path) => ({ peer, method, path, isExpired })));
}

/** Of a gRPC export only POST is ever allowed; of TCP there are no rules, and a consumer is allowed as a whole. */
export function rulesOf({ protocol, rules }: ExportChoice): readonly Rule[] {
  switch (protocol) {
    case 'http':
      return rules;
    case 'grpc':
      return rules.filter(({ method }) => method === 'POST');
    case 'tcp':
      return [...new Map(rules.map((rule) => [rule.peer, { ...rule, method: '', path: '' }])).values()];
  }
}

export function bundleFile(domain: Domain, roots: readonly number[]): string {
  return `pki/${domain}-${roots.join('')}.pem`;
}

export function ownBundleFile(roots: readonly number[]): string {
  return `pki/own-${roots.join('')}.pem`;
}

export function serverCaFile(root: number | string): string {
  return `pki/servers-${root}.pem`;
}

export function yamlOf(choice: Choice, places: Places): string {
  const { ingress, ownRoots, callers, peers, exports, imports } = choice;
  const exportLines = exports.flatMap((one) => exportLine(one, places));
  const importLines = imports.map(
    ({ peer, name, as, port, protocol, clients }) =>
      `- {peer: ${peer}, name: ${name}, as: ${as}, port: ${port}, protocol: ${protocol}${callers === 'mtls' ? `, clients: [${clients.join(', ')}]` : ''}}`,
  );
  const block = (key: string, lines: readonly string[]): string =>
    lines.length === 0 ? '' : `${key}:\n${lines.join('\n')}\n`;
  return `apiVersion: postern/v1
mesh: {name: ours, trustDomain: ours.example, trustBundle: ${ownBundleFile(ownRoots)}}
identity: {issuer: {certificate: pki/ours.example/ca.pem, privateKey: pki/ours.example/ca-key.pem}}
gateways:
  ingress: {address: "${at(places.ingress[ingress])}"}
  egress: {address: ${places.egressHost}, clients: ${callers}}
${block(
  'peers',
  peers.map((peer) => peerLine(peer, places)),
)}${block('exports', exportLines)}${block('imports', importLines)}`;
}

function peerLine({ name, domain, roots, identities, sni, gateways }: PeerChoice, places: Places): string {
  const addresses = gateways.map((who) => `"${at(places.gateways.get(labelOf(who)))}"`).join(', ');
  const label = sni === undefined ? '' : `, sni: ${sni}`;
  return `  ${name}: {trustDomain: ${domain}, trustBundle: ${bundleFile(domain, roots)}, gatewayIdentities: [${identities.join(', ')}], addresses: [${addresses}]${label}}`;
}

function exportLine(exported: ExportChoice, places: Places): readonly string[] {
  const { name, protocol, tls } = exported;
  const rules = rulesOf(exported);
  const consumers = [...new Set(rules.map(({ peer }) => peer))].map((peer) => {
    const mine = rules.filter((rule) => rule.peer === peer);
    const allow = mine.map(({ method, path }) => `{methods: [${method}], paths: [${path}]}`).join(', ');
    const expires = mine.some(({ isExpired }) => isExpired) ? ', expires: 2020-01-01' : '';
    return `{peer: ${peer}${protocol === 'tcp' ? '' : `, allow: [${allow}]`}${expires}}`;
  });
  if (consumers.length === 0) return [];
  const addresses = `[${exported.backends.map((index) => `"${at(places.backends[index])}"`).join(', ')}]`;
  const backend = tls === undefined ? addresses : `{addresses: ${addresses}, ${tlsKeys(tls)}}`;
  return [`- {name: ${name}, protocol: ${protocol}, backend: ${backend}, consumers: [${consumers.join(', ')}]}`];
}

function tlsKeys(tls: Tls): string {
  return tls.mode === 'mtls'
    ? `tls: mtls, identity: ${tls.identity}`
    : `tls: simple, serverName: ${tls.serverName}, ca: ${serverCaFile(tls.ca)}`;
}

function at(place: HostPort | undefined): string {
  if (place === undefined) throw new Error('nobody listens there');
  return formatHostPort(place);
}
