// Rules with workloads under a running control plane: an edit applies to the next request, also on an open connection, and what
// a peer's gateway claims is all that changes who may call.

import assert from 'node:assert/strict';
import type { ClientHttp2Session } from 'node:http2';
import { after, before, describe, test } from 'node:test';
import type { Backend } from '../../../deploy/demo/backends.ts';
import { askOn, dialGateway } from '../../../deploy/demo/calls.ts';
import { formatHostPort, type HostPort } from '../../../src/host-port.ts';
import { leaf } from '../../support/leaf.ts';
import { ADS, eventually, Testbed, type TestMesh } from '../../support/mesh.ts';

const CHECKOUT = 'ns/shop/sa/checkout';
const WEB = 'ns/shop/sa/web';

for (const ads of ADS) {
  describe(`rules with workloads over ${ads} ADS`, () => {
    let bed: Testbed;
    let bank: TestMesh;
    let backend: Backend;
    let ingress: HostPort;
    let connection: ClientHttp2Session;

    before(async () => {
      bed = await Testbed.create();
      await Promise.all(['bank.example', 'shop.example'].map((name) => bed.ca(name)));
      backend = await bed.backend('accounts');
      ingress = await bed.address();
      bank = await bed.mesh(
        'bank',
        `apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example}
identity: {issuer: {certificate: pki/bank.example/ca.pem, privateKey: pki/bank.example/ca-key.pem}}
gateways: {ingress: {address: "${formatHostPort(ingress)}"}}
peers:
  shop: {trustDomain: shop.example, trustBundle: pki/shop.example/ca.pem, gatewayIdentities: [gateway/egress]}
exports:
- {name: accounts, backend: "${formatHostPort(backend.address)}", consumers: [{peer: shop, methods: [GET], paths: [/*], workloads: [${CHECKOUT}]}]}
`,
        { ads },
      );
      await bank.start('ingress');
      // One connection of the shop's gateway, for all tests.
      connection = dialGateway({
        gateway: ingress,
        servername: 'shop.example.peers.bank.example',
        client: leaf({ ca: bed.pki('shop.example'), caTrustDomain: 'shop.example', uris: [ours('gateway/egress')] }),
      });
    });

    after(async () => {
      connection.destroy();
      await bed.close();
    });

    const ours = (path: string): string => `spiffe://shop.example/${path}`;

    async function ask(workload: string | undefined, path = '/'): Promise<number> {
      const element = `By=${ours('gateway/egress')};Hash=${'0'.repeat(64)};URI=${ours(workload ?? '')}`;
      const headers = workload === undefined ? {} : { 'x-forwarded-client-cert': element };
      return (await askOn(connection, 'https', 'accounts.exports.bank.example', { path, headers })).status;
    }

    /** The answers to the checkout, the web front end, and nobody. */
    const answers = async () => [await ask(CHECKOUT), await ask(WEB), await ask(undefined)].join();

    test('A listed workload is admitted, another one and none are not, and the backend learns which one called', async () => {
      const before = backend.seen.length;
      assert.equal(await answers(), '200,403,403');
      assert.equal(backend.seen.length, before + 1);
      const { headers = {} } = backend.seen.at(-1) ?? {};
      assert.equal(headers['x-postern-workload'], ours(CHECKOUT));
      assert.equal(headers['x-postern-peer'], 'shop');
    });

    test('Another list applies to the next request on an open connection', async () => {
      bank.edit((yaml) => yaml.replace(`[${CHECKOUT}]`, `[${WEB}]`));
      await eventually(
        'the web front end may call, and the checkout no longer',
        async () => (await answers()) === '403,200,403',
      );
    });

    test('A prefix admits all below it, and a rule without workloads needs no claim', async () => {
      bank.edit((yaml) => yaml.replace(`[${WEB}]`, '[ns/shop/*]'));
      await eventually('both may call', async () => (await answers()) === '200,200,403');
      bank.edit((yaml) => yaml.replace(', workloads: [ns/shop/*]', ''));
      await eventually('everybody may call', async () => (await answers()) === '200,200,200');
      bank.edit((yaml) => yaml.replace('paths: [/*]', 'paths: [/*], workloads: [ns/else/*]'));
      await eventually('nobody may call', async () => (await answers()) === '403,403,403');
      assert.equal(connection.closed, false);
    });

    test('A list that is empty or names another trust domain is a finding, and what was served stays', async () => {
      const { yaml } = bank;
      for (const workloads of ['[]', '["*"]', '["spiffe://shop.example/ns/shop"]']) {
        bank.write(yaml.replace('[ns/else/*]', workloads));
        await eventually('the file is rejected', async () => (await bank.status()).config.rejected !== undefined);
        assert.equal(await answers(), '403,403,403');
        bank.write(yaml);
        await eventually('the file is accepted', async () => (await bank.status()).config.rejected === undefined);
      }
    });
  });
}
