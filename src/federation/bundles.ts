// The trust bundle of each peer, from its file: what is usable of it, and which peers have none.
// A bundle is a function of its file, with one exception: a file that cannot be read as certificates says nothing about
// whom to trust, so that the peer keeps the bundle that this process serves for it, whatever file that came from.
// Must not: let a finding about one peer's file change the bundle of another peer that is served already.

import type { ConfigOutline } from '../config/outline.ts';
import { errorAt, type Finding } from '../errors.ts';
import { bundleOf, parseTrustBundle, type TrustBundle } from '../trust/bundle.ts';
import type { TrustDomain } from '../trust/spiffe.ts';
import type { Certificate } from '../trust/x509/certificate.ts';
import type { Federation } from './model.ts';
import { type HeldBundle, trustRules } from './trust-rules.ts';

export interface BundleInput {
  /** A peer without a usable trust domain or bundle file is left out. */
  readonly config: Pick<ConfigOutline, 'peers'>;
  readonly files: ReadonlyMap<string, Buffer>;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly previous?: { readonly federation: Federation } | undefined;
}

export interface Bundles {
  /** By peer; a peer that is missing here is denied. */
  readonly bundles: ReadonlyMap<string, TrustBundle>;
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
  for (const { name, trustDomain, trustBundle } of input.config.peers) {
    if (trustDomain === null || trustBundle.file === null) continue;
    const peer = { name, trustDomain: trustDomain as TrustDomain, file: trustBundle.file };
    const before = previousBundle(input, peer);
    const { bundle, times, found, isUnreadable } = readBundle(input, peer, before);
    if (isUnreadable) kept.add(peer.name);
    for (const time of times) if (time > input.now) nextChange = Math.min(nextChange ?? time, time);
    findings.push(...found);
    if (bundle !== undefined) held.push({ peer: peer.name, bundle, ...(before && { before }) });
  }
  const conflicts = trustRules(held, ours);
  findings.push(...conflicts.map(({ finding }) => finding));
  const bundles = new Map<string, TrustBundle>();
  for (const { peer, bundle, before } of held) {
    const refused = new Set(conflicts.filter((one) => one.peer === peer).map(({ fingerprint }) => fingerprint));
    const left = bundle.certificates.filter(({ fingerprint }) => !refused.has(fingerprint));
    if (left.length > 0) bundles.set(peer, sameOr(before, bundleOf(bundle.trustDomain, left)));
  }
  return {
    bundles,
    findings: findings.map((finding) => withConsequence(finding, bundles, kept)),
    ...(nextChange === undefined ? {} : { nextChange }),
  };
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

interface Read {
  readonly bundle?: TrustBundle;
  /** When its certificates begin and end, in milliseconds since the epoch. */
  readonly times: readonly number[];
  readonly found: readonly Finding[];
  /** The file is missing, or cannot be read as certificates; the bundle is the previous one. */
  readonly isUnreadable?: boolean;
}

function readBundle({ files, now }: BundleInput, peer: BundlePeer, before: TrustBundle | undefined): Read {
  const bytes = files.get(peer.file);
  // A file that could not be read is a finding already.
  if (bytes === undefined) return keep(before, now, []);
  const { bundle, findings, times, isUnreadable } = parseTrustBundle(bytes, peer.trustDomain, now);
  const path = ['peers', peer.name, 'trustBundle'];
  const found = findings.map(({ severity, code, message, hint }): Finding => {
    return { ...errorAt(code, path, message, hint), severity, concernsPeer: peer.name };
  });
  if (isUnreadable) return keep(before, now, found);
  return { times, found, ...(bundle && { bundle }) };
}

function keep(before: TrustBundle | undefined, now: number, found: readonly Finding[]): Read {
  const valid = (before?.certificates ?? []).filter(({ notBefore, notAfter }) => notBefore <= now && now < notAfter);
  const times = valid.map(({ notAfter }) => notAfter);
  if (before === undefined || valid.length === 0) return { times, found, isUnreadable: true };
  return { times, found, isUnreadable: true, bundle: bundleOf(before.trustDomain, valid) };
}

/** The previous object where nothing changed, so that nothing that is made of it is built again. */
function sameOr(before: TrustBundle | undefined, next: TrustBundle): TrustBundle {
  return before?.fingerprint === next.fingerprint ? before : next;
}

function withConsequence(
  finding: Finding,
  bundles: ReadonlyMap<string, TrustBundle>,
  kept: ReadonlySet<string>,
): Finding {
  const { concernsPeer: peer, severity, hint } = finding;
  if (severity !== 'error' || peer === undefined) return finding;
  if (!bundles.has(peer)) return { ...finding, hint: `${hint}; until then ${peer} is denied` };
  return kept.has(peer)
    ? { ...finding, hint: `${hint}; until then ${peer} keeps the bundle that was read before` }
    : finding;
}
