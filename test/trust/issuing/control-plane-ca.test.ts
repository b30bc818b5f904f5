// The control channel's own CA in its state folder: created once, found again, never half used, never readable by others.
// Folders in every state give a CA, or a PosternError that says what to do and holds no key.

import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, describe, test } from 'node:test';
import { PosternError } from '../../../src/errors.ts';
import {
  controlPlaneId,
  issueGatewayCertificate,
  issueServerCertificate,
  openControlPlaneCa,
  writeAtomically,
} from '../../../src/trust/issuing/control-plane-ca.ts';
import { spiffeId, type TrustDomain } from '../../../src/trust/spiffe.ts';
import { readSvid } from '../../../src/trust/svid.ts';
import { Openssl, WHILE_VALID } from '../../support/programs/openssl.ts';

const openssl = new Openssl();
const base = mkdtempSync(join(tmpdir(), 'postern-state-'));
after(() => {
  openssl.close();
  rmSync(base, { recursive: true, force: true });
});

const DOMAIN = 'a.example' as TrustDomain;
const NOW = Math.floor(Date.now() / 1000) * 1000;
const DAY = 24 * 60 * 60 * 1000;
const [CERTIFICATE, KEY] = ['control-plane-ca.pem', 'control-plane-ca-key.pem'];

let count = 0;
/** A path where nothing is. */
function newPlace(): string {
  count += 1;
  return join(base, String(count), 'postern.state');
}

const open = (folder: string, now = NOW, trustDomain = DOMAIN) => openControlPlaneCa(folder, trustDomain, now);

/** A folder with a CA in it. */
function newState(): string {
  const folder = newPlace();
  open(folder);
  return folder;
}

/** A process that says that it is ready, opens the folder (at once, or when it is told to), and prints whose CA it got. */
function opening(folder: string, whenTold: boolean): ChildProcessWithoutNullStreams {
  const module = new URL('../../../src/trust/issuing/control-plane-ca.js', import.meta.url).href;
  const script = `
    const { openControlPlaneCa } = await import(${JSON.stringify(module)});
    const { readSync, writeSync } = await import('node:fs');
    writeSync(1, 'ready');
    if (${whenTold}) readSync(0, Buffer.alloc(9));
    writeSync(1, openControlPlaneCa(${JSON.stringify(folder)}, '${DOMAIN}', ${NOW}).issuer.certificate.fingerprint);`;
  return spawn(process.execPath, ['--input-type=module', '-e', script]);
}

const modeOf = (...path: readonly string[]): number => statSync(join(...path)).mode & 0o777;
const contents = (folder: string): readonly string[] =>
  readdirSync(folder).map((name) => readFileSync(join(folder, name), 'latin1'));

