// The form of the policies of a virtual host: conditions on authority, method, path, workload and content length, and
// explicit principals.
// Must not: let a condition be loosened, or joined with one that Envoy evaluates in its place. What a `not_rule` may invert is judged
// by checks/http/policy-rules.ts.

import { is, listOf, mapOf, message, oneField, recursive, type Shape, sequence, text, typed, under } from '../shape.ts';

/** Where a backend may read a path below a prefix as another path (envoy/http/access-control/path-guard.ts says which backends do). */
export const BAD_PLACES = '.*(?:;|//|/%20|%20/|/(?:\\.|%20)+/|/(?:\\(|%28)[^/]*(?:\\(|%28)).*|.*(?:%20|/(?:\\.|%20)+)';

function header(name: string, condition: Shape): Shape {
  return message({ name: is(name), string_match: condition });
}

const EXACT = message({ exact: text });
/** A host name has no case. */
const AUTHORITY = message({ exact: text, ignore_case: is(true) });
const METHOD = EXACT;
const PATH = oneField({ exact: text, prefix: text, safe_regex: message({ regex: is(BAD_PLACES) }) });

const HEADERS: Readonly<Record<string, Shape>> = {
  ':authority': header(':authority', AUTHORITY),
  ':method': header(':method', METHOD),
};
const CONTENT_LENGTH_PRESENT = message({ name: is('content-length'), present_match: is(true) });
const CONTENT_LENGTH = header('content-length', EXACT);

const HEADER: Shape = (value) => {
  const { name, present_match: present } = (value ?? {}) as { name?: string; present_match?: boolean };
  if (present !== undefined) return CONTENT_LENGTH_PRESENT(value);
  return (HEADERS[name ?? ''] ?? CONTENT_LENGTH)(value);
};

/** The workload of a claim; which claim counts: workload-rules.ts. */
const WORKLOAD = message(
  {
    metadata_matcher: message({
      filter: is('postern'),
      path: sequence(message({ key: is('workload') })),
      value: message({ string_match: oneField({ exact: text, prefix: text }) }),
    }),
  },
  { metadata_source: is('DYNAMIC') },
);

const PERMISSION = recursive((permission) => {
  const rules = message({ rules: listOf(permission) });
  return oneField({
    and_rules: rules,
    or_rules: rules,
    not_rule: permission,
    header: HEADER,
    url_path: message({ path: PATH }),
    sourced_metadata: WORKLOAD,
  });
});

const RBAC_PER_ROUTE = 'envoy.extensions.filters.http.rbac.v3.RBACPerRoute';

function action(verdict: Shape): Shape {
  const config = typed('envoy.config.rbac.v3.Action', { name: text }, { action: verdict });
  return message({ action: message({ name: is('action'), typed_config: config }) });
}

const CLIENT = message({
  single_predicate: message({
    input: message({
      name: is('envoy.matching.inputs.uri_san'),
      typed_config: typed('envoy.extensions.matching.common_inputs.ssl.v3.UriSanInput'),
    }),
    value_match: oneField({ exact: text, prefix: text }),
  }),
});

/** Of an import: who may use it. */
export const CLIENTS_OF_HOST = under(
  'CLIENTS',
  typed(RBAC_PER_ROUTE, {
    rbac: message({
      matcher: message({
        matcher_list: message({
          matchers: sequence(
            message({
              predicate: oneField({
                single_predicate: (value) => CLIENT({ single_predicate: value }),
                or_matcher: message({ predicate: listOf(CLIENT) }),
              }),
              on_match: action(is('ALLOW')),
            }),
          ),
        }),
        on_no_match: action(is('DENY')),
      }),
      track_per_rule_stats: is(true),
    }),
  }),
);

const PRINCIPAL = message({ authenticated: message({ principal_name: EXACT }) });
const POLICY = message({ permissions: listOf(PERMISSION), principals: listOf(PRINCIPAL) });

export const POLICY_OF_HOST = typed(RBAC_PER_ROUTE, {
  rbac: message({
    rules: message({ policies: mapOf(/^/, POLICY) }, { action: is('ALLOW') }),
    track_per_rule_stats: is(true),
  }),
});
