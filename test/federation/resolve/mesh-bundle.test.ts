// The trust bundle of our own mesh: what it holds, what a broken file does to it, and that no CA is a peer's and ours.
// Two peers have real CAs, and so has our mesh, whose issuing CA is another one.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Finding, hasBlockingErrors } from '../../../src/errors.ts';
import type { Resolved } from '../../../src/federation/resolve/resolve.ts';
import {
  BANK,
  changed,
  type Files,
  type Moment,
  NOW,
  namelessCa,
  newCa,
  OURS,
  resolveText,
  SHOP,
} from '../two-peers.ts';

const DAY = 24 * 60 * 60 * 1000;
const MESH = newCa('core.example').certificate;
const TEXT = changed(['trustDomain: core.example', 'trustDomain: core.example, trustBundle: mesh.pem']);

interface Outcome {
  readonly resolved: Resolved;
  readonly findings: readonly Finding[];
  /** The PEM that each mesh is trusted by; `-`: by none. */
  readonly trusted: Readonly<Record<string, string>>;
  /** `CODE where` of each error. */
  readonly errors: readonly string[];
}

function outcome(files: Files, moment: Omit<Moment, 'files'> = {}, text = TEXT): Outcome {
  const { resolved, findings } = resolveText(text, { ...moment, files: { 'mesh.pem': MESH, ...files } });
  assert.ok(resolved, JSON.stringify(findings));
  const { mesh, peers, deniedPeers } = resolved.federation;
  const trusted = {
    ours: mesh.bundle?.pem ?? '-',
    ...Object.fromEntries(peers.map(({ name, bundle }) => [name, bundle.pem])),
    ...Object.fromEntries(deniedPeers.map(({ name }) => [name, '-'])),
  };
  const errors = findings.filter(({ severity }) => severity === 'error');
  return { resolved, findings, trusted, errors: errors.map(({ code, path }) => `${code} ${path.join('.')}`) };
}

const PEERS = { bank: BANK.certificate, shop: SHOP.certificate };

describe('mesh.trustBundle', () => {
  test('The bundle of our mesh holds the CAs of its file; without the key, there is none', () => {
    assert.deepEqual(outcome({}).trusted, { ours: MESH, ...PEERS });
    assert.deepEqual(outcome({}, {}, changed()).trusted, { ours: '-', ...PEERS });
  });

  test('The bundle of our mesh may hold the issuing CA: peers have that in their files, and we have it in ours', () => {
    const { trusted, errors } = outcome({ 'mesh.pem': OURS.certificate });
    assert.deepEqual([trusted['ours'], errors], [OURS.certificate, []]);
  });

  test('The key of the bundle changes with each root, added or removed, and with nothing else', () => {
    const next = newCa('core.example', NOW + DAY).certificate;
    const key = (pem: string): string | undefined =>
      outcome({ 'mesh.pem': pem }, { now: NOW + 2 * DAY }).resolved.federation.mesh.bundle?.key;
    assert.equal(new Set([MESH, next, MESH + next].map(key)).size, 3);
    assert.equal(key(`# a remark\n${next}\n${MESH}`), key(MESH + next));
  });

  test('The bundle stays the same object while its file has the same roots', () => {
    const first = outcome({});
    const again = outcome({ 'mesh.pem': `# a remark\n${MESH}` }, { previous: first.resolved });
    assert.equal(again.resolved.federation.mesh, first.resolved.federation.mesh);
  });
});

const UNUSABLE: Readonly<Record<string, readonly [pem: string, code: string]>> = {
  empty: ['', 'BUNDLE_EMPTY'],
  'of another trust domain': [newCa('other.example').certificate, 'BUNDLE_FOREIGN'],
  expired: [newCa('core.example', NOW - 400 * DAY).certificate, 'BUNDLE_EXPIRED'],
  'not valid yet': [newCa('core.example', NOW + DAY).certificate, 'BUNDLE_NOT_YET_VALID'],
};
const UNREADABLE: Readonly<Record<string, readonly [pem: string, code: string]>> = {
  'no PEM': ['oops', 'BUNDLE_UNPARSABLE'],
  'with a private key': [MESH + OURS.privateKey.reveal(), 'BUNDLE_HOLDS_KEY'],
};

