// What the admin port shows of resources, and what it costs: the text of the newest snapshot is made once.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AskedSnapshot, ResourcesAnswer, ServedResources } from '../../src/admin/resources-view.ts';
import { parseConfig } from '../../src/config/parse.ts';
import { encodeResource } from '../../src/envoy/proto/codec.ts';
import type { Publisher } from '../../src/pipeline/publisher.ts';
import { KeptSnapshots } from '../../src/runtime/resources/kept-snapshots.ts';
import { ResourcesReports } from '../../src/runtime/resources/resources-report.ts';
import { SnapshotCache } from '../../src/snapshot/cache.ts';
import { createResource } from '../../src/snapshot/resource.ts';
import { TYPE } from '../../src/snapshot/resource-types.ts';
import { createSnapshot } from '../../src/snapshot/snapshot.ts';

const text = (mesh: string): string => `apiVersion: postern/v1
mesh: {name: ${mesh}, trustDomain: bank.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {ingress: {address: "127.0.0.1:15443"}}
`;
const SECRET = 'not for anybody';

class Scene {
  readonly reports: ResourcesReports;
  private readonly history = new KeptSnapshots();
  private readonly publisher = { applied: undefined as unknown, cache: new SnapshotCache() };

  constructor() {
    const { publisher, history } = this;
    this.reports = new ResourcesReports(publisher as unknown as Publisher, history, async () => undefined);
  }

  publish(name: string, at: number): void {
    const secret = encodeResource({
      '@type': TYPE.secret,
      name,
      tls_certificate: { private_key: { inline_string: SECRET } },
    });
    this.publisher.cache.set('ingress', createSnapshot([createResource(TYPE.secret, name, secret.body)]));
    const loaded = { file: 'mesh.yaml', text: text(name), parsed: parseConfig(text(name)) };
    const resolved = { federation: { deniedPeers: [{ name: 'shop' }] } };
    this.publisher.applied = { at, loaded, resolved, warnings: [] };
    this.history.published(this.publisher as unknown as Publisher, at);
  }

  async parts(asked: AskedSnapshot = {}): Promise<readonly Uint8Array[]> {
    const answer = await this.reports.report('ingress', asked);
    assert.ok(typeof answer === 'object');
    return answer;
  }

  async report(asked: AskedSnapshot = {}): Promise<ServedResources> {
    return JSON.parse(Buffer.concat(await this.parts(asked)).toString('utf8')) as ServedResources;
  }
}

describe('the report of resources', () => {
  test('The report has the resources without keys, what the file names, and which snapshot it is', async () => {
    const scene = new Scene();
    assert.equal(await scene.reports.report('ingress', {}), undefined);
    scene.publish('bank', 1000);
    const report = await scene.report();
    assert.equal(JSON.stringify(report).includes(SECRET), false);
    assert.deepEqual(report.resources, [
      { '@type': TYPE.secret, name: 'bank', tls_certificate: { private_key: '[redacted]' } },
    ]);
    assert.deepEqual([report.mesh, report.snapshot.isNewest, report.snapshot.foundBy], ['bank', true, 'newest']);
    assert.deepEqual(report.denied, { shop: [] });
    assert.deepEqual((await scene.reports.report('egress', {}))?.length, 3);
  });

  test('The text of the newest snapshot is made once, in a thread of its own, and again after a publication', async (t) => {
    const scene = new Scene();
    scene.publish('bank', 1000);
    let threads = 0;
    const count = (): void => {
      threads += 1;
    };
    process.on('worker', count);
    t.after(() => process.off('worker', count));
    const [first, again] = [await scene.parts(), await scene.parts({ at: 2000 })];
    assert.ok(first[0] === again[0] && first[1] === again[1]);
    assert.equal(threads, 1);
    scene.publish('bench', 10_000);
    assert.deepEqual([(await scene.report()).mesh, (await scene.report({ at: 5000 })).mesh], ['bench', 'bank']);
    const [newest, older, newestAgain] = [await scene.parts(), await scene.parts({ at: 5000 }), await scene.parts()];
    assert.ok(newest[1] === newestAgain[1] && newest[1] !== older[1]);
  });

  test('Of many who ask for different snapshots at once, a few are answered and the others told to come later', async () => {
    const scene = new Scene();
    scene.publish('bank', 1000);
    const answers = (times: readonly number[]): Promise<readonly ResourcesAnswer[]> =>
      Promise.all(times.map((at) => scene.reports.report('ingress', { at })));
    const different = await answers([...Array(40).keys()]);
    assert.equal(different.filter((answer) => answer === 'busy').length, 35);
    const equal = await answers(Array<number>(40).fill(7));
    assert.ok(equal.every((answer) => answer === equal[0] && typeof answer === 'object'));
  });
});
