// The headers that both gateways must remove, and whether a list of mutations removes them.
// Must not: be made of envoy/http/headers/header-removals.ts, which this list checks. A name that ends in `*` is a family.

import { memoizeByIdentity } from '../../memoize.ts';
import type { Messages } from '../proto/types.gen.ts';

type Mutation = Messages['envoy.config.common.mutation_rules.v3.HeaderMutation'];

const NEVER_CROSSING = words(`
  x-envoy-* x-forwarded-* x-istio-* x-postern-* l5d-* via x-request-id x-real-ip x-accel-* x-sendfile* x-reproxy-* x-lighttpd-*
`);

/** In requests: what a backend could take for the word of a proxy, or for another request than the granted one. */
export const NEVER_IN_REQUESTS = [
  ...NEVER_CROSSING,
  ...words(`
  forwarded x-forwarded x-host proxy proxy-connection proxy-authorization baggage
  uber-trace-id grpc-trace-bin x-ot-span-context x-amzn-trace-id x-cloud-trace-context x-datadog-trace-id
  x-datadog-parent-id x-datadog-origin x-datadog-sampling-priority x-datadog-tags client-ip x-client-ip
  x-cluster-client-ip x-originating-ip x-proxyuser-ip true-client-ip cf-connecting-ip cf-connecting-ipv6
  cf-pseudo-ipv4 forwarded-for x-true-client-ip x-nf-client-connection-ip x-vercel-forwarded-for iv-remote-address
  fastly-client-ip fly-client-ip x-azure-clientip x-azure-socketip x-scheme x-url-scheme front-end-https remote-*
  x-remote-* x-auth-request-* x-authenticated-* x-authentik-* x-authelia-* x-consumer-* x-credential-* x-kong-*
  x-forward-auth-* x-pomerium-* x-vouch-* x-webauth-* x-jwt-claim* x-jwt-payload* cf-access-* x-amzn-oidc-*
  x-goog-authenticated-user-* x-goog-iap-* x-appengine-* x-apigateway-* x-ms-client-principal* x-ms-token-*
  tailscale-* impersonate-* oidc-* x-oidc-* oam-remote-* osso-* shib-* x-shib-* sec-istio-* x-anonymous-consumer
  x-auth-email x-auth-groups x-auth-roles x-auth-subject x-auth-user x-auth-userid x-auth-username
  x-endpoint-api-userinfo x-id-token x-jwt-assertion x-userinfo x-amzn-lambda-context x-amzn-request-context
  teleport-jwt-assertion sm-authtype sm-universalid sm-user sm-userdn iv-creds iv-groups iv-user iv-user-l
  kubeflow-groups kubeflow-userid eppn client-cert* clientcert* cf-cert-* cf-client-cert-* sslclientcert*
  x-client-cert* x-client-s-dn* x-clientcert* x-client-dn* x-client-issuer* x-client-san* x-client-serial*
  x-client-subject* x-client-verify* x-tls-client-* x-mtls-* ssl-client* x-ssl-* x-amzn-mtls-* x-amzn-tls-*
  x-arr-clientcert x-arr-ssl wl-proxy-* $ws* x-http-method x-http-method-override x-method-override
  x-http-host-override x-override-url x-rewrite-url x-original-url x-original-uri x-original-path x-original-host
  x-original-method x-original-for x-original-forwarded-for x-original-proto x-original-prefix
  x-original-remote-addr x-middleware-subrequest
  `),
];

/** In requests to and from a peer, unless the configuration says `traceContext: forward`; in trailers and responses always. */
export const TRACE_CONTEXT = words(`
  traceparent tracestate b3 x-b3-traceid x-b3-spanid x-b3-parentspanid x-b3-sampled x-b3-flags
`);

/** RFC 9110, 6.5.1: a server that merges trailers into headers would take another request from them than the one that was judged. */
const NEVER_IN_TRAILERS = words(`
  connection content-length http2-settings keep-alive te trailer transfer-encoding upgrade host authorization cookie
  proxy-authorization proxy-connection cache-control expect max-forwards pragma range if-match if-modified-since
  if-none-match if-range if-unmodified-since content-encoding content-range content-type
`);

export const NEVER_IN_REQUEST_TRAILERS = [...NEVER_IN_REQUESTS, ...TRACE_CONTEXT, ...NEVER_IN_TRAILERS];

