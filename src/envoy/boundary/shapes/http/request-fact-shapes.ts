// The form of the filters that keep something of a request: the authority and the peer's request id for the log, and the claim
// of a workload.
// Must not: be made of envoy/http/, which is what is checked here.

import { either, extension, is, listOf, message, type Shape, sequence, text, typed } from '../shape.ts';

export const GIVEN_REQUEST_ID = 'x-postern-given-request-id';
export const PEER_CLAIM = 'x-postern-peer-claim';
const STATE = 'envoy.filters.http.set_filter_state';
const TO_METADATA = 'envoy.filters.http.header_to_metadata';

export const SKIP = extension('skip', typed('envoy.extensions.filters.common.matcher.action.v3.SkipFilter'));

export function matched(name: string, config: Shape, matcher: Shape): Shape {
  const type = 'envoy.extensions.common.matching.v3.ExtensionWithMatcher';
  return extension(name, typed(type, { extension_config: extension(name, config), xds_matcher: matcher }));
}

export function skippedUnless(predicate: Shape): Shape {
  const matchers = sequence(
    message({ predicate: message({ not_matcher: predicate }), on_match: message({ action: SKIP }) }),
  );
  return message({ matcher_list: message({ matchers }) });
}

export function headerValue(input: Shape, regex: string): Shape {
  return headerMatch(input, is(regex));
}

function headerMatch(input: Shape, regex: Shape): Shape {
  const match = message({ safe_regex: message({ regex }, { google_re2: message({}) }) });
  return message({ single_predicate: message({ input: extension('header', input), value_match: match }) });
}

function kept(key: string, header: string): Shape {
  return message({
    object_key: is(key),
    factory_key: is('envoy.string'),
    format_string: message({
      text_format_source: message({ inline_string: is(`%REQ(${header})%`) }),
      omit_empty_values: is(true),
    }),
    skip_if_empty: is(true),
  });
}

/** What the guard against underscores compares. The texts are in underscore-rules.ts. */
function measured(key: string): Shape {
  return message({
    object_key: is(key),
    factory_key: is('envoy.string'),
    format_string: message({ text_format_source: message({ inline_string: text }) }),
  });
}

function states(...values: readonly Shape[]): Shape {
  return typed('envoy.extensions.filters.http.set_filter_state.v3.Config', { on_request_headers: sequence(...values) });
}

export const REQUEST_HEADER = 'envoy.type.matcher.v3.HttpRequestHeaderMatchInput';
export const AUTHORITY = extension(
  STATE,
  states(kept('postern.authority', ':AUTHORITY'), measured('postern.header_bytes')),
);
export const COMPARE_BYTES = extension(
  STATE,
  states(measured('postern.header_bytes_without_underscores'), measured('postern.no_underscores')),
);
export const KEEP_ID = matched(
  STATE,
  states(kept('postern.given_request_id', GIVEN_REQUEST_ID)),
  skippedUnless(
    headerValue(
      typed(REQUEST_HEADER, { header_name: is(GIVEN_REQUEST_ID) }),
      '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}',
    ),
  ),
);
/** The texts that count, and for which identity, are in workload-rules.ts. */
const CLAIM = message({
  and_matcher: message({
    predicate: sequence(
      message({
        single_predicate: message({
          input: extension(
            'envoy.matching.inputs.uri_san',
            typed('envoy.extensions.matching.common_inputs.ssl.v3.UriSanInput'),
          ),
          value_match: message({ exact: text }),
        }),
      }),
      headerMatch(typed(REQUEST_HEADER, { header_name: is(PEER_CLAIM) }), text),
    ),
  }),
});

export const KEEP_CLAIM = matched(
  TO_METADATA,
  typed('envoy.extensions.filters.http.header_to_metadata.v3.Config', {
    request_rules: sequence(
      message({
        header: is(PEER_CLAIM),
        on_header_present: message({
          metadata_namespace: is('postern'),
          key: is('workload'),
          regex_value_rewrite: message({
            pattern: message({ regex: is('.*;URI=(.*)') }),
            substitution: is('\\1'),
          }),
        }),
      }),
    ),
  }),
  skippedUnless(either(CLAIM, message({ or_matcher: message({ predicate: listOf(CLAIM) }) }))),
);
