// CONTRIBUTING.md, "Protocol rules": the numbers that code and tests cite, and the tests that hold them.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const document = readFileSync(join(ROOT, 'CONTRIBUTING.md'), 'utf8');

interface Rule {
  readonly number: number;
  readonly text: string;
}

/** The numbered lines of a section. */
function rulesOf(markdown: string): readonly Rule[] {
  const section = markdown.split(/^## Protocol rules$/m)[1]?.split(/^## /m)[0] ?? '';
  return [...section.matchAll(/^(\d+)\. (.+)$/gm)].map(([, number = '', text = '']) => ({
    number: Number(number),
    text,
  }));
}

/** `rule 3`, `Rules 27, 28`, `rules 3 and 5`: the numbers, however many. */
function cited(text: string): readonly number[] {
  return [...text.matchAll(/\brules? (\d+(?:(?:, | and )\d+)*)/gi)].flatMap(([, numbers = '']) =>
    numbers.split(/, | and /).map(Number),
  );
}

/** The titles of the tests and suites of a source file. */
function titles(source: string): readonly string[] {
  return [...source.matchAll(/\b(?:test|describe)\(\s*(['"`])((?:\\.|(?!\1).)*)\1/gs)].map(([, , title = '']) => title);
}

function sources(folder: string): readonly string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));
}

const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const rules = rulesOf(document);
const named = new Set(sources('test').flatMap((file) => titles(read(file)).flatMap(cited)));

/** Who holds a rule, if the rule says so itself: nobody here, with a reason, or a file that has to mention its number. */
function excuse({ number, text }: Rule): boolean {
  if (/\*\(not a server's to hold: .{10,}\)\*/.test(text)) return true;
  const holder = /\*\(held by (test\/[\w./-]+)\)\*/.exec(text)?.[1];
  return holder !== undefined && existsSync(join(ROOT, holder)) && cited(read(holder)).includes(number);
}

describe('the protocol rules of CONTRIBUTING.md', () => {
  test('Protocol rules are numbered without a gap, and each names its source', () => {
    assert.ok(rules.length >= 70);
    assert.deepEqual(
      rules.map(({ number }) => number),
      rules.map((_, index) => index + 1),
    );
    assert.deepEqual(
      rules.filter(({ text }) => !/\[[^\]]+\]$/.test(text)).map(({ number }) => number),
      [],
    );
  });

  test('Every rule number that code, tests and documents cite exists', () => {
    const known = new Set(rules.map(({ number }) => number));
    const texts = [...sources('src'), ...sources('test'), 'SECURITY.md', 'docs/design.md', 'docs/operations.md'];
    const citations = texts.flatMap((file) => cited(read(file)).map((number) => ({ file, number })));
    assert.ok(citations.length > 70, `only ${citations.length} found`);
    assert.deepEqual(
      citations.filter(({ number }) => !known.has(number)),
      [],
    );
  });

  test('Each protocol rule is named by the title of a test, or says what else holds it', () => {
    const orphans = rules.filter((rule) => !named.has(rule.number) && !excuse(rule));
    assert.deepEqual(orphans, []);
  });

  test('No rule that a test holds has an excuse', () => {
    const needless = rules.filter((rule) => named.has(rule.number) && /\*\((not a server's|held by)/.test(rule.text));
    assert.deepEqual(needless, []);
  });
});

describe('what is read out of the texts', () => {
  test('Rule numbers are found in each way of writing them', () => {
    assert.deepEqual(
      cited('// Rule 3: x; rules 27, 28: y (rules 49 and 64). A rule of 12, rules.'),
      [3, 27, 28, 49, 64],
    );
  });

  test('Titles are found in each kind of quotes', () => {
    assert.deepEqual(titles("test('a\\'s', f); describe(`b {c}`); test(\n  \"it's\", g); // rule 4"), [
      "a\\'s",
      'b {c}',
      "it's",
    ]);
  });

  test('A rule that no test names has no excuse', () => {
    assert.equal(excuse({ number: 71, text: 'Nobody holds it. [x]' }), false);
    assert.equal(excuse({ number: 71, text: 'It. *(held by test/xds/protocol/sotw.test.ts)* [x]' }), false);
    assert.equal(excuse({ number: 21, text: 'It. *(held by test/xds/protocol/sotw.test.ts)* [x]' }), true);
  });
});
