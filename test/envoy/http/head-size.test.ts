// How large the head of a request may be, and how many fields it may have: the evaluator and real gateways, at the border.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { Question, Request } from '../../../src/decision/answer/question.ts';
import { judge } from '../../../src/decision/connection.ts';
import { peerHello } from '../../../src/decision/tls/honest-client.ts';
import { eventually } from '../../support/mesh.ts';
import { BankAndShop } from '../bank-and-shop.ts';

type Header = readonly [name: string, value: string];

const many = (count: number, header: (index: number) => Header): readonly Header[] =>
  Array.from({ length: count }, (_, index) => header(index));

/** Requests that grow with `size`. */
const SHAPES: Readonly<Record<string, (size: number) => Pick<Request, 'path' | 'headers'>>> = {
  'a path': (size) => ({ path: `/${'p'.repeat(size)}`, headers: [['x-a', 'b']] }),
  'a header': (size) => ({ path: '/p?q', headers: [['x-a', 'b'.repeat(size)]] }),
  'several long headers': (size) => ({
    path: '/p',
    headers: many(40, (index) => [`x-${index}`, 'b'.repeat(Math.floor((size + index) / 40))]),
  }),
  cookies: (size) => ({
    path: '/p',
    headers: [['cookie', 'c'.repeat(size)], ...many(3, () => ['cookie', 'd=e'] as const)],
  }),
  'many headers': (size) => ({ path: '/p', headers: many(size, (index) => [`x-${index}`, 'b']) }),
  'a header many times': (size) => ({ path: '/p', headers: many(size, () => ['x-a', 'b']) }),
};

describe('the size of a request head', () => {
  let scene: BankAndShop;
  before(async () => {
    scene = await BankAndShop.start();
  });
  after(() => scene.stop());

  const gateways = {
    'the ingress': { role: 'ingress', protocol: 'h2', authority: 'no.exports.bank.example', taken: 'NO_GRANT' },
    'the egress over HTTP/2': { role: 'egress', protocol: 'h2', authority: 'no.bank', taken: 'UNKNOWN_NAME' },
    'the egress over HTTP/1.1': { role: 'egress', protocol: 'http/1.1', authority: 'no.bank', taken: 'UNKNOWN_NAME' },
  } as const;

  for (const [where, { role, protocol, authority, taken }] of Object.entries(gateways))
    for (const [what, shape] of Object.entries(SHAPES))
      test(`The evaluator refuses ${what} from the same size on as ${where}`, async () => {
        const resources = scene.resources(role);
        const at = Date.now();
        const requestOf = (size: number): Request => ({ protocol, method: 'GET', authority, ...shape(size) });
        const answer = (size: number): string => {
          const hello = role === 'ingress' ? peerHello(resources, 'shop', at) : undefined;
          const port = role === 'egress' && { port: scene.local };
          const question: Question = { at, request: requestOf(size), ...port, ...(hello && { hello }) };
          return judge(resources, question).reason;
        };
        let [most, refused] = [1, 60_000];
        assert.deepEqual([answer(most), answer(refused)], [taken, 'HEADERS_TOO_LARGE']);
        while (refused - most > 1) {
          const middle = Math.floor((most + refused) / 2);
          if (answer(middle) === taken) most = middle;
          else refused = middle;
        }
        assert.deepEqual(
          [await logged(requestOf(most), role), await logged(requestOf(refused), role)],
          [taken, 'HEADERS_TOO_LARGE'],
          `${most}`,
        );
      });

  async function logged(request: Request, role: 'ingress' | 'egress'): Promise<unknown> {
    const envoy = scene[role];
    const from = envoy.log.length;
    const found = () => envoy.log.slice(from).find((line) => line['layer'] === 'http');
    if (request.protocol === 'h2') await sentOverHttp2(request, role);
    else await sentOverHttp1(request);
    await eventually('its line', () => found() !== undefined);
    return found()?.['reason'];
  }

  /** Without a field that the request does not have. */
  async function sentOverHttp2(
    { method, authority, path, headers }: Request,
    role: 'ingress' | 'egress',
  ): Promise<void> {
    const { port, servername, client } = scene.fromShop();
    const tls = { servername, rejectUnauthorized: false, ALPNProtocols: ['h2'], ...client };
    const session: ClientHttp2Session =
      role === 'ingress'
        ? connectHttp2(`https://127.0.0.1:${port}`, tls)
        : connectHttp2(`http://127.0.0.1:${scene.local}`);
    session.on('error', () => 0);
    const fields: Record<string, string[]> = {};
    for (const [name, value] of headers) fields[name] = [...(fields[name] ?? []), value];
    const pseudo = { ':method': method, ':scheme': 'https', ':authority': authority, ':path': path };
    const stream = session.request({ ...pseudo, ...fields });
    // It is answered, or reset.
    stream.on('error', () => 0);
    stream.resume().end();
    await new Promise((done) => stream.once('close', done));
    session.destroy();
  }

  async function sentOverHttp1({ method, authority, path, headers }: Request): Promise<void> {
    const socket = connect(scene.local, '127.0.0.1');
    socket.on('error', () => 0);
    const lines = [
      `${method} ${path} HTTP/1.1`,
      `host: ${authority}`,
      ...headers.map(([name, value]) => `${name}: ${value}`),
    ];
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    await once(socket, 'data');
    socket.destroy();
  }
});
