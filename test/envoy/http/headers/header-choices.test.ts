// Headers with a choice, on real Envoys: trace context and request ids by peer, names with an underscore by import and export.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { freePorts } from '../../../../deploy/demo/ports.ts';
import { eventually } from '../../../support/mesh.ts';
import { type Answer, Backend, type Call, call, callLocally, certify, issuerOf } from '../../callers.ts';
import { type Ca, MeshUnderTest, newCa } from '../../pipeline.ts';
import { RealEnvoy } from '../../real-envoy.ts';
import { staticBootstrap } from '../../static-bootstrap.ts';

interface Ports {
  readonly bank: number;
  readonly store: number;
  readonly local: number;
}

/** Takes trace context from the shop, and not from the partner. */
function bankYaml({ bank }: Ports, accounts: number, rates: number, named: number): string {
  const consumers =
    'consumers: [{peer: shop, methods: [GET, POST], paths: [/*]}, {peer: partner, methods: [GET], paths: [/*]}]';
  return `
apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {ingress: {address: "127.0.0.1:${bank}"}}
peers:
  shop: {trustDomain: shop.example, trustBundle: shop.pem, gatewayIdentities: [gateway/egress], traceContext: forward}
  partner: {trustDomain: partner.example, trustBundle: partner.pem, gatewayIdentities: [gateway/egress]}
exports:
- {name: accounts, backend: "127.0.0.1:${accounts}", ${consumers}}
- {name: loose, backend: "127.0.0.1:${accounts}", underscoreHeaders: drop, ${consumers}}
- {name: named, backend: "127.0.0.1:${named}", ${consumers}}
- {name: rates, protocol: grpc, backend: "127.0.0.1:${rates}", underscoreHeaders: drop, consumers: [{peer: shop, paths: [/*]}]}
`;
}

/** Takes trace context from the shop, which sends it none. */
function storeYaml({ store }: Ports, accounts: number): string {
  return `
apiVersion: postern/v1
mesh: {name: store, trustDomain: store.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {ingress: {address: "127.0.0.1:${store}"}}
peers:
  shop: {trustDomain: shop.example, trustBundle: shop.pem, gatewayIdentities: [gateway/egress], traceContext: forward}
exports:
- {name: accounts, backend: "127.0.0.1:${accounts}", consumers: [{peer: shop, methods: [GET], paths: [/*]}]}
`;
}

function shopYaml({ bank, store, local }: Ports): string {
  const peer = (name: string, port: number): string =>
    `${name}: {trustDomain: ${name}.example, trustBundle: ${name}.pem, gatewayIdentities: [gateway/ingress], addresses: ["127.0.0.1:${port}"]`;
  return `
apiVersion: postern/v1
mesh: {name: shop, trustDomain: shop.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {egress: {address: 127.0.0.1}}
peers:
  ${peer('bank', bank)}, traceContext: forward}
  ${peer('store', store)}}
imports:
- {peer: bank, name: accounts, as: accounts.bank, port: ${local}}
- {peer: bank, name: named, as: named.bank, port: ${local}}
- {peer: bank, name: loose, as: loose.bank, port: ${local}, underscoreHeaders: drop}
- {peer: bank, name: rates, as: rates.bank, port: ${local}, protocol: grpc}
- {peer: store, name: accounts, as: accounts.store, port: ${local}}
`;
}

const TRACE: Readonly<Record<string, string>> = {
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  tracestate: 'vendor=1,other=2',
  b3: '80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1-05e3ac9a4f6e3b90',
  'x-b3-traceid': '80f198ee56343ba864fe8b2a57d3eff7',
  'x-b3-spanid': 'e457b5a2e4d86bd1',
  'x-b3-parentspanid': '05e3ac9a4f6e3b90',
  'x-b3-sampled': '1',
  'x-b3-flags': '1',
};
const ID = '0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d';
const FRESH = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

