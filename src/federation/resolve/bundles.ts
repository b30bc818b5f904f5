// Resolves the trust bundle of each peer, and the one of our own mesh, from its file; a peer without a usable certificate is denied,
// and so is what needs our own mesh's.
// A bundle is a function of its file, with one exception: a file that cannot be read as certificates neither trusts nor
// distrusts a CA, so its mesh keeps the bundle that this process serves for it, whatever file that came from.
// Must not: let a finding about one mesh's file change the bundle of another mesh that is served already.

import type { ConfigOutline } from '../../config/outline.ts';
import { quote } from '../../config/schema/values/string-checks.ts';
import type { Finding } from '../../errors.ts';
import { bundleOf, parseSteps, parseTrustBundle, type TrustBundle } from '../../trust/bundle.ts';
import type { BundleOwner } from '../../trust/bundle-owner.ts';
import { firstFindings } from '../../trust/finding.ts';
import type { Steps } from '../../trust/keys/signers.ts';
import type { TrustDomain } from '../../trust/spiffe.ts';
import type { Certificate } from '../../trust/x509/certificate.ts';
import { type Federation, OUR_MESH } from '../model.ts';
import { type BundleMesh, bundleFinding, type HeldBundle, signatureSteps, trustRules } from '../rules/trust-rules.ts';
import type { BackendTrust } from './backend-trust.ts';

export interface BundleInput {
  /** A peer without a usable trust domain or bundle file is left out. */
  readonly config: Pick<ConfigOutline, 'mesh' | 'peers'>;
  readonly files: ReadonlyMap<string, Buffer>;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly previous?: { readonly federation: Federation } | undefined;
  /** Peers whose file does not exist here and is not needed: `--without-keys`. Never set by what serves. */
  readonly absentPeers?: ReadonlySet<string>;
  /** The same of our own mesh's file. */
  readonly isMeshBundleAbsent?: boolean;
}

export interface Bundles {
  /** By peer; a peer that is missing here is denied. */
  readonly bundles: ReadonlyMap<string, TrustBundle>;
  /** Of our own mesh; absent when there is no file, or no usable certificate in it. */
  readonly meshBundle?: TrustBundle;
  /** Whose file could not be read: they keep the bundle that was read before, if there was one. */
  readonly kept: ReadonlySet<BundleMesh>;
  /** Each concerns one mesh. */
  readonly findings: readonly Finding[];
  /** When a certificate of one of the files becomes valid or expires next (milliseconds since the epoch). */
  readonly nextChange?: number;
}

/** A bundle that the configuration names. */
interface NamedBundle {
  /** A peer, or our own mesh. */
  readonly mesh: BundleMesh;
  readonly trustDomain: TrustDomain;
  readonly file: string;
}

/** Those whose trust domain and file can be read. */
function namedBundles({ mesh: ours, peers }: BundleInput['config']): readonly NamedBundle[] {
  const all = [
    { mesh: OUR_MESH, trustDomain: ours.trustDomain, file: ours.trustBundle },
    ...peers.map(({ name, trustDomain, trustBundle: { file } }) => ({ mesh: name, trustDomain, file })),
  ];
  return all.flatMap(({ mesh, trustDomain, file }) =>
    trustDomain === null || file == null ? [] : [{ mesh, trustDomain: trustDomain as TrustDomain, file }],
  );
}

/** `ours`: the certificates of our own issuing CA and those above it. */
export function resolveBundles(input: BundleInput, ours: readonly Certificate[]): Bundles {
  const findings: Finding[] = [];
  const held: HeldBundle[] = [];
  let nextChange: number | undefined;
  const kept = new Set<BundleMesh>();
  const bundles = new Map<BundleMesh, TrustBundle>();
  for (const named of namedBundles(input.config)) {
    const { mesh, trustDomain } = named;
    if (mesh === OUR_MESH ? input.isMeshBundleAbsent : input.absentPeers?.has(mesh)) {
      bundles.set(mesh, { trustDomain, certificates: [], pem: '', fingerprint: '' });
      continue;
    }
    const before = previousBundle(input, named);
    const file = readBundle(input, named, before);
    const { bundle } = file;
    if (file.isUnreadable) kept.add(mesh);
    for (const time of file.times) if (time > input.now) nextChange = Math.min(nextChange ?? time, time);
    findings.push(...file.findings);
    if (bundle !== undefined) held.push({ mesh, bundle, ...(before && { before }) });
  }
  const conflicts = trustRules(held, ours);
  for (const { mesh, bundle, before } of held) {
    const ofMesh = conflicts.filter((conflict) => conflict.mesh === mesh);
    findings.push(...firstFindings(ofMesh.map(({ finding }) => finding)));
    const refused = new Set(ofMesh.map(({ fingerprint }) => fingerprint));
    const left = bundle.certificates.filter(({ fingerprint }) => !refused.has(fingerprint));
    if (left.length > 0) bundles.set(mesh, sameOr(before, bundleOf(bundle.trustDomain, left)));
  }
  const meshBundle = bundles.get(OUR_MESH);
  return {
    bundles: new Map([...bundles].flatMap(([mesh, bundle]) => (mesh === OUR_MESH ? [] : [[mesh, bundle]]))),
    ...(meshBundle && { meshBundle }),
    kept,
    findings,
    ...(nextChange === undefined ? {} : { nextChange }),
  };
}

