// The guard against bodies on methods that define none: an HTTP/1 backend that does not read such a body takes its bytes for
// the next request on the connection.
// Must not: let a request with an unexpected body reach a backend, whether or not its length is declared.

import { any, extension, type Message } from '../../draft.ts';

type HttpFilter = Message<'envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter'>;
type OnMatch = Message<'xds.type.matcher.v3.Matcher.OnMatch'>;
type PerFilter = NonNullable<Message<'envoy.config.route.v3.VirtualHost'>['typed_per_filter_config']>;

export const BODY_GUARD = 'envoy.filters.http.buffer';

/** The methods whose body has a meaning (RFC 9110, 9.3). A method that is not listed has none. */
export const BODY_METHODS: readonly string[] = ['POST', 'PUT', 'PATCH'];

const SKIP: OnMatch = {
  action: extension('skip', 'envoy.extensions.filters.common.matcher.action.v3.SkipFilter', {}),
};

const SKIP_WEBSOCKET: OnMatch = {
  matcher: {
    matcher_list: {
      matchers: [
        {
          predicate: {
            single_predicate: {
              input: extension('upgrade', 'envoy.type.matcher.v3.HttpRequestHeaderMatchInput', {
                header_name: 'upgrade',
              }),
              // The name of a protocol has no case (RFC 9110, 7.8), and some clients write WebSocket.
              value_match: { exact: 'websocket', ignore_case: true },
            },
          },
          on_match: SKIP,
        },
      ],
    },
  },
};

/**
 * Runs before access control, which sees only headers. HTTP/2 need not declare a length, so the request waits here for its
 * end. The filter refuses a body of two bytes or more at once. For a shorter one it writes the content length, by which
 * access control refuses one byte and admits an empty body (many clients send an empty last frame).
 * A WebSocket has no such end. The filter lets its GET through: Envoy holds back what follows until the backend has agreed
 * to the upgrade. In HTTP/2 no request but an extended CONNECT has the header `upgrade`.
 */
export function bodyGuard(): HttpFilter {
  return extension(BODY_GUARD, 'envoy.extensions.common.matching.v3.ExtensionWithMatcher', {
    extension_config: extension(BODY_GUARD, 'envoy.extensions.filters.http.buffer.v3.Buffer', { max_request_bytes: 1 }),
    xds_matcher: {
      matcher_tree: {
        input: extension('method', 'envoy.type.matcher.v3.HttpRequestHeaderMatchInput', { header_name: ':method' }),
        exact_match_map: {
          map: { ...Object.fromEntries(BODY_METHODS.map((method) => [method, SKIP])), GET: SKIP_WEBSOCKET },
        },
      },
    },
  });
}

/** For a virtual host whose export takes bodies with any method. */
export const BODIES_ALLOWED: PerFilter = {
  [BODY_GUARD]: any('envoy.extensions.filters.http.buffer.v3.BufferPerRoute', { disabled: true }),
};
