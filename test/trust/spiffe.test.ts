// SPIFFE IDs and trust domains: a table after SPIFFE-ID 2.1 to 2.4, and properties against the grammar and against WHATWG URLs.
// Equality is exact: what is accepted is returned as it was written.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  isSpiffePath,
  parseSpiffeId,
  parseTrustDomain,
  spiffeId,
  type TrustDomain,
  trustDomainOf,
} from '../../src/trust/spiffe.ts';

const longest = 'd'.repeat(255);
/** A whole ID of exactly this many bytes. */
const ofLength = (bytes: number): string => 'spiffe://a.example/'.padEnd(bytes, 'p');

const GOOD_IDS = [
  'spiffe://a.example/x',
  'spiffe://a.example/ns/Shop/sa/check-out_2.x',
  'spiffe://10.0.0.1/workload',
  'spiffe://a_b-c.1/x',
  'spiffe://-/x',
  'spiffe://a.example/...',
  'spiffe://a.example/..a/.b/c.',
  'spiffe://a.example/-/_',
  `spiffe://${longest}/x`,
  ofLength(2048),
];
const BAD_IDS: Readonly<Record<string, readonly string[]>> = {
  'no path': ['spiffe://a.example', 'spiffe://a.example/'],
  'another scheme': ['', 'a.example/x', '//a.example/x', 'https://a.example/x', 'spiffe:a.example/x', 'spiffe:/a/x'],
  'an upper-case scheme or trust domain': ['SPIFFE://a.example/x', 'Spiffe://a.example/x', 'spiffe://A.example/x'],
  'no trust domain': ['spiffe:///x', 'spiffe://', 'spiffe:///'],
  'user, port, query or fragment': [
    'spiffe://user@a.example/x',
    'spiffe://user:word@a.example/x',
    'spiffe://a.example:8443/x',
    'spiffe://a.example:/x',
    'spiffe://[2001:db8::1]/x',
    'spiffe://a.example/x?y=z',
    'spiffe://a.example?y=/z',
    'spiffe://a.example/x#y',
    'spiffe://a.example/x?',
  ],
  'empty segments': ['spiffe://a.example//x', 'spiffe://a.example/x//y', 'spiffe://a.example/x/'],
  'dot segments': ['spiffe://a.example/.', 'spiffe://a.example/x/../y', 'spiffe://a.example/./x', 'spiffe://a/x/..'],
  'encoded characters': ['spiffe://a.example/%78', 'spiffe://a.example/x%2fy', 'spiffe://%61.example/x'],
  'characters that no segment has': [
    ...['*', ' ', '\\', '+', '~', '!', '@', ':', ',', ';', '=', '"', '{', '|', '\0', '\n', '\r', '\t', '\x7f'].map(
      (character) => `spiffe://a.example/x${character}y`,
    ),
    'spiffe://a.example/x\n',
    'spiffe://a.example/x\0',
    ' spiffe://a.example/x',
    'spiffe://a.example /x',
  ],
  'look-alikes': [
    'spiffe://a.example/ü',
    'spiffe://а.example/x',
    'spiffe://a。example/x',
    'spiffe://a.example/x\u200b',
  ],
  'too much': [`spiffe://${longest}d/x`, ofLength(2049)],
};

/** SPIFFE-ID 2.1 to 2.4, written down a second time. */
function reference(text: string): boolean {
  const match = /^spiffe:\/\/([a-z0-9._-]+)((?:\/[A-Za-z0-9._-]+)+)$/.exec(text);
  if (match === null || Buffer.byteLength(text) > 2048) return false;
  const [, domain = '', path = ''] = match;
  return domain.length <= 255 && !/\/\.\.?(\/|$)/.test(path);
}

const SEGMENT_CHARACTERS = [...'abcxyzABCXYZ0189._-'];
const DOMAIN_CHARACTERS = [...'abcxyz0189._-'];
const word = (characters: readonly string[], maxLength: number): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...characters), { minLength: 1, maxLength }).map((list) => list.join(''));
const domains = word(DOMAIN_CHARACTERS, 255);
const segments = word(SEGMENT_CHARACTERS, 20).filter((segment) => segment !== '.' && segment !== '..');
const paths = fc.array(segments, { minLength: 1, maxLength: 8 }).map((list) => list.join('/'));

