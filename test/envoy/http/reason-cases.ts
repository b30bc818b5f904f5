// What brings each reason code about: a request, a connection or a handshake at a real gateway, and the line that has to follow.
// Must not: list a code that nothing here causes; reasons.test.ts runs every case, and compares the codes with the table.

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ReasonCode } from '../../../src/envoy/reasons.ts';
import { dialRaw, RST_STREAM } from '../../support/clients/raw-http2.ts';
import {
  type AskedHttp2,
  type Dialled,
  Recorded,
  RecordedHttp2,
  recordHttp2,
  recordUntilClosed,
} from '../../support/recorded.ts';
import type { Certificate } from '../callers.ts';
import type { Gateway, ReasonScene } from './reason-scene.ts';

export interface ReasonCase {
  readonly reason: ReasonCode;
  readonly gateway: Gateway;
  readonly layer: 'listener' | 'http' | 'tcp' | 'tunnel';
  readonly act: (scene: ReasonScene) => Promise<unknown>;
  /** Fields by which the line is told from others; undefined: the line has none. */
  readonly where?: Readonly<Record<string, string | undefined>>;
}

type Act = ReasonCase['act'];

const SNI = 'shop.example.peers.bank.example';

/** How a peer dials the bank. */
function as(scene: ReasonScene, peer: string, client: Certificate | undefined = scene.certificate(peer)): Dialled {
  return {
    port: scene.ports.bank,
    tls: { servername: `${peer}.example.peers.bank.example`, ...(client && { client }) },
  };
}

/** A request, or several at once over one connection, of a peer's gateway. */
function peer(name: string, of: string, asked: Partial<AskedHttp2> = {}, times = 1): Act {
  const one = { path: '/v1/ok', ...asked, authority: `${of}.exports.bank.example` };
  return (scene) =>
    recordHttp2(
      as(scene, name),
      Array.from({ length: times }, () => one),
    );
}

/** The same of a caller of the shop. */
function caller(name: string, asked: Partial<AskedHttp2> = {}, times = 1): Act {
  const one = { path: '/v1/ok', ...asked, authority: name };
  return (scene) =>
    recordHttp2(
      { port: scene.ports.shop },
      Array.from({ length: times }, () => one),
    );
}

/** The same several times, each on a connection of its own. */
function oneByOne(times: number, act: Act): Act {
  return async (scene) => {
    for (let done = 0; done < times; done += 1) await act(scene);
  };
}

function handshake(dialled: (scene: ReasonScene) => Dialled): Act {
  return (scene) => recordUntilClosed(dialled(scene), 'GET / HTTP/1.1\r\n\r\n');
}

function asShop(client: (scene: ReasonScene) => Certificate): Act {
  return handshake((scene) => as(scene, 'shop', client(scene)));
}

/** The first bytes of a client that would go on. */
async function clientHello(): Promise<Buffer> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const client = connectTls({ port, servername: SNI, ALPNProtocols: ['h2'], minVersion: 'TLSv1.3' });
  client.on('error', () => 0);
  const [socket] = (await once(server, 'connection')) as [Socket];
  const [hello] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return hello;
}

/** Says hello, and then this, or nothing more. */
function afterHello(then?: string): Act {
  return async (scene) => {
    const socket = connect(scene.ports.bank, '127.0.0.1').on('error', () => 0);
    await once(socket, 'connect');
    socket.write(await clientHello());
    await once(socket, 'data');
    if (then === undefined) socket.end();
    else socket.write(Buffer.from(then, 'latin1'));
    socket.resume();
    await once(socket, 'close');
  };
}

const UNREAD_ALERT =
  'TLS_error:|268435568:SSL_routines:OPENSSL_internal:BAD_PACKET_LENGTH|268435595:SSL_routines:OPENSSL_internal:DECRYPTION_FAILED_OR_BAD_RECORD_MAC:TLS_error_end';

const acceptsRsaAlone: Act = async (scene) => {
  const socket = connectTls({
    ...{ port: scene.ports.bank, servername: SNI, ALPNProtocols: ['h2'], rejectUnauthorized: false },
    ...scene.certificate('shop'),
    sigalgs: 'rsa_pss_rsae_sha256',
  });
  await new Promise((done) => socket.on('error', () => 0).on('close', done));
};

