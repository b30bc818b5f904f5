// Who a backend must prove to be, and by which CAs; an export whose CAs are not usable is denied, and no other.
// Two peers have grants, and the files of CAs change reload after reload.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hasBlockingErrors } from '../../../src/errors.ts';
import type { Resolved } from '../../../src/federation/resolve/resolve.ts';
import { BANK, changed, configOf, type Files, type Moment, NOW, newCa, OURS, resolveText } from '../two-peers.ts';

const DAY = 24 * 60 * 60 * 1000;
const MESH = newCa('core.example').certificate;
const SERVER = newCa('any.example').certificate;
const TRUST = ['trustDomain: core.example', 'trustDomain: core.example, trustBundle: mesh.pem'] as const;
const MTLS = '{address: "orders.default.svc:8080", tls: mtls, identity: ns/a/sa/orders}';
const SIMPLE = '{address: "accounts.default.svc:8080", tls: simple, serverName: accounts.example, ca: server.pem}';
const TEXT = changed(
  TRUST,
  ['backend: orders.default.svc:8080', `backend: ${MTLS}`],
  ['backend: accounts.default.svc:8080', `backend: ${SIMPLE}`],
);

function outcome(files: Files = {}, moment: Omit<Moment, 'files'> = {}, text = TEXT) {
  const { resolved, findings } = resolveText(text, {
    ...moment,
    files: { 'mesh.pem': MESH, 'server.pem': SERVER, ...files },
  });
  assert.ok(resolved, JSON.stringify(findings));
  const errors = findings.filter(({ severity }) => severity === 'error');
  assert.equal(hasBlockingErrors(findings), false);
  return {
    resolved,
    granted: [...new Set(resolved.federation.grants.map((grant) => grant.export.name))].sort(),
    errors: errors.map(({ code, path }) => `${code} ${path.join('.')}`),
    concerns: errors.map(({ concernsExport }) => concernsExport),
    key: (name: string) => keyOf(resolved, name),
  };
}

function keyOf({ federation }: Resolved, name: string): string | undefined {
  return federation.exports.find((one) => one.name === name)?.key;
}

const BOTH = ['accounts', 'orders'];

describe('the backend of an export', () => {
  test('The backend proves an identity of our own trust domain, or a server name by the CA of the file', () => {
    const { exports, backendCas, mesh } = outcome().resolved.federation;
    const [accounts, orders] = exports.map(({ tls }) => tls);
    assert.deepEqual(orders, {
      mode: 'mtls',
      identity: 'spiffe://core.example/ns/a/sa/orders',
      trust: mesh.bundle?.key,
    });
    assert.deepEqual(accounts, { mode: 'simple', serverName: 'accounts.example', trust: backendCas[0]?.key });
    assert.deepEqual(
      backendCas.map(({ pem }) => pem),
      [SERVER],
    );
  });

  test('The key of an export changes with the mode, the identity, the server name and the CAs, and with nothing else', () => {
    const { key } = outcome();
    const other = newCa('any.example').certificate;
    const keys = [
      key('orders'),
      outcome({}, {}, TEXT.replace('sa/orders', 'sa/other')).key('orders'),
      outcome({ 'mesh.pem': newCa('core.example').certificate }).key('orders'),
      keyOf(outcome({}, {}, changed(TRUST)).resolved, 'orders'),
      key('accounts'),
      outcome({}, {}, TEXT.replace('serverName: accounts', 'serverName: other')).key('accounts'),
      outcome({ 'server.pem': other }).key('accounts'),
      outcome({ 'server.pem': SERVER + other }).key('accounts'),
    ];
    assert.equal(new Set(keys).size, keys.length);
    assert.equal(outcome({ 'server.pem': `# a remark\n${SERVER}` }).key('accounts'), key('accounts'));
    // Without TLS, the keys are as they were before there was any: nothing is replaced by an upgrade.
    assert.equal(
      keyOf(outcome({}, {}, changed(TRUST)).resolved, 'orders'),
      keyOf(outcome({}, {}, changed()).resolved, 'orders'),
    );
  });

  test('The long form of an address without TLS is the short one', () => {
    const long = changed(['backend: orders.default.svc:8080', 'backend: {addresses: ["orders.default.svc:8080"]}']);
    assert.deepEqual(configOf(long), configOf(changed()));
  });

  test('The backend of our own mesh needs mesh.trustBundle', () => {
    const { findings, resolved } = resolveText(TEXT.replace(TRUST[1], TRUST[0]), { files: { 'server.pem': SERVER } });
    assert.equal(resolved, undefined);
    assert.deepEqual(
      findings.map(({ code, path }) => `${code} ${path.join('.')}`),
      ['MESH_BUNDLE_MISSING exports.0.backend.tls'],
    );
  });
});

