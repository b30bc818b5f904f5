// Bodies on methods that define none, on real Envoys, towards a backend that does not read them.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import { type AddressInfo, createConnection, createServer, type Server } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { freePorts } from '../../../../deploy/demo/ports.ts';
import { certify, issuerOf } from '../../callers.ts';
import { type Ca, MeshUnderTest, newCa } from '../../pipeline.ts';
import { RealEnvoy } from '../../real-envoy.ts';
import { staticBootstrap } from '../../static-bootstrap.ts';

/** A request inside of a body: what a backend executes that takes the body for the next request. */
const WITHDRAW = 'POST /withdraw HTTP/1.1\r\nhost: bank\r\nx-postern-peer: partner\r\ncontent-length: 0\r\n\r\n';

/** Answers every head of a request that it finds on a connection, and never reads a body. */
class HeadsOnly {
  readonly executed: string[] = [];
  private readonly server: Server;

  constructor() {
    this.server = createServer((socket) => {
      let text = '';
      socket.on('error', () => socket.destroy());
      socket.on('data', (data: Buffer) => {
        text += data.toString('latin1');
        for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
          this.executed.push(text.slice(0, end).trim());
          text = text.slice(end + 4);
          socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
        }
      });
    });
  }

  async listen(): Promise<number> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return (this.server.address() as AddressInfo).port;
  }

  close(): void {
    this.server.close();
  }
}

interface Sent {
  readonly headers?: Readonly<Record<string, string>>;
  readonly frames: readonly string[];
  readonly trailers?: Readonly<Record<string, string>>;
}

