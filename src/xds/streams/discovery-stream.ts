// I/O: one discovery stream, from its first request to its close; stream-state.ts has the diagram of its states.
// Must not: decide which responses are due (session.ts does), or keep anything after the stream is closed, however it ended.

import type { ServerHttp2Stream } from 'node:http2';
import { shortName } from '../../snapshot/resource-types.ts';
import { endingError } from '../admission/observer.ts';
import { StreamOwner } from '../admission/stream-owner.ts';
import { RateLimiter } from '../limits/rate-limiter.ts';
import { RequestCost } from '../limits/request-cost.ts';
import { Session } from '../protocol/session.ts';
import { GRPC_STATUS, type StreamStatus, XdsError } from '../stream-status.ts';
import { RequestParser } from '../wire/discovery-request.ts';
import { frame, joined, responseBody } from '../wire/discovery-response.ts';
import type { Outgoing, Variant, XdsRequest } from '../wire/messages.ts';
import { unpredictable } from '../wire/nonces.ts';
import { FrameWriter } from './frame-writer.ts';
import { http2StreamOf, type RawCall, readRequests, sendHeaders } from './grpc-js-internals.ts';
import { StallGuard } from './stall-guard.ts';
import type { StreamContext } from './stream-context.ts';
import { isActive, nextState, type StreamEvent, type StreamState } from './stream-state.ts';

export class DiscoveryStream {
  private readonly call: RawCall;
  private readonly variant: Variant;
  private readonly fixedType: string | undefined;
  private readonly context: StreamContext;
  private readonly http2: ServerHttp2Stream;
  private readonly writer: FrameWriter;
  private readonly stallGuard: StallGuard;
  private readonly since: number;
  private readonly address: string;
  private readonly limiter: RateLimiter;
  private readonly parser: RequestParser;
  private state: StreamState = 'waiting';
  private owner: StreamOwner | undefined;
  private cost: RequestCost | undefined;
  private session: Session | undefined;
  private unwatch: (() => void) | undefined;
  /** Bytes of a request that has not come as a whole. */
  private partialBytes = 0;
  /** Bytes of responses that no other stream shares, until the client has read them. */
  private unreadBytes = 0;
  private firstRequestTimer: NodeJS.Timeout | undefined;
  private wakeTimer: NodeJS.Timeout | undefined;
  private wasConnected = false;

  /** `fixedType` is the one type of a per-type service; undefined on ADS. `onClosed` is called once. */
  constructor(
    call: RawCall,
    variant: Variant,
    fixedType: string | undefined,
    context: StreamContext,
    onClosed: (stream: DiscoveryStream) => void,
  ) {
    this.call = call;
    this.variant = variant;
    this.fixedType = fixedType;
    this.context = context;
    this.http2 = http2StreamOf(call);
    this.writer = new FrameWriter(this.http2, context.encrypted);
    this.since = context.clock();
    this.address = call.getPeer();
    this.limiter = new RateLimiter('stream', context.limits.ratesPerStream, this.since);
    this.parser = new RequestParser(variant, context.limits.namesPerType, fixedType);
    this.stallGuard = new StallGuard(this.http2, this.writer, context.limits.stallMs, (error) => this.end(error));
    this.http2.once('close', () => {
      this.close();
      onClosed(this);
    });
    // grpc-js reports a broken call here; the close of the HTTP/2 stream does the rest.
    call.on('error', () => {});
    sendHeaders(call);
    readRequests(call, context.limits.requestBytes, {
      message: (bytes) => this.guard(() => this.onRequest(bytes)),
      partial: (bytes) => this.guard(() => this.onPartial(bytes)),
      end: () => this.halfClose(),
      error: (error) => this.fail(error),
    });
    this.guard(() => this.reserve());
  }

  /** Takes a slot of the gateway that the certificate proves, for the short time that the first request may take. */
  private reserve(): void {
    const owner = new StreamOwner(this.context, this.address, (error) => this.abort(error));
    this.owner = owner;
    this.cost = new RequestCost(this.limiter, () => owner.limiter);
    this.firstRequestTimer = setTimeout(
      () => this.abort(new XdsError('DEADLINE_EXCEEDED', 'no request came')),
      this.context.limits.firstRequestMs,
    ).unref();
  }

  status(): StreamStatus | undefined {
    if (this.session === undefined || this.owner === undefined) return undefined;
    const { gateway, node, nodeId, notAfter } = this.owner;
    return {
      gateway,
      nodeId,
      userAgent: node?.userAgent ?? '',
      ...(node?.bootstrap !== undefined && { bootstrap: node.bootstrap }),
      address: this.address,
      variant: this.variant,
      since: this.since,
      ...(Number.isFinite(notAfter) && { certificateNotAfter: notAfter }),
      types: this.session.status(),
    };
  }

  /** Sends again what the client rejected. */
  retry(): void {
    const now = this.context.clock();
    this.guard(() => this.send(this.session?.retry(now) ?? [], now));
  }

  /** Aborts the stream if its client is no longer admitted. */
  recheck(): void {
    this.guard(() => this.owner?.check());
  }

  /** Ends the stream with an error, which is sent to the client. */
  abort(error: XdsError): void {
    if (!this.end(error)) return;
    this.writer.discard();
    this.call.emit(
      'error',
      Object.assign(new Error(error.message), { code: GRPC_STATUS[error.status], details: error.message }),
    );
    this.stallGuard.awaitClose();
    // Envoy opens its next stream on the same connection, which would present the refused certificate again.
    if (error.status === 'UNAUTHENTICATED' || error.status === 'PERMISSION_DENIED') this.http2.session?.close();
  }

