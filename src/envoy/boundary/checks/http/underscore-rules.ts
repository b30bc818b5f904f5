// Boundary rules for header names with an underscore: they are removed, and a filter refuses requests that had one.
// Must not: look at another resource, or trust the guard alone.

import type { Any, Messages } from '../../../proto/types.gen.ts';
import { configOf, isDigestOf, questionOf, regexOfHeader, UNDERSCORE_GUARD } from './filter-rules.ts';

type Manager = Messages['envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'];
type VirtualHost = Messages['envoy.config.route.v3.VirtualHost'];
type Mutation = Messages['envoy.config.common.mutation_rules.v3.HeaderMutation'];

const RBAC = 'type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC';
const EARLY = 'type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation';
const MUTATIONS = 'type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation';

/**
 * SHA-256 of the expressions by which the guard knows two equal numbers (envoy/http/headers/underscore-guard.ts), one a line: they
 * match the first and none of the others. A change of them is reviewed with test/envoy/http/headers/underscore-guard.test.ts and
 * header-choices.test.ts.
 */
const EQUAL_DIGEST = '4212f25bd265637acb61ef6b9c643c0b83c7c104c583c4f67946a4f0e9f20e00';

const BYTES = '%REQUEST_HEADERS_BYTES%';
const HEADER = 'x-postern-header-bytes';
const REMOVED = 'removed';
/** The size with itself in it (the header that holds it counts), the removal, and both sizes, with nothing in between. */
const COMPARISON = [BYTES, BYTES, BYTES, REMOVED, `%REQ(X-POSTERN-HEADER-BYTES)%,${BYTES}`];

/** What is left of the mutations of a request that end with the comparison; undefined when they do not. */
export function beforeComparison(mutations: readonly Mutation[]): readonly Mutation[] | undefined {
  const steps = mutations.slice(-COMPARISON.length).map(stepOf);
  return steps.join('\n') === COMPARISON.join('\n') ? mutations.slice(0, -COMPARISON.length) : undefined;
}

function stepOf({ append, remove_on_match: match }: Mutation): string | undefined {
  if (match !== undefined) return match.key_matcher?.contains === '_' ? REMOVED : undefined;
  const isOurs = append?.header?.key === HEADER && append.append_action === 'OVERWRITE_IF_EXISTS_OR_ADD';
  return isOurs ? append?.header?.value : undefined;
}

/** Headers with an underscore are removed from requests and trailers, and the guard refuses requests unless the sizes are the same. */
export function guardsUnderscores(manager: Manager): boolean {
  const early = (manager.early_header_mutation_extensions ?? []).map(({ typed_config: config }) => config);
  const filters = manager.http_filters ?? [];
  return (
    early.some((config) => config?.['@type'] === EARLY && beforeComparison(config.mutations ?? []) !== undefined) &&
    filters.map(configOf).some(cleansTrailers) &&
    refusesUnlessSame(configOf(filters.find(({ name }) => name === UNDERSCORE_GUARD)))
  );
}

function cleansTrailers(config: Any | undefined): boolean {
  const trailers = config?.['@type'] === MUTATIONS ? (config.mutations?.request_trailers_mutations ?? []) : [];
  return trailers.some((mutation) => stepOf(mutation) === REMOVED);
}

function refusesUnlessSame(config: Any | undefined): boolean {
  const { guard, skipped } = questionOf(config) ?? {};
  if (guard?.['@type'] !== RBAC || guard.matcher !== undefined) return false;
  const [policy, ...others] = Object.values(guard.rules?.policies ?? {});
  const [same, ...different] = skipped?.and_matcher?.predicate ?? [];
  const sizes = [same, ...different.map(({ not_matcher: not }) => not)].map((one) => regexOfHeader(one, HEADER));
  return (
    guard.rules?.action === 'DENY' &&
    others.length === 0 &&
    policy?.condition === undefined &&
    policy?.permissions?.some(({ any }) => any === true) === true &&
    policy.principals?.some(({ any }) => any === true) === true &&
    isDigestOf(EQUAL_DIGEST, sizes.join('\n'))
  );
}

/** The domains of a host that switches the guard off. */
export function droppingOf(host: VirtualHost, prefix: string): readonly string[] {
  const isOff = host.typed_per_filter_config?.[UNDERSCORE_GUARD] !== undefined;
  return isOff ? (host.domains ?? []).map((domain) => `${prefix} ${domain}`) : [];
}
