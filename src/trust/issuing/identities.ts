// The certificates that our gateways present: one key for each gateway and peer, and one for our own callers, renewed at half of
// its lifetime.
// An identity stays the same object until it is renewed. docs/design.md, "Wire contract", says why no two peers share a key.
// Must not: keep anything on disk; a key exists here and in its gateway's secret.

import type { SpiffeId } from '../spiffe.ts';
import { type Issued, issueLeaf, leafValidity } from './issue.ts';
import type { Issuer } from './issuer.ts';

export type GatewayIdentity = Issued;

/** An identity that a gateway needs for one peer, or for our own callers. */
export interface IdentityNeed {
  readonly role: string;
  /** Absent: for our own callers. */
  readonly peer?: string;
  /** Part of the need: when the name of a peer is reused for another mesh, the new mesh is shown a new key. */
  readonly trustDomain: string;
  readonly id: SpiffeId;
  readonly dnsNames?: readonly string[];
}

interface Held {
  readonly need: IdentityNeed;
  readonly issuedBy: string;
  readonly lifetimeSeconds: number;
  readonly identity: GatewayIdentity;
  /** It is not renewed: no certificate of this issuer is valid for longer. */
  readonly endsWithIssuer: boolean;
}

export class GatewayIdentities {
  private held: ReadonlyMap<string, Held> = new Map();

  /** A copy with the same identities, for a reload that may still fail. */
  copy(): GatewayIdentities {
    const copy = new GatewayIdentities();
    copy.held = this.held;
    return copy;
  }

  /** Issues identities that are missing, due, or of another issuer, ID or lifetime; drops those that are not needed. */
  ensure(issuer: Issuer, lifetimeSeconds: number, needs: readonly IdentityNeed[], now: number): void {
    // The CAs above the issuer are part of every chain that it signs.
    const issuedBy = [issuer.certificate, ...issuer.intermediates].map(({ fingerprint }) => fingerprint).join(' ');
    const next = leafValidity(issuer, now, lifetimeSeconds);
    this.held = new Map(
      needs.map((need) => {
        const key = keyOf(need.role, need.peer);
        const held = this.held.get(key);
        const keeps =
          held !== undefined &&
          held.need.id === need.id &&
          held.need.trustDomain === need.trustDomain &&
          held.need.dnsNames?.join() === need.dnsNames?.join() &&
          held.issuedBy === issuedBy &&
          held.lifetimeSeconds === lifetimeSeconds &&
          !isReplaced(held.identity, next, now);
        if (keeps) return [key, held];
        const { id, dnsNames } = need;
        const identity = issueLeaf({ issuer, id, ...(dnsNames && { dnsNames }), now, lifetimeSeconds });
        const endsWithIssuer = identity.notAfter >= issuer.certificate.notAfter;
        return [key, { need, issuedBy, lifetimeSeconds, identity, endsWithIssuer }];
      }),
    );
  }

  /** Drops all identities: they are files on the gateways' disks now. */
  clear(): void {
    this.held = new Map();
  }

  /** `peer` absent: the one for our own callers. */
  get(role: string, peer: string | undefined): GatewayIdentity | undefined {
    return this.held.get(keyOf(role, peer))?.identity;
  }

  /** When the next identity is due (milliseconds since the epoch), if one is renewed at all. */
  nextRenewal(): number | undefined {
    const renewed = [...this.held.values()].filter(({ endsWithIssuer }) => !endsWithIssuer);
    const times = renewed.map(({ identity }) => renewalOf(identity));
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** The identities without their keys, for status and metrics. */
  list(): readonly { readonly role: string; readonly peer?: string; readonly notAfter: number }[] {
    return [...this.held.values()].map(({ need: { role, peer }, identity: { notAfter } }) =>
      peer === undefined ? { role, notAfter } : { role, peer, notAfter },
    );
  }
}

type Validity = Pick<GatewayIdentity, 'notBefore' | 'notAfter'>;

/** True when renewal is due and would end later, or when the held certificate is not valid yet and a new one would be. */
function isReplaced(held: Validity, next: Validity, now: number): boolean {
  // Issued while this machine's clock was ahead: peers refuse it until its time comes.
  if (held.notBefore > now) return next.notBefore < held.notBefore;
  return now >= renewalOf(held) && next.notAfter > held.notAfter;
}

function renewalOf(identity: Validity): number {
  return identity.notBefore + (identity.notAfter - identity.notBefore) / 2;
}

function keyOf(role: string, peer: string | undefined): string {
  return JSON.stringify([role, peer]);
}
