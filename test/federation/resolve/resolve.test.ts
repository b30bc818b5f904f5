// From configuration and trust to the model: names, identities, grants and their end.
// Each case resolves a YAML text with files at a moment, and looks at the model or at the findings with their places.

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, test } from 'node:test';
import { isHttpGrant, isHttpImport } from '../../../src/federation/model.ts';
import { grantEndsOf } from '../../../src/federation/resolve/resolve-services.ts';
import { createCa } from '../../../src/trust/issuing/issue.ts';
import type { TrustDomain } from '../../../src/trust/spiffe.ts';
import {
  BANK,
  changed,
  configOf,
  federationOf,
  NOW,
  OURS,
  resolved,
  resolveText,
  SHOP,
  shown,
  YAML,
} from '../two-peers.ts';

const DAY = 24 * 60 * 60 * 1000;
const NEW_YEAR = Date.UTC(2027, 0, 1);
const EXPIRING = '- {peer: bank, methods: [POST], paths: [/orders], expires: 2026-12-31}';
const FILES_IDENTITY: readonly [string, string] = [
  'issuer: {certificate: ca.pem, privateKey: ca-key.pem}',
  'files: {certificate: /etc/tls.pem, privateKey: /etc/tls-key.pem}',
];

const grantsOf = (text: string, now = NOW): readonly string[] =>
  federationOf(text, { now }).grants.map((grant) => `${grant.peer} ${grant.export.name}`);

describe('the model', () => {
  const { mesh, ingress, egress, peers, exports, imports, identitySource } = federationOf(YAML);
  const [bank, shop] = peers;

  test('The model has our mesh and its gateways, with the default identities in our trust domain', () => {
    assert.deepEqual(mesh, { name: 'core', trustDomain: 'core.example' });
    const identity = (role: string): string => `spiffe://core.example/gateway/${role}`;
    assert.deepEqual(ingress, { role: 'ingress', identity: identity('ingress'), address: '0.0.0.0', port: 15443 });
    assert.deepEqual(egress, { role: 'egress', identity: identity('egress'), address: '127.0.0.1' });
    assert.deepEqual(identitySource, { kind: 'issuer' });
  });

  test('The model has each peer with its own bundle, and its gateways in its own trust domain', () => {
    assert.deepEqual([bank?.name, shop?.name, peers.length], ['bank', 'shop', 2]);
    assert.deepEqual([bank?.bundle.pem, shop?.bundle.pem], [BANK.certificate, SHOP.certificate]);
    assert.deepEqual([bank?.bundle.trustDomain, shop?.bundle.trustDomain], ['bank.example', 'shop.example']);
    assert.deepEqual(bank?.gatewayIdentities, ['spiffe://bank.example/gateway']);
    const theirs = ['spiffe://shop.example/gateway/egress', 'spiffe://shop.example/gateway/ingress'];
    assert.deepEqual(shop?.gatewayIdentities, theirs);
    assert.deepEqual(shop?.addresses, [{ host: 'gw.shop.example', port: 15443 }]);
    assert.deepEqual(shop?.leafKeys, ['ecdsa', 'ed25519']);
  });

  test('The model has a server name for each direction, with the label of the caller unless one was agreed', () => {
    const names = (peer: typeof shop) => [peer?.inboundServerName, peer?.outboundServerName];
    assert.deepEqual(names(shop), ['shop.example.peers.core.example', 'core.example.peers.shop.example']);
    const text = changed(['trustBundle: shop.pem', 'trustBundle: shop.pem\n    sni: p-1']);
    assert.deepEqual(names(federationOf(text).peers[1]), ['p-1.peers.core.example', 'p-1.peers.shop.example']);
  });

  test('The model has exports by name, with their authority in our trust domain', () => {
    assert.deepEqual(
      exports.map((one) => ['authority' in one && one.authority, one.name, one.protocol, one.backends]),
      [
        ['accounts.exports.core.example', 'accounts', 'http', [{ host: 'accounts.default.svc', port: 8080 }]],
        ['orders.exports.core.example', 'orders', 'http', [{ host: 'orders.default.svc', port: 8080 }]],
      ],
    );
  });

  test('The model has imports by port and local name, with their authority in the trust domain of the peer', () => {
    assert.deepEqual(
      imports
        .filter(isHttpImport)
        .map(({ port, localNames, authority }) => [port, localNames[0], localNames.length, authority]),
      [
        [80, 'rates', 1, 'rates.exports.bank.example'],
        [8080, 'carts.default.svc.cluster.local', 3, 'carts.exports.shop.example'],
      ],
    );
  });

  test('The model orders imports by the number of their port, not by its digits', () => {
    const text = changed(['port: 8080', 'port: 10000'], ['port: 80}', 'port: 9090}']);
    assert.deepEqual(
      federationOf(text).imports.map(({ port }) => port),
      [9090, 10000],
    );
  });

  test('The model has no gateway that is not configured', () => {
    const text = changed(['  egress: {address: 127.0.0.1}\n', ''], [YAML.slice(YAML.indexOf('imports:')), '']);
    const model = federationOf(text);
    assert.deepEqual(['ingress' in model, 'egress' in model], [true, false]);
  });

  test('The model grants and reaches nothing when nothing is written', () => {
    const { grants, exports: none, imports: nor, nextExpiry } = federationOf(YAML.slice(0, YAML.indexOf('exports:')));
    assert.deepEqual([grants, none, nor, nextExpiry], [[], [], [], undefined]);
  });

  test('The model has the issuer only where certificates are issued here', () => {
    const { issuer } = resolved(YAML);
    assert.deepEqual(issuer?.certificate.der, new X509Certificate(OURS.certificate).raw);
    const other = resolved(changed(FILES_IDENTITY));
    assert.equal(other.issuer, undefined);
    const files = { kind: 'files', certificate: '/etc/tls.pem', privateKey: '/etc/tls-key.pem' };
    assert.deepEqual(other.federation.identitySource, files);
  });

  test('The model does not depend on the order of the configuration', () => {
    const [start, end] = [YAML.indexOf('peers:\n'), YAML.indexOf('exports:')];
    const peersText = YAML.slice(start + 'peers:\n'.length, end);
    const second = peersText.indexOf('  bank:');
    const turned = YAML.replace(peersText, peersText.slice(second) + peersText.slice(0, second));
    assert.notEqual(turned, YAML);
    assert.deepEqual(federationOf(turned), federationOf(YAML));
  });
});