describe('headers with a choice', () => {
  const now = Date.now();
  const cas = new Map<string, Ca>();
  const accounts = new Backend();
  const rates = new Backend('h2c');
  /** Answers with a header whose name has an underscore. */
  const named = createServer((_, response) => void response.setHeader('x_app', 'said').end());
  const running: RealEnvoy[] = [];
  let ports: Ports;

  before(async () => {
    const [bank = 0, store = 0, local = 0, ...admins] = await freePorts('127.0.0.1', 6);
    ports = { bank, store, local };
    const backend = await accounts.listen();
    named.listen(0, '127.0.0.1');
    await once(named, 'listening');
    const { port } = named.address() as AddressInfo;
    for (const domain of ['shop.example', 'partner.example']) cas.set(domain, newCa(domain, now));
    const gateways = [
      [new MeshUnderTest(bankYaml(ports, backend, await rates.listen(), port), cas, now), 'ingress'],
      [new MeshUnderTest(storeYaml(ports, backend), cas, now), 'ingress'],
      [new MeshUnderTest(shopYaml(ports), cas, now), 'egress'],
    ] as const;
    for (const [at, [mesh, role]] of gateways.entries()) {
      const admin = admins[at] ?? 0;
      running.push(await RealEnvoy.start(staticBootstrap(mesh.resources(role), admin), admin));
    }
  });

  after(async () => {
    await Promise.all(running.map((envoy) => envoy.stop()));
    accounts.close();
    rates.close();
    named.close();
    named.closeAllConnections();
  });

  /** What the backend got of a call that passed. */
  async function got(answer: Promise<Answer>): Promise<Record<string, unknown>> {
    assert.equal((await answer).status, 200);
    return { ...accounts.last?.headers };
  }

  const fromPeer = (name: string, headers: Record<string, string>, more: Partial<Call> = {}): Promise<Answer> => {
    const issuer = issuerOf(cas.get(`${name}.example`) as Ca, `${name}.example`, now);
    const client = certify(issuer, [`spiffe://${name}.example/gateway/egress`], now);
    const servername = `${name}.example.peers.bank.example`;
    return call({ port: ports.bank, servername, client, authority: 'accounts.exports.bank.example', headers, ...more });
  };

  const traced = (headers: Record<string, unknown>): readonly string[] =>
    Object.keys(TRACE).filter((name) => headers[name] !== undefined);

  test('Trace context and the request id reach the backend where both files say forward; baggage never does', async () => {
    const sent = { ...TRACE, 'x-request-id': ID, baggage: 'user=alice', 'x-datadog-trace-id': '1' };
    const headers = await got(callLocally(ports.local, 'accounts.bank', '/traced', sent));
    for (const [name, value] of Object.entries(TRACE)) assert.equal(headers[name], value, name);
    assert.equal(headers['x-request-id'], ID);
    assert.deepEqual([headers['baggage'], headers['x-datadog-trace-id']], [undefined, undefined]);
    const lines = () => [running[2], running[0]].map((envoy) => envoy?.log.find(({ path }) => path === '/traced'));
    await eventually('both gateways log it', () => lines().every((line) => line !== undefined));
    const [out, into] = lines();
    assert.deepEqual([out?.['caller_request_id'], into?.['peer_request_id']], [ID, ID]);
    // The lines of both gateways can be joined as always.
    assert.deepEqual([out?.['request_id'], into?.['request_id']], [ID, ID]);
  });

  test('A request id that has not the form of one is replaced by a fresh one, and none is invented', async () => {
    for (const made of ['made up', `${ID}, ${ID}`, 'x'.repeat(200)]) {
      const { 'x-request-id': id } = await got(
        callLocally(ports.local, 'accounts.bank', '/', { 'x-request-id': made }),
      );
      assert.match(String(id), FRESH);
    }
    const headers = await got(callLocally(ports.local, 'accounts.bank', '/'));
    assert.match(String(headers['x-request-id']), FRESH);
    assert.deepEqual(traced(headers), []);
  });

  test('By default they are sent to no peer, whatever the peer accepts', async () => {
    const headers = await got(callLocally(ports.local, 'accounts.store', '/', { ...TRACE, 'x-request-id': ID }));
    assert.deepEqual(traced(headers), []);
    assert.match(String(headers['x-request-id']), FRESH);
    assert.notEqual(headers['x-request-id'], ID);
  });

  test('By default they are accepted from no peer, and one peer’s choice is not another’s', async () => {
    const sent = { ...TRACE, 'x-request-id': ID };
    assert.deepEqual(traced(await got(fromPeer('shop', sent))).length, Object.keys(TRACE).length);
    const headers = await got(fromPeer('partner', sent));
    assert.deepEqual(traced(headers), []);
    assert.notEqual(headers['x-request-id'], ID);
  });

  test('No response carries them, not even to a peer with forward', async () => {
    const wanted = ['x-request-id', 'x-b3-traceid', 'x-b3-sampled'];
    const sent = Object.fromEntries(wanted.map((name) => [`want-${name}`, 'said']));
    const { headers } = await callLocally(ports.local, 'accounts.bank', '/', sent);
    assert.deepEqual(
      wanted.filter((name) => headers[name] !== undefined),
      [],
    );
  });

  const UNDERSCORED = ['x_forwarded_for', 'x_postern_peer', 'content_length', 'a_b', '_', 'remote_user', 'x_app_'];

  /** The reason in the newest line of a path. */
  async function reasonOf(envoy: RealEnvoy | undefined, path: string): Promise<unknown> {
    const line = () => envoy?.log.find((one) => one['path'] === path);
    await eventually(`${path} is logged`, () => line() !== undefined);
    return line()?.['reason'];
  }

  test('A header name with an underscore is refused in the usual words, with its reason in the log alone', async () => {
    const usual = await fromPeer('partner', {}, { authority: 'none.exports.bank.example' });
    for (const [at, name] of UNDERSCORED.entries()) {
      const [into, out] = [`/into/${at}`, `/out/${at}`];
      const refused = await fromPeer('partner', { [name]: '1' }, { path: into });
      const { date: _, ...headers } = refused.headers;
      const { date: __, ...expected } = usual.headers;
      assert.deepEqual([refused.status, refused.body, headers], [403, 'gateway: 403\n', expected], name);
      assert.equal(await reasonOf(running[0], into), 'UNDERSCORE_HEADER');
      const local = await callLocally(ports.local, 'accounts.bank', out, { [name]: '1' });
      assert.deepEqual([local.status, local.body], [400, 'gateway: 400\n'], name);
      assert.equal(await reasonOf(running[2], out), 'UNDERSCORE_HEADER');
    }
    assert.ok(!accounts.seen.some(({ path }) => /^\/(into|out)/.test(path)));
  });

  test('A request of any size passes, and none with an underscore: the size that is compared holds itself', async () => {
    const ask = (pad: number, more: Record<string, string> = {}): Promise<Answer> =>
      callLocally(ports.local, 'accounts.bank', '/sized', { 'x-pad': 'p'.repeat(pad), ...more });
    // At both gateways the size of all headers grows beyond a thousand on the way.
    for (let pad = 500; pad < 960; pad += 20) {
      const answers = await Promise.all(Array.from({ length: 20 }, (_, more) => ask(pad + more)));
      assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200], String(pad));
      assert.equal((await ask(pad, { _: '' })).status, 400);
    }
  });

  test('Such a header is seen by any digit of the size that it changes', async () => {
    // Its name and value: the size differs by as much, and where nothing is carried, in one digit alone.
    for (const bytes of [1, 2, 9, 10, 11, 20, 90, 100, 110, 500, 900, 1000, 1100, 4000, 9000, 10000, 20000]) {
      const header = { _: 'v'.repeat(bytes - 1) };
      assert.equal((await fromPeer('partner', header)).status, 403, `${bytes} at the ingress`);
      assert.equal(
        (await callLocally(ports.local, 'accounts.bank', '/', header)).status,
        400,
        `${bytes} at the egress`,
      );
    }
  });

  test('Where they are dropped, the request arrives without them', async () => {
    const sent = Object.fromEntries([...UNDERSCORED, 'x-app'].map((name) => [name, '1']));
    for (const answer of [
      fromPeer('partner', sent, { authority: 'loose.exports.bank.example' }),
      callLocally(ports.local, 'loose.bank', '/', sent),
    ]) {
      const headers = await got(answer);
      assert.equal(headers['x-app'], '1');
      assert.deepEqual(
        Object.keys(headers).filter((name) => name.includes('_')),
        [],
      );
    }
  });

  test('A caller with HTTP/2 is answered, too, and a gRPC call gets a status; no stream is reset', async () => {
    const session = connect(`http://127.0.0.1:${ports.local}`);
    const ask = async (headers: Record<string, string>): Promise<Record<string, unknown>> => {
      const stream = session.request({ ':path': '/x', ':authority': 'rates.bank', ...headers, a_b: '1' });
      stream.resume().end();
      const [answered] = (await once(stream, 'response')) as [Record<string, unknown>];
      if (!stream.closed) await once(stream, 'close');
      return answered;
    };
    try {
      assert.equal((await ask({ ':authority': 'accounts.bank' }))[':status'], 400);
      const grpc = await ask({ ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' });
      assert.deepEqual([grpc[':status'], grpc['grpc-status']], [200, '13']);
    } finally {
      session.close();
    }
  });

  test('Such trailers of a request are dropped everywhere, and those of responses pass, as their headers do', async () => {
    const trailers = { x_forwarded_for: '1', 'x-app': '1' };
    const rate = { authority: 'rates.exports.bank.example', method: 'POST', path: '/fx.Rates/Get', trailers };
    await fromPeer('shop', { te: 'trailers' }, rate);
    assert.deepEqual(Object.entries(rates.last?.trailers ?? {}), [['x-app', '1']]);
    const { headers } = await callLocally(ports.local, 'named.bank', '/');
    assert.equal(headers['x_app'], 'said');
  });

  test('A name with an underscore at a name that nobody knows is refused, too', async () => {
    assert.equal((await callLocally(ports.local, 'nobody.bank', '/', { a_b: '1' })).status, 400);
  });
});