describe('a broken file of our mesh', () => {
  test('A file of our mesh without a usable CA is an error that blocks nothing: there is no trust, and peers are as they were', () => {
    const served = outcome({}).resolved;
    for (const [what, [pem, code]] of Object.entries({ ...UNUSABLE, ...UNREADABLE })) {
      const { trusted, errors, findings } = outcome({ 'mesh.pem': pem });
      assert.deepEqual(trusted, { ours: '-', ...PEERS }, what);
      assert.deepEqual(errors, [`${code} mesh.trustBundle`], what);
      assert.equal(hasBlockingErrors(findings), false);
    }
    for (const [what, [pem]] of Object.entries(UNUSABLE))
      assert.equal(outcome({ 'mesh.pem': pem }, { previous: served }).trusted['ours'], '-', what);
  });

  test('A file of our mesh that cannot be read leaves the bundle that is served, until that expires', () => {
    const served = outcome({}).resolved;
    for (const [what, [pem, code]] of Object.entries(UNREADABLE)) {
      const { trusted, errors, resolved } = outcome({ 'mesh.pem': pem }, { previous: served });
      assert.deepEqual([trusted, errors], [{ ours: MESH, ...PEERS }, [`${code} mesh.trustBundle`]], what);
      assert.equal(resolved.nextTrustChange, NOW + 365 * DAY);
      const later = { previous: resolved, now: NOW + 365 * DAY };
      assert.equal(outcome({ 'mesh.pem': pem }, later).trusted['ours'], '-', what);
    }
  });

  test('A CA of our mesh that ends is left out when it ends, which is the next change', () => {
    const end = NOW + 365 * DAY;
    const next = newCa('core.example', NOW + 100 * DAY).certificate;
    const files = { 'mesh.pem': MESH + next };
    const before = outcome(files, { now: end - 1 });
    assert.deepEqual([before.trusted['ours'], before.resolved.nextTrustChange], [MESH + next, end]);
    assert.equal(outcome(files, { now: end, previous: before.resolved }).trusted['ours'], next);
  });
});

describe('a CA that is a peer’s and ours', () => {
  const nameless = namelessCa().certificate;

  test('A CA that a peer and our mesh list is kept by neither at start: each could stand for the other', () => {
    const { trusted, errors } = outcome({ 'mesh.pem': MESH + nameless, 'bank.pem': nameless });
    assert.deepEqual(trusted, { ours: MESH, bank: '-', shop: SHOP.certificate });
    assert.deepEqual(errors, ['CA_SHARED mesh.trustBundle', 'CA_SHARED peers.bank.trustBundle']);
  });

  test('A CA that a peer and our mesh list is kept by the one that is served with it', () => {
    const ours = outcome({ 'mesh.pem': nameless }).resolved;
    const both = { 'mesh.pem': nameless, 'bank.pem': BANK.certificate + nameless };
    assert.deepEqual(outcome(both, { previous: ours }).trusted, { ours: nameless, ...PEERS });
    const theirs = outcome({ 'bank.pem': nameless }).resolved;
    const added = outcome({ 'mesh.pem': MESH + nameless, 'bank.pem': nameless }, { previous: theirs });
    assert.deepEqual(added.trusted, { ours: MESH, bank: nameless, shop: SHOP.certificate });
  });

  test('A CA that names its mesh is kept there alone, also at start', () => {
    assert.deepEqual(outcome({ 'bank.pem': BANK.certificate + MESH }).trusted, { ours: MESH, ...PEERS });
    assert.deepEqual(outcome({ 'mesh.pem': MESH + BANK.certificate }).trusted, { ours: MESH, ...PEERS });
  });
});
