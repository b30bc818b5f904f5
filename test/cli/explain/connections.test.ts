// `postern explain` on lines of connections: they are judged without a request, and server names of TCP say whose they are.

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { Explanation } from '../../../src/cli/explain/explanation.ts';
import { postern, refusal, scene } from '../postern.ts';

const TS = new Date().toISOString();
const SNI = 'shop.example.peers.bank.example';
const GATEWAY = 'spiffe://shop.example/gateway/egress';
const CALLER = 'spiffe://bank.example/ns/web/sa/front';

/** The bank, whose own callers prove who they are, and which also has a TCP import. */
function mtls(t: TestContext): string {
  return scene(t).edited(
    'mtls.yaml',
    (yaml) =>
      `${yaml
        .replace('trustDomain: bank.example', 'trustDomain: bank.example\n  trustBundle: pki/bank/ca.pem')
        .replace('egress: {address: 127.0.0.1}', 'egress: {address: 127.0.0.1, clients: mtls}')
        .replace('port: 11080', 'port: 11080\n  clients: [ns/web/sa/front]')}
- {peer: shop, name: ticks, as: ticks.default, port: 11081, protocol: tcp, clients: [ns/web/sa/front]}
`,
  );
}

async function told(file: string, fields: Readonly<Record<string, unknown>>): Promise<Explanation> {
  const line = JSON.stringify({ ts: TS, ...fields });
  const { stdout, stderr } = await postern(['explain', line, '-f', file, '-o', 'json']);
  assert.equal(stderr, '');
  const [one] = JSON.parse(stdout) as Explanation[];
  assert.ok(one);
  return one;
}

