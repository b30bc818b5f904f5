// Answers and trailers that no HTTP/2 peer should send, to and from a gRPC backend: what the caller gets, and that nobody else notices.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, connect, createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { freePorts } from '../../../deploy/demo/ports.ts';
import { type Ca, MeshUnderTest } from '../pipeline.ts';
import { RealEnvoy } from '../real-envoy.ts';
import { staticBootstrap } from '../static-bootstrap.ts';

interface Ended {
  readonly status: number;
  readonly trailers: Readonly<Record<string, unknown>>;
  readonly error?: string;
}

interface Extra {
  /** Of the answer's trailers: how many fields there are beside the two of gRPC, and of what size all of them are. */
  readonly fields?: number;
  readonly bytes?: number;
  readonly trailers?: Readonly<Record<string, string>>;
}

const many = (count: number, bytes = 0): Record<string, string> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`t${index}`, 'v'.repeat(Math.max(1, Math.floor(bytes / count)))]),
  );

describe('a gRPC call', () => {
  const waiting: ServerHttp2Stream[] = [];
  const running: RealEnvoy[] = [];
  const backend = createServer();
  let session: ClientHttp2Session;

  before(async () => {
    backend.on('stream', (stream, headers) => {
      stream.on('error', () => 0);
      const respond = (message: string): void => {
        const extra = many(Number(headers['fields']), Number(headers['bytes']));
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '5', 'grpc-message': message, ...extra }));
        // With a body: without one the trailers would come as headers.
        stream.resume().end('body');
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

  function ask(path: string, message = '', { fields = 0, bytes = 0, trailers: own }: Extra = {}): Promise<Ended> {
    const headers = {
      ':method': 'POST',
      ':path': path,
      ':authority': 'rates.bank',
      'content-type': 'application/grpc',
      te: 'trailers',
      message: encodeURIComponent(message),
      fields,
      bytes,
    };
    const stream = session.request(headers, { waitForTrailers: own !== undefined });
    stream.on('wantTrailers', () => stream.sendTrailers({ ...own }));
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
      stream.resume().end('body');
    });
  }

  test('A gRPC call whose grpc-message ends in an escaped line feed arrives unchanged', async () => {
    const { trailers } = await ask('/a.B/Get', 'not found%0A');
    assert.deepEqual([trailers['grpc-status'], trailers['grpc-message']], ['5', 'not found%0A']);
  });

  /** That this call fails; a call that is open on the same connections, and the next one, do not. */
  async function failsAlone(path: string, message: string, extra?: Extra): Promise<void> {
    const other = ask('/a.B/Wait');
    while (waiting.length === 0) await new Promise((done) => setTimeout(done, 10));
    const bad = await ask(path, message, extra);
    assert.ok(bad.error !== undefined || bad.trailers['grpc-status'] === '14', JSON.stringify(bad).slice(0, 500));
    const good = await ask('/a.B/Get', 'good');
    assert.equal(good.trailers['grpc-message'], 'good');
    const stream = waiting.pop();
    stream?.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream?.end();
    const { trailers, error } = await other;
    assert.deepEqual([trailers['grpc-status'], error], ['0', undefined]);
  }

  for (const [what, message] of [
    ['a line feed', 'not found\n'],
    ['a carriage return', 'not found\r'],
    ['a line feed inside', 'not\nfound'],
  ] as const) {
    test(`A gRPC call whose grpc-message has ${what} fails alone`, () => failsAlone('/a.B/Get', message));
  }

  test('A gRPC call whose answer has 100 trailers, or 58 KiB of them, passes both gateways', async () => {
    for (const [fields, bytes] of [
      [90, 0],
      [98, 0],
      [50, 40 * 1024],
      [50, 57 * 1024],
    ] as const) {
      const { trailers } = await ask('/a.B/Get', 'good', { fields, bytes });
      assert.deepEqual([trailers['grpc-status'], trailers['grpc-message']], ['5', 'good'], `${fields}, ${bytes}`);
      assert.equal(Object.keys(trailers).filter((name) => name.startsWith('t')).length, fields);
    }
  });

  // 110 fields and 64 KiB are within what the egress takes from a peer: the ingress is the one that must refuse them.
  for (const [fields, bytes] of [
    [99, 0],
    [110, 0],
    [140, 0],
    [50, 64 * 1024],
    [50, 90 * 1024],
  ] as const) {
    test(`A gRPC call whose answer has trailers beyond the limit fails alone (${fields} fields, ${bytes} bytes)`, () =>
      failsAlone('/a.B/Get', 'good', { fields, bytes }));
  }

  for (const trailers of [many(101), many(140), many(50, 40 * 1024), many(50, 60 * 1024)]) {
    const bytes = JSON.stringify(trailers).length;
    test(`A gRPC call whose own trailers are beyond the limit fails alone (${Object.keys(trailers).length} fields, ${bytes} bytes)`, () =>
      failsAlone('/a.B/Get', 'good', { trailers }));
  }

  test('A gRPC call that the gateway refuses has no line feed in its grpc-message', async () => {
    const { trailers } = await ask('/c.D/Get');
    assert.deepEqual([trailers['grpc-status'], trailers['grpc-message']], ['7', 'gateway: 403']);
  });
});
