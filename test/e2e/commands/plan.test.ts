// A plan against real gateways: what they allow after a change and did not before is what its lines say, and the other way round.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { judge } from '../../../src/decision/connection.ts';
import { type Gateways, planOf } from '../../../src/decision/plan/plan.ts';
import { reach } from '../../../src/decision/reach.ts';
import type { Reach } from '../../../src/decision/reach-set.ts';
import { witness } from '../../decision/witness.ts';
import { MeshUnderTest } from '../../envoy/pipeline.ts';
import { eventually } from '../../support/mesh.ts';
import { GatewayOnXds, unchecked } from '../../xds/gateway-on-xds.ts';
import { PEERS } from '../differential/differential-configs.ts';
import { DifferentialMesh } from '../differential/differential-mesh.ts';
import { outcomeOf } from '../differential/differential-outcome.ts';
import type { Put } from '../differential/differential-questions.ts';

describe('a plan and real gateways', () => {
  const gateways = { ingress: new GatewayOnXds('delta'), egress: new GatewayOnXds('delta') };
  let mesh: DifferentialMesh;

  before(async () => {
    mesh = await DifferentialMesh.start();
    for (const peer of PEERS) mesh.setPeerGateway(peer, mesh.certificate(gatewayOf(peer)));
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

  const gatewayOf = (peer: string) => ({
    domain: `${peer}.example`,
    uris: [`spiffe://${peer}.example/gateway/ingress`],
  });

  function yaml(exports: readonly string[], imports: readonly string[]): string {
    const { ingress, peers } = mesh.places;
    const peer = (name: 'p1' | 'p2') =>
      `  ${name}: {trustDomain: ${name}.example, trustBundle: ${name}.pem, gatewayIdentities: [gateway/ingress], addresses: ["127.0.0.1:${peers[name]}"]}`;
    return `apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example, trustBundle: workloads.pem}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {ingress: {address: "127.0.0.1:${ingress}"}, egress: {address: 127.0.0.1, clients: mtls}}
peers:
${peer('p1')}
${peer('p2')}
exports:
${exports.join('\n')}
imports:
${imports.join('\n')}
`;
  }

  test('What real gateways allow after a change, and did not before, is what the lines of its plan say', async () => {
    const [http, , tcp] = mesh.places.egress;
    const [one, two] = mesh.places.backends;
    const imported = (name: string, clients: string) =>
      `- {peer: p1, name: ${name}, as: ${name}.test, port: ${http}, clients: [${clients}]}`;
    const texts = [
      yaml(
        [
          `- {name: a, backend: "127.0.0.1:${one}", consumers: [{peer: p1, allow: [{methods: [GET, PUT], paths: [/a, /b/*]}, {methods: [POST], paths: [/c], workloads: [ns/a/sa/b]}]}, {peer: p2, methods: [GET], paths: [/*]}]}`,
          `- {name: t, protocol: tcp, backend: "127.0.0.1:${two}", consumers: [{peer: p2}]}`,
        ],
        [imported('rates', 'ns/a/sa/b'), imported('old', 'ns/a/*')],
      ),
      yaml(
        [
          `- {name: a, backend: "127.0.0.1:${one}", requestBodies: any-method, consumers: [{peer: p1, allow: [{methods: [GET], paths: [/a]}, {methods: [GET, DELETE], paths: [/b/*]}, {methods: [POST], paths: [/c], workloads: [ns/a/*]}]}]}`,
          `- {name: t, protocol: tcp, backend: "127.0.0.1:${two}", consumers: [{peer: p1}, {peer: p2}]}`,
        ],
        [
          imported('rates', 'ns/a/sa/b, ns/x/*'),
          `- {peer: p2, name: db, as: db.test, port: ${tcp}, protocol: tcp, clients: [ns/a/sa/b]}`,
        ],
      ),
    ];
    const [from, to] = texts.map((text): Gateways => {
      const current = new MeshUnderTest(text, mesh.cas, Date.now());
      return { ingress: current.resources('ingress'), egress: current.resources('egress') };
    });
    assert.ok(from && to);
    const plan = planOf(from, to);
    const entriesOf = ({ ingress, egress }: Gateways): readonly Reach[] => [...reach(ingress), ...reach(egress)];
    const asked = [
      ...entriesOf(from).map((entry) => ({ entry, of: from })),
      ...entriesOf(to).map((entry) => ({ entry, of: to })),
    ];
    const was = await allowed(from, asked);
    const is = await allowed(to, asked);
    const texted = (entries: readonly Reach[]): readonly string[] =>
      entries.map((entry) => JSON.stringify(entry)).sort();
    const opened = asked.filter((_, index) => !was[index] && is[index]).map(({ entry }) => entry);
    const closed = asked.filter((_, index) => was[index] && !is[index]).map(({ entry }) => entry);
    assert.deepEqual(texted(opened), texted(plan.gained));
    assert.deepEqual(texted(closed), texted(plan.lost));
    assert.ok(opened.length > 5 && closed.length > 3, `${opened.length} ${closed.length}`);
  });

  /** Whether a backend, or a gateway of a peer, is reached by a request of each entry. */
  async function allowed(
    resources: Gateways,
    asked: readonly { readonly entry: Reach; readonly of: Gateways }[],
  ): Promise<readonly boolean[]> {
    for (const role of ['ingress', 'egress'] as const) gateways[role].set(resources[role].map(unchecked));
    await eventually('the gateways have the configuration', () =>
      Object.values(gateways).every((one) => one.types().every(({ state }) => state === 'SYNCED')),
    );
    const answers: boolean[] = [];
    for (const { entry, of } of asked) {
      const put = putOf(entry, of);
      const expected = judge(resources[entry.gateway], put.question).verdict === 'yes';
      // Workers of a gateway may still have the configuration before.
      await eventually(`${expected ? 'allowed' : 'refused'}: ${JSON.stringify(put.question)}`, async () => {
        const { at } = await outcomeOf(put, mesh.places);
        return (at !== undefined) === expected;
      });
      answers.push(expected);
    }
    return answers;
  }

  function putOf(entry: Reach, of: Gateways): Put {
    const question = witness(entry, of, Date.now());
    assert.ok(question?.hello);
    const [uri = ''] = question.hello.certificate?.uris ?? [];
    const domain = entry.gateway === 'ingress' ? `${entry.peer}.example` : 'bank.example';
    const { credentials, facts } = mesh.certificate({ domain, uris: [uri] });
    return {
      gateway: entry.gateway,
      question: { ...question, hello: { ...question.hello, certificate: facts } },
      credentials,
    };
  }
});
