// From configuration and trust to the resolved model.
// In: a Config, the bytes of the files that it names, the time, the previous model. Out: a Federation, or findings.
// Must not: read files or the clock, or build anything of Envoy's.

import type { Config } from '../config/schema.ts';
import { type Finding, hasErrors, warningAt } from '../errors.ts';
import { parseTrustBundle, type TrustBundle } from '../trust/bundle.ts';
import { type Issuer, parseIssuer } from '../trust/issuer.ts';
import { spiffeId, type TrustDomain } from '../trust/spiffe.ts';
import type { AllowRule, Export, Federation, Gateway, Grant, Import, PathRule, Peer } from './model.ts';
import { exportAuthority, localNames, serverName } from './names.ts';
import { crossRules } from './rules.ts';
import { share, shareByKey } from './share.ts';
import { trustRules } from './trust-rules.ts';

export interface ResolveInput {
  readonly config: Config;
  /** Bytes of every file that the configuration names, by the name that it uses. */
  readonly files: ReadonlyMap<string, Buffer>;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** What the last call gave: everything that did not change is the same object in the new model. */
  readonly previous?: Resolved | undefined;
  /** The configuration was good once, and is only brought up to date: a bundle that expired meanwhile denies its peer by itself. */
  readonly refresh?: boolean;
}

export interface Resolved {
  readonly federation: Federation;
  /** Present when `identity.issuer` is: it signs the certificates of our gateways. */
  readonly issuer?: Issuer;
}

/** Envoy ends handshakes with an expired CA: nothing fails open, and the other peers are still served and renewed. */
function tolerated(finding: Finding): Finding {
  return finding.code === 'BUNDLE_EXPIRED' ? { ...finding, severity: 'warning' } : finding;
}

/** Resolves a configuration; without `resolved` there is at least one error among the findings. */
export function resolve(input: ResolveInput): { readonly resolved?: Resolved; readonly findings: readonly Finding[] } {
  const { config, now, previous } = input;
  const findings: Finding[] = [...crossRules(config)];
  const issuer = resolveIssuer(input, findings);
  const bundles = resolveBundles(input, findings);
  const held = [...bundles].map(([peer, bundle]) => ({ peer, bundle }));
  findings.push(...trustRules(held, issuer?.certificate));
  if (input.refresh) findings.splice(0, findings.length, ...findings.map(tolerated));
  if (hasErrors(findings)) return { findings };

  const trustDomain = config.mesh.trustDomain as TrustDomain;
  const before = previous?.federation;
  const peers = config.peers.flatMap((peer) => {
    const bundle = bundles.get(peer.name);
    return bundle === undefined ? [] : [resolvePeer(peer, bundle, trustDomain)];
  });
  const exports = shareByKey(
    before?.exports,
    config.exports.map((exported) => resolveExport(exported, trustDomain)).sort(by((exported) => exported.name)),
    (exported) => exported.name,
  );
  const { grants, nextExpiry } = resolveGrants(config, exports, now, findings);
  const imports = resolveImports(config);
  const gateways = resolveGateways(config, trustDomain);
  const federation: Federation = {
    mesh: share(before?.mesh, { name: config.mesh.name, trustDomain }),
    identitySource: share(
      before?.identitySource,
      'files' in config.identity ? { kind: 'files', ...config.identity.files } : { kind: 'issuer' },
    ),
    ...share(before && pickGateways(before), gateways),
    peers: shareByKey(before?.peers, peers.sort(by((peer) => peer.name)), (peer) => peer.name),
    exports,
    grants: shareByKey(before?.grants, grants, (grant) => `${grant.peer}/${grant.export.name}`),
    imports: shareByKey(before?.imports, imports, (imported) => `${imported.port}/${imported.localNames[0]}`),
    ...(nextExpiry === undefined ? {} : { nextExpiry }),
  };
  return { resolved: { federation, ...(issuer === undefined ? {} : { issuer }) }, findings };
}

function resolveIssuer(input: ResolveInput, findings: Finding[]): Issuer | undefined {
  const { identity, mesh } = input.config;
  if (!('issuer' in identity)) return undefined;
  const certificate = input.files.get(identity.issuer.certificate);
  const privateKey = input.files.get(identity.issuer.privateKey);
  if (certificate === undefined || privateKey === undefined) return undefined;
  const { issuer, problems } = parseIssuer(certificate, privateKey, mesh.trustDomain as TrustDomain, input.now);
  for (const { about, severity, code, message, hint } of problems) {
    findings.push({ code, severity, path: ['identity', 'issuer', about], message, hint });
  }
  return issuer;
}