describe('the first start', () => {
  test('The first start makes the folder, the CA and its key, each as closed as it must be', () => {
    const umask = process.umask(0);
    try {
      const folder = newState();
      assert.deepEqual(readdirSync(folder).sort(), [KEY, CERTIFICATE].sort());
      assert.deepEqual([modeOf(folder), modeOf(folder, KEY), modeOf(folder, CERTIFICATE)], [0o700, 0o600, 0o644]);
    } finally {
      process.umask(umask);
    }
  });

  test('The first start removes the permissions of others from the folder', () => {
    const folder = newPlace();
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o777);
    open(folder);
    assert.equal(modeOf(folder), 0o700);
  });

  test('The first start makes a CA that belongs to its key and to the trust domain, for ten years', () => {
    const folder = newPlace();
    const ca = open(folder);
    assert.equal(ca.trustDomain, DOMAIN);
    assert.equal(ca.certificatePem, readFileSync(join(folder, CERTIFICATE), 'utf8'));
    const x509 = new X509Certificate(ca.certificatePem);
    assert.ok(x509.ca && x509.checkPrivateKey(ca.issuer.privateKey));
    assert.equal(x509.subjectAltName, `URI:spiffe://${DOMAIN}`);
    assert.equal(Date.parse(x509.validTo), NOW + 3650 * DAY);
    const printed = openssl.run('pkey', '-in', join(folder, KEY), '-pubout');
    assert.equal(printed, x509.publicKey.export({ type: 'spki', format: 'pem' }));
  });

  test('The first start of several processes at once makes one CA for all of them', async () => {
    const folder = newPlace();
    const starting = Array.from({ length: 4 }, () => opening(folder, true));
    await Promise.all(starting.map(({ stdout }) => once(stdout, 'data')));
    const said = starting.map(({ stdout }) => text(stdout));
    for (const { stdin } of starting) stdin.end('go');
    const fingerprints = await Promise.all(said);
    assert.deepEqual(new Set(fingerprints), new Set([open(folder).issuer.certificate.fingerprint]));
  });

  test('The first start waits for the certificate that another process is about to write', async () => {
    const folder = newState();
    const { fingerprint } = open(folder).issuer.certificate;
    renameSync(join(folder, CERTIFICATE), join(folder, 'aside'));
    const { stdout } = opening(folder, false);
    await once(stdout, 'data');
    renameSync(join(folder, 'aside'), join(folder, CERTIFICATE));
    assert.equal(await text(stdout), fingerprint);
  });

  test('The first start makes another CA in each folder', () => {
    assert.notEqual(open(newPlace()).certificatePem, open(newPlace()).certificatePem);
  });
});

describe('a later start', () => {
  test('A later start finds the same CA, and writes nothing', () => {
    const folder = newState();
    const before = contents(folder);
    const [first, second] = [open(folder), open(folder, NOW + 3000 * DAY)];
    assert.equal(first.certificatePem, second.certificatePem);
    assert.ok(first.issuer.privateKey.equals(second.issuer.privateKey));
    assert.deepEqual(contents(folder), before);
  });

  test('A later start takes a CA that an operator put there', () => {
    const folder = newPlace();
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const made = openssl.ca(DOMAIN, { key: 'rsa2048' });
    writeFileSync(join(folder, CERTIFICATE), made.pem);
    writeFileSync(join(folder, KEY), made.keyPem, { mode: 0o600 });
    assert.deepEqual(open(folder, WHILE_VALID).issuer.certificate.der, made.der);
  });
});

describe('a group that is allowed', () => {
  const allowed = { groupKeys: true } as const;

  test('With the group allowed, the modes of a Kubernetes volume are accepted, and new files are closed to all others', () => {
    for (const mode of [0o440, 0o640, 0o660]) {
      const folder = newState();
      chmodSync(folder, 0o2770);
      chmodSync(join(folder, KEY), mode);
      const { certificatePem } = openControlPlaneCa(folder, DOMAIN, NOW, allowed);
      assert.equal(certificatePem, readFileSync(join(folder, CERTIFICATE), 'utf8'));
    }
    const folder = newPlace();
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o2777);
    openControlPlaneCa(folder, DOMAIN, NOW, allowed);
    assert.deepEqual([statSync(folder).mode & 0o7777, modeOf(folder, KEY)], [0o2770, 0o600]);
  });

  test('With the group allowed, files that all users can reach are still refused', () => {
    for (const open of [0o644, 0o664, 0o642]) {
      const folder = newState();
      chmodSync(join(folder, KEY), open);
      assert.throws(() => openControlPlaneCa(folder, DOMAIN, NOW, allowed), { code: 'STATE_UNUSABLE' });
    }
  });
});

describe('a state that is required', () => {
  test('A state that is required is opened where it is, and never made where it is not', () => {
    const there = newState();
    assert.equal(openControlPlaneCa(there, DOMAIN, NOW, { required: true }).made, false);
    const lost = newPlace();
    assert.throws(() => openControlPlaneCa(lost, DOMAIN, NOW, { required: true }), { code: 'STATE_UNUSABLE' });
    assert.equal(existsSync(lost), false);
    assert.equal(openControlPlaneCa(lost, DOMAIN, NOW).made, true);
  });
});

