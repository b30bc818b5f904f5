// Random configurations of one mesh, and an oracle of what each of them allows. An edit can change everything, and the values
// are few, so that two configurations often share some.
// Must not: share code with src/.

import { formatHostPort, type HostPort } from '../../../src/host-port.ts';

export const DOMAINS = ['x.example', 'y.example'] as const;
export type Domain = (typeof DOMAINS)[number];
export const ROOTS = [0, 1, 2] as const;
export const IDENTITIES = ['gateway/a', 'gateway/b'] as const;
const EXPORTS = ['e0', 'e1'] as const;
const METHODS = ['GET', 'POST'] as const;
const PATHS = ['/S/1', '/S/2'] as const;
const LOCAL_NAMES = ['l0.a.svc.cluster.local', 'l1.a.svc.cluster.local'] as const;

/** Who somebody is: a certificate of one root of a mesh. */
export interface Who {
  readonly domain: Domain;
  readonly root: number;
  readonly identity: string;
}

export function labelOf({ domain, root, identity }: Who): string {
  return `${domain}/${root}/${identity}`;
}

export const EVERYBODY: readonly Who[] = DOMAINS.flatMap((domain) =>
  ROOTS.flatMap((root) => IDENTITIES.map((identity) => ({ domain, root, identity }))),
);

/** A request to the ingress gateway, on a connection with that certificate and server name. */
export interface Asked {
  readonly who: Who;
  readonly sni: string;
  readonly exported: string;
  readonly method: string;
  readonly path: string;
}

/** A request to the egress gateway. */
export interface AskedLocally {
  readonly port: number;
  readonly name: string;
}

interface PeerChoice {
  readonly name: string;
  readonly domain: Domain;
  readonly roots: readonly number[];
  readonly identities: readonly string[];
  readonly sni: string | undefined;
  /** Whose gateways are dialled; an edit may name the wrong ones. */
  readonly gateways: readonly Who[];
}

interface Rule {
  readonly peer: string;
  readonly method: string;
  readonly path: string;
  readonly isExpired: boolean;
}

export interface Choice {
  readonly ingress: number;
  readonly peers: readonly PeerChoice[];
  readonly exports: readonly {
    readonly name: string;
    readonly backends: readonly number[];
    readonly protocol: string;
    readonly rules: readonly Rule[];
  }[];
  readonly imports: readonly {
    readonly peer: string;
    readonly name: string;
    readonly as: string;
    readonly port: number;
  }[];
}

/** Where everything listens. */
export interface Places {
  readonly ingress: readonly HostPort[];
  readonly egressHost: string;
  readonly egressPorts: readonly number[];
  readonly backends: readonly HostPort[];
  readonly gateways: ReadonlyMap<string, HostPort>;
}

/** Numbers that a seed determines. */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** 0 ≤ x < 1 (mulberry32). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  }

  chance(of: number): boolean {
    return this.next() < of;
  }

  one<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.next() * items.length)];
    if (item === undefined) throw new Error('nothing to choose from');
    return item;
  }

  /** At least one of them, in their order. */
  some<T>(items: readonly T[], each = 0.5): readonly T[] {
    const chosen = items.filter(() => this.chance(each));
    return chosen.length === 0 ? [this.one(items)] : chosen;
  }
}

/** What is not chosen anew stays as it was: most edits change little. */
export function chooseAfter(random: Random, before: Choice | undefined, places: Places): Choice {
  const keeps = (): boolean => before !== undefined && random.chance(0.5);
  const peers = before !== undefined && keeps() ? before.peers : choosePeers(random, before);
  const names = peers.map(({ name }) => name);
  const kept = (peer: string): boolean => names.includes(peer);
  const exports =
    before !== undefined && keeps()
      ? before.exports.map((one) => ({ ...one, rules: one.rules.filter(({ peer }) => kept(peer)) }))
      : EXPORTS.map((name) => ({
          name,
          backends: random.some([0, 1, 2], 0.3),
          protocol: random.chance(0.85) ? 'http' : 'grpc',
          rules: names.flatMap((peer) => chooseRules(random, peer)),
        }));
  const imports =
    before !== undefined && keeps()
      ? before.imports.filter(({ peer }) => kept(peer))
      : random
          .some(LOCAL_NAMES, 0.9)
          .flatMap((as) =>
            random
              .some(places.egressPorts, 0.6)
              .map((port) => ({ peer: random.one(names), name: random.one(['i0', 'i1']), as, port })),
          );
  return { ingress: random.chance(0.85) ? (before?.ingress ?? 0) : random.one([0, 1]), peers, exports, imports };
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
  if (random.chance(0.3)) return [];
  const isExpired = random.chance(0.15);
  return random
    .some(METHODS, 0.6)
    .flatMap((method) => random.some(PATHS, 0.6).map((path) => ({ peer, method, path, isExpired })));
}

/** Of a gRPC export only POST is ever allowed. */
function rulesOf({ protocol, rules }: Choice['exports'][number]): readonly Rule[] {
  return protocol === 'grpc' ? rules.filter(({ method }) => method === 'POST') : rules;
}

export function bundleFile(domain: Domain, roots: readonly number[]): string {
  return `pki/${domain}-${roots.join('')}.pem`;
}

