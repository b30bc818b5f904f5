// I/O: one discovery stream, from its first request to its end.
// In: a grpc-js call. Out: frames; events for the observer. Must not: decide what is due (session.ts does), or keep
// anything once the stream has ended, however it ends.

import type { ServerHttp2Stream } from 'node:http2';
import type { SnapshotCache } from '../../snapshot/cache.ts';
import { shortName } from '../../snapshot/types.ts';
import { Allowance, type Rates } from '../limits/rate-limiter.ts';
import { Session } from '../protocol/session.ts';
import { GRPC_STATUS, type StreamStatus, XdsError } from '../stream-status.ts';
import { parseDeltaRequest, parseSotwRequest } from '../wire/discovery-request.ts';
import { frame, joined, responseBody } from '../wire/discovery-response.ts';
import type { Outgoing, Variant, XdsRequest } from '../wire/messages.ts';
import { unpredictable } from '../wire/nonces.ts';
import { FrameWriter } from './frame-writer.ts';
import { http2StreamOf, type RawCall, readRequests, sendHeaders } from './grpc-js-internals.ts';
import type { XdsObserver } from './observer.ts';
import { Drain } from './stall-guard.ts';
import { type OwnerContext, StreamOwner } from './stream-owner.ts';

export interface StreamLimits {
  readonly requestBytes: number;
  readonly namesPerType: number;
  readonly ratesPerStream: Rates;
  /** How long a client may leave what was sent unread. */
  readonly drainMs: number;
  /** How long it may say nothing at first. */
  readonly firstRequestMs: number;
}

export interface StreamContext extends OwnerContext {
  readonly cache: SnapshotCache;
  readonly observer: XdsObserver;
  readonly limits: StreamLimits;
  readonly controlPlane: string;
  readonly encrypted: boolean;
  readonly clock: () => number;
}

/** So many bytes of a request are as much work as a name; and so much costs nothing beside the request. */
const BYTES_PER_NAME = 64;
const FREE_NAMES = 16;

