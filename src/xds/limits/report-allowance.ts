// How much of what all streams of one gateway report of their connections is received, and how much of that is read.
// Must not: begin anew when a gateway has closed all its streams, or give a stream an allowance of its own.

import { type Rate, TokenBucket } from '../../token-bucket.ts';
import { XdsError } from '../stream-status.ts';

export interface ReportRates {
  /** Bytes that a gateway may send at all; a stream that sends more ends. */
  readonly reportBytesReceived: Rate;
  /** Bytes and reports that are read. The rest is dropped: what is read tells the same. */
  readonly reportBytesRead: Rate;
  readonly reportsRead: Rate;
  /** Of one message. */
  readonly reportsPerMessage: number;
}

/** What a message costs besides its bytes, however short it is. */
const BYTES_PER_MESSAGE = 256;

export class ReportAllowance {
  private readonly received: TokenBucket;
  private readonly bytes: TokenBucket;
  private readonly reports: TokenBucket;
  private readonly most: number;

  constructor(rates: ReportRates, now: number) {
    this.received = new TokenBucket(rates.reportBytesReceived, now);
    this.bytes = new TokenBucket(rates.reportBytesRead, now);
    this.reports = new TokenBucket(rates.reportsRead, now);
    this.most = rates.reportsPerMessage;
  }

  /** Each message, also one that is dropped. Errors: XdsError RESOURCE_EXHAUSTED. */
  receive(bytes: number, now: number): void {
    if (!this.received.spend(bytes + BYTES_PER_MESSAGE, now))
      throw new XdsError('RESOURCE_EXHAUSTED', 'too many reports of this gateway');
  }

  /** How many reports of a message may be read; 0: it is dropped, which costs nothing, or a flood would silence the gateway for long. */
  read(bytes: number, now: number): number {
    const cost = bytes + BYTES_PER_MESSAGE;
    if (!this.bytes.has(cost, now) || !this.reports.has(this.most, now)) return 0;
    this.bytes.spend(cost, now);
    return this.most;
  }

  /** The reports that were found in it. */
  charge(reports: number, now: number): void {
    this.reports.spend(reports, now);
  }
}

export class ReportAllowances {
  private readonly rates: ReportRates;
  /** One for each gateway that ever reported; only registered gateways do. */
  private readonly gateways = new Map<string, ReportAllowance>();

  constructor(rates: ReportRates) {
    this.rates = rates;
  }

  of(gateway: string, now: number): ReportAllowance {
    const allowance = this.gateways.get(gateway) ?? new ReportAllowance(this.rates, now);
    this.gateways.set(gateway, allowance);
    return allowance;
  }
}
