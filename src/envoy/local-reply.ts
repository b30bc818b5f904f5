// What a gateway answers by itself: one refusal whatever the reason, and nothing of Envoy's own words.
// In: the role. Out: local_reply_config. Must not: let a body tell why; the reason stays in the access log.

import type { GatewayRole } from '../federation/model.ts';
import type { Message } from './draft.ts';

type LocalReplyConfig = Message<'envoy.extensions.filters.network.http_connection_manager.v3.LocalReplyConfig'>;
type ResponseMapper = Message<'envoy.extensions.filters.network.http_connection_manager.v3.ResponseMapper'>;

/**
 * Ingress: every refusal (400 to 499) is the same 403, so that a peer cannot tell a service that it was not granted
 * from one that does not exist, or a bad path from a forbidden one. Errors keep their status, for the caller's retries.
 * Egress: our own callers may know more (404: no such import), but no connect error's text with its addresses.
 */
export function localReplies(role: GatewayRole): LocalReplyConfig {
  return { mappers: role === 'ingress' ? [from(500), { ...from(400), status_code: 403 }] : [from(400)] };
}

function from(status: number): ResponseMapper {
  return {
    filter: {
      status_code_filter: {
        comparison: { op: 'GE', value: { default_value: status, runtime_key: `postern.local_reply_from_${status}` } },
      },
    },
    body_format_override: {
      text_format_source: { inline_string: 'gateway: %RESPONSE_CODE%\n' },
      content_type: 'text/plain',
    },
  };
}
