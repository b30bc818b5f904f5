// `postern certs …`: which files are written, who may read them, what is never overwritten, and that no key is printed.

import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Ended, postern, refusal, scene } from './postern.ts';

const modes = (folder: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    readdirSync(folder)
      .sort()
      .map((name) => [name, (statSync(join(folder, name)).mode & 0o777).toString(8)]),
  );
const certificate = (file: string): X509Certificate => new X509Certificate(readFileSync(file));
const keyFits = (cert: X509Certificate, file: string): boolean =>
  cert.checkPrivateKey(createPrivateKey(readFileSync(file)));
const quiet = ({ status, stdout, stderr }: Ended): void => {
  assert.deepEqual([status, stdout], [0, '']);
  assert.doesNotMatch(stderr, /PRIVATE KEY/);
};

describe('certs dev', () => {
  const dev = (out: string, ...more: readonly string[]): Promise<Ended> =>
    postern(['certs', 'dev', '--trust-domain', 'bank.example', '--out', out, ...more]);

  test('The command certs dev writes a CA of the trust domain, with a key that only its owner can read', async (t) => {
    const out = join(scene(t).folder, 'made', 'ca');
    quiet(await dev(out));
    assert.deepEqual(modes(out), { 'ca-key.pem': '600', 'ca.pem': '644' });
    const ca = certificate(join(out, 'ca.pem'));
    assert.equal(ca.ca, true);
    assert.equal(ca.subjectAltName, 'URI:spiffe://bank.example');
    assert.ok(keyFits(ca, join(out, 'ca-key.pem')));
  });

  test('Only the owner can read the key, even in a folder that others can read', async (t) => {
    const out = join(scene(t).folder, 'open');
    mkdirSync(out, { mode: 0o777 });
    quiet(await dev(out));
    assert.equal(modes(out)['ca-key.pem'], '600');
  });

  for (const present of ['ca.pem', 'ca-key.pem']) {
    test(`The command certs dev does not overwrite a folder that holds ${present}`, async (t) => {
      const out = join(scene(t).folder, 'held');
      mkdirSync(out);
      writeFileSync(join(out, present), 'mine');
      assert.deepEqual(refusal(await dev(out)), [64, 'USAGE', '']);
      assert.deepEqual(readdirSync(out), [present]);
      assert.equal(readFileSync(join(out, present), 'utf8'), 'mine');
    });
  }

  test('--force makes another CA in its place', async (t) => {
    const out = join(scene(t).folder, 'pki', 'bank');
    const before = certificate(join(out, 'ca.pem')).fingerprint256;
    quiet(await dev(out, '--force'));
    const after = certificate(join(out, 'ca.pem'));
    assert.notEqual(after.fingerprint256, before);
    assert.ok(keyFits(after, join(out, 'ca-key.pem')));
  });

  test('The command certs dev takes a trust domain, and nothing else', async (t) => {
    const out = join(scene(t).folder, 'never');
    for (const name of ['Bank.example', 'spiffe://bank.example', 'bank/example', ''])
      assert.deepEqual(refusal(await postern(['certs', 'dev', '--trust-domain', name, '--out', out])), [
        64,
        'USAGE',
        '',
      ]);
    assert.throws(() => readdirSync(out));
  });
});

