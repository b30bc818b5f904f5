// Resolves the trust bundle of each peer from its file; a peer without a usable certificate is denied.
// A bundle is a function of its file, with one exception: a file that cannot be read as certificates neither trusts nor
// distrusts a CA, so the peer keeps the bundle that this process serves for it, whatever file that came from.
// Must not: let a finding about one peer's file change the bundle of another peer that is served already.

import type { ConfigOutline } from '../config/outline.ts';
import { quote } from '../config/schema/string-checks.ts';
import { errorAt, type Finding } from '../errors.ts';
import { bundleOf, parseSteps, parseTrustBundle, type TrustBundle } from '../trust/bundle.ts';
import { firstFindings } from '../trust/finding.ts';
import type { Steps } from '../trust/keys/signers.ts';
import type { TrustDomain } from '../trust/spiffe.ts';
import type { Certificate } from '../trust/x509/certificate.ts';
import type { Federation } from './model.ts';
import { type HeldBundle, signatureSteps, trustRules } from './trust-rules.ts';

export interface BundleInput {
  /** A peer without a usable trust domain or bundle file is left out. */
  readonly config: Pick<ConfigOutline, 'peers'>;
  readonly files: ReadonlyMap<string, Buffer>;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly previous?: { readonly federation: Federation } | undefined;
  /** Peers whose file does not exist here and is not needed: `--without-keys`. Never set by what serves. */
  readonly absentPeers?: ReadonlySet<string>;
}

export interface Bundles {
  /** By peer; a peer that is missing here is denied. */
  readonly bundles: ReadonlyMap<string, TrustBundle>;
  /** Peers whose file could not be read: they keep the bundle that was read before, if there was one. */
  readonly kept: ReadonlySet<string>;
  /** Each concerns one peer. */
  readonly findings: readonly Finding[];
  /** When a certificate of one of the files becomes valid or expires next (milliseconds since the epoch). */
  readonly nextChange?: number;
}

/** `ours`: the certificates of our own issuing CA and those above it. */
export function resolveBundles(input: BundleInput, ours: readonly Certificate[]): Bundles {
  const findings: Finding[] = [];
  const held: HeldBundle[] = [];
  let nextChange: number | undefined;
  const kept = new Set<string>();
  const absent: (readonly [string, TrustBundle])[] = [];
  for (const { name, trustDomain, trustBundle } of input.config.peers) {
    if (trustDomain === null || trustBundle.file === null) continue;
    const peer = { name, trustDomain: trustDomain as TrustDomain, file: trustBundle.file };
    if (input.absentPeers?.has(name)) {
      absent.push([name, { trustDomain: peer.trustDomain, certificates: [], pem: '', fingerprint: '' }]);
      continue;
    }
    const before = previousBundle(input, peer);
    const file = readBundle(input, peer, before);
    const { bundle } = file;
    if (file.isUnreadable) kept.add(name);
    for (const time of file.times) if (time > input.now) nextChange = Math.min(nextChange ?? time, time);
    findings.push(...file.findings);
    if (bundle !== undefined) held.push({ peer: name, bundle, ...(before && { before }) });
  }
  const conflicts = trustRules(held, ours);
  const bundles = new Map<string, TrustBundle>(absent);
  for (const { peer, bundle, before } of held) {
    const ofPeer = conflicts.filter((conflict) => conflict.peer === peer);
    findings.push(...firstFindings(ofPeer.map(({ finding }) => finding)));
    const refused = new Set(ofPeer.map(({ fingerprint }) => fingerprint));
    const left = bundle.certificates.filter(({ fingerprint }) => !refused.has(fingerprint));
    if (left.length > 0) bundles.set(peer, sameOr(before, bundleOf(bundle.trustDomain, left)));
  }
  return { bundles, kept, findings, ...(nextChange === undefined ? {} : { nextChange }) };
}

/**
 * The work of `resolveBundles` that takes long, in steps: reading certificates, and finding their signers. A peer chooses how
 * much that is (up to 32 certificates, with keys that are slow to verify), so it must not be done in one piece while gateways
 * wait. The results are cached, and `resolveBundles` finds them there.
 */
export function* bundleSteps({ config, files, now }: BundleInput, ours: readonly Certificate[]): Steps {
  const held: HeldBundle[] = [];
  for (const { name, trustDomain, trustBundle } of config.peers) {
    const bytes = files.get(trustBundle.file ?? '');
    if (trustDomain === null || bytes === undefined) continue;
    const { bundle } = yield* parseSteps(bytes, trustDomain as TrustDomain, now);
    yield;
    if (bundle !== undefined) held.push({ peer: name, bundle });
  }
  yield* signatureSteps(held, ours);
}

/** The finding with what it means for its peer until it is corrected, for every finding about a bundle or its file. */
export function withConsequence(finding: Finding, { bundles, kept }: Pick<Bundles, 'bundles' | 'kept'>): Finding {
  const { concernsPeer: peer, severity, hint } = finding;
  if (severity !== 'error' || peer === undefined) return finding;
  if (!bundles.has(peer)) return { ...finding, hint: `${hint}; until then ${peer} is denied` };
  return kept.has(peer)
    ? { ...finding, hint: `${hint}; until then ${peer} keeps the bundle that was read before` }
    : finding;
}

interface BundlePeer {
  readonly name: string;
  readonly trustDomain: TrustDomain;
  readonly file: string;
}

/** What this process serves for the same peer and trust domain. */
function previousBundle({ previous }: BundleInput, peer: BundlePeer): TrustBundle | undefined {
  const bundle = previous?.federation.peers.find(({ name }) => name === peer.name)?.bundle;
  return bundle?.trustDomain === peer.trustDomain ? bundle : undefined;
}

interface ReadBundle {
  readonly bundle?: TrustBundle;
  /** When its certificates begin and end, in milliseconds since the epoch. */
  readonly times: readonly number[];
  readonly findings: readonly Finding[];
  /** The file is missing, or cannot be read as certificates; the bundle is the previous one. */
  readonly isUnreadable?: boolean;
}

function readBundle({ files, now }: BundleInput, peer: BundlePeer, before: TrustBundle | undefined): ReadBundle {
  const bytes = files.get(peer.file);
  // FILE_UNREADABLE is among the findings of loading.
  if (bytes === undefined) return keep(before, now, []);
  const { bundle, times, isUnreadable, ...parsed } = parseTrustBundle(bytes, peer.trustDomain, now);
  const path = ['peers', peer.name, 'trustBundle'];
  const findings = parsed.findings.map(({ severity, code, message, hint }): Finding => {
    return { ...errorAt(code, path, `${message} (${quote(peer.file)})`, hint), severity, concernsPeer: peer.name };
  });
  if (isUnreadable) return keep(before, now, findings);
  return { times, findings, ...(bundle && { bundle }) };
}

function keep(before: TrustBundle | undefined, now: number, findings: readonly Finding[]): ReadBundle {
  const valid = (before?.certificates ?? []).filter(({ notBefore, notAfter }) => notBefore <= now && now < notAfter);
  const times = valid.map(({ notAfter }) => notAfter);
  const read = { times, findings, isUnreadable: true };
  return before === undefined || valid.length === 0 ? read : { ...read, bundle: bundleOf(before.trustDomain, valid) };
}

/** The previous object where nothing changed, so that nothing that is made of it is built again. */
function sameOr(before: TrustBundle | undefined, next: TrustBundle): TrustBundle {
  return before?.fingerprint === next.fingerprint ? before : next;
}
