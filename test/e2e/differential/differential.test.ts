// The evaluator of `can` against real Envoys: random configurations, each with random questions, and the answer is what happens.
// POSTERN_DIFFERENTIAL is how many questions there are (some hundreds unless it says otherwise), POSTERN_DIFFERENTIAL_SEED where
// they begin. Differences that were found are in test/decision/.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Decision } from '../../../src/decision/answer/decision.ts';
import { judge } from '../../../src/decision/connection.ts';
import { Resources } from '../../../src/decision/matching/resources.ts';
import { MeshUnderTest } from '../../envoy/pipeline.ts';
import { eventually } from '../../support/mesh.ts';
import { Random } from '../../support/random.ts';
import { GatewayOnXds, unchecked } from '../../xds/gateway-on-xds.ts';
import { PEERS, randomConfig } from './differential-configs.ts';
import { DifferentialMesh, type WantedCertificate } from './differential-mesh.ts';
import { type Outcome, outcomeOf } from './differential-outcome.ts';
import { type Put, Questions } from './differential-questions.ts';

const COUNT = Number(process.env['POSTERN_DIFFERENTIAL'] ?? 400);
const SEED = Number(process.env['POSTERN_DIFFERENTIAL_SEED'] ?? 1);
const OF_EACH = 40;
const AT_ONCE = 8;
/** A gateway's workers may still have the configuration before. */
const SETTLED_MS = 4000;

describe('the evaluator and real gateways', () => {
  const gateways = { ingress: new GatewayOnXds('delta'), egress: new GatewayOnXds('delta') };
  const random = new Random(SEED);
  let mesh: DifferentialMesh;

  before(async () => {
    mesh = await DifferentialMesh.start();
    for (const gateway of Object.values(gateways)) {
      await gateway.listen();
      gateway.set([]);
      await gateway.start((ready) => ready.startsWith('LIVE'));
    }
  });

  after(async () => {
    for (const gateway of Object.values(gateways)) await gateway.close();
    mesh.close();
  });

  test('What the evaluator says of a connection or a request is what a real gateway does, whatever is configured and asked', async () => {
    const differences: string[] = [];
    const counts: Record<string, number> = {};
    for (let number = 0; number < COUNT && differences.length < 20; number += OF_EACH) {
      const { yaml, denied } = randomConfig(random, mesh.places);
      const current = new MeshUnderTest(yaml, mesh.cas, Date.now(), denied);
      const resources = { ingress: current.resources('ingress'), egress: current.resources('egress') };
      const peerGateways = new Map<string, WantedCertificate>(PEERS.map((peer) => [peer, peerGateway(random, peer)]));
      for (const role of ['ingress', 'egress'] as const) gateways[role].set(resources[role].map(unchecked));
      for (const [peer, wanted] of peerGateways) mesh.setPeerGateway(peer, mesh.certificate(wanted));
      await eventually('the gateways have the configuration', () =>
        Object.values(gateways).every((one) => one.types().every(({ state }) => state === 'SYNCED')),
      );
      const questions = new Questions(random, mesh, resources);
      const puts = Array.from({ length: OF_EACH }, () => questions.next());
      const index = { ingress: new Resources(resources.ingress), egress: new Resources(resources.egress) };
      const work = puts[Symbol.iterator]();
      const worker = async (): Promise<void> => {
        for (const asked of work) {
          const put = shownTo(asked, judge(index[asked.gateway], asked.question), peerGateways);
          const decision = judge(index[put.gateway], put.question);
          const kind = `${put.gateway} ${decision.verdict} ${decision.reason}`;
          counts[kind] = (counts[kind] ?? 0) + 1;
          const outcome = await settled(put, decision);
          if (outcome !== undefined) differences.push(told(yaml, denied, put, decision, outcome));
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
    }
    if (process.env['POSTERN_DIFFERENTIAL'] !== undefined) console.log(JSON.stringify(counts, null, 1));
    assert.deepEqual(differences, []);
    for (const verdict of ['ingress yes', 'ingress no', 'egress yes', 'egress no'])
      assert.ok(
        Object.keys(counts).some((kind) => kind.startsWith(verdict)),
        `no question was answered ${verdict}`,
      );
  });

  /** A question that leads to a peer, with the certificate that the gateway of that peer shows. */
  function shownTo(put: Put, { backends: [address] }: Decision, shown: ReadonlyMap<string, WantedCertificate>): Put {
    const [peer] = Object.entries(mesh.places.peers).find(([, port]) => address === `127.0.0.1:${port}`) ?? [];
    const wanted = peer === undefined ? undefined : shown.get(peer);
    if (wanted === undefined) return put;
    return { ...put, question: { ...put.question, peerGateway: mesh.certificate(wanted).facts } };
  }

  /** Undefined when it happened as was decided; otherwise what happens again and again. */
  async function settled(put: Put, decision: Decision): Promise<Outcome | undefined> {
    const end = Date.now() + SETTLED_MS;
    let outcome = await outcomeOf(put, mesh.places);
    while (!isAs(decision, outcome)) {
      if (Date.now() > end) return outcome;
      await sleep(100);
      outcome = await outcomeOf(put, mesh.places);
    }
    return undefined;
  }
});

function isAs({ verdict, backends }: Decision, { at, status }: Outcome): boolean {
  if (verdict === 'no') return at === undefined && status !== 200;
  return backends.length === 0 ? at === undefined && status === 200 : at !== undefined && backends.includes(at);
}

function peerGateway(random: Random, peer: string): WantedCertificate {
  const uris = [`spiffe://${peer}.example/${random.one(['gateway/egress', 'gateway/two', 'gateway/ingress'])}`];
  const right = { domain: `${peer}.example`, uris };
  if (random.chance(0.6)) return right;
  return random.one([
    { ...right, isStranger: true },
    { ...right, domain: 'bank.example' },
    { ...right, uris: [`spiffe://${peer}.example/other`] },
    { ...right, expiresIn: -60_000 },
    { ...right, key: 'rsa2048' as const },
    { ...right, key: 'ed25519' as const },
  ]);
}

function told(yaml: string, denied: readonly string[], put: Put, decision: Decision, outcome: Outcome): string {
  const { gateway, question } = put;
  return [
    `decided ${decision.verdict} ${decision.reason} ${decision.backends.join(' ')}, happened ${JSON.stringify(outcome)}`,
    JSON.stringify({ gateway, question }),
    `last step ${JSON.stringify(decision.steps.at(-1))}`,
    ...(denied.length > 0 ? [`denied: ${denied.join(', ')}`] : []),
    yaml,
  ].join('\n');
}
