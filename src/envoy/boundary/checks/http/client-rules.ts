// Boundary rules for our own callers at egress: how a listener learns which workload calls, and which an import admits.
// Must not: believe a name; which workloads a listener admits is what its matchers say.

import { memoizeByIdentity } from '../../../../memoize.ts';
import type { Any, Messages } from '../../../proto/types.gen.ts';
import { type CallersFact, enforce, type Subject } from '../../boundary-rules.ts';
import { meshBundleKey } from '../../name-rules.ts';
import { checkTls13, combinedValidation, provenClientContext } from '../tls/tls-rules.ts';
import { UNDERSCORE_GUARD } from './filter-rules.ts';
import { PASSED_ON, REMEMBERED, remembersHost, takesRequestId } from './log-rules.ts';

type FilterChain = Messages['envoy.config.listener.v3.FilterChain'];
type CommonTlsContext = Messages['envoy.extensions.transport_sockets.tls.v3.CommonTlsContext'];
type Matcher = Messages['xds.type.matcher.v3.Matcher'];
type Predicate = Messages['xds.type.matcher.v3.Matcher.MatcherList.Predicate'];
type VirtualHost = Messages['envoy.config.route.v3.VirtualHost'];

export const NETWORK_RBAC = 'type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC';
const ACTION = 'type.googleapis.com/envoy.config.rbac.v3.Action';
const PER_ROUTE = 'type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBACPerRoute';
const URI_SAN = 'type.googleapis.com/envoy.extensions.matching.common_inputs.ssl.v3.UriSanInput';
/** The filter by which a virtual host gets its policy (`typed_per_filter_config`). */
const HTTP_RBAC = 'envoy.filters.http.rbac';
/** The filter by which an import gets its limits (limit-rules.ts). */
const LIMITS = 'envoy.filters.http.filter_chain.import';
const OUR_PREFIX = /^spiffe:\/\/([a-z0-9._-]+)\/$/;
/** One whole SPIFFE ID: a second one stands behind a comma, which it does not match, nor dot segments and escapes. */
export const ONE_ID = 'spiffe://[a-z0-9._-]+(?:/(?:\\.?[A-Za-z0-9_-][A-Za-z0-9._-]*|\\.\\.[A-Za-z0-9._-]+))+';
/** With `identity.files`, the one certificate of the gateway. */
const CERTIFICATES: readonly (string | undefined)[] = ['cert/callers', 'cert/egress'];

/** What the listener agrees on with its callers: of HTTP, of TCP. */
const ALPN = { http: 'h2,http/1.1', tcp: 'postgresql' } as const;

/**
 * The chain of a listener whose callers prove who they are; the trust domain that it admits, and the secrets that it needs.
 * `at`: the place of the network filter that sees to it.
 */
export function checkCallersChain(
  chain: FilterChain,
  carries: keyof typeof ALPN,
  at: number,
  subject: Subject,
): CallersFact {
  enforce(Number.parseFloat(chain.transport_socket_connect_timeout ?? '0') > 0, 'HANDSHAKE_TIMEOUT', subject);
  const context = provenClientContext(subject, chain.transport_socket);
  const { secrets, trustDomain } = checkContext(context, ALPN[carries], subject);
  enforce(admitsOneWorkload(chain.filters?.[at]?.typed_config, trustDomain), 'OUR_WORKLOADS', subject);
  return { trustDomain, secrets };
}

