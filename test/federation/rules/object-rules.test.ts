// Rules across objects: each code with its place, and beside each a configuration that is close to it and fine.
// Each case is one change of a good configuration, and lists exactly the findings that it brings.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { objectRules } from '../../../src/federation/rules/object-rules.ts';
import { changed, configOf, shown, YAML } from '../two-peers.ts';

type Change = readonly (readonly [string, string])[];

interface Rule {
  readonly title: string;
  readonly change: Change;
  /** `CODE at path: the line`; nothing for what is fine. */
  readonly finds?: readonly string[];
}

const BANK_DOMAIN: readonly [string, string] = ['trustDomain: bank.example', 'trustDomain: shop.example'];
const SNI = (peer: 'shop' | 'bank', label: string): readonly [string, string] => [
  `trustBundle: ${peer}.pem`,
  `trustBundle: ${peer}.pem\n    sni: ${label}`,
];
const CARTS = 'as: carts.default.svc.cluster.local, port: 8080';
const RATES = '{peer: bank, name: rates, as: rates, port: 80}';
const rates = (rest: string): Change => [[RATES, `{peer: bank, name: rates, ${rest}}`]];
const labels = (...lengths: readonly number[]): string => lengths.map((length) => 'a'.repeat(length)).join('.');
/** A name of so many characters. */
const long = (length: number): string => labels(63, 63, 63, length - 192);

/** The longest name that an export may have; its authority is `<name>.exports.<trust domain>`. */
const LONGEST = long(200);
const named = (name: string): readonly [string, string] => [`name: ${name}`, `name: ${LONGEST}`];

const EXPORTS = YAML.slice(YAML.indexOf('exports:'), YAML.indexOf('imports:'));
const IMPORTS = YAML.slice(YAML.indexOf('imports:'));

