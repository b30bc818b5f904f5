// Private keys in a trust bundle's file: found however they are written, and never mistaken for what files of certificates hold besides.
// The keys are made by the openssl command and put beside certificates.

import assert from 'node:assert/strict';
import { createHash, createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { parseTrustBundle } from '../../../src/trust/bundle.ts';
import type { TrustDomain } from '../../../src/trust/spiffe.ts';
import { type Made, Openssl, WHILE_VALID } from '../../support/programs/openssl.ts';

const openssl = new Openssl();
after(() => openssl.close());

const DOMAIN = 'a.example' as TrustDomain;
const ca = openssl.ca(DOMAIN);
const next = openssl.ca(DOMAIN, { commonName: 'next' });

const parse = (text: string) => parseTrustBundle(Buffer.from(text), DOMAIN, WHILE_VALID);

function accepts(text: string, expected: Made): void {
  const { bundle, findings } = parse(text);
  assert.deepEqual([bundle?.pem, findings], [expected.pem, []], text);
}

/** For the one reason, without a word of the key. */
function refuses(text: string, key: string): void {
  const { bundle, findings, isUnreadable } = parse(text);
  assert.deepEqual(
    [bundle, isUnreadable, findings.map(({ code }) => code)],
    [undefined, true, ['BUNDLE_HOLDS_KEY']],
    text,
  );
  const said = JSON.stringify(findings);
  for (const run of key.match(/[A-Za-z0-9+/=]{16,}/g) ?? []) assert.ok(!said.includes(run));
}

/** One key or another, in each way that PEM has to write it. */
const keyForms = (): readonly string[] => [
  ca.keyPem,
  openssl.run('ec', '-in', ca.keyFile),
  openssl.run('pkcs8', '-topk8', '-in', ca.keyFile, '-passout', 'pass:secret'),
  ...(['ed25519', 'rsa2048', 'p521'] as const).map((kind) => readFileSync(openssl.newKey(kind), 'utf8')),
  openssl.run('rsa', '-in', openssl.newKey('rsa2048'), '-traditional'),
];

describe('a private key in a trust bundle', () => {
  test('A private key in a trust bundle is found without its PEM lines, and with broken ones', () => {
    for (const form of keyForms()) {
      const lines = form.trim().split('\n');
      const der = Buffer.from(lines.filter((line) => /^[A-Za-z0-9+/=]+$/.test(line)).join(''), 'base64');
      const body = lines.slice(1, -1).join('\n');
      const hex = der.toString('hex');
      for (const text of [
        body,
        body.replace(/^/gm, '# '),
        `key: ${der.toString('base64')}`,
        JSON.stringify({ key: `\n${body}` }),
        form.replaceAll('-----', '----'),
        form.replaceAll('-----', ''),
        form.replaceAll(/-----.*-----/g, '----'),
        ...(form.includes('ENCRYPTED') ? [] : [hex, hex.replaceAll(/(..)/g, '$1:'), hex.replaceAll(/(..)/g, '0x$1, ')]),
      ])
        for (const file of [`${text}\n${ca.pem}`, `${ca.pem}${text}\n`, `${ca.pem}${text}\n${next.pem}`])
          refuses(file, text);
      refuses(`${ca.pem}${form.replaceAll(/(BEGIN|END) .*KEY/g, '$1 CERTIFICATE')}`, body);
    }
    const printed = openssl.run('pkey', '-in', ca.keyFile, '-text', '-noout');
    const ssh = Buffer.from('openssh-key-v1\0none').toString('base64');
    const jwk = createPrivateKey(ca.keyPem).export({ format: 'jwk' });
    for (const text of [printed, ssh, JSON.stringify(jwk), JSON.stringify(jwk, null, 2)])
      refuses(`${text}\n${ca.pem}`, text);
  });

  test('A private key in a trust bundle is found in every form of PEM, alone or beside a CA', () => {
    for (const key of keyForms()) for (const text of [key, ca.pem + key, key + ca.pem]) refuses(text, key);
  });
});

test('What tools print about certificates, in base64 or hex, is no private key', () => {
  const shared = openssl.run('pkey', '-in', ca.keyFile, '-pubout', '-text');
  for (const made of [ca, openssl.ca(DOMAIN, { key: 'rsa2048' }), openssl.ca(DOMAIN, { key: 'ed25519' })]) {
    const hex = made.der.toString('hex');
    for (const comment of [
      openssl.run('x509', '-in', made.certificateFile, '-noout', '-text', '-fingerprint', '-sha256', '-modulus'),
      shared.replaceAll(/-----.*-----/g, ''),
      made.pem.replace(/^/gm, '# '),
      made.pem.replaceAll(/-----.*-----/g, ''),
      `pin-sha256="${createHash('sha256').update(made.der).digest('base64')}"`,
      hex,
      hex.replaceAll(/(..)/g, '$1 '),
      'never put a private key here',
    ])
      accepts(`${comment}\n${ca.pem}${comment}\n`, ca);
  }
});