/**
 * The work of `resolveBundles` that takes long, in steps: reading certificates, and finding their signers. A peer chooses how
 * much that is (up to 32 certificates, with keys that are slow to verify), so it must not be done in one piece while gateways
 * wait. The results are cached, and `resolveBundles` finds them there.
 */
export function* bundleSteps({ config, files, now }: BundleInput, ours: readonly Certificate[]): Steps {
  const held: HeldBundle[] = [];
  for (const { mesh, trustDomain, file } of namedBundles(config)) {
    const bytes = files.get(file);
    if (bytes === undefined) continue;
    const { bundle } = yield* parseSteps(bytes, trustDomain, now, ownerOf(mesh));
    yield;
    if (bundle !== undefined) held.push({ mesh, bundle });
  }
  yield* signatureSteps(held, ours);
}

/** The finding with what it means for its mesh until it is corrected, for every finding about a bundle or its file. */
export function withConsequence(
  finding: Finding,
  { bundles, meshBundle, kept, cas, keptCas }: Omit<Bundles, 'findings'> & Pick<BackendTrust, 'cas' | 'keptCas'>,
): Finding {
  const { concernsPeer: peer, concernsMesh, concernsExport: exported, severity, hint } = finding;
  if (severity !== 'error') return finding;
  const until = (what: string): Finding => ({ ...finding, hint: `${hint}; until then ${what}` });
  if (exported !== undefined) {
    if (!cas.has(exported)) return until(`${exported} is denied`);
    return keptCas.has(exported) ? until(`the backend of ${exported} keeps the CAs that were read before`) : finding;
  }
  if (peer === undefined && concernsMesh === undefined) return finding;
  const isServed = peer === undefined ? meshBundle !== undefined : bundles.has(peer);
  if (!isServed) return until(peer === undefined ? 'what needs our own trust bundle is denied' : `${peer} is denied`);
  if (!kept.has(peer ?? OUR_MESH)) return finding;
  return until(`${peer ?? 'our mesh'} keeps the bundle that was read before`);
}

function ownerOf(mesh: BundleMesh): BundleOwner {
  return mesh === OUR_MESH ? 'mesh' : 'peer';
}

/** What this process serves for the same mesh and trust domain. */
function previousBundle({ previous }: BundleInput, { mesh, trustDomain }: NamedBundle): TrustBundle | undefined {
  const model = previous?.federation;
  const bundle = mesh === OUR_MESH ? model?.mesh.bundle : model?.peers.find(({ name }) => name === mesh)?.bundle;
  return bundle?.trustDomain === trustDomain ? bundle : undefined;
}

interface ReadBundle {
  readonly bundle?: TrustBundle;
  /** When its certificates begin and end, in milliseconds since the epoch. */
  readonly times: readonly number[];
  readonly findings: readonly Finding[];
  /** The file is missing, or cannot be read as certificates; the bundle is the previous one. */
  readonly isUnreadable?: boolean;
}

function readBundle({ files, now }: BundleInput, named: NamedBundle, before: TrustBundle | undefined): ReadBundle {
  const bytes = files.get(named.file);
  // FILE_UNREADABLE is among the findings of loading.
  if (bytes === undefined) return keep(before, now, []);
  const parsed = parseTrustBundle(bytes, named.trustDomain, now, ownerOf(named.mesh));
  const { bundle, times, isUnreadable } = parsed;
  const findings = parsed.findings.map(({ severity, code, message, hint }) => ({
    ...bundleFinding(code, named.mesh, `${message} (${quote(named.file)})`, hint),
    severity,
  }));
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