describe('the issuer of our gateways, which backends of our mesh verify', () => {
  const codes = (text: string, mesh: string): readonly string[] =>
    resolveText(text, { files: { 'mesh.pem': mesh, 'server.pem': SERVER } }).findings.map(
      ({ severity, code, path }) => `${severity} ${code} ${path.join('.')}`,
    );

  test('One that does not chain to mesh.trustBundle is a warning where a backend has tls: mtls, and nowhere else', () => {
    const warning = 'warning ISSUER_OUTSIDE_MESH identity.issuer.certificate';
    assert.deepEqual(codes(TEXT, MESH), [warning]);
    assert.deepEqual(codes(changed(TRUST), MESH), []);
    assert.deepEqual(codes(TEXT, MESH + OURS.certificate), []);
  });
});

describe('without usable CAs', () => {
  const end = NOW + 365 * DAY;

  test('Without a CA of our mesh, the exports of its workloads are denied, and others are as they were', () => {
    const { granted, errors } = outcome({ 'mesh.pem': '' });
    assert.deepEqual([granted, errors], [['accounts'], ['BUNDLE_EMPTY mesh.trustBundle']]);
  });

  test('Without a usable CA of a server, its export is denied, and others are as they were', () => {
    const served = outcome().resolved;
    const unusable: Readonly<Record<string, readonly [string, string]>> = {
      empty: ['', 'BUNDLE_EMPTY'],
      expired: [newCa('x', NOW - 400 * DAY).certificate, 'BUNDLE_EXPIRED'],
      later: [newCa('x', NOW + DAY).certificate, 'BUNDLE_NOT_YET_VALID'],
    };
    for (const [what, [pem, code]] of Object.entries(unusable))
      for (const previous of [undefined, served]) {
        const { granted, errors, concerns } = outcome({ 'server.pem': pem }, previous && { previous });
        assert.deepEqual(
          [granted, errors, concerns],
          [['orders'], [`${code} exports.1.backend.ca`], ['accounts']],
          what,
        );
      }
  });

  test('A file of a server that cannot be read denies its export at start, and later leaves it the CAs that are served, until they end', () => {
    const bad = { 'server.pem': 'oops' };
    assert.deepEqual(outcome(bad).granted, ['orders']);
    const previous = outcome().resolved;
    const kept = outcome(bad, { previous });
    assert.deepEqual([kept.granted, kept.key('accounts')], [BOTH, keyOf(previous, 'accounts')]);
    assert.equal(kept.resolved.federation.exports[0], previous.federation.exports[0]);
    const later = {
      'mesh.pem': newCa('core.example', end).certificate,
      'shop.pem': newCa('shop.example', end).certificate,
    };
    assert.deepEqual(outcome({ ...bad, ...later }, { previous: kept.resolved, now: end }).granted, ['orders']);
  });

  test('The next change is when a CA of a server begins or ends', () => {
    const soon = newCa('x', NOW + DAY + 5 * 60 * 1000).certificate;
    const { resolved } = outcome({ 'server.pem': SERVER + soon });
    assert.equal(resolved.nextTrustChange, NOW + DAY);
    assert.equal(resolved.federation.backendCas[0]?.certificates.length, 1);
    const after = outcome({ 'server.pem': SERVER + soon }, { now: NOW + DAY, previous: resolved });
    assert.equal(after.resolved.federation.backendCas[0]?.certificates.length, 2);
  });

  test('A CA of a peer may be that of a server too: the server name decides, and the peer is as it was', () => {
    assert.deepEqual(outcome({ 'server.pem': BANK.certificate }).granted, BOTH);
  });
});
