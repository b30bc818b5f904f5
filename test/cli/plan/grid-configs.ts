// Random pairs of small configurations, as values and as text, whose rules lie close to each other: below, beside and around.
// The second is the first after a few edits, some of which change nothing that anybody may do.
// Must not: judge what a configuration allows.

import type { DifferentialPlaces } from '../../e2e/differential/differential-configs.ts';
import type { Random } from '../../support/random.ts';

export const PEERS = ['p1', 'p2'] as const;
export type Peer = (typeof PEERS)[number];
export const IDENTITIES = ['gateway/egress', 'gateway/two'] as const;
export const PATHS = ['/a', '/a/', '/a/*', '/a/b', '/a/b/*', '/ab', '/A', '/*', '/a/b;c', '/'] as const;
const GRPC_PATHS = ['/p.S/M', '/p.S/*'] as const;
const METHODS = ['GET', 'POST', 'PUT', 'HEAD'] as const;
export const WORKLOADS = ['ns/a/sa/b', 'ns/a/*', 'ns/a/sa/*', 'ns/ab/sa/b'] as const;
const EXPORTS = ['one', 'two', 'three'] as const;
export const LOCAL_NAMES = ['x.default.svc.cluster.local', 'y.test'] as const;

export interface GridRule {
  /** Not written for gRPC. */
  readonly methods: readonly string[];
  readonly paths: readonly string[];
  /** Empty: anybody. */
  readonly workloads: readonly string[];
}

export interface GridExport {
  readonly name: string;
  readonly protocol: 'http' | 'grpc' | 'tcp';
  readonly backend: number;
  readonly anyBody: boolean;
  readonly dropsUnderscores: boolean;
  readonly websocket: boolean;
  readonly consumers: readonly { readonly peer: Peer; readonly rules: readonly GridRule[] }[];
}

export interface GridImport {
  readonly peer: Peer;
  readonly name: string;
  readonly as: string;
  /** Of the ports of the egress gateway: two of HTTP, then two of TCP. */
  readonly port: number;
  readonly clients: readonly string[];
  /** In YAML; absent: none. */
  readonly limits?: string;
}

export interface GridConfig {
  readonly callers: 'plaintext' | 'mtls';
  readonly identities: Readonly<Record<Peer, readonly string[]>>;
  readonly exports: readonly GridExport[];
  readonly imports: readonly GridImport[];
  /** Whose bundle is not usable. */
  readonly denied: readonly Peer[];
}

export function gridConfig(random: Random): GridConfig {
  return {
    callers: random.one(['plaintext', 'mtls', 'mtls']),
    identities: { p1: random.some(IDENTITIES), p2: random.some(IDENTITIES) },
    exports: random.some(EXPORTS, 0.6).map((name) => exportOf(random, name)),
    imports: importsOf(random),
    denied: random.chance(0.05) ? [random.one(PEERS)] : [],
  };
}

function exportOf(random: Random, name: string): GridExport {
  const protocol = random.one(['http', 'http', 'http', 'grpc', 'tcp'] as const);
  return {
    name,
    protocol,
    backend: random.one([0, 1]),
    anyBody: random.chance(0.3),
    dropsUnderscores: random.chance(0.3),
    websocket: random.chance(0.3),
    consumers: random.some(PEERS, 0.7).map((peer) => ({ peer, rules: rulesOf(random, protocol) })),
  };
}

function rulesOf(random: Random, protocol: GridExport['protocol']): readonly GridRule[] {
  return Array.from({ length: 1 + Math.floor(random.next() * 3) }, () => ruleOf(random, protocol));
}

function ruleOf(random: Random, protocol: GridExport['protocol']): GridRule {
  return {
    methods: random.some(METHODS, 0.4),
    paths: random.some<string>(protocol === 'grpc' ? GRPC_PATHS : PATHS, 0.25),
    workloads: random.chance(0.5) ? [] : random.some(WORKLOADS, 0.4),
  };
}

function importsOf(random: Random): readonly GridImport[] {
  const ports = random.some([0, 1, 2, 3], 0.6);
  return ports.flatMap((port) => {
    const names = port < 2 ? random.some(LOCAL_NAMES, 0.6) : [`tcp-${port}.test`];
    return names.map((as) => importOf(random, as, port));
  });
}

