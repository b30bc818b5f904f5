// Random configurations for the differential test: small, and from few names, so that requests often hit what they are about.
// Must not: know what a gateway makes of them.

import type { Random } from '../../support/random.ts';

export interface DifferentialPlaces {
  readonly ingress: number;
  /** Two of HTTP, then two of TCP. */
  readonly egress: readonly number[];
  readonly backends: readonly number[];
  /** The gateways of each peer. */
  readonly peers: Readonly<Record<string, number>>;
}

export const PEERS = ['p1', 'p2'] as const;
export const EXPORTS = ['a', 'b.c', 'd-e', 'deep.f.g'] as const;
export const PATHS = ['/a', '/a/b', '/A', '/a/*', '/*', '/v1/x.y', '/v1/x.y/*', '/p.S/M', '/p.S/*'] as const;
export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'] as const;
export const WORKLOADS = ['ns/a/sa/b', 'ns/a/sa/c', 'ns/a/*', 'ns/x/sa/y'] as const;
export const LOCAL_NAMES = ['one.default.svc.cluster.local', 'two.test', 'three.default.svc.cluster.local'] as const;

const DOMAIN = 'bank.example';

export interface RandomConfig {
  readonly yaml: string;
  readonly denied: readonly string[];
}

export function randomConfig(random: Random, places: DifferentialPlaces): RandomConfig {
  const clients = random.one(['plaintext', 'mtls'] as const);
  const peers = PEERS.map((name) => {
    const identities = random.some(['gateway/egress', 'gateway/two', 'gateway/ingress']);
    const more = [
      ...(random.chance(0.3) ? [`leafKeys: [${random.some(['ecdsa', 'ed25519', 'rsa']).join(', ')}]`] : []),
      ...(random.chance(0.3) ? [`sni: label-of-${name}`] : []),
      ...(random.chance(0.2) ? ['traceContext: forward'] : []),
      ...(random.chance(0.2) ? ['limits: {requestsPerSecond: 100000, requests: 1000, connections: 1000}'] : []),
    ];
    const given = `trustDomain: ${name}.example, trustBundle: ${name}.pem, gatewayIdentities: [${identities.join(', ')}]`;
    return `  ${name}: {${[given, `addresses: ["127.0.0.1:${places.peers[name]}"]`, ...more].join(', ')}}`;
  });
  return {
    yaml: [
      'apiVersion: postern/v1',
      `mesh: {name: bank, trustDomain: ${DOMAIN}, trustBundle: workloads.pem}`,
      'identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}',
      `gateways: {ingress: {address: "127.0.0.1:${places.ingress}"}, egress: {address: 127.0.0.1, clients: ${clients}}}`,
      'peers:',
      ...peers,
      ...exportsOf(random, places),
      ...importsOf(random, places, clients === 'mtls'),
      '',
    ].join('\n'),
    denied: random.chance(0.1) ? [random.one(PEERS)] : [],
  };
}

