// biome-ignore-all lint/suspicious/noAssignInExpressions: a mutation is one assignment
// Mutations by which a claim would count that does not, or a policy would ask for less than its workloads.
// Must not: break another rule that is checked earlier.

import type { BoundaryRule } from '../../../../src/envoy/boundary/boundary-rules.ts';
import type { Copy, Data, Mutation } from './mutation.ts';

const claim = (c: Copy): Data => c.manager.http_filters[3].typed_config;
/** What counts on a connection of each of the shop's two gateways. */
const counting = (c: Copy): Data[] =>
  claim(c).xds_matcher.matcher_list.matchers[0].predicate.not_matcher.or_matcher.predicate;
const written = (c: Copy): Data => counting(c)[0].and_matcher.predicate[1].single_predicate.value_match.safe_regex;
const kept = (c: Copy): Data => claim(c).extension_config.typed_config.request_rules[0];

/** What is kept of a claim of the partner, which has one gateway. */
const partners = (c: Copy): Data =>
  c
    .named('Listener', 'ingress')
    .filter_chains.find(({ metadata }: Data) => metadata.filter_metadata.postern.peer === 'partner')
    .filters.at(-1).typed_config.http_filters[3].typed_config.request_rules;
const one = (c: Copy): Data => partners(c)[0].on_header_present.regex_value_rewrite;

/** Of the export that has a rule with workloads. */
const rbac = (c: Copy): Data => c.routes.virtual_hosts[1].typed_per_filter_config['envoy.filters.http.rbac'].rbac;
const policy = (c: Copy): Data => rbac(c).rules.policies['exports.loans.consumers.shop.allow[2]'];
/** Method, path, workloads and the rest, for the exact path; there is another permission for the prefix. */
const ruleWithWorkloads = (c: Copy): Data[] => policy(c).permissions[0].and_rules.rules;
const asked = (c: Copy): Data => ruleWithWorkloads(c)[2].or_rules.rules;
const matcher = (permission: Data): Data => permission.sourced_metadata.metadata_matcher;

