// From configuration and trust to the resolved model.
// Must not: read files or the clock, or build anything of Envoy's.

import type { ConfigOutline } from '../../config/outline.ts';
import type { Config } from '../../config/schema/config.ts';
import { type Finding, hasBlockingErrors } from '../../errors.ts';
import type { TrustBundle } from '../../trust/bundle.ts';
import type { Issuer } from '../../trust/issuing/issuer.ts';
import type { Steps } from '../../trust/keys/signers.ts';
import { spiffeId, type TrustDomain } from '../../trust/spiffe.ts';
import { domainKey, meshKey, peerKey } from '../meaning-digest.ts';
import type { DeniedPeer, Federation, Mesh, Peer } from '../model.ts';
import { callerRules, meshIssuerRules, provesCallers, shownCertificateRules } from '../rules/caller-rules.ts';
import { objectRules } from '../rules/object-rules.ts';
import { share, shareByKey } from '../structural-sharing.ts';
import { serverName } from '../wire-names.ts';
import { type BackendTrust, backendTlsOf, casOf, resolveBackendTrust } from './backend-trust.ts';
import { type Bundles, bundleSteps, resolveBundles, withConsequence } from './bundles.ts';
import { resolveCallers } from './callers.ts';
import { pickGateways, resolveGateways } from './own-gateways.ts';
import { resolveIssuer } from './own-issuer.ts';
import { by, expiredGrants, resolveExport, resolveGrants, resolveImports } from './resolve-services.ts';

export interface CheckInput {
  readonly config: ConfigOutline;
  /** Bytes of every file that the configuration names, by the name that it uses. */
  readonly files: ReadonlyMap<string, Buffer>;
  /** Findings from loading the file, returned with the others after `withConsequence` has added what each means for its peer. */
  readonly loadFindings?: readonly Finding[];
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The result of the last call; unchanged parts are reused as the same objects. */
  readonly previous?: Resolved | undefined;
  /**
   * `run` is starting. An expired issuer is accepted at start and while it is already served: peers refuse what it signed, while
   * grants still end and peers are still removed. As a new issuer it is an error.
   */
  readonly starting?: boolean;
  /** Peers that are resolved with a bundle of no certificates, because their file does not exist here: `--without-keys`. */
  readonly absentPeers?: ReadonlySet<string>;
  /** The same of our own mesh's file. */
  readonly isMeshBundleAbsent?: boolean;
  /** The same of the CA files of exports. */
  readonly absentExports?: ReadonlySet<string>;
}

export interface ResolveInput extends CheckInput {
  readonly config: Config;
}

export interface Resolved {
  readonly federation: Federation;
  /** Present when `identity.issuer` is: it signs the certificates of our gateways. */
  readonly issuer?: Issuer;
  /** When a CA in one of these files becomes valid or expires next (milliseconds since the epoch). */
  readonly nextTrustChange?: number;
}

/**
 * Resolves a configuration. Without `resolved`, at least one error blocks the whole file; with it, errors concern the trust of
 * single peers.
 */
