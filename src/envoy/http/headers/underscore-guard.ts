// The guard against header names with an underscore: it refuses the request, where the export or import says `reject`.
// Must not: be all that keeps such a header from a backend. Where the guard is switched off, and should its script fail, the
// filter after it removes the headers (STRIP_REQUEST).

import { any, extension, type Message } from '../../draft.ts';
import { METADATA } from '../../resource-names.ts';

type HttpFilter = Message<'envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter'>;
type PerFilter = NonNullable<Message<'envoy.config.route.v3.VirtualHost'>['typed_per_filter_config']>;

const UNDERSCORE_GUARD = 'envoy.filters.http.lua.underscores';

/**
 * No matcher of Envoy looks at names that are not known before, and its codec can only reset the stream or drop the header for
 * all services of a listener. The reason is for the log: what the caller gets is the refusal of local-reply.ts.
 */
const SCRIPT = `function envoy_on_request(handle)
  local refused = false
  for name in pairs(handle:headers()) do
    if name:find("_", 1, true) then refused = true end
  end
  if refused then
    handle:streamInfo():dynamicMetadata():set("${METADATA}", "reason", "underscore-header")
    handle:respond({ [":status"] = "400" })
  end
end
`;

/** The log's `reason`: what a filter refused the request for, or why there is no route. */
export const LOGGED_REASON = `%COALESCE(${JSON.stringify({
  operators: [
    { command: 'DYNAMIC_METADATA', param: `${METADATA}:reason` },
    { command: 'METADATA', param: `ROUTE:${METADATA}:reason` },
  ],
})})%`;

export function underscoreGuard(): HttpFilter {
  return extension(UNDERSCORE_GUARD, 'envoy.extensions.filters.http.lua.v3.Lua', {
    default_source_code: { inline_string: SCRIPT },
  });
}

/** For a virtual host whose export or import says `underscoreHeaders: drop`. */
export const UNDERSCORES_DROPPED: PerFilter = {
  [UNDERSCORE_GUARD]: any('envoy.extensions.filters.http.lua.v3.LuaPerRoute', { disabled: true }),
};
