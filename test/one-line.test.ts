// What is printed of texts that somebody else wrote: nothing that steers a terminal, or the CI system that reads the output.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inOneLine, oneLine } from '../src/one-line.ts';

test('Line ends, control and format characters are printed as their code points', () => {
  assert.equal(
    oneLine('a\n::warning::b\r\x1b[2J\u0085\u2028\u202e'),
    'a\\u{a}::warning::b\\u{d}\\u{1b}[2J\\u{85}\\u{2028}\\u{202e}',
  );
});

test('The marks of a command of a CI system lose their meaning', () => {
  assert.equal(oneLine('::warning::x'), '\\u{3a}:warning::x');
  assert.equal(oneLine('  ::warning::x'), '  \\u{3a}:warning::x');
  assert.equal(oneLine('x ##[warning]y'), 'x ##\\u{5b}warning]y');
});

test('A harmless text is printed as it is', () => {
  for (const text of [
    '',
    '/srv/mesh.yaml',
    'C:\\mesh.yaml',
    'größe 🙂.yaml',
    'a::b',
    ':a',
    '::1',
    '::ffff:127.0.0.1:1',
    '# a [b]',
    '[::]:15443',
  ])
    assert.equal(oneLine(text), text);
});

test('Every text in a value is printed so, also the keys of objects', () => {
  const value = { 'a\n': ['b\n', { c: 'd\n', e: 1, f: null, g: true }] };
  assert.deepEqual(inOneLine(value), { 'a\\u{a}': ['b\\u{a}', { c: 'd\\u{a}', e: 1, f: null, g: true }] });
});
