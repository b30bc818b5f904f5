// Keys: which exist, which must, which belong together, which come later; one finding for one mistake.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FindingCode } from '../../../src/errors.ts';
import { changed, configOf, diagnose, GOOD, placeOf, placesAndCodes } from '../documents.ts';

function codes(text: string): readonly FindingCode[] {
  return diagnose(text).map(({ code }) => code);
}

/** Asserts exactly one finding, at the first occurrence of `part`. */
function one(text: string, code: FindingCode, part: string): void {
  const { line, column } = placeOf(text, part);
  assert.deepEqual(placesAndCodes(text), [`${line}:${column} ${code}`]);
}

describe('a good configuration', () => {
  test('A good configuration has no findings', () => {
    assert.deepEqual(diagnose(GOOD), []);
  });

  test('A configuration needs no peers, exports, imports or gateways', () => {
    const [head = ''] = GOOD.split('gateways:');
    const config = configOf(head);
    assert.deepEqual([config.peers, config.exports, config.imports, config.gateways], [[], [], [], {}]);
  });
});

describe('an empty value', () => {
  const hintOf = (from: string, to: string): string => {
    const [found, ...rest] = diagnose(changed(from, to));
    assert.deepEqual([found?.code, rest.length], ['EMPTY', 0], to);
    return found?.hint ?? '';
  };

  test('The hint for an empty value offers to leave the key out only where the key is optional', () => {
    for (const [from, to] of [
      ['    leafKeys: [ecdsa]', '    leafKeys: []'],
      ['    sni: p-7f3c9a', '    sni:'],
      ['    owner: payments', '    owner: ""'],
      ['    identity: gateway/egress', '    identity: ""'],
    ] as const)
      assert.match(hintOf(from, to), /leave the key out/, to);
    for (const [from, to] of [
      ['trustBundle: bundles/partner.pem', 'trustBundle: ""'],
      ['gatewayIdentities: [gateway/egress, gateway/ingress]', 'gatewayIdentities: []'],
      ['paths: [/v1/withdrawals, /v1/receipts/*]', 'paths: []'],
      ['  consumers:\n  - peer: partner\n    paths: [/fx.Rates/*]\n', '  consumers: []\n'],
      ['trustDomain: core.bank.example', 'trustDomain:'],
    ] as const)
      assert.doesNotMatch(hintOf(from, to), /leave the key out/, to);
    assert.match(hintOf('paths: [/v1/withdrawals, /v1/receipts/*]', 'paths: [""]'), /remove this item/);
  });
});

describe('an identity as a whole SPIFFE ID', () => {
  test('The hint names the trust domain whose identities belong there: that of the mesh, or of the peer', () => {
    const exact = '      paths: [/v1/withdrawals, /v1/receipts/*]';
    const places = [
      [exact, `${exact}\n      workloads: [ID]`, 'mesh.partner.example'],
      ['    paths: [/fx.Rates/*]', '    paths: [/fx.Rates/*]\n    workloads: [ID]', 'mesh.partner.example'],
      ['gatewayIdentities: [gateway/egress, gateway/ingress]', 'gatewayIdentities: [ID]', 'mesh.partner.example'],
      ['  port: 8080\n', '  port: 8080\n  clients: [ID]\n', 'core.bank.example'],
      ['    identity: gateway/egress', '    identity: ID', 'core.bank.example'],
    ] as const;
    for (const [from, to, expected] of places)
      for (const foreign of ['core.bank.example', 'mesh.partner.example', 'else.example'].filter(
        (td) => td !== expected,
      )) {
        const found = diagnose(changed(from, to.replace('ID', `spiffe://${foreign}/ns/x`)));
        const { code, hint = '' } = found.find((one) => one.code === 'INVALID_IDENTITY') ?? {};
        assert.equal(code, 'INVALID_IDENTITY', to);
        assert.ok(hint.includes(`identities of ${expected} `) && hint.includes(`domain ${foreign};`), hint);
      }
  });
});

