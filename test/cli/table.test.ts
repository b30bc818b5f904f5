// Text in columns, and the rows that `postern status` fills them with.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { table } from '../../src/cli/table.ts';

test('Columns are aligned, two blanks apart, without blanks at the end of a line', () => {
  const text = table([
    ['NAME', 'STATE', 'X'],
    ['a', 'SYNCED', ''],
    ['a longer one', 'x', 'y'],
  ]);
  assert.equal(text, 'NAME          STATE   X\na             SYNCED\na longer one  x       y\n');
});

test('A short row leaves the remaining columns empty', () => {
  assert.equal(table([['A', 'B'], ['a']]), 'A  B\na\n');
});
