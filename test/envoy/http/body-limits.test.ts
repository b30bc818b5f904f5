// Limits of bodies where a request goes on while it is answered: WebSockets and gRPC streams, on real Envoys.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  createServer as createHttp2Server,
  type Http2Server,
  type IncomingHttpHeaders,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { freePorts } from '../../../deploy/demo/ports.ts';
import { acceptWebSocket, BINARY, openWebSocket, TEXT, type WebSocketEnd } from '../../support/clients/websocket.ts';
import { eventually } from '../../support/mesh.ts';
import { certify, issuerOf } from '../callers.ts';
import { type Ca, MeshUnderTest, newCa } from '../pipeline.ts';
import { RealEnvoy } from '../real-envoy.ts';
import { staticBootstrap } from '../static-bootstrap.ts';

const SHOP = 'spiffe://shop.example/gateway/egress';
const LIMIT = 65536;

describe('a limit of bodies', () => {
  const now = Date.now();
  const cas = new Map<string, Ca>([
    ['bank.example', newCa('bank.example', now)],
    ['shop.example', newCa('shop.example', now)],
  ]);
  const running: RealEnvoy[] = [];
  const closing: (() => void)[] = [];
  let local = 0;
  let session: ClientHttp2Session;
  /** How each call that reached the gRPC backend ended there. */
  const ends: string[] = [];

  async function listening(server: Server | Http2Server): Promise<string> {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closing.push(() => void server.close());
    return `"127.0.0.1:${(server.address() as AddressInfo).port}"`;
  }

  before(async () => {
    const [port = 0, calling = 0, adminA = 0, adminB = 0] = await freePorts('127.0.0.1', 4);
    local = calling;
    const sockets = createServer();
    sockets.on('upgrade', (asked, socket: Socket, head: Buffer) => {
      closing.push(() => socket.destroy());
      acceptWebSocket(asked, socket, head);
    });
    const echo = createHttp2Server();
    echo.on('stream', (stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.on('aborted', () => ends.push('aborted'));
      stream.on('end', () => ends.push('ended'));
      stream.on('error', () => 0);
      stream.pipe(stream);
    });
    const [ws, grpc] = [await listening(sockets), await listening(echo)];
    const small = `limits: {requestBody: ${LIMIT / 1024}KiB}`;
    const bank = `
apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {ingress: {address: "127.0.0.1:${port}"}}
peers: {shop: {trustDomain: shop.example, trustBundle: shop.pem, gatewayIdentities: [gateway/egress]}}
exports:
- {name: chat, backend: ${ws}, upgrades: [websocket], consumers: [{peer: shop, methods: [GET], paths: [/*]}]}
- {name: small, backend: ${ws}, upgrades: [websocket], ${small}, consumers: [{peer: shop, methods: [GET], paths: [/*]}]}
- {name: grpc, protocol: grpc, backend: ${grpc}, ${small}, consumers: [{peer: shop, paths: [/*]}]}
`;
    const shop = `
apiVersion: postern/v1
mesh: {name: shop, trustDomain: shop.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {egress: {address: 127.0.0.1}}
peers: {bank: {trustDomain: bank.example, trustBundle: bank.pem, gatewayIdentities: [gateway/ingress], addresses: ["127.0.0.1:${port}"]}}
imports:
- {peer: bank, name: chat, as: chat.bank, port: ${local}, upgrades: [websocket]}
- {peer: bank, name: small, as: small.bank, port: ${local}, upgrades: [websocket]}
- {peer: bank, name: chat, as: limited.bank, port: ${local}, upgrades: [websocket], ${small}}
`;
    running.push(
      await RealEnvoy.start(staticBootstrap(new MeshUnderTest(bank, cas, now).resources('ingress'), adminA), adminA),
      await RealEnvoy.start(staticBootstrap(new MeshUnderTest(shop, cas, now).resources('egress'), adminB), adminB),
    );
    session = connect(`https://127.0.0.1:${port}`, {
      servername: 'shop.example.peers.bank.example',
      rejectUnauthorized: false,
      ...certify(issuerOf(cas.get('shop.example') as Ca, 'shop.example', now), [SHOP], now),
    });
    session.on('error', () => 0);
  });

  after(async () => {
    session.destroy();
    for (const close of closing) close();
    await Promise.all(running.map((envoy) => envoy.stop()));
  });

  async function webSocket(name: string): Promise<WebSocketEnd> {
    const { status, socket } = await openWebSocket({
      host: '127.0.0.1',
      port: local,
      authority: `${name}.bank`,
      path: '/',
    });
    assert.equal(status, 101);
    assert.ok(socket);
    closing.push(() => socket.stream.destroy());
    socket.send(TEXT, 'first');
    await eventually('it echoes', () => socket.received.length === 1);
    return socket;
  }

  for (const [name, whose] of [
    ['small', 'an export'],
    ['limited', 'an import'],
  ])
    test(`All that a caller sends on a WebSocket counts as one body of ${whose}, and above the limit it is ended`, async () => {
      const [socket, other] = [await webSocket(`${name}`), await webSocket('chat')];
      await sendsUntil(socket, LIMIT);
      assert.equal(socket.ended, true);
      assert.ok(socket.received.length * 8192 <= LIMIT);
      const envoy = running[name === 'small' ? 0 : 1];
      await eventually('the log says why', () =>
        (envoy?.log ?? []).some((line) => line['reason'] === 'BODY_LIMIT' && line['code'] === 101),
      );
      await sendsUntil(other, 2 * LIMIT);
      assert.equal(other.ended, false);
    });

  /** Sends and waits for the echo, until this much is sent or the WebSocket has ended. */
  async function sendsUntil(socket: WebSocketEnd, bytes: number): Promise<void> {
    for (let sent = 0; sent < bytes && !socket.ended; sent += 8192) {
      const had = socket.received.length;
      socket.send(BINARY, Buffer.alloc(8192, 'x'));
      await eventually('it is echoed, or ended', () => socket.received.length > had || socket.ended);
    }
  }

  function call(): { readonly stream: ClientHttp2Stream; received: number; head: IncomingHttpHeaders } {
    const stream = session.request({
      ':method': 'POST',
      ':path': '/a.B/C',
      ':authority': 'grpc.exports.bank.example',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const called = { stream, received: 0, head: {} as IncomingHttpHeaders };
    stream.on('response', (head) => (called.head = head));
    stream.on('data', (data: Buffer) => (called.received += data.length));
    stream.on('error', () => 0);
    return called;
  }

  test('All messages of a gRPC call count together: a stream that is being answered is reset, at both ends', async () => {
    const called = call();
    const { stream } = called;
    for (let sent = 8192; sent <= LIMIT; sent += 8192) {
      stream.write(Buffer.alloc(8192));
      await eventually('it is echoed', () => called.received === sent);
    }
    assert.equal(stream.closed, false);
    stream.write(Buffer.alloc(8192));
    await eventually('it is reset', () => stream.closed);
    assert.deepEqual([stream.rstCode, called.head[':status'], called.received], [2, 200, LIMIT]);
    await eventually('the backend sees it', () => ends.at(-1) === 'aborted');
  });

  test('A gRPC call that is above the limit before its answer gets the status RESOURCE_EXHAUSTED', async () => {
    const called = call();
    called.stream.end(Buffer.alloc(4 * LIMIT));
    await eventually('it is answered', () => called.stream.closed);
    assert.deepEqual([called.head[':status'], called.head['grpc-status'], called.received], [200, '8', 0]);
    assert.ok(!ends.includes('ended'), 'the backend saw no whole request');
  });
});
