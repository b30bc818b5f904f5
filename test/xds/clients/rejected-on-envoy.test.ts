// What a real Envoy rejects, and what becomes of everything else: other peers are served, and what is mended is taken.
// Must not: go through the validation of configurations, which refuses what is set here.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { freePorts } from '../../../deploy/demo/ports.ts';
import { decodeResource } from '../../../src/envoy/proto/codec.ts';
import type { ResourceJson } from '../../../src/envoy/proto/types.gen.ts';
import type { GatewayRole } from '../../../src/federation/model.ts';
import { anyBody, type Resource } from '../../../src/snapshot/resource.ts';
import { TYPE } from '../../../src/snapshot/resource-types.ts';
import { Backend, type Certificate, call, certify, issuerOf } from '../../envoy/callers.ts';
import { type Ca, MeshUnderTest, newCa } from '../../envoy/pipeline.ts';
import { ADS, eventually } from '../../support/mesh.ts';
import { GatewayOnXds, unchecked } from '../gateway-on-xds.ts';

const now = Date.now();
const PEERS = ['one', 'two', 'three', 'four', 'bad'];
const INNOCENT = PEERS.filter((peer) => peer !== 'bad');
const RESTARTS = 4;
/** No certificate: Envoy says `Failed to load trusted CA certificates`. */
const POISON = '-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n';

/** A client certificate of each peer's gateway, by its CA. */
function clients(cas: ReadonlyMap<string, Ca>): ReadonlyMap<string, Certificate> {
  return new Map(
    PEERS.map((peer) => {
      const domain = `${peer}.example`;
      const ca = cas.get(domain) ?? newCa(domain, now);
      return [peer, certify(issuerOf(ca, domain, now), [`spiffe://${domain}/gateway/egress`], now)];
    }),
  );
}

function newCas(): Map<string, Ca> {
  return new Map(['bank', ...PEERS].map((name) => [`${name}.example`, newCa(`${name}.example`, now)]));
}

