// What a peer's file does to that peer's own trust, and never to another's: denied peers, CAs that are left out, bundles that are kept.
// Two peers have real CAs, and one of their files is broken; the model is resolved reload after reload.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hasBlockingErrors } from '../../../src/errors.ts';
import type { Resolved } from '../../../src/federation/resolve/resolve.ts';
import {
  BANK,
  changed,
  type Files,
  type Moment,
  NOW,
  namelessCa,
  newCa,
  resolved,
  resolveText,
  SHOP,
} from '../two-peers.ts';

const DAY = 24 * 60 * 60 * 1000;
const YEAR = 365 * DAY;
/** A configuration without our own CA, whose end would be another matter. */
const PLAIN = changed([
  'issuer: {certificate: ca.pem, privateKey: ca-key.pem}',
  'files: {certificate: /etc/tls.pem, privateKey: /etc/tls-key.pem}',
]);

/** Each peer with the PEM that it is served with; `-`: it is denied. */
function trusted({ federation }: Resolved): Readonly<Record<string, string>> {
  return Object.fromEntries([
    ...federation.peers.map(({ name, bundle }) => [name, bundle.pem]),
    ...federation.deniedPeers.map(({ name }) => [name, '-']),
  ]);
}

function trustedWith(files: Files, moment: Omit<Moment, 'files'> = {}, text = PLAIN): Readonly<Record<string, string>> {
  return trusted(resolved(text, { ...moment, files }));
}

const BOTH = { bank: BANK.certificate, shop: SHOP.certificate };
const WITHOUT_BANK = { bank: '-', shop: SHOP.certificate };
/** Files that hold no usable CA, by what is wrong with them. */
const UNUSABLE: Readonly<Record<string, string>> = {
  empty: '',
  'of another trust domain': SHOP.certificate,
  damaged: BANK.certificate.replace(/\n.{64}\n/, '\n'),
};
const UNREADABLE: Readonly<Record<string, string>> = {
  'no PEM': 'oops',
  'cut off': BANK.certificate.slice(0, 300),
  'with a private key': BANK.certificate + BANK.privateKey.reveal(),
};

describe('a peer without a usable bundle', () => {
  test('A peer without a usable bundle is denied at start, whatever is wrong with its file, and no other peer is', () => {
    for (const [what, text] of Object.entries({ ...UNUSABLE, ...UNREADABLE }))
      assert.deepEqual(trustedWith({ 'bank.pem': text }), WITHOUT_BANK, what);
  });

  test('A peer without a usable bundle has no grants, and its imports are marked; those of others are as they were', () => {
    const { federation } = resolved(PLAIN, { files: { 'bank.pem': '' } });
    assert.deepEqual(
      federation.grants.map(({ peer }) => peer),
      ['shop', 'shop'],
    );
    assert.deepEqual(
      federation.imports.map(({ peer, denied }) => `${peer} ${denied ?? false}`),
      ['bank true', 'shop false'],
    );
  });

  test('A peer without a usable bundle is served again as soon as its file is good', () => {
    const denied = resolved(PLAIN, { files: { 'bank.pem': '' } });
    assert.deepEqual(trustedWith({}, { previous: denied }), BOTH);
  });

  test('A peer without a usable bundle does not stop the change of another: its new CA is served, its old one is not', () => {
    const next = newCa('shop.example').certificate;
    const files = { 'bank.pem': 'oops', 'shop.pem': next };
    assert.deepEqual(trustedWith(files, { previous: resolved(PLAIN) })['shop'], next);
  });

  test('A peer without a usable bundle is an error that blocks nothing, with the peer that it concerns', () => {
    const { findings } = resolveText(PLAIN, { files: { 'bank.pem': '' } });
    assert.equal(hasBlockingErrors(findings), false);
    assert.deepEqual(
      findings.map(({ code, severity, concernsPeer }) => [code, severity, concernsPeer]),
      [['BUNDLE_EMPTY', 'error', 'bank']],
    );
  });
});

