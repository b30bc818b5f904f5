// Single values: what each key takes, and the code of what it does not take, at the value's place.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FindingCode } from '../../../src/errors.ts';
import { changed, configOf, diagnose, GOOD, placeOf } from '../documents.ts';

interface Field {
  readonly field: string;
  /** What stands in the good configuration, up to the value; and the value. */
  readonly key: string;
  readonly value: string;
  /** Absent: the good configuration. */
  readonly text?: string;
  readonly good: readonly string[];
  readonly bad: readonly (readonly [FindingCode, ...string[]])[];
}

const label = 'a'.repeat(63);
const longName = Array.from({ length: 25 }, () => 'abcdefg').join('.');
const quoted = (text: string): string => JSON.stringify(text);

const HOST_NAME: Pick<Field, 'good' | 'bad'> = {
  good: ['reviews', 'reviews.default.svc.cluster.local', 'xn--bcher-kva.example', '1a.2b', `${label}.x`, longName],
  bad: [
    ['EMPTY', '""'],
    ['WRONG_TYPE', '1', 'true', '[a]', '{a: b}', '0123', '1.10', '0x10'],
    // Upper case, look-alikes (Cyrillic е, fullwidth, ligature), both Unicode forms of ü, and what hides.
    ['INVALID_NAME', 'Reviews.default', 'rеviews', 'ｒeviews', 'ﬁsh', 'b\u00fccher', 'bu\u0308cher'],
    ['INVALID_NAME', '"a\\u202eb"', '"a\\0b"', '"a\\x07b"', '"a\\u200bb"', '"a b"', '"a\\nb"'],
    ['INVALID_NAME', '"*"', '"*.example"', 'a_b', 'a.', '.a', 'a..b', '-a', 'a-', '"a:80"', 'http://a', 'a/b', '"@"'],
    ['INVALID_NAME', '10.0.0.1', '"127.1"', '127.0.0x1', '"::1"', `${label}a.x`, `${longName}.abcdefgh`],
  ],
};
const DIALLED: Pick<Field, 'good' | 'bad'> = {
  good: [
    'gw.example:1',
    'gw:65535',
    '10.0.0.1:80',
    '"[2001:db8::1]:80"',
    '"[::1]:443"',
    'gw_a:80',
    '_http._tcp.gw.example:80',
    'gw.example.:80',
  ],
  bad: [
    ['EMPTY', '""'],
    ['WRONG_TYPE', '80'],
    ['INVALID_ADDRESS', 'gw.example', 'gw.example:0', 'gw.example:65536', 'gw.example:080', 'gw.example:+80'],
    [
      'INVALID_ADDRESS',
      'GW.example:80',
      '-_:80',
      'gw..:80',
      '.:80',
      '"*:80"',
      '":80"',
      'http://gw:80',
      'gw:80/x',
      '"2001:db8::1:80"',
    ],
    [
      'INVALID_ADDRESS',
      '"[10.0.0.1]:80"',
      '"[fe80::1%eth0]:80"',
      '0.0.0.0:80',
      '"[::]:80"',
      '256.0.0.1:80',
      '127.1:80',
    ],
    // Nobody can be dialled there, in whatever spelling; and IPv4 is written as IPv4.
    [
      'INVALID_ADDRESS',
      ...[
        '0.1.2.3:80',
        '224.0.0.1:80',
        '239.255.255.255:80',
        '240.0.0.1:80',
        '255.255.255.255:80',
        '169.254.169.254:80',
      ],
      ...[
        '::ffff:0.0.0.0',
        '::FFFF:0:0',
        '0:0:0:0:0:ffff:10.0.0.1',
        '::ffff:a00:1',
        '::ffff:7f00:1',
        '0::0',
        '::0.0.0.0',
      ]
        .concat(['::1.2.3.4', 'ff02::1', 'FF0E:0::1', 'fe80::1', 'febf::1', '0:0:0:0:0:0:0:0'])
        .map((host) => `"[${host}]:80"`),
    ],
  ],
};
const IDENTITY: Pick<Field, 'good' | 'bad'> = {
  good: ['gateway', 'gateway/egress', 'ns/Istio_System/sa/gw-1.x', '...', '"2"'],
  bad: [
    ['EMPTY', '""'],
    ['WRONG_TYPE', '1'],
    ['INVALID_IDENTITY', '/gateway/egress', 'gateway/', 'gateway//egress', 'gateway/../egress', './gateway', '".."'],
    ['INVALID_IDENTITY', 'gateway/*', '"*"', '"a b"', 'a%2fb', 'gatewäy', '"a?b"', `${'a/'.repeat(900)}a`],
    ['INVALID_IDENTITY', 'spiffe://mesh.partner.example/gateway', 'spiffe://else.example/gateway'],
  ],
};
const WORKLOADS: Pick<Field, 'good' | 'bad'> = {
  good: ['ns/shop/sa/checkout', 'ns/shop/*', 'checkout', 'ns/...', 'ns/Istio_System/sa/gw-1.x/*', '"2"'],
  bad: [
    ['EMPTY', '""'],
    ['WRONG_TYPE', '1', '[ns/shop]'],
    ['INVALID_IDENTITY', '"*"', '"/*"', 'ns/*/sa', 'ns/sho*', 'ns/shop*', 'ns/**', '"ns/shop/*/*"', '"ns/*/"', '"**"'],
    [
      'INVALID_IDENTITY',
      '/ns/shop',
      'ns/shop/',
      'ns//shop',
      'ns/../shop',
      './ns',
      '"../*"',
      '"ns/./*"',
      '"a b"',
      'a%2fb',
    ],
    [
      'INVALID_IDENTITY',
      'spiffe://mesh.partner.example/ns/shop',
      'spiffe://else.example/ns/shop',
      '"spiffe://else.example/*"',
    ],
    ['INVALID_IDENTITY', '"ns/shop;URI=x"', '"ns/shop,By=x"', 'nś/shop', `${'a/'.repeat(900)}a`],
  ],
};
const DATE: Pick<Field, 'good' | 'bad'> = {
  good: ['2027-03-31', '"2027-03-31"', '2028-02-29'],
  bad: [
    ['EMPTY', '""'],
    ['WRONG_TYPE', '2027'],
    [
      'INVALID_DATE',
      '2027-02-29',
      '2027-13-01',
      '2027-3-1',
      '31.3.2027',
      '2027-03-31T00:00:00Z',
      'never',
      '12027-03-31',
    ],
  ],
};
const FIELDS: readonly Field[] = [
  {
    field: 'apiVersion',
    key: 'apiVersion: ',
    value: 'postern/v1',
    good: ['"postern/v1"'],
    bad: [['INVALID_VALUE', 'postern/v2', 'v1', '1', 'Postern/v1']],
  },
  {
    field: 'mesh.name',
    key: 'mesh: {name: ',
    value: 'core',
    good: ['a', '"1"', label],
    bad: [
      ['EMPTY', '""', ''],
      ['WRONG_TYPE', '1', 'true', 'no', 'Yes', 'ON', 'y', '[a]'],
      ['INVALID_NAME', 'a.b', 'A', 'a_b', `${label}a`, '-a', '"*"', 'cоre'],
    ],
  },
  {
    field: 'mesh.trustDomain',
    key: 'trustDomain: ',
    value: 'core.bank.example',
    good: ['core', 'core_1.bank-2.example', '"1.2"', `${label}.x`],
    bad: [
      ['EMPTY', '""'],
      ['WRONG_TYPE', '1.2', '12'],
      [
        'INVALID_TRUST_DOMAIN',
        'spiffe://core.bank.example',
        ...['core.exports.example', 'core.peers.example', 'peers.example', 'core.exports', 'peers'],
        'core.bank.example/x',
        'core:80',
        'Core',
        'a..b',
        '.a',
        'a.',
      ],
      [
        'INVALID_TRUST_DOMAIN',
        '"*"',
        'b\u00fccher',
        `${label}a.x`,
        Array.from({ length: 31 }, () => 'abcdefg').join('.'),
      ],
    ],
  },
  {
    field: 'identity.issuer.lifetime',
    key: 'lifetime: ',
    value: '24h',
    good: ['10m', '600s', '90d', '2160h'],
    bad: [
      ['EMPTY', '""'],
      ['WRONG_TYPE', '24'],
      ['INVALID_DURATION', '9m', '599s', '91d', '1y', '24 h', '-24h', '1h30m', '1.5h', '24H', '9999999999h'],
    ],
  },
  {
    field: 'identity.issuer.certificate',
    key: 'certificate: ',
    value: 'pki/ca.pem',
    good: ['ca.pem', '/etc/ca.pem', '../ca.pem', '"with space.pem"', 'zertifikät.pem'],
    bad: [
      ['EMPTY', '""'],
      ['WRONG_TYPE', '1', '[a]'],
      ['INVALID_VALUE', '"a\\0b"', '"a\\eb"', '"a\\u202eb"', '"a\\x9bb"', 'a'.repeat(5000)],
    ],
  },
  {
    field: 'gateways.ingress.address',
    key: 'ingress:\n    address: ',
    value: '0.0.0.0:15443',
    good: ['"[::]:15443"', '192.0.2.1:1'],
    bad: [
      ['EMPTY', '""'],
      ['INVALID_ADDRESS', 'gw.example:15443', '0.0.0.0', '0.0.0.0:0', '":15443"', '"*:15443"', '"[fe80::1%eth0]:1"'],
      ['WRONG_TYPE', '15443'],
    ],
  },
  { field: 'gateways.ingress.advertise', key: 'advertise: [', value: 'gw-a.core.bank.example:15443', ...DIALLED },
  { field: 'gateways.ingress.identity', key: 'identity: ', value: 'gateway/ingress', ...IDENTITY },
  {
    field: 'gateways.egress.address',
    key: 'egress:\n    address: ',
    value: '127.0.0.1',
    good: ['"::1"', '10.0.0.1'],
    bad: [
      ['EMPTY', '""'],
      ['INVALID_ADDRESS', 'localhost', '127.0.0.1:80', '"[::1]"', '"127.1"', '"fe80::1%eth0"', '010.0.0.1'],
    ],
  },
  {
    field: 'gateways.egress.clients',
    key: 'clients: ',
    value: 'plaintext',
    good: ['"plaintext"', 'mtls'],
    bad: [['INVALID_VALUE', 'all', '""', '1', 'MTLS', '[mtls]']],
  },
  { field: 'peers.*.gatewayIdentities', key: 'gatewayIdentities: [', value: 'gateway/egress', ...IDENTITY },
  { field: 'peers.*.addresses', key: 'addresses: [', value: 'gw1.partner.example:15443', ...DIALLED },
  {
    field: 'peers.*.leafKeys',
    key: 'leafKeys: [',
    value: 'ecdsa',
    good: ['ed25519', 'rsa', 'ecdsa, rsa'],
    bad: [
      ['EMPTY', ''],
      ['INVALID_VALUE', 'dsa', 'RSA', '""', '"*"'],
    ],
  },
  {
    field: 'peers.*.sni',
    key: 'sni: ',
    value: 'p-7f3c9a',
    good: ['a', '"7"'],
    bad: [
      ['EMPTY', '""'],
      ['INVALID_NAME', 'a.b', 'A', '"*"'],
      ['WRONG_TYPE', '7'],
    ],
  },
  { field: 'exports[].name', key: 'exports:\n- name: ', value: 'withdraw.payments', ...HOST_NAME },
  { field: 'exports[].backend', key: 'backend: ', value: 'withdraw.accounts.svc.cluster.local:8080', ...DIALLED },
  { field: 'exports[].backend, a list', key: 'backend: [', value: '10.0.0.1:80', ...DIALLED },
  {
    field: 'exports[].protocol',
    key: 'svc.cluster.local:8080\n  protocol: ',
    value: 'http',
    good: ['"http"', 'http2'],
    bad: [['INVALID_VALUE', 'https', 'h2', 'HTTP', 'TCP', 'udp', '""', '1']],
  },
  {
    field: 'methods',
    key: 'methods: [',
    value: 'POST',
    good: ['GET', 'HEAD, PUT, PATCH, DELETE, OPTIONS'],
    bad: [
      ['EMPTY', '', '""'],
      ['WRONG_TYPE', '1'],
      ['INVALID_METHOD', 'post', 'Get', 'TRACE', 'CONNECT', '"*"', 'PROPFIND', '"GET "', '"GET,POST"'],
    ],
  },
  {
    field: 'paths',
    key: 'paths: [',
    value: '/v1/withdrawals',
    good: ['/', '/*', '/a/*', '/a/', '/pkg.Service/Method', '/a;b=1', '/a.b/..c', "/!$&'()+;=:@~_-"].map(quoted),
    bad: [
      ['EMPTY', '""'],
      ['WRONG_TYPE', '1', '[/a]'],
      ['INVALID_PATH', '"/a\\u202e"'],
      ['INVALID_PATH', ...['*', 'a', '/a*', '/*/a', '/a/*/b', '/**', '/a?b', '/a#b', '/a%2fb', '/a\\b'].map(quoted)],
      ['INVALID_PATH', ...['//', '/a//b', '/a/../b', '/./a', '/a/..', '/..', '/a//*', '/a/../*', '/a b'].map(quoted)],
      ['INVALID_PATH', ...['/a/..;/b', '/a/.;x', '/..;', '/.;a=b/c', '/a|b', '/a{b}', '/a^b', '/[a]'].map(quoted)],
      ['INVALID_PATH', ...['/ä', '/a\n', 'http://a/b', '/a"b', `/${'a'.repeat(2000)}`].map(quoted)],
    ],
  },
  {
    field: 'workloads',
    key: 'workloads: [',
    value: 'ns/shop/sa/checkout',
    text: changed('    - methods', '    - workloads: [ns/shop/sa/checkout]\n      methods'),
    ...WORKLOADS,
  },
  { field: 'expires', key: 'expires: ', value: '2027-03-31', ...DATE },
  { field: 'reviewed', key: 'reviewed: ', value: '2026-11-01', ...DATE },
  {
    field: 'reason',
    key: 'reason: ',
    value: '"contract 4711"',
    good: ['x', '"Vertrag für die Bücher"', 'a'.repeat(500)],
    bad: [
      ['EMPTY', '""'],
      ['WRONG_TYPE', '4711', 'true'],
      ['INVALID_VALUE', '"a\\nb"', '"a\\eb"', '"a\\u202eb"', '"a\\u2028b"', 'a'.repeat(501)],
    ],
  },
  { field: 'imports[].name', key: 'imports:\n- peer: partner\n  name: ', value: 'quotes.fx', ...HOST_NAME },
  { field: 'imports[].as', key: 'as: ', value: 'quotes.default.svc.cluster.local', ...HOST_NAME },
  {
    field: 'imports[].port',
    key: 'port: ',
    value: '8080',
    good: ['1', '65535'],
    bad: [
      ['INVALID_VALUE', '0', '65536', '-1', '80.5', '0o17620', '0x50', '08080', '+80', '8e1', '80.0'],
      ['INVALID_VALUE', '99999999999999999999'],
      ['WRONG_TYPE', '"8080"', '1_000', '.inf', '.nan', 'true', '[80]'],
      ['EMPTY', '', '~', 'null'],
    ],
  },
  {
    field: 'peers.NAME.traceContext',
    key: 'traceContext: ',
    value: 'forward',
    good: ['drop'],
    bad: [
      ['INVALID_VALUE', 'Forward', 'keep', 'accept', 'true'],
      ['EMPTY', '', '~'],
    ],
  },
  {
    field: 'imports[].underscoreHeaders',
    key: 'underscoreHeaders: ',
    value: 'drop',
    good: ['reject'],
    bad: [['INVALID_VALUE', 'allow', 'DROP', 'pass', 'false']],
  },
  {
    field: 'imports[].upgrades',
    key: 'upgrades: ',
    value: '[websocket]',
    good: ['["websocket"]'],
    bad: [
      ['EMPTY', '[]'],
      ['INVALID_VALUE', '[h2c]', '[WebSocket]', '[connect-udp]', '[CONNECT]'],
      ['WRONG_TYPE', 'websocket', 'true'],
    ],
  },
  {
    field: 'imports[].timeouts.idle',
    key: 'timeouts: {idle: ',
    value: '20s',
    good: ['1s', '60m', '1h'],
    bad: [
      ['INVALID_DURATION', 'none', '0s', '61m', '3601s', '1d', '1.5s', '500ms'],
      ['WRONG_TYPE', '0', '20'],
    ],
  },
  {
    field: 'imports[].timeouts.request',
    key: 'request: ',
    value: '1m',
    good: ['1s', '1h', 'none'],
    bad: [
      ['INVALID_DURATION', '0s', '61m', 'None', 'never'],
      ['WRONG_TYPE', '0'],
    ],
  },
];

