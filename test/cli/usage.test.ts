// What a person types: help, unknown words, flags before environment before defaults; a wrong word is 64 and nothing on stdout.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { codeOf, postern, ROOT, refusal, scene } from './postern.ts';

const COMMANDS = [
  'run',
  'validate',
  'translate',
  'certs gateway',
  'certs dev',
  'bootstrap',
  'status',
  'schema',
] as const;
const WRONG = [64, 'USAGE', ''] as const;

describe('help', () => {
  test('without arguments, with --help and with -h it lists every command, on stdout', async () => {
    const [bare, long, short] = await Promise.all([postern([]), postern(['--help']), postern(['-h'])]);
    assert.deepEqual([bare.status, bare.stderr], [0, '']);
    for (const name of COMMANDS) assert.match(bare.stdout, new RegExp(`^ {2}postern ${name} `, 'm'));
    for (const status of [0, 1, 64, 65, 69, 79]) assert.match(bare.stdout, new RegExp(`\\b${status} `));
    assert.deepEqual(long, bare);
    assert.deepEqual(short, bare);
  });

  for (const name of COMMANDS) {
    test(`${name} explains itself, also when what it needs is missing`, async () => {
      const words = name.split(' ');
      const [after, before] = await Promise.all([postern([...words, '--help']), postern(['help', ...words])]);
      assert.deepEqual([after.status, after.stderr], [0, '']);
      assert.match(after.stdout, new RegExp(`^usage: postern ${name}\\b`, 'm'));
      assert.deepEqual(before, after);
    });
  }

  test('tells each flag, its default and its variable', async () => {
    const { stdout } = await postern(['run', '--help']);
    assert.match(stdout, /-f, --file FILE .*\(POSTERN_FILE\)/);
    assert.match(stdout, /--xds HOST:PORT .*\(default 127\.0\.0\.1:18000; POSTERN_XDS\)/);
    assert.match(stdout, /--admin HOST:PORT .*\(default 127\.0\.0\.1:19000; POSTERN_ADMIN\)/);
    assert.match(stdout, /--workers N .*\(default 1; POSTERN_WORKERS\)/);
    assert.doesNotMatch(stdout, /POSTERN_INSECURE_XDS/);
  });

  test('--version is that of package.json', async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { readonly version: string };
    assert.deepEqual(await postern(['--version']), { status: 0, stdout: `postern ${version}\n`, stderr: '' });
  });
});

describe('a wrong use is 64, says so on stderr, and prints nothing on stdout', () => {
  const wrong: Readonly<Record<string, readonly string[]>> = {
    'an unknown command': ['serve'],
    'half a command': ['certs'],
    'an unknown command with --help': ['serve', '--help'],
    'an unknown flag': ['validate', '-f', 'x.yaml', '--strict'],
    'an unknown short flag': ['validate', '-x'],
    'a flag of another command': ['schema', '--file', 'x.yaml'],
    'a required flag that is missing': ['validate'],
    'a flag without its value': ['validate', '--file'],
    'a switch with a value': ['run', '-f', 'x.yaml', '--insecure-xds=yes'],
    'a word too many': ['validate', '-f', 'x.yaml', 'y.yaml'],
    'a word too few': ['certs', 'gateway', '-f', 'x.yaml', '--out', '/nowhere'],
    'a gateway that there is not': ['certs', 'gateway', 'both', '-f', 'x.yaml', '--out', '/nowhere'],
    'an output that there is not': ['validate', '-f', 'x.yaml', '-o', 'xml'],
    'a log level that there is not': ['run', '-f', 'x.yaml', '--log-level', 'loud'],
    'a flag twice': ['validate', '-f', 'x.yaml', '--file', 'y.yaml'],
    'half of a command': ['certs'],
    'a warm-up that is no time': ['run', '-f', 'x.yaml', '--warm-up', '1s'],
    'no worker at all': ['run', '-f', 'x.yaml', '--workers', '0'],
    'workers that are no number': ['run', '-f', 'x.yaml', '--workers', 'x'],
    'more workers than there may be': ['run', '-f', 'x.yaml', '--workers', '65'],
    'half a worker': ['run', '-f', 'x.yaml', '--workers', '1.5'],
    'an address without a port': ['run', '-f', 'x.yaml', '--xds', '127.0.0.1'],
    'an address that is none': ['run', '-f', 'x.yaml', '--admin', 'a b:0'],
    'a port above 65535': ['run', '-f', 'x.yaml', '--admin', '127.0.0.1:65536'],
    'an admin URL that is none': ['status', '--admin', 'http://a b/'],
    'plaintext xDS on an address that others reach': ['run', '-f', 'x', '--insecure-xds', '--xds', '0.0.0.0:0'],
    'plaintext xDS on a name that only begins like loopback': [
      ...['run', '-f', 'x', '--insecure-xds'],
      ...['--xds', '127.example.com:0'],
    ],
  };
  for (const [what, args] of Object.entries(wrong)) {
    test(what, async () => {
      assert.deepEqual(refusal(await postern(args)), WRONG);
    });
  }
});