describe('a body on a method that defines none', () => {
  const backend = new HeadsOnly();
  const running: RealEnvoy[] = [];
  let session: ClientHttp2Session;
  let egress = 0;

  before(async () => {
    const [port = 0, adminA = 0, adminB = 0, local = 0] = await freePorts('127.0.0.1', 4);
    egress = local;
    const now = Date.now();
    const cas = new Map<string, Ca>(['bank.example', 'shop.example'].map((name) => [name, newCa(name, now)]));
    const target = await backend.listen();
    const consumers = '[{peer: shop, methods: [GET, HEAD, DELETE, OPTIONS, POST], paths: [/public, /v1/*]}]';
    const bank = `
apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {ingress: {address: "127.0.0.1:${port}"}}
peers: {shop: {trustDomain: shop.example, trustBundle: shop.pem, gatewayIdentities: [gateway/egress]}}
exports:
- {name: accounts, backend: "127.0.0.1:${target}", consumers: ${consumers}}
- {name: search, backend: "127.0.0.1:${target}", requestBodies: any-method, consumers: ${consumers}}
`;
    const shop = `
apiVersion: postern/v1
mesh: {name: shop, trustDomain: shop.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {egress: {address: 127.0.0.1}}
peers: {bank: {trustDomain: bank.example, trustBundle: bank.pem, gatewayIdentities: [gateway/ingress], addresses: ["127.0.0.1:${port}"]}}
imports:
- {peer: bank, name: accounts, as: accounts.bank, port: ${local}}
- {peer: bank, name: search, as: search.bank, port: ${local}}
`;
    const ingress = new MeshUnderTest(bank, cas, now).resources('ingress');
    running.push(await RealEnvoy.start(staticBootstrap(ingress, adminA), adminA));
    const outgoing = new MeshUnderTest(shop, cas, now).resources('egress');
    running.push(await RealEnvoy.start(staticBootstrap(outgoing, adminB), adminB));
    const ca = cas.get('shop.example');
    assert.ok(ca);
    session = connect(`https://127.0.0.1:${port}`, {
      servername: 'shop.example.peers.bank.example',
      rejectUnauthorized: false,
      ALPNProtocols: ['h2'],
      ...certify(issuerOf(ca, 'shop.example', now), ['spiffe://shop.example/gateway/egress'], now),
    });
    session.on('error', () => 0);
  });

  after(async () => {
    session.destroy();
    await Promise.all(running.map((envoy) => envoy.stop()));
    backend.close();
  });

  /** The status; the frames are sent one after the other, and the last of them does not end the request. */
  async function ask(method: string, name: string, { headers, frames, trailers }: Sent): Promise<number> {
    const stream = session.request(
      { ':method': method, ':path': '/public', ':authority': `${name}.exports.bank.example`, ...headers },
      { endStream: false, waitForTrailers: trailers !== undefined },
    );
    stream.on('wantTrailers', () => stream.sendTrailers({ ...trailers }));
    stream.on('error', () => 0);
    stream.resume();
    const answered = once(stream, 'response') as Promise<[Record<string, unknown>]>;
    for (const frame of frames) {
      // A refusal may come before the last frame.
      if (!stream.writable) break;
      stream.write(frame);
      await new Promise(setImmediate);
    }
    if (stream.writable) stream.end();
    return Number((await answered)[0][':status']);
  }

  const refused: Record<string, Sent> = {
    'of a declared length': { headers: { 'content-length': String(WITHDRAW.length) }, frames: [WITHDRAW] },
    'of no declared length': { frames: [WITHDRAW] },
    'in small frames': { frames: [...WITHDRAW] },
    'of one byte': { frames: ['P'] },
    'of one byte, declared': { headers: { 'content-length': '1' }, frames: ['P'] },
    'larger than any buffer': { frames: ['\r\n', WITHDRAW, 'x'.repeat(100_000)] },
    'before trailers': { frames: [WITHDRAW], trailers: { 'x-last': '1' } },
  };
  for (const [what, sent] of Object.entries(refused)) {
    test(`A body on a method that defines none is refused when it is ${what}, and no byte of the request reaches the backend`, async () => {
      for (const method of ['GET', 'HEAD', 'DELETE', 'OPTIONS']) {
        const executed = backend.executed.length;
        assert.equal(await ask(method, 'accounts', sent), 403, method);
        assert.equal(await ask('GET', 'accounts', { frames: [] }), 200);
        const since = backend.executed.slice(executed).map((head) => head.split('\r\n')[0]);
        assert.deepEqual(since, ['GET /public HTTP/1.1'], method);
      }
    });
  }

  const harmless: Record<string, Sent> = {
    'a length of 0': { headers: { 'content-length': '0' }, frames: [] },
    'an empty last frame': { frames: [] },
    'trailers alone': { frames: [], trailers: { 'x-last': '1' } },
  };
  for (const [what, sent] of Object.entries(harmless)) {
    test(`A request with ${what} has no body and passes`, async () => {
      for (const method of ['GET', 'HEAD', 'DELETE', 'OPTIONS']) {
        assert.equal(await ask(method, 'accounts', sent), 200, method);
        assert.doesNotMatch(backend.executed.at(-1) ?? '', /transfer-encoding/);
      }
    });
  }

  test('A body with any method passes when the export has requestBodies: any-method', async () => {
    const body = { headers: { 'content-length': '2' }, frames: ['{}'] };
    assert.equal(await ask('GET', 'search', body), 200);
    assert.match(backend.executed.at(-1) ?? '', /^GET \/public[\s\S]*content-length: 2/);
    assert.equal(await ask('DELETE', 'search', { frames: ['{}'] }), 200);
  });

  test('A POST with a body passes', async () => {
    assert.equal(await ask('POST', 'accounts', { headers: { 'content-length': '2' }, frames: ['{}'] }), 200);
    assert.match(backend.executed.at(-1) ?? '', /^POST \/public[\s\S]*content-length: 2/);
  });

  /** The status line of the answer to these bytes, sent to the egress gateway as a local caller would. */
  async function sendLocally(bytes: string): Promise<string> {
    const socket = createConnection(egress, '127.0.0.1');
    socket.write(bytes);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    return answer.toString().split('\r\n')[0] ?? '';
  }

  test('A body on a GET is refused when a local caller sends it over HTTP/1.1, with a length or in chunks', async () => {
    const head = (name: string, more: string): string =>
      `GET /public HTTP/1.1\r\nHost: ${name}.bank\r\n${more}\r\n\r\n`;
    const executed = backend.executed.length;
    const declared = head('accounts', `Content-Length: ${WITHDRAW.length}`) + WITHDRAW;
    assert.equal(await sendLocally(declared), 'HTTP/1.1 403 Forbidden');
    const chunks = `${WITHDRAW.length.toString(16)}\r\n${WITHDRAW}\r\n0\r\n\r\n`;
    assert.equal(await sendLocally(head('accounts', 'Transfer-Encoding: chunked') + chunks), 'HTTP/1.1 403 Forbidden');
    assert.equal(backend.executed.length, executed);
    assert.equal(await sendLocally(`${head('search', 'Content-Length: 2')}{}`), 'HTTP/1.1 200 OK');
  });
});
