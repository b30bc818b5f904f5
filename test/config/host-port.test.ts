// Hosts and ports: what is read, printed and read again the same.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  formatHostPort,
  isHostName,
  isIpAddress,
  isLabel,
  isPort,
  parseHostPort,
  tooHighPort,
} from '../../src/host-port.ts';

describe('HOST:PORT', () => {
  for (const [text, host, port] of [
    ['gw.example:15443', 'gw.example', 15443],
    ['localhost:1', 'localhost', 1],
    ['0.0.0.0:65535', '0.0.0.0', 65535],
    ['[::]:80', '::', 80],
    ['[2001:db8::1]:443', '2001:db8::1', 443],
  ] as const) {
    test(`${text} is read as a host and a port, and printed as it was`, () => {
      assert.deepEqual(parseHostPort(text), { host, port });
      assert.equal(formatHostPort({ host, port }), text);
    });
  }

  test('A name that is dialled may hold an underscore, and loses a final dot', () => {
    assert.deepEqual(parseHostPort('_grpc.gw_a.example.:80'), { host: '_grpc.gw_a.example', port: 80 });
  });

  for (const text of [
    '',
    ':80',
    'gw',
    'gw:',
    'gw:0',
    'gw:65536',
    'gw:080',
    'gw:-1',
    'gw:1e3',
    'gw:80 ',
    ' gw:80',
    'gw:80\n',
    'Gw:80',
    'gw..:80',
    '::1:80',
    '[::1]',
    '[::1]:',
    '[10.0.0.1]:80',
    '[gw]:80',
    '[fe80::1%eth0]:80',
    '10.0.0:80',
    '1:80',
    '0x7f.0x1:80',
    '*:80',
  ]) {
    test(`${JSON.stringify(text)} is not read as a host and a port`, () => {
      assert.equal(parseHostPort(text), undefined);
    });
  }
});

test('Labels, host names, addresses and ports are taken up to their limits and not beyond', () => {
  assert.deepEqual(['a'.repeat(63), 'a'.repeat(64), '', '-', 'a-', '-a', 'A', 'a.b'].map(isLabel), [
    true,
    false,
    false,
    false,
    false,
    false,
    false,
    false,
  ]);
  const longest = `${'abcdefg.'.repeat(31)}abcde`;
  assert.deepEqual([longest, `${longest}f`, 'a.1', '1.a', 'a..b', ''].map(isHostName), [
    true,
    false,
    false,
    true,
    false,
    false,
  ]);
  assert.deepEqual(['::1', '10.0.0.1', '10.1', 'fe80::1%1', 'a'].map(isIpAddress), [true, true, false, false, false]);
  assert.deepEqual([1, 65535, 0, 65536, 1.5, Number.NaN].map(isPort), [true, true, false, false, false, false]);
});

test('A port above 65535 is named, and no other', () => {
  for (const text of ['127.0.0.1:65536', '[::1]:70000', 'gw.example.com:123456'])
    assert.ok(tooHighPort(text) !== '', text);
  for (const text of ['127.0.0.1:65535', '127.0.0.1:0', '127.0.0.1', 'gw:', '2001:db8::1'])
    assert.equal(tooHighPort(text), '');
});