  /** False: the stream has ended already. */
  private end(error: XdsError): boolean {
    const ends = this.enter('abort');
    if (ends) this.owner?.reportEnd(error);
    return ends;
  }

  private onRequest(bytes: Buffer): void {
    const { owner, cost } = this;
    if (owner === undefined || cost === undefined) return;
    const now = this.context.clock();
    cost.admit(bytes.length - this.parser.repeatedBytes(bytes), now);
    const request = this.parser.parse(bytes);
    if (this.session !== undefined) owner.check();
    const typeUrl = this.typeOf(request);
    const session = this.session ?? this.open(owner, request);
    const response = session.request(typeUrl, request, now);
    const { answer, replies, sentAt = now } = response;
    cost.settle(request, response, now);
    this.retain();
    if (answer !== undefined)
      owner.reportAnswer(shortName(typeUrl), answer, request.errorDetail, Math.max(0, now - sentAt));
    this.send(replies, now);
  }

  /** Errors: XdsError INVALID_ARGUMENT for a type that this service does not serve (rule 3). */
  private typeOf({ typeUrl }: XdsRequest): string {
    const { fixedType } = this;
    if (fixedType === undefined && typeUrl === '') throw new XdsError('INVALID_ARGUMENT', 'a request without a type');
    if (fixedType !== undefined && typeUrl !== '' && typeUrl !== fixedType)
      throw new XdsError('INVALID_ARGUMENT', `this service serves ${shortName(fixedType)} only`);
    return fixedType ?? typeUrl;
  }

  private onPartial(bytes: number): void {
    this.partialBytes = bytes;
    this.retain();
  }

  /** Charges the bytes that are retained for this client alone to its gateway. */
  private retain(): void {
    if (this.unreadBytes > 0 && !this.writer.isBlocked) this.unreadBytes = 0;
    const state = this.session === undefined ? 0 : this.session.retainedBytes + this.parser.retainedBytes;
    this.owner?.retain(state + this.partialBytes + this.unreadBytes);
  }

  /** The first request: from now on, the client counts as connected. */
  private open(owner: StreamOwner, request: XdsRequest): Session {
    owner.claim(request.node());
    this.enter('open');
    clearTimeout(this.firstRequestTimer);
    const { cache, pushes, observer, limits, clock, rejected } = this.context;
    const { gateway, node, nodeId } = owner;
    const names = limits.namesPerType;
    const session = new Session(this.variant, cache.get(gateway), { names }, node, unpredictable, rejected);
    this.session = session;
    this.unwatch = pushes.watch(gateway, (snapshot) =>
      this.guard(() => {
        const now = clock();
        this.send(session.update(snapshot, now), now);
      }),
    );
    this.wasConnected = true;
    observer.opened(gateway, nodeId, this.address, this.variant);
    return session;
  }

  private send(replies: readonly Outgoing[], now: number): void {
    const frames: (readonly Buffer[])[] = [];
    for (const reply of replies) {
      const body = responseBody(this.variant, reply.typeUrl, reply, this.context.controlPlane);
      if (!reply.isShared) this.unreadBytes += body.length;
      frames.push(frame(body, reply.nonce));
      this.context.observer.pushed(this.owner?.gateway ?? '', shortName(reply.typeUrl));
    }
    for (const message of joined(frames)) this.writer.write(message);
    if (replies.length > 0) this.stallGuard.watch();
    if (this.unreadBytes > 0) this.retain();
    this.scheduleWake(now);
  }

  private scheduleWake(now: number): void {
    if (this.wakeTimer !== undefined) clearTimeout(this.wakeTimer);
    this.wakeTimer = undefined;
    const at = this.session?.wakeAt();
    if (at === undefined) return;
    this.wakeTimer = setTimeout(
      () => this.guard(() => this.send(this.session?.tick(this.context.clock()) ?? [], this.context.clock())),
      Math.max(at - now, 0),
    ).unref();
  }

  /** An error on one stream ends that stream and no other. */
  private guard(work: () => void): void {
    if (!isActive(this.state)) return;
    try {
      work();
    } catch (error) {
      this.fail(error);
    }
  }

  private fail(error: unknown): void {
    this.abort(endingError(error, this.context.observer));
  }

  /** The client has ended its side: it is sent the responses in flight, then OK. */
  private halfClose(): void {
    if (!this.enter('halfClose')) return;
    this.writer.whenEmpty(() => this.call.end());
    this.stallGuard.awaitClose();
  }

  /** HTTP/2 has closed the stream, and its state is released. */
  private close(): void {
    this.enter('close');
    this.stallGuard.stop();
    const { owner } = this;
    owner?.release();
    if (this.wasConnected) this.context.observer.closed(owner?.gateway ?? '', owner?.nodeId ?? '', this.address);
    this.owner = undefined;
  }

  /** False: the event changes nothing. */
  private enter(event: StreamEvent): boolean {
    const next = nextState(this.state, event);
    if (next === undefined) return false;
    const stops = isActive(this.state) && !isActive(next);
    this.state = next;
    if (stops) this.stop();
    return true;
  }

  /** Nothing more is read or pushed. Unread responses may still be in memory, and stay counted. */
  private stop(): void {
    this.unwatch?.();
    clearTimeout(this.firstRequestTimer);
    clearTimeout(this.wakeTimer);
    this.session = undefined;
    this.partialBytes = 0;
    this.retain();
  }
}
