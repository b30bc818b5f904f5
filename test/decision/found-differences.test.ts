// What the differential test has found at real Envoys: each difference as a fixed case.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Request } from '../../src/decision/answer/question.ts';
import { judge } from '../../src/decision/connection.ts';
import { normalAuthority, normalPath, withoutPort } from '../../src/decision/matching/path-normal-form.ts';
import { RequestView } from '../../src/decision/matching/request-view.ts';
import { peerHello } from '../../src/decision/tls/honest-client.ts';
import { MeshUnderTest, NOW } from '../envoy/pipeline.ts';

const PLAIN = `apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {egress: {address: 127.0.0.1, clients: plaintext}}
peers:
  shop: {trustDomain: shop.example, trustBundle: shop.pem, gatewayIdentities: [gateway/ingress], addresses: ["127.0.0.1:15444"]}
imports:
- {peer: shop, name: cart, as: cart.test, port: 8080}
`;

const resources = new MeshUnderTest(PLAIN).resources('egress');

type Headers = Request['headers'];

function verdict(
  protocol: Request['protocol'],
  method: string,
  authority: string,
  path = '/',
  headers: Headers = [],
): string {
  const request = { protocol, method, authority, path, headers };
  return judge(resources, { port: 8080, at: NOW, request }).verdict;
}

test('Envoy refuses methods that its parser of HTTP/1.1 does not know, and takes them over HTTP/2', () => {
  for (const method of ['DEBUG', 'get', 'FOO']) {
    assert.equal(verdict('http/1.1', method, 'cart.test'), 'no');
    assert.equal(verdict('h2', method, 'cart.test'), 'yes');
  }
  assert.equal(verdict('http/1.1', 'PROPFIND', 'cart.test'), 'yes');
});

test('Where virtual hosts ignore ports, Envoy ignores whatever stands behind the last colon', () => {
  for (const authority of ['cart.test:', 'cart.test:x', 'CART.test.:80', 'cart.test.'])
    assert.equal(verdict('h2', 'GET', authority), 'yes', authority);
  assert.equal(withoutPort('[::1]'), '[::1]');
});

test('The connection manager strips a port that is a number, and a dot before it', () => {
  const both = { stripPort: true, stripDot: true };
  assert.equal(normalAuthority('a.b:443', both), 'a.b');
  assert.equal(normalAuthority('a.b.:1', both), 'a.b');
  for (const port of ['+80', '080', '4294967295', '+4294967295', '80.'])
    assert.equal(normalAuthority(`a.b:${port}`, both), 'a.b', port);
  for (const kept of [':', ':+', ':-80', ':+-80', ':0x50', ':4294967296', ':8e1', ':1_0'])
    assert.equal(normalAuthority(`a.b${kept}`, both), `a.b${kept}`, kept);
  assert.equal(normalAuthority('a.b:80:81', both), 'a.b:80');
  assert.equal(normalAuthority('a.b.:+80', both), 'a.b');
  assert.equal(normalAuthority('a.b..:80', both), 'a.b.');
  assert.equal(normalAuthority('a.b:.', both), 'a.b:');
  assert.equal(normalAuthority('[::1]:+80', both), '[::1]');
  assert.equal(normalAuthority('a.b:80]', both), 'a.b:80]');
  assert.equal(normalAuthority('a.b.', { ...both, stripDot: false }), 'a.b.');
});

test('Paths are normalized as Envoy does it', () => {
  const cases: Readonly<Record<string, string | undefined>> = {
    '/a/./b/../c': '/a/c',
    '/x/%2e%2E/a': '/a',
    '/../..': '/',
    '//a///b': '/a/b',
    '//a//': '/a/',
    '//': '//',
    '///?q': '//?q',
    '/a/..//': '//',
    '/%61%41': '/aA',
    '/a\\b': '/a/b',
    '/a"<>^`b': '/a%22%3C%3E%5E%60b',
    '/é': '/%C3%A9',
    '/%c3%a9': '/%c3%a9',
    '/a%zz%': '/a%zz%',
    '/a?b=//../%2f': '/a?b=//../%2f',
    '/a%2Fb': undefined,
    '/a%5cb': undefined,
    '/a#b': undefined,
    '/a?b#c': undefined,
    '/a%00': undefined,
  };
  for (const [path, normal] of Object.entries(cases)) assert.equal(normalPath(path), normal, path);
});

