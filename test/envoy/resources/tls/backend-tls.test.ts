// Backends that must prove who they are, on real Envoys: sidecars of our own mesh that let in the ingress gateway alone, and HTTPS servers.
// A backend that proves to be another gets no byte of a request, and the peer learns nothing but that there is no answer.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { freePorts } from '../../../../deploy/demo/ports.ts';
import { eventually } from '../../../support/mesh.ts';
import { type Answer, Backend, type Certificate, call, certify, issuerOf, type KeyKind } from '../../callers.ts';
import { type Ca, MeshUnderTest, newCa } from '../../pipeline.ts';
import { RealEnvoy } from '../../real-envoy.ts';
import { type Sidecar, type Sidecars, startSidecars } from '../../sidecar.ts';
import { staticBootstrap } from '../../static-bootstrap.ts';

const now = Date.now();
const ACCOUNTS = 'spiffe://bank.example/ns/bank/sa/accounts';
const GATEWAY = 'spiffe://bank.example/gateway/ingress';
const SERVER = 'statements.bank.internal';
/** How Istio tells callers of the mesh from others, where it also takes plain connections. */
const ISTIO = ['istio', 'istio-peer-exchange', 'istio-http/1.0', 'istio-http/1.1', 'istio-h2'];

const cas = new Map<string, Ca>(
  ['bank.example', 'shop.example', SERVER, 'rogue.example'].map((domain) => [domain, newCa(domain, now)]),
);
const ca = (domain: string): Ca => cas.get(domain) ?? newCa(domain, now);
const shown = (uris: readonly string[], domain = 'bank.example', at = now, kind: KeyKind = 'ecdsa'): Certificate =>
  certify(issuerOf(ca(domain), domain, now), uris, at, kind);
const named = (dnsNames: readonly string[], domain = SERVER): Certificate =>
  certify(issuerOf(ca(domain), domain, now), [], now, 'ecdsa', dnsNames);

/** Backends by the name of their export: those that are who they must be, and those that are not. */
const SIDECARS: Readonly<Record<string, (app: number, app2: number) => Sidecar>> = {
  strict: (app) => ({ ...base(app), certificate: shown([ACCOUNTS]) }),
  rsa: (app) => ({ ...base(app), certificate: shown([ACCOUNTS], 'bank.example', now, 'rsa') }),
  permissive: (app) => ({ ...base(app), certificate: shown([ACCOUNTS]), alpn: ISTIO }),
  grpc: (_, app2) => ({ ...base(app2), certificate: shown([ACCOUNTS]), isHttp2: true, alpn: ISTIO }),
  // A matcher finds one of several names; only the CA of the mesh can write such a certificate.
  'two-names': (app) => ({ ...base(app), certificate: shown([ACCOUNTS, 'spiffe://bank.example/ns/x/sa/y']) }),
  'another-workload': (app) => ({ ...base(app), certificate: shown(['spiffe://bank.example/ns/bank/sa/other']) }),
  'longer-name': (app) => ({ ...base(app), certificate: shown([`${ACCOUNTS}/x`]) }),
  'no-name': (app) => ({ ...base(app), certificate: shown([]) }),
  'another-ca': (app) => ({ ...base(app), certificate: shown([ACCOUNTS], 'rogue.example') }),
  'ca-of-the-peer': (app) => ({ ...base(app), certificate: shown([ACCOUNTS], 'shop.example') }),
  expired: (app) => ({ ...base(app), certificate: shown([ACCOUNTS], 'bank.example', now - 7_200_000) }),
  'tls-1-2': (app) => ({ ...base(app), certificate: shown([ACCOUNTS]), maximum: 'TLSv1_2' }),
  'admits-another': (app) => ({ ...base(app), certificate: shown([ACCOUNTS]), admits: `${GATEWAY}/x` }),
};
const base = (app: number) => ({ ca: ca('bank.example').certificate, admits: GATEWAY, app });
const GOOD_SIDECARS = ['strict', 'rsa', 'permissive', 'two-names'];
/** The right workload, whose policy does not let our gateway in. */
const REFUSING = 'admits-another';

