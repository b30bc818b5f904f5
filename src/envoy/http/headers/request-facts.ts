// What a gateway keeps of a request for its log line, as filter state: the authority that was asked for, the request id that it
// came with (at the ingress the one by which the peer's egress logs the same request), and what the virtual host says of itself.
// Must not: let a caller choose what a line says under our own keys (but for its id), or pass an id on that has not the form of one.

import { any, extension, type Message } from '../../draft.ts';
import { METADATA } from '../../resource-names.ts';
import { factOf } from '../access-control/request-fact.ts';

type HttpFilter = Message<'envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter'>;
type Mutation = Message<'envoy.config.common.mutation_rules.v3.HeaderMutation'>;
type Value = Message<'envoy.extensions.filters.common.set_filter_state.v3.FilterStateValue'>;
type PerFilter = NonNullable<Message<'envoy.config.route.v3.VirtualHost'>['typed_per_filter_config']>;
type Formatter = { readonly command: string; readonly param: string };

const REMEMBERED = 'envoy.filters.http.set_filter_state';
const STATE = 'envoy.extensions.filters.http.set_filter_state.v3.Config';
const PASSED_ON = 'envoy.filters.http.header_to_metadata.request-id';
const TO_METADATA = 'envoy.extensions.filters.http.header_to_metadata.v3.Config';

const REQUEST_ID_KEY = 'given_request_id';

/** Holds the caller's request id from the removal of `x-request-id` to the filter that reads it; no backend and no peer gets it. */
export const GIVEN_REQUEST_ID_HEADER = 'x-postern-given-request-id';

/** The form in which Envoy writes a request id, and its length. */
const REQUEST_ID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const REQUEST_ID_LENGTH = 36;

/** Before Envoy gives a request a fresh id of our own. */
export const KEEP_REQUEST_ID: Mutation = {
  append: {
    header: { key: GIVEN_REQUEST_ID_HEADER, value: '%REQ(X-REQUEST-ID)%' },
    append_action: 'OVERWRITE_IF_EXISTS_OR_ADD',
  },
};

/** What virtual hosts say for the log line of an allowed request, by the key of their metadata. */
export type HostFacts = Readonly<Partial<Record<'service' | 'peer' | 'rule' | 'version', string>>>;

/** For the access log: what this filter state holds. */
export function remembered(key: keyof HostFacts | 'authority' | typeof REQUEST_ID_KEY): string {
  return `%FILTER_STATE(${stateOf(key)}:PLAIN)%`;
}

/** For the access log: the authority as it was received. Requests that no filter saw still have it. */
export const LOGGED_AUTHORITY = coalesced(
  { command: 'FILTER_STATE', param: `${stateOf('authority')}:PLAIN` },
  { command: 'REQ', param: ':AUTHORITY' },
);

/** For the access log: as it came, up to the length of one. */
export const LOGGED_REQUEST_ID = remembered(REQUEST_ID_KEY);

/** For a peer with `traceContext: forward`: only what has the form of one. */
export const GIVEN_REQUEST_ID = `%DYNAMIC_METADATA(${METADATA}:${REQUEST_ID_KEY})%`;

function coalesced(...operators: readonly Formatter[]): string {
  return `%COALESCE(${JSON.stringify({ operators })})%`;
}

function stateOf(key: string): string {
  return `${METADATA}.${key}`;
}

/**
 * The first filter: the router replaces the authority by the name that the next hop knows, and the access log is written after
 * that. A line reads filter state at a quarter of what metadata costs it (docs/design.md, "Measured costs").
 */
export function rememberRequest(): HttpFilter {
  return extension(REMEMBERED, STATE, {
    on_request_headers: [
      value('authority', '%REQ(:AUTHORITY)%'),
      value(REQUEST_ID_KEY, `%REQ(${GIVEN_REQUEST_ID_HEADER.toUpperCase()}):${REQUEST_ID_LENGTH}%`),
    ],
  });
}

/** Of a virtual host. */
export function rememberHost(facts: HostFacts): PerFilter {
  return {
    [REMEMBERED]: any(STATE, { on_request_headers: Object.entries(facts).map(([key, text]) => value(key, text)) }),
  };
}

function value(key: string, text: string): Value {
  return {
    object_key: stateOf(key),
    factory_key: 'envoy.string',
    // Without it, a header that is missing would be a dash.
    format_string: { text_format_source: { inline_string: text }, omit_empty_values: true },
    skip_if_empty: true,
  };
}

const REQUEST_ID_FACT = { request_rules: [factOf(GIVEN_REQUEST_ID_HEADER, REQUEST_ID_KEY, `(${REQUEST_ID})`)] };

/** A slot for the filter that takes the caller's request id to the next hop. It does not run for others. */
export function requestIdSlot(): HttpFilter {
  return { ...extension(PASSED_ON, TO_METADATA, REQUEST_ID_FACT), disabled: true };
}

/** Where the trace context is forwarded. */
export const PASS_REQUEST_ID: PerFilter = { [PASSED_ON]: any(TO_METADATA, REQUEST_ID_FACT) };
