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
import {
  GIVEN_REQUEST_ID,
  headerValue,
  matched,
  PEER_CLAIM,
  requestHeader,
  skippedUnless,
  skippedWhen,
} from './request-fact-shapes.ts';

/** What is removed is in header-rules.ts. */
const MATCHED_REMOVAL = message({
  key_matcher: oneField({ prefix: text, safe_regex: message({ regex: text }) }),
});
const UNDERSCORES = message({ remove_on_match: message({ key_matcher: message({ contains: is('_') }) }) });
const REMOVAL = oneField({ remove: text, remove_on_match: MATCHED_REMOVAL });
const REMOVALS_AND_UNDERSCORES = once(listOf(either(REMOVAL, UNDERSCORES)));
const REMOVALS = once(listOf(REMOVAL));
const HEADER_BYTES = 'x-postern-header-bytes';
/** Which header is written, and where, is in header-rules.ts and underscore-rules.ts. */
const REMOVALS_AND_COPIES = once(
  listOf(
    oneField({
      remove: text,
      remove_on_match: either(MATCHED_REMOVAL, message({ key_matcher: message({ contains: is('_') }) })),
      append: message({
        header: either(
          written(GIVEN_REQUEST_ID, '%REQ(X-REQUEST-ID)%'),
          written(PEER_CLAIM, '%REQ(X-FORWARDED-CLIENT-CERT)%'),
          written(HEADER_BYTES, '%REQUEST_HEADERS_BYTES%'),
          written(HEADER_BYTES, '%REQ(X-POSTERN-HEADER-BYTES)%,%REQUEST_HEADERS_BYTES%'),
        ),
        append_action: is('OVERWRITE_IF_EXISTS_OR_ADD'),
      }),
    }),
  ),
);

function written(key: string, value: string): Shape {
  return message({ key: is(key), value: is(value) });
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

/** The expressions are in underscore-rules.ts, by their digest. */
const SIZES = requestHeader(HEADER_BYTES);
const DIFFERENT = message({ not_matcher: SIZES });

export const UNDERSCORE_GUARD = matched(
  'envoy.filters.http.rbac.underscores',
  typed('envoy.extensions.filters.http.rbac.v3.RBAC', {
    rules: message({
      action: is('DENY'),
      policies: message({
        'underscore-header': message({
          permissions: sequence(message({ any: is(true) })),
          principals: sequence(message({ any: is(true) })),
        }),
      }),
    }),
    rules_stat_prefix: is('underscores_'),
  }),
  skippedWhen(message({ and_matcher: message({ predicate: sequence(SIZES, DIFFERENT, DIFFERENT) }) })),
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
      request_trailers_mutations: REMOVALS_AND_UNDERSCORES,
      response_mutations: REMOVALS,
      response_trailers_mutations: REMOVALS,
    }),
  }),
);
