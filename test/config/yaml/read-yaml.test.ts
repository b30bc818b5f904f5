// The text as YAML 1.2: what is refused before any key is looked at, and where.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MAX_CONFIG_BYTES, parseConfig } from '../../../src/config/parse.ts';
import type { FindingCode } from '../../../src/errors.ts';
import { changed, configOf, diagnose, GOOD, placeOf, placesAndCodes } from '../documents.ts';

function one(text: string, code: FindingCode, part: string, shift = 0): void {
  const { line, column } = placeOf(text, part);
  assert.deepEqual(placesAndCodes(text), [`${line}:${column + shift} ${code}`]);
}

describe('syntax errors', () => {
  test('Syntax errors are reported at their line and column', () => {
    one(changed('core, trustDomain', 'core,, trustDomain'), 'YAML_SYNTAX', ', trustDomain');
    assert.deepEqual(placesAndCodes(changed('    sni:', '\tsni:')).slice(0, 1), ['21:1 YAML_SYNTAX']);
  });

  test('Syntax errors bring no findings that only follow from them', () => {
    for (const [from, to] of [
      ['[/fx.Rates/*]', '[/fx.Rates/*'],
      ['{name: core', '{name: core}'],
      ['"contract 4711"', '"contract 4711'],
      ['peers:', 'peers'],
      ['    sni:', '   sni:'],
      ['gateways:', 'gateways: :'],
    ] as const) {
      const codes = new Set(diagnose(changed(from, to)).map(({ code }) => code));
      assert.deepEqual([...codes], ['YAML_SYNTAX'], to);
    }
  });

  test('Syntax errors do not hide what is wrong with values before them', () => {
    const text = changed('[/fx.Rates/*]', '[/fx.Rates/*', changed('name: core', 'name: Core'));
    assert.deepEqual(
      diagnose(text).map(({ code }) => code),
      ['INVALID_NAME', 'YAML_SYNTAX'],
    );
  });
});

describe('one file, one map', () => {
  test('An empty file, or one of comments only, is EMPTY', () => {
    for (const text of ['', '\n', '# nothing\n', '---\n', '---\n...\n']) {
      assert.deepEqual(placesAndCodes(text), ['1:1 EMPTY'], JSON.stringify(text));
    }
  });

  test('A file that is a list or a text is WRONG_TYPE', () => {
    for (const text of ['- a\n', 'hello\n', '"x"', '12', 'true', '[]']) {
      assert.deepEqual(placesAndCodes(text), ['1:1 WRONG_TYPE'], text);
    }
  });

  test('A second document is refused', () => {
    const text = `${GOOD}---\n${GOOD}`;
    assert.deepEqual(placesAndCodes(text), [`${GOOD.split('\n').length}:1 YAML_SYNTAX`]);
  });

  test('One document may begin with its marker', () => {
    configOf(`# comment\n---\n${GOOD}...\n`);
  });
});

describe('a key that stands twice', () => {
  test('A duplicate key is reported at the second one, by name', () => {
    const text = changed('    sni:', '    trustBundle: other.pem\n    sni:');
    one(text, 'YAML_DUPLICATE_KEY', 'trustBundle: other.pem');
    assert.match(diagnose(text)[0]?.message ?? '', /trustBundle/);
  });

  test('A duplicate key is reported also when it is quoted, escaped, or a peer', () => {
    one(changed('name: core', 'name: core, "name": core'), 'YAML_DUPLICATE_KEY', '"name"');
    one(changed('name: core', 'name: core, "n\\u0061me": core'), 'YAML_DUPLICATE_KEY', '"n\\u0061me"');
    const twin = changed('exports:', '  partner:\n    trustDomain: x.example\nexports:');
    one(twin, 'YAML_DUPLICATE_KEY', 'partner:\n    trustDomain: x');
  });

  test('A duplicate key leaves the places of all other values right', () => {
    const text = changed('port: 8080', 'port: 0', changed('name: core', 'name: core, name: [a, b, c]'));
    assert.deepEqual(placesAndCodes(text).slice(1), [`${placeOf(text, 'port: 0').line}:9 INVALID_VALUE`]);
  });

  test('Of a hundred thousand findings, a thousand are listed and all are counted', () => {
    const keys = Array.from({ length: 100_000 }, (_, index) => `k${index}: 1\n`).join('');
    const found = diagnose(`${GOOD}${keys}k7: 2\n`);
    assert.equal(found.length, 1001);
    assert.equal(found.at(-1)?.code, 'MORE_FINDINGS');
    assert.match(found.at(-1)?.message ?? '', /^99001 /);
  });
});

