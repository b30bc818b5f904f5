// I/O: one stream on which a gateway reports its connections (AccessLogService), from its opening to its close.
// Must not: end anything but this stream, whatever it is sent, or report for another gateway than the certificate says.

import type { ServerHttp2Stream } from 'node:http2';
import { type Rate, TokenBucket } from '../../token-bucket.ts';
import type { OwnerContext } from '../admission/stream-owner.ts';
import { StreamOwner } from '../admission/stream-owner.ts';
import { GRPC_STATUS, XdsError } from '../stream-status.ts';
import { type ConnectionReport, parseReports } from '../wire/connection-reports.ts';
import { http2StreamOf, type RawCall, readRequests, sendHeaders } from './grpc-js-internals.ts';

/** Envoy sends what it has at 16 KiB (one report more fits), or once a second. */
const MAX_MESSAGE_BYTES = 64 * 1024;
/** Reports beyond this are dropped unread: the ones that are read tell the same. */
const BYTES: Rate = { burst: 1024 * 1024, perSecond: 128 * 1024 };

export interface ReportContext extends OwnerContext {
  readonly reported: (gateway: string, nodeId: string, reports: readonly ConnectionReport[]) => void;
}

export class ReportStream {
  private readonly call: RawCall;
  private readonly context: ReportContext;
  private readonly http2: ServerHttp2Stream;
  private readonly bytes: TokenBucket;
  private owner: StreamOwner | undefined;
  private isOver = false;

  /** `onClosed` is called once. */
  constructor(call: RawCall, context: ReportContext, onClosed: (stream: ReportStream) => void) {
    this.call = call;
    this.context = context;
    this.http2 = http2StreamOf(call);
    this.bytes = new TokenBucket(BYTES, context.clock());
    this.http2.once('close', () => {
      this.isOver = true;
      this.owner?.release();
      this.owner = undefined;
      onClosed(this);
    });
    call.on('error', () => {});
    sendHeaders(call);
    readRequests(call, MAX_MESSAGE_BYTES, {
      message: (message) => this.guard(() => this.onMessage(message)),
      partial: (bytes) => this.guard(() => this.owner?.retain(bytes)),
      end: () => this.guard(() => this.call.end()),
      error: (error) => this.fail(error),
    });
    this.guard(() => {
      this.owner = new StreamOwner(context, call.getPeer(), (error) => this.abort(error));
    });
  }

  /** Ends the stream if its client is no longer admitted. */
  recheck(): void {
    this.guard(() => this.owner?.check());
  }

  abort(error: XdsError): void {
    if (this.isOver) return;
    this.isOver = true;
    this.owner?.reportEnd(error);
    const details = error.message;
    this.call.emit('error', Object.assign(new Error(details), { code: GRPC_STATUS[error.status], details }));
  }

  private onMessage(message: Buffer): void {
    const { owner, context } = this;
    if (owner === undefined) return;
    const isFirst = owner.node === undefined;
    const now = context.clock();
    // What is dropped costs nothing, or a flood would silence the gateway for long after it.
    if (!isFirst && !this.bytes.has(message.length, now)) return;
    this.bytes.spend(message.length, now);
    const { node, reports } = parseReports(message);
    // Only the first message has to name the node.
    if (isFirst) owner.claim(node);
    else owner.check();
    context.reported(owner.gateway, owner.nodeId, reports);
  }

  private guard(work: () => void): void {
    if (this.isOver) return;
    try {
      work();
    } catch (error) {
      this.fail(error);
    }
  }

  private fail(error: unknown): void {
    if (!(error instanceof XdsError)) this.context.observer.failed(error);
    this.abort(error instanceof XdsError ? error : new XdsError('UNAVAILABLE', 'internal error'));
  }
}
