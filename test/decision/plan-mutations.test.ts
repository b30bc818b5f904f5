// Each mutation that the boundary check refuses, as the changed configuration of a plan: a field that makes something more permissive is
// never missed.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { planOf } from '../../src/decision/plan/plan.ts';
import type { ResourceJson } from '../../src/envoy/proto/types.gen.ts';
import { PosternError } from '../../src/errors.ts';
import { Copy, type Data } from '../envoy/boundary/mutations/mutation.ts';
import { BACKEND_MUTATIONS } from '../envoy/boundary/mutations/mutations-backends.ts';
import { CALLER_MUTATIONS, proven } from '../envoy/boundary/mutations/mutations-callers.ts';
import { TCP_CALLER_MUTATIONS } from '../envoy/boundary/mutations/mutations-callers-tcp.ts';
import { FIELD_MUTATIONS } from '../envoy/boundary/mutations/mutations-fields.ts';
import { HTTP_MUTATIONS } from '../envoy/boundary/mutations/mutations-http.ts';
import { LIMIT_MUTATIONS } from '../envoy/boundary/mutations/mutations-limits.ts';
import { SECRETS_MUTATIONS } from '../envoy/boundary/mutations/mutations-secrets.ts';
import { TCP_MUTATIONS } from '../envoy/boundary/mutations/mutations-tcp.ts';
import { TLS_MUTATIONS } from '../envoy/boundary/mutations/mutations-tls.ts';
import { WORKLOAD_MUTATIONS } from '../envoy/boundary/mutations/mutations-workloads.ts';

const GROUPED = Object.entries({ ...TLS_MUTATIONS, ...HTTP_MUTATIONS, ...SECRETS_MUTATIONS, ...LIMIT_MUTATIONS });
const ALL = [
  ...GROUPED.flatMap(([rule, mutations]) =>
    mutations.map(([what, role, mutate]) => [rule, what, role, mutate, undefined] as const),
  ),
  ...[...FIELD_MUTATIONS, ...TCP_MUTATIONS, ...WORKLOAD_MUTATIONS, ...BACKEND_MUTATIONS].map(
    ([rule, what, role, mutate]) => [rule, what, role, mutate, undefined] as const,
  ),
  ...[...CALLER_MUTATIONS, ...TCP_CALLER_MUTATIONS].map(
    ([rule, what, mutate]) => [rule, what, 'egress', mutate, proven] as const,
  ),
];
type Told = 'unjudged' | 'wider' | 'narrower' | 'same';

/** Of those that no plan has to call wider: they take something away, or what they break is not what a plan compares. */
const NOT_WIDER: Readonly<Record<string, Told>> = {
  // Fewer may do less.
  'CLIENTS: a client less': 'narrower',
  'CLIENTS: no policy anywhere': 'narrower',
  'LIMITS: a limit that nobody wrote': 'narrower',
  'LIMITS: fewer connections to a gate': 'narrower',
  'LIMITS: fewer connections to a peer': 'narrower',
  'LIMITS: fewer requests to a backend': 'narrower',
  'LIMITS: fewer requests to a peer than an import may have': 'narrower',
  'LIMITS: fewer at once': 'same',
  'LIMITS: fewer requests that wait': 'same',
  'LIMITS: another bucket before it': 'same',
  // The same limits, in another order or with other words.
  'LIMITS: another first limit': 'same',
  'LIMITS: another order': 'same',
  'LIMITS: another reason in the log': 'same',
  // Within the machine.
  'LISTEN_ADDRESS: another address for peers': 'same',
  // Our own certificates: every process issues others, and the check before a publication sees two with one key.
  'DISTINCT_KEYS: one key for two peers': 'same',
  'DISTINCT_KEYS: the key that a peer is shown': 'same',
  'KNOWN_FIELDS: a certificate with {"private_key_provider":{"provider_name":"x"}}': 'same',
  'KNOWN_NAME: a certificate secret with more in it': 'same',
  'ONE_GATEWAY: the key of the other gateway': 'same',
  // Nothing refers to it.
  'OWN_BUNDLE: CAs of our own workloads that the model has not': 'same',
};

function toldOf(role: 'ingress' | 'egress', good: readonly Data[], mutated: readonly Data[]): Told {
  const gateways = (resources: readonly Data[]) => ({
    ingress: [],
    egress: [],
    [role]: resources as readonly ResourceJson[],
  });
  try {
    const { gained, lost, places } = planOf(gateways(good), gateways(mutated));
    if (gained.length > 0 || places.some(({ isWider }) => isWider)) return 'wider';
    return lost.length > 0 || places.length > 0 ? 'narrower' : 'same';
  } catch (error) {
    if (error instanceof PosternError && error.code === 'UNJUDGED') return 'unjudged';
    throw error;
  }
}

describe('a plan to break a boundary', () => {
  test('Whatever the boundary check refuses, a plan calls wider or does not judge, but for what takes something away', () => {
    const others: Record<string, Told> = {};
    for (const [rule, what, role, mutate, of] of ALL) {
      const copy = new Copy(role, of);
      mutate(copy);
      const told = toldOf(role, new Copy(role, of).resources, copy.resources);
      if (told === 'narrower' || told === 'same') others[`${rule}: ${what}`] = told;
    }
    assert.deepEqual(others, NOT_WIDER);
    assert.ok(ALL.length > 600, String(ALL.length));
  });

  test('What is served in a form that this version does not know is named, and the plan is judged nevertheless', () => {
    const old = new Copy('ingress');
    old.named('Listener', 'ingress').use_original_dst = true;
    const { notJudged } = planOf(
      { ingress: old.resources, egress: [] },
      { ingress: new Copy('ingress').resources, egress: [] },
    );
    assert.equal(notJudged.length, 1);
  });
});
