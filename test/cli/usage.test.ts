// What a person types: help, unknown words, flags before environment before defaults; a wrong word is 64 and nothing on stdout.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { variableOf } from '../../src/cli/arguments.ts';
import { COMMANDS } from '../../src/cli/commands/command-list.ts';
import { EXIT } from '../../src/errors.ts';
import { WARM_UP_MS } from '../../src/xds/transport/warm-up.ts';
import { codeOf, postern, ROOT, refusal, scene } from './postern.ts';

const WRONG = [64, 'USAGE', ''] as const;

describe('help', () => {
  test('The program postern without arguments, with --help or with -h lists every command on stdout', async () => {
    const [bare, long, short] = await Promise.all([postern([]), postern(['--help']), postern(['-h'])]);
    assert.deepEqual([bare.status, bare.stderr], [0, '']);
    for (const { name } of COMMANDS) assert.match(bare.stdout, new RegExp(`^ {2}postern ${name} `, 'm'));
    for (const status of Object.values(EXIT)) assert.match(bare.stdout, new RegExp(`\\b${status} `));
    assert.deepEqual(long, bare);
    assert.deepEqual(short, bare);
  });

  for (const { name, flags, examples, exits } of COMMANDS) {
    test(`The command postern ${name} --help shows flags, examples and exit statuses, also without the required flags`, async () => {
      const words = name.split(' ');
      const [after, before] = await Promise.all([postern([...words, '--help']), postern(['help', ...words])]);
      assert.deepEqual([after.status, after.stderr], [0, '']);
      assert.match(after.stdout, new RegExp(`^usage: postern ${name}\\b`, 'm'));
      assert.deepEqual(before, after);
      for (const flag of flags) assert.match(after.stdout, new RegExp(`^ {2}(-\\w, )?--${flag.name}\\b`, 'm'));
      for (const example of examples) assert.ok(after.stdout.includes(`\n  ${example}\n`), example);
      for (const exit of exits) assert.match(after.stdout, new RegExp(`^ {2}${EXIT[exit]} `, 'm'));
    });
  }

  for (const group of ['certs', 'peer'])
    test(`The command postern ${group} --help lists the commands of the group, and no other`, async () => {
      const [after, before] = await Promise.all([postern([group, '--help']), postern(['help', group])]);
      assert.deepEqual([after.status, after.stderr, before], [0, '', after]);
      const listed = [...after.stdout.matchAll(/^ {2}postern (\w+ \w+) /gm)].map(([, name]) => name);
      assert.deepEqual(
        listed,
        COMMANDS.map(({ name }) => name).filter((name) => name.startsWith(`${group} `)),
      );
    });

  test('Every command, flag and example is explained by a sentence, and each command has examples', () => {
    for (const { name, summary, flags, examples } of COMMANDS) {
      for (const text of [summary, ...flags.map((flag) => flag.summary)]) assert.match(text, /^[A-Z].*\.$/, text);
      assert.ok(examples.length > 0);
      for (const example of examples) assert.ok(example.includes(`postern ${name}`), example);
    }
  });

  test('The default of --warm-up in help is the default of the server', () => {
    const warmUp = COMMANDS.flatMap(({ flags }) => flags).find(({ name }) => name === 'warm-up');
    assert.equal(warmUp?.default, String(WARM_UP_MS));
  });

  test('No variable sets two flags, and none sets two flags of one command', () => {
    const flagsOf = new Map<string, Set<string>>();
    for (const { flags } of COMMANDS) {
      for (const flag of flags) {
        const variable = variableOf(flag);
        if (variable !== undefined) flagsOf.set(variable, (flagsOf.get(variable) ?? new Set()).add(flag.name));
      }
    }
    assert.ok(flagsOf.size > 10);
    for (const [variable, names] of flagsOf) assert.equal(names.size, 1, variable);
  });

  test('Help names the default and the variable of each flag', async () => {
    const { stdout } = await postern(['run', '--help']);
    assert.match(stdout, /-f, --file FILE .*\(POSTERN_FILE\)/);
    assert.match(stdout, /--xds HOST:PORT .*\(default 127\.0\.0\.1:18000; POSTERN_XDS\)/);
    assert.match(stdout, /--admin HOST:PORT .*\(default 127\.0\.0\.1:19000; POSTERN_ADMIN\)/);
    assert.match(stdout, /--workers N .*\(default 1; POSTERN_WORKERS\)/);
    assert.doesNotMatch(stdout, /POSTERN_INSECURE_XDS/);
  });

  test('--version prints the version of package.json', async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { readonly version: string };
    assert.deepEqual(await postern(['--version']), { status: 0, stdout: `postern ${version}\n`, stderr: '' });
  });
});