export function resolve(input: ResolveInput): { readonly resolved?: Resolved; readonly findings: readonly Finding[] } {
  const { config, previous } = input;
  const { findings, issuer, trust, backendTrust } = check(input);
  if (hasBlockingErrors(findings)) return { findings };

  const trustDomain = config.mesh.trustDomain as TrustDomain;
  const previousModel = previous?.federation;
  const peers = config.peers.flatMap((peer) => {
    const bundle = trust.bundles.get(peer.name);
    return bundle === undefined ? [] : [resolvePeer(peer, bundle, trustDomain)];
  });
  const deniedPeers = config.peers.flatMap((peer): readonly DeniedPeer[] =>
    trust.bundles.has(peer.name) ? [] : [{ name: peer.name, trustDomain: peer.trustDomain as TrustDomain }],
  );
  const isDenied = (peer: string): boolean => !trust.bundles.has(peer);
  const mesh = share(previousModel?.mesh, resolveMesh(config.mesh.name, trustDomain, trust.meshBundle));
  const tlsOf = backendTlsOf(mesh, backendTrust);
  const exports = shareByKey(
    previousModel?.exports,
    config.exports
      .map((exported) => resolveExport(exported, trustDomain, tlsOf(exported)))
      .sort(by((exported) => exported.name)),
    (exported) => exported.name,
  );
  const { grants, nextExpiry } = resolveGrants(config, exports, input.now);
  const imports = resolveImports(config, trustDomain, isDenied);
  const gateways = resolveGateways(config, trustDomain);
  const federation: Federation = {
    mesh,
    identitySource: share(
      previousModel?.identitySource,
      'files' in config.identity ? { kind: 'files', ...config.identity.files } : { kind: 'issuer' },
    ),
    ...share(previousModel && pickGateways(previousModel), gateways),
    ...share(previousModel && pickCallers(previousModel), resolveCallers(config)),
    peers: shareByKey(previousModel?.peers, peers.sort(by((peer) => peer.name)), (peer) => peer.name),
    deniedPeers: shareByKey(previousModel?.deniedPeers, deniedPeers.sort(by((peer) => peer.name)), (peer) => peer.name),
    exports,
    backendCas: shareByKey(previousModel?.backendCas, casOf(backendTrust), ({ key }) => key),
    grants: shareByKey(
      previousModel?.grants,
      grants.filter(({ peer, export: { tls } }) => !isDenied(peer) && tls?.trust !== ''),
      (grant) => `${grant.peer}/${grant.export.name}`,
    ),
    imports: shareByKey(previousModel?.imports, imports, (imported) => `${imported.port}/${imported.localNames[0]}`),
    ...(nextExpiry === undefined ? {} : { nextExpiry }),
  };
  const nextChange = Math.min(trust.nextChange ?? Number.POSITIVE_INFINITY, ...backendTrust.times);
  const resolved: Resolved = {
    federation,
    ...(issuer === undefined ? {} : { issuer }),
    ...(nextChange === Number.POSITIVE_INFINITY ? {} : { nextTrustChange: nextChange }),
  };
  return { resolved, findings };
}

/** The part of `resolve` that takes long, in steps; once they are done, `resolve` of the same input is quick. */
export function* resolveSteps(input: CheckInput): Steps {
  const issuer = resolveIssuer(input, []);
  yield;
  yield* bundleSteps(input, issuer?.chain ?? []);
}

/** All findings of a rejected configuration, from the parts that could be read. */
export function findingsOf(input: CheckInput): readonly Finding[] {
  return check(input).findings;
}

interface Checked {
  readonly findings: readonly Finding[];
  readonly issuer?: Issuer | undefined;
  readonly trust: Bundles;
  readonly backendTrust: BackendTrust;
}

function check(input: CheckInput): Checked {
  const { config, now } = input;
  const findings: Finding[] = [...objectRules(config), ...callerRules(config), ...expiredGrants(config, now)];
  const { issuer, chain = [] } = resolveIssuer(input, findings);
  const trust = resolveBundles(input, chain);
  if (chain.length > 0) {
    if (provesCallers(config)) findings.push(...shownCertificateRules(config));
    findings.push(...meshIssuerRules(config, chain, trust.meshBundle));
  }
  const backendTrust = resolveBackendTrust(input);
  const all = [...(input.loadFindings ?? []), ...findings, ...trust.findings, ...backendTrust.findings];
  return {
    findings: all.map((finding) => withConsequence(finding, { ...trust, ...backendTrust })),
    issuer,
    trust,
    backendTrust,
  };
}

function resolveMesh(name: string, trustDomain: TrustDomain, bundle: TrustBundle | undefined): Mesh {
  return { name, trustDomain, ...(bundle && { bundle: { ...bundle, key: meshKey(bundle) } }) };
}

function resolvePeer(peer: Config['peers'][number], bundle: TrustBundle, ours: TrustDomain): Peer {
  const peerDomain = peer.trustDomain as TrustDomain;
  const resolved = {
    name: peer.name,
    trustDomain: peerDomain,
    bundle,
    gatewayIdentities: peer.gatewayIdentities.map((path) => spiffeId(peerDomain, path)),
    addresses: peer.addresses,
    leafKeys: peer.leafKeys,
    inboundServerName: serverName(peer.sni ?? peerDomain, ours),
    outboundServerName: serverName(peer.sni ?? ours, peerDomain),
    traceContext: peer.traceContext,
    ...(peer.limits && { limits: peer.limits }),
  };
  return { ...resolved, key: peerKey(resolved), domainKey: domainKey(peerDomain) };
}

function pickCallers({ callers }: Federation): Pick<Federation, 'callers'> {
  return callers === undefined ? {} : { callers };
}
