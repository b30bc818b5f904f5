// Limits on running gateways: a change of them reaches what is running, ends nothing, and a peer at its limit is alone with it.
// Must not: assert how long anything takes; what passes, and which limit refused the rest, is in the answers and in the log.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { type ClientHttp2Session, connect } from 'node:http2';
import { connect as connectTcp, createServer as createTcpServer } from 'node:net';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { ReasonCode } from '../../../src/envoy/reasons.ts';
import { formatHostPort, type HostPort } from '../../../src/host-port.ts';
import { leaf } from '../../support/leaf.ts';
import { eventually, Testbed, type TestMesh } from '../../support/mesh.ts';
import { LOCAL_NAME, type Pair, startPair, statusOf } from '../pair.ts';

/** What a client has received so far, and whether that is all. */
interface Received {
  text: string;
  ended: boolean;
}

describe('limits on running gateways', () => {
  let bed: Testbed;
  let closing: (() => void)[];
  /** Answers of the backend that go on. */
  let open: ServerResponse[];

  beforeEach(async () => {
    bed = await Testbed.create();
    closing = [];
    open = [];
  });

  afterEach(async () => {
    for (const close of closing) close();
    await bed.close();
  });

  async function pair(): Promise<Pair & { readonly ingress: HostPort }> {
    const [ingress, backend] = [await bed.address(), await bed.address()];
    const server = createServer((asked, response) => {
      if (asked.url === '/stream') open.push(response.writeHead(200));
      else response.end('served');
    }).listen(backend.port, backend.host);
    await once(server, 'listening');
    closing.push(
      () => void server.close(),
      () => server.closeAllConnections(),
    );
    const made = await startPair(bed, ingress, backend, {
      keys: {
        caller: 'limits: {requestsPerSecond: 1001}',
        exported: 'limits: {requestsPerSecond: 1002}',
        imported: 'limits: {requestsPerSecond: 1003}',
      },
    });
    await eventually('a call passes', async () => (await statusOf(made.egress, 'GET', '/')) === 200);
    return { ...made, ingress };
  }

  /** A TCP export with a limit of its own, and a connection through it that echoes. */
  async function tcpConnection({ bank, shop }: Pair): Promise<{ write(text: string): void; received: Received }> {
    const [backend, local] = [await bed.address(), await bed.address()];
    const server = createTcpServer((socket) => socket.on('error', () => 0).pipe(socket));
    server.listen(backend.port, backend.host);
    await once(server, 'listening');
    bank.edit(
      (yaml) =>
        `${yaml}- {name: ledger, protocol: tcp, backend: "${formatHostPort(backend)}", limits: {connections: 7}, consumers: [{peer: shop}]}\n`,
    );
    shop.edit((yaml) => `${yaml}- {peer: bank, name: ledger, as: ledger.bank, port: ${local.port}, protocol: tcp}\n`);
    const dial = async (): Promise<{ write(text: string): void; received: Received }> => {
      const socket = connectTcp(local.port, local.host);
      const received = { text: '', ended: false };
      closing.push(() => socket.destroy());
      socket.on('data', (data: Buffer) => (received.text += data.toString()));
      for (const end of ['error', 'close', 'end']) socket.on(end, () => (received.ended = true));
      socket.write('first');
      await eventually('it is echoed, or ended', () => received.text === 'first' || received.ended);
      return { write: (text) => void socket.write(text), received };
    };
    let dialled = await dial();
    await eventually('the TCP import answers', async () => {
      if (dialled.received.text !== 'first') dialled = await dial();
      return dialled.received.text === 'first';
    });
    closing.push(() => void server.close());
    return dialled;
  }

  async function stream(egress: HostPort): Promise<Received> {
    const received = { text: '', ended: false };
    const sent = request({ ...egress, path: '/stream', agent: false, headers: { host: LOCAL_NAME } });
    sent.on('response', (response: IncomingMessage) => {
      response.on('data', (data: Buffer) => (received.text += data.toString()));
      response.on('close', () => (received.ended = true));
    });
    sent.on('error', () => (received.ended = true)).end();
    closing.push(() => sent.destroy());
    await eventually('the stream is at the backend', () => open.length === 1);
    return received;
  }

  /** How often a gateway changed a listener or closed a connection with the other gateway. */
  async function disturbances(mesh: TestMesh, role: 'ingress' | 'egress'): Promise<readonly string[]> {
    const closed =
      role === 'ingress' ? 'http\\.(?!admin).*downstream_cx_destroy' : 'cluster\\.(?:import|dial).*cx_destroy';
    const wanted = new RegExp(`^(?:listener_manager\\.listener_(?:modified|in_place_updated|removed)|${closed}): `);
    const stats = (await mesh.envoyAdmin(role, '/stats')).split('\n').filter((line) => wanted.test(line));
    assert.ok(stats.length >= 4, stats.join());
    return stats;
  }

  /** Asks until a gateway refuses a request for this limit. */
  async function isReached(
    mesh: TestMesh,
    role: 'ingress' | 'egress',
    limit: ReasonCode,
    egress: HostPort,
  ): Promise<void> {
    await eventually(`${limit} is reached`, async () => {
      await Promise.all([1, 2, 3].map(() => statusOf(egress, 'GET', '/')));
      return mesh.log(role).some((line) => line['reason'] === limit && line['code'] === 429);
    });
  }

  test('A changed limit takes effect, and ends no connection and no stream', async () => {
    const made = await pair();
    const { bank, shop, egress } = made;
    const tcp = await tcpConnection(made);
    const http = await stream(egress);
    await Promise.all([bank.settled(), shop.settled()]);
    const before = [await disturbances(bank, 'ingress'), await disturbances(shop, 'egress')];
    for (const [mesh, role, limit, figure] of [
      [bank, 'ingress', 'CONSUMER_RATE_LIMIT', 1002],
      [bank, 'ingress', 'PEER_RATE_LIMIT', 1001],
      [shop, 'egress', 'IMPORT_RATE_LIMIT', 1003],
    ] as const) {
      const good = mesh.yaml;
      mesh.edit((yaml) => yaml.replace(`requestsPerSecond: ${figure}`, 'requestsPerSecond: 1'));
      await isReached(mesh, role, limit, egress);
      mesh.write(good);
      await eventually('all pass again', async () => {
        const answers = await Promise.all(Array.from({ length: 10 }, () => statusOf(egress, 'GET', '/')));
        return answers.every((status) => status === 200);
      });
    }
    bank.edit((yaml) => yaml.replace('limits: {connections: 7}', 'limits: {connections: 1}'));
    await eventually('the gateway has the cluster', async () =>
      /max_connections": 1\b/.test(await bank.envoyAdmin('ingress', '/config_dump?resource=dynamic_active_clusters')),
    );
    await Promise.all([bank.settled(), shop.settled()]);
    open[0]?.write('streamed');
    tcp.write(' second');
    await eventually('the stream goes on', () => http.text === 'streamed');
    await eventually('the TCP connection goes on', () => tcp.received.text === 'first second');
    assert.deepEqual([http.ended, tcp.received.ended], [false, false]);
    assert.deepEqual([await disturbances(bank, 'ingress'), await disturbances(shop, 'egress')], before);
    // Only this one does, gracefully; it shows that what is compared above sees it.
    bank.edit((yaml) => yaml.replace('requestsPerSecond: 1001', 'requestsPerSecond: 1001, connections: 50'));
    await eventually('the connections of the peer end', () => http.ended);
    assert.notDeepEqual(await disturbances(bank, 'ingress'), before[0]);
  });

  test('A body that is refused has a line in the access log, and its query is in no log of the gateway', async () => {
    const { bank, egress } = await pair();
    bank.edit((yaml) => yaml.replace('requestsPerSecond: 1002', 'requestsPerSecond: 1002, requestBody: 1KiB'));
    const post = (): Promise<number | undefined> =>
      new Promise((done) => {
        const sent = request({
          ...egress,
          method: 'POST',
          path: '/?token=s3cret',
          agent: false,
          headers: { host: LOCAL_NAME },
        });
        sent.on('response', (response: IncomingMessage) => {
          response.resume();
          done(response.statusCode);
        });
        sent.on('error', () => done(undefined)).end(Buffer.alloc(65536));
      });
    await eventually('the body is refused', async () => (await post()) === 413);
    await eventually('the log says so', () => bank.log('ingress').some((line) => line['reason'] === 'BODY_LIMIT'));
    const gateway = bank.gateways.get('ingress');
    assert.ok(gateway);
    assert.equal(`${gateway.stdout()}${gateway.stderr()}`.includes('s3cret'), false);
  });

  test('A peer far above its limit leaves the requests of another peer alone', async () => {
    const { bank, egress, ingress } = await pair();
    const folder = await bed.ca('partner.example');
    bank.edit((yaml) =>
      yaml
        .replace(
          'exports:\n',
          '  partner: {trustDomain: partner.example, trustBundle: pki/partner.example/ca.pem, gatewayIdentities: [gateway/egress], limits: {requestsPerSecond: 10}}\nexports:\n',
        )
        .replace('consumers: [', 'consumers: [{peer: partner, methods: [GET], paths: [/*]}, '),
    );
    const credentials = leaf({
      ca: folder,
      caTrustDomain: 'partner.example',
      uris: ['spiffe://partner.example/gateway/egress'],
    });
    const dial = (): ClientHttp2Session => {
      const session = connect(`https://${formatHostPort(ingress)}`, {
        servername: 'partner.example.peers.bank.example',
        rejectUnauthorized: false,
        ...credentials,
      });
      closing.push(() => session.destroy());
      return session.on('error', () => 0);
    };
    const statuses = new Map<number, number>();
    const ask = async (session: ClientHttp2Session): Promise<number> => {
      const asked = session.request({ ':path': '/', ':authority': 'accounts.exports.bank.example' });
      asked.resume().on('error', () => 0);
      const [headers] = (await once(asked, 'response').catch(() => [{}])) as [{ ':status'?: number }];
      const status = headers[':status'] ?? 0;
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      return status;
    };
    await eventually('the partner is served', async () => (await ask(dial())) === 200);
    let isDone = false;
    const floods = [dial(), dial(), dial(), dial()].flatMap((session) =>
      Array.from({ length: 25 }, async () => {
        while (!isDone && !session.closed && !session.destroyed) await ask(session);
      }),
    );
    await eventually('the partner is refused', () => (statuses.get(429) ?? 0) > 1000);
    const answers: unknown[] = [];
    const call = async (): Promise<void> => {
      for (let count = 0; count < 25; count++) answers.push(await statusOf(egress, 'GET', '/'));
    };
    await Promise.all(Array.from({ length: 8 }, call));
    isDone = true;
    await Promise.all(floods);
    assert.deepEqual(answers, Array(200).fill(200));
    const passed = statuses.get(200) ?? 0;
    assert.ok((statuses.get(429) ?? 0) > 10 * passed, JSON.stringify([...statuses]));
  });
});
