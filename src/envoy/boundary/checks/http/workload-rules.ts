// Boundary rules for workloads: which claim of a peer's gateway counts, and what a policy may ask of it.
// Must not: look at another resource, or accept a claim of a gateway that the connection did not prove.

import type { Any, Messages } from '../../../proto/types.gen.ts';
import { trustDomainOf } from '../tls/tls-rules.ts';

type Permission = Messages['envoy.config.rbac.v3.Permission'];
type Predicate = Messages['xds.type.matcher.v3.Matcher.MatcherList.Predicate'];
type Fact = Messages['envoy.extensions.filters.http.header_to_metadata.v3.Config.Rule'];

const MATCHED = 'type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcher';
const TO_METADATA = 'type.googleapis.com/envoy.extensions.filters.http.header_to_metadata.v3.Config';
const REQUEST_HEADER = 'type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput';
const URI_SAN = 'type.googleapis.com/envoy.extensions.matching.common_inputs.ssl.v3.UriSanInput';
const SKIP = 'type.googleapis.com/envoy.extensions.filters.common.matcher.action.v3.SkipFilter';

/** Where the ingress keeps what the peer's gateway says of its caller, until the filter below takes the workload out of it. */
export const PEER_CLAIM_HEADER = 'x-postern-peer-claim';

const SEGMENT = '(?:[A-Za-z0-9_-]|\\.[A-Za-z0-9_-]|\\.\\.[A-Za-z0-9._-])[A-Za-z0-9._-]*';

/** The only text that counts on a connection with this identity: one element, its own, for a workload of its trust domain. */
function claimOf(identity: string, caller: (id: string) => string = (id) => id): string {
  const [by = '', domain = ''] = [identity, trustDomainOf(identity) ?? ''].map((text) => text.replaceAll('.', '\\.'));
  return `By=${by};Hash=[0-9a-f]{64};URI=${caller(`spiffe://${domain}(?:/${SEGMENT})+`)}`;
}

/** Keeps the workload of a claim that counts under our key, and nothing of another text. */
export function keepsOnlyClaims(config: Any | undefined, identities: readonly string[]): boolean {
  const [only, ...several] = identities;
  return only !== undefined && several.length === 0
    ? keepsClaimOf(config, only)
    : keepsClaimsOfSeveral(config, identities);
}

/** Where a chain admits one identity, each connection has proved it. */
function keepsClaimOf(config: Any | undefined, identity: string): boolean {
  return takesOnlyWorkload(config, `^(?:${claimOf(identity, (id) => `(${id})`)}|\\C*)$`);
}

/** Skips what is not the claim of the identity that the connection has proved. */
function keepsClaimsOfSeveral(config: Any | undefined, identities: readonly string[]): boolean {
  if (config?.['@type'] !== MATCHED) return false;
  const { matcher_list: list, matcher_tree: tree, on_no_match: otherwise } = config.xds_matcher ?? {};
  const [only, ...more] = list?.matchers ?? [];
  const claim = only?.predicate?.not_matcher ?? {};
  const counting = (claim.or_matcher?.predicate ?? [claim]).map(countedBy);
  return (
    takesOnlyWorkload(config.extension_config?.typed_config, '.*;URI=(.*)') &&
    more.length === 0 &&
    tree === undefined &&
    otherwise === undefined &&
    only?.on_match?.action?.typed_config?.['@type'] === SKIP &&
    counting.length === identities.length &&
    identities.every((identity) => counting.includes(`${identity} ${claimOf(identity)}`))
  );
}

/** The identity that a connection must have proved, and the text that counts on it. */
function countedBy({ and_matcher: both }: Predicate): string | undefined {
  const [proven, written, ...others] = both?.predicate ?? [];
  const [san, header] = [proven, written].map((one) => one?.single_predicate?.input?.typed_config);
  const isBound =
    others.length === 0 &&
    san?.['@type'] === URI_SAN &&
    header?.['@type'] === REQUEST_HEADER &&
    header.header_name === PEER_CLAIM_HEADER;
  if (!isBound) return undefined;
  return `${proven?.single_predicate?.value_match?.exact} ${written?.single_predicate?.value_match?.safe_regex?.regex}`;
}

function takesOnlyWorkload(config: Any | undefined, expression: string): boolean {
  if (config?.['@type'] !== TO_METADATA) return false;
  const [rule, ...others] = config.request_rules ?? [];
  return (
    others.length === 0 &&
    config.response_rules === undefined &&
    takesFact(rule, PEER_CLAIM_HEADER, 'workload', expression)
  );
}

/** Keeps under a key of ours what the group of the expression takes out of a header, and nothing else. */
export function takesFact(rule: Fact | undefined, header: string, expectedKey: string, expression: string): boolean {
  const {
    metadata_namespace: namespace,
    key,
    value = '',
    regex_value_rewrite: rewrite,
  } = rule?.on_header_present ?? {};
  return (
    rule?.header === header &&
    rule.on_header_missing === undefined &&
    `${namespace}:${key}` === `postern:${expectedKey}` &&
    value === '' &&
    rewrite?.pattern?.regex === expression &&
    rewrite.substitution === '\\1'
  );
}

/** The workloads that a permission asks for, as text: `=` before one, `<` before a prefix; none when it is about something else. */
export function workloadsOf({ sourced_metadata: claim, or_rules: any }: Permission): readonly string[] {
  if (any?.rules !== undefined) {
    const alternatives = any.rules.map(workloadsOf);
    return alternatives.every((workloads) => workloads.length > 0) ? alternatives.flat() : [];
  }
  const { filter, path = [], value, invert } = claim?.metadata_matcher ?? {};
  const { exact, prefix } = value?.string_match ?? {};
  const isClaim = filter === 'postern' && path.map(({ key }) => key).join() === 'workload' && invert !== true;
  if (!isClaim || (claim?.metadata_source ?? 'DYNAMIC') !== 'DYNAMIC') return [];
  return [...(exact === undefined ? [] : [`=${exact}`]), ...(prefix === undefined ? [] : [`<${prefix}`])];
}

/** Whether each workload of these texts is of the trust domain, and each prefix ends with a whole segment. */
export function areOfDomain(workloads: readonly string[], domain: string | undefined): boolean {
  const path = `spiffe://${domain}/`;
  return workloads.every(
    (text) =>
      domain !== undefined &&
      text.startsWith(path, 1) &&
      text.length > path.length + 1 &&
      (text.startsWith('=') ? !text.endsWith('/') : text.endsWith('/')),
  );
}