function resolveBundles(input: ResolveInput, findings: Finding[]): ReadonlyMap<string, TrustBundle> {
  const before = new Map(input.previous?.federation.peers.map((peer) => [peer.name, peer.bundle]));
  const bundles = new Map<string, TrustBundle>();
  for (const peer of input.config.peers) {
    const bytes = input.files.get(peer.trustBundle.file);
    if (bytes === undefined) continue;
    const { bundle, problems } = parseTrustBundle(bytes, peer.trustDomain as TrustDomain, input.now);
    for (const { severity, code, message, hint } of problems) {
      findings.push({ code, severity, path: ['peers', peer.name, 'trustBundle'], message, hint });
    }
    const known = before.get(peer.name);
    if (bundle === undefined) {
      // Its bytes are as they were: Envoy has them, and refuses what comes of them.
      if (input.refresh && known !== undefined) bundles.set(peer.name, known);
      continue;
    }
    const same = known?.fingerprint === bundle.fingerprint && known.trustDomain === bundle.trustDomain;
    bundles.set(peer.name, same ? known : bundle);
  }
  return bundles;
}

function resolvePeer(peer: Config['peers'][number], bundle: TrustBundle, ours: TrustDomain): Peer {
  const theirs = peer.trustDomain as TrustDomain;
  return {
    name: peer.name,
    trustDomain: theirs,
    bundle,
    gatewayIdentities: peer.gatewayIdentities.map((path) => spiffeId(theirs, path)),
    addresses: peer.addresses,
    leafKeys: peer.leafKeys,
    inboundServerName: serverName(peer.sni ?? theirs, ours),
    outboundServerName: serverName(peer.sni ?? ours, theirs),
  };
}

function resolveExport(exported: Config['exports'][number], ours: TrustDomain): Export {
  const { name, protocol, backend } = exported;
  return { name, authority: exportAuthority(name, ours), protocol, backends: backend };
}

function resolveGrants(
  config: Config,
  exports: readonly Export[],
  now: number,
  findings: Finding[],
): { readonly grants: readonly Grant[]; readonly nextExpiry?: number } {
  const byName = new Map(exports.map((exported) => [exported.name, exported]));
  const grants: Grant[] = [];
  let nextExpiry: number | undefined;
  config.exports.forEach((exported, index) => {
    const known = byName.get(exported.name);
    if (known === undefined) return;
    exported.consumers.forEach((consumer, position) => {
      const end = consumer.expires === undefined ? undefined : endOfDay(consumer.expires);
      if (end !== undefined && end <= now) {
        const message = `the grant of ${exported.name} to ${consumer.peer} ended with ${consumer.expires}`;
        const path = ['exports', index, 'consumers', position, 'expires'];
        findings.push(warningAt('GRANT_EXPIRED', path, message, 'renew the date, or remove the consumer'));
        return;
      }
      if (end !== undefined) nextExpiry = Math.min(nextExpiry ?? end, end);
      grants.push({ peer: consumer.peer, export: known, allow: consumer.allow.map(resolveRule) });
    });
  });
  grants.sort(by((grant) => `${grant.peer}/${grant.export.name}`));
  return { grants, ...(nextExpiry === undefined ? {} : { nextExpiry }) };
}

/** A grant is in force to the end of its last day, in UTC: milliseconds since the epoch. */
function endOfDay(date: string): number {
  return Date.parse(`${date}T00:00:00Z`) + 24 * 60 * 60 * 1000;
}

function resolveRule(rule: { readonly methods: readonly string[]; readonly paths: readonly string[] }): AllowRule {
  return { methods: rule.methods, paths: rule.paths.map(resolvePath) };
}

function resolvePath(path: string): PathRule {
  return path.endsWith('/*') ? { prefix: path.slice(0, -1) } : { exact: path };
}

function resolveImports(config: Config): readonly Import[] {
  const domains = new Map(config.peers.map((peer) => [peer.name, peer.trustDomain]));
  return config.imports
    .flatMap(({ peer, name, as, port, protocol }): readonly Import[] => {
      const theirs = domains.get(peer);
      if (theirs === undefined) return [];
      const authority = exportAuthority(name, theirs as TrustDomain);
      return [{ peer, name, authority, localNames: localNames(as), port, protocol }];
    })
    .sort(by((imported) => `${String(imported.port).padStart(5, '0')}/${imported.localNames[0]}`));
}

type Gateways = Pick<Federation, 'ingress' | 'egress'>;

function resolveGateways(config: Config, ours: TrustDomain): Gateways {
  const { ingress, egress } = config.gateways;
  const gateway = (role: Gateway['role'], identity: string, address: string): Gateway => ({
    role,
    identity: spiffeId(ours, identity),
    address,
  });
  return {
    ...(ingress && {
      ingress: { ...gateway('ingress', ingress.identity, ingress.address.host), port: ingress.address.port },
    }),
    ...(egress && { egress: gateway('egress', egress.identity, egress.address) }),
  };
}

function pickGateways({ ingress, egress }: Federation): Gateways {
  return { ...(ingress && { ingress }), ...(egress && { egress }) };
}

/** Order by code units: the same on every machine, whatever its locale. */
function by<T>(keyOf: (item: T) => string): (a: T, b: T) => number {
  return (a, b) => {
    const [left, right] = [keyOf(a), keyOf(b)];
    return left < right ? -1 : left > right ? 1 : 0;
  };
}
