// The mutations that remove headers at the boundary: of requests, responses and trailers, and at the end of a route.
// Must not: name a header of an application; header-removals.ts lists what is removed and why.

import type { GatewayRole } from '../../federation/model.ts';
import type { Message } from '../draft.ts';
import { PEER_HEADER } from '../resource-names.ts';
import { REMOVALS } from './header-removals.ts';
import { KEEP_PEER_REQUEST_ID, PEER_REQUEST_ID_HEADER } from './request-facts.ts';

type Mutation = Message<'envoy.config.common.mutation_rules.v3.HeaderMutation'>;

/** What Envoy itself adds to a request after the caller's own values are gone, and would tell the next hop. */
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

/** Runs on a request before Envoy writes headers of its own, so that Envoy's own survive it and the caller's do not. */
const STRIP_REQUEST: readonly Mutation[] = removals('requests');

/** The same; the ingress keeps the request id of the peer's egress for its log, after all else is removed. */
export const CLEAN_REQUEST: Readonly<Record<GatewayRole, readonly Mutation[]>> = {
  egress: STRIP_REQUEST,
  ingress: [
    ...STRIP_REQUEST.filter(({ remove }) => remove !== 'x-request-id'),
    KEEP_PEER_REQUEST_ID,
    { remove: 'x-request-id' },
  ],
};

/**
 * In a request's trailers whole families go (`x-original-…`): hardly any application sends trailers, and each peer's
 * filter chain holds this list once more.
 */
export const STRIP_REQUEST_TRAILERS: readonly Mutation[] = families(listed('requests'));

/** Runs on a response and its trailers. Envoy writes its own `server` after it. */
export const STRIP_RESPONSE: readonly Mutation[] = removals('responses');

/** Removed at the end of a route: towards a backend, which may see who called (x-forwarded-client-cert, our own). */
export const REMOVE_FROM_INGRESS_REQUEST: readonly string[] = [...ADDED_BY_ENVOY, PEER_REQUEST_ID_HEADER];

/** Removed at the end of a route: towards a peer, which may see nothing of ours but the request id, made here, of both logs. */
export const REMOVE_FROM_EGRESS_REQUEST: readonly string[] = [
  ...ADDED_BY_ENVOY,
  'x-forwarded-proto',
  'x-forwarded-client-cert',
  PEER_HEADER,
];

function listed(from: 'requests' | 'responses'): readonly string[] {
  return REMOVALS.filter((removal) => removal.from === from || removal.from === 'both').flatMap(({ names }) => names);
}

/** Only a mutation has a prefix form; `request_headers_to_remove` of a route has none. Names are in lower case by now. */
function removals(from: 'requests' | 'responses'): readonly Mutation[] {
  return listed(from).map((name) => (name.endsWith('*') ? withPrefix(name.slice(0, -1)) : { remove: name }));
}

/** The first word of each name, without those that a shorter one covers. gRPC's trailers are no family. */
function families(names: readonly string[]): readonly Mutation[] {
  const words = new Set(names.map((name) => /^(?:x-|grpc-)?[^-*]+-?/.exec(name)?.[0] ?? name));
  return [...words]
    .filter((word) => ![...words].some((other) => other !== word && word.startsWith(other)))
    .map(withPrefix);
}

function withPrefix(prefix: string): Mutation {
  return { remove_on_match: { key_matcher: { prefix } } };
}

/** Headers with host names, which a response may have and its trailers need not. */
export function removed(names: readonly string[]): readonly Mutation[] {
  return names.map((name) => ({ remove: name }));
}
