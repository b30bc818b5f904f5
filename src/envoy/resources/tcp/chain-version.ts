// The version of a filter chain: the digest of its content, in its own metadata. The access log has it, so that a line leads to the
// resources that decided.
// Must not: change while the chain does not, or connections would end for nothing.

import { digestOf } from '../../../federation/meaning-digest.ts';
import type { Message } from '../../draft.ts';
import { METADATA } from '../../resource-names.ts';

type FilterChain = Message<'envoy.config.listener.v3.FilterChain'>;

export function versionedChain(chain: FilterChain): FilterChain {
  const { [METADATA]: said } = chain.metadata?.filter_metadata ?? {};
  const version = digestOf(chain).slice(0, 12);
  return { ...chain, metadata: { filter_metadata: { [METADATA]: { ...said, version } } } };
}
