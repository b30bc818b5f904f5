// Loading: the file and what it names, in a worker with a deadline; what cannot be read is one clear finding.

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, test } from 'node:test';
import { type LoadedConfig, loadConfig } from '../../../src/config/files/load.ts';
import { MAX_CONFIG_BYTES } from '../../../src/config/parse.ts';
import { PosternError } from '../../../src/errors.ts';
import { changed, GOOD, placeOf } from '../documents.ts';
import { folder, writeGood } from './folder.ts';

const INLINE = { inline: true } as const;

function codes(loaded: LoadedConfig): readonly string[] {
  return loaded.diagnostics().map(({ line, column, code }) => `${line}:${column} ${code}`);
}

function unreadable(error: unknown): boolean {
  return error instanceof PosternError && error.code === 'CONFIG_UNREADABLE';
}

describe('a configuration file', () => {
  test('A configuration is read with the files that it names relative to its folder', async (t) => {
    const here = folder(t);
    const file = writeGood(here);
    const loaded = await loadConfig(relative(process.cwd(), file), INLINE);
    assert.deepEqual(codes(loaded), []);
    assert.deepEqual(Object.fromEntries([...loaded.files].map(([name, bytes]) => [name, bytes.toString()])), {
      'pki/ca.pem': 'certificate',
      'pki/ca-key.pem': 'key',
      'bundles/partner.pem': 'bundle',
    });
    const expected = ['postern.yaml', 'pki/ca.pem', 'pki/ca-key.pem', 'bundles/partner.pem'];
    assert.deepEqual([...loaded.dependencies].sort(), expected.map((name) => join(here.path, name)).sort());
    assert.deepEqual([...loaded.digests.keys()].sort(), [...loaded.dependencies].sort());
  });

  test('A configuration depends on the trust bundle of our own mesh; if it cannot be read, that concerns the mesh alone', async (t) => {
    const here = folder(t);
    const text = changed('trustDomain: core.bank.example', 'trustDomain: core.bank.example, trustBundle: mesh.pem');
    const file = writeGood(here, text);
    const { findings, dependencies } = await loadConfig(file, INLINE);
    assert.deepEqual(
      findings.map(({ code, path, concernsMesh }) => [code, path.join('.'), concernsMesh]),
      [['FILE_UNREADABLE', 'mesh.trustBundle', true]],
    );
    assert.ok(dependencies.includes(join(here.path, 'mesh.pem')));
    here.write('mesh.pem', 'bundle');
    assert.equal((await loadConfig(file, INLINE)).files.get('mesh.pem')?.toString(), 'bundle');
  });

  test('A byte order mark at the start changes neither meaning nor places', async (t) => {
    const here = folder(t);
    writeGood(here);
    for (const text of [GOOD, changed('port: 8080', 'port: 0'), `{}\n${GOOD}`]) {
      const [plain, marked] = [here.write('plain.yaml', text), here.write('marked.yaml', `\ufeff${text}`)];
      assert.deepEqual(codes(await loadConfig(marked, INLINE)), codes(await loadConfig(plain, INLINE)));
    }
    const inside = here.write('inside.yaml', GOOD.replace('\n', '\n\ufeff'));
    assert.ok(codes(await loadConfig(inside, INLINE)).includes('2:1 YAML_SYNTAX'));
  });

  test('A configuration may name files by absolute paths and through symbolic links', async (t) => {
    const here = folder(t);
    const file = writeGood(here, changed('bundles/partner.pem', join(here.path, 'link.pem')));
    symlinkSync('bundles/partner.pem', join(here.path, 'link.pem'));
    const loaded = await loadConfig(file, INLINE);
    assert.deepEqual(codes(loaded), []);
    assert.equal(loaded.files.get(join(here.path, 'link.pem'))?.toString(), 'bundle');
  });

  test('A configuration with identity.files names no certificate or key on this machine', async (t) => {
    const here = folder(t);
    const text = changed(
      'issuer: {certificate: pki/ca.pem, privateKey: pki/ca-key.pem, lifetime: 24h}',
      'files: {certificate: /nowhere/tls.pem, privateKey: /nowhere/key.pem}',
    );
    const loaded = await loadConfig(writeGood(here, text), INLINE);
    assert.deepEqual(codes(loaded), []);
    assert.deepEqual([...loaded.files.keys()], ['bundles/partner.pem']);
  });

  test('A configuration that is missing, a folder or a pipe is CONFIG_UNREADABLE', async (t) => {
    const here = folder(t);
    await assert.rejects(loadConfig(join(here.path, 'none.yaml')), unreadable);
    await assert.rejects(loadConfig(here.path), unreadable);
    await assert.rejects(loadConfig(here.fifo('pipe.yaml')), unreadable);
    await assert.rejects(loadConfig('/dev/zero'), unreadable);
  });

  test('A configuration of more than 8 MiB is YAML_TOO_LARGE', async (t) => {
    const here = folder(t);
    for (const more of [1, 1000, MAX_CONFIG_BYTES]) {
      const file = here.write('large.yaml', Buffer.alloc(MAX_CONFIG_BYTES + more, '#'));
      const loaded = await loadConfig(file);
      assert.deepEqual(codes(loaded), ['1:1 YAML_TOO_LARGE']);
      assert.deepEqual(loaded.dependencies, [file]);
    }
  });

  test('A configuration that is not UTF-8 is YAML_SYNTAX where it stops being UTF-8', async (t) => {
    const here = folder(t);
    const bad = (part: string, bytes: readonly number[]): Buffer => {
      const at = Buffer.byteLength(GOOD.slice(0, GOOD.indexOf(part)));
      const good = Buffer.from(GOOD);
      return Buffer.concat([good.subarray(0, at), Buffer.from(bytes), good.subarray(at)]);
    };
    for (const bytes of [[0xff], [0xc3], [0xe2, 0x82], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80]]) {
      const loaded = await loadConfig(here.write('bad.yaml', bad('partner.pem', bytes)), INLINE);
      const { line, column } = placeOf(GOOD, 'partner.pem');
      assert.deepEqual(codes(loaded), [`${line}:${column} YAML_SYNTAX`], bytes.join());
    }
    const wide = await loadConfig(here.write('utf16.yaml', Buffer.from(`\ufeff${GOOD}`, 'utf16le')), INLINE);
    assert.deepEqual(codes(wide), ['1:1 YAML_SYNTAX']);
  });

  test('Of a configuration with wrong values, the files whose names are right are read, and no other', async (t) => {
    const here = folder(t);
    for (const [from, to, missing] of [
      ['port: 8080', 'port: 0', ''],
      ['bundles/partner.pem', '[bundles/partner.pem]', 'bundles/partner.pem'],
      ['pki/ca.pem', '7', 'pki/ca.pem'],
      ['lifetime: 24h}', 'lifetime: 24h}\n  files: {certificate: /a, privateKey: /b}', 'pki/ca.pem pki/ca-key.pem'],
    ] as const) {
      const loaded = await loadConfig(writeGood(here, changed(from, to)), INLINE);
      assert.equal(loaded.parsed.config, undefined);
      const names = ['pki/ca.pem', 'pki/ca-key.pem', 'bundles/partner.pem'].filter((name) => !missing.includes(name));
      assert.deepEqual([...loaded.files.keys()], names, to);
    }
  });

  test('A configuration that is not YAML names no files and depends on itself only', async (t) => {
    const here = folder(t);
    const file = writeGood(here, changed('port: 8080', 'port: [8080'));
    const loaded = await loadConfig(file, INLINE);
    assert.equal(loaded.files.size, 0);
    assert.deepEqual(loaded.dependencies, [file]);
  });
});

