// Limits on real Envoys: what is refused, with which answer and which reason in the log, and that nobody else notices.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type ClientHttp2Session, connect } from 'node:http2';
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { LIMIT_MS } from '../../../deploy/demo/limit.ts';
import { freePorts } from '../../../deploy/demo/ports.ts';
import type { ReasonCode } from '../../../src/envoy/reasons.ts';
import { HEALTH_PATH, healthAuthority } from '../../../src/envoy/resource-names.ts';
import { type Answer, callLocally, certify, issuerOf } from '../callers.ts';
import { type Ca, MeshUnderTest, newCa } from '../pipeline.ts';
import { RealEnvoy } from '../real-envoy.ts';
import { staticBootstrap } from '../static-bootstrap.ts';

/** Answers at once, but holds what is asked below /held until it is released. */
class HoldingBackend {
  bytes = 0;
  completed = 0;
  private readonly held: ServerResponse[] = [];
  private readonly server = createServer(async (request, response) => {
    request.on('error', () => 0);
    try {
      for await (const chunk of request) this.bytes += (chunk as Buffer).length;
    } catch {
      return;
    }
    this.completed++;
    if (request.url?.startsWith('/held')) this.held.push(response);
    else response.end('served\n');
  });

  async listen(): Promise<number> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return (this.server.address() as AddressInfo).port;
  }

  async holds(requests: number): Promise<void> {
    await until(() => this.held.length === requests);
  }

  release(): void {
    for (const response of this.held.splice(0)) response.end('served\n');
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}

async function until(holds: () => boolean): Promise<void> {
  const end = Date.now() + LIMIT_MS;
  while (!holds()) {
    if (Date.now() > end) throw new Error('it never came to hold');
    await sleep(10);
  }
}

interface Sent {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: readonly Buffer[];
}

// The rate and the requests at one time are those of two peers: the first test leaves the shop without a token.
const PEERS = ['shop', 'bakery', 'partner', 'guest'] as const;

