// What the differential test has found at real Envoys: each difference as a fixed case.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge } from '../../src/decision/connection.ts';
import { normalAuthority, normalPath, withoutPort } from '../../src/decision/matching/path-normal-form.ts';
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

function verdict(protocol: 'http/1.1' | 'h2', method: string, authority: string): string {
  const request = { protocol, method, authority, path: '/', headers: [] };
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
  assert.equal(normalAuthority('a.b:', both), 'a.b:');
  assert.equal(normalAuthority('a.b.', { ...both, stripDot: false }), 'a.b.');
});

test('Paths are normalized as Envoy does it', () => {
  const cases: Readonly<Record<string, string | undefined>> = {
    '/a/./b/../c': '/a/c',
    '/x/%2e%2E/a': '/a',
    '/../..': '/',
    '//a///b': '/a/b',
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
