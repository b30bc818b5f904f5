// `postern validate`: everything that is wrong, at once, each at its place; the exit status says how bad it is.

import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Diagnostic } from '../../src/errors.ts';
import { Openssl } from '../support/programs/openssl.ts';
import { postern, refusal, scene } from './postern.ts';

/** `FILE:LINE:COLUMN CODE message`; the hint stands on the next line. */
const LINE = /^(.+):(\d+):(\d+) ([A-Z_]+) \S.*\n\s+\S/gm;

interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly code: string;
}

function placesIn(text: string): readonly Place[] {
  return [...text.matchAll(LINE)].map(([, file = '', line, column, code = '']) => ({
    file,
    line: Number(line),
    column: Number(column),
    code,
  }));
}

/** Where a text stands, counted from 1. */
function placeOf(text: string, part: string): readonly [number, number] {
  const before = text.slice(0, text.indexOf(part)).split('\n');
  return [before.length, (before.at(-1) ?? '').length + 1];
}

const wrong = (yaml: string): string =>
  yaml
    .replace('methods: [POST]', 'methods: [FETCH]')
    .replace('backend: 127.0.0.1:11002', 'backend: 127.0.0.1')
    .replace('port: 11080', 'port: 11080\n  prot: grpc');
const open = (yaml: string): string => yaml.replace('egress: {address: 127.0.0.1}', 'egress: {address: 10.0.0.1}');