function checkContext(context: CommonTlsContext, alpn: string, subject: Subject): CallersFact {
  checkTls13(context, subject);
  enforce(context.alpn_protocols?.join() === alpn, 'CALLERS_ALPN', subject);
  const { sans, bundle } = combinedValidation(subject, context);
  const [san, ...more] = sans;
  const [, trustDomain] = OUR_PREFIX.exec(san?.matcher?.prefix ?? '') ?? [];
  const isPrefix = san?.san_type === 'URI' && Object.keys(san.matcher ?? {}).join() === 'prefix';
  enforce(isPrefix && trustDomain !== undefined && more.length === 0, 'OUR_WORKLOADS', subject);
  const isOurs = meshBundleKey(bundle?.name ?? '') !== undefined && bundle?.sds_config?.ads !== undefined;
  enforce(isOurs, 'OWN_BUNDLE', subject);
  const [certificate, ...others] = context.tls_certificate_sds_secret_configs ?? [];
  const isOwn = certificate?.sds_config?.ads !== undefined && CERTIFICATES.includes(certificate.name);
  enforce(isOwn && others.length === 0 && context.tls_certificates === undefined, 'OWN_CERTIFICATE', subject);
  return { trustDomain, secrets: [bundle?.name ?? '', certificate?.name ?? ''] };
}

/** The network filter of the chain allows exactly one URI SAN, which is a whole ID of the trust domain, and denies the rest. */
function admitsOneWorkload(config: Any | undefined, trustDomain: string): boolean {
  if (config?.['@type'] !== NETWORK_RBAC) return false;
  const predicate = onlyAllowed(config.matcher);
  const [prefix, whole, ...more] = predicate?.and_matcher?.predicate ?? [];
  return (
    config.rules === undefined &&
    config.shadow_rules === undefined &&
    more.length === 0 &&
    uriSanOf(prefix)?.prefix === `spiffe://${trustDomain}/` &&
    uriSanOf(whole)?.safe_regex?.regex === ONE_ID
  );
}

/** What a matcher allows that denies all else. */
function onlyAllowed(matcher: Matcher | undefined): Predicate | undefined {
  const [only, ...more] = matcher?.matcher_list?.matchers ?? [];
  const verdict = actionOf(only?.on_match?.action?.typed_config);
  const otherwise = actionOf(matcher?.on_no_match?.action?.typed_config);
  const holds = more.length === 0 && matcher?.matcher_tree === undefined && verdict === 'ALLOW' && otherwise === 'DENY';
  return holds ? only?.predicate : undefined;
}

/** ALLOW is the zero value of the field; without the message, or with another type, there is no action. */
export function actionOf(config: Any | undefined): 'ALLOW' | 'DENY' | 'LOG' | undefined {
  return config?.['@type'] === ACTION ? (config.action ?? 'ALLOW') : undefined;
}

function uriSanOf(predicate: Predicate | undefined): Messages['xds.type.matcher.v3.StringMatcher'] | undefined {
  const { input, value_match: match } = predicate?.single_predicate ?? {};
  return input?.typed_config?.['@type'] === URI_SAN && match?.ignore_case !== true ? match : undefined;
}

/** Who may use an import, in words that can be compared with the model: `=ID`, `<prefix`. */
export function clientsText(clients: readonly string[]): string {
  return [...new Set(clients)].sort().join('\n');
}

/** The clients of a virtual host; undefined when it has no policy. */
export const clientsOf = memoizeByIdentity((host: VirtualHost, subject: Subject): string | undefined => {
  const {
    [HTTP_RBAC]: config,
    [LIMITS]: _limits,
    [UNDERSCORE_GUARD]: _guard,
    [REMEMBERED]: _remembered,
    [PASSED_ON]: passed,
    ...switches
  } = host.typed_per_filter_config ?? {};
  enforce(Object.keys(switches).length === 0, 'POLICY_NOT_OVERRIDDEN', subject);
  enforce((passed === undefined || takesRequestId(passed)) && remembersHost(host), 'LOGGED_REQUEST', subject);
  if (config === undefined) return undefined;
  enforce(config['@type'] === PER_ROUTE && config.rbac?.rules === undefined, 'CLIENTS', subject);
  const allowed = onlyAllowed(config.rbac?.matcher);
  const clients = (allowed?.or_matcher?.predicate ?? [allowed]).map((one) => {
    const { exact, prefix } = uriSanOf(one) ?? {};
    const isWhole = exact !== undefined || prefix?.endsWith('/') === true;
    enforce(isWhole, 'CLIENTS', subject);
    return exact === undefined ? `<${prefix}` : `=${exact}`;
  });
  return clientsText(clients);
});