function ingressYaml(port: number, backend: number, identity: string, peers: readonly string[] = PEERS): string {
  return `
apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example}
identity: ${identity}
gateways: {ingress: {address: "127.0.0.1:${port}"}}
peers:
${peers.map((peer) => `  ${peer}: {trustDomain: ${peer}.example, trustBundle: ${peer}.pem, gatewayIdentities: [gateway/egress]}`).join('\n')}
exports:
- name: accounts
  backend: 127.0.0.1:${backend}
  consumers:
${peers.map((peer) => `  - {peer: ${peer}, methods: [GET], paths: [/*]}`).join('\n')}
`;
}

const ISSUED = '{issuer: {certificate: ca.pem, privateKey: ca-key.pem}}';

for (const ads of ADS) {
  describe(`what Envoy rejects, over ${ads} ADS`, () => {
    let gateway: GatewayOnXds;
    let backend: Backend;
    let backendPort = 0;
    let port = 0;

    beforeEach(async () => {
      backend = new Backend();
      backendPort = await backend.listen();
      [port = 0] = await freePorts('127.0.0.1', 1);
      gateway = new GatewayOnXds(ads);
      await gateway.listen();
    });

    afterEach(async () => {
      await gateway.close();
      backend.close();
    });

    const isLive = (ready: string): boolean => ready.startsWith('LIVE');
    const answerTo = async (peer: string, client: Certificate | undefined): Promise<number> => {
      const servername = `${peer}.example.peers.bank.example`;
      const authority = 'accounts.exports.bank.example';
      return (await call({ port, servername, ...(client && { client }), authority })).status;
    };
    const served = async (peers: readonly string[], cas: ReadonlyMap<string, Ca>): Promise<void> => {
      const certificates = clients(cas);
      for (const peer of peers)
        await eventually(`${peer} is served`, async () => (await answerTo(peer, certificates.get(peer))) === 200, 5000);
    };
    const rejected = async (type: string): Promise<void> =>
      await eventually(`${type} is rejected`, () => gateway.state(type) === 'NACKED');
    const accepted = async (): Promise<void> =>
      await eventually(`all is accepted`, () => gateway.types().every(({ state }) => state === 'SYNCED'));

    /** The mesh's resources, with a bundle that Envoy refuses in the place of one peer's. */
    const poisoned = (mesh: MeshUnderTest, role: GatewayRole = 'ingress', peer = 'bad'): readonly Resource[] =>
      mesh.resources(role).map((json) => {
        const { name = '' } = json as { readonly name?: string };
        if (!name.startsWith(`bundle/${peer}`)) return unchecked(json);
        const content = { validation_context: { trusted_ca: { inline_string: POISON } } };
        return unchecked({ ...json, ...content } as typeof json);
      });
    const sound = (mesh: MeshUnderTest, role: GatewayRole = 'ingress'): readonly Resource[] =>
      mesh.resources(role).map(unchecked);

    for (const identity of ['issuer', 'files'] as const) {
      test(`A bundle that Envoy rejects harms no other peer: not at starts, not in renewals (identity.${identity})`, async (t) => {
        const cas = newCas();
        const folder = mkdtempSync(join(tmpdir(), 'postern-rejected-'));
        t.after(() => rmSync(folder, { recursive: true }));
        writeOwn(folder, cas);
        const source = identity === 'issuer' ? ISSUED : filesIn(folder);
        const mesh = new MeshUnderTest(ingressYaml(port, backendPort, source), cas, now);
        gateway.set(poisoned(mesh));
        for (let start = 0; start < RESTARTS; start += 1) {
          await gateway.start(isLive);
          await served(INNOCENT, cas);
          await rejected('SDS');
        }
        const innocent = new Map(cas);
        for (const peer of INNOCENT) {
          // The bundle of one innocent peer is replaced, and what it signed before is refused.
          innocent.set(`${peer}.example`, newCa(`${peer}.example`, now));
          mesh.cas.set(`${peer}.example`, innocent.get(`${peer}.example`) as Ca);
          mesh.update(ingressYaml(port, backendPort, source));
          gateway.set(poisoned(mesh));
          await served(INNOCENT, innocent);
        }
        // An acknowledgement of what was rejected is none.
        gateway.retry();
        await eventually('it was sent again', () => gateway.answers.at(-1)?.includes('SDS') === true);
        assert.equal(gateway.state('SDS'), 'NACKED');
        gateway.set(sound(mesh));
        await served(PEERS, innocent);
        await accepted();
      });
    }

    test('Rule 47: a resource that the gateway rejected is rejected again after a restart of the control plane, until it is fixed', async () => {
      const cas = newCas();
      const mesh = new MeshUnderTest(ingressYaml(port, backendPort, ISSUED), cas, now);
      gateway.set(poisoned(mesh));
      await gateway.start(isLive);
      await rejected('SDS');
      for (let restart = 0; restart < 3; restart += 1) {
        await gateway.restartServer();
        await rejected('SDS');
        // Nothing else was, and nobody is refused.
        assert.deepEqual(
          gateway
            .types()
            .filter(({ state }) => state === 'NACKED')
            .map(({ type }) => type),
          ['SDS'],
        );
        await served(INNOCENT, cas);
      }
      gateway.set(sound(mesh));
      await served(PEERS, cas);
      await accepted();
      await gateway.restartServer();
      await accepted();
    });

    test('A cluster that was rejected because of a bad secret is accepted when both are fixed in one publish', async () => {
      const cas = newCas();
      const [local = 0, far = 0, other = 0, last = 0] = await freePorts('127.0.0.1', 4);
      const yaml = (to: number) => `
apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example}
identity: ${ISSUED}
gateways: {egress: {address: 127.0.0.1}}
peers:
  bad: {trustDomain: bad.example, trustBundle: bad.pem, gatewayIdentities: [gateway/ingress], addresses: ["127.0.0.1:${to}"]}
  one: {trustDomain: one.example, trustBundle: one.pem, gatewayIdentities: [gateway/ingress], addresses: ["127.0.0.1:${far}"]}
imports:
- {peer: bad, name: reviews, as: reviews.default, port: ${local}}
- {peer: one, name: stock, as: stock.default, port: ${local}}
`;
      const mesh = new MeshUnderTest(yaml(far), cas, now);
      gateway.set(sound(mesh, 'egress'));
      await gateway.start(isLive);
      await accepted();
      gateway.set(poisoned(mesh, 'egress'));
      await rejected('SDS');
      mesh.update(yaml(other));
      gateway.set(poisoned(mesh, 'egress'));
      await rejected('CDS');
      mesh.update(yaml(last));
      gateway.set(sound(mesh, 'egress'));
      await accepted();
    });

    test('A listener that was rejected because of a bad secret is accepted when the secret is fixed', async () => {
      const cas = newCas();
      const mesh = new MeshUnderTest(ingressYaml(port, backendPort, ISSUED), cas, now);
      gateway.set(poisoned(mesh));
      await gateway.start(isLive);
      await rejected('SDS');
      // Other filter chains are other TLS contexts, made of the secrets that Envoy has.
      const rebuilt = (resources: readonly Resource[]): readonly Resource[] =>
        resources.map((one) => {
          if (one.typeUrl !== TYPE.listener) return one;
          const json = decodeResource(one.typeUrl, anyBody(one)) as ResourceJson & { filter_chains: readonly object[] };
          const chains = json.filter_chains.map((chain) => ({ ...chain, transport_socket_connect_timeout: '4s' }));
          return unchecked({ ...json, filter_chains: chains } as ResourceJson);
        });
      gateway.set(rebuilt(poisoned(mesh)));
      await rejected('LDS');
      gateway.set(rebuilt(sound(mesh)));
      await accepted();
      await served(PEERS, cas);
    });

    test('Rule 18: files that appear after the gateway started are read, however they appear, and so is their folder', async (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'postern-rejected-'));
      t.after(() => rmSync(folder, { recursive: true }));
      const cas = newCas();
      const late = join(folder, 'late');
      const mesh = new MeshUnderTest(ingressYaml(port, backendPort, filesIn(late)), cas, now);
      gateway.set(sound(mesh));
      await gateway.start(() => true);
      await rejected('SDS');
      mkdirSync(late);
      writeOwn(late, cas);
      await served(PEERS, cas);
      await accepted();
    });

    test('Rule 18: a port that another process holds is tried again until it is free', async () => {
      const cas = newCas();
      const mesh = new MeshUnderTest(ingressYaml(port, backendPort, ISSUED), cas, now);
      const holder = createServer();
      await new Promise<void>((done) => holder.listen(port, '127.0.0.1', done));
      gateway.set(sound(mesh));
      await gateway.start(() => true);
      await rejected('LDS');
      await new Promise((done) => holder.close(done));
      await served(PEERS, cas);
      await accepted();
    });
  });
}

function filesIn(folder: string): string {
  return `{files: {certificate: ${folder}/tls.pem, privateKey: ${folder}/tls-key.pem}}`;
}

/** Our own certificate, written in place, the key last. */
function writeOwn(folder: string, cas: ReadonlyMap<string, Ca>): void {
  const ca = cas.get('bank.example') ?? newCa('bank.example', now);
  const { cert, key } = certify(issuerOf(ca, 'bank.example', now), ['spiffe://bank.example/gateway/ingress'], now);
  writeFileSync(join(folder, 'tls.pem'), cert);
  writeFileSync(join(folder, 'tls-key.pem'), key, { mode: 0o600 });
}
