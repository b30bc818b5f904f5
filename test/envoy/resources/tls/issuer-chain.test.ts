// Issuing chains on a real Envoy: what Postern finds nothing wrong with makes handshakes in both directions, and what it
// refuses makes none. One Envoy is the peer of every chain, with the chain's root as its bundle.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { freePorts } from '../../../../deploy/demo/ports.ts';
import type { TrustDomain } from '../../../../src/trust/spiffe.ts';
import { Openssl } from '../../../support/programs/openssl.ts';
import { expectedCodes, ISSUER_CASES, type MadeCase, makeCase } from '../../../trust/issuing/issuer-cases.ts';
import { Backend, call, callLocally } from '../../callers.ts';
import { type Ca, MeshUnderTest } from '../../pipeline.ts';
import { RealEnvoy } from '../../real-envoy.ts';
import { staticBootstrap } from '../../static-bootstrap.ts';

const openssl = new Openssl();
after(() => openssl.close());

const isAccepted = (one: MadeCase, purpose: 'server' | 'client'): boolean =>
  one.case.envoy === 'accepts' || expectedCodes(one.case, purpose).length === 0;

/** The gateway of a mesh that has the chain, as far as TLS and one answer go. */
async function gatewayOf({ leaf }: MadeCase): Promise<Http2SecureServer> {
  const server = createSecureServer({ ...leaf, requestCert: true, rejectUnauthorized: false });
  server.on('stream', (stream) => {
    stream.respond({ ':status': 200 });
    stream.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

// The cases have nothing in common but the Envoy, which answers them at once.
describe('a peer of a mesh whose issuing chain has', { concurrency: 16 }, () => {
  const made = ISSUER_CASES.filter(({ stricter }) => !stricter).map((one, index) =>
    makeCase(openssl, one, `c${index}.example` as TrustDomain),
  );
  const backend = new Backend();
  let [admin, ingressPort, egressPort] = [0, 0, 0];
  let gateways: readonly Http2SecureServer[] = [];
  let envoy: RealEnvoy;

  before(async () => {
    gateways = await Promise.all(made.map(gatewayOf));
    [admin = 0, ingressPort = 0, egressPort = 0] = await freePorts('127.0.0.1', 3);
    const cas = new Map<string, Ca>(
      made.map(({ domain, root }) => [domain, { certificate: root.pem, privateKey: '' }]),
    );
    const mesh = new MeshUnderTest(yaml(await backend.listen()), cas, Date.now());
    const resources = [...mesh.resources('ingress'), ...mesh.resources('egress')];
    const byName = new Map(
      resources.map((resource) => [`${resource['@type']} ${'name' in resource ? resource.name : ''}`, resource]),
    );
    envoy = await RealEnvoy.start(staticBootstrap([...byName.values()], admin), admin);
  });

  after(async () => {
    await envoy.stop();
    backend.close();
    for (const gateway of gateways) gateway.close();
  });

  const yaml = (backendPort: number): string => `
apiVersion: postern/v1
mesh: {name: judge, trustDomain: judge.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {ingress: {address: "127.0.0.1:${ingressPort}"}, egress: {address: 127.0.0.1}}
peers:
${made
  .map(({ domain }, index) => {
    const { port } = (gateways[index] as Http2SecureServer).address() as AddressInfo;
    return `  c${index}: {trustDomain: ${domain}, trustBundle: c${index}.pem, gatewayIdentities: [gateway/ingress], addresses: ["127.0.0.1:${port}"]}`;
  })
  .join('\n')}
exports:
- name: echo
  backend: 127.0.0.1:${backendPort}
  consumers:
${made.map((_, index) => `  - {peer: c${index}, methods: [GET], paths: [/*]}`).join('\n')}
imports:
${made.map((_, index) => `- {peer: c${index}, name: echo, as: c${index}.local, port: ${egressPort}}`).join('\n')}
`;

  for (const [index, one] of made.entries()) {
    test(`A mesh whose issuing chain has ${one.case.name} can talk to Envoy exactly when Postern accepts the chain`, async () => {
      const [asServer, asClient] = await Promise.all([
        callLocally(egressPort, `c${index}.local`, '/').then(({ status }) => status),
        call({
          port: ingressPort,
          servername: `${one.domain}.peers.judge.example`,
          client: one.leaf,
          authority: 'echo.exports.judge.example',
        }).then(
          ({ status }) => status,
          () => 'no handshake',
        ),
      ]);
      assert.equal(asServer === 200, isAccepted(one, 'server'), `as a server: ${asServer}`);
      assert.equal(asClient, isAccepted(one, 'client') ? 200 : 'no handshake', 'as a client');
    });
  }
});
