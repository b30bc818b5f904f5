// A gateway that runs with the bootstrap of another version is told apart in the status and the metrics, over both kinds of ADS.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { formatHostPort } from '../../../src/host-port.ts';
import { ADS, Testbed, type TestMesh } from '../../support/mesh.ts';
import { posternHere } from '../../support/postern-here.ts';

for (const ads of ADS) {
  describe(`the bootstraps of gateways, over ${ads} ADS`, () => {
    let bed: Testbed;
    let mesh: TestMesh;

    before(async () => {
      bed = await Testbed.create();
      await Promise.all(['bank.example', 'shop.example'].map((name) => bed.ca(name)));
      const egress = await bed.address();
      const yaml = `apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example}
identity: {issuer: {certificate: pki/bank.example/ca.pem, privateKey: pki/bank.example/ca-key.pem}}
gateways: {ingress: {address: "${formatHostPort(await bed.address())}"}, egress: {address: "${egress.host}"}}
peers:
  shop: {trustDomain: shop.example, trustBundle: pki/shop.example/ca.pem, gatewayIdentities: [gateway/ingress], addresses: ["${formatHostPort(await bed.address())}"]}
imports:
- {peer: shop, name: cart, as: cart.shop.svc.cluster.local, port: ${egress.port}}
`;
      // An earlier version wrote nothing about it.
      const old: typeof posternHere = async (...args) => {
        const made = await posternHere(...args);
        return args[0] === 'bootstrap' && args[1] === 'egress' ? made.replace(/^ {2}metadata:\n.*\n/m, '') : made;
      };
      mesh = await bed.mesh('bank', yaml, { ads, postern: old });
      await mesh.start('ingress', 'egress');
      await mesh.settled();
    });

    after(() => bed.close());

    test('A gateway with the bootstrap of this version is current, one that names none is old, and both are in sync', async () => {
      const { gateways } = await mesh.status();
      assert.deepEqual(
        gateways.map(({ gateway, nodes }) => [gateway, nodes.map(({ oldBootstrap }) => oldBootstrap)]),
        [
          ['ingress', [false]],
          ['egress', [true]],
        ],
      );
      const admin = `http://${formatHostPort(mesh.place.admin)}`;
      const metrics = await (await fetch(`${admin}/metrics`)).text();
      assert.match(metrics, /^postern_gateways_old_bootstrap\{gateway="ingress"\} 0$/m);
      assert.match(metrics, /^postern_gateways_old_bootstrap\{gateway="egress"\} 1$/m);
      const shown = await posternHere('status', '--admin', admin);
      assert.match(shown, /old bootstrap: make a new one \(postern bootstrap egress\), and restart it/);
      assert.doesNotMatch(shown, /postern bootstrap ingress/);
    });
  });
}