describe('what a reviewer could not see where it stands', () => {
  test('Anchors and aliases are refused', () => {
    const text = changed('[/fx.Rates/*]', '*p', changed('[/v1/withdrawals', '&p [/v1/withdrawals'));
    assert.deepEqual(
      diagnose(text).map(({ code }) => code),
      ['YAML_SYNTAX', 'YAML_SYNTAX'],
    );
    const { line, column } = placeOf(text, '*p');
    assert.equal(placesAndCodes(text)[1], `${line}:${column} YAML_SYNTAX`);
  });

  test('An alias bomb is refused without being unfolded', () => {
    const levels = Array.from({ length: 30 }, (_, at) => `l${at + 1}: &l${at + 1} [${`*l${at},`.repeat(9)}*l${at}]`);
    assert.equal(parseConfig(`l0: &l0 [x]\n${levels.join('\n')}\n`).config, undefined);
  });

  test('Merge keys are refused', () => {
    one(changed('name: core', '<<: {name: x}, name: core'), 'UNKNOWN_KEY', '<<');
  });

  test('Tags are refused, known and unknown ones', () => {
    for (const tag of ['!x', '!!str', '!!int', '!!binary', '!!timestamp', '!<tag:x.example,2000:y>', '!', '!e!x']) {
      const text = changed('name: core', `name: ${tag} core`);
      const codes = diagnose(text).map(({ code }) => code);
      assert.deepEqual([...new Set(codes)], ['YAML_SYNTAX'], tag);
    }
    assert.equal(parseConfig(changed('[POST]', '!!set [POST]')).config, undefined);
    assert.equal(parseConfig(changed('[POST]', '!!seq [POST]')).config, undefined);
  });

  test('Directives are refused, which would change the language', () => {
    one(`%YAML 1.1\n---\n${GOOD}`, 'YAML_SYNTAX', '%YAML');
    one(`%TAG ! tag:x.example,2000:\n---\n${GOOD}`, 'YAML_SYNTAX', '%TAG');
  });

  for (const [name, char] of [
    ['a byte order mark', '\ufeff'],
    ['NUL', '\0'],
    ['a bell', '\x07'],
    ['escape', '\x1b'],
    ['a C1 control', '\x9b'],
    ['a next-line character', '\x85'],
    ['a right-to-left override', '\u202e'],
    ['a right-to-left isolate', '\u2067'],
    ['an Arabic letter mark', '\u061c'],
    ['a zero-width space', '\u200b'],
    ['a soft hyphen', '\u00ad'],
    ['a line separator', '\u2028'],
    ['a tag character', '\u{e0041}'],
    ['a carriage return alone', '\r'],
  ] as const) {
    test(`The invisible character ${name} is refused, even in a comment`, () => {
      const text = `${GOOD}# some${char}thing\n`;
      const line = GOOD.split('\n').length;
      assert.deepEqual(placesAndCodes(text), [`${line}:7 YAML_SYNTAX`]);
    });
  }

  test('A second byte order mark at the start is the only finding', () => {
    assert.deepEqual(placesAndCodes(`\ufeff${GOOD}`), ['1:1 YAML_SYNTAX']);
  });

  test('Other scripts and emoji may be in comments and remarks', () => {
    const config = configOf(changed('"contract 4711"', 'Verträge, 契約 ⚠️', `# Größe ⚠️ 契約\n${GOOD}`));
    assert.equal(config.exports[0]?.consumers[0]?.reason, 'Verträge, 契約 ⚠️');
  });

  test('Windows line ends are accepted, and places stay right', () => {
    configOf(GOOD.replaceAll('\n', '\r\n'));
    const text = changed('port: 8080', 'port: 0');
    assert.deepEqual(placesAndCodes(text.replaceAll('\n', '\r\n')), placesAndCodes(text));
  });
});

