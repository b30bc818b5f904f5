// Which headers never cross the boundary: what infrastructure trusts (inward), what gives it away (outward).
// Must not: touch what belongs to the applications. A prefix stands here only for a family that proxies alone write;
// of a vendor's other headers, the exact names.

import type { Message } from '../draft.ts';
import { PEER_HEADER } from '../resource-names.ts';

type Mutation = Message<'envoy.config.common.mutation_rules.v3.HeaderMutation'>;

/** Headers that are removed for one reason; a name that ends in `*` is a prefix. README.md lists them. */
export interface Removal {
  readonly why: string;
  readonly from: 'requests' | 'responses' | 'both';
  readonly names: readonly string[];
}

/** At both gateways; of requests before Envoy writes any header of its own. Trailers are treated alike, or more strictly. */
export const REMOVALS: readonly Removal[] = [
  {
    why: 'what proxies and meshes tell each other',
    from: 'both',
    names: ['x-envoy-*', 'x-forwarded-*', 'x-istio-*', 'x-postern-*', 'l5d-*', 'via'],
  },
  { why: 'the same', from: 'requests', names: ['forwarded', 'x-forwarded', 'x-host', 'proxy', 'proxy-connection'] },
  { why: 'a credential for a proxy, or its challenge', from: 'requests', names: ['proxy-authorization'] },
  { why: 'the same', from: 'responses', names: ['proxy-authenticate', 'proxy-authentication-info'] },
  {
    why: 'trace context and request IDs: each mesh has its own',
    from: 'requests',
    names: [
      'traceparent',
      'tracestate',
      'baggage',
      'b3',
      'uber-trace-id',
      'grpc-trace-bin',
      'x-ot-span-context',
      'x-amzn-trace-id',
      'x-cloud-trace-context',
      ...['x-datadog-trace-id', 'x-datadog-parent-id', 'x-datadog-origin'],
      ...['x-datadog-sampling-priority', 'x-datadog-tags'],
    ],
  },
  {
    why: 'the same',
    from: 'both',
    names: ['x-request-id', 'x-b3-traceid', 'x-b3-spanid', 'x-b3-parentspanid', 'x-b3-sampled', 'x-b3-flags'],
  },
  {
    why: 'where a request came from, as a proxy saw it',
    from: 'requests',
    names: [
      'client-ip',
      'x-client-ip',
      'x-cluster-client-ip',
      'x-originating-ip',
      'x-proxyuser-ip',
      'true-client-ip',
      'cf-connecting-ip',
      'cf-connecting-ipv6',
      'cf-pseudo-ipv4',
      'forwarded-for',
      'x-true-client-ip',
      'x-nf-client-connection-ip',
      'x-vercel-forwarded-for',
      'iv-remote-address',
      'fastly-client-ip',
      'fly-client-ip',
      'x-azure-clientip',
      'x-azure-socketip',
      'x-scheme',
      'x-url-scheme',
      'front-end-https',
    ],
  },
  { why: 'the same; or where a service runs', from: 'both', names: ['x-real-ip'] },
  {
    why: 'who a proxy says that the caller is: whole families',
    from: 'requests',
    names: [
      'remote-*',
      'x-remote-*',
      'x-auth-request-*',
      'x-authenticated-*',
      'x-authentik-*',
      'x-authelia-*',
      'x-consumer-*',
      'x-credential-*',
      'x-kong-*',
      'x-forward-auth-*',
      'x-pomerium-*',
      'x-vouch-*',
      'x-webauth-*',
      'x-jwt-claim*',
      'x-jwt-payload*',
      'cf-access-*',
      'x-amzn-oidc-*',
      'x-goog-authenticated-user-*',
      'x-goog-iap-*',
      'x-appengine-*',
      'x-apigateway-*',
      'x-ms-client-principal*',
      'x-ms-token-*',
      'tailscale-*',
      'impersonate-*',
      'oidc-*',
      'x-oidc-*',
      'oam-remote-*',
      'osso-*',
      'shib-*',
      'x-shib-*',
      'sec-istio-*',
    ],
  },
  {
    why: 'who a proxy says that the caller is: single names',
    from: 'requests',
    names: [
      'x-anonymous-consumer',
      'x-auth-email',
      'x-auth-groups',
      'x-auth-roles',
      'x-auth-subject',
      'x-auth-user',
      'x-auth-userid',
      'x-auth-username',
      'x-endpoint-api-userinfo',
      'x-id-token',
      'x-jwt-assertion',
      'x-userinfo',
      'x-amzn-lambda-context',
      'x-amzn-request-context',
      'teleport-jwt-assertion',
      'sm-authtype',
      'sm-universalid',
      'sm-user',
      'sm-userdn',
      'iv-creds',
      'iv-groups',
      ...['iv-user', 'iv-user-l'],
      ...['kubeflow-groups', 'kubeflow-userid'],
      'eppn',
    ],
  },
  {
    why: 'what a proxy says of the client certificate',
    from: 'requests',
    names: [
      'client-cert*',
      'clientcert*',
      'cf-cert-*',
      'cf-client-cert-*',
      'sslclientcert*',
      'x-client-cert*',
      'x-client-s-dn*',
      'x-clientcert*',
      'x-client-dn*',
      'x-client-issuer*',
      'x-client-san*',
      'x-client-serial*',
      'x-client-subject*',
      'x-client-verify*',
      'x-tls-client-*',
      'x-mtls-*',
      'ssl-client*',
      'x-ssl-*',
      'x-amzn-mtls-*',
      'x-amzn-tls-*',
      'x-arr-clientcert',
      'x-arr-ssl',
      'wl-proxy-*',
      '$ws*',
    ],
  },
  {
    why: 'another method, host or path than the one that was granted',
    from: 'requests',
    names: [
      'x-http-method',
      'x-http-method-override',
      'x-method-override',
      'x-http-host-override',
      'x-override-url',
      'x-rewrite-url',
      'x-original-url',
      'x-original-uri',
      'x-original-path',
      'x-original-host',
      'x-original-method',
      'x-original-for',
      'x-original-forwarded-for',
      'x-original-proto',
      'x-original-prefix',
      'x-original-remote-addr',
      'x-middleware-subrequest',
    ],
  },
  {
    why: 'orders to the next server, such as to send a file of its own',
    from: 'both',
    names: ['x-accel-*', 'x-sendfile*', 'x-reproxy-*', 'x-lighttpd-*'],
  },
  {
    why: 'what a service runs on, and where',
    from: 'responses',
    names: [
      'server',
      'server-timing',
      'alt-svc',
      'proxy-status',
      'x-powered-by',
      'x-aspnet-version',
      'x-aspnetmvc-version',
      'x-backend',
      'x-backend-ip',
      'x-backend-server',
      'x-cache-lookup',
      'x-host',
      'x-hostname',
      'x-node-name',
      'x-pod-ip',
      'x-pod-name',
      'x-server-name',
      'x-served-by',
      'x-upstream',
      'x-upstream-addr',
    ],
  },
  { why: 'obsolete, and names a host (RFC 2965)', from: 'responses', names: ['set-cookie2'] },
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
export const STRIP_REQUEST: readonly Mutation[] = removals('requests');

/**
 * In a request's trailers whole families go (`x-original-…`): hardly any application sends trailers, and each peer's
 * filter chain holds this list once more.
 */
export const STRIP_REQUEST_TRAILERS: readonly Mutation[] = families(listed('requests'));

/** Runs on a response and its trailers. Envoy writes its own `server` after it. */
export const STRIP_RESPONSE: readonly Mutation[] = removals('responses');

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
