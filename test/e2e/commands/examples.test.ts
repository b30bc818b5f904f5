// Tests that the files in deploy/examples are valid as they are, and name their schema for editors.

import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MESHES, makeCa } from '../../../deploy/demo/meshes.ts';
import { postern } from '../../../deploy/demo/postern.ts';
import { Processes } from '../../../deploy/demo/processes.ts';

const DEPLOY = fileURLToPath(new URL('../../../../deploy/', import.meta.url));
const EXAMPLES = join(DEPLOY, 'examples');
const files = readdirSync(EXAMPLES).filter((name) => name.endsWith('.yaml'));

describe('deploy/examples', () => {
  let folder: string;
  let processes: Processes;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'postern-examples-'));
    processes = new Processes(join(folder, 'logs'));
    for (const file of files) cpSync(join(EXAMPLES, file), join(folder, file));
    for (const name of MESHES) await makeCa(processes, join(folder, 'pki', name), `${name}.example`);
  });

  after(async () => {
    await processes.stopAll();
    rmSync(folder, { recursive: true, force: true });
  });

  test('The files in deploy/examples are those of the demo', () => {
    assert.deepEqual([...files].sort(), MESHES.map((name) => `${name}.yaml`).sort());
  });

  for (const file of files) {
    test(`The example ${file} is valid, without a warning`, async () => {
      const found = JSON.parse(await postern(processes, 'validate', '-f', join(folder, file), '-o', 'json')) as unknown;
      assert.doesNotMatch(JSON.stringify(found), /"severity"/);
    });

    test(`The example ${file} tells editors where its schema is`, async () => {
      const [first = ''] = readFileSync(join(EXAMPLES, file), 'utf8').split('\n');
      const schema = /^# yaml-language-server: \$schema=(\S+)$/.exec(first)?.[1];
      assert.ok(schema, first);
      assert.equal(readFileSync(resolve(EXAMPLES, schema), 'utf8'), await postern(processes, 'schema'));
    });
  }
});
