// The grid of a plan (test/cli/plan/plan-grid.test.ts) at real gateways: what its lines cover is what requests get before and after.
// Random pairs, as many as `--count` says.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Gateways } from '../../../src/decision/plan/plan.ts';
import { editedConfig, gridConfig, gridYaml, IDENTITIES } from '../../cli/plan/grid-configs.ts';
import { differencesOf, type GridPlan, gridPlan } from '../../cli/plan/grid-plan.ts';
import { askedSize } from '../../support/asked-size.ts';
import { eventually } from '../../support/mesh.ts';
import { Random } from '../../support/random.ts';
import { GatewayOnXds, unchecked } from '../../xds/gateway-on-xds.ts';
import { PEERS } from '../differential/differential-configs.ts';
import { DifferentialMesh } from '../differential/differential-mesh.ts';
import { outcomeOf } from '../differential/differential-outcome.ts';
import type { Put } from '../differential/differential-questions.ts';

const { count: PAIRS, seed: SEED } = askedSize({ count: 2, seed: 21 });
/** Of each pair: points that change, and points that do not. */
const MOST = { changed: 30, kept: 15 };

const gateways = { ingress: new GatewayOnXds('delta'), egress: new GatewayOnXds('delta') };
const random = new Random(SEED);
let mesh: DifferentialMesh;
type Asked = GridPlan['points'][number];

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

test('Real gateways allow before and after a change what the grid of its plan says, which its lines cover', async () => {
  let count = 0;
  for (let pair = 0; pair < PAIRS; pair += 1) {
    // The gateways of the peers here have one identity, and every configuration expects it.
    const identities = { p1: IDENTITIES, p2: IDENTITIES };
    const from = { ...gridConfig(random), identities };
    const to = { ...editedConfig(random, from), identities };
    for (const peer of PEERS)
      mesh.setPeerGateway(
        peer,
        mesh.certificate({ domain: `${peer}.example`, uris: [`spiffe://${peer}.example/gateway/egress`] }),
      );
    const plan = await gridPlan(from, to, mesh.places, mesh.cas, Date.now());
    assert.deepEqual(differencesOf(plan), []);
    const changes = ({ was, is }: Asked): boolean => (was === undefined) !== (is === undefined);
    const chosen = [
      ...spread(plan.points.filter(changes), MOST.changed),
      ...spread(
        plan.points.filter((one) => !changes(one)),
        MOST.kept,
      ),
    ];
    for (const [resources, of] of [
      [plan.from, 'was'],
      [plan.to, 'is'],
    ] as const) {
      await serve(resources);
      for (const asked of chosen) {
        const put = putOf(asked, resources);
        if (put === undefined) continue;
        count += 1;
        const isAllowed = asked[of] !== undefined;
        // Workers of a gateway may still have the configuration before.
        await eventually(
          `${of} ${asked[of] === undefined ? 'refused' : 'allowed'}: ${JSON.stringify([put.question, gridYaml(of === 'was' ? from : to, mesh.places)])}`,
          async () => ((await outcomeOf(put, mesh.places)).at !== undefined) === isAllowed,
          20_000,
        );
      }
    }
  }
  assert.ok(count > PAIRS * 20, String(count));
});

function spread<T>(items: readonly T[], most: number): readonly T[] {
  const step = Math.max(1, Math.floor(items.length / most));
  return items.filter((_, index) => index % step === 0).slice(0, most);
}

async function serve(resources: Gateways): Promise<void> {
  for (const role of ['ingress', 'egress'] as const) gateways[role].set(resources[role].map(unchecked));
  await eventually('the gateways have the configuration', () =>
    Object.values(gateways).every((one) => one.types().every(({ state }) => state === 'SYNCED')),
  );
}

function putOf({ point }: Asked, of: Gateways): Put | undefined {
  const question = point.ask(of, Date.now());
  if (question === undefined) return undefined;
  const [uri] = question.hello?.certificate?.uris ?? [];
  if (question.hello === undefined || uri === undefined) return { gateway: point.gateway, question };
  const domain = point.gateway === 'ingress' ? `${point.peer}.example` : 'bank.example';
  const { credentials, facts } = mesh.certificate({ domain, uris: [uri] });
  return {
    gateway: point.gateway,
    question: { ...question, hello: { ...question.hello, certificate: facts } },
    credentials,
  };
}
