// Where the rules of a configuration stand: the line of each name by which gateways log a rule, and of what a rule rests on.
// Must not: know what a rule means.

import type { Path } from '../errors.ts';
import type { Config, HttpConsumerConfig } from './schema/config.ts';
import { type PositionIndex, Positions } from './yaml/positions.ts';

/** Lines, from 1, by name: `exports.NAME.consumers.PEER.allow[0]`, `peers.NAME.trustBundle`. */
export type RulePlaces = Readonly<Record<string, number>>;

export function rulePlaces(config: Config, index: PositionIndex, text: string): RulePlaces {
  const positions = new Positions(index, text);
  const places: Record<string, number> = {};
  const put = (name: string, path: Path): void => {
    places[name] ??= positions.placeOfPath(path, true).line;
  };
  /** Those that are written there, each with its line. */
  const putLimits = (name: string, at: Path, limits: object = {}): void => {
    for (const key of Object.keys(limits))
      if (positions.has([...at, 'limits', key])) put(`${name}.limits.${key}`, [...at, 'limits', key]);
  };
  put('mesh.trustDomain', ['mesh', 'trustDomain']);
  put('mesh.trustBundle', ['mesh', 'trustBundle']);
  for (const gateway of ['ingress', 'egress'] as const) {
    put(`gateways.${gateway}`, ['gateways', gateway]);
    putLimits(`gateways.${gateway}`, ['gateways', gateway], config.gateways[gateway]?.limits);
  }
  for (const { name, limits } of config.peers) {
    put(`peers.${name}`, ['peers', name]);
    putLimits(`peers.${name}`, ['peers', name], limits);
    for (const key of ['trustBundle', 'gatewayIdentities', 'leafKeys', 'addresses'])
      put(`peers.${name}.${key}`, ['peers', name, key]);
  }
  for (const [index, exported] of config.exports.entries()) {
    const at = ['exports', index];
    const name = `exports.${exported.name}`;
    put(name, at);
    put(`${name}.backend`, [...at, 'backend']);
    for (const [number, consumer] of exported.consumers.entries()) {
      const rule = `${name}.consumers.${consumer.peer}`;
      put(rule, [...at, 'consumers', number]);
      // What a consumer does not say for itself, the export may say for it.
      putLimits(rule, [...at, 'consumers', number], consumer.limits);
      putLimits(name, at, consumer.limits);
      // A consumer in the short form has one rule, which stands where the consumer does.
      const count = 'allow' in consumer ? (consumer as HttpConsumerConfig).allow.length : 0;
      for (let one = 0; one < count; one += 1) put(`${rule}.allow[${one}]`, [...at, 'consumers', number, 'allow', one]);
    }
  }
  for (const [index, imported] of config.imports.entries()) {
    const at = ['imports', index];
    const { name, limits } = imported;
    for (const rule of [`imports.${name}`, importKey(imported)]) {
      put(rule, at);
      put(`${rule}.clients`, [...at, 'clients']);
      putLimits(rule, at, limits);
    }
  }
  return places;
}

/**
 * What is one import's alone: its local name and port, or the port of TCP. `imports.NAME`, as logs have it, may be several: exports
 * of two peers have one name, or one export has two local names.
 */
export function importKey({
  as,
  port,
  protocol,
}: Pick<Config['imports'][number], 'as' | 'port'> & { readonly protocol: string }): string {
  return protocol === 'tcp' ? `imports.:${port}` : `imports.${as}:${port}`;
}

/** What a configuration names, so that a wrong name is told from a refusal. */
export function configNames({ peers, exports, imports }: Config) {
  return {
    peers: peers.map(({ name, trustDomain, sni }) => ({ name, trustDomain, ...(sni !== undefined && { sni }) })),
    exports: exports.map(({ name, protocol }) => ({ name, protocol })),
    imports: imports.map(({ peer, name, as, port, protocol }) => ({ peer, name, as, port, protocol })),
  };
}

/** What only the configuration knows and no resource: when grants end, and the limits that are part of a bootstrap. */
export function configTerms({ mesh, identity, peers, exports, gateways }: Config, issuerFingerprint?: string) {
  const grants = exports.flatMap(({ name, consumers }) =>
    consumers.map(({ peer, expires }) => [`exports.${name}.consumers.${peer}`, expires ?? null] as const),
  );
  const limits = (['ingress', 'egress'] as const).flatMap((role) => {
    const gateway = gateways[role];
    return gateway === undefined ? [] : [[`gateways.${role}`, gateway.limits?.connections ?? null] as const];
  });
  const identities = (['ingress', 'egress'] as const).flatMap((role) => {
    const gateway = gateways[role];
    return gateway === undefined
      ? []
      : [[`gateways.${role}.identity`, `spiffe://${mesh.trustDomain}/${gateway.identity}`] as const];
  });
  const source =
    'issuer' in identity
      ? [['identity.issuer', issuerFingerprint === undefined ? 'not known' : `SHA-256 ${issuerFingerprint}`] as const]
      : [['identity.files', JSON.stringify(identity.files)] as const];
  const trustFiles = [
    ...(mesh.trustBundle === undefined ? [] : [['mesh.trustBundle', mesh.trustBundle] as const]),
    ...peers.map(({ name, trustBundle }) => [`peers.${name}.trustBundle`, trustBundle.file] as const),
    ...exports.flatMap(({ name, backendTls }) =>
      backendTls?.mode === 'simple' ? [[`exports.${name}.backend.ca`, backendTls.ca] as const] : [],
    ),
  ];
  return {
    expires: Object.fromEntries(grants),
    connections: Object.fromEntries(limits),
    identities: Object.fromEntries([...identities, ...source]),
    trustFiles: Object.fromEntries(trustFiles),
  };
}
