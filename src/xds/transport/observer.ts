// What the xDS server tells about itself: for logs and metrics.
// In: nothing. Out: the interface. Must not: be called with a resource's content.

import type { Variant } from '../wire/messages.ts';
import type { Refusal } from './refusal.ts';

export interface XdsObserver {
  opened(gateway: string, nodeId: string, address: string, variant: Variant): void;
  closed(gateway: string, nodeId: string, address: string): void;
  pushed(gateway: string, type: string): void;
  /** `message` is the client's own, for a NACK. */
  answered(gateway: string, nodeId: string, type: string, answer: 'ack' | 'nack', message: string | undefined): void;
  /** A client got no connection or stream. */
  refused(refusal: Refusal): void;
  /** A bug of ours, which ended a stream. */
  failed(error: unknown): void;
}

/** For servers that nobody watches. */
export const UNOBSERVED: XdsObserver = {
  opened: () => undefined,
  closed: () => undefined,
  pushed: () => undefined,
  answered: () => undefined,
  refused: () => undefined,
  failed: () => undefined,
};