export class DiscoveryStream {
  private readonly call: RawCall;
  private readonly variant: Variant;
  private readonly fixedType: string | undefined;
  private readonly context: StreamContext;
  private readonly http2: ServerHttp2Stream;
  private readonly writer: FrameWriter;
  private readonly drain: Drain;
  private readonly since: number;
  private readonly address: string;
  private readonly allowance: Allowance;
  private owner: StreamOwner | undefined;
  private session: Session | undefined;
  private unwatch: (() => void) | undefined;
  /** Bytes of a request that has not come as a whole; and of responses that only this client is sent, until it has read. */
  private partial = 0;
  private unread = 0;
  private silence: NodeJS.Timeout | undefined;
  private wake: NodeJS.Timeout | undefined;
  private ended = false;
  /** Whether it was ever a gateway's. */
  private wasOpen = false;

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
    this.allowance = new Allowance('stream', context.limits.ratesPerStream, this.since);
    this.drain = new Drain(this.http2, this.writer, context.limits.drainMs, () => this.leave());
    this.http2.once('close', () => {
      this.leave();
      this.release();
      onEnd(this);
    });
    // grpc-js reports a broken call here; the stream's close does the rest.
    call.on('error', () => {});
    sendHeaders(call);
    readRequests(call, context.limits.requestBytes, {
      message: (bytes) => this.guard(() => this.onRequest(bytes)),
      partial: (bytes) => this.guard(() => this.onPartial(bytes)),
      end: () => this.finish(),
      error: (error) => this.fail(error),
    });
    this.guard(() => this.open());
  }

  /** Whose it is; until its first request a client may take no more than a little time. */
  private open(): void {
    this.owner = new StreamOwner(this.context, this.address, (error) => this.end(error));
    this.silence = setTimeout(
      () => this.end(new XdsError('DEADLINE_EXCEEDED', 'no request came')),
      this.context.limits.firstRequestMs,
    );
    this.silence.unref();
  }

  status(): StreamStatus | undefined {
    if (this.session === undefined || this.owner === undefined) return undefined;
    const { gateway, node, notAfter } = this.owner;
    return {
      gateway,
      nodeId: node?.id ?? '',
      userAgent: node?.userAgent ?? '',
      address: this.address,
      variant: this.variant,
      since: this.since,
      ...(Number.isFinite(notAfter) && { certificateNotAfter: notAfter }),
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
    this.guard(() => this.owner?.check());
  }

  /** Ends the stream: the client is told why. */
  end(error: XdsError): void {
    if (this.ended) return;
    this.leave();
    this.writer.drop();
    this.call.emit(
      'error',
      Object.assign(new Error(error.message), { code: GRPC_STATUS[error.status], details: error.message }),
    );
    this.drain.conclude();
    // Envoy opens its next stream on the connection that it has, which goes on showing the certificate that is refused.
    if (error.status === 'UNAUTHENTICATED' || error.status === 'PERMISSION_DENIED') this.http2.session?.close();
  }

  private onRequest(bytes: Buffer): void {
    const { owner } = this;
    if (owner === undefined) return;
    const now = this.context.clock();
    this.allowance.request(now);
    owner.allowance.request(now);
    this.work(owner, bytes.length / BYTES_PER_NAME, now);
    const parse = this.variant === 'sotw' ? parseSotwRequest : parseDeltaRequest;
    const request = parse(bytes, this.context.limits.namesPerType);
    if (this.session !== undefined) owner.check();
    const session = this.session ?? this.begin(owner, request);
    const typeUrl = this.fixedType ?? request.typeUrl;
    if (this.fixedType !== undefined && request.typeUrl !== '' && request.typeUrl !== this.fixedType) {
      throw new XdsError('INVALID_ARGUMENT', `this service serves ${shortName(this.fixedType)} alone`);
    }
    const { answer, replies, walked } = session.request(typeUrl, request, now);
    this.work(owner, walked, now);
    this.hold();
    if (answer !== undefined)
      this.context.observer.answered(
        owner.gateway,
        owner.node?.id ?? '',
        shortName(typeUrl),
        answer,
        request.errorDetail,
      );
    this.send(replies, now);
    this.work(owner, countNames(request) + countResources(replies), now);
  }

  private onPartial(bytes: number): void {
    this.partial = bytes;
    this.hold();
  }

  /** What is kept because of this client alone. */
  private hold(): void {
    if (this.unread > 0 && !this.writer.isBlocked) this.unread = 0;
    this.owner?.hold((this.session?.weight() ?? 0) + this.partial + this.unread);
  }

  /** The first request: whoever it is, it has to be who its certificate says. */
  private begin(owner: StreamOwner, request: XdsRequest): Session {
    owner.claim(request.node());
    clearTimeout(this.silence);
    const { cache, observer, limits, clock } = this.context;
    const { gateway, node } = owner;
    const names = limits.namesPerType;
    const session = new Session(this.variant, cache.get(gateway), { names }, node?.clientFeatures, unpredictable);
    this.session = session;
    this.unwatch = cache.watch(gateway, (snapshot) =>
      this.guard(() => {
        const now = clock();
        this.send(session.update(snapshot, now), now);
      }),
    );
    observer.opened(gateway, node?.id ?? '', this.address, this.variant);
    return session;
  }

  private send(replies: readonly Outgoing[], now: number): void {
    const frames: (readonly Buffer[])[] = [];
    for (const reply of replies) {
      const body = responseBody(this.variant, reply.typeUrl, reply, this.context.controlPlane);
      if (!reply.isShared) this.unread += body.length;
      frames.push(frame(body, reply.nonce));
      this.context.observer.pushed(this.owner?.gateway ?? '', shortName(reply.typeUrl));
    }
    for (const message of joined(frames)) this.writer.write(message);
    if (replies.length > 0) this.drain.watch();
    if (this.unread > 0) this.hold();
    this.scheduleWake(now);
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

  private work(owner: StreamOwner, names: number, now: number): void {
    if (names <= FREE_NAMES) return;
    this.allowance.work(names, now);
    owner.allowance.work(names, now);
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

  /** The client has said all: it is sent what is on its way, and no more. */
  private finish(): void {
    if (this.ended) return;
    this.leave();
    this.writer.whenEmpty(() => this.call.end());
    this.drain.conclude();
  }

  /** Nothing more is taken in or sent. What was sent may still be in our memory: the place is kept for it. */
  private leave(): void {
    if (this.ended) return;
    this.ended = true;
    this.unwatch?.();
    clearTimeout(this.silence);
    clearTimeout(this.wake);
    this.wasOpen = this.session !== undefined;
    this.session = undefined;
    this.partial = 0;
    this.hold();
  }

  /** The stream is closed. */
  private release(): void {
    this.drain.release();
    const { owner } = this;
    owner?.release();
    if (this.wasOpen) this.context.observer.closed(owner?.gateway ?? '', owner?.node?.id ?? '', this.address);
    this.owner = undefined;
  }
}

function countNames({ names, subscribe, unsubscribe, initialVersions }: XdsRequest): number {
  return names.length + subscribe.length + unsubscribe.length + initialVersions.size;
}

function countResources(replies: readonly Outgoing[]): number {
  let count = 0;
  for (const { resources } of replies) count += resources.length;
  return count;
}
