// What clients of the admin port cost who ask without an end: answers that are made, not time.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ControlPlane } from '../../src/runtime/control-plane.ts';
import { newCa } from '../envoy/pipeline.ts';

const CLIENTS = 60;
const EDITS = 5;

function yaml(revision: number): string {
  return `apiVersion: postern/v1
mesh: {name: ours, trustDomain: ours.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {ingress: {address: "127.0.0.1:${15443 + revision}"}}
peers:
  shop: {trustDomain: shop.example, trustBundle: shop.pem, gatewayIdentities: [gateway/egress]}
`;
}

async function start(t: TestContext): Promise<{ readonly file: string; readonly controlPlane: ControlPlane }> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-flood-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const { certificate, privateKey } = newCa('ours.example', Date.now());
  writeFileSync(join(folder, 'ca.pem'), certificate);
  writeFileSync(join(folder, 'ca-key.pem'), privateKey, { mode: 0o600 });
  writeFileSync(join(folder, 'shop.pem'), newCa('shop.example', Date.now()).certificate);
  const file = join(folder, 'ours.yaml');
  writeFileSync(file, yaml(0));
  const controlPlane = await ControlPlane.start({
    file,
    xds: { host: '127.0.0.1', port: 0 },
    admin: { host: '127.0.0.1', port: 0 },
    stateFolder: join(folder, 'state'),
    requireState: false,
    requireEnd: false,
    groupKeys: false,
    insecureXds: true,
    bootstraps: new Map(),
    warmUpMs: 0,
    workers: 1,
    logger: { info: () => {}, warn: () => {}, error: () => {} },
    logLevel: 'silent',
    ending: new AbortController().signal,
  });
  t.after(() => controlPlane.stop());
  return { file, controlPlane };
}

test('A flood of questions for the metrics and the status is answered with few answers, made for all who wait, while edits are served', async (t) => {
  const { file, controlPlane } = await start(t);
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  t.after(() => agent.destroy());
  const ask = (path: string): Promise<string> =>
    new Promise((done, fail) => {
      get({ host: '127.0.0.1', port: controlPlane.adminPort, path, agent }, (response) => {
        let text = '';
        response.on('data', (data: Buffer) => {
          text += data.toString();
        });
        response.on('end', () => done(text));
      }).on('error', fail);
    });
  // No two have the same time of the process.
  const made = new Set<string>();
  let answers = 0;
  let isOver = false;
  const clients = Array.from({ length: CLIENTS }, async (_, at) => {
    const isOfMetrics = at % 2 === 0;
    while (!isOver) {
      const text = await ask(isOfMetrics ? '/metrics' : '/status');
      if (!isOfMetrics) continue;
      answers += 1;
      made.add(text);
    }
  });
  for (let revision = 1; revision <= EDITS; revision += 1) {
    const before = answers;
    while (answers < before + CLIENTS) await ask('/healthz');
    writeFileSync(file, yaml(revision));
    await controlPlane.reload();
  }
  isOver = true;
  await Promise.all(clients);
  assert.match(await ask('/resources/ingress'), new RegExp(`${15443 + EDITS}`));
  // Half of the clients ask for the metrics: each answer is for most of them.
  assert.ok(answers > made.size * (CLIENTS / 8), `${made.size} answers were made for ${answers} questions`);
});