/** In responses and their trailers: what tells a peer which software runs here, and where, however its words are joined. */
export const NEVER_IN_RESPONSES = inBothSpellings([
  ...NEVER_CROSSING,
  ...TRACE_CONTEXT.filter((name) => name.startsWith('x-')),
  ...words(`
  proxy-authenticate proxy-authentication-info server server-timing alt-svc proxy-status x-powered-by
  x-aspnet-version x-aspnetmvc-version x-backend x-backend-ip x-backend-server x-cache-lookup x-host x-hostname
  x-node-name x-pod-ip x-pod-name x-server-name x-served-by x-upstream x-upstream-addr set-cookie2
  `),
]);

/** Response headers with URLs or host names: rewritten in responses, removed from trailers. */
export const HOST_HEADERS = words(`
  location content-location operation-location azure-asyncoperation sourcemap x-sourcemap hx-redirect hx-push-url
  hx-replace-url hx-location refresh link set-cookie www-authenticate authentication-info content-security-policy
  content-security-policy-report-only report-to reporting-endpoints nel expect-ct x-xss-protection
  x-debug-token-link x-inertia-location x-pingback warning
`);

/** In trailers nothing is rewritten: an application's redirect is in the headers. */
export const NEVER_IN_RESPONSE_TRAILERS = [
  ...NEVER_IN_RESPONSES,
  ...inBothSpellings([...HOST_HEADERS, ...NEVER_IN_TRAILERS]),
];

/** What Envoy writes into a request after the caller's own values are gone, for itself; no backend and no peer gets it. */
const ADDED_BY_ENVOY = words(`
  x-envoy-external-address x-envoy-internal x-envoy-original-path x-envoy-original-host x-envoy-original-dst-host
  x-envoy-decorator-operation x-envoy-expected-rq-timeout-ms x-envoy-attempt-count x-envoy-downstream-service-cluster
  x-envoy-downstream-service-node x-envoy-peer-metadata x-envoy-peer-metadata-id x-forwarded-for x-forwarded-host
  x-forwarded-port
`);

export const NEVER_FROM_INGRESS = [
  ...ADDED_BY_ENVOY,
  ...words('x-postern-given-request-id x-postern-peer-claim x-postern-header-bytes'),
];

export const NEVER_FROM_EGRESS = [
  ...ADDED_BY_ENVOY,
  ...words(
    'x-forwarded-proto x-forwarded-client-cert x-postern-peer x-postern-workload x-postern-given-request-id x-postern-header-bytes',
  ),
];

/** Whether the mutations remove every one of these headers and write none. */
export const removesAll = memoizeByIdentity((mutations: readonly Mutation[], names: readonly string[]): boolean => {
  const removed = new Set(mutations.flatMap(({ remove }) => remove ?? []));
  const matchers = mutations.flatMap(({ remove_on_match: match }) => match?.key_matcher ?? []);
  const prefixes = matchers.flatMap(({ prefix }) => prefix || []);
  const expressions = matchers.flatMap(({ safe_regex: { regex = '' } = {} }) =>
    READABLE.test(regex) ? new RegExp(`^(?:${regex})$`) : [],
  );
  const isRemoved = (name: string): boolean => {
    const family = name.endsWith('*') ? name.slice(0, -1) : undefined;
    if (family === undefined && removed.has(name)) return true;
    if (prefixes.some((prefix) => (family ?? name).startsWith(prefix))) return true;
    const samples = family === undefined ? [name] : [family, `${family}${ANYTHING}`];
    return expressions.some((expression) => samples.every((sample) => expression.test(sample)));
  };
  return mutations.every(({ append }) => append === undefined) && names.every(isRemoved);
});

/** Letters, joints, choices and one loop over every character of a name: what RE2 and JavaScript read alike. */
const READABLE = /^(?:[a-z0-9|?-]|\(\?:|\)|\\\$|\[-_\]|\[!-~\]\*)+$/;
/** In no name: only the loop matches it, and the loop matches every other end of a name as well. */
const ANYTHING = '~!~';

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}

/** An expression that takes both takes every mixture: READABLE has no other way to write an underscore. */
function inBothSpellings(names: readonly string[]): readonly string[] {
  return [...new Set([...names, ...names.map((name) => name.replaceAll('-', '_'))])];
}