describe('validate', () => {
  test('A valid file exits with 0, with one line on stdout', async (t) => {
    const { file } = scene(t);
    const { status, stdout, stderr } = await postern(['validate', '-f', file]);
    assert.deepEqual([status, stderr], [0, '']);
    assert.equal(stdout.trimEnd().split('\n').length, 1);
  });

  test('Several errors exit with 65, each on stdout with its file, line, column and code, in the order of the text', async (t) => {
    const here = scene(t);
    const file = here.edited('wrong.yaml', wrong);
    const text = wrong(here.yaml);
    const { status, stdout, stderr } = await postern(['validate', '-f', file]);
    assert.deepEqual([status, stderr], [65, '']);
    assert.deepEqual(
      placesIn(stdout).map(({ file: where, line, column, code }) => [where, line, column, code]),
      [
        [file, ...placeOf(text, 'FETCH'), 'INVALID_METHOD'],
        [file, ...placeOf(text, '127.0.0.1\n  consumers:\n  - peer: partner'), 'INVALID_ADDRESS'],
        [file, ...placeOf(text, 'prot: grpc'), 'UNKNOWN_KEY'],
      ],
    );
  });

  test('Errors across objects and files exit with 65 as well', async (t) => {
    const here = scene(t);
    const across = (yaml: string): string =>
      yaml
        .replace('pki/partner/ca.pem', 'pki/shop/ca.pem')
        .replace('trustDomain: shop.example', 'trustDomain: bank.example');
    const { status, stdout } = await postern(['validate', '-f', here.edited('across.yaml', across)]);
    assert.equal(status, 65);
    assert.deepEqual(
      placesIn(stdout).map(({ code }) => code),
      ['TRUST_DOMAIN_OURS', 'BUNDLE_FOREIGN', 'BUNDLE_FOREIGN'],
    );
  });

  test('A wrong value, or a missing file, hides no finding of other objects and files', async (t) => {
    const here = scene(t);
    const all = (yaml: string): string =>
      yaml
        .replace('pki/partner/ca.pem', 'pki/shop/ca.pem')
        .replace('pki/bank/ca.pem', 'pki/nobody/ca.pem')
        .replace('methods: [POST]', 'methods: [FETCH]')
        .replace('- peer: partner', '- peer: nobody');
    const { status, stdout } = await postern(['validate', '-f', here.edited('all.yaml', all)]);
    assert.equal(status, 65);
    assert.deepEqual(
      placesIn(stdout).map(({ code }) => code),
      ['FILE_UNREADABLE', 'BUNDLE_FOREIGN', 'INVALID_METHOD', 'UNKNOWN_PEER'],
    );
  });

  test('A warning alone exits with 79', async (t) => {
    const here = scene(t);
    const { status, stdout } = await postern(['validate', '-f', here.edited('open.yaml', open)]);
    assert.equal(status, 79);
    assert.deepEqual(
      placesIn(stdout).map(({ line, column, code }) => [line, column, code]),
      [[...placeOf(open(here.yaml), '10.0.0.1'), 'EGRESS_OPEN']],
    );
  });

  test('An error beside a warning exits with 65', async (t) => {
    const file = scene(t).edited('both.yaml', (yaml) => open(yaml).replace('pki/shop/ca.pem', 'pki/nobody/ca.pem'));
    const { status, stdout } = await postern(['validate', '-f', file]);
    assert.equal(status, 65);
    assert.deepEqual(
      placesIn(stdout)
        .map(({ code }) => code)
        .sort(),
      ['EGRESS_OPEN', 'FILE_UNREADABLE'],
    );
  });

  test('-o json is one value with the same findings and their counts', async (t) => {
    const file = scene(t).edited('wrong.yaml', wrong);
    const [text, json] = await Promise.all([
      postern(['validate', '-f', file]),
      postern(['validate', '-f', file, '-o', 'json']),
    ]);
    assert.deepEqual([json.status, json.stderr], [65, '']);
    const value = JSON.parse(json.stdout) as {
      readonly file: string;
      readonly errors: number;
      readonly warnings: number;
      readonly diagnostics: readonly Diagnostic[];
    };
    assert.deepEqual(
      value.diagnostics.map(({ file: where, line, column, code }) => ({ file: where, line, column, code })),
      placesIn(text.stdout),
    );
    assert.deepEqual([value.file, value.errors, value.warnings], [file, value.diagnostics.length, 0]);
    for (const { hint, message, path } of value.diagnostics) assert.ok(hint && message && Array.isArray(path));
  });

  test('A file that cannot be read exits with 65, and is an error on stderr', async (t) => {
    const missing = join(scene(t).folder, 'none.yaml');
    assert.deepEqual(refusal(await postern(['validate', '-f', missing])), [65, 'CONFIG_UNREADABLE', '']);
  });

  test('-o json, github and gitlab report a file that cannot be read in their own format', async (t) => {
    const missing = join(scene(t).folder, 'none.yaml');
    const [json, github, gitlab] = await Promise.all(
      ['json', 'github', 'gitlab'].map((output) => postern(['validate', '-f', missing, '-o', output])),
    );
    assert.deepEqual([json?.status, github?.status, gitlab?.status], [65, 65, 65]);
    const report = JSON.parse(json?.stdout ?? '') as { errors: number; diagnostics: readonly Diagnostic[] };
    assert.deepEqual(
      [report.errors, report.diagnostics.map(({ code, file }) => [code, file])],
      [1, [['CONFIG_UNREADABLE', missing]]],
    );
    assert.match(github?.stdout ?? '', /^::error file=\S+none\.yaml,line=1,col=1,title=CONFIG_UNREADABLE::/);
    assert.equal((JSON.parse(gitlab?.stdout ?? '') as { check_name: string }[])[0]?.check_name, 'CONFIG_UNREADABLE');
  });

  test('Findings name files as they were given', async (t) => {
    const here = scene(t);
    here.edited('wrong.yaml', wrong);
    const { stdout } = await postern(['validate', '-f', 'wrong.yaml'], { cwd: here.folder });
    assert.deepEqual(new Set(placesIn(stdout).map(({ file }) => file)), new Set(['wrong.yaml']));
  });

  test('The command validate prints no colours without a terminal or with NO_COLOR', async (t) => {
    const file = scene(t).edited('wrong.yaml', wrong);
    for (const env of [{ FORCE_COLOR: '1' }, { NO_COLOR: '1' }])
      assert.equal((await postern(['validate', '-f', file], { env })).stdout.includes('\u001b'), false);
  });
});