describe('a state that cannot be used is refused, kept as it is, and told without a key', () => {
  const broken: Readonly<Record<string, (folder: string) => void>> = {
    'a key without its certificate': (folder) => rmSync(join(folder, CERTIFICATE)),
    'a certificate without its key': (folder) => rmSync(join(folder, KEY)),
    'a key that the group may read': (folder) => chmodSync(join(folder, KEY), 0o640),
    'a folder that everybody may read': (folder) => chmodSync(folder, 0o755),
    'a folder that the group may write': (folder) => chmodSync(folder, 0o770),
    // Root alone can give a file away; the rule itself is tested for every owner in config/files/key-access.test.ts.
    ...(process.getuid?.() === 0 && {
      'a folder that is another user’s': (folder: string) => chownSync(folder, 4711, 0),
      'a key that is another user’s': (folder: string) => chownSync(join(folder, KEY), 4711, 0),
    }),
    'a second certificate beside the CA': (folder) => appendFileSync(join(folder, CERTIFICATE), openssl.ca(DOMAIN).pem),
    'a key that everybody may write': (folder) => chmodSync(join(folder, KEY), 0o602),
    'a key that everybody may read': (folder) => chmodSync(join(folder, KEY), 0o644),
    'an empty certificate': (folder) => writeFileSync(join(folder, CERTIFICATE), ''),
    'a damaged certificate': (folder) => damage(folder, CERTIFICATE),
    'an empty key': (folder) => writeFileSync(join(folder, KEY), ''),
    'a damaged key': (folder) => damage(folder, KEY),
    'exchanged files': (folder) => {
      const [certificate, key] = [CERTIFICATE, KEY].map((name) => readFileSync(join(folder, name)));
      writeFileSync(join(folder, KEY), certificate ?? '');
      writeFileSync(join(folder, CERTIFICATE), key ?? '');
    },
    'the key of another CA': (folder) => writeFileSync(join(folder, KEY), readFileSync(join(newState(), KEY))),
    'a folder where the certificate should be': (folder) => becomesFolder(folder, CERTIFICATE),
    'a folder where the key should be': (folder) => becomesFolder(folder, KEY),
    'a key that leads to a file which is not there, and no certificate': (folder) => {
      for (const name of [KEY, CERTIFICATE]) rmSync(join(folder, name));
      symlinkSync(join(base, 'not mounted'), join(folder, KEY));
    },
    'a key that is somebody else’s file': (folder) => {
      const elsewhere = join(base, `elsewhere-${count}`);
      writeFileSync(elsewhere, readFileSync(join(folder, KEY)), { mode: 0o644 });
      rmSync(join(folder, KEY));
      symlinkSync(elsewhere, join(folder, KEY));
    },
  };

  for (const [what, breakIt] of Object.entries(broken)) {
    test(`A state folder is refused, left as it is, and no key is shown: ${what}`, () => {
      const folder = newState();
      const key = readFileSync(join(folder, KEY), 'utf8');
      breakIt(folder);
      const before = listed(folder);
      refuses(folder, key);
      assert.deepEqual(listed(folder), before);
    });
  }

  test('A state folder is refused with a CA of another trust domain', () => {
    const folder = newState();
    refuses(folder, readFileSync(join(folder, KEY), 'utf8'), NOW, 'b.example' as TrustDomain);
  });

  test('A state folder is refused with a CA that has expired, or is not yet valid', () => {
    const folder = newState();
    const key = readFileSync(join(folder, KEY), 'utf8');
    refuses(folder, key, NOW + 3650 * DAY);
    refuses(folder, key, NOW - DAY);
  });

  test('A state folder is refused when it is a file, or below one: a file where the folder should be, or above it', () => {
    const file = join(base, 'a-file');
    writeFileSync(file, 'mine');
    refuses(file, '');
    refuses(join(file, 'postern.state'), '');
    assert.equal(readFileSync(file, 'utf8'), 'mine');
  });

  function damage(folder: string, name: string): void {
    const path = join(folder, name);
    writeFileSync(path, readFileSync(path, 'utf8').replace(/\n.{64}\n/, '\n'));
  }

  function becomesFolder(folder: string, name: string): void {
    rmSync(join(folder, name));
    mkdirSync(join(folder, name), { mode: 0o700 });
  }

  function listed(folder: string): readonly string[] {
    return readdirSync(folder, { withFileTypes: true }).map((entry) => {
      const path = join(folder, entry.name);
      const { mode } = lstatSync(path);
      return `${entry.name} ${mode} ${entry.isFile() ? readFileSync(path, 'latin1') : 'no file'}`;
    });
  }

  function refuses(folder: string, key: string, now = NOW, trustDomain = DOMAIN): void {
    assert.throws(
      () => open(folder, now, trustDomain),
      (error: unknown) => {
        assert.ok(error instanceof PosternError, String(error));
        assert.equal(error.code, 'STATE_UNUSABLE');
        assert.equal(error.exitStatus, 1);
        const said = `${error.stack} ${JSON.stringify(error)} ${String((error.cause as Error | undefined)?.stack)}`;
        for (const line of key.split('\n').filter((part) => /^[A-Za-z0-9+/=]{16,}$/.test(part)))
          assert.ok(!said.includes(line));
        return true;
      },
    );
  }
});