describe('postern exits with 64, an error on stderr and nothing on stdout, when it is given', () => {
  const wrong: Readonly<Record<string, readonly string[]>> = {
    'an unknown command': ['serve'],
    'half a command': ['certs'],
    'an unknown command with --help': ['serve', '--help'],
    'an unknown flag': ['validate', '-f', 'x.yaml', '--strict'],
    'an unknown short flag': ['validate', '-x'],
    'a flag of another command': ['schema', '--file', 'x.yaml'],
    'no file to check': ['validate'],
    'a required flag that is missing': ['translate'],
    'a flag without its value': ['validate', '--file'],
    'a switch with a value': ['run', '-f', 'x.yaml', '--insecure-xds=yes'],
    'a word too many': ['translate', '-f', 'x.yaml', 'y.yaml'],
    'a word too few': ['certs', 'gateway', '-f', 'x.yaml', '--out', '/nowhere'],
    'an unknown gateway': ['certs', 'gateway', 'both', '-f', 'x.yaml', '--out', '/nowhere'],
    'an unknown output': ['validate', '-f', 'x.yaml', '-o', 'xml'],
    'an unknown log level': ['run', '-f', 'x.yaml', '--log-level', 'loud'],
    'a flag twice': ['translate', '-f', 'x.yaml', '--file', 'y.yaml'],
    'an empty value': ['validate', '--file='],
    'a flag in the place of a value': ['validate', '--file', '--output', 'json'],
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
    test(`The command line exits with 64 for ${what}`, async () => {
      assert.deepEqual(refusal(await postern(args)), WRONG);
    });
  }
});

describe('a setting comes from its flag, then from the environment, then from the default:', () => {
  test('The environment can set a required flag', async (t) => {
    const { file } = scene(t);
    const { status, stdout } = await postern(['validate'], { env: { POSTERN_FILE: file, POSTERN_OUTPUT: 'json' } });
    assert.deepEqual([status, (JSON.parse(stdout) as { readonly file: string }).file], [0, file]);
  });

  test('A flag overrides the environment', async (t) => {
    const { file } = scene(t);
    const env = { POSTERN_FILE: '/nowhere.yaml', POSTERN_OUTPUT: 'xml' };
    assert.equal((await postern(['validate', '-f', file, '-o', 'text'], { env })).status, 0);
    assert.equal((await postern(['validate'], { env })).status, 64);
  });

  test('The environment overrides the default', async () => {
    const env = { POSTERN_ADMIN: '127.0.0.1:2' };
    const [own, given] = await Promise.all([
      postern(['status'], { env }),
      postern(['status', '--admin', 'http://127.0.0.1:3'], { env }),
    ]);
    assert.match(own.stderr, /127\.0\.0\.1:2\b/);
    assert.match(given.stderr, /127\.0\.0\.1:3\b/);
  });

  test('A hyphen in a flag becomes an underscore in its variable', async (t) => {
    const { file } = scene(t);
    const env = { POSTERN_NODE_ID: 'from-the-environment' };
    const { stdout } = await postern(['bootstrap', 'ingress', '-f', file, '--certs', '/certs'], { env });
    assert.match(stdout, /id: from-the-environment$/m);
  });

  test('An empty variable counts as unset', async (t) => {
    const { file } = scene(t);
    const env = { POSTERN_OUTPUT: '', POSTERN_GATEWAY: '' };
    assert.equal((await postern(['translate', '-f', file], { env })).status, 0);
    assert.equal(codeOf(await postern(['validate'], { env: { POSTERN_FILE: '' } })), 'USAGE');
  });

  test('The environment cannot set --force, so that no CA is overwritten by accident', async (t) => {
    const { folder } = scene(t);
    const out = join(folder, 'pki', 'bank');
    const args = ['certs', 'dev', '--trust-domain', 'bank.example', '--out', out];
    const before = readFileSync(join(out, 'ca.pem'), 'utf8');
    assert.deepEqual(refusal(await postern(args, { env: { POSTERN_FORCE: 'true' } })), WRONG);
    assert.equal(readFileSync(join(out, 'ca.pem'), 'utf8'), before);
  });
});

