// From configuration to the services of the model: exports, grants and imports.
// Must not: know trust, or whether a peer is denied other than by what it is told.

import type { ConfigOutline } from '../../config/outline.ts';
import type { AllowRuleConfig, Config, ConsumerConfig, HttpConsumerConfig } from '../../config/schema/config.ts';
import { type Finding, warningAt } from '../../errors.ts';
import type { TrustDomain } from '../../trust/spiffe.ts';
import { exportKey } from '../meaning-digest.ts';
import type { AllowRule, BackendTls, Export, Grant, Import, PathRule } from '../model.ts';
import { exportAuthority, localNames } from '../wire-names.ts';
import { resolveWorkload } from '../workload.ts';
import { resolveClients } from './callers.ts';

export function resolveExport(
  exported: Config['exports'][number],
  ours: TrustDomain,
  tls: BackendTls | undefined,
): Export {
  const { name, protocol, backend } = exported;
  const destination = { backends: backend, ...(tls && { tls }) };
  const key = exportKey({ protocol, ...destination });
  if (exported.protocol === 'tcp') return { name, key, protocol: exported.protocol, ...destination };
  const { requestBodies, upgrades, underscoreHeaders, timeouts } = exported;
  const authority = exportAuthority(name, ours);
  const choices = { requestBodies, upgrades, underscoreHeaders, timeouts };
  return { name, key, authority, protocol: exported.protocol, ...choices, ...destination };
}

export function resolveGrants(
  config: Config,
  exports: readonly Export[],
  now: number,
): { readonly grants: readonly Grant[]; readonly nextExpiry?: number } {
  const byName = new Map(exports.map((exported) => [exported.name, exported]));
  const domains = new Map(config.peers.map((peer) => [peer.name, peer.trustDomain as TrustDomain]));
  const grants: Grant[] = [];
  let nextExpiry: number | undefined;
  for (const { name, consumers } of config.exports) {
    const exported = byName.get(name);
    if (exported === undefined) continue;
    for (const consumer of consumers) {
      const { peer, expires } = consumer;
      const domain = domains.get(peer);
      if (domain === undefined) continue;
      const end = expires === undefined ? undefined : endOfDay(expires);
      if (end !== undefined && end <= now) continue;
      if (end !== undefined) nextExpiry = Math.min(nextExpiry ?? end, end);
      grants.push(grantTo(consumer, domain, exported));
    }
  }
  grants.sort(by((grant) => `${grant.peer}/${grant.export.name}`));
  return { grants, ...(nextExpiry === undefined ? {} : { nextExpiry }) };
}

function grantTo(consumer: ConsumerConfig | HttpConsumerConfig, peerDomain: TrustDomain, exported: Export): Grant {
  const { peer } = consumer;
  const limits = consumer.limits && { limits: consumer.limits };
  if (exported.protocol === 'tcp') return { peer, export: exported, ...limits };
  const allow =
    'allow' in consumer
      ? consumer.allow.map((rule, at) => resolveRule(rule, consumer.isList ? at : undefined, peerDomain))
      : [];
  return { peer, export: exported, allow, ...limits };
}

export function expiredGrants({ exports }: ConfigOutline, now: number): readonly Finding[] {
  return exports.flatMap(({ name, consumers }, index) =>
    consumers.flatMap(({ peer, expires }, position) => {
      if (expires == null || peer === null || name === null || endOfDay(expires) > now) return [];
      const message = `the grant of ${name} to ${peer} expired after ${expires}`;
      const path = ['exports', index, 'consumers', position, 'expires'];
      return [warningAt('GRANT_EXPIRED', path, message, 'renew the date, or remove the consumer')];
    }),
  );
}

/** The consumers whose last day is over, by export; each has its last day, `2026-11-28`. */
export function endedGrants({ exports }: Config, now: number): ReadonlyMap<string, readonly EndedGrant[]> {
  const ended = exports.map(({ name, consumers }) => {
    const over = consumers.flatMap(({ peer, expires }) =>
      expires === undefined || endOfDay(expires) > now ? [] : [{ peer, lastDay: expires }],
    );
    return [name, over] as const;
  });
  return new Map(ended);
}

export interface EndedGrant {
  readonly peer: string;
  readonly lastDay: string;
}

export interface GrantEnd {
  readonly peer: string;
  readonly export: string;
  /** Milliseconds since the epoch. */
  readonly endsAt: number;
}

/** When the grants of the file end, those that have ended included: whoever watches it must not lose sight of them then. */
export function grantEndsOf({ exports }: Config): readonly GrantEnd[] {
  return exports.flatMap(({ name, consumers }) =>
    consumers.flatMap(({ peer, expires }) =>
      expires === undefined ? [] : [{ peer, export: name, endsAt: endOfDay(expires) }],
    ),
  );
}

/** A grant applies to the end of its last day, in UTC: milliseconds since the epoch. */
function endOfDay(date: string): number {
  return Date.parse(`${date}T00:00:00Z`) + 24 * 60 * 60 * 1000;
}

/** A claim is believed in the trust domain of its peer alone, so the rule names that. */
function resolveRule(
  { methods, paths, workloads }: AllowRuleConfig,
  at: number | undefined,
  peerDomain: TrustDomain,
): AllowRule {
  return {
    ...(at !== undefined && { at }),
    methods,
    paths: paths.map(resolvePath),
    ...(workloads && { workloads: workloads.map((workload) => resolveWorkload(workload, peerDomain)) }),
  };
}

function resolvePath(path: string): PathRule {
  return path.endsWith('/*') ? { prefix: path.slice(0, -1) } : { exact: path };
}

export function resolveImports(
  config: Config,
  ours: TrustDomain,
  isDenied: (peer: string) => boolean,
): readonly Import[] {
  const domains = new Map(config.peers.map((peer) => [peer.name, peer.trustDomain]));
  return config.imports
    .flatMap((imported): readonly Import[] => {
      const { peer, name, as, port, limits, clients } = imported;
      const peerDomain = domains.get(peer);
      if (peerDomain === undefined) return [];
      const common = {
        peer,
        name,
        localNames: localNames(as),
        port,
        ...(limits && { limits }),
        ...resolveClients(clients, ours),
        ...(isDenied(peer) && { denied: true as const }),
      };
      if (imported.protocol === 'tcp') return [{ ...common, protocol: imported.protocol }];
      const { protocol, upgrades, underscoreHeaders, timeouts } = imported;
      const authority = exportAuthority(name, peerDomain as TrustDomain);
      return [{ ...common, protocol, upgrades, underscoreHeaders, timeouts, authority }];
    })
    .sort(by((imported) => `${String(imported.port).padStart(5, '0')}/${imported.localNames[0]}`));
}

/** Order by code units: the same on every machine, whatever its locale. */
export function by<T>(keyOf: (item: T) => string): (a: T, b: T) => number {
  return (a, b) => {
    const [left, right] = [keyOf(a), keyOf(b)];
    return left < right ? -1 : left > right ? 1 : 0;
  };
}
