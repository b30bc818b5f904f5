// The certificates with which our gateways meet the peers: one key for each gateway and peer (R10), renewed at half life.
// In: an issuer, who is to have one, the time. Out: identities that stay the same objects until they are renewed.
// Must not: keep anything on disk; a key lives here and in its gateway's secret.

import type { SpiffeId } from '../spiffe.ts';
import { type Issued, issueLeaf, leafValidity } from './issue.ts';
import type { Issuer } from './issuer.ts';

export type GatewayIdentity = Issued;

/** Who needs an identity: a gateway, for one peer. */
export interface IdentityNeed {
  readonly role: string;
  readonly peer: string;
  /** Another mesh under the name of a peer meets another key. */
  readonly trustDomain: string;
  readonly id: SpiffeId;
}

interface Held {
  readonly need: IdentityNeed;
  readonly issuedBy: string;
  readonly lifetimeSeconds: number;
  readonly identity: GatewayIdentity;
  /** No certificate of this issuer is valid for longer: it is not renewed. */
  readonly endsWithIssuer: boolean;
}

export class GatewayIdentities {
  private held: ReadonlyMap<string, Held> = new Map();

  /** The same identities in an object of its own: a turn that may still fail works on a copy. */
  copy(): GatewayIdentities {
    const copy = new GatewayIdentities();
    copy.held = this.held;
    return copy;
  }

  /** Issues what is missing, due, or of another issuer, ID or lifetime; forgets what nobody needs any more. */
  ensure(issuer: Issuer, lifetimeSeconds: number, needs: readonly IdentityNeed[], now: number): void {
    // What stands above the issuer is part of every chain that it signs.
    const issuedBy = [issuer.certificate, ...issuer.intermediates].map(({ fingerprint }) => fingerprint).join(' ');
    const next = leafValidity(issuer, now, lifetimeSeconds);
    this.held = new Map(
      needs.map((need) => {
        const key = keyOf(need.role, need.peer);
        const before = this.held.get(key);
        const keeps =
          before !== undefined &&
          before.need.id === need.id &&
          before.need.trustDomain === need.trustDomain &&
          before.issuedBy === issuedBy &&
          before.lifetimeSeconds === lifetimeSeconds &&
          !isReplaced(before.identity, next, now);
        if (keeps) return [key, before];
        const identity = issueLeaf({ issuer, id: need.id, now, lifetimeSeconds });
        const endsWithIssuer = identity.notAfter >= issuer.certificate.notAfter;
        return [key, { need, issuedBy, lifetimeSeconds, identity, endsWithIssuer }];
      }),
    );
  }

  /** Forgets everything: the identities are files on the gateways' disks now. */
  clear(): void {
    this.held = new Map();
  }

  get(role: string, peer: string): GatewayIdentity | undefined {
    return this.held.get(keyOf(role, peer))?.identity;
  }

  /** When the next identity is due (milliseconds since the epoch), if there is any. */
  nextRenewal(): number | undefined {
    const renewed = [...this.held.values()].filter(({ endsWithIssuer }) => !endsWithIssuer);
    const times = renewed.map(({ identity }) => renewalOf(identity));
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** What is held, without the keys: for status and metrics. */
  list(): readonly { readonly role: string; readonly peer: string; readonly notAfter: number }[] {
    return [...this.held.values()].map(({ need, identity }) => ({
      role: need.role,
      peer: need.peer,
      notAfter: identity.notAfter,
    }));
  }
}

type Validity = Pick<GatewayIdentity, 'notBefore' | 'notAfter'>;

/** Whether a certificate that would be issued now is better: it is time, and it ends later; or the held one is not valid yet. */
function isReplaced(held: Validity, next: Validity, now: number): boolean {
  // Issued while this machine's clock was ahead: until then, peers would refuse it.
  if (held.notBefore > now) return next.notBefore < held.notBefore;
  return now >= renewalOf(held) && next.notAfter > held.notAfter;
}

function renewalOf(identity: Validity): number {
  return identity.notBefore + (identity.notAfter - identity.notBefore) / 2;
}

function keyOf(role: string, peer: string): string {
  return `${role}/${peer}`;
}
