// The workload of a peer: what its proven gateway writes into `x-forwarded-client-cert` about its own caller. The ingress keeps
// the peer's value, because Envoy replaces the header by its own; a filter takes the workload out of it, if the claim counts.
// Must not: let a value count that is not exactly one element in Envoy's form, written by the gateway that the connection
// proved, for a workload of the same trust domain.

import type { Workload } from '../../../federation/model.ts';
import { type SpiffeId, trustDomainOf } from '../../../trust/spiffe.ts';
import { extension, type Message } from '../../draft.ts';
import { METADATA } from '../../resource-names.ts';
import { factOf } from './request-fact.ts';

type HttpFilter = Message<'envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter'>;
type Mutation = Message<'envoy.config.common.mutation_rules.v3.HeaderMutation'>;
type Permission = Message<'envoy.config.rbac.v3.Permission'>;
type Predicate = Message<'xds.type.matcher.v3.Matcher.MatcherList.Predicate'>;

const NAME = 'envoy.filters.http.header_to_metadata.claims';
const TO_METADATA = 'envoy.extensions.filters.http.header_to_metadata.v3.Config';
/** In the namespace of our metadata. */
const KEY = 'workload';

/** Holds the peer's value from the removal of `x-forwarded-client-cert` to the filter that reads it; no backend gets it. */
export const PEER_CLAIM_HEADER = 'x-postern-peer-claim';

/** Before Envoy writes an element of its own. A repeated header is one value by then, joined by commas. */
export const KEEP_PEER_CLAIM: Mutation = {
  append: {
    header: { key: PEER_CLAIM_HEADER, value: '%REQ(X-FORWARDED-CLIENT-CERT)%' },
    append_action: 'OVERWRITE_IF_EXISTS_OR_ADD',
  },
};

/**
 * What an egress tells the peer of a proven caller: the form of Envoy's own element, which peers compare, without the digest of
 * the certificate. That would tell one instance from another, and when each certificate is renewed.
 */
export const TELL_CALLER: Message<'envoy.config.core.v3.HeaderValueOption'> = {
  header: {
    key: 'x-forwarded-client-cert',
    value: `By=%DOWNSTREAM_LOCAL_URI_SAN%;Hash=${'0'.repeat(64)};URI=%DOWNSTREAM_PEER_URI_SAN%`,
  },
  append_action: 'OVERWRITE_IF_EXISTS_OR_ADD',
};

/** The workload whose claim counts: for the access log of what was refused, and for the backend. */
export const CLAIMED_WORKLOAD = `%DYNAMIC_METADATA(${METADATA}:${KEY})%`;

/**
 * Keeps the workload of a claim that counts. Of a peer with one gateway identity: the one that every connection has proved. Of a
 * peer with more, the filter runs only when the whole value is the one element of the gateway that the connection proved.
 */
export function keepClaim(gatewayIdentities: readonly SpiffeId[]): HttpFilter {
  const [only = '' as SpiffeId, ...more] = gatewayIdentities;
  return more.length === 0 ? claimOfOne(only) : claimOfSeveral(gatewayIdentities);
}

function claimOfOne(gateway: SpiffeId): HttpFilter {
  const claim = elementOf(gateway, (id) => `(${id})`);
  return extension(NAME, TO_METADATA, { request_rules: [factOf(PEER_CLAIM_HEADER, KEY, claim)] });
}

function claimOfSeveral(gatewayIdentities: readonly SpiffeId[]): HttpFilter {
  const config = extension(NAME, TO_METADATA, {
    request_rules: [
      {
        header: PEER_CLAIM_HEADER,
        on_header_present: {
          metadata_namespace: METADATA,
          key: KEY,
          regex_value_rewrite: { pattern: { regex: '.*;URI=(.*)' }, substitution: '\\1' },
        },
      },
    ],
  });
  const skip = extension('skip', 'envoy.extensions.filters.common.matcher.action.v3.SkipFilter', {});
  return extension(NAME, 'envoy.extensions.common.matching.v3.ExtensionWithMatcher', {
    extension_config: config,
    xds_matcher: {
      matcher_list: {
        matchers: [
          {
            predicate: { not_matcher: { or_matcher: { predicate: gatewayIdentities.map(isClaimOf) } } },
            on_match: { action: skip },
          },
        ],
      },
    },
  });
}

/** A segment of a SPIFFE path: neither `.` nor `..` (SPIFFE-ID, 2.2). */
const SEGMENT = '(?:[A-Za-z0-9_-]|\\.[A-Za-z0-9_-]|\\.\\.[A-Za-z0-9._-])[A-Za-z0-9._-]*';

/** What Envoy writes there, as an expression: the gateway, a digest, its caller. */
function elementOf(gateway: SpiffeId, caller: (id: string) => string): string {
  const id = `spiffe://${literally(trustDomainOf(gateway))}(?:/${SEGMENT})+`;
  return `By=${literally(gateway)};Hash=[0-9a-f]{64};URI=${caller(id)}`;
}

/** The connection has proved this gateway, and the value is its element. */
function isClaimOf(gateway: SpiffeId): Predicate {
  const proven: Predicate = {
    single_predicate: {
      input: extension(
        'envoy.matching.inputs.uri_san',
        'envoy.extensions.matching.common_inputs.ssl.v3.UriSanInput',
        {},
      ),
      value_match: { exact: gateway },
    },
  };
  const written: Predicate = {
    single_predicate: {
      input: extension('header', 'envoy.type.matcher.v3.HttpRequestHeaderMatchInput', {
        header_name: PEER_CLAIM_HEADER,
      }),
      value_match: { safe_regex: { google_re2: {}, regex: elementOf(gateway, (id) => id) } },
    },
  };
  return { and_matcher: { predicate: [proven, written] } };
}

/** Of a SPIFFE ID, the dot alone means something in a regular expression. */
function literally(id: string): string {
  return id.replaceAll('.', '\\.');
}

/** The workload of a claim that counts is this one, or lies below. */
export function isWorkload(workload: Workload): Permission {
  return {
    sourced_metadata: {
      metadata_matcher: { filter: METADATA, path: [{ key: KEY }], value: { string_match: workload } },
    },
  };
}
