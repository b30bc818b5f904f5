// Places, order and print of diagnostics.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseConfig } from '../../src/config/parse.ts';
import { toDiagnostics } from '../../src/config/placement.ts';
import { Positions } from '../../src/config/yaml/positions.ts';
import { errorAt, formatDiagnostic, type Path, warningAt } from '../../src/errors.ts';
import { changed, diagnose, GOOD, placeOf } from './documents.ts';

function placeOfPath(text: string, path: Path, atKey = false): string {
  const { line, column } = new Positions(parseConfig(text).positions, text).placeOfPath(path, atKey);
  return `${line}:${column}`;
}

function place(text: string, part: string): string {
  const { line, column } = placeOf(text, part);
  return `${line}:${column}`;
}

describe('the place of a path', () => {
  test('A path is placed where its value begins, or its key', () => {
    const key = ['peers', 'partner', 'trustBundle'];
    assert.equal(placeOfPath(GOOD, key), place(GOOD, 'bundles/partner.pem'));
    assert.equal(placeOfPath(GOOD, key, true), place(GOOD, 'trustBundle'));
    assert.equal(placeOfPath(GOOD, ['peers', 'partner'], true), place(GOOD, 'partner:'));
    assert.equal(placeOfPath(GOOD, ['exports', 1]), place(GOOD, 'name: rates.fx'));
    assert.equal(
      placeOfPath(GOOD, ['exports', 0, 'consumers', 0, 'allow', 0, 'paths', 1]),
      place(GOOD, '/v1/receipts/*'),
    );
    assert.equal(placeOfPath(GOOD, []), '1:1');
  });

  test('A path that does not exist is placed at its nearest parent', () => {
    assert.equal(placeOfPath(GOOD, ['peers', 'partner', 'trustBundle', 'file']), place(GOOD, 'bundles/partner.pem'));
    assert.equal(placeOfPath(GOOD, ['imports', 0, 'split', 'local']), place(GOOD, 'peer: partner\n  name: quotes'));
    assert.equal(placeOfPath(GOOD, ['imports', 7, 'port']), place(GOOD, '- peer: partner\n  name: quotes'));
    assert.equal(placeOfPath(GOOD, ['nothing', 'at', 'all'], true), '1:1');
    assert.equal(placeOfPath(GOOD, ['mesh', 'toString']), place(GOOD, '{name: core'));
  });

  test('The place of a path does not depend on how keys look or are written', () => {
    const peers = ['"10"', '"9"', '"1"', "'a'", '"\\u0062"'].map(
      (name, index) => `  ${name}:
    trustDomain: p${index}.example
    trustBundle: p${index}.pem
    gatewayIdentities: [gateway]
`,
    );
    const text = changed('exports:', `${peers.join('')}exports:`);
    ['10', '9', '1', 'a', 'b'].forEach((name, index) => {
      assert.equal(placeOfPath(text, ['peers', name, 'trustBundle']), place(text, `p${index}.pem`));
    });
    const { line } = placeOf(text, 'port: 8080');
    assert.equal(placeOfPath(text, ['imports', 0, 'port']), `${line}:9`);
  });
});

describe('diagnostics', () => {
  test('A diagnostic carries file, place, path, code, message and hint', () => {
    const text = changed('port: 8080', 'port: 0');
    const [found, ...rest] = diagnose(text);
    assert.equal(rest.length, 0);
    assert.deepEqual(
      { ...found, message: typeof found?.message, hint: typeof found?.hint },
      {
        code: 'INVALID_VALUE',
        severity: 'error',
        path: ['imports', 0, 'port'],
        message: 'string',
        hint: 'string',
        file: 'postern.yaml',
        line: placeOf(text, 'port: 0').line,
        column: 9,
      },
    );
  });

  test('A diagnostic prints as FILE:LINE:COLUMN CODE message, with the hint on the next line', () => {
    const place = { file: 'a.yaml', line: 3, column: 7 };
    assert.equal(
      formatDiagnostic({ ...errorAt('EMPTY', [], 'nothing there', 'write it'), ...place }),
      'a.yaml:3:7 EMPTY nothing there\n  write it',
    );
    assert.equal(
      formatDiagnostic({ ...warningAt('EGRESS_OPEN', [], 'open', 'close it'), ...place }),
      'a.yaml:3:7 EGRESS_OPEN warning: open\n  close it',
    );
  });

  test('Findings of later stages are placed, and sorted among those of parsing', () => {
    const text = changed(
      'clients: plaintext',
      'identity: x',
      changed('address: 127.0.0.1\n    identity: gateway/egress', 'address: 10.0.0.1'),
    );
    const parsed = parseConfig(text);
    assert.ok(parsed.config);
    const later = [
      errorAt('UNKNOWN_PEER', ['imports', 0, 'peer'], 'm', 'h'),
      errorAt('TRUST_DOMAIN_OURS', ['mesh', 'trustDomain'], 'm', 'h'),
    ];
    const all = toDiagnostics([...parsed.findings, ...later], parsed, text, 'f');
    assert.deepEqual(
      all.map(({ code, line }) => `${line} ${code}`),
      ['2 TRUST_DOMAIN_OURS', '11 EGRESS_OPEN', '42 UNKNOWN_PEER'],
    );
  });

  test('The same finding at the same place is a diagnostic once', () => {
    const parsed = parseConfig(GOOD);
    const again = ['a', 'a', 'b'].map((message) => errorAt('CA_SHARED', ['peers', 'partner'], message, 'h'));
    assert.deepEqual(
      toDiagnostics(again, parsed, GOOD, 'f').map(({ message }) => message),
      ['a', 'b'],
    );
  });

  test('No diagnostic repeats a control or bidirectional character of the file', () => {
    const evil = '"\\e[31m\\u202e\\x9b\\n"';
    for (const from of [
      'core,',
      'core.bank.example}',
      'pki/ca.pem',
      '0.0.0.0:15443',
      'gateway/ingress',
      'plaintext',
      'gw1.partner.example:15443',
      'p-7f3c9a',
      'withdraw.payments',
      'http\n  consumers',
      'POST',
      '/v1/withdrawals',
      '2027-03-31',
      '24h',
      'lifetime',
      'partner:',
    ]) {
      const rest = /[,}:]$|\n.*$/.exec(from)?.[0] ?? '';
      const found = diagnose(changed(from, from.endsWith('15443') ? evil : evil + rest));
      assert.ok(found.length > 0, from);
      for (const diagnostic of found) assert.match(formatDiagnostic(diagnostic), /^[\x20-\x7e\n]*$/, from);
    }
  });
});