function importOf(random: Random, as: string, port: number): GridImport {
  const name = random.one(port < 2 ? ['i0', 'i1'] : ['t0', 't1']);
  return { peer: random.one(PEERS), name, as, port, clients: random.some(WORKLOADS, 0.4) };
}

/** One to four edits; some mean nothing. */
export function editedConfig(random: Random, from: GridConfig): GridConfig {
  let config = from;
  for (let count = 1 + Math.floor(random.next() * 4); count > 0; count -= 1) config = editOf(random, config);
  return config;
}

function editOf(random: Random, config: GridConfig): GridConfig {
  if (random.chance(0.55)) return { ...config, exports: withOne(random, config.exports, editExport) };
  return random.one<() => GridConfig>([
    () => ({ ...config, imports: withOne(random, config.imports, editImport) }),
    () => ({ ...config, imports: withOne(random, config.imports, editImport) }),
    () => ({ ...config, imports: importsOf(random) }),
    () => ({ ...config, callers: random.one(['plaintext', 'mtls']) }),
    () => ({ ...config, exports: EXPORTS.flatMap((name) => movedExport(random, config, name)) }),
    () => ({ ...config, exports: [...config.exports].reverse() }),
    () => ({ ...config, identities: { ...config.identities, [random.one(PEERS)]: random.some(IDENTITIES) } }),
    () => ({ ...config, denied: random.chance(0.3) ? [random.one(PEERS)] : [] }),
  ])();
}

function movedExport(random: Random, { exports }: GridConfig, name: string): readonly GridExport[] {
  const known = exports.filter((one) => one.name === name);
  if (random.chance(0.7)) return known.length > 0 || exports.length > 0 ? known : [exportOf(random, name)];
  return known.length > 0 && exports.length > 1 ? [] : [exportOf(random, name)];
}

function withOne<T>(random: Random, all: readonly T[], edit: (random: Random, one: T) => T): readonly T[] {
  if (all.length === 0) return all;
  const chosen = random.one(all);
  return all.map((one) => (one === chosen ? edit(random, one) : one));
}

function editExport(random: Random, one: GridExport): GridExport {
  const peers = one.consumers.map(({ peer }) => peer);
  return random.one<() => GridExport>([
    () => ({ ...one, backend: 1 - one.backend }),
    () => ({ ...one, anyBody: !one.anyBody }),
    () => ({ ...one, dropsUnderscores: !one.dropsUnderscores }),
    () => ({ ...one, websocket: !one.websocket }),
    () => ({ ...exportOf(random, one.name), backend: one.backend }),
    () => ({ ...one, consumers: [...one.consumers].reverse() }),
    () => {
      const peer = random.one(PEERS);
      if (!peers.includes(peer))
        return { ...one, consumers: [...one.consumers, { peer, rules: rulesOf(random, one.protocol) }] };
      return peers.length === 1 ? one : { ...one, consumers: one.consumers.filter((other) => other.peer !== peer) };
    },
    ...Array.from({ length: 6 }, () => () => ({
      ...one,
      consumers: withOne(random, one.consumers, (_, consumer) => ({
        ...consumer,
        rules: editRules(random, consumer.rules, one.protocol),
      })),
    })),
  ])();
}

