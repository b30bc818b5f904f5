// The guard against header names with an underscore: it refuses the request, where the export or import says `reject`.
// Must not: be all that keeps such a header from a backend. They are removed from every request before the guard looks, so its
// failure, or a virtual host that switches it off, lets a request pass without them.

import { any, extension, type Message } from '../../draft.ts';
import { hasValue, skippedWhen } from '../access-control/skipped-guard.ts';

type HttpFilter = Message<'envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter'>;
type Mutation = Message<'envoy.config.common.mutation_rules.v3.HeaderMutation'>;
type AccessLogFilter = Message<'envoy.config.accesslog.v3.AccessLogFilter'>;
type PerFilter = NonNullable<Message<'envoy.config.route.v3.VirtualHost'>['typed_per_filter_config']>;

const UNDERSCORE_GUARD = 'envoy.filters.http.rbac.underscores';
/** Its name is in the code details of a refused request, by which the log knows the reason (http/reason-expressions.ts). */
const POLICY = 'underscore-header';

/** Holds the two sizes from their comparison to the guard; no backend and no peer gets it. */
export const HEADER_BYTES = 'x-postern-header-bytes';
const BYTES = '%REQUEST_HEADERS_BYTES%';

/** A backend may read `x_forwarded_for` as `x-forwarded-for` (CGI), so no name with an underscore passes. */
export const WITHOUT_UNDERSCORES: Mutation = { remove_on_match: { key_matcher: { contains: '_' } } };

/**
 * No matcher of Envoy looks at names that are not known before, and its codec can only reset the stream or drop the header for
 * all services of a listener. So the size of all headers before those with an underscore are removed is compared with the size
 * after that. The header that holds the size counts as well: written for the third time, it says the size with itself in it.
 * (A script that looks at each name, or an expression that compares two numbers, costs more: docs/design.md, "Measured costs".)
 */
export const REMOVE_UNDERSCORES: readonly Mutation[] = [
  ...[BYTES, BYTES, BYTES].map(write),
  WITHOUT_UNDERSCORES,
  write(`%REQ(${HEADER_BYTES.toUpperCase()})%,${BYTES}`),
];

function write(value: string): Mutation {
  return { append: { header: { key: HEADER_BYTES, value }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' } };
}

/** Of the largest request that a gateway reads (limits.ts). */
const MOST_DIGITS = 5;
const PLACES = Array.from({ length: MOST_DIGITS }, (_, place) => place);
const DIGITS = [...'0123456789'];

/** Matches two numbers of as many digits with a comma between, and nothing else, when the last digits are the same. */
const SAME_FORM = PLACES.map((place) => {
  const before = digits(place);
  return `${before}(?:${DIGITS.map((digit) => `${digit},${before}${digit}`).join('|')})`;
}).join('|');

/**
 * Of two such numbers, each matches those that differ at one of its places, counted from the end. Two places for each: Envoy keeps
 * what it has found out about an expression, and with all places in one it would keep something for every size.
 */
const DIFFERENT: readonly string[] = [PLACES.slice(1, 3), PLACES.slice(3)].map((places) =>
  places
    .map((place) => {
      const after = digits(place);
      return `[0-9]*(?:${DIGITS.map((digit) => `${digit}${after},[0-9]*[^${digit}]`).join('|')})${after}`;
    })
    .join('|'),
);

function digits(count: number): string {
  return count === 0 ? '' : `[0-9]{${count}}`;
}

/** Refuses what access control has admitted, unless the sizes are there and the same. */
export function underscoreGuard(): HttpFilter {
  const areSame = [
    hasValue(HEADER_BYTES, SAME_FORM),
    ...DIFFERENT.map((regex) => ({ not_matcher: hasValue(HEADER_BYTES, regex) })),
  ];
  const refuse = extension(UNDERSCORE_GUARD, 'envoy.extensions.filters.http.rbac.v3.RBAC', {
    rules: {
      action: 'DENY',
      policies: { [POLICY]: { permissions: [{ any: true }], principals: [{ any: true }] } },
    },
    rules_stat_prefix: 'underscores_',
  });
  return skippedWhen({ and_matcher: { predicate: areSame } }, refuse);
}

/** Whether a request had a name with an underscore. (The result of the guard is written after its answer.) */
export const HAD_UNDERSCORE: AccessLogFilter = {
  or_filter: {
    filters: [sizesMatch(SAME_FORM, { invert_match: true }), ...DIFFERENT.map((regex) => sizesMatch(regex))],
  },
};

function sizesMatch(regex: string, more: { readonly invert_match?: true } = {}): AccessLogFilter {
  return { header_filter: { header: { name: HEADER_BYTES, string_match: { safe_regex: { regex } }, ...more } } };
}

/** For a virtual host whose export or import says `underscoreHeaders: drop`. */
export const UNDERSCORES_DROPPED: PerFilter = {
  [UNDERSCORE_GUARD]: any('envoy.config.route.v3.FilterConfig', { disabled: true }),
};
