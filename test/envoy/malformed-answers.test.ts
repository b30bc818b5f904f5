// Answers that no HTTP/2 peer should send, from a gRPC backend: what its caller gets, and that nobody else notices.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, connect, createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { freePorts } from '../../deploy/demo/ports.ts';
import { type Ca, MeshUnderTest } from './pipeline.ts';
import { RealEnvoy } from './real-envoy.ts';
import { staticBootstrap } from './static-bootstrap.ts';

interface Ended {
  readonly status: number;
  readonly trailers: Readonly<Record<string, unknown>>;
  readonly error?: string;
}

describe('an answer with a grpc-message', () => {
  const waiting: ServerHttp2Stream[] = [];
  const running: RealEnvoy[] = [];
  const backend = createServer();
  let session: ClientHttp2Session;

  before(async () => {
    backend.on('stream', (stream, headers) => {
      stream.on('error', () => 0);
      const respond = (message: string): void => {
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '5', 'grpc-message': message }));
        stream.end();
      };
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      if (headers[':path'] === '/a.B/Wait') waiting.push(stream);
      else respond(decodeURIComponent(String(headers['message'])));
    });
    backend.listen(0, '127.0.0.1');
    await once(backend, 'listening');
    const { port: target } = backend.address() as AddressInfo;
    const [port = 0, adminA = 0, adminB = 0, local = 0] = await freePorts('127.0.0.1', 4);
    const now = Date.now();
    const cas = new Map<string, Ca>();
    const bank = new MeshUnderTest(
      `
apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {ingress: {address: "127.0.0.1:${port}"}}
peers: {shop: {trustDomain: shop.example, trustBundle: shop.pem, gatewayIdentities: [gateway/egress]}}
exports: [{name: rates, protocol: grpc, backend: "127.0.0.1:${target}", consumers: [{peer: shop, paths: [/a.B/*]}]}]
`,
      cas,
      now,
    );
    const shop = new MeshUnderTest(
      `
apiVersion: postern/v1
mesh: {name: shop, trustDomain: shop.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {egress: {address: 127.0.0.1}}
peers: {bank: {trustDomain: bank.example, trustBundle: bank.pem, gatewayIdentities: [gateway/ingress], addresses: ["127.0.0.1:${port}"]}}
imports: [{peer: bank, name: rates, as: rates.bank, port: ${local}, protocol: grpc}]
`,
      cas,
      now,
    );
    running.push(await RealEnvoy.start(staticBootstrap(bank.resources('ingress'), adminA), adminA));
    running.push(await RealEnvoy.start(staticBootstrap(shop.resources('egress'), adminB), adminB));
    session = connect(`http://127.0.0.1:${local}`);
    session.on('error', () => 0);
  });

  after(async () => {
    session.destroy();
    await Promise.all(running.map((envoy) => envoy.stop()));
    backend.close();
  });

  function ask(path: string, message = ''): Promise<Ended> {
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      ':authority': 'rates.bank',
      'content-type': 'application/grpc',
      te: 'trailers',
      message: encodeURIComponent(message),
    });
    return new Promise((done) => {
      let status = 0;
      let trailers: Record<string, unknown> = {};
      let error: string | undefined;
      stream.on('response', (headers) => {
        status = Number(headers[':status']);
        if (headers['grpc-status'] !== undefined) trailers = { ...headers };
      });
      stream.on('trailers', (headers) => (trailers = { ...headers }));
      stream.on('error', ({ message: text }) => (error = text));
      stream.on('close', () => done({ status, trailers, ...(error !== undefined && { error }) }));
      stream.resume();
      stream.end();
    });
  }

  test('that ends in an escaped line feed arrives as it is', async () => {
    const { trailers } = await ask('/a.B/Get', 'not found%0A');
    assert.deepEqual([trailers['grpc-status'], trailers['grpc-message']], ['5', 'not found%0A']);
  });

  for (const [what, message] of [
    ['a line feed', 'not found\n'],
    ['a carriage return', 'not found\r'],
    ['a line feed inside', 'not\nfound'],
  ] as const) {
    test(`that has ${what} fails that call alone`, async () => {
      const other = ask('/a.B/Wait');
      while (waiting.length === 0) await new Promise((done) => setTimeout(done, 10));
      const bad = await ask('/a.B/Get', message);
      assert.notEqual(bad.trailers['grpc-message'], message);
      assert.ok(bad.error !== undefined || bad.trailers['grpc-status'] === '14', JSON.stringify(bad));
      const good = await ask('/a.B/Get', 'good');
      assert.equal(good.trailers['grpc-message'], 'good');
      const stream = waiting.pop();
      stream?.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream?.end();
      const { trailers, error } = await other;
      assert.deepEqual([trailers['grpc-status'], error], ['0', undefined]);
    });
  }

  test('of the gateway itself has no line feed', async () => {
    const { trailers } = await ask('/c.D/Get');
    assert.deepEqual([trailers['grpc-status'], trailers['grpc-message']], ['7', 'gateway: 403']);
  });
});
