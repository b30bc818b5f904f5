// I/O: one discovery stream, from its first request to its end.
// In: a grpc-js call. Out: frames; events for the observer. Must not: decide what is due (session.ts does), or keep
// anything once the stream has ended, however it ends.

import type { ServerHttp2Stream } from 'node:http2';
import type { SnapshotCache } from '../snapshot/cache.ts';
import { shortName } from '../snapshot/types.ts';
import { FrameWriter } from './frame-writer.ts';
import { http2StreamOf, type RawCall, readRequests, sendHeaders } from './http2-frames.ts';
import type { Admission, Caller } from './node.ts';
import type { XdsObserver } from './observer.ts';
import type { Place } from './places.ts';
import { type NodeClaims, parseDeltaRequest, parseSotwRequest } from './request.ts';
import { frame, responseBody } from './response.ts';
import { type Outgoing, Session } from './session.ts';
import { GRPC_STATUS, type StreamStatus, XdsError } from './status.ts';
import type { Variant } from './subscription.ts';

export interface StreamLimits {
  readonly requestBytes: number;
  readonly namesPerType: number;
  /** Requests that may come at once, and how many more each second. */
  readonly requestBurst: number;
  readonly requestsPerSecond: number;
  /** How long a client may leave what was sent unread. */
  readonly drainMs: number;
}

export interface StreamContext {
  readonly cache: SnapshotCache;
  readonly observer: XdsObserver;
  readonly limits: StreamLimits;
  readonly controlPlane: string;
  readonly admission: Admission;
  /** Counts a stream of a gateway, or throws. */
  readonly admit: (gateway: string) => Place;
  readonly encrypted: boolean;
  readonly clock: () => number;
}

/** setTimeout's limit. */
const LONGEST_TIMER = 2 ** 31 - 1;

export class DiscoveryStream {
  private readonly call: RawCall;
  private readonly variant: Variant;
  private readonly fixedType: string | undefined;
  private readonly context: StreamContext;
  private readonly http2: ServerHttp2Stream;
  private readonly writer: FrameWriter;
  private readonly since: number;
  private readonly address: string;
  private session: Session | undefined;
  private gateway = '';
  private node: NodeClaims | undefined;
  private unwatch: (() => void) | undefined;
  private place: Place | undefined;
  private wake: NodeJS.Timeout | undefined;
  private expiry: NodeJS.Timeout | undefined;
  private drain: NodeJS.Timeout | undefined;
  private allowance: number;
  private allowedAt: number;
  private ended = false;

  /** `fixedType` is the one type of a per-type service; undefined on ADS. `onEnd` is called once. */
  constructor(
    call: RawCall,
    variant: Variant,
    fixedType: string | undefined,
    context: StreamContext,
    onEnd: (stream: DiscoveryStream) => void,
  ) {
    this.call = call;
    this.variant = variant;
    this.fixedType = fixedType;
    this.context = context;
    this.http2 = http2StreamOf(call);
    this.writer = new FrameWriter(this.http2, context.encrypted);
    this.since = context.clock();
    this.address = call.getPeer();
    this.allowance = context.limits.requestBurst;
    this.allowedAt = this.since;
    this.http2.once('close', () => {
      this.release();
      onEnd(this);
    });
    readRequests(
      call,
      context.limits.requestBytes,
      (message) => this.guard(() => this.onRequest(message)),
      () => this.finish(),
      (error) => this.fail(error),
    );
    // grpc-js reports a broken call here; the stream's close does the rest.
    call.on('error', () => {});
    sendHeaders(call);
  }

  status(): StreamStatus | undefined {
    if (this.session === undefined || this.ended) return undefined;
    return {
      gateway: this.gateway,
      nodeId: this.node?.id ?? '',
      userAgent: this.node?.userAgent ?? '',
      address: this.address,
      variant: this.variant,
      since: this.since,
      types: this.session.status(),
    };
  }

  /** Sends what its client rejected once more. */
  retry(): void {
    const now = this.context.clock();
    this.guard(() => this.send(this.session?.retry(now) ?? [], now));
  }

  /** Ends the stream if its caller may no longer have it. */
  recheck(): void {
    if (this.session !== undefined) this.guard(() => void this.authorize(this.node, this.gateway));
  }

  /** Ends the stream: what it holds is released, the client is told why. */
  end(error: XdsError): void {
    if (this.ended) return;
    this.release();
    this.call.emit(
      'error',
      Object.assign(new Error(error.message), { code: GRPC_STATUS[error.status], details: error.message }),
    );
  }

  private onRequest(bytes: Buffer): void {
    if (this.ended) return;
    const now = this.context.clock();
    this.spend(now);
    const parse = this.variant === 'sotw' ? parseSotwRequest : parseDeltaRequest;
    const request = parse(bytes, this.context.limits.namesPerType);
    const known = this.session;
    if (known !== undefined) this.authorize(this.node, this.gateway);
    const session = known ?? this.begin(request.node(), now);
    const typeUrl = this.fixedType ?? request.typeUrl;
    if (this.fixedType !== undefined && request.typeUrl !== '' && request.typeUrl !== this.fixedType) {
      throw new XdsError('INVALID_ARGUMENT', `this service serves ${shortName(this.fixedType)} alone`);
    }
    const { answer, replies } = session.request(typeUrl, request, now);
    this.place?.hold(session.nameWeight());
    if (answer !== undefined)
      this.context.observer.answered(
        this.gateway,
        this.node?.id ?? '',
        shortName(typeUrl),
        answer,
        request.errorDetail,
      );
    this.send(replies, now);
  }