describe('settings: a flag, then the environment, then the default', () => {
  test('the environment takes the place of a required flag', async (t) => {
    const { file } = scene(t);
    const { status, stdout } = await postern(['validate'], { env: { POSTERN_FILE: file, POSTERN_OUTPUT: 'json' } });
    assert.deepEqual([status, (JSON.parse(stdout) as { readonly file: string }).file], [0, file]);
  });

  test('a flag goes before the environment', async (t) => {
    const { file } = scene(t);
    const env = { POSTERN_FILE: '/nowhere.yaml', POSTERN_OUTPUT: 'xml' };
    assert.equal((await postern(['validate', '-f', file, '-o', 'text'], { env })).status, 0);
    assert.equal((await postern(['validate'], { env })).status, 64);
  });

  test('the environment goes before the default', async () => {
    const env = { POSTERN_ADMIN: '127.0.0.1:2' };
    const [own, given] = await Promise.all([
      postern(['status'], { env }),
      postern(['status', '--admin', 'http://127.0.0.1:3'], { env }),
    ]);
    assert.match(own.stderr, /127\.0\.0\.1:2\b/);
    assert.match(given.stderr, /127\.0\.0\.1:3\b/);
  });

  test('a hyphen in a flag is an underscore in its variable', async (t) => {
    const { file } = scene(t);
    const env = { POSTERN_NODE_ID: 'from-the-environment' };
    const { stdout } = await postern(['bootstrap', 'ingress', '-f', file, '--certs', '/certs'], { env });
    assert.match(stdout, /id: from-the-environment$/m);
  });

  test('an empty variable is one that is not set', async (t) => {
    const { file } = scene(t);
    const env = { POSTERN_OUTPUT: '', POSTERN_GATEWAY: '' };
    assert.equal((await postern(['translate', '-f', file], { env })).status, 0);
    assert.equal(codeOf(await postern(['validate'], { env: { POSTERN_FILE: '' } })), 'USAGE');
  });

  test('a switch is never set by the environment: nobody overwrites a CA by accident', async (t) => {
    const { folder } = scene(t);
    const out = join(folder, 'pki', 'bank');
    const args = ['certs', 'dev', '--trust-domain', 'bank.example', '--out', out];
    const before = readFileSync(join(out, 'ca.pem'), 'utf8');
    assert.deepEqual(refusal(await postern(args, { env: { POSTERN_FORCE: 'true' } })), WRONG);
    assert.equal(readFileSync(join(out, 'ca.pem'), 'utf8'), before);
  });
});

test('the schema is the one that the editors of deploy/examples read', async () => {
  const { status, stdout, stderr } = await postern(['schema']);
  assert.deepEqual([status, stderr], [0, '']);
  assert.equal(stdout, readFileSync(join(ROOT, 'deploy/config.schema.json'), 'utf8'));
});