describe('while it runs', () => {
  test('While the process runs, a file that cannot be read leaves the peer the bundle that was read from it', () => {
    const served = resolved(PLAIN);
    for (const [what, text] of Object.entries(UNREADABLE)) {
      const after = resolved(PLAIN, { previous: served, files: { 'bank.pem': text } });
      assert.deepEqual(trusted(after), BOTH, what);
      assert.equal(after.federation.peers[0], served.federation.peers[0]);
      // And for as long as it stays so.
      assert.deepEqual(trustedWith({ 'bank.pem': 'oops' }, { previous: after }), BOTH, what);
    }
  });

  test('While the process runs, a file that lists no usable CA any more denies the peer: its old CA is not trusted on', () => {
    for (const [what, text] of Object.entries(UNUSABLE))
      assert.deepEqual(trustedWith({ 'bank.pem': text }, { previous: resolved(PLAIN) }), WITHOUT_BANK, what);
  });

  test('While the process runs, what was taken away does not come back with a broken file', () => {
    const next = newCa('bank.example').certificate;
    const rotated = resolved(PLAIN, { previous: resolved(PLAIN), files: { 'bank.pem': next } });
    assert.deepEqual(trustedWith({ 'bank.pem': 'oops' }, { previous: rotated }), { ...BOTH, bank: next });
    const denied = resolved(PLAIN, { previous: rotated, files: { 'bank.pem': '' } });
    assert.deepEqual(trustedWith({ 'bank.pem': 'oops' }, { previous: denied }), WITHOUT_BANK);
  });

  test('While the process runs, a bundle is kept when another file is named that cannot be read, but not for another trust domain', () => {
    const files = { 'bank.pem': namelessCa().certificate };
    const served = resolved(PLAIN, { files });
    const moved = PLAIN.replace('trustBundle: bank.pem', 'trustBundle: other.pem');
    const renamed = PLAIN.replace('trustDomain: bank.example', 'trustDomain: bank.test');
    const kept = trustedWith({ 'other.pem': 'oops' }, { previous: served }, moved);
    assert.deepEqual(kept, { ...BOTH, bank: files['bank.pem'] });
    assert.deepEqual(trustedWith({ 'bank.pem': 'oops' }, { previous: served }, renamed), WITHOUT_BANK);
  });

  test('While the process runs, a bundle that is kept ends with its certificates', () => {
    const served = resolved(PLAIN);
    const kept = resolved(PLAIN, { previous: served, files: { 'bank.pem': 'oops' } });
    assert.equal(kept.nextTrustChange, BANK_END);
    const later = newCa('shop.example', BANK_END).certificate;
    const files = { 'bank.pem': 'oops', 'shop.pem': later };
    assert.deepEqual(trustedWith(files, { previous: kept, now: BANK_END }), { bank: '-', shop: later });
  });
});

/** When the CAs of `newCa` end. */
const BANK_END = NOW + YEAR;

describe('time', () => {
  test('Time leaves out the CA that ended beside a good one, and the next change is the end of the good one', () => {
    const next = newCa('bank.example', NOW + 100 * DAY).certificate;
    const files = { 'bank.pem': BANK.certificate + next, 'shop.pem': newCa('shop.example', BANK_END).certificate };
    const both = resolved(PLAIN, { files, now: BANK_END - 1 });
    assert.equal(trusted(both)['bank'], BANK.certificate + next);
    assert.equal(both.nextTrustChange, BANK_END);
    const after = resolved(PLAIN, { files, now: BANK_END, previous: both });
    assert.equal(trusted(after)['bank'], next);
    assert.equal(after.nextTrustChange, BANK_END + 100 * DAY);
  });

  test('Time takes in the CA that begins, and says when', () => {
    const begin = NOW + 10 * DAY;
    const next = newCa('bank.example', begin + 5 * 60 * 1000).certificate;
    const files = { 'bank.pem': BANK.certificate + next };
    const before = resolved(PLAIN, { files, now: begin - 1 });
    assert.deepEqual([trusted(before)['bank'], before.nextTrustChange], [BANK.certificate, begin]);
    assert.equal(trustedWith(files, { now: begin, previous: before })['bank'], BANK.certificate + next);
    // Alone in the file as well: the peer is denied until then.
    const alone = resolved(PLAIN, { files: { 'bank.pem': next }, now: begin - 1 });
    assert.deepEqual([trusted(alone)['bank'], alone.nextTrustChange], ['-', begin]);
  });
});

describe('who keeps a CA that two peers list', () => {
  const shared = namelessCa().certificate;

  test('A CA that two peers list is kept by neither at start', () => {
    const files = { 'bank.pem': shared, 'shop.pem': SHOP.certificate + shared };
    assert.deepEqual(trustedWith(files), WITHOUT_BANK);
  });

  test('A CA that two peers list is kept by the peer that is served with it: another cannot take it away by listing it', () => {
    const served = resolved(PLAIN, { files: { 'bank.pem': shared } });
    const files = { 'bank.pem': shared, 'shop.pem': SHOP.certificate + shared };
    assert.deepEqual(trustedWith(files, { previous: served }), { bank: shared, shop: SHOP.certificate });
  });

  test('A CA that two peers list is kept by the peer whose trust domain it names, also at start', () => {
    const files = { 'shop.pem': SHOP.certificate + BANK.certificate };
    assert.deepEqual(trustedWith(files), BOTH);
  });
});
