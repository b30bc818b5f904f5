// Tests that the vendored protos are complete and unchanged, and that the types and the bundle are generated from them.
// Must not: change proto/ itself.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PROTO = join(ROOT, 'proto');

interface Verdict {
  readonly status: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

async function check(...args: readonly string[]): Promise<Verdict> {
  return await new Promise((fulfil) => {
    execFile(process.execPath, [join(PROTO, 'vendor.mjs'), ...args], (error, stdout, stderr) =>
      fulfil({ status: error === null ? 0 : (error.code ?? 'ended'), stdout, stderr }),
    );
  });
}

function copy(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'postern-proto-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(PROTO, folder, { recursive: true });
  return folder;
}

describe('vendor.mjs --check', () => {
  test('The script vendor.mjs --check accepts proto/ as it was vendored, and a copy of it as well', async (t) => {
    const [own, copied] = await Promise.all([check('--check'), check('--check', copy(t))]);
    assert.deepEqual([own.status, own.stderr], [0, '']);
    assert.deepEqual(copied, own);
  });

  const spoiled: Readonly<Record<string, (folder: string) => void>> = {
    'a file that is gone': (folder) => rmSync(join(folder, 'envoy/config/cluster/v3/cluster.proto')),
    'a file that is gone, far from the root': (folder) => rmSync(join(folder, 'validate/validate.proto')),
    'one byte more': (folder) => appendFileSync(join(folder, 'envoy/config/core/v3/base.proto'), '\n'),
    'one rule less': (folder) => {
      const file = join(folder, 'envoy/config/core/v3/address.proto');
      const text = readFileSync(file, 'utf8');
      const other = text.replace('{lte: 65535}', '{lte: 65536}');
      assert.notEqual(other, text);
      writeFileSync(file, other);
    },
    'a file that nothing imports': (folder) =>
      writeFileSync(join(folder, 'envoy/config/core/v3/mine.proto'), 'syntax = "proto3";\n'),
    'an import that is not there': (folder) =>
      appendFileSync(join(folder, 'xds.proto'), 'import "envoy/service/runtime/v3/rtds.proto";\n'),
    'an import fewer, so that files lie idle': (folder) => {
      const file = join(folder, 'xds.proto');
      const text = readFileSync(file, 'utf8');
      const other = text.replace(/^import "envoy\/extensions\/filters\/http\/lua\/.*$/m, '');
      assert.notEqual(other, text);
      writeFileSync(file, other);
    },
    'a sum that was changed': (folder) => {
      const file = join(folder, 'SHA256SUMS');
      writeFileSync(
        file,
        readFileSync(file, 'utf8').replace(/^[0-9a-f]/, (digit) => (digit === '0' ? '1' : '0')),
      );
    },
    'a sum that is missing': (folder) => {
      const file = join(folder, 'SHA256SUMS');
      writeFileSync(file, readFileSync(file, 'utf8').replace(/^.*\n/, ''));
    },
  };
  for (const [what, spoil] of Object.entries(spoiled)) {
    test(`The script vendor.mjs --check refuses ${what}, in one line`, async (t) => {
      const folder = copy(t);
      spoil(folder);
      const { status, stdout, stderr } = await check('--check', folder);
      assert.deepEqual([status, stdout], [1, '']);
      assert.match(stderr, /^vendor\.mjs: .+\n$/);
    });
  }

  test('The script vendor.mjs without arguments only prints its usage', async () => {
    const { status, stdout } = await check();
    assert.deepEqual([status, stdout], [1, '']);
  });
});

describe('what is made of the protos is fresh', () => {
  test('The TypeScript types are generated from the current protos', async () => {
    const { generateTypes } = (await import(join(PROTO, 'types.mjs'))) as { readonly generateTypes: () => string };
    const made = generateTypes();
    assert.equal(made, readFileSync(join(ROOT, 'src/envoy/proto/types.gen.ts'), 'utf8'));
    assert.equal(made.includes('google.protobuf.Any'), false, 'an Any is a union of what may stand in it');
  });

  test('The bundle that the process loads is generated from the current protos', async () => {
    const { loadProtos, messageTable } = (await import(join(PROTO, 'bundle.mjs'))) as {
      readonly loadProtos: () => unknown;
      readonly messageTable: (root: unknown) => unknown;
    };
    const bundle = fileURLToPath(new URL('../proto/xds.json', import.meta.url));
    assert.equal(JSON.stringify(messageTable(loadProtos())), readFileSync(bundle, 'utf8'));
  });
});

test('Envoy’s licence lies beside its files, and every file is listed with its sum', () => {
  assert.match(readFileSync(join(PROTO, 'LICENSE'), 'utf8'), /Apache License\s+Version 2\.0/);
  const listed = readFileSync(join(PROTO, 'SHA256SUMS'), 'utf8').trimEnd().split('\n');
  const present = readdirSync(PROTO, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.proto'));
  assert.deepEqual(
    listed.map((line) => line.split('  ')[1]),
    present.filter((name) => name !== 'xds.proto').sort(),
  );
});
