// The answers that a gateway gives by itself: one refusal whatever the reason, and none of Envoy's own words.
// Must not: let a body tell the reason, which only the access log has.

import type { GatewayRole } from '../../federation/model.ts';
import type { Message } from '../draft.ts';
import { HAD_UNDERSCORE } from './headers/underscore-guard.ts';

type LocalReplyConfig = Message<'envoy.extensions.filters.network.http_connection_manager.v3.LocalReplyConfig'>;
type Filter = Message<'envoy.config.accesslog.v3.AccessLogFilter'>;
type ResponseMapper = Message<'envoy.extensions.filters.network.http_connection_manager.v3.ResponseMapper'>;

/**
 * Ingress: every refusal (400 to 499) becomes the same 403, so that a peer cannot tell a service that it was not granted
 * from one that does not exist, or a bad path from a forbidden one. Two keep their status, because callers act on them: 429
 * (a limit of the peer, or of what access control has admitted), and 413 of an admitted request. Errors keep theirs as well,
 * for the caller's retries.
 * Egress: our own callers may learn more (404: no such import; 400: a header name with an underscore), but not the text of a connect error, which has addresses.
 * A gRPC client sees no status of HTTP: for a body above a limit Envoy would tell it UNKNOWN.
 */
export function localReplies(role: GatewayRole, hasClients: boolean): LocalReplyConfig {
  if (role === 'egress') {
    const underscore = [status('EQ', 403), HAD_UNDERSCORE, ...(hasClients ? [ADMITTED] : [])];
    return {
      mappers: [
        exhausted(status('EQ', 413)),
        ...worded({ and_filter: { filters: underscore } }, 400),
        ...worded(status('GE', 400)),
      ],
    };
  }
  const tooLarge = [status('EQ', 413), ADMITTED];
  return {
    mappers: [
      ...worded(status('GE', 500)),
      ...worded(status('EQ', 429)),
      exhausted(...tooLarge),
      { filter: { and_filter: { filters: tooLarge } }, ...body('\n') },
      ...worded(status('GE', 400), 403),
    ],
  };
}

function status(op: 'GE' | 'EQ', code: number): Filter {
  const key = op === 'GE' ? `postern.local_reply_from_${code}` : `postern.local_reply_${code}`;
  return { status_code_filter: { comparison: { op, value: { default_value: code, runtime_key: key } } } };
}

/** Access control ran and allowed the request. The guard against unexpected bodies (body-guard.ts) answers 413 before that. */
const ADMITTED: Filter = {
  metadata_filter: {
    matcher: {
      filter: 'envoy.filters.http.rbac',
      path: [{ key: 'enforced_engine_result' }],
      value: { string_match: { exact: 'allowed' } },
    },
    match_if_key_not_found: false,
  },
};

const GRPC: Filter = {
  header_filter: { header: { name: 'content-type', string_match: { prefix: 'application/grpc' } } },
};

/** gRPC first: there the body becomes grpc-message, in which a line feed would be escaped. */
function worded(filter: Filter, code?: number): readonly ResponseMapper[] {
  const status = code === undefined ? {} : { status_code: code };
  return [
    { filter: { and_filter: { filters: [filter, GRPC] } }, ...body(''), ...status },
    { filter, ...body('\n'), ...status },
  ];
}

/** To a gRPC call: RESOURCE_EXHAUSTED, which is also what the rate limits answer. */
function exhausted(...filters: readonly Filter[]): ResponseMapper {
  return {
    filter: { and_filter: { filters: [...filters, GRPC] } },
    ...body(''),
    headers_to_add: [{ header: { key: 'grpc-status', value: '8' }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' }],
  };
}

function body(end: string): ResponseMapper {
  return {
    body_format_override: {
      text_format_source: { inline_string: `gateway: %RESPONSE_CODE%${end}` },
      content_type: 'text/plain',
    },
  };
}