test('Dot segments lose their parameters before anything else, unless their dots are written with a percent sign', () => {
  const cases: Readonly<Record<string, string>> = {
    '/v1/..;/exact': '/exact',
    '/v1/x/..;a=b/y': '/v1/y',
    '/v1/.;/x': '/v1/x',
    '/v1/x;y/..;/z': '/v1/z',
    '/..;': '/',
    '/a/.;': '/a/',
    '/a/..;?q': '/?q',
    '/a/b?/..;/c': '/a/b?/..;/c',
    '/a/..;;//c': '/c',
    '/a//..;/c': '/a/c',
    '/a/.;x/..;y/c': '/c',
    '/a/..;%2e/c': '/c',
    '/a/..;x\\b': '/',
    '/a\\..;x/b': '/a/..;x/b',
    '/a/%2e;/b': '/a/.;/b',
    '/a/.%2e;x/b': '/a/..;x/b',
    '/a/..%3b/b': '/a/..%3b/b',
    '/x/..;/%2e%2e;/y': '/..;/y',
    '/a/b/...;/c': '/a/b/...;/c',
    '/a/x..;/c': '/a/x..;/c',
    '/a/..,/b': '/a/..,/b',
  };
  for (const [path, normal] of Object.entries(cases)) assert.equal(normalPath(path), normal, path);
});

test('Envoy writes each character of a path as it is or with a percent sign, and decodes what is unreserved', () => {
  const plain = "!$%&'()*+,-./0123456789:;=@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]_abcdefghijklmnopqrstuvwxyz~";
  for (let byte = 0x21; byte < 0x7f; byte++) {
    const char = String.fromCharCode(byte);
    const encoded = `%${byte.toString(16).toUpperCase()}`;
    if (!'#?\\'.includes(char))
      assert.equal(normalPath(`/x${char}y`), `/x${plain.includes(char) ? char : encoded}y`, char);
    const isDecoded = /[\w.~-]/.test(char);
    if (!'/\\'.includes(char)) assert.equal(normalPath(`/x${encoded}y`), `/x${isDecoded ? char : encoded}y`, encoded);
  }
});

test('The codecs refuse blanks and control characters in a path and its query, and HTTP/1.1 all that is not ASCII', () => {
  for (const protocol of ['http/1.1', 'h2'] as const) {
    for (const char of [' ', '\t', '\0', '\u001f', '\u007f']) {
      assert.equal(verdict(protocol, 'GET', 'cart.test', `/x${char}y`), 'no', JSON.stringify(char));
      assert.equal(verdict(protocol, 'GET', 'cart.test', `/x?${char}y`), 'no', JSON.stringify(char));
    }
    assert.equal(verdict(protocol, 'GET', 'cart.test', '/"<>^`{|}\\'), 'yes');
    for (const path of ['/é', '/x?é'])
      assert.equal(verdict(protocol, 'GET', 'cart.test', path), protocol === 'h2' ? 'yes' : 'no', path);
  }
});

test('The codecs refuse a host with what no host holds, and HTTP/1.1 drops blanks around it', () => {
  for (const authority of ['cart.test ', ' cart.test', '\tcart.test:80']) {
    assert.equal(verdict('http/1.1', 'GET', authority), 'yes', authority);
    assert.equal(verdict('h2', 'GET', authority), 'no', authority);
  }
  for (const char of '"#/<>?\\^`{|} \u007fé')
    for (const protocol of ['http/1.1', 'h2'] as const) {
      const request = { protocol, method: 'GET', authority: `cart.test:${char}`, path: '/', headers: [] };
      assert.equal(
        judge(resources, { port: 8080, at: NOW, request }).reason,
        char === ' ' && protocol === 'http/1.1' ? 'ALLOWED' : 'MALFORMED_REQUEST',
        `${protocol} ${char}`,
      );
    }
});

