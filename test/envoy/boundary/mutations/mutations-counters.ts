// biome-ignore-all lint/suspicious/noAssignInExpressions: a mutation is one assignment
// Mutations of the counters of verdicts: each would count something else, without end, or under what somebody else has chosen.
// Must not: touch the lines of the log, which mutations-http.ts changes.

import type { BoundaryRule } from '../../../../src/envoy/boundary/boundary-rules.ts';
import type { Copy, Data, Mutation } from './mutation.ts';

const STATS = 'envoy.access_loggers.stats';
const counterOf = (logs: readonly Data[]): Data => logs.find(({ name }) => name === STATS);
const ofRequests = (c: Copy): Data => counterOf(c.manager.access_log);
const counted = (counter: Data): Data => counter.typed_config.counters[0];
const tag = (c: Copy, name: string): Data => counted(ofRequests(c)).stat.tags.find((one: Data) => one.name === name);
const scope = (c: Copy): Data => ofRequests(c).typed_config.stats_scope;
const remove = (logs: Data[]): void => void logs.splice(logs.indexOf(counterOf(logs)), 1);

const MUTATIONS: readonly Mutation[] = [
  ['a path as a label', 'ingress', (c) => void (tag(c, 'export').value_format = '%REQ(:PATH)%')],
  ['a reason that a caller writes', 'ingress', (c) => void (tag(c, 'reason').value_format = '%REQ(X-REASON)%')],
  ['a label more', 'ingress', (c) => counted(ofRequests(c)).stat.tags.push({ name: 'a', value_format: '%REQ(A)%' })],
  ['no label of the peer', 'ingress', (c) => counted(ofRequests(c)).stat.tags.splice(2, 1)],
  ['a second counter', 'ingress', (c) => ofRequests(c).typed_config.counters.push(counted(ofRequests(c)))],
  ['a histogram', 'ingress', (c) => void (ofRequests(c).typed_config.histograms = [{ stat: { name: 'a' } }])],
  ['what a caller says as amount', 'ingress', (c) => void (counted(ofRequests(c)).value_format = '%REQ(A)%')],
  ['twice for each request', 'ingress', (c) => void (counted(ofRequests(c)).value_fixed = 2)],
  ['without end', 'ingress', (c) => void delete scope(c).max_counters],
  ['a scope of several, whose end crashes Envoy', 'ingress', (c) => void (scope(c).sharing_name = 'a')],
  ['all requests', 'ingress', (c) => void delete ofRequests(c).filter],
  ['an expression first', 'ingress', (c) => void ofRequests(c).filter.and_filter.filters.reverse()],
  ['no counter of requests', 'ingress', (c) => remove(c.manager.access_log)],
  ['no counter of connections', 'ingress', (c) => remove(c.named('Listener', 'ingress').access_log)],
  ['no counter of TCP', 'ingress', (c) => remove(c.gate.access_log)],
  ['no counter of a tunnel', 'egress', (c) => remove(c.tunnel.filter_chains[0].filters[0].typed_config.access_log)],
];

export const COUNTER_MUTATIONS: readonly (readonly [BoundaryRule, ...Mutation])[] = MUTATIONS.map(
  (mutation) => ['ACCESS_LOG', `counter: ${mutation[0]}`, mutation[1], mutation[2]] as const,
);
