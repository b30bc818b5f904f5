// The Config that the rest of Postern reads: shorthands written out, defaults filled in, nothing lost.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { changed, configOf, diagnose, GOOD } from './documents.ts';

const SHORTEST = `apiVersion: postern/v1
mesh: {name: c2, trustDomain: c2.example.com}
identity: {issuer: {certificate: ca.pem,
                    privateKey: ca-key.pem}}
gateways: {ingress: {address: "0.0.0.0:15443"}, egress: {address: "::1"}}
peers:
  c1:
    trustDomain: c1.example.com
    trustBundle: bundles/c1.pem
    gatewayIdentities: [gateway/egress]
exports:
- name: helloworld.sample
  backend: helloworld.sample.svc:5000
  consumers:
  - peer: c1
    methods: [GET]
    paths: [/hello]
imports:
- {peer: c1, name: rates.fx, as: rates, port: 80}
`;

describe('the normalized configuration', () => {
  test('The Config of the full form holds every value of the file', () => {
    assert.deepEqual(configOf(GOOD), {
      mesh: { name: 'core', trustDomain: 'core.bank.example' },
      identity: { issuer: { certificate: 'pki/ca.pem', privateKey: 'pki/ca-key.pem', lifetimeSeconds: 86400 } },
      gateways: {
        ingress: {
          address: { host: '0.0.0.0', port: 15443 },
          advertise: [{ host: 'gw-a.core.bank.example', port: 15443 }],
          identity: 'gateway/ingress',
        },
        egress: { address: '127.0.0.1', identity: 'gateway/egress', clients: 'plaintext' },
      },
      peers: [
        {
          name: 'partner',
          trustDomain: 'mesh.partner.example',
          trustBundle: { file: 'bundles/partner.pem' },
          gatewayIdentities: ['gateway/egress', 'gateway/ingress'],
          addresses: [
            { host: 'gw1.partner.example', port: 15443 },
            { host: '2001:db8::1', port: 15443 },
          ],
          leafKeys: ['ecdsa'],
          sni: 'p-7f3c9a',
          traceContext: 'forward',
        },
      ],
      exports: [
        {
          name: 'withdraw.payments',
          backend: [{ host: 'withdraw.accounts.svc.cluster.local', port: 8080 }],
          protocol: 'http',
          requestBodies: 'standard',
          upgrades: [],
          underscoreHeaders: 'reject',
          timeouts: { idleSeconds: 60 },
          consumers: [
            {
              peer: 'partner',
              allow: [{ methods: ['POST'], paths: ['/v1/withdrawals', '/v1/receipts/*'] }],
              isList: true,
              expires: '2027-03-31',
              owner: 'payments',
              reason: 'contract 4711',
              reviewed: '2026-11-01',
            },
          ],
        },
        {
          name: 'rates.fx',
          backend: [
            { host: '10.0.0.1', port: 80 },
            { host: '10.0.0.2', port: 80 },
          ],
          protocol: 'grpc',
          requestBodies: 'standard',
          upgrades: [],
          underscoreHeaders: 'reject',
          timeouts: { idleSeconds: 3600 },
          consumers: [{ peer: 'partner', allow: [{ methods: ['POST'], paths: ['/fx.Rates/*'] }] }],
        },
      ],
      imports: [
        {
          peer: 'partner',
          name: 'quotes.fx',
          as: 'quotes.default.svc.cluster.local',
          port: 8080,
          protocol: 'http',
          upgrades: ['websocket'],
          underscoreHeaders: 'drop',
          timeouts: { idleSeconds: 20, requestSeconds: 60 },
        },
      ],
    });
  });

  test('The Config of the shortest form has the defaults', () => {
    const config = configOf(SHORTEST);
    assert.deepEqual(config.identity, {
      issuer: { certificate: 'ca.pem', privateKey: 'ca-key.pem', lifetimeSeconds: 86400 },
    });
    assert.deepEqual(config.gateways, {
      ingress: { address: { host: '0.0.0.0', port: 15443 }, advertise: [], identity: 'gateway/ingress' },
      egress: { address: '::1', identity: 'gateway/egress' },
    });
    assert.deepEqual(config.peers, [
      {
        name: 'c1',
        trustDomain: 'c1.example.com',
        trustBundle: { file: 'bundles/c1.pem' },
        gatewayIdentities: ['gateway/egress'],
        addresses: [],
        leafKeys: ['ecdsa', 'ed25519'],
        traceContext: 'drop',
      },
    ]);
    assert.deepEqual(config.exports[0]?.consumers, [{ peer: 'c1', allow: [{ methods: ['GET'], paths: ['/hello'] }] }]);
    assert.deepEqual([config.exports[0]?.protocol, config.imports[0]?.protocol], ['http', 'http']);
    assert.deepEqual(
      [...config.exports, ...config.imports].map((one) => 'timeouts' in one && one.timeouts),
      [{ idleSeconds: 60 }, { idleSeconds: 60 }],
    );
  });

  test('Short and long forms give the same Config', () => {
    assert.deepEqual(configOf(changed('bundles/c1.pem', '{file: bundles/c1.pem}', SHORTEST)), configOf(SHORTEST));
    assert.deepEqual(
      configOf(changed('helloworld.sample.svc:5000', '[helloworld.sample.svc:5000]', SHORTEST)),
      configOf(SHORTEST),
    );
  });

  test('A rule in a list is the rule of a consumer that is one, but for its place', () => {
    const rule = '    methods: [GET]\n    paths: [/hello]\n';
    const listed = configOf(changed(rule, '    allow:\n    - {methods: [GET], paths: [/hello]}\n', SHORTEST));
    const [consumer] = listed.exports[0]?.consumers ?? [];
    assert.deepEqual(
      { ...consumer, isList: undefined },
      { ...configOf(SHORTEST).exports[0]?.consumers[0], isList: undefined },
    );
    assert.equal(consumer !== undefined && 'isList' in consumer && consumer.isList, true);
  });

  test('The Config names each gateway identity and kind of key once', () => {
    const twice = changed(
      '[gateway/egress, ',
      '[gateway/egress, gateway/egress, ',
      changed('[ecdsa]', '[ecdsa, ecdsa]'),
    );
    assert.deepEqual(configOf(twice), configOf(GOOD));
  });

  for (const [written, seconds] of [
    ['10m', 600],
    ['86399s', 86399],
    ['90d', 7776000],
  ] as const) {
    test(`The Config has a lifetime of ${written} in seconds`, () => {
      const { identity } = configOf(changed('24h', written));
      assert.equal('issuer' in identity && identity.issuer.lifetimeSeconds, seconds);
    });
  }
});

describe('plaintext at egress', () => {
  test('Plaintext at an egress address that other machines reach is a warning, unless the file says that it is meant', () => {
    const said = changed('address: 127.0.0.1\n', 'address: 10.0.0.1\n');
    assert.deepEqual(diagnose(said), []);
    const unsaid = changed('    clients: plaintext\n', '', said);
    assert.deepEqual(
      diagnose(unsaid).map(({ code, severity }) => `${severity} ${code}`),
      ['warning EGRESS_OPEN'],
    );
    assert.equal(configOf(unsaid).gateways.egress?.clients, undefined);
    assert.deepEqual(diagnose(changed('    clients: plaintext\n', '')), []);
  });
});
