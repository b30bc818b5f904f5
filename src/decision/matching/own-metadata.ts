// What Postern has written into the metadata of a filter chain, a virtual host or a route: whose it is, and by which rule.
// Must not: read metadata that a filter writes for a request; that is part of the request.

import type { Message } from '../../envoy/draft.ts';
import { METADATA } from '../../envoy/resource-names.ts';

/** What a route without a service says in the place of one, for the access log. */
const NONE = '-';

export function ownMetadata(
  of: { readonly metadata?: Message<'envoy.config.core.v3.Metadata'> } | undefined,
  key: 'peer' | 'service' | 'rule' | 'reason' | 'version',
): string | undefined {
  const value = (of?.metadata?.filter_metadata?.[METADATA] as Readonly<Record<string, unknown>> | undefined)?.[key];
  return typeof value === 'string' && value !== NONE ? value : undefined;
}