describe('a SPIFFE ID', () => {
  for (const text of GOOD_IDS)
    test(`A SPIFFE ID is ${text.slice(0, 60)} (${text.length} bytes)`, () => assert.equal(parseSpiffeId(text), text));

  for (const [why, texts] of Object.entries(BAD_IDS)) {
    test(`A SPIFFE ID is none with ${why}`, () => {
      assert.deepEqual(
        texts.filter((text) => parseSpiffeId(text) !== undefined),
        [],
      );
    });
  }

  test('A SPIFFE ID is what the grammar makes, is a URL of the same parts, and tells its trust domain', () => {
    fc.assert(
      fc.property(domains, paths, (domain, path) => {
        const id = parseSpiffeId(`spiffe://${domain}/${path}`);
        assert.ok(id);
        assert.equal(trustDomainOf(id), domain);
        assert.equal(id, spiffeId(domain as TrustDomain, path));
        const url = new URL(id);
        assert.deepEqual([url.href, url.hostname, url.pathname], [id, domain, `/${path}`]);
      }),
      { numRuns: 500 },
    );
  });

  test('A SPIFFE ID is nothing that the grammar does not make, however close', () => {
    const pieces = ['spiffe://', 'SPIFFE://', 'a.b', 'A', '/', '/', '.', '..', 'x', 'X-_', ':', '@', '%2e', '?', '#'];
    const near = fc
      .array(fc.constantFrom(...pieces, '\n', '\0', ' ', 'é', '*'), { maxLength: 7 })
      .map((list) => list.join(''));
    const texts = fc.oneof(
      near,
      near.map((text) => `spiffe://a${text}`),
      fc.string(),
    );
    fc.assert(
      fc.property(texts, (text) => assert.equal(parseSpiffeId(text) !== undefined, reference(text))),
      { numRuns: 3000 },
    );
  });

  test('A SPIFFE ID stays none when a forbidden character is put anywhere into one', () => {
    const forbidden = fc.constantFrom(...'%:@?#[]!$&\'()*+,;=~ "<>\\^`{|}\0\n\r\té\u202e');
    fc.assert(
      fc.property(domains, paths, forbidden, fc.nat(), (domain, path, character, at) => {
        const id = `spiffe://${domain}/${path}`;
        const place = at % (id.length + 1);
        assert.equal(parseSpiffeId(id.slice(0, place) + character + id.slice(place)), undefined);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a trust domain', () => {
  test('A trust domain is 1 to 255 lower-case letters, digits, dots, hyphens and underscores', () => {
    const good = ['a', 'bank.example', '10.0.0.1', 'a_b', '-', longest];
    assert.deepEqual(good.map(parseTrustDomain), good);
  });

  test('A trust domain is nothing else', () => {
    const bad = ['', `${longest}d`, 'Bank.example', 'a/b', 'a:1', 'spiffe://a', 'a ', 'a\n', '*', 'ü', 'a%2e', 'a@b'];
    assert.deepEqual(
      bad.filter((text) => parseTrustDomain(text) !== undefined),
      [],
    );
  });
});

describe('a path relative to a trust domain', () => {
  test('A path relative to a trust domain has segments, and no slash before or after them', () => {
    const good = ['gateway', 'gateway/egress', 'ns/A_b/sa/c-d.e', '...', '..a'];
    const bad = ['', '/', '/gateway', 'gateway/', 'a//b', '.', '..', 'a/..', './a', 'a/./b', 'a*', 'a b', 'a\n', '%2e'];
    assert.deepEqual([...good, ...bad].filter(isSpiffePath), good);
  });

  test('A path relative to a trust domain that is none is not made into an ID', () => {
    for (const path of ['', '/a', 'a/../b', '*', 'p'.repeat(2048)])
      assert.throws(() => spiffeId('a.example' as TrustDomain, path));
  });
});
