// Which keys a CA may have: what Envoy's TLS library can verify, and nothing weaker than 112 bits.
// In: keys of node:crypto and of the openssl command. Out: fine, or not.

import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { keyWeakness } from '../../src/trust/keys.ts';
import { type KeyKind, Openssl } from '../support/openssl.ts';

const openssl = new Openssl();
after(() => openssl.close());

const weaknessOf = (kind: KeyKind): string | undefined =>
  keyWeakness(createPublicKey(readFileSync(openssl.newKey(kind))));

describe('a key', () => {
  for (const kind of ['rsa2048', 'p256', 'p384', 'p521', 'ed25519'] as const)
    test(`of the kind ${kind} is good`, () => assert.equal(weaknessOf(kind), undefined));

  for (const kind of ['rsa1024', 'rsa2047', 'rsaPss', 'p224', 'secp256k1', 'brainpool', 'ed448'] as const)
    test(`of the kind ${kind} is not`, () => assert.equal(typeof weaknessOf(kind), 'string'));

  test('for signatures of another age, or for none, is not', () => {
    const dsa = generateKeyPairSync('dsa', { modulusLength: 2048, divisorLength: 256 });
    for (const { publicKey } of [dsa, generateKeyPairSync('x25519'), generateKeyPairSync('x448')])
      assert.equal(typeof keyWeakness(publicKey), 'string');
  });
});
