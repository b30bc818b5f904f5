// The guard against header names with an underscore: it refuses the request, where the export or import says `reject`.
// Must not: be all that keeps such a header from a backend. They are removed from every request before the guard looks, so its
// failure, or a virtual host that switches it off, lets a request pass without them.

import { any, extension, type Message } from '../../draft.ts';
import { METADATA } from '../../resource-names.ts';

type HttpFilter = Message<'envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter'>;
type Kept = Message<'envoy.extensions.filters.common.set_filter_state.v3.FilterStateValue'>;
type PerFilter = NonNullable<Message<'envoy.config.route.v3.VirtualHost'>['typed_per_filter_config']>;

const UNDERSCORE_GUARD = 'envoy.filters.http.lua.underscores';
const [BEFORE, AFTER, UNCHANGED] = [
  'postern.header_bytes',
  'postern.header_bytes_without_underscores',
  'postern.no_underscores',
];

/**
 * No matcher of Envoy looks at names that are not known before, and its codec can only reset the stream or drop the header for
 * all services of a listener. So the size of all headers is kept before those with an underscore are removed, and compared with
 * the size after that. (A script that looks at each name costs a quarter of a whole request: docs/design.md, "Measured costs".)
 */
export const HEADER_BYTES: Kept = kept(BEFORE, '%REQUEST_HEADERS_BYTES%');

/** Directly after the removal; nothing else may change the headers between the two sizes. */
export function compareHeaderBytes(): HttpFilter {
  return extension('envoy.filters.http.set_filter_state', 'envoy.extensions.filters.http.set_filter_state.v3.Config', {
    on_request_headers: [
      kept(AFTER, '%REQUEST_HEADERS_BYTES%'),
      kept(UNCHANGED, `%CEL(filter_state['${BEFORE}'] == filter_state['${AFTER}'])%`),
    ],
  });
}

function kept(key: string, value: string): Kept {
  return {
    object_key: key,
    factory_key: 'envoy.string',
    format_string: { text_format_source: { inline_string: value } },
  };
}

/** The reason is for the log (http/reason-expressions.ts): what the caller gets is the refusal of local-reply.ts. */
const SCRIPT = `function envoy_on_request(handle)
  handle:streamInfo():dynamicMetadata():set("${METADATA}", "reason", "underscore-header")
  handle:respond({ [":status"] = "400" })
end
`;

/** The log's `reason`: what a filter refused the request for, or why there is no route. */
export const LOGGED_REASON = `%COALESCE(${JSON.stringify({
  operators: [
    { command: 'DYNAMIC_METADATA', param: `${METADATA}:reason` },
    { command: 'METADATA', param: `ROUTE:${METADATA}:reason` },
  ],
})})%`;

/** Runs unless both sizes are known to be the same. */
export function underscoreGuard(): HttpFilter {
  return extension(UNDERSCORE_GUARD, 'envoy.extensions.common.matching.v3.ExtensionWithMatcher', {
    extension_config: extension(UNDERSCORE_GUARD, 'envoy.extensions.filters.http.lua.v3.Lua', {
      default_source_code: { inline_string: SCRIPT },
    }),
    xds_matcher: {
      matcher_list: {
        matchers: [
          {
            predicate: {
              single_predicate: {
                input: extension(
                  'envoy.matching.inputs.filter_state',
                  'envoy.extensions.matching.common_inputs.network.v3.FilterStateInput',
                  { key: UNCHANGED },
                ),
                value_match: { exact: 'true' },
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

/** For a virtual host whose export or import says `underscoreHeaders: drop`. */
export const UNDERSCORES_DROPPED: PerFilter = {
  [UNDERSCORE_GUARD]: any('envoy.extensions.filters.http.lua.v3.LuaPerRoute', { disabled: true }),
};
