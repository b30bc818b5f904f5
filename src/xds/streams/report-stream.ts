// I/O: one stream on which a gateway reports its connections (AccessLogService), from its opening to its close.
// Must not: end anything but this stream, whatever it is sent, or report for another gateway than the certificate says.

import type { ServerHttp2Stream } from 'node:http2';
import { endingError } from '../admission/observer.ts';
import type { OwnerContext } from '../admission/stream-owner.ts';
import { StreamOwner } from '../admission/stream-owner.ts';
import type { ReportAllowance } from '../limits/report-allowance.ts';
import { GRPC_STATUS, XdsError } from '../stream-status.ts';
import { type ConnectionReport, parseReports, reportingNode } from '../wire/connection-reports.ts';
import { http2StreamOf, type RawCall, readRequests, sendHeaders } from './grpc-js-internals.ts';

/** Envoy sends what it has at 16 KiB (one report more fits), or once a second. */
const MAX_MESSAGE_BYTES = 64 * 1024;

export interface ReportContext extends OwnerContext {
  readonly reported: (gateway: string, nodeId: string, reports: readonly ConnectionReport[]) => void;
  /** What all streams of the gateway share. */
  readonly allowance: (gateway: string, now: number) => ReportAllowance;
  /** How long a stream may wait for its first message. */
  readonly firstRequestMs: number;
}

export class ReportStream {
  private readonly call: RawCall;
  private readonly context: ReportContext;
  private readonly http2: ServerHttp2Stream;
  private owner: StreamOwner | undefined;
  private firstMessageTimer: NodeJS.Timeout | undefined;
  private isOver = false;

  /** `onClosed` is called once. */
  constructor(call: RawCall, context: ReportContext, onClosed: (stream: ReportStream) => void) {
    this.call = call;
    this.context = context;
    this.http2 = http2StreamOf(call);
    this.http2.once('close', () => {
      this.isOver = true;
      clearTimeout(this.firstMessageTimer);
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
      this.firstMessageTimer = setTimeout(
        () => this.abort(new XdsError('DEADLINE_EXCEEDED', 'no report came')),
        context.firstRequestMs,
      ).unref();
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
    const now = context.clock();
    context.allowance(owner.gateway, now).receive(message.length, now);
    // Only the first message has to name the node, which costs the gateway nothing: an Envoy opens its streams all at once.
    const isFirst = owner.node === undefined;
    const from = isFirst ? this.claim(owner, message) : 0;
    const allowance = context.allowance(owner.gateway, now);
    const most = allowance.read(message.length - from, now);
    if (most === 0) {
      context.observer.dropped(owner.gateway);
      return;
    }
    if (!isFirst) owner.check();
    const { reports, isCut } = parseReports(message, from, most);
    allowance.charge(reports.length, now);
    if (isCut) context.observer.dropped(owner.gateway);
    context.reported(owner.gateway, owner.nodeId, reports);
  }

  /** Returns where the reports of the message begin. */
  private claim(owner: StreamOwner, message: Buffer): number {
    const { node, end } = reportingNode(message);
    owner.claim(node);
    clearTimeout(this.firstMessageTimer);
    return end;
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
    this.abort(endingError(error, this.context.observer));
  }
}
