// Tests that a private key pasted in the place of a file name is refused, and repeated in no diagnostic.
// Must not: hold a key as text.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import { loadConfig } from '../../../src/config/files/load.ts';
import { parseConfig } from '../../../src/config/parse.ts';
import { toDiagnostics } from '../../../src/config/placement.ts';
import { quote } from '../../../src/config/schema/values/string-checks.ts';
import { formatDiagnostic } from '../../../src/errors.ts';
import { folder } from './folder.ts';

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

const der = privateKey.export({ type: 'pkcs8', format: 'der' });
const groups = (text: string, size: number): readonly string[] => text.match(new RegExp(`.{1,${size}}`, 'g')) ?? [];
const hex = groups(der.toString('hex'), 2);
const base64 = der.toString('base64');
const lines = body.join('\n      ');
/** Notations without the lines that say what it is. */
const bare: Readonly<Record<string, string>> = {
  'base64 on one line': body.join(''),
  'base64 in lines': `|\n      ${lines}`,
  'folded base64': `>-\n      ${lines}`,
  'base64 of PKCS#8': der.toString('base64'),
  base64url: `"${der.toString('base64url')}"`,
  hex: `"${der.toString('hex')}"`,
  'hex in upper case': `"${der.toString('hex').toUpperCase()}"`,
  'hex with colons': `"${der.toString('hex').replaceAll(/(..)(?=.)/g, '$1:')}"`,
  'hex with spaces': `"${hex.join(' ')}"`,
  'hex in groups of eight': `"${groups(hex.join(''), 8).join(' ')}"`,
  'hex with dashes': `"${hex.join('-')}"`,
  'an array of a program': `"${hex.map((byte) => `0x${byte}`).join(', ')}"`,
  'escaped bytes': `"${hex.map((byte) => `\\\\x${byte}`).join('')}"`,
  'decimal numbers': `"${[...der].join(', ')}"`,
  'base64 in groups of four': `"${groups(base64, 4).join(' ')}"`,
  'base64 in groups of eight': `"${groups(base64, 8).join(' ')}"`,
  'base64 in lines of twenty': `"${groups(base64, 20).join(' ')}"`,
  'base64 with line ends as JSON writes them': `"${groups(base64, 56).join('\\\\n')}"`,
  'base64 with line ends as URLs write them': `"${groups(base64, 20).join('%0A')}"`,
  'behind long words': `"certificates verification a-label-of-a-host-name-that-is-long ${base64}"`,
  'hex digits that look like a number': '123456789012345678901234567890',
  'after a word': `"key: ${body.join(' ')}"`,
  'as the key of a map': `{${body.join('')}: x}`,
  'behind an anchor': `&${body.join('')} x`,
  'an alias': `*${body.join('')}`,
  'behind a tag': `!${body.join('')} x`,
  'behind a quote that is not closed': `"${body.join('')}`,
  'in a list': `[${body.join('')}]`,
};
/** Where somebody might put it. */
const fields: Readonly<Record<string, (key: string) => string>> = {
  'the private key': (key) => `identity:\n  issuer:\n    certificate: x.pem\n    privateKey: ${key}\n`,
  'the certificate': (key) => `identity:\n  issuer:\n    privateKey: x.pem\n    certificate: ${key}\n`,
  'a key on the gateway': (key) => `identity:\n  files:\n    certificate: /x.pem\n    privateKey: ${key}\n`,
  'an unknown key': (key) =>
    `identity:\n  issuer:\n    certificate: x.pem\n    privateKey: y.pem\n    password: ${key}\n`,
  'a trust bundle': (key) =>
    `${ISSUER}peers:\n  b:\n    trustDomain: b.example\n    gatewayIdentities: [a]\n    trustBundle: ${key}\n`,
  'a name': (key) =>
    `${ISSUER}peers:\n  b:\n    trustDomain: ${key}\n    gatewayIdentities:\n    - ${key}\n    sni: ${key}\n`,
  'a backend': (key) => `${ISSUER}exports:\n- name: ${key}\n  backend: ${key}\n  consumers:\n  - peer: ${key}\n`,
  'a peer': (key) => `${ISSUER}gateways: {egress: {address: 127.0.0.1}}\nimports:\n- peer: ${key}\n  as: ${key}\n`,
};
const ISSUER = 'identity: {issuer: {certificate: x.pem, privateKey: y.pem}}\n';

/** What stands between the parts of a key in one notation or another. */
function withoutMarks(text: string): string {
  return text.toLowerCase().replaceAll(/^"?key: |^"certificates.*long |\\+[nx]|%0a|0x(?=[0-9a-f]{2})|[^\w+/=]/g, '');
}

describe('a key without its PEM lines', () => {
  for (const [where, around] of Object.entries(fields)) {
    for (const [what, key] of Object.entries(bare)) {
      test(`A key without PEM lines, ${what}, in the place of ${where} is repeated nowhere`, async (t) => {
        const text = `apiVersion: postern/v1\nmesh: {name: a, trustDomain: a.example}\n${around(key)}`;
        const loaded = await loadConfig(folder(t).write('postern.yaml', text), { inline: true });
        const diagnostics = loaded.diagnostics();
        const said = [...diagnostics.map(formatDiagnostic), JSON.stringify(diagnostics)].join('\n').toLowerCase();
        assert.ok(diagnostics.length > 0);
        const secret = withoutMarks(key);
        const heard = withoutMarks(said);
        for (let at = 0; at + 12 <= secret.length; at += 4)
          assert.ok(!heard.includes(secret.slice(at, at + 12)), `${secret.slice(at, at + 12)} in ${said}`);
      });
    }
  }

  test('A text that is no key is repeated as it is', () => {
    for (const plain of [
      'reviews.default.svc.cluster.local',
      'etc/gateway/certificates/tls.pem',
      'a-label-of-a-host-name-that-is-long',
      '2001:0db8:85a3:0000:0000:8a2e:0370:7334',
      '1b4e28ba-2fa1-11d2-883f-0016d3cca427',
      'gateway/ingress-eu-west-1, gateway/egress-eu-west-1',
      'what this one says is fine: each word has four letters, as some texts have',
      'GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS',
    ])
      assert.equal(quote(plain), `"${plain}"`);
    assert.equal(quote('a'.repeat(23)), `"${'a'.repeat(23)}"`);
    assert.equal(quote('a'.repeat(24)), '"…"');
  });
});

describe('a pasted key', () => {
  for (const [what, written] of Object.entries(notations)) {
    for (const key of ['certificate', 'privateKey']) {
      test(`A pasted key ${what} as ${key} is refused and repeated nowhere`, () => {
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