describe('a file that the configuration names', () => {
  test('A named file that cannot be read is FILE_UNREADABLE at its place, and the configuration still depends on it', async (t) => {
    const here = folder(t);
    const file = writeGood(here);
    rmSync(join(here.path, 'pki/ca.pem'));
    rmSync(join(here.path, 'bundles/partner.pem'));
    mkdirSync(join(here.path, 'bundles/partner.pem'));
    const loaded = await loadConfig(file, INLINE);
    const places = [placeOf(GOOD, 'pki/ca.pem'), placeOf(GOOD, 'bundles/partner.pem')];
    assert.deepEqual(
      codes(loaded),
      places.map(({ line, column }) => `${line}:${column} FILE_UNREADABLE`),
    );
    assert.ok(loaded.dependencies.includes(join(here.path, 'pki/ca.pem')));
    assert.deepEqual([...loaded.files.keys()], ['pki/ca-key.pem']);
  });

  test('A missing bundle file in the long form is reported at the key file', async (t) => {
    const here = folder(t);
    const text = changed('bundles/partner.pem', '{file: bundles/none.pem}');
    const loaded = await loadConfig(writeGood(here, text), INLINE);
    const { line, column } = placeOf(text, 'bundles/none.pem');
    assert.deepEqual(codes(loaded), [`${line}:${column} FILE_UNREADABLE`]);
  });

  test('A named file that is a pipe, a device or larger than 1 MiB is not read', async (t) => {
    const here = folder(t);
    here.fifo('pipe.pem');
    here.write('large.pem', Buffer.alloc(1024 * 1024 + 1));
    here.write('full.pem', Buffer.alloc(1024 * 1024));
    for (const name of ['pipe.pem', '/dev/zero', 'large.pem']) {
      const loaded = await loadConfig(writeGood(here, changed('bundles/partner.pem', name)), INLINE);
      assert.deepEqual(
        loaded.findings.map(({ code }) => code),
        ['FILE_UNREADABLE'],
        name,
      );
    }
    const full = await loadConfig(writeGood(here, changed('bundles/partner.pem', 'full.pem')), INLINE);
    assert.equal(full.files.get('full.pem')?.length, 1024 * 1024);
  });

  test('A private key file that others can use is KEY_FILE_EXPOSED, a warning', async (t) => {
    const here = folder(t);
    const file = writeGood(here);
    for (const mode of [0o644, 0o640, 0o620, 0o602, 0o666]) {
      chmodSync(join(here.path, 'pki/ca-key.pem'), mode);
      const [warning, ...rest] = (await loadConfig(file, INLINE)).diagnostics();
      const { line, column } = placeOf(GOOD, 'pki/ca-key.pem');
      assert.deepEqual(rest, []);
      assert.deepEqual(
        [warning?.code, warning?.severity, warning?.line, warning?.column],
        ['KEY_FILE_EXPOSED', 'warning', line, column],
        mode.toString(8),
      );
    }
    for (const mode of [0o600, 0o400]) {
      chmodSync(join(here.path, 'pki/ca-key.pem'), mode);
      assert.deepEqual(codes(await loadConfig(file, INLINE)), []);
    }
    // A group is fine where it is allowed; everybody never is.
    for (const [mode, expected] of [
      [0o440, 0],
      [0o640, 0],
      [0o660, 0],
      [0o644, 1],
      [0o642, 1],
    ] as const) {
      chmodSync(join(here.path, 'pki/ca-key.pem'), mode);
      const found = codes(await loadConfig(file, { ...INLINE, groupKeys: true }));
      assert.equal(found.length, expected, mode.toString(8));
    }
    chmodSync(join(here.path, 'pki/ca-key.pem'), 0o600);
    // A certificate is public.
    chmodSync(join(here.path, 'pki/ca.pem'), 0o644);
    assert.deepEqual(codes(await loadConfig(file, INLINE)), []);
  });
});