test('The codecs refuse names of headers that are no token, control characters in values, and in HTTP/2 what is of a connection', () => {
  const headers: readonly (readonly [string, string, h2: string, http1: string])[] = [
    ['x y', '1', 'no', 'no'],
    ['x(', '1', 'no', 'no'],
    ['x-é', '1', 'no', 'no'],
    ['x-value', 'a\u0001b', 'no', 'no'],
    ['x-value', 'a\tb é', 'yes', 'yes'],
    ['te', 'gzip', 'no', 'yes'],
    ['te', 'trailers', 'yes', 'yes'],
    ['Keep-Alive', 'x', 'no', 'yes'],
    ['connection', 'close', 'no', 'yes'],
  ];
  for (const [name, value, h2, http1] of headers) {
    assert.equal(verdict('h2', 'GET', 'cart.test', '/', [[name, value]]), h2, name);
    assert.equal(verdict('http/1.1', 'GET', 'cart.test', '/', [[name, value]]), http1, name);
  }
});

test('An empty value adds nothing to a header that Envoy keeps in one entry', () => {
  const name = 'x-forwarded-client-cert';
  const seen = (...values: readonly string[]): string | undefined => {
    const headers = values.map((value) => [name, value] as const);
    const request = { protocol: 'h2', method: 'GET', authority: 'a', path: '/', headers } as const;
    return new RequestView(request, []).header(name);
  };
  assert.equal(seen('', 'x'), 'x');
  assert.equal(seen('x', ''), 'x');
  assert.equal(seen('', 'x', '', 'y'), 'x,y');
  assert.equal(seen(''), '');
  assert.equal(seen(), undefined);
});

test('A blank after the path of HTTP/1.1 is none of it, and HTTP/2 refuses it', () => {
  assert.equal(verdict('http/1.1', 'GET', 'cart.test', '/a/\t'), 'yes');
  assert.equal(verdict('h2', 'GET', 'cart.test', '/a/\t'), 'no');
  assert.equal(verdict('http/1.1', 'GET', 'cart.test', '/a\tb'), 'no');
});

describe('the reason of a refusal, and the rule, are those of the line in the log', () => {
  const GRANTS = `apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {ingress: {address: "127.0.0.1:15443"}}
peers:
  shop: {trustDomain: shop.example, trustBundle: shop.pem, gatewayIdentities: [gateway/egress]}
exports:
- {name: a, backend: "127.0.0.1:80", consumers: [{peer: shop, allow: [{methods: [POST], paths: [/a/b, /p/*, /o, /o/*]}, {methods: [GET], paths: [/g/*]}]}]}
`;
  const ingress = new MeshUnderTest(GRANTS).resources('ingress');
  const hello = peerHello(ingress, 'shop', NOW);
  const ask = (
    method: string,
    path: string,
    authority = 'a.exports.bank.example',
    more: Pick<Request, 'body' | 'upgrade'> = {},
  ) => {
    assert.ok(hello);
    const request: Request = { protocol: 'h2', method, authority, path, headers: [], ...more };
    return judge(ingress, { hello, at: NOW, request }).reason;
  };

  test('A rule has the path in another spelling: first the method counts, then the spelling', () => {
    assert.equal(ask('GET', '/p/x;'), 'METHOD');
    assert.equal(ask('POST', '/p/x;'), 'UNUSUAL_PATH');
    assert.equal(ask('POST', '/o/a;b'), 'UNUSUAL_PATH');
    assert.equal(ask('TRACE', '/p/x'), 'METHOD');
    assert.equal(ask('GET', '/q'), 'PATH');
  });

  test('A name that nobody has is refused as that, whatever else is wrong with the request', () => {
    const unknown = 'b.exports.bank.example';
    assert.equal(ask('GET', '/', unknown, { body: { bytes: 10, hasLength: true } }), 'NO_GRANT');
    assert.equal(ask('GET', '/', unknown, { upgrade: 'websocket' }), 'NO_GRANT');
    assert.equal(ask('GET', '/g/x', undefined, { body: { bytes: 10, hasLength: true } }), 'UNEXPECTED_BODY');
    assert.equal(ask('GET', '/q', undefined, { body: { bytes: 10, hasLength: false } }), 'PATH');
    assert.equal(ask('DELETE', '/a', 'health.gateway.bank.example'), 'PATH');
  });

  test('The rule of an import is named as the log names it', () => {
    const request: Request = { protocol: 'h2', method: 'GET', authority: 'cart.test', path: '/', headers: [] };
    assert.equal(judge(resources, { port: 8080, at: NOW, request }).rule, 'imports.cart');
  });
});
