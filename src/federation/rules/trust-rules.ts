// Rules across trust bundles: no CA vouches for two meshes, and none of a peer's CAs is ours.
// Two bundles overlap when they hold one key, or when a key in one of them signed a CA in the other. One mesh could then speak
// as another (SPIFFE Federation 4.2 and 7.3: bundles of different trust domains are never merged).
// Must not: check a single certificate (trust/ does), keep both sides of an overlap, or let what one mesh lists take a CA from
// the mesh that is served with it.

import { errorAt, type Finding, type FindingCode } from '../../errors.ts';
import type { TrustBundle } from '../../trust/bundle.ts';
import { isSelfSigned, type Keys, type Steps, signerSteps, signersAmong } from '../../trust/keys/signers.ts';
import type { Certificate } from '../../trust/x509/certificate.ts';
import { OUR_MESH } from '../model.ts';

/** The name of a peer, or OUR_MESH. */
export type BundleMesh = string;

export interface HeldBundle {
  readonly mesh: BundleMesh;
  readonly bundle: TrustBundle;
  /** What is served for this mesh now. */
  readonly before?: TrustBundle;
}

/** A certificate that is left out of its mesh's bundle. */
export interface Conflict {
  readonly mesh: BundleMesh;
  readonly fingerprint: string;
  readonly finding: Finding;
}

/** An error about the trust bundle of one mesh. */
export function bundleFinding(code: FindingCode, mesh: BundleMesh, message: string, hint: string): Finding {
  return mesh === OUR_MESH
    ? { ...errorAt(code, ['mesh', 'trustBundle'], message, hint), concernsMesh: true }
    : { ...errorAt(code, ['peers', mesh, 'trustBundle'], message, hint), concernsPeer: mesh };
}

/** One CA of one mesh. */
interface Anchor {
  readonly mesh: BundleMesh;
  readonly certificate: Certificate;
  readonly claim: Claim;
  /** The certificate has the SPIFFE ID of the mesh's trust domain: its signer says that it is the mesh's. */
  readonly isNamed: boolean;
  /** The key itself says so. Neither another mesh nor a CA above can write that. */
  readonly namesItself: boolean;
}

/**
 * How well it is known that a CA belongs to its mesh. Certificates are public, so a peer can list those of another. Of two
 * anchors in conflict the better claim stays: first our own mesh, when the CA is of one chain with our issuing CA, then a mesh
 * that is served with the key already, then a mesh whose trust domain the key has signed for itself. With equal claims both
 * anchors go.
 */
type Claim = 0 | 1 | 2 | 3;
const LISTED = 0;
const NAMED = 1;
const SERVED = 2;
const ISSUING = 3;

/** `ours`: the certificates of our own issuing CA and those above it. */
export function trustRules(held: readonly HeldBundle[], ours: readonly Certificate[]): readonly Conflict[] {
  const keys = keysOf(allCertificates(held, ours));
  const ourKeys = new Set(ours.map(({ publicKeyFingerprint }) => publicKeyFingerprint));
  const aboveUs = new Set(ours.flatMap((certificate) => signersAmong(certificate, keys)));
  const relationOf = (certificate: Certificate): string | undefined =>
    relationToOurs(certificate, keys, ourKeys, aboveUs);
  const anchors = held.flatMap((one) => anchorsOf(one, relationOf));
  const conflicts = new Map<Anchor, Conflict>();
  const refuse = (anchor: Anchor, code: 'CA_OURS' | 'CA_SHARED', message: string, hint: string): void => {
    if (conflicts.has(anchor)) return;
    const { mesh, certificate } = anchor;
    const finding = bundleFinding(code, mesh, message, hint);
    conflicts.set(anchor, { mesh, fingerprint: certificate.fingerprint, finding });
  };
  for (const anchor of anchors) {
    const relation = anchor.mesh === OUR_MESH ? undefined : relationOf(anchor.certificate);
    if (relation === undefined) continue;
    const hint = "write the peer's CA certificate here; ours goes to the peer, as the bundle in its file";
    refuse(anchor, 'CA_OURS', `the trust bundle of ${anchor.mesh} holds ${relation}`, hint);
  }
  const others = anchors.filter((anchor) => !conflicts.has(anchor));
  for (const { loser, other } of sharedKeys(others)) {
    const message = `a CA of ${nameOf(loser)} is also in the trust bundle of ${nameOf(other)}`;
    const hint = 'give each mesh only its own CA; a CA that two meshes share cannot tell them apart';
    refuse(loser, 'CA_SHARED', message, hint);
  }
  for (const { below, above } of signatures(
    others.filter((anchor) => !conflicts.has(anchor)),
    keys,
  )) {
    const [lower, upper] = [nameOf(below), nameOf(above)];
    const message = `a CA of ${lower} is signed by one in the trust bundle of ${upper}, so ${lower} could speak as ${upper}`;
    const isOfSigner = belongsToSigner(below, above);
    if (isOfSigner || below.claim <= above.claim) {
      const hint = `remove it if it is a CA of ${upper}, else write a self-signed CA of ${lower} with its SPIFFE ID`;
      refuse(below, 'CA_SHARED', message, hint);
    }
    if (!isOfSigner && above.claim <= below.claim) {
      const hint = `write a CA that signs only for ${upper} in its bundle, or remove the CA from that of ${lower} if it is not its own`;
      refuse(above, 'CA_SHARED', message, hint);
    }
  }
  return [...conflicts.values()];
}