describe('certificates of the control channel', () => {
  const folder = newState();
  const ca = open(folder);
  const verifies = (chain: string, at: number, ...options: readonly string[]): boolean => {
    const [file, roots] = [openssl.file(chain), join(folder, CERTIFICATE)];
    const time = ['-attime', String(at / 1000)];
    return openssl.ask('verify', '-x509_strict', '-no-CApath', '-CAfile', roots, ...time, ...options, file);
  };

  test('Certificates of the control channel of the server name it, verify, and last 30 days', () => {
    const hosts = ['xds.a.example', '10.0.0.7', '0.0.0.0', '::1', 'localhost'];
    const { certificateChain, notAfter } = issueServerCertificate(ca, hosts, NOW);
    assert.equal(notAfter, NOW + 30 * DAY);
    for (const name of ['xds.a.example', 'localhost'])
      assert.ok(verifies(certificateChain, NOW, '-purpose', 'sslserver', '-verify_hostname', name), name);
    for (const address of ['10.0.0.7', '127.0.0.1'])
      assert.ok(verifies(certificateChain, NOW, '-purpose', 'sslserver', '-verify_ip', address), address);
    assert.ok(!verifies(certificateChain, NOW, '-verify_hostname', 'evil.example'));
    assert.equal(new X509Certificate(certificateChain).subjectAltName?.match(/localhost/g)?.length, 1);
    const svid = readSvid(new X509Certificate(certificateChain).raw, NOW);
    assert.equal(svid.ok && svid.id, controlPlaneId(DOMAIN));
  });

  test('Certificates of the control channel of a gateway prove its ID, verify, and last 90 days', () => {
    const id = spiffeId(DOMAIN, 'gateway/ingress');
    const { certificateChain, notAfter } = issueGatewayCertificate(ca, id, NOW);
    assert.equal(notAfter, NOW + 90 * DAY);
    assert.ok(verifies(certificateChain, NOW, '-purpose', 'sslclient'));
    assert.ok(!verifies(certificateChain, NOW + 91 * DAY, '-purpose', 'sslclient'));
    const svid = readSvid(new X509Certificate(certificateChain).raw, NOW);
    assert.equal(svid.ok && svid.id, id);
  });
});

test('A file is replaced as a whole, with its mode, and nothing is left beside it', () => {
  const folder = mkdtempSync(join(base, 'atomic-'));
  const path = join(folder, 'file');
  writeFileSync(path, 'old and longer', { mode: 0o644 });
  writeAtomically(path, 'new', 0o600);
  assert.deepEqual([readFileSync(path, 'utf8'), modeOf(path), readdirSync(folder)], ['new', 0o600, ['file']]);
  assert.throws(() => writeAtomically(join(folder, 'none', 'file'), 'x', 0o600));
  assert.ok(!existsSync(join(folder, 'none')));
});
