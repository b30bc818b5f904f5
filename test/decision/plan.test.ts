// A plan says what differs between two configurations, no more and no less: judged request by request, on random pairs.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { judge } from '../../src/decision/connection.ts';
import type { Span } from '../../src/decision/matching/alternatives.ts';
import { withoutPort } from '../../src/decision/matching/path-normal-form.ts';
import { type Gateways, type Plan, planOf } from '../../src/decision/plan/plan.ts';
import { mixedConfig, randomConfig } from '../e2e/differential/differential-configs.ts';
import { DifferentialMesh } from '../e2e/differential/differential-mesh.ts';
import { Questions } from '../e2e/differential/differential-questions.ts';
import { MeshUnderTest } from '../envoy/pipeline.ts';
import { askedSize } from '../support/asked-size.ts';
import { Random } from '../support/random.ts';
import { witness } from './witness.ts';

const { count: PAIRS, seed: SEED } = askedSize({ count: 25, seed: 5 });
const OF_EACH = 150;

function isIn(span: Span | undefined, text: string | undefined): boolean {
  if (span === undefined) return true;
  return text !== undefined && ('exact' in span ? text === span.exact : text.startsWith(span.prefix));
}

/** Which line about trust explains that somebody is refused for a reason. */
const TRUST: Readonly<Record<string, RegExp>> = {
  WRONG_CA: /^CA of a caller$/,
  WRONG_IDENTITY: /^identity of a caller$/,
  WRONG_KEY_KIND: /^signature of a caller$/,
  NO_CERTIFICATE: /^identity of a caller$/,
  UNKNOWN_SERVER_NAME: /^server name$/,
  NO_LISTENER: /^address$/,
};

function peerOf(source: string | undefined): readonly string[] {
  const [, peer] = /^peers\.([^.]+)/.exec(source ?? '') ?? [];
  return peer === undefined ? [] : [peer];
}

describe('a plan', () => {
  const random = new Random(SEED);
  let mesh: DifferentialMesh;
  const pairs: { readonly from: Gateways; readonly to: Gateways; readonly plan: Plan }[] = [];

  before(async () => {
    mesh = await DifferentialMesh.start();
    const gateways = (yaml: string, denied: readonly string[]): Gateways => {
      const current = new MeshUnderTest(yaml, mesh.cas, Date.now(), denied);
      return { ingress: current.resources('ingress'), egress: current.resources('egress') };
    };
    for (let count = 0; count < PAIRS; count += 1) {
      const one = randomConfig(random, mesh.places);
      const other = mixedConfig(random, one, randomConfig(random, mesh.places));
      const [from, to] = [gateways(one.yaml, one.denied), gateways(other.yaml, other.denied)];
      pairs.push({ from, to, plan: planOf(from, to) });
    }
  });

  after(() => mesh.close());

  test('Every line is of something that only one of the two configurations allows', () => {
    let count = 0;
    const at = Date.now();
    for (const { from, to, plan } of pairs)
      for (const [entries, has, lacks] of [
        [plan.gained, to, from],
        [plan.lost, from, to],
      ] as const)
        for (const entry of entries) {
          count += 1;
          const there = witness(entry, has, at);
          assert.ok(there);
          const allowed = judge(has[entry.gateway], there);
          assert.equal(allowed.verdict, 'yes', JSON.stringify(entry));
          const missing = witness(entry, lacks, at);
          if (missing === undefined) continue;
          const refused = judge(lacks[entry.gateway], missing);
          // The same port may lead to another peer, or to another of its exports.
          const isElsewhere = JSON.stringify(refused.steps.at(-1)) !== JSON.stringify(allowed.steps.at(-1));
          assert.ok(refused.verdict === 'no' || isElsewhere, JSON.stringify({ entry, refused }));
        }
    assert.ok(count > 100, String(count));
  });

  test('Whatever only one of the two allows is in a line, of reach or of trust', () => {
    let count = 0;
    let trusts = 0;
    for (const { from, to, plan } of pairs) {
      for (const resources of [from, to]) {
        const questions = new Questions(random, mesh, resources);
        for (let number = 0; number < OF_EACH; number += 1) {
          const { gateway, question } = questions.next();
          const [old, next] = [judge(from[gateway], question), judge(to[gateway], question)];
          if (old.verdict === next.verdict) continue;
          const [decision, refused] = old.verdict === 'yes' ? [old, next] : [next, old];
          const isWider = next.verdict === 'yes';
          const told = JSON.stringify({ question, old, next, plan: { ...plan, before: [], after: [], resources: [] } });
          // Who is refused before anything was asked is so by trust, and only a line about that very trust explains it.
          const isTlsToPlaintext =
            refused.reason === 'MALFORMED_REQUEST' && refused.steps.at(-1)?.kind === 'filter chain';
          const kind = isTlsToPlaintext ? TRUST['NO_CERTIFICATE'] : TRUST[refused.reason];
          if (kind !== undefined) {
            trusts += 1;
            const peers = new Set([old, next].flatMap(({ steps }) => steps.flatMap(({ source }) => peerOf(source))));
            const explains = plan.places.filter(
              (one) => one.gateway === gateway && (isTlsToPlaintext || one.isWider === isWider) && kind.test(one.kind),
            );
            const isNew = (isWider ? plan.gained : plan.lost).some(
              (entry) => entry.gateway === gateway && (peers.has(entry.peer) || entry.port === question.port),
            );
            const fits = explains.some(
              ({ of }) => peers.has(of.split(' ', 1)[0] ?? '') || of === `port ${question.port}`,
            );
            assert.ok(fits || isNew, told);
            continue;
          }
          // The answer to a health check is no way to a backend.
          if (decision.backends.length === 0) continue;
          count += 1;
          const lines = isWider ? plan.gained : plan.lost;
          const [, host = '', path = ''] = decision.steps.find(({ kind }) => kind === 'request')?.name.split(' ') ?? [];
          const claim = question.request?.headers.find(
            ([name, value]) => name === 'x-forwarded-client-cert' && value !== '',
          )?.[1];
          const workload =
            gateway === 'egress' ? question.hello?.certificate?.uris[0] : /;URI=(.*)$/.exec(claim ?? '')?.[1];
          const fits = lines.some(
            (entry) =>
              entry.gateway === gateway &&
              (gateway === 'ingress' || entry.port === question.port) &&
              entry.host === (question.request && withoutPort(host).toLowerCase()) &&
              (entry.method === undefined || entry.method === question.request?.method) &&
              entry.upgrade === question.request?.upgrade &&
              isIn(entry.path, path.split('?', 1)[0]) &&
              isIn(entry.workload, workload),
          );
          assert.ok(fits, told);
        }
      }
    }
    assert.ok(count > 30 && trusts > 5, `${count} ${trusts}`);
  });

  test('A configuration beside itself has an empty plan', () => {
    for (const { to } of pairs) {
      const { gained, lost, places, connections, resources } = planOf(to, to);
      assert.deepEqual([gained, lost, places, connections, resources], [[], [], [], [], []]);
    }
  });
});
