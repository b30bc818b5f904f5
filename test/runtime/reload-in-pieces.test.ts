// Tests that verifying a large trust bundle does not block the event loop, which serves all gateways.

import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ControlPlane } from '../../src/runtime/control-plane.ts';
import { createCa } from '../../src/trust/issuing/issue.ts';
import type { TrustDomain } from '../../src/trust/spiffe.ts';
import { pemOf } from '../../src/trust/x509/certificate.ts';
import { signCertificate } from '../../src/trust/x509/certificate-writer.ts';

const MAX_CERTIFICATES = 32;
const OTHER_PEERS = 4;

type Stop = () => Promise<void>;

interface Pair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** Ed25519: its signatures do not say who made them, so that the key of every peer is tried. */
function caPem(name: string, { publicKey, privateKey }: Pair = generateKeyPairSync('ed25519'), signer = privateKey) {
  const times = { notBefore: Date.now() - 60_000, notAfter: Date.now() + 90 * 24 * 60 * 60 * 1000 };
  const fields = { serial: '4a', commonName: name, ...times, publicKey, isCa: true, uris: [] };
  return pemOf(signCertificate({ ...fields, signer: { privateKey: signer } }));
}

function scene(t: TestContext): { readonly folder: string; readonly file: string; readonly stopped: Stop[] } {
  const folder = mkdtempSync(join(tmpdir(), 'postern-pieces-'));
  const stopped: Stop[] = [];
  // What uses the folder ends before it goes.
  t.after(async () => {
    for (const stop of stopped) await stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const peers = ['costly', ...Array.from({ length: OTHER_PEERS }, (_, index) => `other${index}`)];
  for (const name of peers) writeFileSync(join(folder, `${name}.pem`), caPem(name));
  const ours = { trustDomain: 'ours.example' as TrustDomain, commonName: 'ours', now: Date.now() };
  const { certificate, privateKey } = createCa({ ...ours, lifetimeSeconds: 90 * 24 * 60 * 60 });
  writeFileSync(join(folder, 'ours.pem'), certificate);
  writeFileSync(join(folder, 'ours-key.pem'), privateKey.reveal(), { mode: 0o600 });
  const file = join(folder, 'ours.yaml');
  const lines = peers.map(
    (name) =>
      `  ${name}: {trustDomain: ${name}.example, trustBundle: ${name}.pem, gatewayIdentities: [gateway/egress]}`,
  );
  writeFileSync(
    file,
    `apiVersion: postern/v1
mesh: {name: ours, trustDomain: ours.example}
identity: {issuer: {certificate: ours.pem, privateKey: ours-key.pem}}
gateways: {ingress: {address: "127.0.0.1:15443"}}
peers:
${lines.join('\n')}
`,
  );
  return { folder, file, stopped };
}

test('A reload verifies at most one signature of a peer in each round of the event loop, and all before it applies', async (t) => {
  const { folder, file, stopped } = scene(t);
  const errors: unknown[] = [];
  const logger = { info: () => {}, warn: () => {}, error: (fields: object) => void errors.push(fields) };
  const app = await ControlPlane.start({
    file,
    xds: { host: '127.0.0.1', port: 0 },
    admin: { host: '127.0.0.1', port: 0 },
    stateFolder: join(folder, 'state'),
    requireState: false,
    groupKeys: false,
    requireEnd: false,
    insecureXds: true,
    bootstraps: new Map(),
    warmUpMs: 0,
    workers: 1,
    logger,
    logLevel: 'silent',
    ending: new AbortController().signal,
  });
  stopped.push(() => app.stop());
  const signer = generateKeyPairSync('ed25519');
  const bundle = Array.from({ length: MAX_CERTIFICATES }, (_, index) =>
    caPem(`costly ${index}`, generateKeyPairSync('ed25519'), signer.privateKey),
  );

  let round = 0;
  const rounds = new Map<number, number>();
  const { verify } = X509Certificate.prototype;
  t.mock.method(X509Certificate.prototype, 'verify', function (this: X509Certificate, key: KeyObject) {
    if (this.subject.includes('costly')) rounds.set(round, (rounds.get(round) ?? 0) + 1);
    return verify.call(this, key);
  });
  let isOver = false;
  const count = (): void => {
    round += 1;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  stopped.push(async () => {
    isOver = true;
  });

  writeFileSync(join(folder, 'costly.pem'), bundle.join(''));
  await app.reload();
  assert.deepEqual(errors, []);
  const verified = [...rounds.values()].reduce((sum, each) => sum + each, 0);
  // Each with its own key, with those of the other certificates of its bundle, and with those of the other peers.
  assert.equal(verified, MAX_CERTIFICATES * (MAX_CERTIFICATES + OTHER_PEERS));
  assert.equal(Math.max(...rounds.values()), 1);
});
