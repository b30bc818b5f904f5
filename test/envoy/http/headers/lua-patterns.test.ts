// No pattern of the script takes more than linear time, whatever a backend (or a peer, through it) writes into a header.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SCRIPT } from '../../../../src/envoy/http/headers/internal-hosts.ts';
import { steps } from './lua-matcher.ts';

/** Each pattern of the script, as Lua reads its literal; a fourth argument of `find` makes it plain. */
function patterns(): readonly string[] {
  const calls = SCRIPT.matchAll(/:(?:match|gsub|find|gmatch)\("((?:[^"\\]|\\.)*)"(?!, [^)]*true)/g);
  return [...calls].map(([, literal = '']) => literal.replace(/\\(.)/g, '$1'));
}

/** What makes trouble: characters of the pattern itself, and one of each other kind. */
function characters(pattern: string): readonly string[] {
  return [...new Set([...pattern.replace(/%[a-z]/g, ''), ...' a1.:/\\;<>@=\t-'])];
}

/** The steps for a text of this size, at worst, over texts that repeat one or two characters. */
function worst(pattern: string, size: number): number {
  let most = 0;
  const all = characters(pattern);
  const starts = ['', ...all, 'a:', '//', 'url=', ';domain='];
  for (const first of all) {
    for (const second of ['', ...all]) {
      const unit = first + second;
      const body = unit.repeat(Math.ceil(size / unit.length));
      for (const start of second === '' ? starts : ['', 'a:'])
        most = Math.max(most, steps(pattern, `${start}${body}\0`));
    }
  }
  return most;
}

describe('the patterns of the response script', () => {
  test('The patterns of the response script are found by this test', () => {
    assert.ok(patterns().length >= 15, String(patterns().length));
    assert.ok(patterns().includes('%.([%w-]+)$'));
  });

  for (const pattern of new Set(patterns())) {
    test(`The pattern ${pattern} reads a character a few times at most`, () => {
      for (const size of [200, 400, 800]) {
        const most = worst(pattern, size);
        assert.ok(most <= 8 * (size + 20), `${most} steps for ${size} characters`);
      }
    });
  }

  test('A pattern that rescans its input would be found', () => {
    for (const quadratic of ['%.+$', '<([^>]*)>', '%[[^%]]*%]', '([/\\]*)[%w]+', ';.*=']) {
      assert.ok(worst(quadratic, 400) > 8 * 420, quadratic);
    }
  });
});