describe('certs gateway', () => {
  const gateway = (file: string, out: string, setting = {}, ...more: readonly string[]): Promise<Ended> =>
    postern(['certs', 'gateway', 'ingress', '-f', file, '--out', out, ...more], setting);

  test('The command certs gateway writes certificate, key and CA of the control channel, with keys that only their owner can read', async (t) => {
    const { file, folder } = scene(t);
    const out = join(folder, 'ingress');
    quiet(await gateway(file, out));
    const written = modes(out);
    assert.equal(written['tls-key.pem'], '600');
    assert.deepEqual([written['tls.pem'], written['ca.pem']], ['644', '644']);
    const [leaf, ca] = [certificate(join(out, 'tls.pem')), certificate(join(out, 'ca.pem'))];
    assert.equal(leaf.subjectAltName, 'URI:spiffe://bank.example/gateway/ingress');
    assert.ok(leaf.verify(ca.publicKey));
    assert.ok(keyFits(leaf, join(out, 'tls-key.pem')));
    assert.equal(
      readdirSync(out).some((name) => name.endsWith('.tmp')),
      false,
    );
  });

  test('The control channel has a CA of its own, kept beside the file, that no peer and no workload shares', async (t) => {
    const { file, folder } = scene(t);
    quiet(await gateway(file, join(folder, 'ingress')));
    const ca = certificate(join(folder, 'ingress', 'ca.pem'));
    assert.equal(ca.verify(certificate(join(folder, 'pki', 'bank', 'ca.pem')).publicKey), false);
    assert.deepEqual(modes(join(folder, 'bank.state')), {
      'control-plane-ca-key.pem': '600',
      'control-plane-ca.pem': '644',
    });
    assert.equal(statSync(join(folder, 'bank.state')).mode & 0o777, 0o700);
  });

  test('A second certificate comes from the same CA, with another key', async (t) => {
    const { file, folder } = scene(t);
    const [one, two] = [join(folder, 'one'), join(folder, 'two')];
    quiet(await gateway(file, one));
    quiet(await gateway(file, two));
    const read = (out: string, name: string): string => readFileSync(join(out, name), 'utf8');
    assert.equal(read(one, 'ca.pem'), read(two, 'ca.pem'));
    assert.notEqual(read(one, 'tls-key.pem'), read(two, 'tls-key.pem'));
  });

  test('--state and POSTERN_STATE set where the CA is kept; an empty variable sets nothing', async (t) => {
    const { file, folder } = scene(t);
    quiet(await gateway(file, join(folder, 'out'), { env: { POSTERN_STATE: join(folder, 'elsewhere') } }));
    assert.deepEqual(Object.keys(modes(join(folder, 'elsewhere'))), [
      'control-plane-ca-key.pem',
      'control-plane-ca.pem',
    ]);
    assert.equal(readdirSync(folder).includes('bank.state'), false);
    const env = { POSTERN_STATE: join(folder, 'elsewhere') };
    quiet(await gateway(file, join(folder, 'out'), { env }, '--state', join(folder, 'by-flag')));
    assert.ok(readdirSync(join(folder, 'by-flag')).includes('control-plane-ca.pem'));
    quiet(await gateway(file, join(folder, 'out'), { env: { POSTERN_STATE: '' } }));
    assert.ok(readdirSync(folder).includes('bank.state'));
  });

  test('--mount is where the gateway will see the files', async (t) => {
    const { file, folder } = scene(t);
    const out = join(folder, 'ingress');
    quiet(await gateway(file, out, {}, '--mount', '/mounted/here'));
    const sds = readdirSync(out).filter((name) => !name.endsWith('.pem'));
    assert.ok(sds.length > 0);
    for (const name of sds) {
      const text = readFileSync(join(out, name), 'utf8');
      assert.match(text, /\/mounted\/here\//);
      assert.equal(text.includes(out), false);
    }
  });

  test('A gateway that is not in the configuration is a usage error', async (t) => {
    const here = scene(t);
    const file = here.edited('egress-only.yaml', (yaml) =>
      yaml.replace(/^ {2}ingress: .*$/m, '').replace(/^exports:[\s\S]*?(?=^# What we use)/m, ''),
    );
    assert.deepEqual(refusal(await gateway(file, join(here.folder, 'never'))), [64, 'USAGE', '']);
    assert.equal(readdirSync(here.folder).includes('never'), false);
  });

  test('A folder that cannot be written is reported in one line, without a stack trace', async (t) => {
    const { file, folder } = scene(t);
    mkdirSync(join(folder, 'taken', 'tls.pem', 'x'), { recursive: true });
    for (const out of [join(folder, 'taken'), join(file, 'below')]) {
      const ended = await gateway(file, out);
      assert.deepEqual(refusal(ended), [1, 'STATE_UNUSABLE', '']);
      assert.equal(ended.stderr.trimEnd().split('\n').length, 1, ended.stderr);
    }
  });

  test('A state folder with half a CA is refused', async (t) => {
    const { file, folder } = scene(t);
    mkdirSync(join(folder, 'bank.state'), { mode: 0o700 });
    writeFileSync(join(folder, 'bank.state', 'control-plane-ca.pem'), 'half');
    assert.deepEqual(refusal(await gateway(file, join(folder, 'out'))), [1, 'STATE_UNUSABLE', '']);
    assert.equal(readdirSync(folder).includes('out'), false);
  });
});