describe('the worker', () => {
  test('The worker gives exactly what parsing in this thread gives', async (t) => {
    const here = folder(t);
    const texts = [GOOD, changed('port: 8080', 'port: 0'), '', '[', changed('    clients: plaintext\n', '')];
    for (const text of texts) {
      const file = writeGood(here, text);
      const [there, inline] = [await loadConfig(file), await loadConfig(file, INLINE)];
      assert.deepEqual(there.parsed, inline.parsed);
      assert.deepEqual(there.diagnostics(), inline.diagnostics());
    }
  });

  // Nearly three million items in one flow list, which is read as a whole: seconds of work on any machine.
  const hostile = `a: [${'b, '.repeat(MAX_CONFIG_BYTES / 3 - 3)}b]`;

  test('The worker is ended at the deadline with YAML_TIMEOUT while the event loop goes on', async (t) => {
    const here = folder(t);
    let ticks = 0;
    const ticking = setInterval(() => {
      ticks += 1;
    }, 1);
    t.after(() => clearInterval(ticking));
    const loaded = await loadConfig(here.write('hostile.yaml', hostile), { deadlineMs: 300 });
    assert.deepEqual(codes(loaded), ['1:1 YAML_TIMEOUT']);
    assert.ok(ticks > 1, String(ticks));
  });

  test('The worker parses large files also for a command that could wait', async (t) => {
    const here = folder(t);
    const loaded = await loadConfig(here.write('hostile.yaml', hostile), { inline: true, deadlineMs: 300 });
    assert.deepEqual(codes(loaded), ['1:1 YAML_TIMEOUT']);
  });

  test('The worker answers before a deadline that is long enough', async (t) => {
    const here = folder(t);
    const loaded = await loadConfig(writeGood(here), { deadlineMs: 60_000 });
    assert.deepEqual(codes(loaded), []);
  });
});