describe('a grant', () => {
  test('A grant is one export to one peer, ordered by peer and export', () => {
    assert.deepEqual(grantsOf(YAML), ['bank orders', 'shop accounts', 'shop orders']);
  });

  test('A grant allows the methods and paths that it lists, a prefix with its final slash', () => {
    const { grants, exports } = federationOf(YAML);
    const grant = grants.filter(isHttpGrant).find(({ peer, export: { name } }) => `${peer} ${name}` === 'shop orders');
    assert.deepEqual(grant?.allow, [{ methods: ['GET'], paths: [{ exact: '/orders' }, { prefix: '/orders/' }] }]);
    assert.ok(grant && exports.includes(grant.export));
  });

  test('A grant names workloads in the trust domain of its peer, a prefix with its final slash', () => {
    const rule = '{peer: shop, methods: [GET], paths: [/accounts], workloads: [ns/web/sa/a, ns/b/*]}';
    const text = changed(['{peer: shop, methods: [GET], paths: [/accounts]}', rule]);
    const grants = federationOf(text).grants.filter(isHttpGrant);
    const grant = grants.find(({ export: { name } }) => name === 'accounts');
    assert.deepEqual(grant?.allow[0]?.workloads, [
      { exact: 'spiffe://shop.example/ns/web/sa/a' },
      { prefix: 'spiffe://shop.example/ns/b/' },
    ]);
  });

  test('A grant keeps its rules apart: the methods of one are not for the paths of another', () => {
    const rules = '{peer: shop, allow: [{methods: [GET], paths: [/a]}, {methods: [PUT, POST], paths: [/*]}]}';
    const text = changed(['{peer: shop, methods: [GET], paths: [/accounts]}', rules]);
    const grant = federationOf(text)
      .grants.filter(isHttpGrant)
      .find(({ export: { name } }) => name === 'accounts');
    assert.deepEqual(grant?.allow, [
      { at: 0, methods: ['GET'], paths: [{ exact: '/a' }] },
      { at: 1, methods: ['PUT', 'POST'], paths: [{ prefix: '/' }] },
    ]);
  });

  test('A grant of gRPC is by POST', () => {
    const text = changed(
      ['accounts.default.svc:8080', 'accounts.default.svc:8080\n  protocol: grpc'],
      ['{peer: shop, methods: [GET], paths: [/accounts]}', '{peer: shop, paths: [/bank.Accounts/*]}'],
    );
    const grant = federationOf(text)
      .grants.filter(isHttpGrant)
      .find(({ export: { name } }) => name === 'accounts');
    assert.equal(grant?.export.protocol, 'grpc');
    assert.deepEqual(grant?.allow, [{ methods: ['POST'], paths: [{ prefix: '/bank.Accounts/' }] }]);
  });
});

