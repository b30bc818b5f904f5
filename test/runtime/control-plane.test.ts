// The running control plane as an object of this process: how it stops, and what it shows.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate as nextRound } from 'node:timers/promises';
import { ControlPlane } from '../../src/runtime/control-plane.ts';
import { newCa } from '../envoy/pipeline.ts';

async function start(t: TestContext): Promise<{ readonly file: string; readonly controlPlane: ControlPlane }> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-running-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const { certificate, privateKey } = newCa('ours.example', Date.now());
  writeFileSync(join(folder, 'ca.pem'), certificate);
  writeFileSync(join(folder, 'ca-key.pem'), privateKey, { mode: 0o600 });
  const file = join(folder, 'ours.yaml');
  writeFileSync(
    file,
    `apiVersion: postern/v1
mesh: {name: ours, trustDomain: ours.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {ingress: {address: "127.0.0.1:15443"}}
`,
  );
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
  return { file, controlPlane };
}

const watchers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'FSEventWrap').length;

test('A control plane that is stopped while it reads the configuration watches nothing afterwards', async (t) => {
  const before = watchers();
  const { controlPlane } = await start(t);
  assert.ok(watchers() > before);
  const reloading = controlPlane.reload();
  await controlPlane.stop();
  await reloading;
  // A handle is gone one round of the event loop after it is closed.
  await nextRound();
  await nextRound();
  assert.equal(watchers(), before);
});

test('Each control plane has its own state: stopping one leaves the other serving', async (t) => {
  const [one, other] = [await start(t), await start(t)];
  t.after(() => other.controlPlane.stop());
  await one.controlPlane.stop();
  const ready = await fetch(`http://127.0.0.1:${other.controlPlane.adminPort}/readyz`);
  assert.equal(ready.status, 200);
  assert.notEqual(other.controlPlane.xdsPort, 0);
});
