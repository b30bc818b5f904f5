// WebSockets through both gateways, and extended CONNECT (RFC 8441) by a peer that means something else: real Envoys.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type ClientHttp2Stream, connect, type OutgoingHttpHeaders } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { freePorts } from '../../../deploy/demo/ports.ts';
import {
  acceptWebSocket,
  BINARY,
  CLOSE,
  type Opened,
  openWebSocket,
  PING,
  PONG,
  TEXT,
} from '../../support/clients/websocket.ts';
import { eventually } from '../../support/mesh.ts';
import { type Certificate, certify, issuerOf } from '../callers.ts';
import { type Ca, MeshUnderTest, newCa } from '../pipeline.ts';
import { RealEnvoy } from '../real-envoy.ts';
import { staticBootstrap } from '../static-bootstrap.ts';
import { bankYaml, shopYaml } from './websocket-scene.ts';

const SHOP = 'spiffe://shop.example/gateway/egress';
/** The body of a close: the code 1000. */
const NORMAL = Buffer.from([0x03, 0xe8]);

describe('WebSockets', () => {
  const now = Date.now();
  const cas = new Map<string, Ca>([['shop.example', newCa('shop.example', now)]]);
  const asked: IncomingMessage[] = [];
  const accepted: ReturnType<typeof acceptWebSocket>[] = [];
  const requests: string[] = [];
  let backend: Server;
  let connections = 0;
  let ingress: RealEnvoy;
  let egress: RealEnvoy;
  let port = 0;
  let local = 0;
  let client: Certificate;

  before(async () => {
    const [a = 0, b = 0, adminA = 0, adminB = 0] = await freePorts('127.0.0.1', 4);
    [port, local] = [a, b];
    // Answers requests, too: a server that knows no WebSocket ignores an offer to upgrade.
    backend = createServer((request, response) => {
      requests.push(`${request.method} ${request.url}`);
      request.resume();
      if (request.url !== '/never') response.end('served');
    });
    backend.keepAliveTimeout = 60_000;
    backend.on('connection', () => (connections += 1));
    backend.listen(0, '127.0.0.1');
    await once(backend, 'listening');
    const bank = new MeshUnderTest(bankYaml(port, (backend.address() as AddressInfo).port), cas, now);
    const shop = new MeshUnderTest(shopYaml(port, local), cas, now);
    ingress = await RealEnvoy.start(staticBootstrap(bank.resources('ingress'), adminA), adminA);
    egress = await RealEnvoy.start(staticBootstrap(shop.resources('egress'), adminB), adminB);
    client = certify(issuerOf(cas.get('shop.example') as Ca, 'shop.example', now), [SHOP], now);
  });

  after(async () => {
    await Promise.all([ingress.stop(), egress.stop()]);
    backend.close();
    backend.closeAllConnections();
  });

  /** From here on the backend accepts WebSockets, or knows none. */
  function backendAccepts(accepts: boolean, ends: 'itself' | 'after its client' = 'itself'): void {
    backend.removeAllListeners('upgrade');
    if (!accepts) return;
    backend.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      asked.push(request);
      accepted.push(acceptWebSocket(request, socket, head, ends));
    });
  }

  const open = (name: string, path: string, more: object = {}): Promise<Opened> =>
    openWebSocket({ host: '127.0.0.1', port: local, authority: `${name}.bank`, path, ...more });

  test('A WebSocket of both files passes: its handshake, messages of all sizes, pings, and its close', async () => {
    backendAccepts(true);
    const headers = ['Origin: https://app.example', 'Sec-WebSocket-Protocol: chat, superchat', 'Cookie: a=b'];
    const { status, headers: answered, socket } = await open('chat', '/ws?room=1', { headers });
    assert.equal(status, 101);
    assert.ok(socket);
    assert.ok(answered.includes('sec-websocket-protocol: chat'), answered.join());
    const got = asked.at(-1);
    assert.deepEqual([got?.method, got?.url, got?.httpVersion], ['GET', '/ws?room=1', '1.1']);
    assert.equal(got?.headers['x-postern-peer'], 'shop');
    assert.deepEqual([got?.headers.origin, got?.headers.cookie], ['https://app.example', 'a=b']);
    const large = Buffer.alloc(1024 * 1024, 'x');
    const sent: [number, Buffer][] = [
      [TEXT, Buffer.from('hello')],
      [BINARY, Buffer.from([0, 255, 0])],
      [TEXT, Buffer.alloc(0)],
      [PING, Buffer.from('are you there')],
      [BINARY, large],
    ];
    for (const [opcode, data] of sent) socket.send(opcode, data);
    await eventually('all are answered', () => socket.received.length === sent.length);
    assert.equal(socket.ended, false);
    assert.deepEqual(
      socket.received.map(({ opcode, data }) => [opcode, data.length]),
      sent.map(([opcode, data]) => [opcode === PING ? PONG : opcode, data.length]),
    );
    assert.ok(socket.received[4]?.data.equals(large));
    socket.send(CLOSE, NORMAL);
    await eventually('the server answers the close and ends', () => socket.ended);
    assert.deepEqual(socket.received.at(-1), { opcode: CLOSE, data: NORMAL });
  });

  test('What a server sends before its close arrives whole when it leaves the end to its client', async () => {
    backendAccepts(true, 'after its client');
    const { socket } = await open('chat', '/ws');
    assert.ok(socket);
    const large = Buffer.alloc(1024 * 1024, 'y');
    socket.send(BINARY, large);
    socket.send(CLOSE, NORMAL);
    await eventually('both are answered', () => socket.received.length === 2);
    assert.ok(socket.received[0]?.data.equals(large));
    assert.deepEqual(socket.received[1], { opcode: CLOSE, data: NORMAL });
    assert.deepEqual([socket.ended, accepted.at(-1)?.ended], [false, false]);
    socket.stream.end();
    await eventually('it ends at both ends', () => socket.ended && accepted.at(-1)?.ended === true);
  });

  test('A client may write WebSocket as it likes', async () => {
    backendAccepts(true);
    for (const upgrade of ['WebSocket', 'WEBSOCKET']) {
      const { status, socket } = await open('chat', '/ws', { upgrade });
      assert.equal(status, 101);
      socket?.send(TEXT, upgrade);
      await eventually('it is answered', () => socket?.received[0]?.data.toString() === upgrade);
      socket?.stream.destroy();
      assert.equal((await open('plain', '/ws', { upgrade })).status, 403);
    }
  });

  test('What the server sends with its handshake arrives, and many are open at one time', async () => {
    backendAccepts(true);
    const all = await Promise.all(Array.from({ length: 150 }, (_, at) => open('chat', `/rooms/${at}`)));
    for (const [at, { socket }] of all.entries()) socket?.send(TEXT, `of ${at}`);
    await eventually('each is answered', () => all.every(({ socket }) => socket?.received.length === 1));
    assert.ok(all.every(({ socket }, at) => socket?.received[0]?.data.toString() === `of ${at}`));
    for (const { socket } of all) socket?.stream.destroy();
  });

  test('Only a GET of a granted path is upgraded, and only where both files say so; refusals are alike', async () => {
    backendAccepts(true);
    const before = asked.length;
    const refused = await open('chat', '/not-granted');
    assert.deepEqual([refused.status, refused.body], [403, 'gateway: 403\n']);
    for (const [name, path, more] of [
      ['plain', '/ws'],
      ['chat', '/post'],
      ['chat', '/post', { method: 'POST' }],
      ['chat', '/rooms/..;/x'],
      ['chat-without', '/ws'],
      ['chat', '/ws', { upgrade: 'tcp' }],
    ] as const) {
      const { status, body, headers } = await open(name, path, more);
      assert.deepEqual([status, body], [403, 'gateway: 403\n'], `${name} ${path} ${JSON.stringify(more)}`);
      // What a caller sees of the peer's refusal, or of its own gateway's.
      const alike = (all: readonly string[]): readonly string[] =>
        all.filter((one) => !/^(server|connection)/.test(one));
      assert.deepEqual(alike(headers), alike(refused.headers));
    }
    assert.equal(asked.length, before);
    assert.equal((await open('chat', '/ws', { upgrade: 'connect-udp' })).status, 404);
    assert.equal(asked.length, before);
    // An offer that a server may ignore (RFC 9113, 3.1), and that no backend sees.
    requests.length = 0;
    const { status, body } = await open('chat', '/ws', { upgrade: 'h2c' });
    assert.deepEqual([status, body, requests, asked.length], [200, 'served', ['GET /ws'], before]);
  });

  test('A WebSocket that is silent for longer than timeouts.idle ends', async () => {
    backendAccepts(true);
    const { socket } = await open('short', '/ws');
    assert.ok(socket);
    socket.send(TEXT, 'first');
    await eventually('it is answered, and ends', () => socket.received.length === 1 && socket.ended);
  });

  test('timeouts.request ends a request without an answer, and no open WebSocket', async () => {
    backendAccepts(true);
    const { socket } = await open('timed', '/ws');
    assert.ok(socket);
    const late = await open('timed', '/never', { upgrade: 'TLS/1.0' });
    assert.deepEqual([late.status, late.body], [504, 'gateway: 504\n']);
    socket.send(TEXT, 'later');
    await eventually('it is answered', () => socket.received.length === 1);
    socket.stream.destroy();
  });

  test('Where a rule has workloads, a WebSocket needs their claim as any request does', async () => {
    backendAccepts(true);
    const { status, body } = await open('claimed', '/ws');
    assert.deepEqual([status, body], [403, 'gateway: 403\n']);
    const claimed = (workload: string): Promise<Tunnel> =>
      fromPeer({
        ...extended('websocket'),
        ':authority': 'claimed.exports.bank.example',
        'x-forwarded-client-cert': `By=${SHOP};Hash=${'0'.repeat(64)};URI=spiffe://shop.example/${workload}`,
      });
    const [right, other] = [await claimed('ns/web/sa/front'), await claimed('ns/web/sa/other')];
    assert.deepEqual([await right.status, await other.status], [200, 403]);
    for (const tunnel of [right, other]) tunnel.close();
  });

  interface Tunnel {
    readonly stream: ClientHttp2Stream;
    readonly status: Promise<number | string>;
    body(): string;
    headers(): Record<string, unknown>;
    close(): void;
  }

  /** A stream of a peer's gateway that its own hands write. */
  async function fromPeer(headers: OutgoingHttpHeaders): Promise<Tunnel> {
    const session = connect(`https://127.0.0.1:${port}`, {
      servername: 'shop.example.peers.bank.example',
      rejectUnauthorized: false,
      ALPNProtocols: ['h2'],
      ...client,
    });
    session.on('error', () => undefined);
    await once(session, 'remoteSettings');
    const stream = session.request(headers, { endStream: false });
    let [text, fields]: [string, Record<string, unknown>] = ['', {}];
    stream.on('data', (data: Buffer) => (text += data.toString()));
    const status = new Promise<number | string>((done) => {
      stream.on('response', (got) => {
        fields = { ...got };
        done(Number(got[':status']));
      });
      stream.on('error', (error: Error) => done(error.message));
      stream.on('close', () => done('closed'));
    });
    return { stream, status, body: () => text, headers: () => fields, close: () => session.destroy() };
  }

  const extended = (protocol: string, more: OutgoingHttpHeaders = {}): OutgoingHttpHeaders => ({
    ':method': 'CONNECT',
    ':protocol': protocol,
    ':scheme': 'https',
    ':path': '/ws',
    ':authority': 'chat.exports.bank.example',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...more,
  });

  test('A peer’s extended CONNECT is judged as the GET that it is', async () => {
    backendAccepts(true);
    const opened = await fromPeer(extended('websocket', { ':path': '/logged' }));
    assert.equal(await opened.status, 200);
    opened.close();
    const line = () => ingress.log.find((one) => one['path'] === '/logged');
    await eventually('it is logged', () => line() !== undefined);
    assert.deepEqual([line()?.['method'], line()?.['rule']], ['GET', 'exports.chat.consumers.shop.allow[0]']);
  });

  test('No other extended CONNECT, and no plain one, opens a tunnel or reaches a backend', async () => {
    backendAccepts(true);
    const before = [connections, asked.length, requests.length];
    const wrong: readonly (readonly [what: string, headers: OutgoingHttpHeaders])[] = [
      ...['connect-udp', 'connect-ip', 'connect-tcp', 'h2c', 'HTTP/2.0', 'tls', 'bytestream', 'websocket2', 'web', '*']
        .concat('websocket, h2c', 'h2c, websocket', 'websocket ', 'raw')
        .map((protocol) => [`:protocol ${protocol}`, extended(protocol)] as const),
      ['an export without upgrades', extended('websocket', { ':authority': 'plain.exports.bank.example' })],
      ['no export', extended('websocket', { ':authority': 'none.exports.bank.example' })],
      ['a backend', extended('websocket', { ':authority': '127.0.0.1:80' })],
      ['the health check', extended('websocket', { ':authority': 'health.gateway.bank.example', ':path': '/healthz' })],
      ['another path', extended('websocket', { ':path': '/admin' })],
      ['a path of POST', extended('websocket', { ':path': '/post' })],
      ['a declared body', extended('websocket', { 'content-length': '5' })],
      ['plain CONNECT', { ':method': 'CONNECT', ':authority': 'chat.exports.bank.example' }],
      ['plain CONNECT to a port', { ':method': 'CONNECT', ':authority': '127.0.0.1:80' }],
    ];
    for (const [what, headers] of wrong) {
      const tunnel = await fromPeer(headers);
      tunnel.stream.write('GET /secret HTTP/1.1\r\nHost: x\r\n\r\n');
      const status = await tunnel.status;
      assert.ok(status === 403 || typeof status === 'string', `${what}: ${status}`);
      if (status === 403) {
        await eventually('the refusal is whole', () => tunnel.body().endsWith('\n'));
        assert.equal(tunnel.body(), 'gateway: 403\n', what);
        const { date: _, ':status': __, ...rest } = tunnel.headers();
        assert.deepEqual(
          Object.fromEntries(Object.entries(rest)),
          { server: 'gateway', 'content-length': '13', 'content-type': 'text/plain' },
          what,
        );
      }
      tunnel.close();
    }
    assert.deepEqual([connections, asked.length, requests.length], before);
  });

  test('What follows a handshake reaches no backend that did not agree to the upgrade', async () => {
    backendAccepts(false);
    requests.length = 0;
    for (const [protocol, answered] of [
      ['websocket', true],
      ['websocket', false],
      ['WebSocket', true],
      ['WebSocket', false],
    ] as const) {
      const tunnel = await fromPeer(extended(protocol));
      const secret = 'GET /secret HTTP/1.1\r\nHost: x\r\n\r\n';
      // Before the backend has answered, and after it.
      if (!answered) tunnel.stream.write(secret);
      const status = await tunnel.status;
      if (answered) tunnel.stream.write(secret);
      assert.notEqual(status, 101);
      await eventually('it ends', () => tunnel.stream.closed || tunnel.stream.readableEnded);
      tunnel.close();
    }
    assert.ok(requests.length > 0);
    assert.deepEqual([...new Set(requests)], ['GET /ws']);
  });
});
