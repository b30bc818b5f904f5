// The answers that a gateway gives by itself: one refusal whatever the reason, and none of Envoy's own words.
// Must not: let a body tell the reason, which only the access log has.

import type { GatewayRole } from '../../federation/model.ts';
import type { Message } from '../draft.ts';

type LocalReplyConfig = Message<'envoy.extensions.filters.network.http_connection_manager.v3.LocalReplyConfig'>;
type Filter = Message<'envoy.config.accesslog.v3.AccessLogFilter'>;
type ResponseMapper = Message<'envoy.extensions.filters.network.http_connection_manager.v3.ResponseMapper'>;

/**
 * Ingress: every refusal (400 to 499) becomes the same 403, so that a peer cannot tell a service that it was not granted
 * from one that does not exist, or a bad path from a forbidden one. Errors keep their status, for the caller's retries.
 * Egress: our own callers may learn more (404: no such import), but not the text of a connect error, which has addresses.
 */
export function localReplies(role: GatewayRole): LocalReplyConfig {
  const forbidden = { status_code: 403 };
  return {
    mappers:
      role === 'ingress' ? [...from(500), ...from(400).map((mapper) => ({ ...mapper, ...forbidden }))] : from(400),
  };
}

/** gRPC first: there the body becomes grpc-message, in which a line feed would be escaped. */
function from(status: number): readonly ResponseMapper[] {
  const atLeast: Filter = {
    status_code_filter: {
      comparison: { op: 'GE', value: { default_value: status, runtime_key: `postern.local_reply_from_${status}` } },
    },
  };
  const grpc: Filter = {
    header_filter: { header: { name: 'content-type', string_match: { prefix: 'application/grpc' } } },
  };
  return [
    { filter: { and_filter: { filters: [atLeast, grpc] } }, ...worded('') },
    { filter: atLeast, ...worded('\n') },
  ];
}

function worded(end: string): ResponseMapper {
  return {
    body_format_override: {
      text_format_source: { inline_string: `gateway: %RESPONSE_CODE%${end}` },
      content_type: 'text/plain',
    },
  };
}
