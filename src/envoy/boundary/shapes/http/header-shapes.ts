// The form of what removes and rewrites headers: the mutations, the guard against underscores, and the script for host names.
// Must not: be made of envoy/http/headers/, which is what is checked here.

import {
  either,
  extension,
  is,
  listOf,
  message,
  once,
  oneField,
  type Shape,
  sequence,
  text,
  typed,
  under,
} from '../shape.ts';
import { GIVEN_REQUEST_ID, headerValue, matched, PEER_CLAIM, SKIP, skippedUnless } from './request-fact-shapes.ts';

/** What is removed is in header-rules.ts. */
const MATCHED_REMOVAL = message({
  key_matcher: oneField({ prefix: text, safe_regex: message({ regex: text }) }),
});
const UNDERSCORES = message({ remove_on_match: message({ key_matcher: message({ contains: is('_') }) }) });
const REMOVAL = oneField({ remove: text, remove_on_match: MATCHED_REMOVAL });
const REMOVALS_AND_UNDERSCORES = once(listOf(either(REMOVAL, UNDERSCORES)));
const REMOVALS = once(listOf(REMOVAL));
/** Which header is written, and where, is in header-rules.ts. */
const REMOVALS_AND_COPIES = once(
  listOf(
    oneField({
      remove: text,
      remove_on_match: MATCHED_REMOVAL,
      append: message({
        header: either(copy(GIVEN_REQUEST_ID, 'X-REQUEST-ID'), copy(PEER_CLAIM, 'X-FORWARDED-CLIENT-CERT')),
        append_action: is('OVERWRITE_IF_EXISTS_OR_ADD'),
      }),
    }),
  ),
);

function copy(to: string, from: string): Shape {
  return message({ key: is(to), value: is(`%REQ(${from})%`) });
}

/** Runs before Envoy writes headers of its own. */
function earlyMutations(mutations: Shape): Shape {
  const config = 'envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation';
  const one = extension('envoy.http.early_header_mutation.header_mutation', typed(config, { mutations }));
  return under('CLEAN_REQUESTS', sequence(one));
}

export const CLEAN_REQUESTS = earlyMutations(REMOVALS_AND_COPIES);

const RESPONSE_HEADER = 'envoy.type.matcher.v3.HttpResponseHeaderMatchInput';
const LUA = 'envoy.filters.http.lua';

/** The script is in underscore-rules.ts, by its digest, and the key. */
export const UNDERSCORE_GUARD = matched(
  'envoy.filters.http.lua.underscores',
  typed('envoy.extensions.filters.http.lua.v3.Lua', { default_source_code: message({ inline_string: text }) }),
  message({
    matcher_list: message({
      matchers: sequence(
        message({
          predicate: message({
            single_predicate: message({
              input: extension(
                'envoy.matching.inputs.filter_state',
                typed('envoy.extensions.matching.common_inputs.network.v3.FilterStateInput', { key: text }),
              ),
              value_match: message({ exact: is('true') }),
            }),
          }),
          on_match: message({ action: SKIP }),
        }),
      ),
    }),
  }),
);
export const HOSTS = matched(
  LUA,
  typed('envoy.extensions.filters.http.lua.v3.Lua', { default_source_code: message({ inline_string: text }) }),
  skippedUnless(
    message({
      or_matcher: message({ predicate: listOf(headerValue(typed(RESPONSE_HEADER, { header_name: text }), '\\C*')) }),
    }),
  ),
);
export const STRIP = extension(
  'envoy.filters.http.header_mutation',
  typed('envoy.extensions.filters.http.header_mutation.v3.HeaderMutation', {
    mutations: message({
      request_mutations: sequence(UNDERSCORES),
      request_trailers_mutations: REMOVALS_AND_UNDERSCORES,
      response_mutations: REMOVALS,
      response_trailers_mutations: REMOVALS,
    }),
  }),
);
