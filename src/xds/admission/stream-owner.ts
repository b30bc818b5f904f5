// The owner of a stream, from its opening to its close: the gateway that the certificate proves, and a slot of its quota.
// Must not: retain anything for a client before its gateway is known, or serve it after its certificate has expired.

import type { Slot } from '../limits/gateway-quota.ts';
import type { RateLimiter } from '../limits/rate-limiter.ts';
import { type GrpcStatus, XdsError } from '../stream-status.ts';
import type { NodeClaims } from '../wire/messages.ts';
import type { Admission, Client } from './admission.ts';
import type { XdsObserver } from './observer.ts';
import type { RefusalReason } from './refusal.ts';

export interface OwnerContext {
  readonly admission: Admission;
  /** Reserves a slot for a stream of a gateway, or throws. */
  readonly reserve: (gateway: string, now: number) => Slot;
  readonly observer: XdsObserver;
  readonly clock: () => number;
}

/** Errors of the client. A refusal is reported when it is decided, with its reason; the others are ours. */
const FAULTS_OF_CLIENT: ReadonlySet<GrpcStatus> = new Set<GrpcStatus>([
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'RESOURCE_EXHAUSTED',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAUTHENTICATED',
]);
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
  private slot: Slot;
  private retained = 0;
  private expiry: NodeJS.Timeout | undefined;

  /** By the certificate alone, before the first request. Errors: XdsError. `onExpired` is called when the certificate expires. */
  constructor(context: OwnerContext, address: string, onExpired: (error: XdsError) => void) {
    this.context = context;
    this.address = address;
    this.onExpired = onExpired;
    const { gateway, notAfter } = this.identify();
    const now = context.clock();
    this.gateway = gateway;
    this.notAfter = notAfter;
    this.slot = this.reserve(gateway, now);
    if (Number.isFinite(notAfter)) this.expireAt(notAfter, now);
  }

  /** The first request: its claims have to agree with the certificate. Errors: XdsError. */
  claim(claims: NodeClaims | undefined): void {
    if (claims === undefined || claims.id === '')
      throw new XdsError('INVALID_ARGUMENT', 'the first request has no node.id');
    this.node = claims;
    const { gateway } = this.identify();
    // Only in plaintext (benchmarks): with a certificate, the gateway is known before the claims.
    if (gateway !== this.gateway) this.move(gateway);
  }

  /** Errors: XdsError when this client is no longer admitted. */
  check(): void {
    if (this.identify().gateway !== this.gateway) this.deny('unknown_identity', 'the identity is now another gateway');
  }

  /** How many bytes are retained because of the client. Errors: XdsError. */
  retain(bytes: number): void {
    if (bytes === this.retained) return;
    this.retained = bytes;
    this.slot.retain(bytes);
  }

  /** As the client names itself; empty before its first request. */
  get nodeId(): string {
    return this.node?.id ?? '';
  }

  /** The server ends the stream with this error. */
  reportEnd({ status, message }: XdsError): void {
    const { gateway, nodeId, address } = this;
    if (FAULTS_OF_CLIENT.has(status))
      this.context.observer.ended({ gateway, nodeId, address, status, detail: message });
  }

  /** `tookMs`: since the last response of the type was sent. */
  reportAnswer(type: string, answer: 'ack' | 'nack', message: string | undefined, tookMs: number): void {
    this.context.observer.answered(this.gateway, this.nodeId, type, answer, message, tookMs);
  }

  /** The limiter that all streams of the gateway share. */
  get limiter(): RateLimiter {
    return this.slot.limiter;
  }

  /** Once. */
  release(): void {
    clearTimeout(this.expiry);
    this.slot.release();
  }

  private identify(): Extract<Client, { ok: true }> {
    const client = this.context.admission.identify(this.node);
    return client.ok ? client : this.deny(client.reason, client.detail);
  }

  private deny(reason: RefusalReason, detail: string): never {
    this.report(reason, detail);
    throw new XdsError('PERMISSION_DENIED', 'the client certificate does not admit this node');
  }

  private reserve(gateway: string, now: number): Slot {
    try {
      return this.context.reserve(gateway, now);
    } catch (error) {
      this.report('too_many_streams', (error as Error).message);
      throw error;
    }
  }

  private report(reason: RefusalReason, detail: string): void {
    const { admission, observer } = this.context;
    observer.refused({
      reason,
      detail,
      address: this.address,
      nodeId: this.nodeId,
      claims: admission.claims,
    });
  }

  private move(gateway: string): void {
    const slot = this.reserve(gateway, this.context.clock());
    this.slot.release();
    this.slot = slot;
    this.gateway = gateway;
    slot.retain(this.retained);
  }

  private expireAt(notAfter: number, now: number): void {
    const wait = Math.min(Math.max(notAfter - now, 0), LONGEST_TIMER);
    this.expiry = setTimeout(() => {
      if (this.context.clock() < notAfter) this.expireAt(notAfter, this.context.clock());
      else this.onExpired(new XdsError('UNAUTHENTICATED', 'the client certificate has expired'));
    }, wait);
    this.expiry.unref();
  }
}