export const WORKLOAD_MUTATIONS: readonly (readonly [BoundaryRule, ...Mutation])[] = [
  ['WORKLOAD_CLAIM', 'no filter', 'ingress', (c) => void c.manager.http_filters.splice(3, 1)],
  ['WORKLOAD_CLAIM', 'of one gateway: none kept', 'ingress', (c) => void partners(c).pop()],
  ['WORKLOAD_CLAIM', 'of one gateway: any text', 'ingress', (c) => void (one(c).pattern.regex = '^(.*)$')],
  [
    'WORKLOAD_CLAIM',
    'of one gateway: what has another form is kept as it is',
    'ingress',
    (c) => void (one(c).pattern.regex = one(c).pattern.regex.replace('|\\C*)$', ')$')),
  ],
  [
    'WORKLOAD_CLAIM',
    'of one gateway: the claim of any gateway counts',
    'ingress',
    (c) => void (one(c).pattern.regex = one(c).pattern.regex.replace(/By=[^;]*/, 'By=[^;]*')),
  ],
  [
    'WORKLOAD_CLAIM',
    'of one gateway: another trust domain',
    'ingress',
    (c) => void (one(c).pattern.regex = one(c).pattern.regex.replace('(spiffe://partner', '(spiffe://shop')),
  ],
  ['WORKLOAD_CLAIM', 'of one gateway: another header', 'ingress', (c) => void (partners(c)[0].header = 'x-claim')],
  [
    'WORKLOAD_CLAIM',
    'the filter runs for every value',
    'ingress',
    (c) => void delete claim(c).xds_matcher.matcher_list,
  ],
  [
    'WORKLOAD_CLAIM',
    'the claim of any gateway counts',
    'ingress',
    (c) => void (written(c).regex = written(c).regex.replace(/By=[^;]*/, 'By=[^;]*')),
  ],
  [
    'WORKLOAD_CLAIM',
    'a gateway may write the name of the other',
    'ingress',
    (c) => {
      const [one, other] = counting(c).map(({ and_matcher: both }) => both.predicate);
      [one[1], other[1]] = [other[1], one[1]];
    },
  ],
  ['WORKLOAD_CLAIM', 'a gateway more', 'ingress', (c) => void counting(c).push(counting(c)[0])],
  ['WORKLOAD_CLAIM', 'a gateway less', 'ingress', (c) => void counting(c).pop()],
  [
    'WORKLOAD_CLAIM',
    'another trust domain',
    'ingress',
    (c) => void (written(c).regex = written(c).regex.replace('URI=spiffe://shop', 'URI=spiffe://partner')),
  ],
  [
    'WORKLOAD_CLAIM',
    'any trust domain',
    'ingress',
    (c) => void (written(c).regex = written(c).regex.replace('URI=spiffe://shop\\.example', 'URI=spiffe://[^/]+')),
  ],
  [
    'WORKLOAD_CLAIM',
    'a dot that is any character',
    'ingress',
    (c) => void (written(c).regex = written(c).regex.replace('URI=spiffe://shop\\.', 'URI=spiffe://shop.')),
  ],
  ['WORKLOAD_CLAIM', 'an element may come before', 'ingress', (c) => void (written(c).regex = `.*${written(c).regex}`)],
  ['WORKLOAD_CLAIM', 'an element may come after', 'ingress', (c) => void (written(c).regex += '.*')],
  [
    'WORKLOAD_CLAIM',
    'no digest needed',
    'ingress',
    (c) => void (written(c).regex = written(c).regex.replace('Hash=[0-9a-f]{64};', '')),
  ],
  [
    'WORKLOAD_CLAIM',
    'the header that the peer wrote',
    'ingress',
    (c) => void (counting(c)[0].and_matcher.predicate[1].single_predicate.input.typed_config.header_name = 'x-claim'),
  ],
  ['WORKLOAD_CLAIM', 'without the proof', 'ingress', (c) => void counting(c)[0].and_matcher.predicate.shift()],
  ['WORKLOAD_CLAIM', 'kept from another header', 'ingress', (c) => void (kept(c).header = 'x-workload')],
  ['WORKLOAD_CLAIM', 'kept under another name', 'ingress', (c) => void (kept(c).on_header_present.key = 'peer')],
  [
    'WORKLOAD_CLAIM',
    'a fixed workload',
    'ingress',
    (c) => void (kept(c).on_header_present.value = 'spiffe://shop.example/ns/web/sa/front'),
  ],
  [
    'WORKLOAD_CLAIM',
    'a workload without a claim',
    'ingress',
    (c) => void (kept(c).on_header_missing = { metadata_namespace: 'postern', key: 'workload', value: 'x' }),
  ],
  [
    'WORKLOAD_CLAIM',
    'another part of the claim',
    'ingress',
    (c) => void (kept(c).on_header_present.regex_value_rewrite.pattern.regex = 'By=([^;]*).*'),
  ],
  [
    'WORKLOAD_CLAIM',
    'one rule more',
    'ingress',
    (c) => claim(c).extension_config.typed_config.request_rules.push(kept(c)),
  ],

  [
    'POLICY',
    'a rule without its workloads',
    'ingress',
    (c) => {
      ruleWithWorkloads(c).splice(2, 1);
    },
  ],
  [
    'POLICY',
    'one workload more',
    'ingress',
    (c) => {
      const more = structuredClone(asked(c)[0]);
      matcher(more).value.string_match.exact += '2';
      asked(c).push(more);
    },
  ],
  [
    'POLICY',
    'the workloads of another rule',
    'ingress',
    (c) => void (matcher(asked(c)[0]).value.string_match.exact = 'spiffe://shop.example/ns/other'),
  ],
  ['POLICY', 'any workload at all', 'ingress', (c) => void (matcher(asked(c)[0]).value = { present_match: true })],
  ['POLICY', 'every other workload', 'ingress', (c) => void (matcher(asked(c)[0]).invert = true)],
  [
    'POLICY',
    'the metadata of the route',
    'ingress',
    (c) => void (asked(c)[0].sourced_metadata.metadata_source = 'ROUTE'),
  ],
  ['POLICY', 'metadata of another filter', 'ingress', (c) => void (matcher(asked(c)[0]).filter = 'envoy.lua')],
  ['POLICY', 'a workload instead of a path', 'ingress', (c) => void ruleWithWorkloads(c).splice(1, 1)],
  [
    'POLICY',
    'a workload or a path',
    'ingress',
    (c) => {
      const [method, path, workload] = ruleWithWorkloads(c);
      ruleWithWorkloads(c).splice(0, 3, method, { or_rules: { rules: [path, workload] } });
    },
  ],
  [
    'WORKLOAD_CLAIM',
    'a prefix without its slash',
    'ingress',
    (c) => void (matcher(asked(c)[1]).value.string_match.prefix = 'spiffe://shop.example/ns/team'),
  ],
  [
    'WORKLOAD_CLAIM',
    'a whole trust domain',
    'ingress',
    (c) => void (matcher(asked(c)[1]).value.string_match.prefix = 'spiffe://shop.example/'),
  ],
  [
    'WORKLOAD_CLAIM',
    'a workload of another peer',
    'ingress',
    (c) => void (matcher(asked(c)[0]).value.string_match.exact = 'spiffe://partner.example/ns/web/sa/front'),
  ],

  [
    'LOGGED_REQUEST',
    'reasons of another rule',
    'ingress',
    (c) => void (c.routes.virtual_hosts[1].metadata.filter_metadata.postern.paths = '^(?:/other)$'),
  ],
  [
    'LOGGED_REQUEST',
    'a method without its reason',
    'ingress',
    (c) => void delete c.routes.virtual_hosts[1].metadata.filter_metadata.postern.methods.PUT,
  ],
  [
    'LOGGED_REQUEST',
    'bodies that the rules refuse',
    'ingress',
    (c) => void (c.routes.virtual_hosts[1].metadata.filter_metadata.postern.bodies = 'any-method'),
  ],
  ['LOGGED_REQUEST', 'shadow rules', 'ingress', (c) => void (rbac(c).shadow_rules = rbac(c).rules)],

  [
    'CLEAN_REQUESTS',
    'the peer’s own header stays',
    'ingress',
    (c) => void c.manager.early_header_mutation_extensions[0].typed_config.mutations.splice(-7, 1),
  ],
  [
    'CLEAN_REQUESTS',
    'a claim under our own name passes',
    'ingress',
    (c) => {
      const { mutations } = c.manager.early_header_mutation_extensions[0].typed_config;
      mutations.splice(
        mutations.findIndex((one: Data) => one.remove_on_match?.key_matcher.safe_regex?.regex.startsWith('x-')),
        1,
      );
    },
  ],
  [
    'CLEAN_REQUESTS',
    'a claim beside another',
    'ingress',
    (c) => {
      const { mutations } = c.manager.early_header_mutation_extensions[0].typed_config;
      mutations.at(-8).append.append_action = 'APPEND_IF_EXISTS_OR_ADD';
    },
  ],
  [
    'CLEAN_REQUESTS',
    'the claim goes to backends',
    'ingress',
    (c) => {
      const removed = c.routes.request_headers_to_remove;
      removed.splice(removed.indexOf('x-postern-peer-claim'), 1);
    },
  ],
  [
    'CLEAN_REQUESTS',
    'a workload goes to peers',
    'egress',
    (c) => {
      const removed = c.named('RouteConfiguration', 'egress/8080').request_headers_to_remove;
      removed.splice(removed.indexOf('x-postern-workload'), 1);
    },
  ],
  [
    'PEER_HEADER',
    'the workload from the request',
    'ingress',
    (c) => void (c.routes.request_headers_to_add[1].header.value = '%REQ(X-POSTERN-PEER-CLAIM)%'),
  ],
  [
    'PEER_HEADER',
    'a workload beside another',
    'ingress',
    (c) => void delete c.routes.request_headers_to_add[1].append_action,
  ],
  ['PEER_HEADER', 'no workload', 'ingress', (c) => void c.routes.request_headers_to_add.pop()],
];
