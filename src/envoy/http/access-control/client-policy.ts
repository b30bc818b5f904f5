// Access control for our own callers: each is exactly one workload of our trust domain, and an import has its clients.
// Must not: match anything but the URI SANs of the certificate that the connection has proven.

import type { Workload } from '../../../federation/model.ts';
import { type Any, any, extension, type Message } from '../../draft.ts';
import { NOT_A_WORKLOAD } from '../../resource-names.ts';

type NetworkFilter = Message<'envoy.config.listener.v3.Filter'>;
type Predicate = Message<'xds.type.matcher.v3.Matcher.MatcherList.Predicate'>;
type Action = NonNullable<Message<'envoy.config.rbac.v3.Action'>['action']>;

/** All URI SANs of the certificate, joined by a comma. */
const URI_SAN = extension(
  'envoy.matching.inputs.uri_san',
  'envoy.extensions.matching.common_inputs.ssl.v3.UriSanInput',
  {},
);

/** A whole SPIFFE ID with a path (SPIFFE-ID, 2.2): no empty segment, none of one or two dots, no escape, and no second ID behind a comma. */
export const ONE_SPIFFE_ID = 'spiffe://[a-z0-9._-]+(?:/(?:\\.?[A-Za-z0-9_-][A-Za-z0-9._-]*|\\.\\.[A-Za-z0-9._-]+))+';

/** Closes a connection whose certificate has anything but exactly one URI SAN, which is an ID of our own trust domain. */
export function oneWorkloadOnly(trustDomain: string, statPrefix: string): NetworkFilter {
  return extension('envoy.filters.network.rbac', 'envoy.extensions.filters.network.rbac.v3.RBAC', {
    stat_prefix: `${statPrefix}_callers`,
    matcher: {
      matcher_list: {
        matchers: [
          {
            predicate: {
              and_matcher: {
                predicate: [
                  uriSan({ prefix: `spiffe://${trustDomain}/` }),
                  uriSan({ safe_regex: { google_re2: {}, regex: ONE_SPIFFE_ID } }),
                ],
              },
            },
            on_match: { action: action('ALLOW', 'workload') },
          },
        ],
      },
      on_no_match: { action: action('DENY', NOT_A_WORKLOAD) },
    },
  });
}

/**
 * The policy of an import: its clients. The matcher sees all URI SANs, joined by a comma, and the filter chain has seen to it
 * that there is one. (A principal of a policy would also match a DNS SAN that is written like an ID.)
 */
export function clientsOnly(policy: string, clients: readonly Workload[]): Any {
  const [first, ...others] = clients.map((client) =>
    uriSan('exact' in client ? { exact: client.exact } : { prefix: client.prefix }),
  );
  if (first === undefined) throw new Error('an import without clients');
  const predicate = others.length === 0 ? first : { or_matcher: { predicate: [first, ...others] } };
  return any('envoy.extensions.filters.http.rbac.v3.RBACPerRoute', {
    rbac: {
      matcher: {
        matcher_list: { matchers: [{ predicate, on_match: { action: action('ALLOW', policy) } }] },
        on_no_match: { action: action('DENY', policy) },
      },
      track_per_rule_stats: true,
    },
  });
}

function uriSan(match: Message<'xds.type.matcher.v3.StringMatcher'>): Predicate {
  return { single_predicate: { input: URI_SAN, value_match: match } };
}

function action(verdict: Action, name: string): ReturnType<typeof extension> {
  return extension('action', 'envoy.config.rbac.v3.Action', { name, action: verdict });
}
