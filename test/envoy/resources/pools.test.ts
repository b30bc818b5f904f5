// One peer fills everything that its clusters let through, and another peer's requests are answered as if it were not there.
// The breakers are lowered, for all peers alike, so that a few requests fill them.

import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { freePorts } from '../../../deploy/demo/ports.ts';
import type { ResourceJson } from '../../../src/envoy/proto/types.gen.ts';
import { type Answer, type Call, type Certificate, call, callLocally, certify, issuerOf } from '../callers.ts';
import { type Ca, MeshUnderTest, newCa } from '../pipeline.ts';
import { RealEnvoy } from '../real-envoy.ts';
import { staticBootstrap } from '../static-bootstrap.ts';

const CONNECTIONS = 8;
const PENDING = 8;
const REQUESTS = 16;

function withLowBreakers(resources: readonly ResourceJson[]): readonly ResourceJson[] {
  return resources.map((resource) => {
    if (resource['@type'] !== 'type.googleapis.com/envoy.config.cluster.v3.Cluster') return resource;
    assert.equal(resource.circuit_breakers?.thresholds?.length, 1);
    const low = { max_connections: CONNECTIONS, max_pending_requests: PENDING, max_requests: REQUESTS };
    return { ...resource, circuit_breakers: { thresholds: [{ priority: 'DEFAULT' as const, ...low }] } };
  });
}

/** Answers at once, but keeps requests for `/slow` until they are released. */
class SlowServer {
  private readonly kept: (() => void)[] = [];
  private readonly arrivals = new EventEmitter();
  private readonly server: Server | Http2SecureServer;

  /** With a certificate: HTTP/2 over TLS, as the gateway of a peer. */
  constructor(certificate?: Certificate) {
    const answer = (asked: { readonly url?: string }, response: { end(body: string): void }): void => {
      if (asked.url !== '/slow') return void response.end('served\n');
      this.kept.push(() => response.end('served\n'));
      this.arrivals.emit('kept');
    };
    this.server = certificate === undefined ? createServer() : createSecureServer(certificate);
    this.server.on('request', answer);
  }

  async listen(): Promise<number> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return (this.server.address() as AddressInfo).port;
  }

  async keeps(count: number): Promise<void> {
    while (this.kept.length < count) await once(this.arrivals, 'kept');
  }

  /** Those that are kept, and those that come. */
  release(): void {
    for (const end of this.kept.splice(0)) end();
    this.arrivals.on('kept', () => this.kept.splice(0).forEach((end) => void end()));
  }

  close(): void {
    this.server.close();
    if ('closeAllConnections' in this.server) this.server.closeAllConnections();
  }
}

/** Sends requests until one is refused: `served` of them reach the server at once, and `waiting` more wait in the gateway. */
async function fill(
  server: SlowServer,
  ask: () => Promise<Answer>,
  { served, waiting }: { readonly served: number; readonly waiting: number },
): Promise<readonly Promise<Answer>[]> {
  const answers: Promise<Answer>[] = [];
  for (let count = 1; count <= served; count++) {
    answers.push(ask());
    await server.keeps(count);
  }
  for (let count = 0; count <= waiting; count++) answers.push(ask());
  const { status, body } = await Promise.race(answers);
  assert.equal(status, 503, body);
  return answers;
}

async function statuses(count: number, ask: () => Promise<Answer>): Promise<readonly number[]> {
  const all: number[] = [];
  for (let index = 0; index < count; index++) all.push((await ask()).status);
  return all;
}

async function countOf(answers: readonly Promise<Answer>[], status: number): Promise<number> {
  return (await Promise.all(answers)).filter((answer) => answer.status === status).length;
}

const ALL_SERVED = Array.from({ length: 20 }, () => 200);

