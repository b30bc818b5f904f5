// Boundary rules for trace context and request ids: what of them the routes to and from a peer keep.
// Must not: look at another resource; which peer may have them is compared with the model (expectation.ts).

import type { Messages } from '../../../proto/types.gen.ts';
import { TRACE_CONTEXT } from '../../required-removals.ts';
import { passesRequestId } from './log-rules.ts';

type RouteConfiguration = Messages['envoy.config.route.v3.RouteConfiguration'];
type VirtualHost = Messages['envoy.config.route.v3.VirtualHost'];

/** Whether requests keep a header of trace context, or the request id that they came with. A host that answers by itself sends none. */
export function forwardsTrace(level: RouteConfiguration | VirtualHost): boolean {
  const removed = level.request_headers_to_remove ?? [];
  return (
    !TRACE_CONTEXT.every((name) => removed.includes(name)) ||
    (level.request_headers_to_add ?? []).some(isGivenId) ||
    passesRequestId(level.typed_per_filter_config)
  );
}

export function addsHeaders(host: VirtualHost): boolean {
  return host.request_headers_to_add !== undefined;
}

/** The request id that the caller sent, if it has the form of one. */
export function isGivenId({
  header,
  append_action: action,
}: Messages['envoy.config.core.v3.HeaderValueOption']): boolean {
  return (
    header?.key === 'x-request-id' &&
    header.value === '%DYNAMIC_METADATA(postern:given_request_id)%' &&
    action === 'OVERWRITE_IF_EXISTS_OR_ADD'
  );
}
