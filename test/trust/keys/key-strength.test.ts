// Which keys a CA may have: those that Envoy's TLS library can verify, and none weaker than 112 bits.
// The keys come from node:crypto and from the openssl command.

import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { keyWeakness } from '../../../src/trust/keys/key-strength.ts';
import { type KeyKind, Openssl } from '../../support/programs/openssl.ts';

const openssl = new Openssl();
after(() => openssl.close());

const weaknessOf = (kind: KeyKind): string | undefined =>
  keyWeakness(createPublicKey(readFileSync(openssl.newKey(kind))));

describe('a key', () => {
  for (const kind of ['rsa2048', 'p256', 'p384', 'p521', 'ed25519'] as const)
    test(`A key of the kind ${kind} is accepted`, () => assert.equal(weaknessOf(kind), undefined));

  for (const kind of ['rsa1024', 'rsa2047', 'rsaPss', 'p224', 'secp256k1', 'brainpool', 'ed448'] as const)
    test(`A key of the kind ${kind} is refused`, () => assert.equal(typeof weaknessOf(kind), 'string'));

  test('An RSA key is refused for an exponent that gives no protection or that Envoy does not take, and beyond 8192 bits', () => {
    const rsa = (bits: number, exponent: string): string | undefined => {
      const modulus = Buffer.alloc(bits / 8, 0xff).toString('base64url');
      const e = Buffer.from(exponent, 'hex').toString('base64url');
      return keyWeakness(createPublicKey({ key: { kty: 'RSA', n: modulus, e }, format: 'jwk' }));
    };
    for (const exponent of ['03', '11', '010001', '01ffffffff']) assert.equal(rsa(2048, exponent), undefined, exponent);
    for (const exponent of ['01', '02', '010000', '0200000001', '01'.repeat(16)])
      assert.equal(typeof rsa(2048, exponent), 'string', exponent);
    assert.equal(rsa(8192, '010001'), undefined);
    assert.equal(typeof rsa(8200, '010001'), 'string');
  });

  test('A key for obsolete signatures, or for none, is refused', () => {
    const dsa = generateKeyPairSync('dsa', { modulusLength: 2048, divisorLength: 256 });
    for (const { publicKey } of [dsa, generateKeyPairSync('x25519'), generateKeyPairSync('x448')])
      assert.equal(typeof keyWeakness(publicKey), 'string');
  });
});
