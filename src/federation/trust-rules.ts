// Rules across trust: no CA vouches for two meshes, and none of a peer's CAs is ours.
// Two bundles that overlap let one peer speak as another (SPIFFE Federation 4.2 and 7.3: bundles of different trust domains
// are never merged): when they hold one key, and when a key in one of them signed a CA in the other.
// Must not: judge a single certificate (trust/ does), nor let what one peer lists take a CA from the peer that has it already.

import { errorAt, type Finding } from '../errors.ts';
import type { TrustBundle } from '../trust/bundle.ts';
import { isSelfSigned, type Keys, signersAmong } from '../trust/keys/signers.ts';
import type { Certificate } from '../trust/x509/certificate.ts';

export interface HeldBundle {
  readonly peer: string;
  readonly bundle: TrustBundle;
  /** What is served for this peer now. */
  readonly before?: TrustBundle;
}

/** A certificate that must not be part of its peer's bundle. */
export interface Conflict {
  readonly peer: string;
  readonly fingerprint: string;
  readonly finding: Finding;
}

/** One CA of one peer. */
interface Anchor {
  readonly peer: string;
  readonly certificate: Certificate;
  readonly claim: Claim;
  /** The key itself says whose it is. That alone cannot be written by another peer, nor by who was there first. */
  readonly isNamed: boolean;
}

/**
 * How well it is known that a CA is its peer's own. Certificates are public, so that a peer may list those of another. Of
 * two anchors where one signed the other, the better claim stays: a peer that is served with the key already, then a peer
 * whose trust domain stands in a certificate that the key has signed for itself. With equal claims both anchors go.
 */
type Claim = 0 | 1 | 2;
const LISTED = 0;
const NAMED = 1;
const SERVED = 2;

/** `ours`: the certificates of our own issuing CA and those above it. */
export function trustRules(held: readonly HeldBundle[], ours: readonly Certificate[]): readonly Conflict[] {
  const anchors = held.flatMap(anchorsOf);
  const all = [...anchors.map(({ certificate }) => certificate), ...ours];
  const keys: Keys = new Map(all.map((certificate) => [certificate.publicKeyFingerprint, certificate.publicKey]));
  const ourKeys = new Set(ours.map(({ publicKeyFingerprint }) => publicKeyFingerprint));
  const aboveUs = new Set(ours.flatMap((certificate) => signersAmong(certificate, keys)));
  const conflicts = new Map<Anchor, Conflict>();
  const refuse = (anchor: Anchor, code: 'CA_OURS' | 'CA_SHARED', message: string, hint: string): void => {
    if (conflicts.has(anchor)) return;
    const { peer, certificate } = anchor;
    const finding = { ...errorAt(code, ['peers', peer, 'trustBundle'], message, hint), concernsPeer: peer };
    conflicts.set(anchor, { peer, fingerprint: certificate.fingerprint, finding });
  };
  for (const anchor of anchors) {
    const relation = relationToOurs(anchor.certificate, keys, ourKeys, aboveUs);
    if (relation === undefined) continue;
    const hint = "write the peer's CA certificate here; ours goes to the peer, as the bundle in its file";
    refuse(anchor, 'CA_OURS', `the trust bundle of ${anchor.peer} holds ${relation}`, hint);
  }
  const others = anchors.filter((anchor) => !conflicts.has(anchor));
  for (const { loser, other } of sharedKeys(others)) {
    const message = `a CA of ${loser.peer} also stands in the trust bundle of ${other.peer}`;
    const hint = 'give each peer only the CA of its own mesh; a CA that two meshes share cannot tell them apart';
    refuse(loser, 'CA_SHARED', message, hint);
  }
  for (const { below, above } of signatures(
    others.filter((anchor) => !conflicts.has(anchor)),
    keys,
  )) {
    const relation = `a CA of ${below.peer} is signed by one in the trust bundle of ${above.peer}`;
    const message = `${relation}, so ${below.peer} could speak as ${above.peer}`;
    const hint = `write the CA that signs only the gateways of ${above.peer} in its bundle, instead of the one above both`;
    if (below.claim <= above.claim) refuse(below, 'CA_SHARED', message, hint);
    if (above.claim <= below.claim) refuse(above, 'CA_SHARED', message, hint);
  }
  return [...conflicts.values()];
}

function anchorsOf({ peer, bundle, before }: HeldBundle): readonly Anchor[] {
  const served = new Set(before?.certificates.map(({ publicKeyFingerprint }) => publicKeyFingerprint));
  return bundle.certificates.map((certificate) => {
    const names = certificate.uris.includes(`spiffe://${bundle.trustDomain}`);
    const isNamed = names && isSelfSigned(certificate);
    const claim = served.has(certificate.publicKeyFingerprint) ? SERVED : isNamed ? NAMED : LISTED;
    return { peer, certificate, claim, isNamed };
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

/** Of the anchors with one key in several bundles: those that must go, each with one of another peer. */
function sharedKeys(anchors: readonly Anchor[]): readonly { readonly loser: Anchor; readonly other: Anchor }[] {
  const byKey = groupBy(anchors, ({ certificate }) => certificate.publicKeyFingerprint);
  return [...byKey.values()].flatMap((group) => {
    // Anybody can sign another's key and list that in advance: being served first proves less than the key's own word.
    const named = group.filter(({ isNamed }) => isNamed);
    const best = Math.max(...group.map(({ claim }) => claim));
    const claimants = new Set(
      (named.length > 0 ? named : group.filter(({ claim }) => claim === best)).map(({ peer }) => peer),
    );
    const isWinner = ({ peer }: Anchor): boolean => claimants.size === 1 && claimants.has(peer);
    return group.flatMap((loser) => {
      const other = group.find(({ peer }) => peer !== loser.peer);
      return other === undefined || isWinner(loser) ? [] : [{ loser, other }];
    });
  });
}

interface Signature {
  readonly below: Anchor;
  readonly above: Anchor;
}

/** By key, whatever names stand in the certificates. */
function signatures(anchors: readonly Anchor[], keys: Keys): readonly Signature[] {
  const byKey = groupBy(anchors, ({ certificate }) => certificate.publicKeyFingerprint);
  return anchors.flatMap((below) =>
    signersAmong(below.certificate, keys).flatMap((signer) =>
      (byKey.get(signer) ?? []).filter(({ peer }) => peer !== below.peer).map((above) => ({ below, above })),
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