describe('limits on real Envoys', () => {
  const backend = new HoldingBackend();
  const running: RealEnvoy[] = [];
  const sessions: ClientHttp2Session[] = [];
  const cas = new Map<string, Ca>();
  const now = Date.now();
  let port = 0;
  let local = 0;
  let tcp: readonly number[] = [];
  const echoing = createTcpServer((socket) => {
    socket.on('error', () => 0);
    socket.pipe(socket);
  });

  before(async () => {
    const [listening = 0, adminA = 0, adminB = 0, calling = 0, ...others] = await freePorts('127.0.0.1', 6);
    [port, local, tcp] = [listening, calling, others];
    echoing.listen(0, '127.0.0.1');
    await once(echoing, 'listening');
    const echo = `"127.0.0.1:${(echoing.address() as AddressInfo).port}"`;
    for (const name of ['bank', ...PEERS]) cas.set(`${name}.example`, newCa(`${name}.example`, now));
    const target = `"127.0.0.1:${await backend.listen()}"`;
    const peer = (name: string, limits: string): string =>
      `  ${name}: {trustDomain: ${name}.example, trustBundle: ${name}.pem, gatewayIdentities: [gateway/egress], limits: ${limits}}`;
    const consumer = (name: string, limits = ''): string =>
      `{peer: ${name}, methods: [GET, POST], paths: [/*]${limits}}`;
    const all = PEERS.map((name) => consumer(name)).join(', ');
    const bank = `
apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {ingress: {address: "127.0.0.1:${port}"}}
peers:
${peer('shop', '{requestsPerSecond: 20}')}
${peer('bakery', '{requests: 4}')}
${peer('partner', '{requestsPerSecond: 1000}')}
${peer('guest', '{connections: 2}')}
exports:
- {name: open, backend: ${target}, consumers: [${all}]}
- {name: slow, backend: ${target}, consumers: [${consumer('partner', ', limits: {requestsPerSecond: 5}')}]}
- {name: few, backend: ${target}, consumers: [${consumer('partner', ', limits: {requests: 2}')}]}
- {name: few-tcp, protocol: tcp, backend: ${echo}, consumers: [{peer: guest, limits: {connections: 2}}]}
- {name: tcp, protocol: tcp, backend: ${echo}, consumers: [{peer: guest}]}
- {name: small, backend: ${target}, limits: {requestBody: 64KiB}, consumers: [${consumer('partner')}]}
`;
    const shop = `
apiVersion: postern/v1
mesh: {name: guest, trustDomain: guest.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {egress: {address: 127.0.0.1}}
peers: {bank: {trustDomain: bank.example, trustBundle: bank.pem, gatewayIdentities: [gateway/ingress], addresses: ["127.0.0.1:${port}"]}}
imports:
- {peer: bank, name: open, as: open.bank, port: ${local}}
- {peer: bank, name: open, as: slow.bank, port: ${local}, limits: {requestsPerSecond: 5}}
- {peer: bank, name: open, as: few.bank, port: ${local}, limits: {requests: 2}}
- {peer: bank, name: open, as: small.bank, port: ${local}, limits: {requestBody: 64KiB}}
- {peer: bank, name: few-tcp, as: few-tcp, port: ${tcp[0]}, protocol: tcp}
- {peer: bank, name: tcp, as: tcp, port: ${tcp[1]}, protocol: tcp, limits: {connections: 1}}
`;
    running.push(
      await RealEnvoy.start(staticBootstrap(new MeshUnderTest(bank, cas, now).resources('ingress'), adminA), adminA),
      await RealEnvoy.start(staticBootstrap(new MeshUnderTest(shop, cas, now).resources('egress'), adminB), adminB),
    );
  });

  after(async () => {
    for (const session of sessions) session.destroy();
    await Promise.all(running.map((envoy) => envoy.stop()));
    backend.close();
    echoing.close();
  });

  function dial(peer: (typeof PEERS)[number]): ClientHttp2Session {
    const ca = cas.get(`${peer}.example`);
    assert.ok(ca);
    const session = connect(`https://127.0.0.1:${port}`, {
      servername: `${peer}.example.peers.bank.example`,
      rejectUnauthorized: false,
      ALPNProtocols: ['h2'],
      ...certify(issuerOf(ca, `${peer}.example`, now), [`spiffe://${peer}.example/gateway/egress`], now),
    });
    session.on('error', () => 0);
    sessions.push(session);
    return session;
  }

  function ask(session: ClientHttp2Session, name: string, sent: Sent = {}): Promise<Answer> {
    const { path = '/x', method = 'GET', headers = {}, body } = sent;
    const authority = `${name}.exports.bank.example`;
    return new Promise((done, failed) => {
      const stream = session.request(
        { ':method': method, ':path': path, ':authority': authority, ...headers },
        { endStream: body === undefined },
      );
      let head: Record<string, unknown> = {};
      let text = '';
      stream.on('response', (received) => (head = { ...received }));
      stream.on('data', (data: Buffer) => (text += data.toString()));
      stream.on('error', failed);
      stream.on('close', () => {
        const { ':status': status, ...rest } = head;
        done({ status: Number(status), headers: rest, body: text });
      });
      void write(stream, body);
    });
  }

  async function write(stream: ReturnType<ClientHttp2Session['request']>, body?: readonly Buffer[]): Promise<void> {
    for (const chunk of body ?? []) {
      // A refusal may come before the last chunk.
      if (!stream.writable) return;
      stream.write(chunk);
      await new Promise(setImmediate);
    }
    if (body !== undefined && stream.writable) stream.end();
  }

  /** Waits for the log line of a request that this limit refused. */
  async function refused(role: 'ingress' | 'egress', limit: ReasonCode, answer: string): Promise<void> {
    const envoy = running[role === 'ingress' ? 0 : 1];
    await until(() =>
      (envoy?.log ?? []).some(
        (line) => line['reason'] === limit && `${line['code']} ${line['code_details']}` === answer,
      ),
    );
  }

  function tally(answers: readonly Answer[]): Readonly<Record<number, number>> {
    const counts: Record<number, number> = {};
    for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
    return counts;
  }

  /** The same shape as the 403 of anything else: the same fields and the same words, but for the status. */
  async function isLikeOtherRefusals(answer: Answer): Promise<void> {
    const other = await ask(dial('partner'), 'nothing');
    assert.equal(other.status, 403);
    assert.deepEqual(Object.keys(answer.headers).sort(), Object.keys(other.headers).sort());
    const shape = ({ status, headers, body }: Answer): string =>
      JSON.stringify([body, headers['server'], headers['content-type']]).replace(String(status), 'N');
    assert.equal(shape(answer), shape(other));
  }

  test('A peer above its requests per second gets 429, over all of its connections together, and another peer gets all', async () => {
    const [one, two, other] = [dial('shop'), dial('shop'), dial('partner')];
    const limited = await Promise.all(
      Array.from({ length: 200 }, (_, index) => ask(index % 2 === 0 ? one : two, index % 4 === 0 ? 'nothing' : 'open')),
    );
    const rest = await Promise.all(Array.from({ length: 100 }, () => ask(other, 'open')));
    assert.deepEqual(tally(rest), { 200: 100 });
    assert.ok((tally(limited)[429] ?? 0) >= 100);
    const [answer] = limited.filter(({ status }) => status === 429);
    assert.ok(answer);
    await isLikeOtherRefusals(answer);
    await refused('ingress', 'PEER_RATE_LIMIT', '429 local_rate_limited');
  });

  test('A gRPC call above a limit gets RESOURCE_EXHAUSTED in the words of every refusal', async () => {
    const session = dial('partner');
    const headers = { 'content-type': 'application/grpc', te: 'trailers' };
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => ask(session, 'slow', { method: 'POST', headers, body: [] })),
    );
    const limited = answers.filter((answer) => answer.headers['grpc-status'] === '8');
    assert.ok(limited.length > 20);
    const { date: _, ...rest } = limited[0]?.headers ?? {};
    assert.deepEqual(Object.entries(rest).sort(), [
      ['content-type', 'application/grpc'],
      ['grpc-message', 'gateway: 429'],
      ['grpc-status', '8'],
      ['server', 'gateway'],
    ]);
  });

  test('A consumer above its requests per second gets 429 there, and everything of its other exports', async () => {
    const session = dial('partner');
    const [limited, rest] = await Promise.all([
      Promise.all(Array.from({ length: 50 }, () => ask(session, 'slow'))),
      Promise.all(Array.from({ length: 50 }, () => ask(session, 'open'))),
    ]);
    assert.ok((tally(limited)[429] ?? 0) > 20);
    assert.deepEqual(tally(rest), { 200: 50 });
    await refused('ingress', 'CONSUMER_RATE_LIMIT', '429 local_rate_limited');
    // What access control refuses does not count, and never sees the limit.
    const others = await Promise.all(Array.from({ length: 50 }, () => ask(session, 'slow', { method: 'DELETE' })));
    assert.deepEqual(tally(others), { 403: 50 });
  });

  for (const [whose, peer, name, most] of [
    ['peer', 'bakery', 'open', 4],
    ['consumer', 'partner', 'few', 2],
  ] as const) {
    test(`A ${whose} has no more requests open than its limit, whatever becomes of them, and its answer is 503`, async () => {
      const [one, two] = [dial(peer), dial(peer)];
      const held = Array.from({ length: most }, (_, index) =>
        ask(index % 2 === 0 ? one : two, name, { path: '/held' }),
      );
      await backend.holds(most);
      const over = await ask(two, name);
      assert.equal(over.status, 503);
      await isLikeOtherRefusals(over);
      await refused(
        'ingress',
        whose === 'peer' ? 'PEER_REQUESTS_LIMIT' : 'CONSUMER_REQUESTS_LIMIT',
        '503 reached_concurrency_limit',
      );
      // Another peer goes on.
      assert.equal((await ask(dial('guest'), 'open')).status, 200);
      backend.release();
      assert.deepEqual(tally(await Promise.all(held)), { 200: most });
      // Callers that give up free their places as well.
      const session = dial(peer);
      const given = Array.from({ length: most }, () => ask(session, name, { path: '/held' }).catch(() => 0));
      await backend.holds(most);
      session.destroy();
      await Promise.all(given);
      const again = async (): Promise<number> => (await ask(one, name)).status;
      const end = Date.now() + LIMIT_MS;
      let status = await again();
      while (status !== 200 && Date.now() < end) {
        await sleep(100);
        status = await again();
      }
      assert.equal(status, 200);
      backend.release();
    });
  }

  /** How many requests that have headers and no end are answered, by status, once at most `waiting` of them still wait. */
  async function unended(
    sessions: readonly ClientHttp2Session[],
    headers: Readonly<Record<string, string>>,
    waiting: number,
  ): Promise<Readonly<Record<number, number>>> {
    const counts: Record<number, number> = {};
    const streams = sessions.flatMap((session) =>
      Array.from({ length: 60 }, () => session.request(headers, { endStream: false })),
    );
    for (const stream of streams) {
      stream.on('error', () => 0);
      stream.on('response', ({ ':status': status = 0 }) => (counts[status] = (counts[status] ?? 0) + 1));
    }
    const answered = (): number => Object.values(counts).reduce((sum, count) => sum + count, 0);
    await until(() => answered() >= streams.length - waiting);
    for (const session of sessions) session.destroy();
    return counts;
  }

  test('A CONNECT, which no route and so no limit knows, is refused at once and never waits for its end', async () => {
    const headers = { ':method': 'CONNECT', ':authority': 'open.exports.bank.example' };
    assert.deepEqual(await unended([dial('bakery'), dial('bakery')], headers, 0), { 403: 120 });
  });

  test('What a peer asks under the name of health checks counts as well: refused requests for each second, unended ones at one time', async () => {
    const [authority, path] = [healthAuthority('bank.example'), HEALTH_PATH];
    const session = dial('shop');
    const refusals = await Promise.all(
      Array.from({ length: 400 }, async () => {
        const stream = session.request({ ':method': 'DELETE', ':authority': authority, ':path': '/other' });
        const [{ ':status': status }] = await once(stream.resume(), 'response');
        return { status: Number(status), headers: {}, body: '' };
      }),
    );
    const { 403: refusedOnes = 0, 429: limited = 0, ...rest } = tally(refusals);
    assert.deepEqual(rest, {});
    assert.ok(refusedOnes >= 100 && limited >= 100, JSON.stringify([refusedOnes, limited]));
    const headers = { ':method': 'GET', ':authority': authority, ':path': path };
    const most = [dial('bakery'), dial('bakery'), dial('bakery')];
    const { 503: full = 0, 429: fast = 0, ...answers } = await unended(most, headers, 100);
    assert.deepEqual(answers, {});
    assert.ok(full + fast >= 80);
    // The places of the peer are still free, and its health checks are answered.
    const later = dial('bakery');
    assert.equal((await ask(later, 'open')).status, 200);
    const isHealthy = async (): Promise<boolean> => {
      const [{ ':status': status }] = await once(later.request(headers).resume(), 'response');
      return status === 200;
    };
    const end = Date.now() + LIMIT_MS;
    while (!(await isHealthy())) assert.ok(Date.now() < end);
  });

  const large = Array.from({ length: 64 }, () => Buffer.alloc(16384, 'x'));
  const fits = large.slice(0, 4);

  test('A request body above the limit gets 413, with a declared length before a byte of it has reached the backend', async () => {
    const session = dial('partner');
    for (const [body, status] of [
      [fits, 200],
      [large, 413],
    ] as const) {
      for (const isDeclared of [true, false]) {
        const [bytes, completed] = [backend.bytes, backend.completed];
        const length = String(body.length * 16384);
        const headers = isDeclared ? { 'content-length': length } : {};
        const answer = await ask(session, 'small', { method: 'POST', headers, body });
        assert.equal(answer.status, status);
        if (status === 200) continue;
        await isLikeOtherRefusals(answer);
        assert.equal(backend.completed, completed, 'the backend saw no whole request');
        assert.ok(backend.bytes - bytes <= (isDeclared ? 0 : 65536));
      }
    }
    assert.equal((await ask(session, 'open', { method: 'POST', body: large })).status, 200);
    // A body that is unexpected is a refusal like any other.
    assert.equal((await ask(session, 'small', { body: large })).status, 403);
  });

  test('A peer at its limit of connections gets no further one, and another peer does', async () => {
    const [one, two] = [dial('guest'), dial('guest')];
    // The egress gateway of the other test, and calls that have ended, hold some of the two places.
    const isOpen = async (session: ClientHttp2Session): Promise<boolean> =>
      (await ask(session, 'open').catch(() => ({ status: 0 }))).status === 200;
    const opened = [await isOpen(one), await isOpen(two)];
    const third = dial('guest');
    assert.equal(await isOpen(third), false);
    assert.ok(third.destroyed || third.closed);
    assert.ok(opened.filter(Boolean).length <= 2);
    assert.equal(await isOpen(dial('partner')), true);
    await until(() =>
      (running[0]?.log ?? []).some(
        ({ close, peer, reason }) =>
          close === 'over_connection_limit' && peer === 'guest' && reason === 'CONNECTION_LIMIT',
      ),
    );
    for (const session of sessions.splice(0)) session.destroy();
  });

  test('An import above a limit gets 429, 503 or 413 at the egress, and another import of the same peer gets all', async () => {
    const limited = await Promise.all(Array.from({ length: 50 }, () => callLocally(local, 'slow.bank', '/x')));
    assert.ok((tally(limited)[429] ?? 0) > 20);
    const rest = await Promise.all(Array.from({ length: 50 }, () => callLocally(local, 'open.bank', '/x')));
    assert.deepEqual(tally(rest), { 200: 50 });
    const held = Array.from({ length: 2 }, () => callLocally(local, 'few.bank', '/held'));
    await backend.holds(2);
    assert.equal((await callLocally(local, 'few.bank', '/x')).status, 503);
    assert.equal((await callLocally(local, 'open.bank', '/x')).status, 200);
    backend.release();
    assert.deepEqual(tally(await Promise.all(held)), { 200: 2 });
    await refused('egress', 'IMPORT_RATE_LIMIT', '429 local_rate_limited');
    await refused('egress', 'IMPORT_REQUESTS_LIMIT', '503 reached_concurrency_limit');
    const post = { 'content-length': '1000000' };
    const tooLarge = await callLocally(local, 'small.bank', '/x', post, 'POST').catch((error: Error) => error);
    assert.ok('status' in tooLarge, String(tooLarge));
    assert.deepEqual([tooLarge.status, tooLarge.body], [413, 'gateway: 413\n']);
  });

  for (const [whose, at, most] of [
    ['consumer', 0, 2],
    ['import', 1, 1],
  ] as const) {
    test(`A TCP ${whose} at its limit of connections gets no further one until one of them ends`, async () => {
      const sockets: Socket[] = [];
      /** Whether bytes come back on a new connection; otherwise it is closed. */
      const isEchoed = (): Promise<boolean> => {
        const socket = connectTcp(tcp[at] ?? 0, '127.0.0.1');
        sockets.push(socket);
        socket.on('error', () => 0);
        socket.write('ping');
        return new Promise((done) => {
          socket.on('data', (data: Buffer) => done(String(data) === 'ping'));
          // A reset is an end as well, and comes with an error first.
          socket.on('close', () => done(false));
        });
      };
      for (let count = 0; count < most; count++) assert.equal(await isEchoed(), true);
      assert.equal(await isEchoed(), false);
      sockets[0]?.destroy();
      const end = Date.now() + LIMIT_MS;
      let echoed = await isEchoed();
      while (!echoed && Date.now() < end) {
        await sleep(50);
        echoed = await isEchoed();
      }
      assert.ok(echoed);
      for (const socket of sockets) socket.destroy();
    });
  }
});