describe('a wrong indentation', () => {
  test('A wrong indentation is reported once for consecutive lines, and no key of another map is taken for a name', () => {
    const text = changed('  partner:\n', '  partner: {}\n');
    const found = diagnose(text);
    assert.deepEqual([...new Set(found.map(({ code }) => code))], ['YAML_SYNTAX']);
    assert.ok(found.length < 3, String(found.length));
  });

  test('The hint for a line with one space too many or too few is about indentation', () => {
    for (const key of ['trustDomain: mesh', 'trustBundle: ', 'addresses: '])
      for (const by of [-1, 1]) {
        const line = `    ${key}`;
        const moved = `${' '.repeat(4 + by)}${key}`;
        const [first] = diagnose(changed(line, moved));
        assert.equal(first?.code, 'YAML_SYNTAX');
        assert.match(first.hint, /indent/, moved);
      }
  });
});

describe('required keys', () => {
  const required: readonly (readonly [string, string])[] = [
    ['apiVersion: postern/v1\n', ''],
    ['mesh: {name: core, trustDomain: core.bank.example}\n', ''],
    ['name: core, ', ''],
    [', trustDomain: core.bank.example', ''],
    ['identity:\n  issuer: {certificate: pki/ca.pem, privateKey: pki/ca-key.pem, lifetime: 24h}\n', ''],
    ['certificate: pki/ca.pem, ', ''],
    ['privateKey: pki/ca-key.pem, ', ''],
    ['    address: 0.0.0.0:15443\n', ''],
    ['    address: 127.0.0.1\n', ''],
    ['    trustDomain: mesh.partner.example\n', ''],
    ['    trustBundle: bundles/partner.pem\n', ''],
    ['    gatewayIdentities: [gateway/egress, gateway/ingress]\n', ''],
    ['- name: withdraw.payments\n  backend', '- backend'],
    ['  backend: withdraw.accounts.svc.cluster.local:8080\n', ''],
    ['  - peer: partner\n    allow:', '  - allow:'],
    ['    - methods: [POST]\n      paths', '    - paths'],
    ['      paths: [/v1/withdrawals, /v1/receipts/*]\n', ''],
    ['    paths: [/fx.Rates/*]\n', ''],
    ['- peer: partner\n  name: quotes', '- name: quotes'],
    ['  name: quotes.fx\n', ''],
    ['  as: quotes.default.svc.cluster.local\n', ''],
    ['  port: 8080\n', ''],
  ];
  for (const [from, to] of required) {
    test(`A file without ${JSON.stringify(from)} has MISSING_KEY`, () => {
      assert.deepEqual(codes(changed(from, to)), ['MISSING_KEY']);
    });
  }

  const optional: readonly string[] = [
    ', lifetime: 24h',
    '    advertise: [gw-a.core.bank.example:15443]\n',
    '    identity: gateway/ingress\n',
    '    identity: gateway/egress\n',
    '    clients: plaintext\n',
    '    addresses: [gw1.partner.example:15443, "[2001:db8::1]:15443"]\n',
    '    leafKeys: [ecdsa]\n',
    '    sni: p-7f3c9a\n',
    '  protocol: http\n  consumers',
    '    expires: 2027-03-31\n',
    '    owner: payments\n',
    '    reason: "contract 4711"\n',
    '    reviewed: 2026-11-01\n',
    '  port: 8080\n  protocol: http\n',
  ];
  for (const from of optional) {
    test(`A file may leave out ${JSON.stringify(from)}`, () => {
      const rest = from.includes('consumers') ? '  consumers' : from.includes('port:') ? '  port: 8080\n' : '';
      configOf(changed(from, rest));
    });
  }
});

