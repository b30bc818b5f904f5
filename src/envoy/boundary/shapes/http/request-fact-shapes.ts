// The form of the filters that keep something of a request: the authority and the peer's request id for the log, and the claim
// of a workload.
// Must not: be made of envoy/http/, which is what is checked here.

import { either, extension, is, listOf, matching, message, type Shape, sequence, text, typed } from '../shape.ts';

export const GIVEN_REQUEST_ID = 'x-postern-given-request-id';
export const PEER_CLAIM = 'x-postern-peer-claim';
const TO_METADATA = 'envoy.extensions.filters.http.header_to_metadata.v3.Config';

export const SKIP = extension('skip', typed('envoy.extensions.filters.common.matcher.action.v3.SkipFilter'));

export function matched(name: string, config: Shape, matcher: Shape): Shape {
  const type = 'envoy.extensions.common.matching.v3.ExtensionWithMatcher';
  return extension(name, typed(type, { extension_config: extension(name, config), xds_matcher: matcher }));
}

export function skippedUnless(predicate: Shape): Shape {
  return skippedWhen(message({ not_matcher: predicate }));
}

export function skippedWhen(predicate: Shape): Shape {
  const matchers = sequence(message({ predicate, on_match: message({ action: SKIP }) }));
  return message({ matcher_list: message({ matchers }) });
}

export function headerValue(input: Shape, regex: string): Shape {
  return headerMatch(input, is(regex));
}

/** What a request's header is compared with. The expression is in the checks. */
export function requestHeader(name: string): Shape {
  return headerMatch(typed(REQUEST_HEADER, { header_name: is(name) }), text);
}

function headerMatch(input: Shape, regex: Shape): Shape {
  const match = message({ safe_regex: message({ regex }, { google_re2: message({}) }) });
  return message({ single_predicate: message({ input: extension('header', input), value_match: match }) });
}

export const REQUEST_HEADER = 'envoy.type.matcher.v3.HttpRequestHeaderMatchInput';

function fact(header: string, key: string, more: Readonly<Record<string, Shape>> = {}): Shape {
  const kept = message({ metadata_namespace: is('postern'), key: is(key), ...more });
  return message({ header: is(header), on_header_present: kept });
}

function group(regex: Shape): Readonly<Record<string, Shape>> {
  return { regex_value_rewrite: message({ pattern: message({ regex }), substitution: is('\\1') }) };
}

const ID = '^(?:([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})|\\C*)$';
/** The filter that takes the given request id to the next hop. */
export const PASS_REQUEST_ID = typed(TO_METADATA, {
  request_rules: sequence(fact(GIVEN_REQUEST_ID, 'given_request_id', group(is(ID)))),
});
/** Where it is off. */
export const REQUEST_ID_SLOT = message({
  name: is('envoy.filters.http.header_to_metadata.request-id'),
  typed_config: PASS_REQUEST_ID,
  disabled: is(true),
});

const STATE = 'envoy.extensions.filters.http.set_filter_state.v3.Config';

function state(key: string, value: Shape): Shape {
  return message({
    object_key: is(`postern.${key}`),
    factory_key: is('envoy.string'),
    format_string: message({ text_format_source: message({ inline_string: value }), omit_empty_values: is(true) }),
    skip_if_empty: is(true),
  });
}

/** What is kept of each request for its line. */
export const REMEMBERED = extension(
  'envoy.filters.http.set_filter_state',
  typed(STATE, {
    on_request_headers: sequence(
      state('authority', is('%REQ(:AUTHORITY)%')),
      state('given_request_id', is('%REQ(X-POSTERN-GIVEN-REQUEST-ID):36%')),
    ),
  }),
);

/** What a virtual host says of itself: texts without an operator. */
export function remembersHost(...keys: readonly string[]): Shape {
  const values = keys.map((key) => state(key, matching(/^[^%]+$/)));
  return typed(STATE, { on_request_headers: sequence(...values) });
}

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

const CLAIMS = 'envoy.filters.http.header_to_metadata.claims';
/** Of a peer with one identity, whose text that counts is in workload-rules.ts, or with several. */
export const KEEP_CLAIM = either(
  extension(CLAIMS, typed(TO_METADATA, { request_rules: sequence(fact(PEER_CLAIM, 'workload', group(text))) })),
  matched(
    CLAIMS,
    typed(TO_METADATA, { request_rules: sequence(fact(PEER_CLAIM, 'workload', group(is('.*;URI=(.*)')))) }),
    skippedUnless(message({ or_matcher: message({ predicate: listOf(CLAIM) }) })),
  ),
);