describe('validate of several files and of standard input', () => {
  interface Report {
    readonly file?: string;
    readonly files: readonly {
      readonly file: string;
      readonly errors: number;
      readonly absentFiles?: readonly string[];
    }[];
    readonly diagnostics: readonly Diagnostic[];
  }

  test('The command validate checks each file once, continues after one that cannot be read, and exits with the worst status', async (t) => {
    const here = scene(t);
    const [bad, warned, missing] = [
      here.edited('bad.yaml', wrong),
      here.edited('open.yaml', open),
      `${here.folder}/no`,
    ];
    const text = await postern(['validate', '-f', here.file, '-f', missing, bad, here.file, warned]);
    assert.equal(text.status, 65);
    assert.match(text.stderr, /^postern: CONFIG_UNREADABLE /);
    const verdicts = text.stdout.split('\n').filter((line) => /: (fine|\d+ errors?, \d+ warnings?)$/.test(line));
    assert.deepEqual(
      verdicts.map((line) => line.split(': ')[0]),
      [here.file, bad, warned],
    );
    const json = await postern(['validate', '-o', 'json', here.file, missing, bad, warned]);
    const report = JSON.parse(json.stdout) as Report;
    assert.deepEqual([json.status, json.stderr, report.file], [65, '', undefined]);
    assert.deepEqual(
      report.files.map(({ file, errors }) => [file, errors]),
      [
        [here.file, 0],
        [missing, 1],
        [bad, 3],
        [warned, 0],
      ],
    );
    assert.equal((await postern(['validate', here.file, warned])).status, 79);
  });

  test('Files on the command line replace POSTERN_FILE', async (t) => {
    const { file } = scene(t);
    const { status, stdout } = await postern(['validate', file], { env: { POSTERN_FILE: '/nowhere.yaml' } });
    assert.deepEqual([status, stdout], [0, `${file}: fine\n`]);
  });

  test('- is standard input, with file names relative to the working directory', async (t) => {
    const here = scene(t);
    const setting = { cwd: here.folder };
    const good = await postern(['validate', '-f', '-'], { ...setting, input: here.yaml });
    assert.deepEqual([good.status, good.stdout], [0, '<stdin>: fine\n']);
    const bad = await postern(['validate', '-'], { ...setting, input: wrong(here.yaml) });
    assert.equal(bad.status, 65);
    assert.deepEqual(new Set(placesIn(bad.stdout).map(({ file }) => file)), new Set(['<stdin>']));
    const large = await postern(['validate', '-'], { ...setting, input: '#'.repeat(8 * 1024 * 1024 + 1) });
    assert.match(large.stdout, / YAML_TOO_LARGE /);
  });

  test('The commands run and certs gateway do not read a configuration from standard input', async () => {
    for (const args of [
      ['run', '-f', '-', '--xds', '127.0.0.1:0', '--admin', '127.0.0.1:0'],
      ['certs', 'gateway', 'ingress', '-f', '-', '--out', '/nowhere'],
    ])
      assert.deepEqual(refusal(await postern(args, { input: '' })), [64, 'USAGE', '']);
  });
});

test('The command validate --require-end refuses a file whose last line is not three dots', async (t) => {
  const here = scene(t);
  const cut = await postern(['validate', '-f', here.file, '--require-end']);
  assert.equal(cut.status, 65);
  assert.deepEqual(
    placesIn(cut.stdout).map(({ code, line }) => [code, line]),
    [['END_MISSING', here.yaml.split('\n').length]],
  );
  const whole = here.edited('whole.yaml', (yaml) => `${yaml}...\n`);
  assert.equal((await postern(['validate', '-f', whole, '--require-end'])).status, 0);
});