describe('an error of the command line helps to correct it', () => {
  const told = async (args: readonly string[], env: Readonly<Record<string, string>>, what: RegExp): Promise<void> => {
    const ended = await postern(args, { env });
    assert.deepEqual(refusal(ended), WRONG);
    assert.match(ended.stderr, what);
  };

  test('A mistyped command, subcommand or flag is answered with the one that was most likely meant', async () => {
    await told(['valdate'], {}, /did you mean postern validate\?/);
    await told(['cert', 'gateway', 'ingress'], {}, /did you mean postern certs/);
    await told(['certs', 'gatewy'], {}, /postern certs gateway, postern certs dev/);
    await told(['validate', '--flie', 'x.yaml'], {}, /did you mean --file\?/);
    await told(['validate', '--color'], {}, /unknown flag --color; see postern validate --help/);
  });

  test('The error names the variable, and not the flag, when the value comes from the environment', async () => {
    await told(['status'], { POSTERN_OUTPUT: 'yaml' }, /POSTERN_OUTPUT takes one of text, json, not yaml/);
    await told(['status', '-o', 'yaml'], {}, /--output takes one of/);
    await told(['run', '-f', 'x.yaml'], { POSTERN_XDS: 'nowhere' }, /POSTERN_XDS takes HOST:PORT/);
    await told(['run', '-f', 'x.yaml'], { POSTERN_WORKERS: '0' }, /POSTERN_WORKERS takes/);
    await told(['run', '-f', 'x.yaml'], { POSTERN_GROUP_KEYS: 'yes' }, /POSTERN_GROUP_KEYS takes true or false/);
    await told(['drain'], { POSTERN_WAIT: 'long' }, /POSTERN_WAIT takes/);
  });

  test('The error for an address has an example for that flag, and says when the port is too high', async () => {
    await told(['run', '-f', 'x', '--admin', '127.0.0.1:x'], {}, /such as 127\.0\.0\.1:19000,/);
    await told(['run', '-f', 'x', '--xds', '127.0.0.1:154430'], {}, /such as 127\.0\.0\.1:18000,.*above 65535/);
  });

  test('The word version is answered with --version, which the help lists beside variables with names of their own', async () => {
    await told(['version'], {}, /did you mean postern --version\?/);
    const { stdout } = await postern(['--help']);
    assert.match(stdout, /postern --version/);
    assert.match(stdout, /--wait of postern status: POSTERN_STATUS_WAIT/);
  });

  test('A variable that sets nothing is a warning with the nearest name, and those that Kubernetes sets are not', async (t) => {
    const { file } = scene(t);
    const env = { POSTERN_FIEL: 'x', POSTERN_SERVICE_HOST: '10.0.0.1', POSTERN_PORT_18000_TCP: 'tcp://10.0.0.1:18000' };
    const { status, stderr } = await postern(['validate', '-f', file], { env });
    assert.deepEqual(
      [status, stderr],
      [0, 'postern: warning: the variable POSTERN_FIEL sets nothing; did you mean POSTERN_FILE?\n'],
    );
  });

  test('POSTERN_OUTPUT=text and json are taken by every command that has an output', async (t) => {
    const { file } = scene(t);
    for (const args of [['validate'], ['translate'], ['peer', 'show', '--ours']])
      for (const output of ['text', 'json']) {
        const ended = await postern([...args, '-f', file], { env: { POSTERN_OUTPUT: output } });
        assert.equal(ended.status, 0, ended.stderr);
        const parses = (): unknown => JSON.parse(ended.stdout);
        if (output === 'json') parses();
        else assert.throws(parses);
      }
  });
});

test('The printed schema is the one that the editors of deploy/examples read', async () => {
  const { status, stdout, stderr } = await postern(['schema']);
  assert.deepEqual([status, stderr], [0, '']);
  assert.equal(stdout, readFileSync(join(ROOT, 'deploy/config.schema.json'), 'utf8'));
});
