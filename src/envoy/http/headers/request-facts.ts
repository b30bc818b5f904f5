// What a gateway keeps of a request for its access log, because later steps overwrite it: the authority that was asked for,
// and the request id that it came with: at the ingress the one by which the peer's egress logs the same request.
// Must not: let a caller choose what a line says under our own keys (but for its id at a peer with traceContext: forward), or
// pass an id on that has not the form of one.

import { extension, type Message } from '../../draft.ts';

type HttpFilter = Message<'envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter'>;
type Mutation = Message<'envoy.config.common.mutation_rules.v3.HeaderMutation'>;
type Kept = Message<'envoy.extensions.filters.common.set_filter_state.v3.FilterStateValue'>;

const NAME = 'envoy.filters.http.set_filter_state';
const AUTHORITY = 'postern.authority';
const REQUEST_ID_KEY = 'postern.given_request_id';

/** Holds the caller's request id from the removal of `x-request-id` to the filter that reads it; no backend and no peer gets it. */
export const GIVEN_REQUEST_ID_HEADER = 'x-postern-given-request-id';

/** The form in which Envoy writes a request id. */
const REQUEST_ID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';

/** Before Envoy gives a request a fresh id of our own. */
export const KEEP_REQUEST_ID: Mutation = {
  append: {
    header: { key: GIVEN_REQUEST_ID_HEADER, value: '%REQ(X-REQUEST-ID)%' },
    append_action: 'OVERWRITE_IF_EXISTS_OR_ADD',
  },
};

/** For the access log: the authority as it was received. Requests that no filter saw still have it. */
export const LOGGED_AUTHORITY = `%COALESCE(${JSON.stringify({
  operators: [
    { command: 'FILTER_STATE', param: `${AUTHORITY}:PLAIN` },
    { command: 'REQ', param: ':AUTHORITY' },
  ],
})})%`;

/** For the log, and for a peer with `traceContext: forward`. */
export const GIVEN_REQUEST_ID = `%FILTER_STATE(${REQUEST_ID_KEY}:PLAIN)%`;

/**
 * The router replaces the authority by the name that the next hop knows, and the access log is written after that. `others` are
 * kept by the same filter.
 */
export function rememberAuthority(...others: readonly Kept[]): HttpFilter {
  return extension(NAME, 'envoy.extensions.filters.http.set_filter_state.v3.Config', {
    on_request_headers: [kept(AUTHORITY, ':AUTHORITY'), ...others],
  });
}

/** Runs only for a header of the right form, so that a line never holds what a caller made up instead of an id. */
export function rememberRequestId(): HttpFilter {
  return extension(NAME, 'envoy.extensions.common.matching.v3.ExtensionWithMatcher', {
    extension_config: extension(NAME, 'envoy.extensions.filters.http.set_filter_state.v3.Config', {
      on_request_headers: [kept(REQUEST_ID_KEY, GIVEN_REQUEST_ID_HEADER)],
    }),
    xds_matcher: {
      matcher_list: {
        matchers: [
          {
            predicate: {
              not_matcher: {
                single_predicate: {
                  input: extension('header', 'envoy.type.matcher.v3.HttpRequestHeaderMatchInput', {
                    header_name: GIVEN_REQUEST_ID_HEADER,
                  }),
                  value_match: { safe_regex: { google_re2: {}, regex: REQUEST_ID } },
                },
              },
            },
            on_match: {
              action: extension('skip', 'envoy.extensions.filters.common.matcher.action.v3.SkipFilter', {}),
            },
          },
        ],
      },
    },
  });
}

function kept(key: string, header: string): Kept {
  return {
    object_key: key,
    factory_key: 'envoy.string',
    format_string: { text_format_source: { inline_string: `%REQ(${header})%` }, omit_empty_values: true },
    skip_if_empty: true,
  };
}