describe('the end of a grant', () => {
  test('The end of a grant is the end of its last day in UTC, to the millisecond', () => {
    assert.ok(grantsOf(YAML, NEW_YEAR - 1).includes('bank orders'));
    assert.ok(!grantsOf(YAML, NEW_YEAR).includes('bank orders'));
    assert.equal(federationOf(YAML).nextExpiry, NEW_YEAR);
  });

  test('The end of a grant takes that one grant away, with a warning at its date, and leaves the others', () => {
    assert.deepEqual(grantsOf(YAML, NEW_YEAR), ['shop accounts', 'shop orders']);
    const { findings } = resolveText(YAML, { now: NEW_YEAR });
    const path = 'exports.0.consumers.1.expires';
    assert.deepEqual(shown(findings, YAML), [`warning GRANT_EXPIRED at ${path}: ${EXPIRING}`]);
    assert.deepEqual(resolveText(YAML, { now: NEW_YEAR - 1 }).findings, []);
  });

  test('The end of a grant is told of every grant that has one, whatever the time is', () => {
    assert.ok(!grantsOf(YAML, NEW_YEAR).includes('bank orders'));
    assert.deepEqual(grantEndsOf(configOf(YAML)), [{ peer: 'bank', export: 'orders', endsAt: NEW_YEAR }]);
  });

  test('The next end of a grant is the earliest among the grants that still apply', () => {
    const text = changed(
      ['paths: [/orders, /orders/*]}', 'paths: [/orders, /orders/*], expires: 2026-11-25}'],
      ['paths: [/accounts]}', 'paths: [/accounts], expires: 2028-02-29}'],
    );
    const nextAt = (now: number): number | undefined => federationOf(text, { now }).nextExpiry;
    const ends = [Date.UTC(2026, 10, 26), NEW_YEAR];
    assert.deepEqual([nextAt(NOW), nextAt(ends[0] ?? 0)], ends);
    // In 2028 the CAs of this file have expired; grants alone do not care.
    const later = Date.UTC(2028, 1, 29, 23, 59);
    const files = Object.fromEntries(
      ['core', 'shop', 'bank'].map((mesh) => {
        const domain = `${mesh}.example` as TrustDomain;
        const { certificate } = createCa({ commonName: mesh, trustDomain: domain, now: later, lifetimeSeconds: 1e7 });
        return [`${mesh}.pem`, certificate];
      }),
    );
    const plain = text.replace(...FILES_IDENTITY);
    const { federation } = resolved(plain, { now: later, files });
    assert.deepEqual(
      [federation.grants.length, federation.nextExpiry, grantsOf(text, NEW_YEAR).length],
      [1, Date.UTC(2028, 2, 1), 1],
    );
  });

  test('The end of the only grant leaves nothing granted, and the export without consumers', () => {
    const text = changed(['{peer: shop, methods: [GET], paths: [/accounts]}', EXPIRING.slice(2)]);
    const { grants, exports } = federationOf(text, { now: NEW_YEAR });
    assert.deepEqual(
      grants.map(({ export: { name } }) => name),
      ['orders'],
    );
    assert.ok(exports.some(({ name }) => name === 'accounts'));
  });
});

describe('trust material of a configuration', () => {
  const refuses = (files: Readonly<Record<string, string>>, ...expected: readonly string[]): void => {
    const { resolved: none, findings } = resolveText(YAML, { files });
    assert.equal(none, undefined);
    assert.deepEqual(shown(findings, YAML), expected);
  };
  /** The bank alone: everybody else is served. */
  const denies = (files: Readonly<Record<string, string>>, ...expected: readonly string[]): void => {
    const { resolved: model, findings } = resolveText(YAML, { files });
    assert.deepEqual(shown(findings, YAML), expected);
    assert.deepEqual(model?.federation.deniedPeers, [{ name: 'bank', trustDomain: 'bank.example' }]);
    assert.deepEqual(
      model.federation.peers.map(({ name }) => name),
      ['shop'],
    );
  };
  const ISSUER = 'identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}';

  test('Trust material of a configuration is judged at the key that names it', () => {
    denies({ 'bank.pem': 'x' }, 'BUNDLE_UNPARSABLE at peers.bank.trustBundle: trustBundle: bank.pem');
    denies({ 'bank.pem': SHOP.certificate }, 'BUNDLE_FOREIGN at peers.bank.trustBundle: trustBundle: bank.pem');
    refuses({ 'ca.pem': 'x' }, `ISSUER_UNPARSABLE at identity.issuer.certificate: ${ISSUER}`);
    refuses({ 'ca-key.pem': 'x' }, `ISSUER_UNPARSABLE at identity.issuer.privateKey: ${ISSUER}`);
    refuses({ 'ca-key.pem': SHOP.privateKey.reveal() }, `ISSUER_KEY_MISMATCH at identity.issuer.privateKey: ${ISSUER}`);
  });

  test('Trust material of a configuration is judged together with the rules, all at once', () => {
    const text = changed(['name: accounts', 'name: orders']);
    const { findings } = resolveText(text, { files: { 'shop.pem': 'x', 'bank.pem': 'x', 'ca.pem': 'x' } });
    assert.deepEqual(findings.map(({ code }) => code).sort(), [
      'BUNDLE_UNPARSABLE',
      'BUNDLE_UNPARSABLE',
      'EXPORT_TAKEN',
      'ISSUER_UNPARSABLE',
    ]);
  });

  test('Trust material of a configuration that will not last is a warning, and counts', () => {
    const { findings, resolved: model } = resolveText(YAML, { now: NOW + 360 * DAY });
    assert.ok(model);
    const codes = findings.map(({ code, severity }) => `${severity} ${code}`);
    assert.deepEqual(
      codes.filter((code) => code !== 'warning GRANT_EXPIRED'),
      ['warning ISSUER_EXPIRES_SOON', ...Array(2).fill('warning BUNDLE_EXPIRES_SOON')],
    );
  });
});
