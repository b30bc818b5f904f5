// Which headers never cross the boundary: what infrastructure trusts (inward), what gives it away (outward).
// In: nothing. Out: header mutations, the same at every gateway. Must not: touch what belongs to the applications.

import type { Message } from './draft.ts';
import { PEER_HEADER } from './names.ts';

type Mutation = Message<'envoy.config.common.mutation_rules.v3.HeaderMutation'>;

/** Families that proxies, meshes and tracers write: no caller's and no backend's value of them is anybody else's business. */
const INFRASTRUCTURE_PREFIXES = ['x-envoy-', 'x-forwarded-', 'x-istio-', 'x-b3-', 'x-postern-'];

const REQUEST_PREFIXES = [
  ...INFRASTRUCTURE_PREFIXES,
  'x-ot-',
  'x-datadog-',
  'x-amzn-trace-',
  'x-cloud-trace',
  'grpc-trace',
  // What gateways inside a mesh write after they have authenticated somebody.
  'x-auth-request-',
  'x-ssl-client',
  'x-client-cert',
  'x-original-',
  'l5d-',
  'x-amzn-oidc-',
  'x-goog-',
  'x-ms-client-',
  'x-webauth-',
];

const REQUEST_HEADERS = [
  'forwarded',
  'via',
  'b3',
  'traceparent',
  'tracestate',
  'baggage',
  'x-request-id',
  'x-real-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'true-client-ip',
  'cf-connecting-ip',
  'x-remote-user',
  'x-remote-addr',
  'x-forwarded',
  'uber-trace-id',
  'x-middleware-subrequest',
  'remote-user',
  'x-rewrite-url',
  'x-host',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'proxy',
  'proxy-connection',
  'proxy-authorization',
];

const RESPONSE_HEADERS = [
  'server',
  'via',
  'alt-svc',
  'proxy-status',
  'server-timing',
  'x-powered-by',
  'x-aspnet-version',
  'x-aspnetmvc-version',
  'x-backend-ip',
  'x-backend-server',
  'x-served-by',
  'x-upstream',
  'x-real-ip',
  'x-request-id',
];

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
export const STRIP_REQUEST: readonly Mutation[] = [...removePrefixes(REQUEST_PREFIXES), ...remove(REQUEST_HEADERS)];

/** Runs on a response and its trailers. Envoy writes its own `server` after it. */
export const STRIP_RESPONSE: readonly Mutation[] = [
  ...removePrefixes(INFRASTRUCTURE_PREFIXES),
  ...remove(RESPONSE_HEADERS),
];

/** Removed at the end of a route: towards a backend, which may see who called (x-forwarded-client-cert, our own). */
export const REMOVE_FROM_INGRESS_REQUEST: readonly string[] = ADDED_BY_ENVOY;

/** Removed at the end of a route: towards a peer, which may see nothing of ours. */
export const REMOVE_FROM_EGRESS_REQUEST: readonly string[] = [
  ...ADDED_BY_ENVOY,
  'x-forwarded-proto',
  'x-forwarded-client-cert',
  'x-request-id',
  PEER_HEADER,
];

function remove(headers: readonly string[]): readonly Mutation[] {
  return headers.map((header) => ({ remove: header }));
}

/** Only a mutation has a prefix form; `request_headers_to_remove` of a route has none. */
function removePrefixes(prefixes: readonly string[]): readonly Mutation[] {
  return prefixes.map((prefix) => ({ remove_on_match: { key_matcher: { prefix, ignore_case: true } } }));
}