/** Says hello, and nothing more, until the gateway has enough of it. */
const silentAfterHello: Act = async (scene) => {
  const socket = connect(scene.ports.bank, '127.0.0.1').on('error', () => 0);
  await once(socket, 'connect');
  socket.write(await clientHello());
  await once(socket.resume(), 'close');
};

/** Asks, and gives up at once, again and again, over one connection. */
const gaveUp: Act = async (scene) => {
  const { port, tls } = as(scene, 'shop');
  const client = await dialRaw({ gateway: { host: '127.0.0.1', port }, servername: SNI, ...tls });
  const authority = 'core.exports.bank.example';
  const get = Object.entries({ ':method': 'GET', ':scheme': 'https', ':authority': authority, ':path': '/v1/ok' });
  client.request(
    get.map(([name, value]) => [name, value === 'GET' ? 'POST' : value]),
    false,
  );
  for (let asked = 0; asked < 2000; asked += 1)
    client.send(RST_STREAM, 0, client.request(get), Buffer.from([0, 0, 0, 8]));
  while (!client.closed) await new Promise((done) => setTimeout(done, 10));
};

/** Leaves while the backend is silent. */
const leaves: Act = async (scene) => {
  const connection = new RecordedHttp2(as(scene, 'shop'));
  const asked = { path: '/v1/stall', authority: 'patient.exports.bank.example' };
  void connection.ask(asked);
  await connection.recorded.until((bytes) => bytes.includes('serv'));
  await connection.close();
};

/** One connection is there, and another one comes. */
const secondConnection: Act = async (scene) => {
  const first = new RecordedHttp2(as(scene, 'guest'));
  await first.ask({ path: '/v1/ok', authority: 'core.exports.bank.example' });
  await recordHttp2(as(scene, 'guest'), [{ path: '/v1/ok', authority: 'core.exports.bank.example' }]);
  await first.close();
};

/** The same over TCP: the first one has heard the backend. */
const secondTcp =
  (dialled: (scene: ReasonScene) => Dialled): Act =>
  async (scene) => {
    const first = new Recorded(dialled(scene)).listen();
    await first.until((bytes) => bytes.includes('served'));
    await recordUntilClosed(dialled(scene), '', /served/);
    first.end();
  };

const overloaded: Act = async (scene) => {
  await scene.press('1.0');
  await peer('shop', 'core')(scene);
  await scene.press('0.0');
};

/** The peer is taken out of the bank's file while its request is open. */
const removed: Act = async (scene) => {
  const connection = new RecordedHttp2(as(scene, 'leaving'));
  const ended = connection.ask({ path: '/v1/stall', authority: 'patient.exports.bank.example' });
  await connection.recorded.until((bytes) => bytes.includes('serv'));
  scene.removePeer('leaving');
  await ended;
  await connection.close();
};

/** A request whose headers do not end. */
const slowHeaders: Act = (scene) =>
  recordUntilClosed({ port: scene.ports.shop }, 'GET /v1/ok HTTP/1.1\r\nHost: core.bank\r\n');

const tcp =
  (port: 'goneLedger' | 'closedLedger' | 'ruin'): Act =>
  async (scene) => {
    const recorded = new Recorded({ port: scene.ports[port] }).listen();
    await recorded.until((bytes) => bytes.includes('served'));
    recorded.socket.end('end');
    await recorded.closed;
  };

const proven =
  (path: string): Act =>
  (scene) =>
    recordHttp2(
      { port: scene.ports.proven, tls: { servername: 'core.bank', client: scene.certificate('proven', path) } },
      [{ path: '/v1/ok', authority: 'core.bank' }],
    );

const WEBSOCKET = {
  method: 'CONNECT',
  headers: { ':protocol': 'websocket', 'sec-websocket-version': '13' },
  open: true,
};
const BODY = { method: 'POST', body: Buffer.alloc(8192) };
const HOUR = 3_600_000;

