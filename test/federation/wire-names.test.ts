// The names between gateways, which two meshes must spell alike (docs/design.md, "Wire contract"): SNI, authorities, local names.
// Must not: use the functions under test to compute what is expected.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Export, Import } from '../../src/federation/model.ts';
import { exportAuthority, localNames, serverName, tcpServerName } from '../../src/federation/wire-names.ts';
import type { TrustDomain } from '../../src/trust/spiffe.ts';
import { changed, federationOf } from './two-peers.ts';

const CALLEE = 'c2.example.com' as TrustDomain;

describe('names at the boundary', () => {
  test('Names at the boundary are the label and the name before the trust domain of the callee', () => {
    assert.equal(serverName('c1.example.com', CALLEE), 'c1.example.com.peers.c2.example.com');
    assert.equal(exportAuthority('helloworld.sample', CALLEE), 'helloworld.sample.exports.c2.example.com');
    const http = serverName('c1.example.com', CALLEE);
    assert.equal(tcpServerName('ledger.sample', http), 'ledger.sample.tcp.c1.example.com.peers.c2.example.com');
  });

  for (const sni of [undefined, 'p-7f3c9a'])
    test(`Names at the boundary are the same on both sides, ${sni === undefined ? 'without a label' : 'with one'}`, () => {
      const label = (file: string): readonly [string, string] => [
        `trustBundle: ${file}`,
        sni === undefined ? `trustBundle: ${file}` : `trustBundle: ${file}\n    sni: ${sni}`,
      ];
      const core = federationOf(changed(label('shop.pem')));
      // The same boundary, written by the other side: it is the shop, and we are its peer.
      const exchanged = changed(
        ['mesh: {name: core, trustDomain: core.example}', 'mesh: {name: shop, trustDomain: shop.example}'],
        [
          'issuer: {certificate: ca.pem, privateKey: ca-key.pem}',
          'files: {certificate: /etc/tls.pem, privateKey: /etc/tls-key.pem}',
        ],
        ['trustDomain: shop.example\n    trustBundle: shop.pem', 'trustDomain: core.example\n    trustBundle: ca.pem'],
        ['trustBundle: ca.pem', label('ca.pem')[1]],
        ['name: carts, as: carts.default.svc.cluster.local', 'name: orders, as: carts.default.svc.cluster.local'],
      );
      const shop = federationOf(exchanged);
      const [theirs, ours] = [
        core.peers.find(({ name }) => name === 'shop'),
        shop.peers.find(({ name }) => name === 'shop'),
      ];
      assert.ok(theirs && ours);
      assert.equal(theirs.outboundServerName, ours.inboundServerName);
      assert.equal(theirs.inboundServerName, ours.outboundServerName);
      assert.notEqual(theirs.inboundServerName, theirs.outboundServerName);
      const authorityOf = (services: readonly (Export | Import)[]) =>
        services.flatMap((one) => (one.name === 'orders' && 'authority' in one ? [one.authority] : []));
      assert.equal(authorityOf(core.exports).length, 1);
      assert.deepEqual(authorityOf(shop.imports), authorityOf(core.exports));
    });
});

describe('the local names of an import', () => {
  test('The local names of an import are the three spellings of a Kubernetes service', () => {
    const names = ['reviews.default.svc.cluster.local', 'reviews.default.svc', 'reviews.default'];
    assert.deepEqual(localNames('reviews.default.svc.cluster.local'), names);
  });

  test('The local names of an import are the name alone for every other one', () => {
    for (const name of [
      'reviews',
      'reviews.default',
      'reviews.default.svc',
      'pod-0.reviews.default.svc.cluster.local',
      'default.svc.cluster.local',
      'reviews.default.svc.cluster.local.example',
      'svc.cluster.local',
    ])
      assert.deepEqual(localNames(name), [name]);
  });
});
