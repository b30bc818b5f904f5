// What real callers and backends do to two gateways: give up, come all at once, read nothing, close idle connections.
// Must not: assert a speed; what is asserted is who is answered, and how often a backend was asked.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { HostPort } from '../../../src/host-port.ts';
import { eventually, Testbed } from '../../support/mesh.ts';
import { type Answer, Front, LOCAL_NAME, type Pairing, passes, startPairBefore, statusOf } from '../pair.ts';

describe('real traffic', () => {
  let bed: Testbed;
  let closing: (() => void)[];

  beforeEach(async () => {
    bed = await Testbed.create();
    closing = [];
  });

  afterEach(async () => {
    await bed.close();
    for (const close of closing) close();
  });

  async function pair(answer: Answer, options: Pairing = {}) {
    const made = await startPairBefore(bed, answer, options);
    closing.push(made.close);
    return made;
  }

  /** A port that is free at every address; the testbed's ports are claimed at one, and so are not. */
  async function anyAddress(): Promise<HostPort> {
    const server = createServer().listen(0, '::');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    return { host: '::', port };
  }

  /** A caller with a connection of its own that sends a request and reads nothing. */
  async function sendOnly({ host, port }: HostPort, path: string): Promise<Socket> {
    const socket = connect(port, host);
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    socket.pause();
    await new Promise((sent) => socket.write(`GET ${path} HTTP/1.1\r\nHost: ${LOCAL_NAME}\r\n\r\n`, sent));
    return socket;
  }

  test('1,500 callers that give up end no other call', async () => {
    let slow: ServerResponse | undefined;
    let given = 0;
    const { bank, egress } = await pair((asked, response) => {
      asked.resume();
      if (asked.url === '/slow') slow = response;
      else if (asked.url === '/never') response.on('close', () => (given += 1));
      else response.end();
    });
    await passes(egress);
    const patient = statusOf(egress, 'GET', '/slow');
    await eventually('the slow call has come through', () => slow !== undefined);
    for (let batch = 1; batch <= 30; batch += 1) {
      const callers = await Promise.all(Array.from({ length: 50 }, () => sendOnly(egress, '/never')));
      await eventually('they have come through', async () => {
        const text = await bank.envoyAdmin('ingress', '/stats?filter=http.ingress_.*downstream_rq_active');
        return Number(/: (\d+)/.exec(text)?.[1]) >= 51;
      });
      for (const caller of callers) caller.destroy();
      await eventually('they have given up', () => given >= batch * 50, 30_000);
    }
    slow?.end();
    assert.equal(await patient, 200);
    const stats = await bank.envoyAdmin('ingress', '/stats?filter=premature_resets');
    assert.match(stats, /premature_resets: 0/);
  });

  test('2,000 callers at once on a cold connection are all answered', async () => {
    const waiting: ServerResponse[] = [];
    const { egress } = await pair((asked, response) => {
      asked.resume();
      waiting.push(response);
      // Nobody is answered before half of them are there: they are open at one time.
      if (waiting.length >= 1000) for (const one of waiting) one.end();
    });
    const answers = await Promise.all(Array.from({ length: 2000 }, () => statusOf(egress, 'GET', '/')));
    assert.deepEqual([...new Set(answers)], [200]);
  });

  test('Callers that do not read their responses do not block other callers', async () => {
    // Larger than what the kernel takes on its way.
    const large = Buffer.alloc(64 * 1024 * 1024);
    const { egress } = await pair((asked, response) => {
      asked.resume();
      // With a body: headers alone need no window.
      response.end(asked.url === '/large' ? large : large.subarray(0, 64 * 1024));
    });
    await passes(egress);
    const idle = await Promise.all(Array.from({ length: 40 }, () => sendOnly(egress, '/large')));
    closing.push(() => {
      for (const one of idle) one.destroy();
    });
    for (let call = 0; call < 50; call += 1) assert.equal(await statusOf(egress, 'GET', '/'), 200);
  });

  test('A GET on a connection that the backend just closes is sent again; a POST never is', async () => {
    const asked: string[] = [];
    const used = new WeakSet<Socket>();
    const { egress } = await pair((request, response) => {
      asked.push(request.method ?? '');
      request.resume();
      // As a backend looks whose keep-alive time ends in this moment: the second request on a connection ends it.
      if (used.has(request.socket)) request.socket.destroy();
      else response.end();
      used.add(request.socket);
    });
    await passes(egress);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    closing.push(() => agent.destroy());
    for (const method of ['GET', 'HEAD', 'GET', 'HEAD', 'GET']) {
      assert.equal(await statusOf(egress, method, '/', agent), 200, method);
    }
    asked.length = 0;
    assert.equal(await statusOf(egress, 'POST', '/', agent), 503);
    assert.deepEqual(asked, ['POST']);
  });

  test('Connections to an HTTP/1 backend are closed before the backend closes them', async () => {
    const { egress, server } = await pair((asked, response) => {
      asked.resume();
      response.end();
    });
    let ended = 0;
    server.on('connection', (socket: Socket) => socket.on('end', () => (ended += 1)));
    await passes(egress);
    // The backend keeps its connections for longer than this waits: it is the gateway that ends this one.
    await eventually('the gateway ends its idle connection', () => ended > 0);
  });

  test('When the connection between the gateways breaks, a GET in flight is sent again; a POST never is', async () => {
    const asked: string[] = [];
    const held: ServerResponse[] = [];
    const front = new Front(await bed.address());
    const address = await bed.address();
    closing.push(() => front.close());
    const { egress, ingress } = await pair(
      (request, response) => {
        request.resume();
        if (request.url === '/') return void response.end();
        asked.push(request.method ?? '');
        if (asked.length <= 2) held.push(response);
        else response.end();
      },
      { front: address },
    );
    front.to = ingress;
    await front.listen(address);
    await passes(egress);
    const answers = [statusOf(egress, 'GET', '/held'), statusOf(egress, 'POST', '/held')];
    await eventually('both are in flight', () => held.length === 2);
    front.cut();
    assert.deepEqual(await Promise.all(answers), [200, 503]);
    assert.deepEqual(asked.sort(), ['GET', 'GET', 'POST']);
  });

  test('At the ingress gateway, the address :: listens for IPv4 and for IPv6; the egress gateway listens at ::1', async () => {
    const { port } = await anyAddress();
    const ingress = await anyAddress();
    const address = await bed.address();
    const front = new Front({ host: '127.0.0.1', port: ingress.port });
    closing.push(() => front.close());
    await front.listen(address);
    await pair(
      (asked, response) => {
        asked.resume();
        response.end();
      },
      { egress: { host: '::1', port }, ingress, front: address },
    );
    await passes({ host: '::1', port });
    front.to = { host: '::1', port: ingress.port };
    front.cut();
    await passes({ host: '::1', port });
  });
});
