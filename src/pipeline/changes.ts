// Lists what an edit changed, for the log: each object by name, with what of it changed.
// Must not: list what follows from the change of another object, such as the grants of an export whose backend changed.

import type { Config, ConsumerConfig, HttpConsumerConfig } from '../config/schema/config.ts';
import type { Resolved } from '../federation/resolve/resolve.ts';

export interface Change {
  readonly added?: readonly string[];
  readonly removed?: readonly string[];
  /** `NAME: WHAT, …`; of the mesh and the identity, WHAT alone. */
  readonly changed?: readonly string[];
}

const KINDS = ['mesh', 'identity', 'gateways', 'peers', 'exports', 'imports', 'grants'] as const;
type Kind = (typeof KINDS)[number];

/** Kinds without a change are left out. */
export type Changes = Readonly<Partial<Record<Kind, Change>>>;

/** What was served before or is served next. */
export interface Described extends Pick<Resolved, 'federation' | 'issuer'> {
  /** The file, which has what the model has not: when grants end, and how long certificates last. */
  readonly config: Config | undefined;
}

/** Names in each list of a change; the last element counts the others. */
const MAX_NAMES = 20;
/** The value that changes, where an object has only one. */
const ONLY = '';

/** What can change of an object; values are compared by `sameValue`. */
type Aspects = Readonly<Record<string, unknown>>;
type Objects = ReadonlyMap<string, Aspects>;

export function changesBetween(before: Described | undefined, next: Described): Changes {
  const kinds = KINDS.flatMap((kind) => {
    const isSingle = kind === 'mesh' || kind === 'identity';
    // Of a first configuration, the objects are new, and the mesh and its identity are no change.
    if (before === undefined && isSingle) return [];
    const change = changeOf(before === undefined ? new Map() : objectsOf(before, kind), objectsOf(next, kind));
    return Object.keys(change).length === 0 ? [] : [[kind, change] as const];
  });
  return Object.fromEntries(kinds);
}

function objectsOf({ federation, issuer, config }: Described, kind: Kind): Objects {
  const { mesh, identitySource, ingress, egress, callers, peers, deniedPeers, exports, imports } = federation;
  switch (kind) {
    case 'mesh':
      return new Map([
        ['name', { [ONLY]: mesh.name }],
        ['trust bundle', { [ONLY]: mesh.bundle?.fingerprint }],
      ]);
    case 'identity': {
      const own = config !== undefined && 'issuer' in config.identity ? config.identity.issuer : undefined;
      return new Map<string, Aspects>([
        ['source', { [ONLY]: identitySource }],
        ['issuer', { [ONLY]: issuer?.chain.map(({ fingerprint }) => fingerprint) }],
        ['lifetime', { [ONLY]: own?.lifetimeSeconds }],
      ]);
    }
    case 'gateways':
      return new Map(
        [ingress, egress].flatMap((gateway) => {
          if (gateway === undefined) return [];
          const { role, identity, address, port } = gateway;
          const proof = role === 'egress' ? { clients: callers === undefined ? 'plaintext' : 'mtls' } : {};
          return [[role, { identity, address: [address, port], ...proof }] as const];
        }),
      );
    case 'peers':
      return new Map<string, Aspects>([
        ...peers.map(({ name, trustDomain, bundle, gatewayIdentities, addresses, leafKeys, ...names }) => {
          const serverNames = [names.inboundServerName, names.outboundServerName];
          const seen = { bundle: bundle.fingerprint, identities: gatewayIdentities, addresses, leafKeys, serverNames };
          return [name, { trustDomain, denied: false, ...seen }] as const;
        }),
        // Whether it is denied is all that can be compared with a peer that is not.
        ...deniedPeers.map(({ name, trustDomain }) => [name, { trustDomain, denied: true }] as const),
      ]);
    case 'exports':
      return new Map(
        exports.map(({ name, backends, tls, protocol, ...others }): readonly [string, Aspects] => [
          name,
          { backends, tls, protocol, ...('requestBodies' in others && { requestBodies: others.requestBodies }) },
        ]),
      );
    case 'imports':
      return new Map(
        imports.map(({ localNames, port, peer, name, protocol, clients }) => [
          `${localNames[0]}:${port}`,
          { peer, export: name, protocol, clients },
        ]),
      );
    case 'grants':
      // As the file has them: those of a peer that is denied follow from that.
      return new Map(
        (config?.exports ?? []).flatMap(({ name, consumers }) =>
          consumers.map((consumer: ConsumerConfig | HttpConsumerConfig) => {
            const { peer, expires } = consumer;
            const allow = 'allow' in consumer ? consumer.allow : [];
            const methods = allow.map((rule) => rule.methods);
            const workloads = allow.map((rule) => rule.workloads ?? null);
            const paths = allow.map((rule) => rule.paths);
            return [`${peer}/${name}`, { methods, paths, workloads, expiry: expires }] as const;
          }),
        ),
      );
  }
}

function changeOf(before: Objects, next: Objects): Change {
  const added = [...next.keys()].filter((name) => !before.has(name));
  const removed = [...before.keys()].filter((name) => !next.has(name));
  const changed = [...next].flatMap(([name, aspects]) => {
    const differing = differences(before.get(name), aspects);
    if (differing.length === 0) return [];
    return [differing[0] === ONLY ? name : `${name}: ${differing.join(', ')}`];
  });
  return {
    ...(added.length > 0 && { added: bounded(added) }),
    ...(removed.length > 0 && { removed: bounded(removed) }),
    ...(changed.length > 0 && { changed: bounded(changed) }),
  };
}

/** Of the aspects that both have. */
function differences(before: Aspects | undefined, next: Aspects): readonly string[] {
  if (before === undefined) return [];
  return Object.keys(next).filter((aspect) => aspect in before && !sameValue(before[aspect], next[aspect]));
}

/** The model shares unchanged objects with the one before it. */
function sameValue(before: unknown, next: unknown): boolean {
  return before === next || JSON.stringify(before) === JSON.stringify(next);
}

function bounded(names: readonly string[]): readonly string[] {
  if (names.length <= MAX_NAMES) return names;
  return [...names.slice(0, MAX_NAMES), `and ${names.length - MAX_NAMES} more`];
}
