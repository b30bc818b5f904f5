// A question that only one entry of a reach answers: a request within it that no other is likely to name.
// Must not: ask for more than the entry says.

import type { Question, Request } from '../../src/decision/answer/question.ts';
import type { Span } from '../../src/decision/matching/alternatives.ts';
import type { Gateways } from '../../src/decision/plan/plan.ts';
import type { Reach } from '../../src/decision/reach-set.ts';
import { claimHeader, peerHello, workloadHello } from '../../src/decision/tls/honest-client.ts';

/** Something in a span that nothing else names. */
function within(span: Span | undefined, any: string): string {
  if (span === undefined) return any;
  return 'exact' in span ? span.exact : `${span.prefix}zq`;
}

/** A request of the entry, by a client that does all that this configuration asks. */
export function witness(entry: Reach, resources: Gateways, at: number): Question | undefined {
  const isTcp = entry.protocol === 'tcp';
  const isBody = !entry.conditions.some((one) => one.includes('content-length'));
  const request: Request = {
    protocol: 'h2',
    method: entry.method ?? 'PURGE',
    authority: entry.host ?? '',
    path: within(entry.path, '/zq'),
    headers: [],
    ...(entry.upgrade !== undefined && { upgrade: entry.upgrade }),
    ...(isBody && entry.upgrade === undefined && { body: { bytes: 1, hasLength: true } }),
  };
  if (entry.gateway === 'egress') {
    const workload = within(entry.workload, 'spiffe://bank.example/z/q');
    const hello = workloadHello(resources.egress, entry.port ?? 0, workload, isTcp ? 'tcp' : 'h2', at);
    return { port: entry.port ?? 0, at, ...(hello && { hello }), ...(!isTcp && { request }) };
  }
  const hello = peerHello(resources.ingress, entry.peer, at, isTcp ? entry.service : undefined);
  if (hello === undefined) return undefined;
  const gateway = hello.certificate?.uris[0] ?? '';
  const underscore = entry.conditions.some((one) => one.includes('underscore-header')) ? [] : [['a_b', 'x'] as const];
  const claim = entry.workload === undefined ? [] : [claimHeader(gateway, within(entry.workload, ''))];
  return { hello, at, ...(!isTcp && { request: { ...request, headers: [...claim, ...underscore] } }) };
}
