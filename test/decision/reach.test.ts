// What `reach` lists is what the judgement of single requests allows, no less and no more: both on random configurations.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Request } from '../../src/decision/answer/question.ts';
import { judge } from '../../src/decision/connection.ts';
import type { Span } from '../../src/decision/matching/alternatives.ts';
import { withoutPort } from '../../src/decision/matching/path-normal-form.ts';
import { reach } from '../../src/decision/reach.ts';
import { covers, gained, merged, type Reach } from '../../src/decision/reach-set.ts';
import { claimHeader, peerHello, workloadHello } from '../../src/decision/tls/honest-client.ts';
import type { ResourceJson } from '../../src/envoy/proto/types.gen.ts';
import { randomConfig } from '../e2e/differential/differential-configs.ts';
import { DifferentialMesh } from '../e2e/differential/differential-mesh.ts';
import { Questions } from '../e2e/differential/differential-questions.ts';
import { MeshUnderTest } from '../envoy/pipeline.ts';
import { Random } from '../support/random.ts';

type Both = Readonly<Record<'ingress' | 'egress', readonly ResourceJson[]>>;

/** Something in a span. */
function within(span: Span | undefined, any: string): string {
  if (span === undefined) return any;
  return 'exact' in span ? span.exact : `${span.prefix}x`;
}

function isIn(span: Span | undefined, text: string | undefined): boolean {
  if (span === undefined) return true;
  return text !== undefined && ('exact' in span ? text === span.exact : text.startsWith(span.prefix));
}

describe('reach', () => {
  const random = new Random(3);
  let mesh: DifferentialMesh;
  const configurations: { readonly resources: Both; readonly reached: readonly Reach[] }[] = [];

  before(async () => {
    mesh = await DifferentialMesh.start();
    for (let count = 0; count < 25; count += 1) {
      const { yaml, denied } = randomConfig(random, mesh.places);
      const current = new MeshUnderTest(yaml, mesh.cas, Date.now(), denied);
      const resources = { ingress: current.resources('ingress'), egress: current.resources('egress') };
      configurations.push({ resources, reached: [...reach(resources.ingress), ...reach(resources.egress)] });
    }
  });

  after(() => mesh.close());

  test('Each entry is something that is allowed', () => {
    let count = 0;
    for (const { resources, reached } of configurations)
      for (const entry of reached) {
        count += 1;
        const at = Date.now();
        const isTcp = entry.protocol === 'tcp';
        const method = entry.method ?? 'GET';
        const asked = { method, authority: entry.host ?? '', path: within(entry.path, '/any') };
        const more = { ...(entry.upgrade !== undefined && { upgrade: entry.upgrade }) };
        if (entry.gateway === 'egress') {
          const hello = workloadHello(
            resources.egress,
            entry.port ?? 0,
            within(entry.workload, 'spiffe://bank.example/a/b'),
            'h2',
            at,
          );
          const request: Request = { protocol: 'h2', headers: [], ...asked, ...more };
          const question = { port: entry.port ?? 0, at, ...(hello && { hello }), ...(!isTcp && { request }) };
          assert.equal(judge(resources.egress, question).verdict, 'yes', JSON.stringify(entry));
          continue;
        }
        const hello = peerHello(resources.ingress, entry.peer, at, isTcp ? entry.service : undefined);
        assert.ok(hello);
        const gateway = hello.certificate?.uris[0] ?? '';
        const headers = entry.workload === undefined ? [] : [claimHeader(gateway, within(entry.workload, ''))];
        const request: Request = { protocol: 'h2', headers, ...asked, ...more };
        const decision = judge(resources.ingress, { hello, at, ...(!isTcp && { request }) });
        assert.equal(decision.verdict, 'yes', JSON.stringify({ entry, decision }));
      }
    assert.ok(count > 100, String(count));
  });

  test('Whatever is allowed is in an entry', () => {
    let count = 0;
    for (const { resources, reached } of configurations) {
      const questions = new Questions(random, mesh, resources);
      for (let number = 0; number < 200; number += 1) {
        const { gateway, question } = questions.next();
        const decision = judge(resources[gateway], question);
        if (decision.verdict === 'no' || decision.backends.length === 0) continue;
        count += 1;
        const { request, port } = question;
        const asked = decision.steps.find(({ kind }) => kind === 'request')?.name.split(' ') ?? [];
        const [path] = (asked[2] ?? '').split('?', 1);
        const claim = request?.headers.find(([name, value]) => name === 'x-forwarded-client-cert' && value !== '')?.[1];
        const workload =
          gateway === 'egress' ? question.hello?.certificate?.uris[0] : /;URI=(.*)$/.exec(claim ?? '')?.[1];
        const fits = reached.filter(
          (entry) =>
            entry.gateway === gateway &&
            (gateway === 'ingress' || entry.port === port) &&
            entry.host === (request && withoutPort(asked[1] ?? '').toLowerCase()) &&
            (entry.method === undefined || entry.method === request?.method) &&
            entry.upgrade === request?.upgrade &&
            isIn(entry.path, path) &&
            isIn(entry.workload, workload),
        );
        assert.ok(fits.length > 0, JSON.stringify({ question, decision }));
      }
    }
    assert.ok(count > 50, String(count));
  });
});