/** Mostly the first: each peer and each export is that of the second now and then, and so are the imports. */
export function mixedConfig(random: Random, first: RandomConfig, second: RandomConfig): RandomConfig {
  const isImports = random.chance(0.5);
  const [head = '', tail = ''] = (isImports ? second : first).yaml.split(/(?=^imports:$)/m);
  const gateways = /^gateways: .*$/m.exec(head)?.[0] ?? '';
  const lines = (yaml: string, pattern: RegExp): ReadonlyMap<string, string> =>
    new Map([...(yaml.split(/^imports:$/m)[0] ?? '').matchAll(pattern)].map((match) => [match[1] ?? '', match[0]]));
  const chosen = (pattern: RegExp): readonly string[] => {
    const [one, other] = [lines(first.yaml, pattern), lines(second.yaml, pattern)];
    return [...new Set([...one.keys(), ...other.keys()])].flatMap((name) => {
      const line = random.chance(0.4) ? other.get(name) : one.get(name);
      return line === undefined ? [] : [line];
    });
  };
  const exported = chosen(/^- \{name: ([\w.-]+),.*$/gm);
  const [start = ''] = first.yaml.split(/^gateways:/m);
  return {
    yaml: [
      `${start}${gateways}`,
      'peers:',
      ...chosen(/^ {2}(\w+): \{.*$/gm),
      ...(exported.length > 0 ? ['exports:', ...exported] : []),
      tail,
    ].join('\n'),
    denied: random.chance(0.5) ? first.denied : second.denied,
  };
}

function exportsOf(random: Random, places: DifferentialPlaces): readonly string[] {
  const lines = random.some(EXPORTS).map((name) => {
    const protocol = random.one(['http', 'http', 'http2', 'grpc', 'tcp']);
    const backend = `127.0.0.1:${random.one(places.backends)}`;
    const consumers = random.some(PEERS).map((peer) => {
      if (protocol === 'tcp') return `{peer: ${peer}}`;
      const rules = Array.from({ length: 1 + Math.floor(random.next() * 3) }, () => ruleOf(random, protocol));
      const limits = random.chance(0.2) ? ', limits: {requestsPerSecond: 100000, requestBody: 1MiB}' : '';
      return `{peer: ${peer}, allow: [${rules.join(', ')}]${limits}}`;
    });
    const choices = [
      ...(random.chance(0.3) && protocol !== 'tcp' && protocol !== 'grpc' ? ['requestBodies: any-method'] : []),
      ...(random.chance(0.3) && protocol !== 'tcp' ? ['underscoreHeaders: drop'] : []),
      ...(random.chance(0.3) && protocol === 'http' ? ['upgrades: [websocket]'] : []),
    ];
    return `- {${[`name: ${name}`, `protocol: ${protocol}`, `backend: "${backend}"`, ...choices, `consumers: [${consumers.join(', ')}]`].join(', ')}}`;
  });
  return ['exports:', ...lines];
}

function ruleOf(random: Random, protocol: string): string {
  const grpc = protocol === 'grpc';
  const paths = random.some(PATHS.filter((path) => path.startsWith('/p.S') === grpc)).map((path) => `"${path}"`);
  const methods = grpc ? [] : [`methods: [${random.some(METHODS).join(', ')}]`];
  const workloads = random.chance(0.4)
    ? [
        `workloads: [${random
          .some(WORKLOADS)
          .map((one) => `"${one}"`)
          .join(', ')}]`,
      ]
    : [];
  return `{${[...methods, `paths: [${paths.join(', ')}]`, ...workloads].join(', ')}}`;
}

function importsOf(random: Random, { egress }: DifferentialPlaces, isProven: boolean): readonly string[] {
  const [first = 0, second = 0, ...tcp] = egress;
  const clients = (): readonly string[] =>
    isProven
      ? [
          `clients: [${random
            .some(WORKLOADS)
            .map((one) => `"${one}"`)
            .join(', ')}]`,
        ]
      : [];
  const http = random.some(LOCAL_NAMES).map((as) => {
    const name = random.one(EXPORTS);
    // A peer exports one name by one protocol.
    const protocol = (['http', 'http2', 'grpc', 'http'] as const)[EXPORTS.indexOf(name)];
    const choices = [
      ...clients(),
      ...(random.chance(0.3) ? ['underscoreHeaders: drop'] : []),
      ...(random.chance(0.2) ? ['limits: {requestsPerSecond: 100000}'] : []),
    ];
    const port = random.one([first, second]);
    return `- {${[`peer: ${random.one(PEERS)}`, `name: ${name}`, `as: ${as}`, `port: ${port}`, `protocol: ${protocol}`, ...choices].join(', ')}}`;
  });
  const ofTcp = random
    .some(tcp)
    .map(
      (port) =>
        `- {${[`peer: ${random.one(PEERS)}`, `name: ${random.one(['t', 't.u'])}`, `as: tcp-${port}.test`, `port: ${port}`, 'protocol: tcp', ...clients()].join(', ')}}`,
    );
  return ['imports:', ...http, ...ofTcp];
}