const bank = (layer: ReasonCase['layer'], where: ReasonCase['where'] = {}) =>
  ({ gateway: 'bank', layer, where }) as const;
const shop = (layer: ReasonCase['layer'], where: ReasonCase['where'] = {}) =>
  ({ gateway: 'shop', layer, where }) as const;

/** By this `explain` tells a limit that comes after the handshake from one of a peer, which counts handshakes (cli/explain/line-limits.ts). */
const AFTER_TLS = { flags: 'UO', tls_fail: undefined };

export const REASON_CASES: Readonly<Record<string, ReasonCase>> = {
  'an admitted request': { reason: 'ALLOWED', ...bank('http', { peer: 'shop' }), act: peer('shop', 'core') },
  'an error that the backend answers with': {
    ...{ reason: 'ALLOWED', ...bank('http', { path: '/v1/error' }), act: peer('shop', 'core', { path: '/v1/error' }) },
  },
  'a WebSocket that the backend declines is no failure of a gateway': {
    ...{ reason: 'ALLOWED', ...bank('http', { method: 'POST' }), act: peer('shop', 'core', { method: 'POST' }) },
  },
  'an export that does not exist': { reason: 'NO_GRANT', ...bank('http'), act: peer('shop', 'nothing') },
  'a path of no rule': { reason: 'PATH', ...bank('http'), act: peer('shop', 'core', { path: '/v2/ok' }) },
  'a method of no rule': { reason: 'METHOD', ...bank('http'), act: peer('shop', 'core', { method: 'DELETE' }) },
  'a gRPC call of no rule, which has status 200': {
    ...{ reason: 'PATH', ...bank('http', { grpc: 'PermissionDenied' }) },
    act: peer('shop', 'core', { method: 'POST', path: '/x', headers: { 'content-type': 'application/grpc' } }),
  },
  'a gRPC call above a rate, which has status 200': {
    ...{ reason: 'CONSUMER_RATE_LIMIT', ...bank('http', { grpc: 'ResourceExhausted' }) },
    act: peer('shop', 'rate', { method: 'POST', headers: { 'content-type': 'application/grpc' } }, 6),
  },
  'a gRPC call to a backend where nobody listens, which has status 200': {
    ...{ reason: 'BACKEND_DOWN', ...bank('http', { grpc: 'Unavailable' }) },
    act: peer('shop', 'down', { method: 'POST', headers: { 'content-type': 'application/grpc' } }),
  },
  'a rule of another workload': { reason: 'WORKLOAD', ...bank('http'), act: peer('shop', 'core', { path: '/w' }) },
  'a caller that is no client of the import': {
    ...{ reason: 'CLIENT', gateway: 'proven', layer: 'http' },
    act: proven('ns/web/sa/other'),
  },
  'a name of no import': { reason: 'UNKNOWN_NAME', ...shop('http'), act: caller('nobody.bank') },
  'a peer without a usable CA': { reason: 'PEER_DENIED', ...shop('http'), act: caller('core.denied') },

  'a semicolon below a prefix': {
    reason: 'UNUSUAL_PATH',
    ...bank('http'),
    act: peer('shop', 'core', { path: '/v1/a;b' }),
  },
  'a body of a GET': {
    reason: 'UNEXPECTED_BODY',
    ...bank('http'),
    act: peer('shop', 'core', { body: Buffer.from('body') }),
  },
  'an underscore in a header': {
    ...{ reason: 'UNDERSCORE_HEADER', ...bank('http') },
    act: peer('shop', 'core', { headers: { a_b: 'c' } }),
  },
  'a WebSocket where none is allowed': { reason: 'UPGRADE', ...bank('http'), act: peer('shop', 'core', WEBSOCKET) },
  'a CONNECT that asks for a tunnel': {
    ...{ reason: 'UPGRADE', ...shop('http') },
    act: (scene) =>
      recordUntilClosed(
        { port: scene.ports.shop },
        'CONNECT core.bank:443 HTTP/1.1\r\nHost: core.bank\r\n\r\n',
        /\r\n\r\n/,
      ),
  },
  'an encoded slash': {
    reason: 'MALFORMED_REQUEST',
    ...bank('http', { path: undefined, code_details: 'path_normalization_failed' }),
    act: peer('shop', 'core', { path: '/v1/a%2fb' }),
  },
  'large headers': {
    ...{ reason: 'HEADERS_TOO_LARGE', ...shop('http') },
    act: (scene) =>
      recordUntilClosed(
        { port: scene.ports.shop },
        `GET /v1/ok HTTP/1.1\r\nHost: core.bank\r\nx: ${'y'.repeat(90_000)}\r\n\r\n`,
        /\r\n\r\n/,
      ),
  },
  'large headers over HTTP/2': {
    ...{ reason: 'HEADERS_TOO_LARGE', ...shop('http', { code_details: 'http2.header_list_size_too_large' }) },
    act: caller('core.bank', {
      headers: Object.fromEntries(['a', 'b', 'c'].map((name) => [name, '0'.repeat(30_000)])),
    }),
  },
  'a header of HTTP/2 that is none': {
    ...{ reason: 'MALFORMED_REQUEST', ...bank('http', { code_details: 'http2.invalid.header.field' }) },
    act: peer('shop', 'core', { headers: { x: 'a\u0001' } }),
  },
  'many headers': {
    ...{ reason: 'HEADERS_TOO_LARGE', ...bank('http') },
    act: peer('shop', 'core', {
      headers: Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`x-${at}`, 'y'])),
    }),
  },
  'a flood of requests that are given up': { reason: 'FLOOD', ...bank('http'), act: gaveUp },

  'the rate of a peer': { reason: 'PEER_RATE_LIMIT', ...bank('http'), act: peer('hasty', 'core', {}, 6) },
  'the open requests of a peer': {
    ...{ reason: 'PEER_REQUESTS_LIMIT', ...bank('http') },
    act: peer('busy', 'core', { path: '/v1/no-answer' }, 3),
  },
  'the rate of a consumer': { reason: 'CONSUMER_RATE_LIMIT', ...bank('http'), act: peer('shop', 'rate', {}, 6) },
  'the open requests of a consumer': {
    ...{ reason: 'CONSUMER_REQUESTS_LIMIT', ...bank('http') },
    act: peer('shop', 'few', { path: '/v1/no-answer' }, 3),
  },
  'the rate of an import': { reason: 'IMPORT_RATE_LIMIT', ...shop('http'), act: caller('rate-here.bank', {}, 6) },
  'the open requests of an import': {
    ...{ reason: 'IMPORT_REQUESTS_LIMIT', ...shop('http') },
    act: caller('few-here.bank', { path: '/v1/no-answer' }, 3),
  },
  'a large body': { reason: 'BODY_LIMIT', ...bank('http'), act: peer('shop', 'small', BODY) },
  'a second connection': { reason: 'CONNECTION_LIMIT', ...bank('listener'), act: secondConnection },
  'a second connection of a TCP consumer': {
    ...{
      reason: 'CONNECTION_LIMIT',
      ...bank('listener', { ...AFTER_TLS, sni: 'narrow.tcp.shop.example.peers.bank.example' }),
    },
    act: secondTcp((scene) => ({ port: scene.ports.narrow })),
  },
  'a second connection of a TCP consumer, at its egress': {
    ...{ reason: 'PEER_RESET', ...shop('tcp', { import: 'narrow' }) },
    act: secondTcp((scene) => ({ port: scene.ports.narrow })),
  },
  'a second connection of a TCP import whose callers prove who they are': {
    ...{ reason: 'CONNECTION_LIMIT', gateway: 'proven', layer: 'listener', where: AFTER_TLS },
    act: secondTcp((scene) => ({
      port: scene.ports.provenNarrow,
      tls: { client: scene.certificate('proven', 'ns/web/sa/front') },
    })),
  },
  'a gateway without memory': { reason: 'OVERLOADED', ...bank('http'), act: overloaded },

  'a client without a certificate': {
    ...{ reason: 'NO_CERTIFICATE', ...bank('listener') },
    act: handshake((scene) => ({ port: scene.ports.bank, tls: { servername: SNI } })),
  },
  'a certificate of another CA': {
    ...{ reason: 'WRONG_CA', ...bank('listener') },
    act: asShop((scene) => scene.certificate('rogue')),
  },
  'another identity': {
    ...{ reason: 'WRONG_IDENTITY', ...bank('listener') },
    act: asShop((scene) => scene.certificate('shop', 'ns/x/sa/y')),
  },
  'an expired certificate': {
    ...{ reason: 'CERTIFICATE_EXPIRED', ...bank('listener') },
    act: asShop((scene) => scene.certificate('shop', 'gateway/egress', 'ecdsa', Date.now() - 2 * HOUR)),
  },
  'a certificate that is not valid yet': {
    ...{ reason: 'CERTIFICATE_NOT_YET_VALID', ...bank('listener') },
    act: asShop((scene) => scene.certificate('shop', 'gateway/egress', 'ecdsa', Date.now() + 2 * HOUR)),
  },
  'a certificate for servers alone': {
    ...{ reason: 'WRONG_PURPOSE', ...bank('listener') },
    act: asShop((scene) => scene.serverCertificate()),
  },
  'a client that accepts no key of ours': {
    ...{ reason: 'WRONG_KEY_KIND', ...bank('listener') },
    act: acceptsRsaAlone,
  },
  'a key of a kind that is not accepted, for which TLS libraries show no certificate': {
    ...{ reason: 'NO_CERTIFICATE', ...bank('listener') },
    act: asShop((scene) => scene.certificate('shop', 'gateway/egress', 'rsa')),
  },
  'an unknown server name': {
    ...{ reason: 'UNKNOWN_SERVER_NAME', ...bank('listener') },
    act: handshake((scene) => as(scene, 'nobody')),
  },
  plaintext: {
    ...{ reason: 'NOT_TLS', ...bank('listener') },
    act: (scene) => recordUntilClosed({ port: scene.ports.bank }, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
  },
  'a client that is silent in the handshake': {
    ...{ reason: 'HANDSHAKE_UNFINISHED', ...bank('listener') },
    act: silentAfterHello,
  },
  'a client that leaves in the handshake': { reason: 'HANDSHAKE_UNFINISHED', ...bank('listener'), act: afterHello() },
  // OpenSSL sends it before it has installed its keys.
  'an alert that is not encrypted, as of a client with OpenSSL that does not accept our certificate': {
    ...{ reason: 'HANDSHAKE_FAILED', ...bank('listener', { tls_fail: UNREAD_ALERT }) },
    act: afterHello('\x15\x03\x03\x00\x02\x02\x30'),
  },
  'a handshake that is none': {
    ...{ reason: 'HANDSHAKE_FAILED', ...bank('listener') },
    act: afterHello('\x17\x03\x03\x00\x20garbage garbage garbage garbage '),
  },

  'a backend where nobody listens': {
    reason: 'BACKEND_DOWN',
    ...bank('http', { export: 'down' }),
    act: peer('shop', 'down'),
  },
  'a backend with a certificate of another CA': {
    reason: 'BACKEND_TLS',
    ...bank('http'),
    act: peer('shop', 'impostor'),
  },
  'a silent backend': {
    reason: 'BACKEND_TIMEOUT',
    ...bank('http', { method: 'POST' }),
    act: peer('shop', 'core', { method: 'POST', path: '/v1/no-answer' }),
  },
  'a caller that is silent in the middle of its body': {
    ...{ reason: 'BACKEND_TIMEOUT', ...bank('http', { path: '/v1/half' }) },
    act: peer('shop', 'core', { method: 'POST', path: '/v1/half', open: true }),
  },
  'a backend that resets': {
    reason: 'BACKEND_RESET',
    ...bank('http'),
    act: peer('shop', 'core', { method: 'POST', path: '/v1/reset-before' }),
  },
  ...Object.fromEntries(
    ['end-body', 'end-chunks', 'reset-body', 'bad-chunk'].map((ending) => [
      `a backend whose answer breaks off or goes wrong after its head (${ending})`,
      {
        ...{ reason: 'BACKEND_RESET', ...bank('http', { path: `/v1/${ending}` }) },
        act: peer('shop', 'core', { path: `/v1/${ending}` }),
      } as const,
    ]),
  ),
  'a backend that speaks no HTTP': {
    reason: 'BACKEND_MALFORMED',
    ...bank('http'),
    act: peer('shop', 'core', { method: 'POST', path: '/v1/garbage' }),
  },

  'a backend that answers with no status': {
    ...{ reason: 'BACKEND_MALFORMED', ...bank('http', { path: '/v1/no-status' }) },
    act: peer('shop', 'core', { method: 'POST', path: '/v1/no-status' }),
  },
  'a backend that upgrades what has not asked for it': {
    ...{ reason: 'BACKEND_MALFORMED', ...bank('http', { path: '/v1/unasked-upgrade' }) },
    act: peer('shop', 'core', { method: 'POST', path: '/v1/unasked-upgrade' }),
  },
  'a TCP import whose backend is down': {
    ...{ reason: 'PEER_RESET', ...shop('tcp', { import: 'ruin' }) },
    act: tcp('ruin'),
  },

  'a peer where nobody listens': { reason: 'PEER_DOWN', ...shop('http', { peer: 'gone' }), act: caller('core.gone') },
  'the tunnel to such a peer': { reason: 'PEER_DOWN', ...shop('tunnel', { peer: 'gone' }), act: caller('core.gone') },
  'a TCP import of such a peer': { reason: 'PEER_DOWN', ...shop('tcp', { peer: 'gone' }), act: tcp('goneLedger') },
  'a peer whose addresses all fail their health checks': {
    ...{ reason: 'PEER_DOWN', ...shop('http', { peer: 'twice' }) },
    act: caller('core.twice', { method: 'POST' }),
  },
  'the tunnel to such a peer, of the address where nobody listens': {
    ...{ reason: 'PEER_DOWN', ...shop('tunnel', { peer: 'twice' }) },
    act: caller('core.twice'),
  },
  'the tunnel to such a peer, of the address with a certificate of another CA': {
    ...{ reason: 'WRONG_CA', ...shop('tunnel', { peer: 'twice' }) },
    act: oneByOne(2, caller('core.twice')),
  },
  'a peer that does not know us': {
    reason: 'UNKNOWN_SERVER_NAME',
    ...shop('tunnel', { peer: 'rogue' }),
    act: caller('core.rogue'),
  },
  'a peer that has as many connections of ours as it takes': {
    ...{ reason: 'UNKNOWN_SERVER_NAME', ...shop('tunnel', { peer: 'full' }) },
    act: caller('core.full'),
  },
  'a TCP import that the peer does not grant': {
    ...{ reason: 'UNKNOWN_SERVER_NAME', ...shop('tcp', { import: 'closed' }) },
    act: tcp('closedLedger'),
  },
  'a peer that does not accept our certificate': {
    ...{ reason: 'PEER_REFUSED_US', ...shop('tunnel', { peer: 'wary' }) },
    // A reset may overtake the alert that says why, but not each time.
    act: oneByOne(10, caller('core.wary')),
  },
  'a silent peer': { reason: 'PEER_TIMEOUT', ...shop('http', { authority: 'soon.seen' }), act: caller('soon.seen') },
  'a peer that goes down in the middle of its answer': {
    ...{ reason: 'PEER_RESET', ...shop('http', { path: '/v1/stop' }) },
    act: caller('core.seen', { path: '/v1/stop' }),
  },

  'a caller that leaves': { reason: 'CALLER_LEFT', ...bank('http', { export: 'patient' }), act: leaves },
  'headers that do not come to an end': { reason: 'IDLE', ...shop('http'), act: slowHeaders },
  'a request that lasts too long': {
    ...{ reason: 'AGE', ...bank('http', { export: 'patient' }) },
    act: peer('shop', 'patient', { path: '/v1/stall' }),
  },
  'a peer that is removed while it asks': {
    ...{ reason: 'ENDED_BY_GATEWAY', ...bank('http', { peer: 'leaving' }) },
    act: removed,
  },
};
