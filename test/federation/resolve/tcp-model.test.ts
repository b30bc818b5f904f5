// TCP in the model: exports, grants and imports beside those of HTTP, and what of them is part of the served state.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isHttpGrant, isTcpGrant, isTcpImport } from '../../../src/federation/model.ts';
import { meetOf, narrowTo, partsOf, stateOf } from '../../../src/federation/transition/served-state.ts';
import { changed, federationOf } from '../two-peers.ts';

const TCP: readonly (readonly [string, string])[] = [
  [
    'imports:',
    `- {name: db, protocol: tcp, backend: "10.0.0.1:5432", consumers: [{peer: shop}, {peer: bank, expires: 2026-12-31}]}
imports:
- {peer: shop, name: queue, as: queue.default, port: 5672, protocol: tcp}`,
  ],
];
const text = changed(...TCP);
const other = (from: string, to: string): string => changed(...TCP).replace(from, to);
const shopOf = (yaml: string) => {
  const part = partsOf(federationOf(yaml)).find(({ peer }) => peer.name === 'shop');
  assert.ok(part);
  return part;
};

describe('TCP in the model', () => {
  const { exports, grants, imports } = federationOf(text);

  test('A TCP export has a name and backends, and neither an authority nor anything about requests', () => {
    const exported = exports.find(({ name }) => name === 'db');
    assert.deepEqual(Object.keys(exported ?? {}).sort(), ['backends', 'key', 'name', 'protocol']);
    assert.deepEqual(exported?.backends, [{ host: '10.0.0.1', port: 5432 }]);
  });

  test('A TCP grant names a peer and an export, and ends with its last day', () => {
    assert.deepEqual(
      grants.filter(isTcpGrant).map(({ peer, export: { name } }) => `${peer} ${name}`),
      ['bank db', 'shop db'],
    );
    const later = federationOf(text, { now: Date.UTC(2027, 0, 1) });
    assert.deepEqual(
      later.grants.filter(isTcpGrant).map(({ peer }) => peer),
      ['shop'],
    );
    assert.equal(grants.filter(isHttpGrant).length, 3);
  });

  test('A TCP import has its port, and is denied with its peer', () => {
    const [queue] = imports.filter(isTcpImport);
    assert.deepEqual(queue, {
      peer: 'shop',
      name: 'queue',
      localNames: ['queue.default'],
      port: 5672,
      protocol: 'tcp',
    });
    const denied = federationOf(text, { files: { 'shop.pem': 'x' } });
    assert.deepEqual(denied.imports.filter(isTcpImport), [{ ...queue, denied: true }]);
    assert.deepEqual(
      denied.grants.filter(({ peer }) => peer === 'shop'),
      [],
    );
  });

  test('Other backends or another protocol give an export another key', () => {
    const keyOf = (yaml: string): unknown => federationOf(yaml).exports.find(({ name }) => name === 'db')?.key;
    const keys = [
      text,
      other('10.0.0.1:5432', '10.0.0.2:5432'),
      other(
        '{name: db, protocol: tcp, backend: "10.0.0.1:5432", consumers: [{peer: shop}, {peer: bank, expires: 2026-12-31}]}',
        '{name: db, backend: "10.0.0.1:5432", consumers: [{peer: shop, methods: [GET], paths: [/a]}]}',
      ),
    ].map(keyOf);
    assert.equal(new Set(keys).size, 3);
  });
});

describe('TCP in the served state', () => {
  test('A TCP grant and a TCP import are part of the state of their peer', () => {
    const [whole, without] = [
      stateOf(shopOf(text)),
      stateOf(shopOf(other('{peer: shop}, {peer: bank', '{peer: bank'))),
    ];
    assert.equal(whole.grants.length, without.grants.length + 1);
    assert.equal(whole.imports.length, stateOf(shopOf(changed())).imports.length + 1);
  });

  test('While an old root may be held, a new TCP grant and import stay back, and come with the rest', () => {
    const [before, after] = [stateOf(shopOf(changed())), shopOf(text)];
    const held = { ...before, roots: [...before.roots, 'f'.repeat(64)] };
    const meet = meetOf(stateOf(after), [held]);
    const { grants, imports } = narrowTo(after, meet);
    assert.deepEqual(grants.filter(isTcpGrant), []);
    assert.deepEqual(imports.filter(isTcpImport), []);
    assert.equal(grants.length, 2);
    assert.deepEqual(narrowTo(after, stateOf(after)), after);
  });

  test('The grant of an export with another backend is another grant', () => {
    const moved = shopOf(other('10.0.0.1:5432', '10.0.0.2:5432'));
    assert.deepEqual(narrowTo(moved, stateOf(shopOf(text))).grants.filter(isTcpGrant), []);
  });
});
