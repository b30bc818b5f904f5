// Which versions of Node are warned of: those before the fixes of their line, and lines that never got them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeWarning } from '../../src/cli/node-version.ts';

test('The first fixed version of a release line, and every later one, gives no warning', () => {
  for (const version of [
    '22.23.2',
    '22.23.10',
    '22.24.0',
    '24.18.1',
    '24.19.0',
    '26.5.1',
    '26.6.0',
    '27.0.0',
    '30.1.2',
  ])
    assert.equal(nodeWarning(version), undefined, version);
});

test('An older version is named in the warning', () => {
  for (const version of ['20.20.2', '22.23.1', '22.9.9', '23.11.0', '24.18.0', '24.9.2', '25.99.9', '26.5.0', '26.4.9'])
    assert.ok(nodeWarning(version)?.includes(version), version);
});
