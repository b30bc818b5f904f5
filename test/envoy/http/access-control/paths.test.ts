// Which paths pass below a prefix rule: every code point by Unicode's own tables, and attacks and harmless paths on a real Envoy.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { parseConfig } from '../../../../src/config/parse.ts';
import { BAD_PLACES, HARMLESS } from '../../../../src/envoy/http/access-control/path-guard.ts';
import { BankAndShop } from '../../bank-and-shop.ts';
import { call } from '../../callers.ts';

/** The expressions use what RE2 and JavaScript have in common, but for the flag. */
function matcher(regex: string): (path: string) => boolean {
  const compiled = new RegExp(`^(?:${regex.replace('(?i)', '')})$`, regex.startsWith('(?i)') ? 'is' : 's');
  return (path) => compiled.test(path);
}

const isAscii = matcher(HARMLESS.ascii);
const beyond = HARMLESS.beyond.map(matcher);
const isHarmless = (path: string): boolean => isAscii(path) || beyond.every((matches) => matches(path));
const hasBadPlace = matcher(BAD_PLACES);

/** Percent-encoded bytes. */
function escaped(...bytes: readonly number[]): string {
  return bytes.map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
}

/** Every code point that UTF-8 can encode, from `first` on. */
function* codePoints(first: number): Generator<string> {
  for (let point = first; point < 0x110000; point++) {
    if (point < 0xd800 || point > 0xdfff) yield String.fromCodePoint(point);
  }
}