describe('a peer that opens all the requests that its breaker lets through', () => {
  const now = Date.now();
  const cas = new Map<string, Ca>();
  const backend = new SlowServer();
  let ingress: RealEnvoy;
  let ask: (peer: string, path: string) => Promise<Answer>;

  before(async () => {
    const target = await backend.listen();
    const [port = 0, admin = 0] = await freePorts('127.0.0.1', 2);
    const bank = new MeshUnderTest(
      `
apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {ingress: {address: "127.0.0.1:${port}"}}
peers:
  greedy: {trustDomain: greedy.example, trustBundle: greedy.pem, gatewayIdentities: [gateway/egress]}
  modest: {trustDomain: modest.example, trustBundle: modest.pem, gatewayIdentities: [gateway/egress]}
exports:
- name: accounts
  backend: 127.0.0.1:${target}
  consumers:
  - {peer: greedy, methods: [GET], paths: [/slow, /v1/*]}
  - {peer: modest, methods: [GET], paths: [/slow, /v1/*]}
`,
      cas,
      now,
    );
    const resources = withLowBreakers(bank.resources('ingress'));
    ingress = await RealEnvoy.start(staticBootstrap(resources, admin), admin);
    ask = (peer, path) => call(callOf(port, peer, path));
  });

  after(async () => {
    await ingress.stop();
    backend.close();
  });

  function callOf(port: number, peer: string, path: string): Call {
    const domain = `${peer}.example`;
    const issuer = issuerOf(cas.get(domain) ?? newCa(domain, now), domain, now);
    return {
      port,
      servername: `${domain}.peers.bank.example`,
      client: certify(issuer, [`spiffe://${domain}/gateway/egress`], now),
      authority: 'accounts.exports.bank.example',
      path,
    };
  }

  test('A peer that opens all requests of its circuit breaker takes no backend connection from another peer of the export', async () => {
    const answers = await fill(backend, () => ask('greedy', '/slow'), { served: CONNECTIONS, waiting: PENDING });
    assert.deepEqual(await statuses(20, () => ask('modest', '/v1/x')), ALL_SERVED);
    backend.release();
    assert.equal(await countOf(answers, 200), CONNECTIONS + PENDING);
  });
});

describe('a peer that answers none of our requests', () => {
  const now = Date.now();
  const cas = new Map(['slow.example', 'quick.example'].map((domain) => [domain, newCa(domain, now)]));
  const [slow, quick] = [...cas].map(([domain, ca]) => {
    const issuer = issuerOf(ca, domain, now);
    return new SlowServer(certify(issuer, [`spiffe://${domain}/gateway/ingress`], now));
  }) as [SlowServer, SlowServer];
  let egress: RealEnvoy;
  let ask: (peer: string, path: string) => Promise<Answer>;

  before(async () => {
    const [local = 0, admin = 0] = await freePorts('127.0.0.1', 2);
    const shop = new MeshUnderTest(
      `
apiVersion: postern/v1
mesh: {name: shop, trustDomain: shop.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {egress: {address: 127.0.0.1}}
peers:
  slow: {trustDomain: slow.example, trustBundle: slow.pem, gatewayIdentities: [gateway/ingress], addresses: ["127.0.0.1:${await slow.listen()}"]}
  quick: {trustDomain: quick.example, trustBundle: quick.pem, gatewayIdentities: [gateway/ingress], addresses: ["127.0.0.1:${await quick.listen()}"]}
imports:
- {peer: slow, name: accounts, as: accounts.slow, port: ${local}}
- {peer: quick, name: accounts, as: accounts.quick, port: ${local}}
`,
      cas,
      now,
    );
    const resources = withLowBreakers(shop.resources('egress'));
    egress = await RealEnvoy.start(staticBootstrap(resources, admin), admin);
    ask = (peer, path) => callLocally(local, `accounts.${peer}`, path);
  });

  after(async () => {
    await egress.stop();
    slow.close();
    quick.close();
  });

  test('A peer that answers none of our requests takes nothing from the calls to another peer', async () => {
    const answers = await fill(slow, () => ask('slow', '/slow'), { served: REQUESTS, waiting: 0 });
    assert.deepEqual(await statuses(20, () => ask('quick', '/v1/x')), ALL_SERVED);
    slow.release();
    assert.equal(await countOf(answers, 200), REQUESTS);
  });
});
