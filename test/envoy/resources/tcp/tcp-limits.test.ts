// What takes a place of a TCP consumer's connections: its connections, and nothing that a stranger or a half-done handshake opens.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp, createServer, type Server, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { freePorts } from '../../../../deploy/demo/ports.ts';
import { eventually } from '../../../support/mesh.ts';
import { type Certificate, certify, issuerOf } from '../../callers.ts';
import { type Ca, MeshUnderTest, newCa } from '../../pipeline.ts';
import { RealEnvoy } from '../../real-envoy.ts';
import { staticBootstrap } from '../../static-bootstrap.ts';

const MOST = 2;
/** More than all places, of each kind of connection that must take none. */
const STRANGERS = 5 * MOST;
const SERVER_NAME = 'ledger.tcp.shop.example.peers.bank.example';

describe('the connections of a TCP consumer', () => {
  const now = Date.now();
  const cas = new Map<string, Ca>(
    ['bank.example', 'shop.example', 'guest.example'].map((name) => [name, newCa(name, now)]),
  );
  const sockets: Socket[] = [];
  let dialled = 0;
  let backend: Server;
  let ingress: RealEnvoy;
  let port = 0;

  before(async () => {
    const [listening = 0, admin = 0] = await freePorts('127.0.0.1', 2);
    port = listening;
    backend = createServer((socket) => {
      dialled += 1;
      socket.on('error', () => 0).pipe(socket);
    }).listen(0, '127.0.0.1');
    await once(backend, 'listening');
    const bank = `
apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {ingress: {address: "127.0.0.1:${port}"}}
peers: {shop: {trustDomain: shop.example, trustBundle: shop.pem, gatewayIdentities: [gateway/egress]}}
exports:
- {name: ledger, protocol: tcp, backend: "127.0.0.1:${(backend.address() as AddressInfo).port}", consumers: [{peer: shop, limits: {connections: ${MOST}}}]}
`;
    ingress = await RealEnvoy.start(
      staticBootstrap(new MeshUnderTest(bank, cas, now).resources('ingress'), admin),
      admin,
    );
  });

  after(async () => {
    for (const socket of sockets) socket.destroy();
    await ingress.stop();
    backend.close();
  });

  function kept(socket: Socket): Socket {
    socket.on('error', () => 0);
    sockets.push(socket);
    return socket;
  }

  const signed = (domain: string, path: string): Certificate =>
    certify(issuerOf(cas.get(domain) as Ca, domain, now), [`spiffe://${domain}/${path}`], now);

  /** Dials with this certificate and does not let go, whatever the gateway does. */
  function dial(client: Certificate | undefined): Socket {
    const options = { host: '127.0.0.1', port, servername: SERVER_NAME, ALPNProtocols: ['postern-tcp'] };
    return kept(connectTls({ ...options, rejectUnauthorized: false, ...client }));
  }

  /** Whether bytes come back; otherwise the gateway has closed it. */
  async function isEchoed(socket: Socket): Promise<boolean> {
    let text = '';
    let ended = false;
    socket.on('data', (data: Buffer) => (text += data.toString()));
    socket.on('close', () => (ended = true));
    socket.write('ping');
    await eventually('it is echoed, or closed', () => text === 'ping' || ended);
    return text === 'ping';
  }

  /** The first bytes of a handshake with this server name, as a client sends them. */
  async function clientHello(): Promise<Buffer> {
    const listening = createServer().listen(0, '127.0.0.1');
    await once(listening, 'listening');
    const { port: own } = listening.address() as AddressInfo;
    const options = { host: '127.0.0.1', port: own, servername: SERVER_NAME, ALPNProtocols: ['postern-tcp'] };
    const client = kept(connectTls({ ...options, rejectUnauthorized: false }));
    const [socket] = (await once(listening, 'connection')) as [Socket];
    const [hello] = (await once(socket, 'data')) as [Buffer];
    client.destroy();
    socket.destroy();
    listening.close();
    return hello;
  }

  test('Refused and half-done handshakes take no place of them, and reach no backend', async () => {
    const refused = [undefined, signed('guest.example', 'gateway/egress'), signed('shop.example', 'gateway/other')];
    const strangers = refused.flatMap((client) => Array.from({ length: STRANGERS }, () => dial(client)));
    assert.deepEqual(
      await Promise.all(strangers.map(isEchoed)),
      strangers.map(() => false),
    );
    const hello = await clientHello();
    const halfDone: Socket[] = [];
    for (let count = 0; count < STRANGERS; count++) {
      kept(connectTcp(port, '127.0.0.1'));
      kept(connectTcp(port, '127.0.0.1')).write(hello.subarray(0, hello.length / 2));
      // The gateway answers and waits for the certificate.
      const socket = kept(connectTcp(port, '127.0.0.1'));
      socket.write(hello);
      halfDone.push(socket);
    }
    await Promise.all(halfDone.map((socket) => once(socket, 'data')));
    assert.equal(dialled, 0);
    const shop = signed('shop.example', 'gateway/egress');
    const open = Array.from({ length: MOST }, () => dial(shop));
    assert.deepEqual(
      await Promise.all(open.map(isEchoed)),
      open.map(() => true),
    );
    assert.ok(
      halfDone.some((socket) => !socket.destroyed),
      'they are still half-done',
    );
    // All places are taken now, and it was the limit of this grant that was not reached before.
    assert.equal(await isEchoed(dial(shop)), false);
    assert.equal(dialled, MOST);
  });
});
