// The reason of every verdict that a gateway can be brought to, on real Envoys: code, verdict and rule of its line of the log.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { REASONS, type ReasonCode } from '../../../src/envoy/reasons.ts';
import { eventually } from '../../support/mesh.ts';
import { BankAndShop, GUEST_EGRESS, SHOP_EGRESS } from '../bank-and-shop.ts';
import { type Call, call, callLocally } from '../callers.ts';
import type { RealEnvoy } from '../real-envoy.ts';

const RULE = 'exports.accounts.v1.consumers.shop';
const IMPORTED = 'accounts.bank.svc.cluster.local';

describe('the reason of a verdict', () => {
  let scene: BankAndShop;
  before(async () => {
    scene = await BankAndShop.start();
  });
  after(() => scene.stop());

  /** The first line of this kind that a gateway writes for what `act` does. */
  async function lineOf(
    envoy: RealEnvoy,
    layer: string,
    act: () => Promise<unknown>,
    isWanted: (line: Line) => boolean = () => true,
  ): Promise<Line> {
    const from = envoy.log.length;
    await act();
    const found = (): Line | undefined =>
      envoy.log.slice(from).find((line) => line['layer'] === layer && isWanted(line));
    await eventually(`a line of ${layer}`, () => found() !== undefined);
    return found() ?? {};
  }

  const requests: Readonly<Record<string, readonly [ReasonCode, Partial<Call>]>> = {
    'an admitted request': ['ALLOWED', {}],
    'an export of another peer': ['NO_GRANT', { authority: 'loans.exports.bank.example' }],
    'an export that does not exist': ['NO_GRANT', { authority: 'nothing.exports.bank.example' }],
    'a path of no rule': ['PATH', { path: '/v1/other' }],
    'another method': ['METHOD', { method: 'DELETE' }],
    TRACE: ['METHOD', { method: 'TRACE' }],
    'a body that nobody expects': ['UNEXPECTED_BODY', { headers: { 'content-length': '1' }, body: 'x' }],
    'a longer one': ['UNEXPECTED_BODY', { headers: { 'content-length': '3' }, body: 'xyz' }],
    'another workload, where every method may have a body': [
      'WORKLOAD',
      { authority: 'notes.exports.bank.example', path: '/notes/a', headers: { 'content-length': '3' }, body: 'xyz' },
    ],
    'a path without a slash of an export that does not exist': [
      'MALFORMED_REQUEST',
      { authority: 'nothing.exports.bank.example', method: 'OPTIONS', path: '*' },
    ],
    'a semicolon below a prefix': ['UNUSUAL_PATH', { path: '/v1/receipts/a;b' }],
    'bytes that are no text': ['UNUSUAL_PATH', { path: '/v1/receipts/%c0%ae' }],
    'an encoded slash': ['MALFORMED_REQUEST', { path: '/v1/receipts/a%2fb' }],
    'an underscore in a header': ['UNDERSCORE_HEADER', { headers: { a_b: 'c' } }],
    'a gRPC call of no rule, which has status 200': [
      'PATH',
      {
        authority: 'rates.exports.bank.example',
        method: 'POST',
        path: '/fx.Others/Get',
        headers: { 'content-type': 'application/grpc' },
      },
    ],
    'a gRPC call of an export that does not exist': [
      'NO_GRANT',
      {
        authority: 'nothing.exports.bank.example',
        method: 'POST',
        path: '/fx.Rates/Get',
        headers: { 'content-type': 'application/grpc' },
      },
    ],
  };
  for (const [what, [reason, wanted]] of Object.entries(requests))
    test(`The ingress logs ${reason} for ${what}`, async () => {
      const line = await lineOf(scene.ingress, 'http', () => call(scene.fromShop(wanted)).catch(() => 0));
      assert.deepEqual([line['reason'], line['verdict']], [reason, REASONS[reason].verdict], JSON.stringify(line));
      if (reason === 'ALLOWED') assert.equal(line['rule'], RULE);
    });

  /** Without a certificate, unless there is one. */
  function calling(wanted: Partial<Call>): Call {
    const { client: _, ...others } = scene.fromShop();
    return { ...others, ...('servername' in wanted && scene.fromShop()), ...wanted };
  }

  const handshakes: Readonly<Record<string, readonly [ReasonCode, (s: BankAndShop) => Partial<Call>]>> = {
    'a certificate of another CA': ['WRONG_CA', (s) => ({ client: s.certificate('partner.example', [SHOP_EGRESS]) })],
    'another identity': ['WRONG_IDENTITY', (s) => ({ client: s.certificate('shop.example', [GUEST_EGRESS]) })],
    'two identities': [
      'WRONG_IDENTITY',
      (s) => ({ client: s.certificate('shop.example', [SHOP_EGRESS, GUEST_EGRESS]) }),
    ],
    'an expired certificate': ['CERTIFICATE_EXPIRED', (s) => ({ client: s.expired('shop.example', [SHOP_EGRESS]) })],
    'a certificate that is not valid yet': [
      'CERTIFICATE_NOT_YET_VALID',
      (s) => ({ client: s.certificate('shop.example', [SHOP_EGRESS], 'ecdsa', Date.now() + 7_200_000) }),
    ],
    'no certificate': ['NO_CERTIFICATE', () => ({})],
    'an unknown server name': ['UNKNOWN_SERVER_NAME', () => ({ servername: 'nobody.peers.bank.example' })],
  };
  for (const [what, [reason, wanted]] of Object.entries(handshakes))
    test(`The ingress logs ${reason} for ${what}`, async () => {
      // The line of an accepted connection of a test before this one may come now.
      const isRefused = (one: Line): boolean => one['verdict'] !== 'allowed';
      const refused = (): Promise<unknown> => call(calling(wanted(scene))).catch(() => 0);
      const line = await lineOf(scene.ingress, 'listener', refused, isRefused);
      assert.deepEqual([line['reason'], line['verdict']], [reason, REASONS[reason].verdict], JSON.stringify(line));
      assert.equal(line['peer_uri'], undefined);
    });

  test('The ingress logs ALLOWED for the connection of a peer, with its verified identity', async () => {
    const line = await lineOf(scene.ingress, 'listener', () => call(scene.fromShop()));
    assert.deepEqual([line['reason'], line['verdict'], line['peer_uri']], ['ALLOWED', 'allowed', SHOP_EGRESS]);
  });

  test('The ingress logs NOT_TLS for plaintext', async () => {
    const client = await sendsPlaintext(scene.port, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    const found = (): Line | undefined => scene.ingress.log.find((line) => line['client'] === client);
    await eventually('its line', () => found() !== undefined);
    assert.deepEqual([found()?.['reason'], found()?.['verdict']], ['NOT_TLS', 'refused'], JSON.stringify(found()));
  });

  test('The egress logs MALFORMED_REQUEST for what is no HTTP', async () => {
    const line = await lineOf(scene.egress, 'http', () =>
      sendsPlaintext(scene.local, 'GET / HTTP/1.1\r\nno header\r\n\r\n'),
    );
    assert.deepEqual([line['reason'], line['verdict']], ['MALFORMED_REQUEST', 'refused'], JSON.stringify(line));
  });

  test('The egress logs ALLOWED with the import, UNKNOWN_NAME for another name, and its tunnel', async () => {
    const served = await lineOf(scene.egress, 'http', () => callLocally(scene.local, IMPORTED, '/v1/accounts'));
    assert.deepEqual(
      [served['reason'], served['verdict'], served['peer'], served['import'], served['rule']],
      ['ALLOWED', 'allowed', 'bank', 'accounts.v1', 'imports.accounts.v1'],
    );
    assert.match(String(served['version']), /^[0-9a-f]{12}$/);
    const unknown = await lineOf(scene.egress, 'http', () => callLocally(scene.local, 'no.bank', '/v1/accounts'));
    assert.deepEqual([unknown['reason'], unknown['verdict']], ['UNKNOWN_NAME', 'refused'], JSON.stringify(unknown));
  });

  test('The line of an admitted request has no field without a value and none that tells nothing', async () => {
    const line = await lineOf(scene.ingress, 'http', () => call(scene.fromShop()));
    const keys = [
      'code',
      'conn_id',
      'dur_ms',
      'export',
      'gateway',
      'layer',
      'method',
      'path',
      'peer',
      'peer_uri',
      'reason',
      'request_id',
      'rule',
      'rx',
      'ts',
      'tx',
      'upstream',
      'verdict',
      'version',
    ];
    assert.deepEqual(Object.keys(line).sort(), keys);
  });

  test('A backend that cannot be reached, and one that ends the request, have codes of their own', async () => {
    scene.accounts.close();
    const line = await lineOf(scene.ingress, 'http', () => call(scene.fromShop({ method: 'POST' })).catch(() => 0));
    assert.deepEqual([line['reason'], line['verdict']], ['BACKEND_DOWN', 'failed'], JSON.stringify(line));
  });
});

/** Resolves to the address that it was sent from. */
async function sendsPlaintext(port: number, text: string): Promise<string> {
  const socket = connectTcp(port, '127.0.0.1');
  await once(socket, 'connect');
  const from = `127.0.0.1:${socket.localPort}`;
  socket
    .on('error', () => undefined)
    .resume()
    .write(text);
  return from;
}

type Line = Readonly<Record<string, unknown>>;
