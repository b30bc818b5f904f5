// Every form that a configuration can take keeps the boundary rules: a refusal of the check stops all publication.
// Must not: leave out a choice that changes which fields the builders write.

import { describe, test } from 'node:test';
import { checkBoundary } from '../../../src/envoy/boundary/checks/boundary-check.ts';
import { MeshUnderTest } from '../pipeline.ts';

const IDENTITIES = {
  'an issuer': 'issuer: {certificate: ca.pem, privateKey: ca-key.pem}',
  'files of the gateway': 'files: {certificate: /pki/tls.pem, privateKey: /pki/key.pem}',
};

const ADDRESSES = ['127.0.0.1', '0.0.0.0', '::', '0:0::0', 'fd00::1'];

const CLIENTS = {
  plaintext: {
    clients: 'plaintext',
    of: '',
    tcp: `- {peer: shop-1, name: t.db, as: db, port: 5432, protocol: tcp}
- {peer: shop-1, name: t.db, as: db.again, port: 5433, protocol: tcp}
`,
  },
  mtls: { clients: 'mtls', of: ', clients: [ns/a/*, ns/b]', tcp: '' },
};

function configured(identity: string, address: string, { clients, of, tcp }: (typeof CLIENTS)['mtls']): MeshUnderTest {
  const withPort = address.includes(':') ? `[${address}]:15443` : `${address}:15443`;
  return new MeshUnderTest(`
apiVersion: postern/v1
mesh: {name: core-1, trustDomain: bank_x.example, trustBundle: workloads.pem}
identity: {${identity}}
gateways: {ingress: {address: "${withPort}"}, egress: {address: "${address}", clients: ${clients}}}
peers:
  shop-1: {trustDomain: shop.example, trustBundle: shop.pem, gatewayIdentities: [gateway/egress, gateway/ingress], addresses: ["gw.shop.example:15444", "[fd00::2]:443"]}
  lone: {trustDomain: lone.example, trustBundle: lone.pem, gatewayIdentities: [g]}
exports:
- {name: a.b, protocol: grpc, backend: "svc.ns.svc.cluster.local:80", consumers: [{peer: shop-1, methods: [POST], paths: [/*]}]}
- {name: bb, backend: ["10.0.0.1:80", "[fd00::9]:81"], requestBodies: any-method, consumers: [{peer: shop-1, allow: [{methods: [GET, PUT], paths: [/v1/*, /x]}, {methods: [DELETE], paths: [/v1/*]}]}]}
- {name: t.db, protocol: tcp, backend: ["10.0.0.1:80", "[fd00::9]:81"], consumers: [{peer: shop-1}, {peer: lone}]}
- {name: t2, protocol: tcp, backend: "db.ns.svc.cluster.local:80", consumers: [{peer: lone}]}
imports:
${tcp}- {peer: shop-1, name: cart, as: cart.default.svc.cluster.local, port: 8080, protocol: grpc${of}}
- {peer: shop-1, name: c2, as: c2, port: 80${of}}
`);
}

describe('the boundary check of other forms of configuration', () => {
  for (const [name, identity] of Object.entries(IDENTITIES)) {
    for (const address of ADDRESSES) {
      // Plaintext at an address that everybody reaches is refused before.
      const proofs = /^(127|fd)/.test(address) ? CLIENTS : { mtls: CLIENTS.mtls };
      for (const [proof, clients] of Object.entries(proofs)) {
        test(`Gateways at ${address} with ${name} and callers by ${proof} keep every rule`, () => {
          const mesh = configured(identity, address, clients);
          for (const role of ['ingress', 'egress'] as const)
            checkBoundary(mesh.resources(role), mesh.expectation(role));
        });
      }
    }
  }
});
