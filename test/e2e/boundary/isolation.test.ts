// Tests that a gateway gets its own secrets and resources, and never those of the other gateway of the same mesh.

import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Credentials } from '../../../deploy/demo/calls.ts';
import { findEnvoy } from '../../../deploy/demo/envoy-binary.ts';
import { envoyArguments } from '../../../deploy/demo/postern.ts';
import { formatHostPort } from '../../../src/host-port.ts';
import { type RawTls, rawTls } from '../../support/clients/raw-tls.ts';
import { leaf } from '../../support/leaf.ts';
import { ADS, eventually, Testbed, type TestMesh } from '../../support/mesh.ts';

const H2_PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0';

for (const ads of ADS) {
  describe(`each gateway gets only its own, over ${ads} ADS`, () => {
    let bed: Testbed;
    let bank: TestMesh;

    before(async () => {
      bed = await Testbed.create();
      await Promise.all([bed.ca('bank.example'), bed.ca('shop.example')]);
      const [ingress, egress, far] = [await bed.address(), await bed.address(), await bed.address()];
      const yaml = `apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example}
identity: {issuer: {certificate: pki/bank.example/ca.pem, privateKey: pki/bank.example/ca-key.pem}}
gateways:
  ingress: {address: "${formatHostPort(ingress)}"}
  egress: {address: ${egress.host}}
peers:
  shop: {trustDomain: shop.example, trustBundle: pki/shop.example/ca.pem, gatewayIdentities: [gateway/egress, gateway/ingress], addresses: ["${formatHostPort(far)}"]}
exports:
- name: accounts
  backend: ${formatHostPort(far)}
  consumers:
  - {peer: shop, methods: [GET], paths: [/*]}
imports:
- {peer: shop, name: reviews, as: reviews.default.svc.cluster.local, port: ${egress.port}}
`;
      bank = await bed.mesh('bank', yaml, { ads });
      await bank.start('ingress', 'egress');
      await bank.settled();
    });

    after(() => bed.close());

    async function dump(role: 'ingress' | 'egress'): Promise<string> {
      return await bank.envoyAdmin(role, '/config_dump?include_eds');
    }

    test('An ingress holds nothing of the egress, and an egress nothing of the ingress', async () => {
      const [ingress, egress] = [await dump('ingress'), await dump('egress')];
      assert.ok(ingress.includes('cert/ingress/shop@') && ingress.includes('export/shop@'));
      assert.ok(egress.includes('cert/egress/shop@') && egress.includes('import/shop@'));
      for (const name of ['cert/egress', 'import/shop']) assert.ok(!ingress.includes(name), name);
      for (const name of ['cert/ingress', 'export/', 'peer/shop']) assert.ok(!egress.includes(name), name);
    });

    test('No certificate of one gateway is a certificate of the other', async () => {
      const serials = async (role: 'ingress' | 'egress'): Promise<readonly string[]> => {
        const { certificates } = JSON.parse(await bank.envoyAdmin(role, '/certs')) as {
          certificates: { cert_chain: { serial_number: string }[] }[];
        };
        return certificates.flatMap(({ cert_chain }) => cert_chain.map(({ serial_number }) => serial_number));
      };
      const [ingress, egress] = [await serials('ingress'), await serials('egress')];
      // The one towards the control plane, and the one towards the peer.
      assert.deepEqual([ingress.length, egress.length], [2, 2]);
      assert.equal(new Set([...ingress, ...egress]).size, 4);
    });

    test('An egress certificate that claims to be an ingress gets nothing', async () => {
      const work = join(bed.folder, `impostor`);
      mkdirSync(work);
      cpSync(join(bank.place.work, 'egress', 'certs'), join(work, 'certs'), { recursive: true });
      const admin = await bed.address();
      const honest = readFileSync(join(bank.place.work, 'ingress', 'bootstrap.yaml'), 'utf8');
      const text = honest
        .replaceAll(join(bank.place.work, 'ingress', 'certs'), join(bank.place.work, 'egress', 'certs'))
        .replace(`port_value: ${bank.place.envoyAdmin.ingress.port}`, `port_value: ${admin.port}`);
      assert.ok(text.includes('egress/certs') && text.includes(String(admin.port)));
      const file = join(work, 'bootstrap.yaml');
      writeFileSync(file, text);
      const { file: envoy } = await findEnvoy();
      const impostor = bed.processes.start('impostor', envoy, envoyArguments(text, file));
      const ask = async (path: string): Promise<string> =>
        await (await fetch(`http://${formatHostPort(admin)}${path}`)).text();
      await eventually('the control plane refused it', () => /closed: (7|16)/.test(impostor.stderr()));
      const held = await ask('/config_dump?include_eds');
      for (const name of ['cert/', 'bundle/', 'export/', 'import/'])
        assert.ok(!held.includes(`"name": "${name}`), name);
      assert.doesNotMatch(await ask('/ready'), /LIVE/);
      const { gateways } = await bank.status();
      assert.deepEqual(
        gateways.map(({ nodes }) => nodes.length),
        [1, 1],
      );
      await impostor.stop();
    });

    const read = (role: string): Credentials => ({
      cert: readFileSync(join(bank.place.work, role, 'certs', 'tls.pem'), 'utf8'),
      key: readFileSync(join(bank.place.work, role, 'certs', 'tls-key.pem'), 'utf8'),
    });

    async function rawTlsOf(wanted: Partial<RawTls>): ReturnType<typeof rawTls> {
      return await rawTls({
        gateway: bank.place.xds,
        servername: 'localhost',
        client: read('ingress'),
        send: H2_PREFACE,
        ...wanted,
      });
    }

    test('The xDS port answers a gateway’s own certificate', async () => {
      const { received, protocol, resumed, tickets } = await rawTlsOf({});
      assert.equal(protocol, 'TLSv1.3');
      assert.notEqual(received, '');
      assert.equal(resumed, false);
      // OpenSSL may hand out a session's number; what counts is that it opens nothing.
      for (const session of tickets) assert.equal((await rawTlsOf({ session })).resumed, false);
    });

    const gatewayId = 'spiffe://bank.example/gateway/ingress';
    const strangers: Record<string, () => Partial<RawTls>> = {
      'no certificate': () => ({ client: undefined as never }),
      'the right name from the mesh’s own federation CA': () => ({
        client: leaf({ ca: bed.pki('bank.example'), caTrustDomain: 'bank.example', uris: [gatewayId] }),
      }),
      'the right name from a peer’s CA': () => ({
        client: leaf({ ca: bed.pki('shop.example'), caTrustDomain: 'shop.example', uris: [gatewayId] }),
      }),
      'TLS 1.2': () => ({ maxVersion: 'TLSv1.2' as const }),
    };
    for (const [who, how] of Object.entries(strangers)) {
      test(`The xDS port sends nothing to a client with ${who}`, async () => {
        const { client, ...rest } = { client: read('ingress'), ...how() };
        const { received } = await rawTls({
          gateway: bank.place.xds,
          servername: 'localhost',
          send: H2_PREFACE,
          ...(client !== undefined && { client }),
          ...rest,
        });
        assert.equal(received, '');
      });
    }
  });
}