describe('the allow list of paths', () => {
  test('The allow list of paths leaves out every code point that may be read as a separator, a dot, an escape or nothing', () => {
    const structural = /[./\\%;?#\p{Cc}\u2044\u2215\u2216\u29f5\u29f8\u29f9\u3002\u00a5\u20a9\u066a]/u;
    const invisible = /[\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\p{Cc}\p{Co}]/u;
    const passed: string[] = [];
    for (const character of codePoints(0x80)) {
      const isBad =
        invisible.test(character) ||
        structural.test(character.normalize('NFKC')) ||
        structural.test(character.normalize('NFKD'));
      if (isBad && isHarmless(`/${encodeURIComponent(character)}`))
        passed.push(character.codePointAt(0)?.toString(16) ?? '');
    }
    assert.deepEqual(passed, []);
  });

  test('The allow list of paths has the letters and marks of all languages in their normal form', () => {
    const left: string[] = [];
    for (const character of codePoints(0x80)) {
      if ((character.codePointAt(0) ?? 0) > 0xffff) break;
      const isNormal = character === character.normalize('NFKC');
      const isIgnorable = /\p{Default_Ignorable_Code_Point}/u.test(character);
      if (!isNormal || isIgnorable || !/^[\p{L}\p{Mn}\p{Mc}\p{Nd}]$/u.test(character)) continue;
      if (!isHarmless(`/${encodeURIComponent(character)}`)) left.push(character.codePointAt(0)?.toString(16) ?? '');
    }
    // Marks of mathematics and half marks, a fragment of Arabic, a turned F and Roman C.
    assert.deepEqual(
      left.filter((point) => !/^(20[d-f].|fe2.|fe73|214e|218[34])$/.test(point)),
      [],
    );
  });

  test('The allow list of paths has no bytes that are not UTF-8', () => {
    const passed: string[] = [];
    for (let first = 0x80; first < 0x100; first++) {
      for (let second = 0; second < 0x100; second++) {
        for (const rest of [[], [0x80], [0xaf, 0xbf], [0xbf, 0xbf], [0x80, 0x80, 0x80]]) {
          const path = `/${escaped(first, second, ...rest)}`;
          if (isHarmless(path) && !isUtf8(path)) passed.push(path);
        }
      }
    }
    assert.deepEqual(passed, []);
  });

  test('The allow list of paths has only ASCII escapes that mean nothing in a path', () => {
    const kept: string[] = [];
    for (let byte = 0; byte < 0x80; byte++) {
      if (isHarmless(`/${escaped(byte)}`)) kept.push(String.fromCharCode(byte));
    }
    assert.equal(kept.join(''), " !$&'()*+,:=@[]{|}");
  });

  test('A prefix rule that no request could match is a finding', () => {
    for (const path of ['/a;b/*', '/.../*', '/(S(x))/*', '/a/(F(y))b/*']) {
      const { findings } = parseConfig(
        `exports: [{name: a, backend: "127.0.0.1:80", consumers: [{peer: b, methods: [GET], paths: ["${path}"]}]}]`,
      );
      assert.ok(
        findings.some(({ code }) => code === 'INVALID_PATH'),
        path,
      );
    }
    for (const path of ['/a;b', '/...', '/...;x', '/a/x..;/b', '/(S(x))', '/a(b)/*', '/(a)/*', '/.well-known/*']) {
      const { findings } = parseConfig(
        `exports: [{name: a, backend: "127.0.0.1:80", consumers: [{peer: b, methods: [GET], paths: ["${path}"]}]}]`,
      );
      assert.ok(!findings.some(({ code }) => code === 'INVALID_PATH'), path);
      if (path.endsWith('/*')) assert.ok(isHarmless(path.slice(0, -1)) && !hasBadPlace(path.slice(0, -1)), path);
    }
  });
});

function isUtf8(path: string): boolean {
  try {
    return decodeURIComponent(path) !== '';
  } catch {
    return false;
  }
}

describe('paths below a prefix on a real Envoy', () => {
  let scene: BankAndShop;
  before(async () => {
    scene = await BankAndShop.start();
  });
  after(() => scene.stop());

  const attacks: Record<string, readonly string[]> = {
    'encodings of encodings': ['a%2520', '..%252fadmin', '%252e%252e/admin', '%25%32%65', 'x%25', '%%32%65'],
    'path parameters': ['a;b', '..;/admin', '%3b', 'x;jsessionid=1/y', '..%3B/admin'],
    'cookieless sessions': ['(S(x))', '(S(x))/admin', 'a/(A(x)F(y))b', '%28S%28x))', '%28S(x%29%29'],
    'white space at the ends of a segment': ['x%20', '%20x', '..%20/admin', '%20../admin', 'a%20/b', 'a/%20'],
    'control characters': ['x%09', '..%09/admin', '.%0a./admin', '%0d', '%7f', '%1f', '%00'],
    'white space beyond ASCII': ['%C2%A0', '..%C2%A0/admin', '%E2%80%83', '%E3%80%80', '%E2%80%A8', '%C2%85'],
    'invisible characters': ['.%C2%AD./admin', '.%E2%80%8B./admin', '.%E2%81%A0./admin', '%EF%BB%BF', '%EF%B8%8F'],
    'segments of dots': ['.../admin', '....', '.%20./admin', '..%20.', '...'],
    'dots of another width': ['%ef%bc%8e%ef%bc%8e/admin', '%E2%80%A4%E2%80%A4', '%E2%80%A5', '%EF%B9%92', '%E3%80%82'],
    'slashes of another width': ['..%EF%BC%8Fadmin', '..%E2%88%95admin', '..%E2%81%84admin', '..%E2%A7%B8admin'],
    'backslashes of another width': ['..%EF%BC%BCadmin', '..%EF%B9%A8admin', '..%C2%A5admin', '..%E2%88%96admin'],
    'percent signs of another width': ['%EF%BC%852e', '%D9%AA2e'],
    'overlong UTF-8': ['%c0%ae%c0%ae/admin', '%c0%af', '%e0%80%ae', '%f0%80%80%af', '%C1%9C', '%e0%80%af'],
    'no UTF-8': ['%ff', '%80', '%c3', '%C3%28', '%ed%a0%80', '%f5%80%80%80', '%E2%80', '%fe%ff'],
    'escapes of other kinds': ['%u002e%u002e/admin', '%', '%2', '%zz', '%u2215'],
    'what ends a path': ['%3fx', '%23x', 'x%3F'],
    'what file systems of Windows read as dots and stars': ['%22%22/admin', '%3C%3C', 'a%3E', 'a"b', 'a%5Cb'],
  };
  for (const [what, paths] of Object.entries(attacks)) {
    test(`Paths below a prefix do not pass: ${what}`, async () => {
      const asked = scene.accounts.seen.length;
      for (const path of paths) {
        const answer = await call(scene.fromShop({ path: `/v1/receipts/${path}` }));
        assert.deepEqual([answer.status, answer.body], [403, 'gateway: 403\n'], path);
      }
      assert.equal(scene.accounts.seen.length, asked);
    });
  }

  test('A query neither spoils the path before it nor makes up for it', async () => {
    const status = async (path: string): Promise<number | undefined> =>
      (await call(scene.fromShop({ path: `/v1/receipts/${path}` }))).status;
    for (const query of ['', 'a=%2520;b', '%00%ff', '/../<>"\\^`{', '?x?/y'])
      for (const path of ['a', 'caf%C3%A9']) assert.equal(await status(`${path}?${query}`), 200, `${path}?${query}`);
    for (const path of ['a%2520', 'a"b', '%C2%A0', '%ff', '..%EF%BC%8Fadmin'])
      assert.equal(await status(`${path}?/v1/receipts/a`), 403, path);
  });

  test('Paths of real applications pass below a prefix', async () => {
    const paths = [
      '',
      'a/',
      '2026-11-28',
      'a_b~c.d',
      'report.v1.2.pdf',
      '.well-known/x',
      'a..b',
      'x.',
      'Acme%20Inc.',
      'jane@example.com',
      'jane%40example.com',
      'urn:isbn:0451450523',
      'urn%3Aisbn%3A0451450523',
      'projects/p:cancel',
      "Products('a')/$value",
      'Products(1,2)',
      '(1)',
      'a=1&b=2,c+d',
      'C%2B%2B',
      'a%2Cb%26c%3Dd',
      'pages/%5Bslug%5D-1.js',
      '%7Bid%7D',
      'a|b',
      'a*b!',
      'caf%C3%A9',
      'caf%c3%a9',
      '%D0%9F%D1%80%D0%B8%D0%B2%D0%B5%D1%82',
      '%E6%97%A5%E6%9C%AC%E8%AA%9E',
      '%ED%95%9C%EA%B8%80',
      '%E3%85%A0%E3%85%A0',
      '%D8%B9%D8%B1%D8%A8%D9%8A',
      '%E0%A4%B9%E0%A4%BF',
      'it%E2%80%99s%20%E2%80%93%20good',
      '%F0%9F%98%80',
      '5%E2%82%AC',
    ];
    for (const path of paths) {
      const answer = await call(scene.fromShop({ path: `/v1/receipts/${path}` }));
      assert.equal(answer.status, 200, path);
    }
  });
});
