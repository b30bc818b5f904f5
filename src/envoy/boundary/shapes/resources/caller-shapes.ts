// The form of the filter chains for our own callers that prove who they are.
// Must not: repeat what client-rules.ts says of its values.

import { CALLERS_MANAGER } from '../http/filter-shapes.ts';
import {
  CALLERS_METADATA,
  CLOSED_CHAIN,
  TCP_IMPORT_CHAIN,
  TELL_GATE,
  TO_GATE,
  toChain,
  VERIFIED,
} from '../network-shapes.ts';
import { chosen, either, extension, is, listOf, message, type Shape, sequence, text, typed, under } from '../shape.ts';
import { CALLERS_TLS, TCP_CALLERS_TLS } from '../tls-shapes.ts';

function action(verdict: Shape): Shape {
  const config = typed('envoy.config.rbac.v3.Action', { name: text }, { action: verdict });
  return message({ action: extension('action', config) });
}

const URI_SAN = extension(
  'envoy.matching.inputs.uri_san',
  typed('envoy.extensions.matching.common_inputs.ssl.v3.UriSanInput'),
);

/** All URI SANs, joined by a comma; the expressions are in client-rules.ts. */
function uriSan(match: Shape): Shape {
  return message({ single_predicate: message({ input: URI_SAN, value_match: match }) });
}

const ONE_WORKLOAD = extension(
  'envoy.filters.network.rbac',
  typed('envoy.extensions.filters.network.rbac.v3.RBAC', {
    stat_prefix: text,
    matcher: message({
      matcher_list: message({
        matchers: sequence(
          message({
            predicate: message({
              and_matcher: message({
                predicate: sequence(
                  uriSan(message({ prefix: text })),
                  uriSan(message({ safe_regex: message({ regex: text }, { google_re2: message({}) }) })),
                ),
              }),
            }),
            on_match: action(is('ALLOW')),
          }),
        ),
      }),
      on_no_match: action(is('DENY')),
    }),
  }),
);

const CHAIN = {
  name: text,
  metadata: CALLERS_METADATA,
  transport_socket_connect_timeout: under('HANDSHAKE_TIMEOUT', is('5s')),
};

export const CALLERS_CHAIN = message({
  ...CHAIN,
  transport_socket: CALLERS_TLS,
  filters: sequence(
    under('OUR_WORKLOADS', ONE_WORKLOAD),
    extension('envoy.filters.network.http_connection_manager', CALLERS_MANAGER),
  ),
});

/** Of the port of a TCP import. */
export const TCP_CALLERS_CHAIN = message({
  ...CHAIN,
  transport_socket: TCP_CALLERS_TLS,
  filters: sequence(under('CALLERS_GATE', TELL_GATE), under('OUR_WORKLOADS', ONE_WORKLOAD), TO_GATE),
});

function verified(match: Shape): Shape {
  return message({ single_predicate: message({ input: VERIFIED, value_match: match }) });
}

const CLIENT = either(
  verified(message({ exact: text })),
  message({
    and_matcher: message({
      predicate: sequence(
        verified(message({ prefix: text })),
        verified(message({ safe_regex: message({ regex: text }, { google_re2: message({}) }) })),
      ),
    }),
  }),
);

/** A chain for each client, then the one that closes. */
export const CALLERS_GATE = {
  filter_chain_matcher: message({
    matcher_list: message({ matchers: listOf(message({ predicate: CLIENT, on_match: toChain() })) }),
    on_no_match: toChain(),
  }),
  filter_chains: listOf(chosen(({ name }) => (name === 'deny-all' ? CLOSED_CHAIN : TCP_IMPORT_CHAIN))),
};
