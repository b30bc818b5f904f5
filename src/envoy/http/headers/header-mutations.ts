// The mutations that remove headers at the boundary: of requests, responses and trailers, and at the end of a route.
// Must not: name a header of an application; header-removals.ts lists what is removed and why.

import type { GatewayRole } from '../../../federation/model.ts';
import type { Message } from '../../draft.ts';
import { PEER_HEADER, WORKLOAD_HEADER } from '../../resource-names.ts';
import { KEEP_PEER_CLAIM, PEER_CLAIM_HEADER } from '../access-control/workload-claim.ts';
import { REMOVALS } from './header-removals.ts';
import { WITH_HOSTS } from './internal-hosts.ts';
import { type Joint, nameExpression } from './name-expression.ts';
import { GIVEN_REQUEST_ID_HEADER, KEEP_REQUEST_ID } from './request-facts.ts';
import { HEADER_BYTES, REMOVE_UNDERSCORES, WITHOUT_UNDERSCORES } from './underscore-guard.ts';

type Mutation = Message<'envoy.config.common.mutation_rules.v3.HeaderMutation'>;

/** Removed by the routes to and from every peer without `traceContext: forward`. */
export const TRACE_CONTEXT: readonly string[] = REMOVALS.filter(({ forwardable }) => forwardable).flatMap(
  ({ names }) => names,
);

/** Headers that Envoy adds to a request after the caller's own values were removed, and would send to the next hop. */
const ADDED_BY_ENVOY = [
  'x-envoy-external-address',
  'x-envoy-internal',
  'x-envoy-original-path',
  'x-envoy-original-host',
  'x-envoy-original-dst-host',
  'x-envoy-decorator-operation',
  'x-envoy-expected-rq-timeout-ms',
  'x-envoy-attempt-count',
  'x-envoy-downstream-service-cluster',
  'x-envoy-downstream-service-node',
  'x-envoy-peer-metadata',
  'x-envoy-peer-metadata-id',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
];

/** Copied before they are removed: the request id, for the log and `traceContext: forward`; of a peer also its claim. */
const [REQUEST_ID, CLAIM] = ['x-request-id', 'x-forwarded-*'];

/**
 * Runs before Envoy writes headers of its own, so that it removes the caller's values and keeps Envoy's. Routes remove trace
 * context, for which peers have a choice.
 */
export const CLEAN_REQUEST: Readonly<Record<GatewayRole, readonly Mutation[]>> = {
  egress: [...cleaning([REQUEST_ID]), KEEP_REQUEST_ID, ...removals([REQUEST_ID]), ...REMOVE_UNDERSCORES],
  ingress: [
    ...cleaning([REQUEST_ID, CLAIM]),
    KEEP_REQUEST_ID,
    KEEP_PEER_CLAIM,
    ...removals([REQUEST_ID]),
    ...removals([CLAIM]),
    ...REMOVE_UNDERSCORES,
  ],
};

function cleaning(later: readonly string[]): readonly Mutation[] {
  return removals(listed('requests').filter((name) => !TRACE_CONTEXT.includes(name) && !later.includes(name)));
}

/**
 * From a request's trailers whole families are removed (`x-original-…`): hardly any application sends trailers, and the
 * list is part of each peer's filter chain.
 */
export const STRIP_REQUEST_TRAILERS: readonly Mutation[] = [
  ...families(listed('requests')),
  ...removals(listed('trailers')),
  WITHOUT_UNDERSCORES,
];

/** Underscores stay in responses, where no server reads them as dashes; what would tell of us goes however it is spelled. */
const ANY_JOINT = '[-_]';

/** One pass over the headers of each response. Envoy writes its own `server` header afterwards. */
export const STRIP_RESPONSE: readonly Mutation[] = [removalOf(listed('responses'), ANY_JOINT)];

/** In trailers there is nothing to rewrite: no application sends a redirect there. */
export const STRIP_RESPONSE_TRAILERS: readonly Mutation[] = [
  ...STRIP_RESPONSE,
  ...removals([...listed('trailers'), ...Object.keys(WITH_HOSTS)], ANY_JOINT),
];

/** Removed on the way to a backend, which may see the caller (x-forwarded-client-cert, x-postern-peer, x-postern-workload). */
export const REMOVE_FROM_INGRESS_REQUEST: readonly string[] = [
  ...ADDED_BY_ENVOY,
  GIVEN_REQUEST_ID_HEADER,
  PEER_CLAIM_HEADER,
  HEADER_BYTES,
];

/** Removed on the way to a peer, which may see nothing of ours but the request id that both logs share. */
export const REMOVE_FROM_EGRESS_REQUEST: readonly string[] = [
  ...ADDED_BY_ENVOY,
  'x-forwarded-proto',
  'x-forwarded-client-cert',
  PEER_HEADER,
  WORKLOAD_HEADER,
  GIVEN_REQUEST_ID_HEADER,
  HEADER_BYTES,
];

function listed(from: 'requests' | 'responses' | 'trailers'): readonly string[] {
  const all = REMOVALS.filter((removal) => removal.from === from || (removal.from === 'both' && from !== 'trailers'));
  return all.flatMap(({ names }) => names);
}

/**
 * Mutations can remove by an expression; `request_headers_to_remove` of a route cannot. Envoy has lower-cased the names by then.
 * Of requests two expressions, because one for all names would be too large for the bootstrap (`re2.max_program_size`).
 */
function removals(names: readonly string[], joint: Joint = '-'): readonly Mutation[] {
  const groups = [names.filter((name) => name.startsWith('x-')), names.filter((name) => !name.startsWith('x-'))];
  return groups.filter((group) => group.length > 0).map((group) => removalOf(group, joint));
}

function removalOf(names: readonly string[], joint: Joint): Mutation {
  const [only = ''] = names;
  if (names.length > 1 || joint !== '-')
    return { remove_on_match: { key_matcher: { safe_regex: { regex: nameExpression(names, joint) } } } };
  return only.endsWith('*') ? withPrefix(only.slice(0, -1)) : { remove: only };
}

/** The first word of each name, without those that a shorter one covers. The trailers of gRPC are not a family. */
function families(names: readonly string[]): readonly Mutation[] {
  const words = new Set(names.map((name) => /^(?:x-|grpc-)?[^-*]+-?/.exec(name)?.[0] ?? name));
  return [...words]
    .filter((word) => ![...words].some((other) => other !== word && word.startsWith(other)))
    .map(withPrefix);
}

function withPrefix(prefix: string): Mutation {
  return { remove_on_match: { key_matcher: { prefix } } };
}
