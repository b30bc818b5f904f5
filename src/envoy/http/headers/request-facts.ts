// What a gateway keeps of a request as metadata: the authority that was asked for, and the request id that it came with (at the
// ingress the one by which the peer's egress logs the same request), for the log; and the workload of a peer (workload-claim.ts).
// Must not: let a caller choose what a line says under our own keys (but for its id at a peer with traceContext: forward), or
// pass an id on that has not the form of one.

import { extension, type Message } from '../../draft.ts';
import { METADATA } from '../../resource-names.ts';
import { type Fact, factOf } from '../access-control/request-fact.ts';

type HttpFilter = Message<'envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter'>;
type Mutation = Message<'envoy.config.common.mutation_rules.v3.HeaderMutation'>;

const AUTHORITY = 'authority';
const REQUEST_ID_KEY = 'given_request_id';

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
    { command: 'DYNAMIC_METADATA', param: `${METADATA}:${AUTHORITY}` },
    { command: 'REQ', param: ':AUTHORITY' },
  ],
})})%`;

/** For the log, and for a peer with `traceContext: forward`. */
export const GIVEN_REQUEST_ID = `%DYNAMIC_METADATA(${METADATA}:${REQUEST_ID_KEY})%`;

/**
 * The first filter: the router replaces the authority by the name that the next hop knows, and the access log is written after
 * that. One filter for all facts, because each filter costs a request as much as its work does.
 */
export function keepFacts(others: readonly Fact[] = []): HttpFilter {
  return extension(
    'envoy.filters.http.header_to_metadata',
    'envoy.extensions.filters.http.header_to_metadata.v3.Config',
    { request_rules: [AUTHORITY_FACT, factOf(GIVEN_REQUEST_ID_HEADER, REQUEST_ID_KEY, `(${REQUEST_ID})`), ...others] },
  );
}

const AUTHORITY_FACT: Fact = {
  header: ':authority',
  on_header_present: { metadata_namespace: METADATA, key: AUTHORITY },
};