describe('sets of what is reached', () => {
  const one: Reach = {
    gateway: 'ingress',
    peer: 'shop',
    service: 'a',
    host: 'a.exports.bank.example',
    protocol: 'http',
    method: 'GET',
    path: { exact: '/v1/a' },
    conditions: [],
    rule: 'first',
  };
  const below: Reach = { ...one, path: { prefix: '/v1/' }, rule: 'second' };
  const claimed: Reach = { ...one, workload: { exact: 'spiffe://shop.example/x' } };

  test('A prefix covers the paths below it, anybody covers a workload, and fewer conditions cover more', () => {
    assert.ok(covers(below, one) && !covers(one, below));
    assert.ok(covers(one, claimed) && !covers(claimed, one));
    const strict = { ...one, conditions: ['no body'] };
    assert.ok(covers(one, strict) && !covers(strict, one));
    for (const other of [{ peer: 'x' }, { service: 'x' }, { method: 'PUT' }, { upgrade: 'websocket' }, { host: 'x' }])
      assert.ok(!covers(below, { ...one, ...other }));
  });

  test('What another entry covers is left out, and a rule that only moves is no change', () => {
    assert.deepEqual(merged([one, below, claimed, { ...one, rule: 'third' }]), [below]);
    assert.deepEqual(merged([one, { ...one, rule: 'third' }]), [one]);
    assert.deepEqual(gained([below], [one, claimed]), []);
    assert.deepEqual(gained([one], [below, claimed]), [below]);
    assert.deepEqual(gained([{ ...one, rule: 'elsewhere' }], [one]), []);
  });
});

test('A filter that reach does not know throws, as it does where one request is judged', () => {
  const mesh = new MeshUnderTest(`apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {ingress: {address: "127.0.0.1:15443"}}
peers:
  shop: {trustDomain: shop.example, trustBundle: shop.pem, gatewayIdentities: [gateway/egress]}
exports:
- {name: a, backend: "127.0.0.1:80", consumers: [{peer: shop, methods: [GET], paths: [/a]}]}
`);
  const ingress = mesh.resources('ingress');
  assert.equal(reach(ingress).length, 1);
  const text = JSON.stringify(ingress);
  for (const known of ['http.header_mutation.v3.HeaderMutation', 'network.rbac.v3.RBAC']) {
    assert.ok(text.includes(`filters.${known}`), known);
    const changed = text.replaceAll(`filters.${known}`, 'filters.unknown.v3.Unknown');
    assert.throws(() => reach(JSON.parse(changed) as readonly ResourceJson[]), { code: 'UNJUDGED' }, known);
  }
});
