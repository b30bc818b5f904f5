// The evaluator of `can` against real Envoys: random configurations, each with random questions, and the answer is what happens,
// by the same rule and for the same reason as the line of the gateway's log has it.
// As many questions as `--count` says. Differences that were found are in test/decision/.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Decision } from '../../../src/decision/answer/decision.ts';
import { judge } from '../../../src/decision/connection.ts';
import { Resources } from '../../../src/decision/matching/resources.ts';
import { MeshUnderTest } from '../../envoy/pipeline.ts';
import { askedSize } from '../../support/asked-size.ts';
import { eventually } from '../../support/mesh.ts';
import { Random } from '../../support/random.ts';
import { GatewayOnXds, unchecked } from '../../xds/gateway-on-xds.ts';
import { PEERS, randomConfig } from './differential-configs.ts';
import { isAdmitted, type Line, type Logged, loggedOf } from './differential-lines.ts';
import { DifferentialMesh, type WantedCertificate } from './differential-mesh.ts';
import { type Outcome, outcomeOf } from './differential-outcome.ts';
import { type Put, Questions } from './differential-questions.ts';

const { count: COUNT, seed: SEED, isAsked } = askedSize({ count: 400, seed: 1 });
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
    let lines = 0;
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
      const begin = { ingress: gateways.ingress.log.length, egress: gateways.egress.log.length };
      const asked: Asked[] = [];
      const work = puts[Symbol.iterator]();
      const worker = async (): Promise<void> => {
        for (const one of work) {
          const put = shownTo(one, judge(index[one.gateway], one.question), peerGateways);
          const decision = judge(index[put.gateway], put.question);
          const kind = `${put.gateway} ${decision.verdict} ${decision.reason}`;
          counts[kind] = (counts[kind] ?? 0) + 1;
          const { outcome, isSame } = await settled(put, decision);
          if (!isSame) differences.push(told(yaml, denied, put, decision, outcome));
          // What the test's own client refuses to send, no gateway has seen.
          else if (outcome.ended?.startsWith('not sent') !== true) asked.push({ put, decision, outcome });
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
      mesh.endConnections();
      for (const { put, decision, outcome, logged } of await withLines(asked, begin)) {
        if (logged !== undefined) lines += 1;
        if (logged !== undefined && !isLoggedAs(decision, logged, put))
          differences.push(told(yaml, denied, put, decision, outcome, logged));
      }
    }
    if (isAsked) console.log(JSON.stringify(counts, null, 1));
    assert.deepEqual(differences, []);
    assert.ok(lines > COUNT * 0.7, `${lines} lines for ${COUNT} questions`);
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

  /** Each with its line, which is written when the connection has ended; without one, if there is none in time. */
  async function withLines(
    asked: readonly Asked[],
    begin: Readonly<Record<'ingress' | 'egress', number>>,
  ): Promise<readonly (Asked & { readonly logged?: Logged })[]> {
    const end = Date.now() + SETTLED_MS;
    for (;;) {
      const logs: Readonly<Record<'ingress' | 'egress', readonly Line[]>> = {
        ingress: gateways.ingress.log.slice(begin.ingress),
        egress: gateways.egress.log.slice(begin.egress),
      };
      const found = asked.map((one) => {
        const logged = loggedOf(logs[one.put.gateway], one.outcome.from ?? 0, one.put.question.request !== undefined);
        return { ...one, ...(logged && { logged }) };
      });
      if (found.every((one) => 'logged' in one) || Date.now() > end) return found;
      await sleep(100);
    }
  }

  /** What happened last: as was decided, or again and again something else. */
  async function settled(
    put: Put,
    decision: Decision,
  ): Promise<{ readonly outcome: Outcome; readonly isSame: boolean }> {
    const end = Date.now() + SETTLED_MS;
    let outcome = await outcomeOf(put, mesh.places);
    while (!isAs(decision, outcome)) {
      if (Date.now() > end) return { outcome, isSame: false };
      await sleep(100);
      outcome = await outcomeOf(put, mesh.places);
    }
    return { outcome, isSame: true };
  }
});

interface Asked {
  readonly put: Put;
  readonly decision: Decision;
  readonly outcome: Outcome;
}

/** Of a request, the log of the tunnel says why the peer was refused; its own line, that there was no way to the peer. */
const NO_WAY = ['PEER_RESET', 'PEER_DOWN'];

function isLoggedAs(
  { verdict, reason, rule, backends }: Decision,
  logged: Logged,
  { gateway, question }: Put,
): boolean {
  const { layer } = logged.line;
  if (verdict === 'no' && gateway === 'egress' && question.peerGateway !== undefined && layer === 'http')
    return NO_WAY.includes(logged.reason);
  // A client that cannot sign in any way that the gateway takes shows no certificate, and a server ends the handshake.
  if (reason === 'WRONG_KEY_KIND' && ['NO_CERTIFICATE', 'PEER_REFUSED_US'].includes(logged.reason)) return true;
  // A body that comes in pieces is refused before access control is asked.
  if (verdict === 'no' && logged.line['code_details'] === 'request_payload_too_large') return true;
  if (verdict === 'no') return logged.reason === reason;
  return isAdmitted(logged.reason) && (backends.length === 0 || rule === undefined || logged.rule === rule);
}

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

function told(
  yaml: string,
  denied: readonly string[],
  put: Put,
  decision: Decision,
  outcome: Outcome,
  logged?: Logged,
): string {
  const { gateway, question } = put;
  return [
    `decided ${decision.verdict} ${decision.reason} ${decision.backends.join(' ')}, happened ${JSON.stringify(outcome)}`,
    JSON.stringify({ gateway, question }),
    ...(logged === undefined ? [] : [`decided by ${decision.rule}, logged ${JSON.stringify(logged.line)}`]),
    `last step ${JSON.stringify(decision.steps.at(-1))}`,
    ...(denied.length > 0 ? [`denied: ${denied.join(', ')}`] : []),
    yaml,
  ].join('\n');
}
