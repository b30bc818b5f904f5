// What an operator may write at a key that is missing or has the wrong shape: an example for each, for hints.
// Must not: show a value that the schema refuses (test/config/schema/examples.test.ts).

import type { Path } from '../../errors.ts';

const RULE = 'methods: [GET], paths: [/v1/*]';
const CONSUMER = (peer: string): string => `{peer: ${peer}, ${RULE}}`;
const ISSUER = '{certificate: pki/ca.pem, privateKey: pki/ca-key.pem}';

/** By the name of the key, which means the same wherever it is. */
const OF_KEYS: Readonly<Record<string, string>> = {
  apiVersion: 'postern/v1',
  mesh: '{name: bank, trustDomain: bank.example}',
  trustDomain: 'bank.example',
  trustBundle: 'pki/bank.pem',
  identity: `{issuer: ${ISSUER}}`,
  issuer: ISSUER,
  certificate: 'pki/ca.pem',
  privateKey: 'pki/ca-key.pem',
  gateways: '{ingress: {address: "0.0.0.0:15443"}}',
  ingress: '{address: "0.0.0.0:15443"}',
  egress: '{address: 127.0.0.1}',
  gatewayIdentities: '[gateway/ingress]',
  addresses: '["gateway.bank.example:15443"]',
  backend: '"orders.default.svc:8080"',
  consumers: `[${CONSUMER('shop')}]`,
  allow: `[{${RULE}}]`,
  methods: '[GET]',
  paths: '[/v1/*]',
  workloads: '[ns/shop/sa/web]',
  clients: '[ns/shop/sa/web]',
  upgrades: '[websocket]',
  limits: '{requestsPerSecond: 100}',
  requestsPerSecond: '100',
  requests: '100',
  connections: '100',
  requestBody: '10MiB',
  timeouts: '{request: 30s}',
  lifetime: '24h',
  as: 'orders.bank',
  port: '8080',
};

/** The keys of numbers with a unit, at which a number alone would be ambiguous. */
const WITH_UNIT: ReadonlySet<string | number | undefined> = new Set(['requestBody', 'lifetime', 'request', 'idle']);

/** As `key: value`, or the value alone of an item of a list. `value`: what is written there instead. */
export function exampleAt(path: Path, value: unknown): string | undefined {
  const last = path.at(-1);
  if (last === undefined) return undefined;
  if (typeof last === 'string') {
    const example = OF_KEYS[last];
    return example === undefined ? undefined : `${last}: ${example}`;
  }
  // A list of names is what a reader expects where the item is a map.
  const named = typeof value === 'string' && /^[a-z0-9-]{1,63}$/.test(value) ? value : 'shop';
  return path.at(-2) === 'consumers' ? CONSUMER(named) : undefined;
}

/** For a number without its unit. */
export function withUnitAt(path: Path): string | undefined {
  const last = path.at(-1);
  if (!WITH_UNIT.has(last)) return undefined;
  return `write it with its unit, such as ${last}: ${OF_KEYS[String(last)] ?? '30s'}`;
}
