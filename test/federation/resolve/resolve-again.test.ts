// What a second resolution keeps: unchanged parts are the same objects, and changed ones are not.
// Each case changes the configuration or its files, and compares the two models part by part.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BANK, changed, federationOf, namelessCa, newCa, resolved, YAML } from '../two-peers.ts';

describe('the model after a change', () => {
  const first = resolved(YAML);
  const again = (text: string, files = {}) => resolved(text, { previous: first, files }).federation;
  const before = first.federation;

  test('The model after a change is made of the same objects when nothing changed, though every file was read again', () => {
    const after = again(YAML);
    for (const key of ['mesh', 'identitySource', 'ingress', 'egress', 'peers', 'exports', 'grants', 'imports'] as const)
      assert.equal(after[key], before[key], key);
  });

  test('The model after a change has a new object for the changed peer alone', () => {
    const after = again(changed(['gw.bank.example:443', 'gw2.bank.example:443']));
    assert.deepEqual(after.peers[0]?.addresses, [{ host: 'gw2.bank.example', port: 443 }]);
    assert.notEqual(after.peers[0], before.peers[0]);
    assert.equal(after.peers[0]?.bundle, before.peers[0]?.bundle);
    assert.equal(after.peers[1], before.peers[1]);
    for (const key of ['mesh', 'ingress', 'egress', 'exports', 'grants', 'imports'] as const)
      assert.equal(after[key], before[key], key);
  });

  test('The model after a change has a new bundle where the CA changed, and the old one where only the text around it did', () => {
    const next = newCa('bank.example').certificate;
    const rotated = again(YAML, { 'bank.pem': BANK.certificate + next });
    assert.equal(rotated.peers[0]?.bundle.pem, BANK.certificate + next);
    assert.equal(rotated.peers[1], before.peers[1]);
    assert.equal(again(YAML, { 'bank.pem': `\ncomment\n${BANK.certificate}` }).peers, before.peers);
  });

  test('The model after a change has a new bundle for a peer of the same name in another trust domain', () => {
    const files = { 'bank.pem': namelessCa().certificate };
    const known = resolved(YAML, { files });
    const text = changed(['trustDomain: bank.example', 'trustDomain: bank.test']);
    const bundle = federationOf(text, { files, previous: known }).peers[0]?.bundle;
    assert.equal(known.federation.peers[0]?.bundle.fingerprint, bundle?.fingerprint);
    assert.equal(bundle?.trustDomain, 'bank.test');
  });

  test('The model after a change keeps grants and exports beside a new one', () => {
    const consumer = '  - {peer: bank, methods: [GET], paths: [/accounts]}\nimports:';
    const after = again(changed(['imports:', consumer]));
    assert.equal(after.exports, before.exports);
    const kept = after.grants.filter((grant) => before.grants.includes(grant));
    assert.deepEqual([kept.length, after.grants.length], [before.grants.length, before.grants.length + 1]);
  });

  test('The model after a change has new grants for an export that changed, and the old ones for the others', () => {
    const after = again(changed(['backend: orders.default.svc:8080', 'backend: orders.v2.svc:8080']));
    const state = after.grants.map((grant, index) => [grant.export.name, grant === before.grants[index]]);
    assert.deepEqual(state, [
      ['orders', false],
      ['accounts', true],
      ['orders', false],
    ]);
    const orders = after.exports.find(({ name }) => name === 'orders');
    assert.deepEqual(orders?.backends, [{ host: 'orders.v2.svc', port: 8080 }]);
    assert.deepEqual(after.grants[0]?.export, orders);
  });

  test('The model after a change drops the objects of removed parts, and keeps the rest', () => {
    const after = again(changed(['- {peer: bank, name: rates, as: rates, port: 80}\n', '']));
    assert.deepEqual(after.imports.length, 1);
    assert.equal(after.imports[0], before.imports[1]);
  });
});