test('A file name with a line end is printed in one line, on stdout and on stderr', async (t) => {
  const here = scene(t);
  const name = 'x\n::warning::pwned.yaml';
  const lines = async (...args: readonly string[]): Promise<readonly string[]> => {
    const { stdout, stderr } = await postern(args, { cwd: here.folder });
    return (stdout + stderr).split('\n').filter((line) => line.includes('pwned'));
  };
  const shown = /^(postern: [A-Z_]+ )?x\\u\{a\}::warning::pwned\.yaml/;
  const isShown = (found: readonly string[], count: number): void => {
    assert.equal(found.length, count);
    for (const line of found) assert.match(line, shown);
  };
  isShown(await lines('validate', name), 1);
  here.edited(name, (yaml) => open(wrong(yaml)));
  isShown(await lines('validate', name), 5);
  isShown(await lines('translate', '-f', name), 4);
});

test('A finding about a bundle, a certificate or a key names the file that it is about', async (t) => {
  const here = scene(t);
  for (const [code, file] of [
    ['BUNDLE_UNPARSABLE', 'pki/shop/ca.pem'],
    ['ISSUER_UNPARSABLE', 'pki/bank/ca.pem'],
    ['ISSUER_UNPARSABLE', 'pki/bank/ca-key.pem'],
  ] as const) {
    const path = join(here.folder, file);
    const good = readFileSync(path);
    writeFileSync(path, 'rubbish');
    const { stdout } = await postern(['validate', '-f', here.file]);
    writeFileSync(path, good);
    assert.ok(
      stdout.split('\n').some((line) => line.includes(code) && line.includes(`("${file}")`)),
      stdout,
    );
  }
});

describe('validate --without-keys', () => {
  const judged = async (file: string): Promise<readonly [number | string, readonly string[]]> => {
    const { status, stdout } = await postern(['validate', '-f', file, '--without-keys']);
    const findings = stdout.replaceAll(/^.* FILE_UNREADABLE info: .*\n.*\n/gm, '');
    return [status, placesIn(findings).map(({ code }) => code)];
  };

  test('An absent bundle or certificate is a notice in every format, an absent private key is none, and both exit with 0', async (t) => {
    const here = scene(t);
    rmSync(join(here.folder, 'pki', 'bank', 'ca-key.pem'));
    const typo = here.edited('typo.yaml', (yaml) => yaml.replace('pki/shop/ca.pem', 'pki/shop/cb.pem'));
    const read = async (format: string): Promise<string> => {
      const { status, stdout } = await postern(['validate', '-f', typo, '--without-keys', '-o', format]);
      assert.equal(status, 0);
      return stdout;
    };
    assert.match(await read('github'), /^::notice file=\S+,title=FILE_UNREADABLE::[^\n]*cb\.pem[^\n]*\n$/);
    const gitlab = JSON.parse(await read('gitlab')) as readonly { severity: string; check_name: string }[];
    assert.deepEqual(
      gitlab.map(({ severity, check_name: code }) => [severity, code]),
      [['info', 'FILE_UNREADABLE']],
    );
    const json = JSON.parse(await read('json')) as { warnings: number; diagnostics: readonly { severity: string }[] };
    assert.deepEqual([json.warnings, json.diagnostics.map(({ severity }) => severity)], [0, ['info']]);
    const text = await read('text');
    assert.match(text, /^\S+typo\.yaml:\d+:\d+ FILE_UNREADABLE info: .*cb\.pem/);
    assert.match(text, /: fine; not here, and not checked: .*trustBundle/);
    assert.equal((await postern(['validate', '-f', here.file, '--without-keys', '-o', 'github'])).stdout, '');
  });

  test('--without-keys accepts missing key and certificate files, names them, and reports everything else', async (t) => {
    const here = scene(t);
    rmSync(join(here.folder, 'pki'), { recursive: true });
    const file = here.edited('mesh.yaml', (yaml) =>
      yaml.replace('trustDomain: bank.example', 'trustDomain: bank.example\n  trustBundle: mesh.pem'),
    );
    assert.deepEqual(await judged(file), [0, []]);
    const { stdout } = await postern(['validate', '-f', file, '--without-keys', '-o', 'json']);
    const { files } = JSON.parse(stdout) as { files: readonly { absentFiles: readonly string[] }[] };
    assert.deepEqual(files[0]?.absentFiles, [
      'identity.issuer.certificate',
      'identity.issuer.privateKey',
      'mesh.trustBundle',
      'peers.shop.trustBundle.file',
      'peers.partner.trustBundle.file',
    ]);
    const taken = here.edited('taken.yaml', (yaml) =>
      yaml.replace('trustDomain: shop.example', 'trustDomain: bank.example'),
    );
    assert.deepEqual(await judged(taken), [65, ['TRUST_DOMAIN_OURS']]);
    assert.equal((await postern(['validate', '-f', here.file])).status, 65);
  });

  test('--without-keys checks the files that do exist: without our key, a peer’s CA that our CA has signed is still found', async (t) => {
    const [here, openssl] = [scene(t), new Openssl()];
    t.after(() => openssl.close());
    rmSync(join(here.folder, 'pki', 'bank', 'ca-key.pem'));
    assert.deepEqual(await judged(here.file), [0, []]);
    const ours = openssl.ca('bank.example');
    writeFileSync(join(here.folder, 'pki', 'bank', 'ca.pem'), ours.pem);
    writeFileSync(join(here.folder, 'pki', 'shop', 'ca.pem'), openssl.ca('shop.example', { signer: ours }).pem);
    assert.deepEqual(await judged(here.file), [65, ['CA_OURS']]);
    writeFileSync(join(here.folder, 'pki', 'bank', 'ca.pem'), 'no certificate');
    assert.deepEqual((await judged(here.file))[1]?.includes('ISSUER_UNPARSABLE'), true);
  });

  test('A file that exists and cannot be read is a finding', async (t) => {
    const here = scene(t);
    rmSync(join(here.folder, 'pki', 'bank', 'ca-key.pem'));
    const folder = here.edited('folder.yaml', (yaml) => yaml.replace('pki/bank/ca-key.pem', 'pki/bank'));
    assert.deepEqual(await judged(folder), [65, ['FILE_UNREADABLE']]);
  });
});

