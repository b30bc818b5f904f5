// Draining: `postern drain`, then SIGTERM, while callers go on and slow requests are in flight. None is lost.
// Must not: stop a gateway before the command has ended; that is what operators are told.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, createServer, request, type Server } from 'node:http';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { formatHostPort, type HostPort } from '../../../src/host-port.ts';
import { eventually, Testbed, type TestMesh } from '../../support/mesh.ts';
import { Front } from '../pair.ts';

const MAIN = fileURLToPath(new URL('../../../src/main.js', import.meta.url));
const HOST = 'accounts.bank.svc.cluster.local';

describe('a gateway that is drained, then stopped', () => {
  let bed: Testbed;
  let backend: Server;
  let front: Front | undefined;
  let slowAsked = 0;

  beforeEach(async () => {
    bed = await Testbed.create();
    await Promise.all(['bank.example', 'shop.example'].map((name) => bed.ca(name)));
    slowAsked = 0;
    backend = createServer((asked, response) => {
      asked.resume();
      const isSlow = asked.url === '/slow';
      if (isSlow) slowAsked += 1;
      setTimeout(() => response.end('served'), isSlow ? 7000 : 5);
    });
  });

  afterEach(async () => {
    await bed.close();
    front?.close();
    front = undefined;
    backend.close();
    backend.closeAllConnections();
  });

  async function bank(name: string, ingress: HostPort, accounts: HostPort): Promise<TestMesh> {
    const yaml = `apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example}
identity: {issuer: {certificate: pki/bank.example/ca.pem, privateKey: pki/bank.example/ca-key.pem}}
gateways: {ingress: {address: "${formatHostPort(ingress)}"}}
peers:
  shop: {trustDomain: shop.example, trustBundle: pki/shop.example/ca.pem, gatewayIdentities: [gateway/egress]}
exports:
- name: accounts
  backend: ${formatHostPort(accounts)}
  consumers:
  - {peer: shop, methods: [GET, POST], paths: [/*]}
`;
    return await (await bed.mesh(name, yaml)).start('ingress');
  }

  async function shop(egress: HostPort, addresses: readonly HostPort[]): Promise<TestMesh> {
    const yaml = `apiVersion: postern/v1
mesh: {name: shop, trustDomain: shop.example}
identity: {issuer: {certificate: pki/shop.example/ca.pem, privateKey: pki/shop.example/ca-key.pem}}
gateways: {egress: {address: ${egress.host}}}
peers:
  bank: {trustDomain: bank.example, trustBundle: pki/bank.example/ca.pem, gatewayIdentities: [gateway/ingress], addresses: [${addresses.map((one) => `"${formatHostPort(one)}"`).join(', ')}]}
imports:
- {peer: bank, name: accounts, as: ${HOST}, port: ${egress.port}}
`;
    return await (await bed.mesh('shop', yaml)).start('egress');
  }

  async function backendAt(): Promise<HostPort> {
    const address = await bed.address();
    backend.listen(address.port, address.host);
    await once(backend, 'listening');
    return address;
  }

  async function frontOf(to: HostPort): Promise<{ front: Front; address: HostPort }> {
    const address = await bed.address();
    front = new Front(to);
    await front.listen(address);
    return { front, address };
  }

  function ask(egress: HostPort, method: string, path: string, agent: Agent | false = false): Promise<string> {
    return new Promise((done) => {
      const sent = request({ ...egress, method, path, agent, headers: { host: HOST } }, (response) => {
        response.resume();
        response.on('end', () => done(String(response.statusCode)));
        response.on('error', (error) => done(error.message));
      });
      sent.on('error', (error) => done(error.message));
      sent.end(method === 'POST' ? 'a body' : undefined);
    });
  }

  function askHttp2(session: ClientHttp2Session, method: string, path: string): Promise<string> {
    return new Promise((done) => {
      const stream = session.request({ ':method': method, ':path': path, ':authority': HOST });
      stream.on('response', (headers) => done(String(headers[':status'])));
      stream.on('error', (error) => done(error.message));
      stream.resume().end(method === 'POST' ? 'a body' : undefined);
    });
  }

  const drained = (mesh: TestMesh, role: 'ingress' | 'egress'): Promise<string> => {
    const admin = formatHostPort(mesh.place.envoyAdmin[role]);
    return bed.processes.run('drain', process.execPath, [MAIN, 'drain', '--admin', admin]);
  };

  /** Calls of many callers while `work` goes on; returns what was not a 200, and how many calls there were. */
  async function during(egress: HostPort, work: () => Promise<void>): Promise<{ lost: string[]; calls: number }> {
    const seen = { lost: [] as string[], calls: 0 };
    let over = false;
    const caller = async (method: string, kept: boolean): Promise<void> => {
      const agent = kept ? new Agent({ keepAlive: true, maxSockets: 1 }) : false;
      while (!over) {
        const got = await ask(egress, method, '/fast', agent);
        seen.calls += 1;
        if (got !== '200') seen.lost.push(`${method} ${got}`);
      }
      if (agent) agent.destroy();
    };
    const callers = [caller('GET', true), caller('POST', true), caller('GET', false), caller('POST', false)];
    try {
      await work();
    } finally {
      over = true;
      await Promise.all(callers);
    }
    return seen;
  }

  /** Requests that are in flight before `work` begins and for longer than the drain time. */
  async function inFlight(egress: HostPort, work: () => Promise<void>): Promise<readonly string[]> {
    const slow = ['GET', 'POST', 'GET', 'POST', 'POST', 'POST'].map((method) => ask(egress, method, '/slow'));
    await eventually('the slow requests have come through', () => slowAsked === slow.length);
    await work();
    return await Promise.all(slow);
  }

  const stop = async (mesh: TestMesh, role: 'ingress' | 'egress'): Promise<void> => {
    assert.match(await drained(mesh, role), /^drained/);
    await mesh.gateways.get(role)?.stop('SIGTERM');
  };

  test('A gateway that is stopped by SIGTERM without a drain cuts the requests in flight', async () => {
    const [accounts, a, egress] = [await backendAt(), await bed.address(), await bed.address()];
    const mesh = await bank('bank-a', a, accounts);
    await shop(egress, [a]);
    await eventually('the first call passes', async () => (await ask(egress, 'GET', '/fast')) === '200');
    const slow = await inFlight(egress, async () => {
      await mesh.gateways.get('ingress')?.stop('SIGTERM');
    });
    assert.deepEqual([...new Set(slow)], ['503']);
  });

  test('Of two ingress gateways one is drained: the peer moves to the other one, and loses no request', async () => {
    const [accounts, a, b, egress] = [await backendAt(), await bed.address(), await bed.address(), await bed.address()];
    const [first] = await Promise.all([bank('bank-a', a, accounts), bank('bank-b', b, accounts)]);
    await shop(egress, [a, b]);
    await eventually('the first call passes', async () => (await ask(egress, 'GET', '/fast')) === '200');
    let slow: readonly string[] = [];
    const { lost, calls } = await during(egress, async () => {
      slow = await inFlight(egress, () => stop(first, 'ingress'));
    });
    assert.deepEqual(lost, []);
    assert.deepEqual([...new Set(slow)], ['200']);
    assert.ok(calls > 100, String(calls));
  });

  test('When an ingress gateway behind one address is replaced by its successor there, no request is lost', async () => {
    const [accounts, a, b, egress] = [await backendAt(), await bed.address(), await bed.address(), await bed.address()];
    const first = await bank('bank-a', a, accounts);
    const balancer = await frontOf(a);
    await shop(egress, [balancer.address]);
    await eventually('the first call passes', async () => (await ask(egress, 'GET', '/fast')) === '200');
    let slow: readonly string[] = [];
    const { lost } = await during(egress, async () => {
      slow = await inFlight(egress, async () => {
        await bank('bank-b', b, accounts);
        balancer.front.to = b;
        await stop(first, 'ingress');
      });
    });
    assert.deepEqual(lost, []);
    assert.deepEqual([...new Set(slow)], ['200']);
  });

  test('A drained egress gateway answers requests in flight, and tells callers to open new connections', async () => {
    const [accounts, a, egress] = [await backendAt(), await bed.address(), await bed.address()];
    await bank('bank-a', a, accounts);
    const mesh = await shop(egress, [a]);
    await eventually('the first call passes', async () => (await ask(egress, 'GET', '/fast')) === '200');
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    assert.equal(await ask(egress, 'GET', '/fast', agent), '200');
    const slow = await inFlight(egress, async () => {
      const draining = stop(mesh, 'egress');
      await eventually('an answer that closes its connection', async () => {
        const state = await mesh.envoyAdmin('egress', '/server_info');
        return JSON.parse(state).state === 'DRAINING';
      });
      const closing = await new Promise<string | undefined>((done) => {
        request({ ...egress, path: '/fast', agent, headers: { host: HOST } }, (response) => {
          response.resume();
          done(response.headers.connection);
        }).end();
      });
      assert.equal(closing, 'close');
      await draining;
    });
    agent.destroy();
    assert.deepEqual([...new Set(slow)], ['200']);
  });

  test('A drained egress gateway serves requests on open connections after its ports are closed, over new connections to the peer', async () => {
    const [accounts, a, egress] = [await backendAt(), await bed.address(), await bed.address()];
    await bank('bank-a', a, accounts);
    const balancer = await frontOf(a);
    const mesh = await shop(egress, [balancer.address]);
    await eventually('the first call passes', async () => (await ask(egress, 'GET', '/fast')) === '200');
    const methods = ['GET', 'POST', 'GET', 'POST'];
    const kept = methods.map((method) => ({ method, agent: new Agent({ keepAlive: true, maxSockets: 1 }) }));
    const sessions = methods.map((method) => ({ method, session: connectHttp2(`http://${formatHostPort(egress)}`) }));
    for (const { session } of sessions) session.on('error', () => undefined);
    const all = (path: string): Promise<readonly string[]> =>
      Promise.all([
        ...kept.map(({ method, agent }) => ask(egress, method, path, agent)),
        ...sessions.map(({ method, session }) => askHttp2(session, method, path)),
      ]);
    assert.deepEqual([...new Set(await all('/fast'))], ['200']);
    const draining = stop(mesh, 'egress');
    await eventually('the port is closed', async () => (await ask(egress, 'GET', '/fast')).includes('ECONNREFUSED'));
    balancer.front.cut();
    await eventually('no connection to the peer is left', async () => {
      const active = await mesh.envoyAdmin('egress', '/stats?filter=^cluster.(import|dial).*upstream_cx_active');
      return active.match(/upstream_cx_active: \d+/g)?.every((gauge) => gauge.endsWith(': 0')) === true;
    });
    // They last longer than anything that the gateway may still wait for.
    const slow = all('/slow');
    await draining;
    assert.deepEqual([...new Set(await slow)], ['200']);
    for (const { agent } of kept) agent.destroy();
    for (const { session } of sessions) session.destroy();
  });
});
