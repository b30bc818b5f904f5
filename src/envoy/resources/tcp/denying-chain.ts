// The filter chain of connections that may go nowhere: it closes each at once, without a byte.
// Must not: tell the other end why; the access log does.

import { extension, type Message } from '../../draft.ts';
import type { ReasonCode } from '../../reasons.ts';
import * as names from '../../resource-names.ts';
import { versionedChain } from './chain-version.ts';

export interface Denial {
  readonly peer: string;
  readonly service: string;
  /** What refused it, as the configuration names it, and why: for the log. */
  readonly rule: string;
  readonly reason: ReasonCode;
  /** Of an import, so that the `version` of two of one name is not the same. */
  readonly port?: string;
}

export function denyingChain(denial: Denial): Message<'envoy.config.listener.v3.FilterChain'> {
  return versionedChain({
    name: names.DENY_ALL,
    metadata: { filter_metadata: { [names.METADATA]: { ...denial } } },
    filters: [
      extension(
        'envoy.filters.network.direct_response',
        'envoy.extensions.filters.network.direct_response.v3.Config',
        {},
      ),
    ],
  });
}