  /** The first request: whoever it is, it has to be who its certificate says. */
  private begin(claims: NodeClaims | undefined, now: number): Session {
    if (claims === undefined || claims.id === '') {
      throw new XdsError('INVALID_ARGUMENT', 'the first request has no node.id');
    }
    const caller = this.authorize(claims, undefined);
    const { cache, observer, limits } = this.context;
    this.place = this.context.admit(caller.gateway);
    this.gateway = caller.gateway;
    this.node = claims;
    this.session = new Session(
      this.variant,
      cache.get(caller.gateway),
      { names: limits.namesPerType },
      claims.clientFeatures,
    );
    this.unwatch = cache.watch(caller.gateway, (snapshot) =>
      this.guard(() => this.send(this.session?.update(snapshot, this.context.clock()) ?? [], this.context.clock())),
    );
    if (Number.isFinite(caller.notAfter)) this.endAt(caller.notAfter, now);
    observer.opened(caller.gateway, claims.id, this.address, this.variant);
    return this.session;
  }

  private authorize(claims: NodeClaims | undefined, expected: string | undefined): Extract<Caller, { ok: true }> {
    const caller = this.context.admission.identify(claims);
    if (!caller.ok) return this.deny(caller.reason, claims?.id ?? '');
    if (expected !== undefined && caller.gateway !== expected) {
      return this.deny('the identity is now another gateway', claims?.id ?? '');
    }
    return caller;
  }

  private deny(reason: string, nodeId: string): never {
    this.context.observer.denied(reason, this.address, nodeId);
    throw new XdsError('PERMISSION_DENIED', 'the client certificate does not admit this node');
  }

  /** A stream lives no longer than the certificate that opened it. */
  private endAt(notAfter: number, now: number): void {
    const wait = Math.min(Math.max(notAfter - now, 0), LONGEST_TIMER);
    this.expiry = setTimeout(() => {
      if (this.context.clock() < notAfter) this.endAt(notAfter, this.context.clock());
      else this.end(new XdsError('UNAUTHENTICATED', 'the client certificate has expired'));
    }, wait);
    this.expiry.unref();
  }

  private send(replies: readonly Outgoing[], now: number): void {
    for (const reply of replies) {
      const body = responseBody(this.variant, reply.typeUrl, reply, this.context.controlPlane);
      this.writer.write(frame(body, reply.nonce));
      this.context.observer.pushed(this.gateway, shortName(reply.typeUrl));
    }
    if (replies.length > 0) this.watchDrain();
    this.scheduleWake(now);
  }

  /** A client that reads nothing still answers pings; what it leaves in our memory is what tells. */
  private watchDrain(): void {
    if (this.drain !== undefined || !this.writer.isBlocked) return;
    const { progress } = this.writer;
    this.drain = setTimeout(() => {
      this.drain = undefined;
      if (this.ended || !this.writer.isBlocked) return;
      // Slow is not dead: as long as something is taken, there is more to wait for.
      if (this.writer.progress !== progress) return this.watchDrain();
      this.release();
      // Trailers would queue behind what is not read: the stream is reset.
      this.http2.close(8 /* NGHTTP2_CANCEL */);
    }, this.context.limits.drainMs);
    this.drain.unref();
  }

  private scheduleWake(now: number): void {
    if (this.wake !== undefined) clearTimeout(this.wake);
    this.wake = undefined;
    const at = this.session?.wakeAt();
    if (at === undefined) return;
    this.wake = setTimeout(
      () => this.guard(() => this.send(this.session?.tick(this.context.clock()) ?? [], this.context.clock())),
      Math.max(at - now, 0),
    );
    this.wake.unref();
  }

  private spend(now: number): void {
    const { requestBurst, requestsPerSecond } = this.context.limits;
    const gained = ((now - this.allowedAt) / 1000) * requestsPerSecond;
    this.allowance = Math.min(requestBurst, this.allowance + gained) - 1;
    this.allowedAt = now;
    if (this.allowance < 0) throw new XdsError('RESOURCE_EXHAUSTED', 'too many requests');
  }

  /** What goes wrong with one stream ends that stream, and no other. */
  private guard(work: () => void): void {
    if (this.ended) return;
    try {
      work();
    } catch (error) {
      this.fail(error);
    }
  }

  private fail(error: unknown): void {
    if (!(error instanceof XdsError)) this.context.observer.failed(error);
    this.end(error instanceof XdsError ? error : new XdsError('UNAVAILABLE', 'internal error'));
  }

  private finish(): void {
    if (this.ended) return;
    this.release();
    this.call.end();
  }

  private release(): void {
    if (this.ended) return;
    this.ended = true;
    this.unwatch?.();
    this.place?.leave();
    for (const timer of [this.wake, this.expiry, this.drain]) clearTimeout(timer);
    if (this.session !== undefined) this.context.observer.closed(this.gateway, this.node?.id ?? '', this.address);
    this.session = undefined;
  }
}
