// The events of the xDS server that become log lines and metrics (telemetry/xds-metrics-and-log.ts).
// Must not: be given the content of a resource.

import { type GrpcStatus, XdsError } from '../stream-status.ts';
import type { Variant } from '../wire/messages.ts';
import type { Refusal } from './refusal.ts';

/** A stream that the server ended because of its client. */
export interface EndedStream {
  readonly gateway: string;
  /** Empty when the client had not named itself. */
  readonly nodeId: string;
  readonly address: string;
  readonly status: GrpcStatus;
  readonly detail: string;
}

export interface XdsObserver {
  opened(gateway: string, nodeId: string, address: string, variant: Variant): void;
  closed(gateway: string, nodeId: string, address: string): void;
  pushed(gateway: string, type: string): void;
  /** `message` is the client's own text of a NACK; `tookMs`: since the last response of the type was sent. */
  answered(
    gateway: string,
    nodeId: string,
    type: string,
    answer: 'ack' | 'nack',
    message: string | undefined,
    tookMs: number,
  ): void;
  /** A client got no connection or stream. */
  refused(refusal: Refusal): void;
  /** The server ended a stream because of its client, which is one of our gateways. */
  ended(stream: EndedStream): void;
  /** Of a message of reports, not all was read: the gateway reports too much. */
  dropped(gateway: string): void;
  /** An internal error ended a stream. */
  failed(error: unknown): void;
}

/** What ends a stream after an error. An error that is not the client's is reported, and the client is not told what it was. */
export function endingError(error: unknown, observer: Pick<XdsObserver, 'failed'>): XdsError {
  if (error instanceof XdsError) return error;
  observer.failed(error);
  return new XdsError('UNAVAILABLE', 'internal error');
}

/** For servers without logs and metrics. */
export const UNOBSERVED: XdsObserver = {
  opened: () => undefined,
  closed: () => undefined,
  pushed: () => undefined,
  answered: () => undefined,
  refused: () => undefined,
  ended: () => undefined,
  dropped: () => undefined,
  failed: () => undefined,
};