export function yamlOf({ ingress, peers, exports, imports }: Choice, places: Places): string {
  const at = (who: Who): string => formatHostPort(places.gateways.get(labelOf(who)) ?? { host: '', port: 0 });
  const peerLines = peers.map(
    ({ name, domain, roots, identities, sni, gateways }) =>
      `  ${name}: {trustDomain: ${domain}, trustBundle: ${bundleFile(domain, roots)}, gatewayIdentities: [${identities.join(', ')}], addresses: [${gateways.map((who) => `"${at(who)}"`).join(', ')}]${sni === undefined ? '' : `, sni: ${sni}`}}`,
  );
  const exportLines = exports.flatMap((one) => {
    const rules = rulesOf(one);
    const consumers = [...new Set(rules.map(({ peer }) => peer))].map((peer) => {
      const mine = rules.filter((rule) => rule.peer === peer);
      const allow = mine.map(({ method, path }) => `{methods: [${method}], paths: [${path}]}`).join(', ');
      return `{peer: ${peer}, allow: [${allow}]${mine.some(({ isExpired }) => isExpired) ? ', expires: 2020-01-01' : ''}}`;
    });
    const backends = one.backends.map(
      (index) => `"${formatHostPort(places.backends[index] ?? { host: '', port: 0 })}"`,
    );
    return consumers.length === 0
      ? []
      : [
          `- {name: ${one.name}, protocol: ${one.protocol}, backend: [${backends.join(', ')}], consumers: [${consumers.join(', ')}]}`,
        ];
  });
  const importLines = imports.map(
    ({ peer, name, as, port }) => `- {peer: ${peer}, name: ${name}, as: ${as}, port: ${port}}`,
  );
  const block = (key: string, lines: readonly string[]): string =>
    lines.length === 0 ? '' : `${key}:\n${lines.join('\n')}\n`;
  return `apiVersion: postern/v1
mesh: {name: ours, trustDomain: ours.example}
identity: {issuer: {certificate: pki/ours.example/ca.pem, privateKey: pki/ours.example/ca-key.pem}}
gateways:
  ingress: {address: "${formatHostPort(places.ingress[ingress] ?? { host: '', port: 0 })}"}
  egress: {address: ${places.egressHost}}
${block('peers', peerLines)}${block('exports', exportLines)}${block('imports', importLines)}`;
}

/** Every server name that any choice has. */
export const SERVER_NAMES = ['s0', 's1', ...DOMAINS].map((label) => `${label}.peers.ours.example`);

/** Every request that can be made on a connection to the ingress gateway. */
export const REQUESTS: readonly Omit<Asked, 'who' | 'sni'>[] = EXPORTS.flatMap((exported) =>
  METHODS.flatMap((method) => PATHS.map((path) => ({ exported, method, path }))),
);

export function localRequests({ egressPorts }: Places): readonly AskedLocally[] {
  return egressPorts.flatMap((port) => LOCAL_NAMES.map((name) => ({ port, name })));
}

/** As whom a choice takes this connection. */
export function peerAt({ peers }: Choice, who: Who, sni: string): PeerChoice | undefined {
  return peers.find(
    (peer) =>
      peer.domain === who.domain &&
      peer.roots.includes(who.root) &&
      peer.identities.includes(who.identity) &&
      sni === `${peer.sni ?? peer.domain}.peers.ours.example`,
  );
}

/** What may come of a request: the backend, and the peer that it is told of. */
export function allowed(choice: Choice, { who, sni, exported, method, path }: Asked): readonly string[] {
  const peer = peerAt(choice, who, sni);
  const target = choice.exports.find(({ name }) => name === exported);
  if (peer === undefined || target === undefined) return [];
  const isAllowed = rulesOf(target).some(
    (rule) => rule.peer === peer.name && rule.method === method && rule.path === path && !rule.isExpired,
  );
  return isAllowed ? target.backends.map((backend) => `backend ${backend} as ${peer.name}`) : [];
}

/** Whom a choice takes for this peer; at which address they listen proves nothing. */
function trusted({ domain, roots, identities }: PeerChoice): readonly Who[] {
  return EVERYBODY.filter(
    (who) => who.domain === domain && roots.includes(who.root) && identities.includes(who.identity),
  );
}

/** Whether somebody whom the choice trusts listens at every address of the import's peer. */
export function isServed({ peers, imports }: Choice, { port, name }: AskedLocally): boolean {
  const found = imports.find((one) => one.port === port && one.as === name);
  const peer = peers.find((one) => one.name === found?.peer);
  return peer?.gateways.every((who) => trusted(peer).includes(who)) === true;
}

/** Where a local request may arrive: the gateway, and what it is asked for. */
export function reachable({ peers, imports }: Choice, { port, name }: AskedLocally): readonly string[] {
  const found = imports.find((one) => one.port === port && one.as === name);
  const peer = peers.find((one) => one.name === found?.peer);
  if (found === undefined || peer === undefined) return [];
  const sni = `${peer.sni ?? 'ours.example'}.peers.${peer.domain}`;
  return trusted(peer).map((who) => `${labelOf(who)} ${found.name}.exports.${peer.domain} ${sni}`);
}
