// What a peer, a stranger and a local caller can see of us in any state: every byte that real gateways send them, scanned.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { leaksIn } from '../../support/leaks.ts';
import {
  type AskedHttp2,
  type Dialled,
  decodeHttp2,
  holdsEnd,
  Recorded,
  recordHandshake,
  recordHttp2,
  recordUntilClosed,
} from '../../support/recorded.ts';
import { assertReasonsKnown } from './known-reasons.ts';
import { DOWN, LeakScene, TCP_EXPORTS } from './leak-scene.ts';
import { ENDINGS, WEBSOCKET_ENDINGS } from './leaking-backends.ts';
import { MALFORMED_HTTP1, MALFORMED_HTTP2, PREFACE } from './malformed.ts';

const GRPC = { method: 'POST', headers: { 'content-type': 'application/grpc', te: 'trailers' } } as const;
const GRPC_ENDINGS = ['NoAnswer', 'Reset', 'GoAway', 'TrailersOnly', 'ResetBody', 'Stall'] as const;
const WORKLOAD = 'ns/web/sa/front';

describe('what gateways show', () => {
  let scene: LeakScene;
  before(async () => {
    scene = await LeakScene.start();
  });
  after(() => scene.stop());

  function clean(what: string, text: string): void {
    assert.ok(!text.includes('HUNG'), `${what} hung`);
    assert.deepEqual(
      leaksIn(text, scene.inside),
      [],
      `${what}:\n${text.replaceAll(/[^\x20-\x7e\n]/g, '·').slice(-1500)}`,
    );
  }

  /** `shows`: what has to be among it, or nothing of the kind would have been scanned. */
  async function cleanAll(
    all: readonly (readonly [string, Promise<string>])[],
    ...shows: readonly RegExp[]
  ): Promise<void> {
    const texts = await Promise.all(all.map(async ([what, text]) => [what, await text] as const));
    for (const [what, text] of texts) clean(what, text);
    for (const shown of shows)
      assert.ok(
        texts.some(([, text]) => shown.test(text)),
        `${shown} in ${texts.length} texts`,
      );
  }

  /** Whoever calls HTTP and gRPC services, how it dials, and by which names. */
  function callers(): readonly { who: string; dialled: Dialled; named: (name: string) => string }[] {
    const at = (name: string): string => `${name}.exports.bank.example`;
    const locally = (name: string): string => `${name}.bank`;
    const tls = { servername: 'core.bank', client: scene.certificate('proven', WORKLOAD) };
    return [
      { who: 'a peer', dialled: scene.as('shop'), named: at },
      { who: 'a caller with HTTP/2', dialled: { port: scene.shop.port }, named: locally },
      { who: 'a proven caller', dialled: { port: scene.proven.port, tls }, named: locally },
    ];
  }

  /** The same question of every kind of caller, each on a connection of its own. */
  async function everybodyAsks(
    asked: Readonly<Record<string, Partial<AskedHttp2> & { readonly of: string }>>,
    ...shows: readonly RegExp[]
  ): Promise<void> {
    for (const { who, dialled, named } of callers())
      await cleanAll(
        Object.entries(asked).map(([what, { of, path = '/v1/ok', ...more }]) => [
          `${who}, ${what}`,
          recordHttp2(dialled, [{ authority: named(of), path, ...more }]),
        ]),
        ...shows,
      );
  }

  const http1 = (name: string, path: string, more = '', body = ''): string =>
    `${body === '' ? 'GET' : 'POST'} ${path} HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n${more}\r\n${body}`;

  /** Where callers with HTTP/1.1 ask. */
  function http1Callers(): readonly Dialled[] {
    const tls = { servername: 'core.bank', alpn: ['http/1.1'], client: scene.certificate('proven', WORKLOAD) };
    return [{ port: scene.shop.port }, { port: scene.proven.port, tls }];
  }

  async function askedInHttp1(asked: Readonly<Record<string, string>>, ...shows: readonly RegExp[]): Promise<void> {
    for (const dialled of http1Callers())
      await cleanAll(
        Object.entries(asked).map(([what, text]) => [`HTTP/1.1, ${what}`, recordUntilClosed(dialled, text)]),
        ...shows,
      );
  }

  test('Nothing of how a backend answers or ends says anything of it', async () => {
    await everybodyAsks(
      Object.fromEntries(ENDINGS.map((ending) => [ending, { of: 'core', path: `/v1/${ending}` }])),
      /served/,
      /":status":50[34]/,
    );
    await askedInHttp1(
      Object.fromEntries(ENDINGS.map((ending) => [ending, http1('core.bank', `/v1/${ending}`)])),
      /served$/m,
      /^gateway: 504$/m,
    );
    await askedInHttp1({
      'an expectation': http1('core.bank', '/v1/continue', 'Expect: 100-continue\r\ncontent-length: 4\r\n', 'body'),
    });
  });

  test('Nothing of how a gRPC call ends says anything of its backend', async () => {
    const call = (of: string, ending: string) =>
      [`${of} ${ending}`, { of, path: `/a.B/${ending}`, ...GRPC, body: Buffer.alloc(5) }] as const;
    // By itself: another ending may take the backend's connection with it.
    await everybodyAsks(Object.fromEntries([call('rates', 'Ok')]), /"grpc-message":"served"/);
    await everybodyAsks(
      Object.fromEntries(['rates', 'dead-rates'].flatMap((of) => GRPC_ENDINGS.map((ending) => call(of, ending)))),
      /"grpc-status":"14"/,
    );
  });

  test('A refused request says that it is refused', async () => {
    await everybodyAsks(
      {
        'a method': { of: 'core', method: 'DELETE' },
        'a method that is never granted': { of: 'core', method: 'TRACE' },
        'a path': { of: 'core', path: '/v2/ok' },
        'a path with a climb': { of: 'core', path: '/v1/%2e%2e/x' },
        'a path with an escaped slash': { of: 'core', path: '/v1/%2fx' },
        'a name': { of: 'nowhere' },
        'an export of others': { of: 'secret' },
        'a workload': { of: 'core', path: '/w' },
        'a header with an underscore': { of: 'core', headers: { x_y: 'z' } },
        'a body': { of: 'core', body: Buffer.from('body') },
        'an expectation': { of: 'core', headers: { expect: 'something' } },
        'a gRPC method': { of: 'rates', path: '/c.D/E', ...GRPC },
        'a gRPC service': { of: 'core', path: '/c.D/E', ...GRPC },
      },
      /":status":403/,
      /"grpc-status":"7"/,
    );
    const proxied = [
      'GET http://core.bank/v1/ok HTTP/1.1',
      'CONNECT core.bank:443 HTTP/1.1',
      'OPTIONS * HTTP/1.1',
      'GET /v1/ok HTTP/1.0',
    ];
    await askedInHttp1(
      {
        'a name': http1('nowhere.bank', '/v1/ok'),
        'a path': http1('core.bank', '/v2/ok'),
        'an export of others': http1('secret.bank', '/v1/ok'),
        ...Object.fromEntries(proxied.map((line) => [line, `${line}\r\nHost: core.bank\r\nConnection: close\r\n\r\n`])),
      },
      /^gateway: 404$/m,
      /^gateway: 403$/m,
    );
  });

  test('A limit says that it is reached', async () => {
    const most = Array.from({ length: 6 });
    const open = { method: 'GET', path: '/v1/no-answer' };
    await cleanAll(
      callers().flatMap(({ who, dialled, named }) => {
        const many = (of: string, more: Partial<AskedHttp2>) =>
          recordHttp2(
            dialled,
            most.map(() => ({ authority: named(of), path: '/v1/ok', ...more })),
          );
        const own = who === 'a peer' ? [] : ['rate-here', 'few-here', 'small-here', 'soon'];
        return [
          ...['rate', ...own].map((of) => [`${who}, ${of}`, many(of, {})] as const),
          ...['few', ...own].map((of) => [`${who}, ${of}`, many(of, open)] as const),
          ...['small', ...own].map(
            (of) => [`${who}, ${of}`, many(of, { method: 'POST', body: Buffer.alloc(8192) })] as const,
          ),
          [`${who}, small-rates`, many('small-rates', { path: '/a.B/Ok', ...GRPC, body: Buffer.alloc(8192) })],
        ];
      }),
      /":status":429/,
      /":status":413/,
      /":status":503/,
      /"grpc-status":"8"/,
    );
    await askedInHttp1({ 'a body': http1('small-here.bank', '/v1/ok', 'content-length: 8192\r\n', 'x'.repeat(8192)) });
    const guest = scene.as('guest');
    const asked = { authority: 'core.exports.bank.example', path: '/v1/stall' };
    await cleanAll(most.map((_, at) => [`connection ${at}`, recordHttp2(guest, [asked])]));
  });

  test('A backend or a peer that is down says that there is no answer', async () => {
    await everybodyAsks(Object.fromEntries(DOWN.map((of) => [of, { of }])), /":status":503/);
    const down = [...DOWN.map((of) => `${of}.bank`), 'core.gone', 'core.rogue'];
    await askedInHttp1(Object.fromEntries(down.map((name) => [name, http1(name, '/v1/ok')])), /^gateway: 503$/m);
  });

  test('Headers, bodies and paths that are too large get no other answer than refused ones', async () => {
    const fields = Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`x-${at}`, 'y']));
    await everybodyAsks(
      {
        'a header': { of: 'core', headers: { 'x-large': 'x'.repeat(60_000) } },
        'many headers': { of: 'core', headers: fields },
        'a path': { of: 'core', path: `/v1/${'x'.repeat(50_000)}` },
        'a query': { of: 'core', path: `/v1/ok?${'x'.repeat(50_000)}` },
        'a name': { of: 'x'.repeat(20_000) },
      },
      /":status":4\d\d/,
    );
    await askedInHttp1({
      'a header': http1('core.bank', '/v1/ok', `x-large: ${'x'.repeat(60_000)}\r\n`),
      'a path': http1('core.bank', `/v1/${'x'.repeat(80_000)}`),
      'many headers': http1(
        'core.bank',
        '/v1/ok',
        Object.keys(fields)
          .map((name) => `${name}: y\r\n`)
          .join(''),
      ),
    });
  });

  test('What is no HTTP gets no explanation', async () => {
    await askedInHttp1(MALFORMED_HTTP1);
    await cleanAll(
      callers().flatMap(({ who, dialled, named }) =>
        Object.entries(MALFORMED_HTTP2(named('core'))).map(([what, frames]) => {
          const exchange = async (): Promise<string> => {
            const recorded = new Recorded(dialled).listen();
            recorded.socket.write(Buffer.concat([PREFACE, frames]));
            await recorded.until(holdsEnd);
            recorded.end();
            return `${recorded.text}\n${await decodeHttp2(recorded.bytes)}`;
          };
          return [`${who}, ${what}`, exchange()] as const;
        }),
      ),
    );
  });

  test('A WebSocket shows what its server sends, and of its end nothing', async () => {
    const key =
      'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n';
    const opened = (name: string, path: string): string => `GET ${path} HTTP/1.1\r\nHost: ${name}\r\n${key}`;
    for (const dialled of http1Callers()) {
      await cleanAll(
        [...WEBSOCKET_ENDINGS.map((ending) => `/v1/${ending}`), '/v2/close'].map(
          (path) => [`WebSocket ${path}`, recordUpgrade(dialled, opened('chat.bank', path))] as const,
        ),
        /^HTTP\/1.1 101 /,
        /\x81\x06served/,
        /^gateway: 403$/m,
      );
      clean('no WebSocket', await recordUpgrade(dialled, opened('core.bank', '/v1/close')));
    }
    const asked = (path: string): AskedHttp2 => ({
      ...{ method: 'CONNECT', path, authority: 'chat.exports.bank.example', open: true },
      headers: { ':protocol': 'websocket', 'sec-websocket-version': '13' },
    });
    const all = [...WEBSOCKET_ENDINGS.map((ending) => `/v1/${ending}`), '/v2/close'];
    await cleanAll(
      all.map((path) => [`extended CONNECT ${path}`, recordHttp2(scene.as('shop'), [asked(path)])]),
      /":status":200/,
    );
  });

  /** Ended by us after a close frame or a whole answer; otherwise by the gateway. */
  async function recordUpgrade(dialled: Dialled, asked: string): Promise<string> {
    const recorded = new Recorded(dialled).listen();
    recorded.socket.write(asked);
    await recorded.until((bytes) =>
      /\x88\x02|gateway: \d+\n$|content-length: 6[\s\S]*served$/.test(bytes.toString('latin1')),
    );
    recorded.end();
    return recorded.text;
  }

  test('A TCP connection carries the bytes of its service and no others', async () => {
    const said = ['end', 'reset'];
    const client = scene.certificate('proven', WORKLOAD);
    const peer = (of: string): Dialled => ({
      port: scene.port,
      tls: {
        servername: `${of}.tcp.shop.example.peers.bank.example`,
        alpn: ['postern-tcp'],
        client: scene.certificate('shop'),
      },
    });
    const dialled = (index: number, of: string): readonly Dialled[] => [
      { port: scene.shop.tcp[index] ?? 0 },
      { port: scene.proven.tcp[index] ?? 0, tls: { alpn: [], client } },
      { port: scene.proven.tcp[index] ?? 0, tls: { alpn: [], client: scene.certificate('proven', 'ns/web/sa/other') } },
      ...(of === 'gone' ? [] : [peer(of)]),
    ];
    await cleanAll(
      [...TCP_EXPORTS, 'gone'].flatMap((of, index) =>
        dialled(index, of).flatMap((one) =>
          said.map((word) => [`${of}, ${word}`, recordUntilClosed(one, word)] as const),
        ),
      ),
      /^served\n$/,
      /served\n\nalpn false/,
      /served\n\nalpn postern-tcp/,
    );
  });

  test('A handshake that fails, and all that it shows before, names only what the contract names', async () => {
    const right = scene.as('shop').tls.servername;
    const [outsider, guest] = [scene.certificate('rogue'), scene.certificate('guest')];
    const shop = scene.certificate('shop');
    const tcp = `ledger.tcp.${right}`;
    const clients = {
      'no certificate': undefined,
      'another CA': outsider,
      'another peer': guest,
      'another workload': scene.certificate('shop', 'ns/x/sa/y'),
    };
    const handshakes: [string, Dialled][] = [];
    for (const [what, client] of Object.entries(clients)) {
      handshakes.push([what, { port: scene.port, tls: { servername: right, ...(client && { client }) } }]);
      handshakes.push([
        `${what}, TCP`,
        { port: scene.port, tls: { servername: tcp, alpn: ['postern-tcp'], ...(client && { client }) } },
      ]);
      handshakes.push([
        `${what}, a caller`,
        { port: scene.proven.port, tls: { servername: 'core.bank', ...(client && { client }) } },
      ]);
      handshakes.push([
        `${what}, a caller of TCP`,
        { port: scene.proven.tcp[0] ?? 0, tls: { alpn: [], ...(client && { client }) } },
      ]);
    }
    for (const servername of ['unknown.example', `x.${right}`, 'guest.example.peers.bank.example'])
      handshakes.push([servername, { port: scene.port, tls: { servername, client: shop } }]);
    for (const alpn of [['http/1.1'], ['postern-tcp'], []])
      handshakes.push([`ALPN ${alpn}`, { port: scene.port, tls: { servername: right, alpn, client: shop } }]);
    handshakes.push(['no server name', { port: scene.port, tls: { client: shop } }]);
    const sent = Buffer.concat([PREFACE, Buffer.from('GET / HTTP/1.1\r\n\r\n')]);
    await cleanAll(
      handshakes.map(([what, dialled]) => [what, recordUntilClosed(dialled, sent)]),
      /error ERR_SSL/,
    );
    await cleanAll(
      [
        'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
        '\x16\x03\x01\x00\x02\x00\x00',
        'PROXY TCP4 1.1.1.1 1.1.1.1 1 1\r\n',
        '\0'.repeat(64),
      ].map((text) => [`no TLS: ${JSON.stringify(text)}`, recordUntilClosed({ port: scene.port }, text)] as const),
    );
    for (const [port, name, alpn] of [
      [scene.port, right, 'h2'],
      [scene.port, tcp, 'postern-tcp'],
      [scene.port, undefined, 'h2'],
      [scene.proven.port, 'core.bank', 'h2'],
    ] as const)
      clean(`openssl ${name}`, await recordHandshake(port, name, alpn));
  });

  test('Every line of these gateways has a reason of the table', () => {
    assertReasonsKnown(scene.running);
  });
});
