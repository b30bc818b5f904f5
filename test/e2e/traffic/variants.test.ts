// Tests other ways to set up a mesh: certificates on the gateway's disk, RSA CAs, opaque server names, several addresses.

import assert from 'node:assert/strict';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { type Answer, callGateway, callLocally } from '../../../deploy/demo/calls.ts';
import { formatHostPort, type HostPort } from '../../../src/host-port.ts';
import { rawTls } from '../../support/clients/raw-tls.ts';
import { leaf, rsaCa } from '../../support/leaf.ts';
import { ADS, eventually, Testbed, type TestMesh } from '../../support/mesh.ts';

const SERVER_NAME = 'shop.example.peers.bank.example';
const LABEL = 'p-0123456789abcdef';

describe('a mesh set up in another way', () => {
  let bed: Testbed;

  beforeEach(async () => {
    bed = await Testbed.create();
  });

  afterEach(() => bed.close());

  const issuer = (name: string): string =>
    `{issuer: {certificate: pki/${name}.example/ca.pem, privateKey: pki/${name}.example/ca-key.pem}}`;

  /** Identity from files, which stand outside the control plane's folder as on a gateway's own disk. */
  function files(name: string, role: string): { readonly yaml: string; write(): void } {
    const folder = join(bed.folder, 'disk', name);
    mkdirSync(folder, { recursive: true });
    const [cert, key] = [join(folder, 'tls.pem'), join(folder, 'tls-key.pem')];
    return {
      yaml: `{files: {certificate: ${cert}, privateKey: ${key}}}`,
      write: () => {
        const uris = [`spiffe://${name}.example/gateway/${role}`];
        const made = leaf({ ca: bed.pki(`${name}.example`), caTrustDomain: `${name}.example`, uris });
        // Envoy looks again when something is moved into the folder, as cert-manager's volumes and careful tools do.
        for (const [file, text] of [
          [key, made.key],
          [cert, made.cert],
        ] as const) {
          writeFileSync(`${file}.new`, text, { mode: 0o600 });
          renameSync(`${file}.new`, file);
        }
      },
    };
  }

  function bankYaml(identity: string, ingress: HostPort, backend: HostPort, peer = ''): string {
    return `apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example}
identity: ${identity}
gateways: {ingress: {address: "${formatHostPort(ingress)}"}}
peers:
  shop: {trustDomain: shop.example, trustBundle: pki/shop.example/ca.pem, gatewayIdentities: [gateway/egress]${peer}}
exports:
- name: accounts
  backend: ${formatHostPort(backend)}
  consumers:
  - {peer: shop, methods: [GET], paths: [/*]}
`;
  }

  function shopYaml(identity: string, egress: HostPort, ingress: readonly HostPort[], peer = ''): string {
    const addresses = ingress.map((one) => `"${formatHostPort(one)}"`).join(', ');
    return `apiVersion: postern/v1
mesh: {name: shop, trustDomain: shop.example}
identity: ${identity}
gateways: {egress: {address: ${egress.host}}}
peers:
  bank: {trustDomain: bank.example, trustBundle: pki/bank.example/ca.pem, gatewayIdentities: [gateway/ingress], addresses: [${addresses}]${peer}}
imports:
- {peer: bank, name: accounts, as: accounts.bank.svc.cluster.local, port: ${egress.port}}
`;
  }

  const ask = (egress: HostPort): Promise<Answer> => callLocally(egress, 'accounts.bank', { path: '/v1' });

  for (const ads of ADS) {
    test(`With identity.files the keys stay on the gateways, and are read again when they are replaced (${ads})`, async () => {
      await Promise.all([bed.ca('bank.example'), bed.ca('shop.example')]);
      const [ingress, egress, backend] = [await bed.address(), await bed.address(), await bed.backend('accounts')];
      const [bankFiles, shopFiles] = [files('bank', 'ingress'), files('shop', 'egress')];
      bankFiles.write();
      shopFiles.write();
      const bank = await bed.mesh('bank', bankYaml(bankFiles.yaml, ingress, backend.address), { ads });
      const shop = await bed.mesh('shop', shopYaml(shopFiles.yaml, egress, [ingress]), { ads });
      await Promise.all([bank.start('ingress'), shop.start('egress')]);
      assert.equal((await ask(egress)).status, 200);
      // Neither the resources nor the control plane's folder hold a key.
      const { gateways } = await bank.status();
      assert.equal(gateways.length, 1);
      assert.doesNotMatch(
        await bank.envoyAdmin('ingress', '/config_dump'),
        /PRIVATE KEY|inline_bytes": "LS0tLS1CRUdJTiBQUklW/,
      );
      const shown = async (): Promise<string> =>
        (await rawTls({ gateway: ingress, servername: SERVER_NAME })).certificate?.serialNumber ?? '';
      const before = await shown();
      bankFiles.write();
      await eventually('the new certificate is shown', async () => (await shown()) !== before);
      assert.equal((await ask(egress)).status, 200);
    });
  }

  test('RSA CAs sign for peers as well, and leafKeys [rsa] lets an RSA gateway in', async () => {
    rsaCa(bed.pki('bank.example'), 'bank.example');
    rsaCa(bed.pki('shop.example'), 'shop.example');
    const [ingress, egress, backend] = [await bed.address(), await bed.address(), await bed.backend('accounts')];
    const bank = await bed.mesh('bank', bankYaml(issuer('bank'), ingress, backend.address, ', leafKeys: [rsa, ecdsa]'));
    const shop = await bed.mesh('shop', shopYaml(issuer('shop'), egress, [ingress]));
    await Promise.all([bank.start('ingress'), shop.start('egress')]);
    assert.equal((await ask(egress)).status, 200);
    const uris = ['spiffe://shop.example/gateway/egress'];
    const client = leaf({ ca: bed.pki('shop.example'), caTrustDomain: 'shop.example', uris, key: 'rsa2048' });
    const dial = { gateway: ingress, servername: SERVER_NAME, client };
    assert.equal((await callGateway(dial, 'accounts.exports.bank.example', { path: '/v1' })).status, 200);
  });

  test('With an opaque sni in both files calls pass, and the trust domain as a server name is refused', async () => {
    await Promise.all([bed.ca('bank.example'), bed.ca('shop.example')]);
    const [ingress, egress, backend] = [await bed.address(), await bed.address(), await bed.backend('accounts')];
    const bank = await bed.mesh('bank', bankYaml(issuer('bank'), ingress, backend.address, `, sni: ${LABEL}`));
    const shop = await bed.mesh('shop', shopYaml(issuer('shop'), egress, [ingress], `, sni: ${LABEL}`));
    await Promise.all([bank.start('ingress'), shop.start('egress')]);
    assert.equal((await ask(egress)).status, 200);
    const uris = ['spiffe://shop.example/gateway/egress'];
    const client = leaf({ ca: bed.pki('shop.example'), caTrustDomain: 'shop.example', uris });
    const dial = (servername: string): Promise<Answer> =>
      callGateway({ gateway: ingress, servername, client }, 'accounts.exports.bank.example', { path: '/v1' });
    assert.equal((await dial(`${LABEL}.peers.bank.example`)).status, 200);
    await assert.rejects(dial(SERVER_NAME));
  });

  test('Calls continue when one of two gateways of a peer dies', async () => {
    await Promise.all([bed.ca('bank.example'), bed.ca('shop.example')]);
    const [first, second, egress] = [await bed.address(), await bed.address(), await bed.address()];
    const backend = await bed.backend('accounts');
    const bank = (name: string, at: HostPort): Promise<TestMesh> =>
      bed.mesh(name, bankYaml(issuer('bank'), at, backend.address));
    const [one, two] = [await bank('bank-1', first), await bank('bank-2', second)];
    const shop = await bed.mesh('shop', shopYaml(issuer('shop'), egress, [first, second]));
    await Promise.all([one.start('ingress'), two.start('ingress'), shop.start('egress')]);
    await eventually('both gateways carry calls', async () => {
      assert.equal((await ask(egress)).status, 200);
      return [one, two].every((mesh) => mesh.log('ingress').some((line) => line['export'] === 'accounts'));
    });
    await one.gateways.get('ingress')?.stop('SIGKILL');
    for (let call = 0; call < 20; call += 1) assert.equal((await ask(egress)).status, 200);
  });
});