const SERVERS: Readonly<Record<string, object>> = {
  https: named([SERVER]),
  'https-tls-1-2': { ...named([SERVER]), maxVersion: 'TLSv1.2' },
  'https-several-names': named(['other.bank.internal', SERVER]),
  'https-another-name': named(['other.bank.internal']),
  'https-below-the-name': named([`a.${SERVER}`]),
  'https-another-ca': named([SERVER], 'rogue.example'),
  'https-tls-1-1': { ...named([SERVER]), minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' },
};
const GOOD_SERVERS = ['https', 'https-tls-1-2', 'https-several-names'];

describe('backends on a real Envoy', () => {
  const [app, app2] = [new Backend(), new Backend('h2c')];
  const servers: Server[] = [];
  /** The server names of the connections that the TCP servers have had. */
  const echoed: unknown[] = [];
  const asked: { readonly name: string; readonly servername: unknown; readonly reused: boolean }[] = [];
  let plain: Server;
  let plainBytes = '';
  let sidecars: Sidecars;
  let ingress: RealEnvoy;
  let port = 0;

  before(async () => {
    const [free = 0, admin = 0] = await freePorts('127.0.0.1', 2);
    port = free;
    const [appPort, app2Port] = [await app.listen(), await app2.listen()];
    sidecars = await startSidecars(
      Object.fromEntries(Object.entries(SIDECARS).map(([name, make]) => [name, make(appPort, app2Port)])),
    );
    const https = new Map<string, number>();
    for (const [name, options] of Object.entries(SERVERS)) {
      const server = createHttpsServer({ ...options, ALPNProtocols: ['http/1.1'] }, (request, response) => {
        const socket = request.socket as unknown as { servername: unknown; isSessionReused(): boolean };
        asked.push({ name, servername: socket.servername, reused: socket.isSessionReused() });
        response.end('served\n');
      });
      servers.push(server.listen(0, '127.0.0.1'));
      await once(server, 'listening');
      https.set(name, (server.address() as AddressInfo).port);
    }
    plain = createServer((socket) => {
      socket.on('data', (data) => {
        plainBytes += data.toString('latin1');
        socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
      });
      socket.on('error', () => {});
    }).listen(0, '127.0.0.1');
    await once(plain, 'listening');
    const plainPort = (plain.address() as AddressInfo).port;
    const mutual = { requestCert: true, rejectUnauthorized: true, ca: ca('bank.example').certificate };
    const echoes = {
      echo: await echo({ ...shown([ACCOUNTS]), ...mutual }),
      'echo-impostor': await echo({ ...shown([`${ACCOUNTS}2`]), ...mutual }),
      'echo-simple': await echo(named([SERVER])),
    } as Readonly<Record<string, number>>;
    const exported = (name: string, backend: string, more = ''): string =>
      `- {name: ${name}, backend: {${backend}}, ${more}consumers: [{peer: shop, allow: [{methods: [GET, POST], paths: [/*]}]}]}`;
    const mtls = (at: number | undefined): string =>
      `address: "127.0.0.1:${at}", tls: mtls, identity: ns/bank/sa/accounts`;
    const simple = (at: number | undefined): string =>
      `address: "127.0.0.1:${at}", tls: simple, serverName: ${SERVER}, ca: server-ca.pem`;
    const bank = new MeshUnderTest(
      `
apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example, trustBundle: mesh.pem}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {ingress: {address: "127.0.0.1:${port}"}}
peers:
  shop: {trustDomain: shop.example, trustBundle: shop.pem, gatewayIdentities: [gateway/egress]}
exports:
${Object.keys(SIDECARS)
  .filter((name) => name !== 'grpc')
  .map((name) => exported(name, mtls(sidecars.ports[name])))
  .join('\n')}
- {name: grpc, protocol: grpc, backend: {${mtls(sidecars.ports['grpc'])}}, consumers: [{peer: shop, paths: [/*]}]}
${[...https].map(([name, at]) => exported(name, simple(at))).join('\n')}
${['echo', 'echo-impostor'].map((name) => `- {name: ${name}, protocol: tcp, backend: {${mtls(echoes[name])}}, consumers: [{peer: shop}]}`).join('\n')}
- {name: echo-simple, protocol: tcp, backend: {${simple(echoes['echo-simple'])}}, consumers: [{peer: shop}]}
${exported('plain-mtls', mtls(plainPort))}
${exported('plain-simple', simple(plainPort))}
${exported('nobody', mtls((await freePorts('127.0.0.1', 1))[0]))}
`,
      cas,
      now,
    );
    ingress = await RealEnvoy.start(staticBootstrap(bank.resources('ingress'), admin), admin);
  });

  after(async () => {
    await ingress?.stop();
    await sidecars?.envoy.stop();
    for (const server of servers) server.close();
    plain?.close();
    app.close();
    app2.close();
  });

  /** A TCP server that sends back what it gets, over TLS; its port. */
  async function echo(options: object): Promise<number> {
    const server = createTlsServer(options, (socket) => {
      socket.on('error', () => {});
      echoed.push((socket as unknown as { servername: unknown }).servername);
      socket.pipe(socket);
    });
    servers.push(server.listen(0, '127.0.0.1'));
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  /** What comes back until the end. */
  const say = async (name: string): Promise<string> => {
    const socket = connectTls({
      host: '127.0.0.1',
      port,
      servername: `${name}.tcp.shop.example.peers.bank.example`,
      rejectUnauthorized: false,
      ALPNProtocols: ['postern-tcp'],
      ...shown(['spiffe://shop.example/gateway/egress'], 'shop.example'),
    });
    socket.on('error', () => {});
    socket.on('secureConnect', () => socket.end('secret'));
    let text = '';
    socket.on('data', (data) => (text += data.toString()));
    await new Promise((done) => socket.once('close', done));
    return text;
  };

  test('A TCP service is reached by TLS like any other, and nothing is said to one that is not what it must be', async () => {
    assert.deepEqual([await say('echo'), await say('echo-simple')], ['secret', 'secret']);
    assert.deepEqual(echoed, [false, SERVER]);
    assert.equal(await say('echo-impostor'), '');
    assert.equal(echoed.length, 2);
  });

  const ask = (name: string, method = 'GET'): Promise<Answer> =>
    call({
      port,
      servername: 'shop.example.peers.bank.example',
      client: shown(['spiffe://shop.example/gateway/egress'], 'shop.example'),
      authority: `${name}.exports.bank.example`,
      path: '/secret-path',
      method,
      headers: { 'x-secret': 'secret-header' },
    });

  for (const name of GOOD_SIDECARS)
    test(`A workload of our mesh is reached, and admits the ingress gateway by its identity: ${name}`, async () => {
      const { status, body } = await ask(name);
      assert.deepEqual([status, body], [200, 'served\n']);
      // What the sidecar says of its caller comes after what our gateway says of the peer.
      assert.match(String(app.last?.headers['x-forwarded-client-cert']), new RegExp(`,.*URI=${GATEWAY}$`));
      assert.equal(app.last?.headers['x-postern-peer'], 'shop');
    });

  test('A gRPC service of our mesh is reached by HTTP/2', async () => {
    assert.equal((await ask('grpc', 'POST')).status, 200);
    assert.equal(app2.seen.length, 1);
  });

  for (const name of GOOD_SERVERS)
    test(`An HTTPS server is reached by the server name of the configuration, each time with a full handshake: ${name}`, async () => {
      for (let time = 0; time < 2; time++) {
        assert.equal((await ask(name)).status, 200);
        await eventually('the connection is closed', async () =>
          /export_shop_\S*: 0$/m.test(await ingress.admin(`/stats?filter=export_shop_${name}.upstream_cx_active`)),
        );
      }
      const own = asked.filter((one) => one.name === name);
      assert.deepEqual(
        own,
        [0, 1].map(() => ({ name, servername: SERVER, reused: false })),
      );
    });

  const bad = [
    ...Object.keys(SIDECARS).filter((name) => !['grpc', REFUSING, ...GOOD_SIDECARS].includes(name)),
    ...Object.keys(SERVERS).filter((name) => !GOOD_SERVERS.includes(name)),
    'plain-mtls',
    'plain-simple',
  ];
  for (const name of bad)
    test(`A backend that is not what it must be gets no request, and the peer the same answer as when it is down: ${name}`, async () => {
      const [reached, served] = [app.seen.length, asked.length];
      const [down, answer] = [await ask('nobody', 'POST'), await ask(name, 'POST')];
      assert.deepEqual(withoutTimes(answer), withoutTimes(down));
      assert.deepEqual([answer.status, answer.body], [503, 'gateway: 503\n']);
      assert.deepEqual([app.seen.length, asked.length], [reached, served]);
      assert.doesNotMatch(plainBytes, /secret/);
      await eventually('the reason is in our log', () => ingress.log.some((line) => isAbout(line, name)));
    });

  test('A workload whose sidecar does not admit the ingress gateway is not reached, and the peer gets the same answer as when it is down', async () => {
    const reached = app.seen.length;
    const [down, answer] = [await ask('nobody', 'POST'), await ask(REFUSING, 'POST')];
    assert.deepEqual(withoutTimes(answer), withoutTimes(down));
    assert.equal(app.seen.length, reached);
  });

  test('A plain server that is dialled by TLS gets nothing but the begin of a handshake', () => {
    assert.ok(plainBytes.length > 0);
    assert.equal(plainBytes.charCodeAt(0), 0x16);
  });
});

function isAbout({ export: exported, upstream_fail: reason }: Record<string, unknown>, name: string): boolean {
  return exported === name && typeof reason === 'string' && reason.length > 1;
}

function withoutTimes({ headers, ...answer }: Answer): object {
  const { date: _, ...kept } = headers;
  return { ...answer, headers: kept };
}