const RULES: Readonly<Record<string, readonly Rule[]>> = {
  IDENTITY_SHARED: [
    {
      title: 'both gateways have one identity',
      change: [['egress: {address: 127.0.0.1}', 'egress: {address: 127.0.0.1, identity: gateway/ingress}']],
      finds: ['IDENTITY_SHARED at gateways.egress.identity: egress: {address: 127.0.0.1, identity: gateway/ingress}'],
    },
    {
      title: 'the gateways have each other’s usual identities',
      change: [
        ['egress: {address: 127.0.0.1}', 'egress: {address: 127.0.0.1, identity: gateway/ingress}'],
        ['"0.0.0.0:15443"}', '"0.0.0.0:15443", identity: gateway/egress}'],
      ],
    },
  ],
  IDENTITY_RESERVED: [
    {
      title: 'a gateway has the identity of the control plane',
      change: [['egress: {address: 127.0.0.1}', 'egress: {address: 127.0.0.1, identity: control-plane}']],
      finds: ['IDENTITY_RESERVED at gateways.egress.identity: egress: {address: 127.0.0.1, identity: control-plane}'],
    },
    {
      title: 'a gateway has an identity below that name',
      change: [['egress: {address: 127.0.0.1}', 'egress: {address: 127.0.0.1, identity: control-plane/egress}']],
    },
  ],
  TRUST_DOMAIN_OURS: [
    {
      title: 'a peer has our own trust domain',
      change: [['trustDomain: bank.example', 'trustDomain: core.example']],
      finds: ['TRUST_DOMAIN_OURS at peers.bank.trustDomain: trustDomain: core.example'],
    },
    {
      title: 'a trust domain is below ours',
      change: [['trustDomain: bank.example', 'trustDomain: bank.core.example']],
    },
    { title: 'a peer is called as our mesh is', change: [['mesh: {name: core', 'mesh: {name: bank']] },
  ],
  TRUST_DOMAIN_TAKEN: [
    {
      title: 'two peers have one trust domain',
      change: [BANK_DOMAIN],
      finds: ['TRUST_DOMAIN_TAKEN at peers.bank.trustDomain: trustDomain: shop.example'],
    },
    {
      title: 'two peers have one trust domain, though they are told apart by SNI',
      change: [BANK_DOMAIN, SNI('bank', 'label')],
      finds: ['TRUST_DOMAIN_TAKEN at peers.bank.trustDomain: trustDomain: shop.example'],
    },
    {
      title: 'one trust domain begins as another',
      change: [['trustDomain: bank.example', 'trustDomain: shop.example.org']],
    },
  ],
  SNI_TAKEN: [
    {
      title: 'two peers have one label',
      change: [SNI('shop', 'p-1'), SNI('bank', 'p-1')],
      finds: ['SNI_TAKEN at peers.bank.sni: sni: p-1'],
    },
    {
      title: 'a label is the trust domain of an earlier peer',
      change: [['trustDomain: shop.example', 'trustDomain: shop'], SNI('bank', 'shop')],
      finds: ['SNI_TAKEN at peers.bank.sni: sni: shop'],
    },
    {
      title: 'a label is the trust domain of a later peer, which has none itself',
      change: [['trustDomain: bank.example', 'trustDomain: bank'], SNI('shop', 'bank')],
      finds: ['SNI_TAKEN at peers.bank.sni: trustDomain: bank'],
    },
    { title: 'each peer has a label', change: [SNI('shop', 'p-1'), SNI('bank', 'p-2')] },
    { title: 'a label is the name of the other peer', change: [SNI('shop', 'bank')] },
    {
      title: 'a label is the own trust domain',
      change: [['trustDomain: shop.example', 'trustDomain: shop'], SNI('shop', 'shop')],
    },
  ],
  GATEWAY_MISSING: [
    {
      title: 'something is exported without an ingress gateway',
      change: [['  ingress: {address: "0.0.0.0:15443"}\n', '']],
      finds: ['GATEWAY_MISSING at exports: - name: orders'],
    },
    {
      title: 'something is imported without an egress gateway',
      change: [['  egress: {address: 127.0.0.1}\n', '']],
      finds: [`GATEWAY_MISSING at imports: - {peer: shop, name: carts, ${CARTS}}`],
    },
    {
      title: 'nothing is exported and there is no ingress gateway',
      change: [
        ['  ingress: {address: "0.0.0.0:15443"}\n', ''],
        [EXPORTS, ''],
      ],
    },
    {
      title: 'nothing is imported and there is no egress gateway',
      change: [
        ['  egress: {address: 127.0.0.1}\n', ''],
        [IMPORTS, ''],
      ],
    },
    {
      title: 'gateways have nothing to do',
      change: [
        [EXPORTS, ''],
        [IMPORTS, ''],
      ],
    },
  ],
  EXPORT_TAKEN: [
    {
      title: 'two exports have one name',
      change: [['name: accounts', 'name: orders']],
      finds: ['EXPORT_TAKEN at exports.1.name: - name: orders'],
    },
    { title: 'two exports have one backend', change: [['backend: accounts.default', 'backend: orders.default']] },
    { title: 'an export and an import have one name', change: [['name: accounts', 'name: carts']] },
  ],
  CONSUMER_TAKEN: [
    {
      title: 'one export names a consumer twice',
      change: [['{peer: bank, methods: [POST]', '{peer: shop, methods: [POST]']],
      finds: [
        'CONSUMER_TAKEN at exports.0.consumers.1.peer: - {peer: shop, methods: [POST], paths: [/orders], expires: 2026-12-31}',
      ],
    },
  ],
  UNKNOWN_PEER: [
    {
      title: 'a consumer is no peer',
      change: [['{peer: bank, methods: [POST]', '{peer: banc, methods: [POST]']],
      finds: [
        'UNKNOWN_PEER at exports.0.consumers.1.peer: - {peer: banc, methods: [POST], paths: [/orders], expires: 2026-12-31}',
      ],
    },
    {
      title: 'a consumer is our own mesh',
      change: [['{peer: bank, methods: [POST]', '{peer: core, methods: [POST]']],
      finds: [
        'UNKNOWN_PEER at exports.0.consumers.1.peer: - {peer: core, methods: [POST], paths: [/orders], expires: 2026-12-31}',
      ],
    },
    {
      title: 'something is imported from no peer',
      change: [[RATES, RATES.replace('bank', 'constructor')]],
      finds: [`UNKNOWN_PEER at imports.1.peer: - ${RATES.replace('bank', 'constructor')}`],
    },
  ],
  PEER_WITHOUT_ADDRESS: [
    {
      title: 'something is imported from a peer without addresses',
      change: [['    addresses: ["gw.bank.example:443"]\n', '']],
      finds: [`PEER_WITHOUT_ADDRESS at imports.1.peer: - ${RATES}`],
    },
    {
      title: 'nothing is imported from a peer without addresses',
      change: [
        ['    addresses: ["gw.bank.example:443"]\n', ''],
        [`- ${RATES}\n`, ''],
      ],
    },
  ],
  LOCAL_NAME_TAKEN: [
    {
      title: 'two imports have one local name at one port',
      change: rates(CARTS),
      finds: [`LOCAL_NAME_TAKEN at imports.1.as: - {peer: bank, name: rates, ${CARTS}}`],
    },
    ...['carts.default.svc', 'carts.default'].map((as) => ({
      title: `the local name is ${as}, by which callers may mean the other`,
      change: rates(`as: ${as}, port: 8080`),
      finds: [`LOCAL_NAME_TAKEN at imports.1.as: - {peer: bank, name: rates, as: ${as}, port: 8080}`],
    })),
    {
      title: 'one export is imported twice under one name',
      change: [[RATES, `{peer: shop, name: carts, ${CARTS}}`]],
      finds: [`LOCAL_NAME_TAKEN at imports.1.as: - {peer: shop, name: carts, ${CARTS}}`],
    },
    { title: 'one local name stands at two ports', change: rates('as: carts.default.svc.cluster.local, port: 8081') },
    { title: 'local names are in two namespaces', change: rates('as: carts.shop.svc.cluster.local, port: 8080') },
    { title: 'a local name is part of another', change: rates('as: carts, port: 8080') },
    { title: 'a local name is that of an export', change: rates('as: orders, port: 8080') },
  ],
  PROTOCOL_CONFLICT: [
    {
      title: 'one export is imported with two protocols',
      change: [[RATES, '{peer: shop, name: carts, as: other, port: 80, protocol: grpc}']],
      finds: [
        'PROTOCOL_CONFLICT at imports.1.protocol: - {peer: shop, name: carts, as: other, port: 80, protocol: grpc}',
      ],
    },
    {
      title: 'one export is imported twice with one protocol',
      change: [[RATES, '{peer: shop, name: carts, as: other, port: 80}']],
    },
    {
      title: 'exports of one name at two peers have two protocols',
      change: [[RATES, '{peer: bank, name: carts, as: other, port: 80, protocol: grpc}']],
    },
  ],
  NAME_TOO_LONG: [
    {
      title: 'the authority of an export has 254 characters',
      change: [named('accounts'), ['trustDomain: core.example', `trustDomain: ${'c'.repeat(45)}`]],
      finds: [`NAME_TOO_LONG at exports.1.name: - name: ${LONGEST}`],
    },
    {
      title: 'the authority of an export has 253 characters',
      change: [named('accounts'), ['trustDomain: core.example', `trustDomain: ${'c'.repeat(44)}`]],
    },
    {
      title: 'the authority of an import has 254 characters',
      change: [named('rates'), ['trustDomain: bank.example', `trustDomain: ${'b'.repeat(45)}`]],
      finds: [`NAME_TOO_LONG at imports.1.name: - ${RATES.replace('name: rates', `name: ${LONGEST}`)}`],
    },
    {
      title: 'the authority of an import has 253 characters',
      change: [named('rates'), ['trustDomain: bank.example', `trustDomain: ${'b'.repeat(44)}`]],
    },
    {
      title: 'the SNI between us and a peer has 254 characters',
      // `<theirs>.peers.core.example`, and with our domain as the label just as long.
      change: [
        ['trustDomain: bank.example', `trustDomain: ${long(254 - 19)}`],
        [`- ${RATES}\n`, ''],
      ],
      finds: [`NAME_TOO_LONG at peers.bank.trustDomain: trustDomain: ${long(254 - 19)}`],
    },
    {
      title: 'the SNI between us and a peer has 253 characters',
      change: [
        ['trustDomain: bank.example', `trustDomain: ${long(253 - 19)}`],
        [`- ${RATES}\n`, ''],
      ],
    },
    {
      title: 'a label makes an SNI short enough in both directions',
      change: [['trustDomain: bank.example', `trustDomain: ${long(254 - 19)}`], SNI('bank', 'b'), [`- ${RATES}\n`, '']],
    },
  ],
};