describe('every command that reads the configuration refuses a wrong one with the same findings, on stderr', () => {
  const commands: Readonly<Record<string, readonly string[]>> = {
    translate: ['translate'],
    'certs gateway': ['certs', 'gateway', 'ingress', '--out', 'never'],
    bootstrap: ['bootstrap', 'ingress', '--node-id', 'i', '--certs', '/certs'],
    run: ['run', '--xds', '127.0.0.1:0', '--admin', '127.0.0.1:0'],
  };
  for (const [name, args] of Object.entries(commands)) {
    test(`The command ${name} refuses a wrong configuration with the findings of validate`, async (t) => {
      const here = scene(t);
      const file = here.edited('wrong.yaml', wrong);
      const [judged, refused] = await Promise.all([
        postern(['validate', '-f', file]),
        postern([...args, '-f', file], { cwd: here.folder }),
      ]);
      assert.deepEqual([refused.status, refused.stdout], [65, '']);
      assert.deepEqual(placesIn(refused.stderr), placesIn(judged.stdout));
    });
  }
});

describe('a reader that goes away', () => {
  test('A reader that closes stdout is not reported as a failure', async (t) => {
    const { file } = scene(t);
    const { status, stderr } = await postern(['translate', '-f', file], { unread: 'stdout' });
    assert.deepEqual([status, stderr], [0, '']);
  });

  test('A reader that closes stdout does not change the exit status', async (t) => {
    const file = scene(t).edited('wrong.yaml', wrong);
    const [quiet, loud, deaf] = await Promise.all([
      postern(['validate', '-f', file], { unread: 'stdout' }),
      postern(['translate', '-f', file], { unread: 'stderr' }),
      postern(['serve'], { unread: 'stderr' }),
    ]);
    assert.deepEqual([quiet.status, quiet.stderr], [65, '']);
    assert.deepEqual([loud.status, loud.stdout], [65, '']);
    assert.deepEqual([deaf.status, deaf.stdout], [64, '']);
  });
});