function editRules(random: Random, rules: readonly GridRule[], protocol: GridExport['protocol']): readonly GridRule[] {
  const rule = random.one(rules);
  const others = rules.filter((one) => one !== rule);
  const changed = (more: Partial<GridRule>): readonly GridRule[] =>
    rules.map((one) => (one === rule ? { ...one, ...more } : one));
  const toggled = (items: readonly string[], item: string): readonly string[] =>
    items.includes(item) ? items.filter((one) => one !== item) : [...items, item];
  const orOld = (items: readonly string[], old: readonly string[]): readonly string[] =>
    items.length > 0 ? items : old;
  const path = random.one<string>(protocol === 'grpc' ? GRPC_PATHS : PATHS);
  return random.one<() => readonly GridRule[]>([
    () => changed({ methods: orOld(toggled(rule.methods, random.one(METHODS)), rule.methods) }),
    () => changed({ paths: orOld(toggled(rule.paths, path), rule.paths) }),
    () => changed({ paths: orOld(toggled(rule.paths, path), rule.paths) }),
    () => changed({ workloads: toggled(rule.workloads, random.one(WORKLOADS)) }),
    () => changed({ workloads: [] }),
    () => [...rules, ruleOf(random, protocol)],
    () => (others.length > 0 ? others : rules),
    // From here on the same requests are allowed.
    () => [...rules].reverse(),
    () => [...rule.paths.map((one) => ({ ...rule, paths: [one] })), ...others],
    () => [...others, ...rule.methods.map((one) => ({ ...rule, methods: [one] }))],
    () => [...rules, { ...rule, methods: [random.one(rule.methods)], paths: [random.one(rule.paths)] }],
    () => [...rules, { ...rule, workloads: rule.workloads.length > 0 ? [random.one(rule.workloads)] : ['ns/z/*'] }],
  ])();
}

function editImport(random: Random, one: GridImport): GridImport {
  return random.one<() => GridImport>([
    () => ({ ...one, clients: random.some(WORKLOADS, 0.4) }),
    () => ({ ...one, clients: [...one.clients].reverse() }),
    () => ({ ...importOf(random, one.as, one.port), clients: one.clients }),
  ])();
}

export function gridYaml(config: GridConfig, { ingress, egress, backends, peers }: DifferentialPlaces): string {
  const { callers, identities, exports, imports } = config;
  const list = (items: readonly string[]): string => `[${items.map((one) => `"${one}"`).join(', ')}]`;
  const peer = (name: Peer): string =>
    `  ${name}: {trustDomain: ${name}.example, trustBundle: ${name}.pem, gatewayIdentities: ${list(identities[name])}, addresses: ["127.0.0.1:${peers[name]}"]}`;
  const rule = ({ methods, paths, workloads }: GridRule, isGrpc: boolean): string =>
    `{${[...(isGrpc ? [] : [`methods: ${list(methods)}`]), `paths: ${list(paths)}`, ...(workloads.length > 0 ? [`workloads: ${list(workloads)}`] : [])].join(', ')}}`;
  const exported = (one: GridExport): string => {
    const isTcp = one.protocol === 'tcp';
    const consumers = one.consumers.map(({ peer: name, rules }) =>
      isTcp
        ? `{peer: ${name}}`
        : `{peer: ${name}, allow: [${rules.map((each) => rule(each, one.protocol === 'grpc')).join(', ')}]}`,
    );
    const choices = [
      ...(one.anyBody && one.protocol === 'http' ? ['requestBodies: any-method'] : []),
      ...(one.dropsUnderscores && !isTcp ? ['underscoreHeaders: drop'] : []),
      ...(one.websocket && one.protocol === 'http' ? ['upgrades: [websocket]'] : []),
    ];
    return `- {${[`name: ${one.name}`, `protocol: ${one.protocol}`, `backend: "127.0.0.1:${backends[one.backend]}"`, ...choices, `consumers: [${consumers.join(', ')}]`].join(', ')}}`;
  };
  const imported = ({ peer: name, name: service, as, port, clients, limits }: GridImport): string =>
    `- {peer: ${name}, name: ${service}, as: ${as}, port: ${egress[port]}, protocol: ${port < 2 ? 'http' : 'tcp'}${callers === 'mtls' ? `, clients: ${list(clients)}` : ''}${limits === undefined ? '' : `, limits: ${limits}`}}`;
  return [
    'apiVersion: postern/v1',
    'mesh: {name: bank, trustDomain: bank.example, trustBundle: workloads.pem}',
    'identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}',
    `gateways: {ingress: {address: "127.0.0.1:${ingress}"}, egress: {address: 127.0.0.1, clients: ${callers}}}`,
    'peers:',
    ...PEERS.map(peer),
    'exports:',
    ...exports.map(exported),
    ...(imports.length > 0 ? ['imports:', ...imports.map(imported)] : []),
    '',
  ].join('\n');
}