for (const { field, key, value, good, bad, text: whole = GOOD } of FIELDS) {
  describe(`value of ${field}`, () => {
    for (const other of good) {
      test(`The field ${field} takes ${brief(other)}`, () => {
        configOf(changed(key + value, key + other, whole));
      });
    }
    for (const [code, ...others] of bad) {
      for (const other of others) {
        test(`The field ${field} refuses ${brief(other)} with ${code}`, () => {
          const text = changed(key + value, key + other, whole);
          const found = diagnose(text);
          assert.deepEqual(
            found.map((diagnostic) => diagnostic.code),
            [code],
            JSON.stringify(found),
          );
          const [{ line } = { line: 0 }] = found;
          assert.equal(line, placeOf(text, key + other).line + key.split('\n').length - 1);
        });
      }
    }
  });
}

function brief(value: string): string {
  return value.length > 60 ? `${value.slice(0, 20)}… (${value.length})` : value || 'nothing';
}

describe('the clients of an import', () => {
  const withClients = (clients: string): string => changed('  port: 8080\n', `  port: 8080\n  clients: ${clients}\n`);

  for (const path of ['ns/web', 'ns/web/*', 'a', 'a/*', 'A/b_c.d-e', '..x/...', `${'a/'.repeat(800)}*`])
    test(`A client may be ${path.slice(0, 40)}`, () => {
      assert.deepEqual(configOf(withClients(`[${path}, ${path}]`)).imports[0]?.clients, [path]);
    });

  const refused: readonly (readonly [FindingCode, ...string[]])[] = [
    ['EMPTY', '""'],
    ['WRONG_TYPE', '1', 'true', '{a: b}'],
    [
      'INVALID_IDENTITY',
      '"*"',
      '/*',
      'ns/*/sa',
      'ns/a*',
      'ns/**',
      'ns/*/*',
      '/ns/a',
      'ns/a/',
      'ns//a',
      'ns/../a',
      './*',
    ],
    [
      'INVALID_IDENTITY',
      '../*',
      '"a b"',
      'a%2fb',
      'n\u00e4tional',
      'spiffe://core.bank.example/ns/a',
      `${'a/'.repeat(900)}a`,
    ],
  ];
  for (const [code, ...values] of refused)
    for (const value of values)
      test(`A client ${value.slice(0, 40)} is refused with ${code}`, () => {
        assert.deepEqual(
          diagnose(withClients(`[${value}]`)).map((finding) => finding.code),
          [code],
        );
      });

  test('An empty list of clients is refused, never read as everybody', () => {
    assert.deepEqual(
      diagnose(withClients('[]')).map(({ code }) => code),
      ['EMPTY'],
    );
  });
});