describe('empty never means all', () => {
  const empty: readonly (readonly [string, string])[] = [
    ['[POST]', '[]'],
    ['[POST]', ''],
    ['[/fx.Rates/*]', '[]'],
    ['[gateway/egress, gateway/ingress]', '[]'],
    ['[ecdsa]', '[]'],
    ['[gw-a.core.bank.example:15443]', '[]'],
    ['[10.0.0.1:80, 10.0.0.2:80]', '[]'],
    ['{name: core, trustDomain: core.bank.example}', ''],
    ['bundles/partner.pem', ''],
  ];
  for (const [from, to] of empty) {
    test(`An empty value, ${JSON.stringify(to)} for ${from}, is EMPTY`, () => {
      assert.deepEqual(codes(changed(from, to)), ['EMPTY']);
    });
  }

  const [head = ''] = GOOD.split('gateways:');
  for (const section of [
    'gateways: {}',
    'gateways:',
    'peers: {}',
    'peers:',
    'exports: []',
    'exports:',
    'imports: []',
  ]) {
    test(`An empty ${section} is EMPTY`, () => {
      assert.deepEqual(codes(`${head}${section}\n`), ['EMPTY']);
    });
  }

  test('An export needs consumers, and a consumer needs rules', () => {
    const text = changed('  consumers:\n  - peer: partner\n    paths: [/fx.Rates/*]\n', '  consumers: []\n');
    one(text, 'EMPTY', '[]\nimports');
    const rules = '    - methods: [POST]\n      paths: [/v1/withdrawals, /v1/receipts/*]\n';
    assert.deepEqual(codes(changed(`allow:\n${rules}`, 'allow: []\n')), ['EMPTY']);
  });
});

describe('unknown keys', () => {
  test('An unknown key is reported where it is, at any depth', () => {
    for (const [from, to] of [
      ['apiVersion', 'deny: all\napiVersion'],
      ['name: core', 'deny: all, name: core'],
      ['lifetime: 24h', 'deny: all'],
      ['    sni:', '    deny: all\n    sni:'],
      ['    expires:', '    deny: all\n    expires:'],
      ['      paths: [/v1/w', '      deny: all\n      paths: [/v1/w'],
      ['  port:', '  deny: all\n  port:'],
    ] as const) {
      one(changed(from, to), 'UNKNOWN_KEY', 'deny');
    }
  });

  test('A mistyped required key is one finding, whose hint names the key that was meant', () => {
    for (const [right, wrong] of [
      ['trustBundle: bundles', 'trustBundel: bundles'],
      ['gatewayIdentities:', 'gatewayIdentites:'],
      ['paths: [/fx', 'path: [/fx'],
      ['methods: [POST]', 'method: [POST]'],
      ['issuer:', 'isuer:'],
      ['backend: withdraw', 'backends: withdraw'],
      ['imports:\n- peer', 'imports:\n- pear'],
      ['mesh:', 'mash:'],
    ] as const) {
      const text = changed(right, wrong);
      const [key = ''] = wrong.replace('imports:\n- ', '').split(':');
      const meant = right.replace('imports:\n- ', '').split(':')[0];
      one(text, 'UNKNOWN_KEY', `${key}:`);
      assert.equal(diagnose(text)[0]?.hint, `did you mean ${meant}?`);
    }
  });

  test('The hint for a mistyped optional key names the key that was meant', () => {
    for (const [right, wrong] of [
      ['expires', 'expire'],
      ['leafKeys', 'leafkeys'],
      ['advertise', 'advertize'],
      ['exports:', 'export:'],
    ] as const) {
      const [found] = diagnose(changed(right, wrong));
      assert.equal(found?.code, 'UNKNOWN_KEY');
      assert.equal(found?.hint, `did you mean ${right.replace(':', '')}?`);
    }
  });

  test('An unknown key that is like no other gets no guess, and a missing key beside it is reported', () => {
    const found = diagnose(changed('  as: quotes', '  id: quotes'));
    assert.deepEqual(found.map(({ code }) => code).sort(), ['MISSING_KEY', 'UNKNOWN_KEY']);
    assert.doesNotMatch(found.map(({ hint }) => hint).join(), /did you mean/);
  });

  test('Keys of a JavaScript object such as __proto__ are unknown keys', () => {
    for (const key of ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty']) {
      one(changed('name: core', `${key}: {name: x}, name: core`), 'UNKNOWN_KEY', key);
    }
    assert.equal(({} as { readonly name?: unknown }).name, undefined);
  });
});

