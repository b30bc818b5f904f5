// The guard against header names with an underscore: it refuses the request, where the export or import says `reject`.
// Must not: be all that keeps such a header from a backend. They are removed from every request before the guard looks, so its
// failure, or a virtual host that switches it off, lets a request pass without them.

import { any, extension, type Message } from '../../draft.ts';

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

/** Together they match two equal numbers with a comma between: as many digits, and at each place, counted from the end, the same. */
const EQUAL: readonly string[] = [
  PLACES.map((place) => `[0-9]{${place + 1}},[0-9]{${place + 1}}`).join('|'),
  ...PLACES.map((place) => {
    const after = place === 0 ? '' : `[0-9]{${place}}`;
    const same = DIGITS.map((digit) => `${digit}${after},[0-9]*${digit}`).join('|');
    // A number of fewer digits has none at this place.
    return `${place === 0 ? '' : `[0-9]{0,${place}},[0-9]*|`}[0-9]*(?:${same})${after}`;
  }),
];

/** Refuses what access control has admitted, unless the sizes are there and the same. */
export function underscoreGuard(): HttpFilter {
  const isUnchanged = EQUAL.map((regex) => ({
    header: { name: HEADER_BYTES, string_match: { safe_regex: { regex } } },
  }));
  return extension(UNDERSCORE_GUARD, 'envoy.extensions.filters.http.rbac.v3.RBAC', {
    rules: {
      action: 'DENY',
      policies: {
        [POLICY]: { permissions: [{ not_rule: { and_rules: { rules: isUnchanged } } }], principals: [{ any: true }] },
      },
    },
    rules_stat_prefix: 'underscores_',
  });
}

/** Whether a request had a name with an underscore. (The result of the guard is written after its answer.) */
export const HAD_UNDERSCORE: AccessLogFilter = {
  or_filter: {
    filters: EQUAL.map((regex) => ({
      header_filter: { header: { name: HEADER_BYTES, string_match: { safe_regex: { regex } }, invert_match: true } },
    })),
  },
};

/** For a virtual host whose export or import says `underscoreHeaders: drop`. */
export const UNDERSCORES_DROPPED: PerFilter = {
  [UNDERSCORE_GUARD]: any('envoy.config.route.v3.FilterConfig', { disabled: true }),
};
