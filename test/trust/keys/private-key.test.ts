// A private key cannot be printed by accident: not in text, JSON or a log, nor as part of an issuer or an identity.
// Every value that holds a key is turned into text in each way, and the text is searched for the key.

import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { describe, test } from 'node:test';
import { format, inspect } from 'node:util';
import pino from 'pino';
import { GatewayIdentities } from '../../../src/trust/issuing/identities.ts';
import { createCa, issueLeaf } from '../../../src/trust/issuing/issue.ts';
import { parseIssuer } from '../../../src/trust/issuing/issuer.ts';
import { PrivateKeyPem } from '../../../src/trust/keys/private-key.ts';
import { spiffeId, type TrustDomain } from '../../../src/trust/spiffe.ts';

const DOMAIN = 'a.example' as TrustDomain;
const NOW = Date.UTC(2026, 10, 25);
const ID = spiffeId(DOMAIN, 'gateway/ingress');

const ca = createCa({ commonName: 'CA', trustDomain: DOMAIN, now: NOW, lifetimeSeconds: 86400 });
const { issuer } = parseIssuer(Buffer.from(ca.certificate), Buffer.from(ca.privateKey.reveal()), DOMAIN, NOW);
assert.ok(issuer);
const issued = issueLeaf({ issuer, id: ID, now: NOW, lifetimeSeconds: 3600 });
const identities = new GatewayIdentities();
identities.ensure(issuer, 3600, [{ role: 'ingress', peer: 'p', trustDomain: 'p.example', id: ID }], NOW);
const held = identities.get('ingress', 'p');
assert.ok(held);

/** Everything that turns a value into text. */
function texts(value: unknown): readonly string[] {
  const logged: string[] = [];
  pino({}, { write: (line: string) => void logged.push(line) }).info({ value }, 'value %o', value as object);
  return [
    String(value),
    `${JSON.stringify(value)}`,
    inspect(value, { depth: null, showHidden: true, getters: true }),
    inspect(value, { customInspect: false, depth: null, showHidden: true }),
    format('%s %o %O %j', value, value, value, value),
    JSON.stringify(Object.entries(value as object)),
    JSON.stringify({ ...(value as object) }),
    new Error('a cause', { cause: value }).stack ?? '',
    inspect(new Error('a cause', { cause: value })),
    ...logged,
  ];
}

/** What must not appear: the lines of the PEM, the DER in hex and in decimal, and the secret number itself. */
function traces(pem: string): readonly string[] {
  const key = createPrivateKey(pem);
  const der = key.export({ type: 'pkcs8', format: 'der' });
  const secret = Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url');
  const lines = pem.split('\n').filter((line) => line !== '' && !line.startsWith('-----'));
  const forms = (bytes: Buffer): readonly string[] => [bytes.toString('hex'), [...bytes.subarray(0, 8)].join(',')];
  return [...lines, ...forms(der), ...forms(secret), secret.toString('base64url'), 'PRIVATE KEY'];
}

describe('a private key is not in any text of', () => {
  const values: readonly (readonly [string, unknown, PrivateKeyPem])[] = [
    ['a key', new PrivateKeyPem(ca.privateKey.reveal()), ca.privateKey],
    ['a new CA', ca, ca.privateKey],
    ['an issuer', issuer, ca.privateKey],
    ['a new leaf', issued, issued.privateKey],
    ['the identities of gateways', identities, held.privateKey],
    ['one identity', held, held.privateKey],
    ['the list of identities', identities.list(), held.privateKey],
  ];
  for (const [what, value, key] of values) {
    test(`No text made of ${what} holds the key`, () => {
      for (const text of texts(value))
        for (const trace of traces(key.reveal())) assert.ok(!text.includes(trace), `${what}: ${text}`);
    });
  }
});

test('A private key prints as [redacted], and only reveal returns it', () => {
  const key = new PrivateKeyPem('the content');
  assert.deepEqual([String(key), JSON.stringify(key), inspect(key)], ['[redacted]', '"[redacted]"', '[redacted]']);
  assert.equal(key.reveal(), 'the content');
});

test('What is wrong with the key of an issuer is told without the key', () => {
  const pem = ca.privateKey.reveal();
  const body = pem.replace(/-----.*-----|\n/g, '');
  const wrong = [pem.replace('BEGIN', 'BEGI'), pem.slice(0, -60), body, `{"key":"${body}"}`, pem.replaceAll('A', '#')];
  for (const text of wrong) {
    const { issuer: none, findings } = parseIssuer(Buffer.from(ca.certificate), Buffer.from(text), DOMAIN, NOW);
    assert.equal(none, undefined);
    assert.ok(findings.length > 0);
    for (let at = 0; at + 12 < body.length; at += 12)
      assert.ok(!JSON.stringify(findings).includes(body.slice(at, at + 12)));
  }
});