/**
 * Whether a CA is an intermediate of the key that signed it, which its mesh only lists, even if that mesh is served with it.
 * A key that names its own mesh answers for what it signs, unless it names another mesh there. Only the holder of that key can
 * bring this about: it made both signatures. (No key can be made afterwards that verifies a given signature and also signs
 * itself: key-strength.ts keeps RSA exponents small, and the curves are fixed.)
 */
function belongsToSigner(below: Anchor, above: Anchor): boolean {
  return above.namesItself && !below.isNamed;
}

/** The work of `trustRules` with signatures, in steps. */
export function* signatureSteps(held: readonly HeldBundle[], ours: readonly Certificate[]): Steps {
  const certificates = allCertificates(held, ours);
  const keys = keysOf(certificates);
  for (const certificate of certificates) yield* signerSteps(certificate, keys);
}

function allCertificates(held: readonly HeldBundle[], ours: readonly Certificate[]): readonly Certificate[] {
  return [...held.flatMap(({ bundle }) => bundle.certificates), ...ours];
}

function keysOf(certificates: readonly Certificate[]): Keys {
  return new Map(certificates.map(({ publicKeyFingerprint, publicKey }) => [publicKeyFingerprint, publicKey]));
}

function anchorsOf(
  { mesh, bundle, before }: HeldBundle,
  relationOf: (certificate: Certificate) => string | undefined,
): readonly Anchor[] {
  const served = new Set(before?.certificates.map(({ publicKeyFingerprint }) => publicKeyFingerprint));
  return bundle.certificates.map((certificate) => {
    const isNamed = certificate.uris.includes(`spiffe://${bundle.trustDomain}`);
    const namesItself = isNamed && isSelfSigned(certificate);
    const isIssuing = mesh === OUR_MESH && relationOf(certificate) !== undefined;
    const isServed = served.has(certificate.publicKeyFingerprint);
    const claim = isIssuing ? ISSUING : isServed ? SERVED : namesItself ? NAMED : LISTED;
    return { mesh, certificate, claim, isNamed, namesItself };
  });
}

function relationToOurs(
  certificate: Certificate,
  keys: Keys,
  ourKeys: ReadonlySet<string>,
  aboveUs: ReadonlySet<string>,
): string | undefined {
  const key = certificate.publicKeyFingerprint;
  if (ourKeys.has(key)) return 'our own issuing CA, or one above it';
  if (aboveUs.has(key)) return 'a CA that has signed our own issuing CA';
  const signers = signersAmong(certificate, keys);
  return signers.some((signer) => ourKeys.has(signer))
    ? 'a CA that our own issuing CA, or one above it, has signed'
    : undefined;
}

/** What a mesh is called in a message. */
function nameOf({ mesh }: Anchor): string {
  return mesh === OUR_MESH ? 'our own mesh' : mesh;
}

/** Of the anchors with one key in several bundles: those that are left out, each with one of another mesh. */
function sharedKeys(anchors: readonly Anchor[]): readonly { readonly loser: Anchor; readonly other: Anchor }[] {
  const byKey = groupBy(anchors, ({ certificate }) => certificate.publicKeyFingerprint);
  return [...byKey.values()].flatMap((group) => {
    // A mesh can sign another's key and list that in advance: being served first proves less than the key's own word.
    const named = group.filter(({ namesItself }) => namesItself);
    const best = Math.max(...group.map(({ claim }) => claim));
    const claimants = new Set(
      (named.length > 0 ? named : group.filter(({ claim }) => claim === best)).map(({ mesh }) => mesh),
    );
    const isWinner = ({ mesh }: Anchor): boolean => claimants.size === 1 && claimants.has(mesh);
    return group.flatMap((loser) => {
      const other = group.find(({ mesh }) => mesh !== loser.mesh);
      return other === undefined || isWinner(loser) ? [] : [{ loser, other }];
    });
  });
}

interface Signature {
  readonly below: Anchor;
  readonly above: Anchor;
}

/** By key, whatever the names in the certificates are. */
function signatures(anchors: readonly Anchor[], keys: Keys): readonly Signature[] {
  const byKey = groupBy(anchors, ({ certificate }) => certificate.publicKeyFingerprint);
  return anchors.flatMap((below) =>
    signersAmong(below.certificate, keys).flatMap((signer) =>
      (byKey.get(signer) ?? []).filter(({ mesh }) => mesh !== below.mesh).map((above) => ({ below, above })),
    ),
  );
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}
