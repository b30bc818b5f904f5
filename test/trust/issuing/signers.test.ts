// The signer of a certificate, whatever its names: computed from an ECDSA signature, or found by trying keys, and cached.
// Keys of every kind sign certificates for keys of every kind.

import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, sign, X509Certificate } from 'node:crypto';
import { describe, test } from 'node:test';
import { recoverKeys } from '../../../src/trust/keys/ecdsa-recovery.ts';
import { isSelfSigned, signerSteps, signersAmong } from '../../../src/trust/keys/signers.ts';
import { type Certificate, parseCertificate, sha256 } from '../../../src/trust/x509/certificate.ts';
import { signCertificate } from '../../../src/trust/x509/certificate-writer.ts';

const KINDS = {
  p256: () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' }),
  p384: () => generateKeyPairSync('ec', { namedCurve: 'secp384r1' }),
  p521: () => generateKeyPairSync('ec', { namedCurve: 'secp521r1' }),
  ed25519: () => generateKeyPairSync('ed25519'),
  rsa: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
} as const;

interface Pair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** A CA with a name that is nobody else's. */
function ca({ publicKey, privateKey }: Pair, signer?: Pair): Certificate {
  const times = { notBefore: Date.UTC(2026, 0), notAfter: Date.UTC(2036, 0) };
  const name = `CA ${Math.random()}`;
  const signedBy = { privateKey: signer?.privateKey ?? privateKey };
  const fields = { serial: '4a', commonName: name, ...times, publicKey, isCa: true, uris: [], signer: signedBy };
  return parseCertificate(signCertificate(fields));
}

const fingerprint = (key: KeyObject): string => sha256(key.export({ type: 'spki', format: 'der' }));
const keysOf = (pairs: readonly Pair[]): ReadonlyMap<string, KeyObject> =>
  new Map(pairs.map(({ publicKey }) => [fingerprint(publicKey), publicKey]));

describe('the signers of a certificate', () => {
  // Two of each kind, so that a key of the right kind is not enough.
  const pairs = Object.values(KINDS).flatMap((make): readonly Pair[] => [make(), make()]);

  test('The signers of a certificate are the keys under which node:crypto verifies it, for every kind of signer, whatever its names', () => {
    for (const signer of pairs) {
      const certificate = ca(KINDS.p256(), signer);
      const expected = pairs.filter(({ publicKey }) => new X509Certificate(certificate.der).verify(publicKey));
      assert.equal(expected.length, 1);
      assert.deepEqual(
        signersAmong(certificate, keysOf(pairs)),
        expected.map(({ publicKey }) => fingerprint(publicKey)),
      );
      assert.deepEqual(signersAmong(certificate, keysOf(pairs.filter((pair) => pair !== signer))), []);
      assert.equal(isSelfSigned(certificate), false);
    }
  });

  test('The signers of a certificate are found among keys that came later: a verdict is about one key', () => {
    for (const signer of pairs) {
      const certificate = ca(KINDS.p256(), signer);
      assert.deepEqual(signersAmong(certificate, new Map()), []);
      assert.deepEqual(signersAmong(certificate, keysOf([signer])), [fingerprint(signer.publicKey)]);
    }
  });

  test('The signer of a certificate that signed itself is its own key alone', () => {
    for (const pair of pairs) {
      const certificate = ca(pair);
      assert.equal(isSelfSigned(certificate), true);
      assert.deepEqual(signersAmong(certificate, keysOf(pairs)), [fingerprint(pair.publicKey)]);
    }
  });
});

test('Between two steps at most one key is tried, and after the steps none is, however many keys there are', (t) => {
  const verify = t.mock.method(X509Certificate.prototype, 'verify');
  const tried = (work: () => unknown): number => {
    const before = verify.mock.callCount();
    work();
    return verify.mock.callCount() - before;
  };
  for (const kind of ['p256', 'p521', 'ed25519', 'rsa'] as const) {
    const pairs = Array.from({ length: 5 }, KINDS[kind]);
    const certificate = ca(KINDS.p256(), pairs[4]);
    const keys = keysOf(pairs);
    const steps = signerSteps(certificate, keys);
    const counts: number[] = [];
    for (let done: boolean | undefined; !done; )
      counts.push(
        tried(() => {
          ({ done } = steps.next());
        }),
      );
    // Its own key, and each that can have signed it: an ECDSA signature says which ones.
    const candidates = kind === 'p256' || kind === 'p521' ? 1 : 5;
    assert.equal(Math.max(...counts), 1, kind);
    assert.equal(
      counts.reduce((sum, count) => sum + count),
      1 + candidates,
      kind,
    );
    assert.equal(
      tried(() => signersAmong(certificate, keys)),
      0,
      kind,
    );
  }
});

describe('the keys that are computed from a signature', () => {
  test('The keys that are computed from a signature hold the one that made it, for every curve and digest, many times', () => {
    for (const curve of ['prime256v1', 'secp384r1', 'secp521r1'])
      for (const digest of ['sha1', 'sha224', 'sha256', 'sha384', 'sha512'])
        for (let round = 0; round < 8; round += 1) {
          const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: curve });
          const bytes = Buffer.from(`${curve} ${digest} ${round}`);
          const raw = sign(digest, bytes, { key: privateKey, dsaEncoding: 'ieee-p1363' });
          const half = raw.length / 2;
          const number = (part: Buffer): bigint => BigInt(`0x${part.toString('hex')}`);
          const keys = recoverKeys(digest, bytes, { r: number(raw.subarray(0, half)), s: number(raw.subarray(half)) });
          const info = publicKey.export({ type: 'spki', format: 'der' });
          assert.ok(
            keys.some((key) => key.equals(info)),
            `${curve} ${digest}`,
          );
          assert.ok(keys.length <= 4);
        }
  });

  test('The keys that are computed from a signature are none for numbers that are no signature', () => {
    for (const numbers of [
      { r: 0n, s: 1n },
      { r: 1n, s: 0n },
      { r: 2n ** 600n, s: 2n ** 600n },
      { r: 5n, s: 5n },
    ])
      assert.deepEqual(recoverKeys('sha256', Buffer.from('a'), numbers), []);
  });
});
