// Whose a stream is, from its opening to its end: the gateway that its certificate proves, and its place among that gateway's.
// In: the admission of its connection, the claims of its first request, the time. Out: XdsError for who may not have it.
// Must not: let anybody keep anything before it is known who it is, or longer than its certificate is good for.

import type { Place } from '../limits/gateway-quota.ts';
import type { Allowance } from '../limits/rate-limiter.ts';
import { XdsError } from '../stream-status.ts';
import type { NodeClaims } from '../wire/messages.ts';
import type { Admission, Caller } from './admission.ts';
import type { XdsObserver } from './observer.ts';

export interface OwnerContext {
  readonly admission: Admission;
  /** Counts a stream of a gateway, or throws. */
  readonly admit: (gateway: string, now: number) => Place;
  readonly observer: XdsObserver;
  readonly clock: () => number;
}

/** setTimeout's limit. */
const LONGEST_TIMER = 2 ** 31 - 1;

export class StreamOwner {
  gateway: string;
  node: NodeClaims | undefined;
  /** When the client certificate ends (milliseconds since the epoch); infinite without one. */
  readonly notAfter: number;
  private readonly context: OwnerContext;
  private readonly address: string;
  private readonly onExpired: (error: XdsError) => void;
  private place: Place;
  private held = 0;
  private expiry: NodeJS.Timeout | undefined;

  /** By the certificate alone: nothing was said yet. Errors: XdsError. `onExpired` when the certificate has. */
  constructor(context: OwnerContext, address: string, onExpired: (error: XdsError) => void) {
    this.context = context;
    this.address = address;
    this.onExpired = onExpired;
    const { gateway, notAfter } = this.identify();
    const now = context.clock();
    this.gateway = gateway;
    this.notAfter = notAfter;
    this.place = context.admit(gateway, now);
    if (Number.isFinite(notAfter)) this.endAt(notAfter, now);
  }

  /** The first request: what it claims has to agree with the certificate. Errors: XdsError. */
  claim(claims: NodeClaims | undefined): void {
    if (claims === undefined || claims.id === '')
      throw new XdsError('INVALID_ARGUMENT', 'the first request has no node.id');
    this.node = claims;
    const { gateway } = this.identify();
    // Only where there is no certificate that has the last word: in plaintext, which is for benches.
    if (gateway !== this.gateway) this.move(gateway);
  }

  /** Errors: XdsError when this caller may no longer have the stream. */
  check(): void {
    if (this.identify().gateway !== this.gateway) this.deny('the identity is now another gateway');
  }

  /** How many bytes are kept of what the client sent. Errors: XdsError. */
  hold(bytes: number): void {
    if (bytes === this.held) return;
    this.held = bytes;
    this.place.hold(bytes);
  }

  /** What all streams of the gateway may ask for. */
  get allowance(): Allowance {
    return this.place.allowance;
  }

  /** Once. */
  release(): void {
    clearTimeout(this.expiry);
    this.place.leave();
  }

  private identify(): Extract<Caller, { ok: true }> {
    const caller = this.context.admission.identify(this.node);
    return caller.ok ? caller : this.deny(caller.reason);
  }

  private deny(reason: string): never {
    this.context.observer.denied(reason, this.address, this.node?.id ?? '');
    throw new XdsError('PERMISSION_DENIED', 'the client certificate does not admit this node');
  }

  private move(gateway: string): void {
    const place = this.context.admit(gateway, this.context.clock());
    this.place.leave();
    this.place = place;
    this.gateway = gateway;
    place.hold(this.held);
  }

  private endAt(notAfter: number, now: number): void {
    const wait = Math.min(Math.max(notAfter - now, 0), LONGEST_TIMER);
    this.expiry = setTimeout(() => {
      if (this.context.clock() < notAfter) this.endAt(notAfter, this.context.clock());
      else this.onExpired(new XdsError('UNAUTHENTICATED', 'the client certificate has expired'));
    }, wait);
    this.expiry.unref();
  }
}