describe('identity', () => {
  const issuer = 'issuer: {certificate: pki/ca.pem, privateKey: pki/ca-key.pem, lifetime: 24h}';
  const files = 'files: {certificate: /etc/gateway/tls.pem, privateKey: /etc/gateway/tls-key.pem}';

  test('The field identity.files takes absolute paths on the gateway', () => {
    const config = configOf(changed(issuer, files));
    assert.deepEqual(config.identity, {
      files: { certificate: '/etc/gateway/tls.pem', privateKey: '/etc/gateway/tls-key.pem' },
    });
    one(changed(issuer, files.replace('/etc/gateway/tls.pem', 'tls.pem')), 'INVALID_VALUE', 'tls.pem');
  });

  test('The field identity names exactly one of issuer and files', () => {
    one(changed(issuer, `${issuer}\n  ${files}`), 'INVALID_VALUE', 'issuer');
    one(changed(`identity:\n  ${issuer}`, 'identity: {}'), 'MISSING_KEY', '{}');
    assert.deepEqual(codes(changed(`identity:\n  ${issuer}`, 'identity:')), ['EMPTY']);
  });

  test('The hint for a whole SPIFFE ID says what to write, and names both trust domains when they differ', () => {
    const own = diagnose(changed('[gateway/egress', '["spiffe://mesh.partner.example/gateway/egress"'));
    assert.match(own[0]?.hint ?? '', /gateway\/egress/);
    assert.doesNotMatch(own[0]?.hint ?? '', /another trust domain \(/);
    const other = diagnose(changed('[gateway/egress', '["spiffe://core.bank.example/gateway/egress"'));
    assert.match(other[0]?.hint ?? '', /core\.bank\.example.*mesh\.partner\.example/);
  });
});

describe('rules of a consumer', () => {
  const short = '    paths: [/fx.Rates/*]\n';

  test('A consumer has its rules in one form, not in both', () => {
    const text = changed('    allow:\n', '    methods: [GET]\n    allow:\n');
    assert.deepEqual(codes(text), ['INVALID_VALUE']);
  });

  test('A list of workloads names at least one: without the key, no claim is needed', () => {
    one(changed('    - methods', '    - workloads: []\n      methods'), 'EMPTY', '[]');
    one(changed('    - methods', '    - workloads: ns/shop\n      methods'), 'WRONG_TYPE', 'ns/shop');
  });

  test('The short form takes workloads, and beside allow they are refused like methods and paths', () => {
    const [, rates] = configOf(changed(short, `${short}    workloads: [ns/a/*, ns/b, ns/b]\n`)).exports;
    const [partner] = rates?.protocol === 'grpc' ? rates.consumers : [];
    assert.deepEqual(partner?.allow, [{ methods: ['POST'], paths: ['/fx.Rates/*'], workloads: ['ns/a/*', 'ns/b'] }]);
    assert.deepEqual(codes(changed('    allow:\n', '    workloads: [ns/a]\n    allow:\n')), ['INVALID_VALUE']);
  });

  test('TCP carries no claim: workloads of a tcp export are a finding', () => {
    const tcp = 'tcp\n  consumers:\n  - peer: partner\n    workloads: [ns/a]\n';
    one(changed(`grpc\n  consumers:\n  - peer: partner\n${short}`, tcp), 'NOT_FOR_TCP', 'workloads: [ns/a]');
  });

  test('Each rule for http needs methods and paths', () => {
    const second = changed('    expires:', '    - paths: [/x]\n    expires:');
    one(second, 'MISSING_KEY', 'paths: [/x]');
    const shortened = changed('protocol: grpc', 'protocol: http');
    assert.deepEqual(codes(shortened), ['MISSING_KEY']);
  });

  test('A rule for grpc may name POST only', () => {
    configOf(changed(short, `${short}    methods: [POST]\n`));
    one(changed(short, `${short}    methods: [POST, GET]\n`), 'INVALID_METHOD', 'GET]');
    assert.deepEqual(codes(changed(short, `${short}    methods: [post]\n`)), ['INVALID_METHOD']);
  });

  test('A time-out of the whole answer is not for grpc, where each call has its own', () => {
    const grpc = (timeouts: string): string => changed('protocol: grpc', `protocol: grpc\n  timeouts: ${timeouts}`);
    configOf(grpc('{idle: 5m}'));
    configOf(grpc('{request: none}'));
    one(grpc('{request: 5m}'), 'INVALID_VALUE', '5m}');
    one(changed('8080\n  protocol: http\n  upgrades: [websocket]', '8080\n  protocol: grpc'), 'INVALID_VALUE', '1m}');
  });

  test('Only a service with protocol http can have upgrades', () => {
    one(changed('protocol: grpc', 'protocol: grpc\n  upgrades: [websocket]'), 'INVALID_VALUE', '[websocket]');
    one(changed('8080\n  protocol: http\n  up', '8080\n  protocol: http2\n  up'), 'INVALID_VALUE', '[websocket]');
  });

  const tcp = (consumer = '', exported = ''): string =>
    changed(
      `grpc\n  consumers:\n  - peer: partner\n${short}`,
      `tcp\n${exported}  consumers:\n  - peer: partner\n${consumer}`,
    );

  test('A consumer of tcp needs no rules, and has those that are not about requests', () => {
    const { exports } = configOf(tcp('    expires: 2027-03-31\n    owner: team\n'));
    assert.deepEqual(exports[1]?.consumers, [{ peer: 'partner', expires: '2027-03-31', owner: 'team' }]);
    assert.deepEqual(Object.keys(exports[1] ?? {}).sort(), ['backend', 'consumers', 'name', 'protocol']);
  });

  for (const [key, value] of [
    ['methods', '[PATCH]'],
    ['paths', '[/*]'],
    ['allow', '[{methods: [GET], paths: [/*]}]'],
    ['methods', '[]'],
  ] as const)
    test(`A consumer of tcp has no ${key}: ${value}`, () => {
      const text = tcp(`    ${key}: ${value}\n`);
      assert.ok(codes(text).includes('NOT_FOR_TCP'));
      if (value !== '[]') one(text, 'NOT_FOR_TCP', `${key}: ${value}`);
    });

  test('A consumer of tcp has a finding for each key about requests', () => {
    const text = tcp('    methods: [GET]\n    paths: [/*]\n    allow: [{methods: [GET], paths: [/*]}]\n');
    assert.deepEqual(codes(text), ['NOT_FOR_TCP', 'NOT_FOR_TCP', 'NOT_FOR_TCP']);
  });

  test('An export of tcp has no requestBodies and no time-outs of requests', () => {
    one(tcp('', '  requestBodies: standard\n'), 'NOT_FOR_TCP', 'requestBodies: standard');
    one(tcp('', '  timeouts: {idle: 7s}\n'), 'NOT_FOR_TCP', 'timeouts: {idle: 7s}');
  });

  test('An import of tcp has no keys about requests', () => {
    const lines = [
      '  upgrades: [websocket]\n',
      '  underscoreHeaders: drop\n',
      '  timeouts: {idle: 20s, request: 1m}\n',
    ];
    const http = `  port: 8080\n  protocol: http\n${lines.join('')}`;
    for (const line of lines) one(changed(http, `  port: 8080\n  protocol: tcp\n${line}`), 'NOT_FOR_TCP', line.trim());
    configOf(changed(http, '  port: 8080\n  protocol: tcp\n'));
  });

  test('A consumer that is no map has one finding', () => {
    one(changed(`- peer: partner\n${short}`, '- partner\n'), 'WRONG_TYPE', 'partner\nimports');
  });
});

describe('the backend as a map', () => {
  const ADDRESS = 'address: "orders.svc:1"';
  const wrong: readonly (readonly [value: string, ...codes: readonly string[]])[] = [
    ['{}', 'MISSING_KEY'],
    ['{adress: "orders.svc:1"}', 'UNKNOWN_KEY'],
    [`{${ADDRESS}, addresses: ["orders.svc:2"]}`, 'INVALID_VALUE'],
    ['{addresses: []}', 'EMPTY'],
    [`{${ADDRESS}, tls: true}`, 'INVALID_VALUE'],
    [`{${ADDRESS}, tls: MTLS, identity: ns/a/sa/b}`, 'INVALID_VALUE'],
    [`{${ADDRESS}, tls: mtls}`, 'MISSING_KEY'],
    [`{${ADDRESS}, tls: mtls, identity: "spiffe://other.example/ns/a"}`, 'INVALID_IDENTITY'],
    [`{${ADDRESS}, tls: mtls, identity: ns/a/*}`, 'INVALID_IDENTITY'],
    [`{${ADDRESS}, tls: mtls, identity: ns/a, ca: x.pem}`, 'INVALID_VALUE'],
    [`{${ADDRESS}, tls: mtls, identity: ns/a, serverName: a.example}`, 'INVALID_VALUE'],
    [`{${ADDRESS}, tls: simple}`, 'MISSING_KEY', 'MISSING_KEY'],
    [`{${ADDRESS}, tls: simple, serverName: a.example}`, 'MISSING_KEY'],
    [`{${ADDRESS}, tls: simple, ca: x.pem}`, 'MISSING_KEY'],
    [`{${ADDRESS}, tls: simple, ca: x.pem, serverName: "*.example"}`, 'INVALID_NAME'],
    [`{${ADDRESS}, tls: simple, ca: x.pem, serverName: 192.0.2.1}`, 'INVALID_NAME'],
    [`{${ADDRESS}, tls: simple, ca: x.pem, serverName: a.example, identity: ns/a}`, 'INVALID_VALUE'],
    [`{${ADDRESS}, identity: ns/a}`, 'INVALID_VALUE'],
    [`{${ADDRESS}, ca: x.pem}`, 'INVALID_VALUE'],
  ];
  for (const [value, ...expected] of wrong)
    test(`The backend ${value} has the findings ${expected.join(' and ')}`, () => {
      assert.deepEqual(codes(changed('withdraw.accounts.svc.cluster.local:8080', value)), expected);
    });

  test('The backend may be a map with one address or several, with TLS or without', () => {
    const good = [
      `{${ADDRESS}}`,
      '{addresses: ["orders.svc:1", "192.0.2.1:2"]}',
      `{${ADDRESS}, tls: simple, ca: x.pem, serverName: a.example}`,
      `{${ADDRESS}, tls: mtls, identity: ns/a/sa/b}`,
    ];
    for (const value of good)
      assert.deepEqual(codes(changed('withdraw.accounts.svc.cluster.local:8080', value)), [], value);
  });
});

describe('fields that come later', () => {
  const later: readonly (readonly [string, string, string])[] = [
    [
      'issuer: {certificate: pki/ca.pem, privateKey: pki/ca-key.pem, lifetime: 24h}',
      'sds: {socket: /run/x}',
      '{socket',
    ],
    ['bundles/partner.pem', '{file: a.pem, endpointURL: "https://x/y"}', '"https'],
    ['bundles/partner.pem', '{file: a.pem, endpointProfile: https_web}', 'https_web'],
    ['bundles/partner.pem', '{file: a.pem, endpointSPIFFEID: "spiffe://x/y"}', '"spiffe'],
    ['bundles/partner.pem', '{file: a.pem, crl: x.crl}', 'x.crl'],
    ['  port:', '  failover: {local: "x:1", prefer: local}\n  port:', '{local'],
    ['  port:', '  split: {local: 90, peer: 10}\n  port:', '{local'],
  ];
  for (const [from, to, part] of later) {
    test(`The field ${to.trim()} is NOT_YET`, () => {
      one(changed(from, to), 'NOT_YET', part);
    });
  }

  test('A key that is not supported yet is refused whatever its value is, never ignored', () => {
    for (const value of ['', '~', '""', '[]', '{}', 'false', '0']) {
      assert.deepEqual(codes(changed('  port:', `  split: ${value}\n  port:`)), ['NOT_YET'], value);
    }
  });
});

test('Everything that is wrong is reported at once, in the order of the text', () => {
  let text = changed('postern/v1', 'postern/v2');
  text = changed('name: core', 'name: Core', text);
  text = changed('clients: plaintext', 'limits: {}', text);
  text = changed('trustBundle: bundles', 'trustBundel: bundles', text);
  text = changed('[POST]', '[post, POST, post]', text);
  text = changed('port: 8080', 'port: 0', text);
  assert.deepEqual(
    diagnose(text).map(({ code }) => code),
    ['INVALID_VALUE', 'INVALID_NAME', 'EMPTY', 'UNKNOWN_KEY', 'INVALID_METHOD', 'INVALID_METHOD', 'INVALID_VALUE'],
  );
  const places = diagnose(text).map(({ line, column }) => line * 1000 + column);
  assert.deepEqual(
    places,
    [...places].sort((a, b) => a - b),
  );
});