function findings(text: string): readonly string[] {
  return shown(objectRules(configOf(text)), text);
}

test('A good configuration has no finding', () => assert.deepEqual(findings(YAML), []));

for (const [code, rules] of Object.entries(RULES)) {
  describe(code, () => {
    for (const { title, change, finds = [] } of rules)
      test(`${code} is ${finds.length > 0 ? 'found' : 'not found'} when ${title}`, () =>
        assert.deepEqual(findings(changed(...change)), finds));
  });
}

test('Everything that is wrong is found at once, each thing once', () => {
  const text = changed(
    ['trustDomain: bank.example', 'trustDomain: core.example'],
    ['name: accounts', 'name: orders'],
    ['{peer: shop, methods: [GET], paths: [/accounts]}', '{peer: nobody, methods: [GET], paths: [/accounts]}'],
    [RATES, `{peer: nobody, name: rates, ${CARTS}}`],
    ['  egress: {address: 127.0.0.1}\n', ''],
  );
  assert.deepEqual(
    objectRules(configOf(text)).map(({ code }) => code),
    ['TRUST_DOMAIN_OURS', 'EXPORT_TAKEN', 'UNKNOWN_PEER', 'GATEWAY_MISSING', 'UNKNOWN_PEER', 'LOCAL_NAME_TAKEN'],
  );
});

test('Every finding is an error and says what to write instead', () => {
  for (const { change } of Object.values(RULES).flat()) {
    for (const { severity, message, hint } of objectRules(configOf(changed(...change))))
      assert.ok(severity === 'error' && message.length > 0 && hint.length > 0);
  }
});
