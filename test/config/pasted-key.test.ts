// A private key that somebody pasted where the name of its file belongs: refused, and repeated nowhere.
// In: YAML with a key in every notation. Out: diagnostics. Must not: hold a key as text.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import { formatDiagnostic, parseConfig, toDiagnostics } from '../../src/config/parse.ts';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const pem = privateKey.export({ type: 'sec1', format: 'pem' }) as string;
const body = pem.split('\n').slice(1, -2);
const indented = pem.trimEnd().replaceAll('\n', '\n      ');

const notations: Readonly<Record<string, string>> = {
  'folded (>-)': `>-\n      ${indented}`,
  'literal (|)': `|\n      ${indented}`,
  'in quotes': JSON.stringify(pem),
  'on one line': JSON.stringify(pem.replaceAll('\n', ' ')),
};

describe('a pasted key', () => {
  for (const [what, written] of Object.entries(notations)) {
    for (const key of ['certificate', 'privateKey']) {
      test(`${what} as ${key}`, () => {
        const other = key === 'certificate' ? 'privateKey' : 'certificate';
        const text = `apiVersion: postern/v1\nmesh: {name: a, trustDomain: a.example}\nidentity:\n  issuer:\n    ${other}: x.pem\n    ${key}: ${written}\n`;
        const parsed = parseConfig(text);
        const said = toDiagnostics(parsed.findings, parsed, text, 'a.yaml').map(formatDiagnostic).join('\n');
        assert.ok(parsed.findings.some(({ code, path }) => code === 'INVALID_VALUE' && path.at(-1) === key));
        for (const line of body) assert.ok(!said.includes(line.slice(0, 16)), said);
      });
    }
  }
});