describe('texts that other readers of YAML take for something else', () => {
  test('The booleans of YAML 1.1 need quotes, also as keys', () => {
    for (const word of ['no', 'No', 'YES', 'on', 'off', 'y', 'N']) {
      one(changed('name: core', `name: ${word}`), 'WRONG_TYPE', `${word}, trust`);
    }
    configOf(changed('name: core', 'name: "no"'));
    const peer = changed('  partner:', '  no:').replaceAll('peer: partner', 'peer: "no"');
    one(peer, 'WRONG_TYPE', 'no:');
    configOf(peer.replace('no:', '"no":'));
  });

  test('A number in the place of a text is repeated as it is written', () => {
    for (const number of ['123', '0123', '1.10', '0x1f', '1e3', '0o17', '-1']) {
      const [found, second] = diagnose(changed('name: core', `name: ${number}`));
      assert.equal(found?.code, 'WRONG_TYPE');
      assert.equal(second, undefined);
      assert.ok(found?.hint.includes(`"${number}"`), found?.hint);
    }
  });

  test('A key that is not a text is refused', () => {
    for (const key of ['1', 'true', '~', '[a]', '{a: b}', '? a\n']) {
      const found = diagnose(`${GOOD}${key}: x\n`);
      assert.ok(found.length > 0, key);
    }
    assert.deepEqual(placesAndCodes(changed('  partner:', '  7:')).slice(0, 1), ['15:3 WRONG_TYPE']);
  });
});

describe('hostile shapes', () => {
  for (const [name, text] of [
    ['open brackets', '['.repeat(20_000)],
    ['open braces', '{a: '.repeat(20_000)],
    ['brackets in a value', changed('[POST]', '['.repeat(2000) + ']'.repeat(2000))],
    ['dashes', '- '.repeat(20_000)],
    ['questions', '? '.repeat(5000)],
    ['deep blocks', Array.from({ length: 400 }, (_, at) => `${' '.repeat(at)}a:`).join('\n')],
    ['quotes', '"'.repeat(20_001)],
    ['a hundred thousand list items', changed('[POST]', `[${'1,'.repeat(100_000)}1]`)],
    ['anchors', '&a '.repeat(5000)],
    ['tags', '!a '.repeat(5000)],
    ['markers', '---\n'.repeat(5000)],
    ['directives', '%A\n'.repeat(5000)],
    ['controls', '\0'.repeat(20_000)],
  ] as const) {
    test(`A text of ${name} is refused with no more findings than a person can read`, () => {
      const found = diagnose(text);
      assert.ok(found.length > 0 && found.length <= 1001, String(found.length));
    });
  }

  test('Nesting just deeper than any key needs is refused at its place', () => {
    const text = changed('  port:', `  split: ${'['.repeat(20)}${']'.repeat(20)}\n  port:`);
    const codes = diagnose(text).map(({ code }) => code);
    assert.ok(codes.includes('YAML_SYNTAX'), codes.join());
  });

  test('A text of more than 8 MiB is not parsed', () => {
    const text = `${GOOD}#${'x'.repeat(MAX_CONFIG_BYTES)}`;
    assert.deepEqual(placesAndCodes(text), ['1:1 YAML_TOO_LARGE']);
    // Bytes are counted, not characters.
    assert.deepEqual(placesAndCodes(`#${'€'.repeat(MAX_CONFIG_BYTES / 3 + 1)}`), ['1:1 YAML_TOO_LARGE']);
  });
});
