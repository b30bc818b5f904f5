// The boundary check does not believe the builders: with any one security constant of theirs changed, it refuses what they
// build. The compiled builders are copied, one constant is rewritten, and the copy translates a mesh with two peers.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { checkBoundary } from '../../../src/envoy/boundary/checks/boundary-check.ts';
import type { translate } from '../../../src/envoy/resources/gateway-resources.ts';
import { PosternError } from '../../../src/errors.ts';
import { ACCESS } from './changed-access-control.ts';
import { type Change, FIGURES } from './changed-figures.ts';
import { HEADERS } from './changed-headers.ts';
import { HTTP } from './changed-http.ts';
import { NAMES } from './changed-names.ts';
import { RESOURCES } from './changed-resources.ts';
import { mesh } from './mutations/mutation.ts';

const COMPILED = fileURLToPath(new URL('../../../src/', import.meta.url));
const ENTRY = 'envoy/resources/gateway-resources.js';

const CHANGES: readonly Change[] = [...FIGURES, ...NAMES, ...RESOURCES, ...ACCESS, ...HEADERS, ...HTTP];

/** The compiled builders, by path below dist/src/: the entry and all that it imports. */
function builders(): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  const add = (path: string): void => {
    if (files.has(path)) return;
    const text = readFileSync(join(COMPILED, path), 'utf8');
    files.set(path, text);
    for (const [, specifier = ''] of text.matchAll(/\bfrom '(\.[^']+)'/g))
      add(relative(COMPILED, join(COMPILED, dirname(path), specifier)));
  };
  add(ENTRY);
  return files;
}

describe('the boundary check, against builders with one constant changed', () => {
  const files = builders();
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'postern-builders-'));
    writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
  });
  after(() => rmSync(folder, { recursive: true }));

  const translateWith = async (copy: string, changed: ReadonlyMap<string, string>): Promise<typeof translate> => {
    for (const [path, text] of files) {
      const target = join(folder, copy, path);
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, changed.get(path) ?? text);
    }
    const module = (await import(pathToFileURL(join(folder, copy, ENTRY)).href)) as { translate: typeof translate };
    return module.translate;
  };

  test('An unchanged copy of the builders passes for both gateways', async () => {
    const copied = await translateWith('unchanged', new Map());
    for (const role of ['ingress', 'egress'] as const)
      checkBoundary(mesh.resourcesBy(copied, role), mesh.expectation(role));
  });

  for (const [index, { file, from, to, role, rule }] of CHANGES.entries()) {
    test(`${rule} is found broken at ${role} when ${file}.ts has ${JSON.stringify(to)} for ${JSON.stringify(from)}`, async () => {
      const path = `envoy/${file}.js`;
      const parts = (files.get(path) ?? '').split(from);
      assert.equal(parts.length, 2, `${path} has the text once`);
      const copied = await translateWith(String(index), new Map([[path, parts.join(to)]]));
      assert.throws(
        () => checkBoundary(mesh.resourcesBy(copied, role), mesh.expectation(role)),
        (error) =>
          error instanceof PosternError &&
          error.code === 'BOUNDARY_VIOLATED' &&
          error.message.includes(` breaks ${rule};`),
      );
    });
  }
});
