// The events of the xDS server that become log lines and metrics (telemetry/xds-metrics-and-log.ts).
// Must not: be given the content of a resource.

import type { Variant } from '../wire/messages.ts';
import type { Refusal } from './refusal.ts';

export interface XdsObserver {
  opened(gateway: string, nodeId: string, address: string, variant: Variant): void;
  closed(gateway: string, nodeId: string, address: string): void;
  pushed(gateway: string, type: string): void;
  /** `message` is the client's own text of a NACK. */
  answered(gateway: string, nodeId: string, type: string, answer: 'ack' | 'nack', message: string | undefined): void;
  /** A client got no connection or stream. */
  refused(refusal: Refusal): void;
  /** An internal error ended a stream. */
  failed(error: unknown): void;
}

/** For servers without logs and metrics. */
export const UNOBSERVED: XdsObserver = {
  opened: () => undefined,
  closed: () => undefined,
  pushed: () => undefined,
  answered: () => undefined,
  refused: () => undefined,
  failed: () => undefined,
};