describe('lines of connections', () => {
  test('A connection that carries HTTP is judged by its handshake alone', async (t) => {
    const file = mtls(t);
    const ours = { gateway: 'bank/egress', layer: 'listener' };
    const theirs = { gateway: 'bank/ingress', layer: 'listener', peer: 'shop', sni: SNI };
    const cases: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
      ['same', { ...ours, reason: 'ALLOWED', peer_uri: CALLER }],
      ['same', { ...theirs, reason: 'ALLOWED', peer_uri: GATEWAY }],
      ['moment', { ...ours, reason: 'HANDSHAKE_UNFINISHED', claimed_uri: CALLER }],
      ['moment', { ...theirs, reason: 'HANDSHAKE_UNFINISHED', claimed_uri: GATEWAY }],
      // Who leaves may do that before it is refused.
      ['moment', { ...theirs, reason: 'HANDSHAKE_UNFINISHED', claimed_uri: `${GATEWAY},${GATEWAY}2` }],
      ['moment', { ...theirs, reason: 'PEER_REFUSED_US', claimed_uri: `${GATEWAY}2` }],
      ['unseen', { ...ours, reason: 'WRONG_CA', claimed_uri: CALLER }],
      ['unseen', { ...ours, reason: 'CERTIFICATE_EXPIRED', claimed_uri: CALLER }],
      ['same', { ...ours, reason: 'NO_CERTIFICATE' }],
      ['same', { ...theirs, reason: 'NO_CERTIFICATE' }],
      ['same', { ...ours, reason: 'WRONG_IDENTITY', claimed_uri: `${CALLER},${CALLER}2` }],
      ['other', { ...ours, reason: 'ALLOWED', peer_uri: 'spiffe://shop.example/ns/web/sa/front' }],
    ];
    for (const [agrees, fields] of cases) {
      const { judged } = await told(file, fields);
      assert.equal(judged[0]?.agrees, agrees, JSON.stringify({ fields, judged }));
    }
  });

  test('A limit of connections is named by the key that sets it, and the caller is proven where TLS came first', async (t) => {
    const { edited } = scene(t);
    let text = '';
    const file = edited('limited.yaml', (yaml) => {
      text = `${yaml
        .replace('trustBundle: pki/shop/ca.pem', 'limits:\n      connections: 71\n    trustBundle: pki/shop/ca.pem')
        .replace(/(name: ticks\.fx[\s\S]*?- peer: shop)/, '$1\n    limits:\n      connections: 72')}`;
      return text;
    });
    const line = { gateway: 'bank/ingress', layer: 'listener', reason: 'CONNECTION_LIMIT', peer: 'shop' };
    const reached = ({ limits, caller }: Explanation): readonly unknown[] => [
      caller.isProven,
      ...limits.filter(({ isReached }) => isReached).map(({ name, place }) => [name, place]),
    ];
    const at = (limit: number): string =>
      `${file}:${text.split('\n').findIndex((one) => one.includes(`connections: ${limit}`)) + 1}`;
    const ofPeer = await told(file, { ...line, sni: SNI, tls_fail: 'TLS_error:|268435589:CONNECTION_REJECTED' });
    assert.deepEqual(reached(ofPeer), ['none', ['peers.shop.limits.connections', at(71)]]);
    const tcp = { ...line, sni: `ticks.fx.tcp.${SNI}`, claimed_uri: GATEWAY, flags: 'UO' };
    const ofConsumer = await told(file, tcp);
    const key = 'exports.ticks.fx.consumers.shop.limits.connections';
    assert.deepEqual(reached(ofConsumer), ['verified', [key, at(72)]]);
    assert.ok(ofConsumer.cure.includes(key), ofConsumer.cure);
    // Of a file that has no such export any more, nothing else is named.
    const { look, limits } = await told(file, { ...tcp, sni: `gone.tcp.${SNI}` });
    assert.deepEqual([look, limits.filter(({ isReached }) => isReached)], [undefined, []]);
  });

  test('A limit of a TCP import is named for its port, and those of all ports where the line leaves open which', async (t) => {
    const file = scene(t).edited(
      'imports.yaml',
      (yaml) =>
        `${yaml
          .replace('trustDomain: bank.example', 'trustDomain: bank.example\n  trustBundle: pki/bank/ca.pem')
          .replace('egress: {address: 127.0.0.1}', 'egress: {address: 127.0.0.1, clients: mtls}')
          .replace('port: 11080', 'port: 11080\n  clients: [ns/web/sa/front]')}
- {peer: shop, name: ticks, as: ticks.default, port: 11081, protocol: tcp, clients: [ns/web/sa/front], limits: {connections: 1}}
- {peer: shop, name: tocks, as: tocks.default, port: 11082, protocol: tcp, clients: [ns/web/sa/front], limits: {connections: 2}}
`,
    );
    const line = {
      gateway: 'bank/egress',
      layer: 'listener',
      reason: 'CONNECTION_LIMIT',
      claimed_uri: CALLER,
      flags: 'UO',
    };
    const { limits, cure, caller, judged } = await told(file, line);
    const names = limits.filter(({ isReached }) => isReached).map(({ name }) => name);
    assert.deepEqual(names, ['imports.ticks.limits.connections', 'imports.tocks.limits.connections']);
    for (const name of names) assert.ok(cure.includes(name ?? ''), cure);
    assert.deepEqual([caller.isProven, judged[0]?.agrees], ['verified', 'moment']);
    const { stdout } = await postern(['translate', '-f', file]);
    const [, version] = /"version": "([0-9a-f]{12})"/.exec(stdout.slice(stdout.indexOf('egress/11082'))) ?? [];
    const one = await told(file, { ...line, version });
    assert.deepEqual(
      one.limits.filter(({ isReached }) => isReached).map(({ name }) => name),
      ['imports.tocks.limits.connections'],
    );
  });

  test('What the gateway of the peer has ended is no contradiction, in lines of TCP as in those of tunnels', async (t) => {
    const file = mtls(t);
    const tcp = { gateway: 'bank/egress', layer: 'tcp', peer: 'shop', import: 'ticks', peer_uri: CALLER };
    const ended = await told(file, {
      ...tcp,
      reason: 'UNKNOWN_SERVER_NAME',
      upstream_fail: 'Connection_reset_by_peer',
    });
    assert.deepEqual([ended.judged[0]?.agrees, ended.look?.name], ['unseen', 'peers.shop']);
    // Our own refusal is judged.
    assert.equal((await told(file, { ...tcp, reason: 'CLIENT' })).judged[0]?.agrees, 'other');
  });

  test('The line of a request leaves open why the peer was not reached, and points at all of it', async (t) => {
    const file = mtls(t);
    const down = { gateway: 'bank/egress', reason: 'PEER_DOWN', peer: 'shop', import: 'reviews.catalog' };
    assert.equal((await told(file, { ...down, layer: 'http' })).look?.name, 'peers.shop');
    assert.equal((await told(file, { ...down, layer: 'tunnel' })).look?.name, 'peers.shop.addresses');
  });

  test('A TCP import is named as in the log', async (t) => {
    const file = mtls(t);
    const { stdout } = await postern(['can', 'ns/web/sa/other', 'ticks.default:11081', '-f', file]);
    assert.match(stdout, /nearest {2}imports\.ticks\.clients \(.*mtls\.yaml:\d+\)/);
    assert.match((await postern(['who', 'ticks.default:11081', '-f', file])).stdout, /TCP .*imports\.ticks\.clients/);
  });

  test('The server name of a TCP export names the peer and the export, and so why it is unknown', async (t) => {
    const { file } = scene(t);
    const line = { gateway: 'bank/ingress', layer: 'listener', reason: 'UNKNOWN_SERVER_NAME' };
    const none = await told(file, { ...line, sni: 'ticks.fx.tcp.p-5e1f07c2a94b.peers.bank.example' });
    assert.deepEqual(
      [none.nearest?.name, none.nearest?.needs],
      ['exports.ticks.fx', ['a consumer with peer: partner']],
    );
    assert.match(none.cause, /peer partner.*is tcp, granted to shop only/);
    assert.match(none.cure, /Add peer: partner/);
    assert.match(none.asked, /^somebody/);
    const http = await told(file, { ...line, sni: `withdraw.accounts.tcp.${SNI}` });
    assert.match(http.cause, /is http, not tcp/);
    assert.match((await told(file, line)).asked, /not logged/);
  });

  test('A server name that is known leaves the ALPN, which no line has, and contradicts nothing', async (t) => {
    const { file } = scene(t);
    const line = { gateway: 'bank/ingress', layer: 'listener', reason: 'UNKNOWN_SERVER_NAME' };
    for (const [sni, alpn] of [
      [SNI, 'h2'],
      [SNI.toUpperCase(), 'h2'],
      [`ticks.fx.tcp.${SNI}`, 'postern-tcp'],
    ] as const) {
      const { judged, nearest, cause, cure } = await told(file, { ...line, sni });
      assert.deepEqual([judged[0]?.agrees, nearest?.name, nearest?.needs], ['same', 'peers.shop', [`ALPN ${alpn}`]]);
      for (const text of [cause, cure]) assert.ok(text.includes(`ALPN ${alpn}`), text);
    }
  });

  test('A request for an export that is TCP is told so, and one of an export of others whose it is', async (t) => {
    const { file } = scene(t);
    const line = { gateway: 'bank/ingress', layer: 'http', reason: 'NO_GRANT', method: 'GET', path: '/' };
    const asked = (peer: string, name: string): Promise<Explanation> =>
      told(file, {
        ...{ ...line, peer, peer_uri: `spiffe://${peer}.example/gateway/egress` },
        authority: `${name}.exports.bank.example`,
      });
    const tcp = await asked('shop', 'ticks.fx');
    assert.deepEqual([tcp.nearest?.name, tcp.judged[0]?.agrees], ['exports.ticks.fx', 'same']);
    assert.match(tcp.nearest?.needs.join() ?? '', /protocol: tcp/);
    assert.match(tcp.cause, /is tcp and granted to shop/);
    assert.doesNotMatch(tcp.cure, /consumers/);
    const missing = await asked('partner', 'ticks.fx');
    assert.deepEqual(missing.nearest?.needs, ['a consumer with peer: partner']);
    assert.match(missing.cause, /granted to shop only/);
    assert.doesNotMatch(missing.cause, /expires/);
  });

  test('A peer that the file no longer has is named as removed, and not to be granted', async (t) => {
    const { file } = scene(t);
    const line = { gateway: 'bank/ingress', peer: 'gone', peer_uri: 'spiffe://gone.example/gateway/egress' };
    const http = { ...line, layer: 'http', reason: 'NO_GRANT', method: 'GET', path: '/' };
    const lines = [
      { ...http, authority: 'ticks.fx.exports.bank.example' },
      { ...http, authority: 'nothing.exports.bank.example' },
      { ...line, layer: 'listener', reason: 'WRONG_CA', sni: 'gone.example.peers.bank.example' },
      { ...http, gateway: 'bank/egress', reason: 'PEER_DENIED', import: 'reviews', authority: 'reviews.default' },
    ];
    for (const one of lines) {
      const { cause, cure, nearest } = await told(file, one);
      assert.match(cause, /has no peer gone/);
      assert.doesNotMatch(cure, /consumers|bundle/);
      assert.deepEqual(nearest?.needs, ['a peer gone']);
    }
  });

  test('A method in small letters is a mistake of the one who asks', async (t) => {
    const { file } = scene(t);
    const ended = await postern(['can', 'shop', 'get', 'withdraw.accounts', '/v1/receipts/1', '-f', file]);
    assert.deepEqual(refusal(ended), [64, 'USAGE', '']);
    assert.match(ended.stderr, /GET, in capitals/);
  });
});
